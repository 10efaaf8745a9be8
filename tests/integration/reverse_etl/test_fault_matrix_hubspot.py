"""Each fault at each phase of each object: what is written, what is refused, what it costs, and that nothing is lost.

One small world an object goes through plan and apply against the sandbox over HTTP, with one fault on one kind of
request. Waits are the connector's own, on a clock that only passes when somebody waits.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import requests
from writeback_portal import Portal, Project

from crm_access import CrmAccess
from crm_access.ratelimit import PortalBudget, TokenBucket
from reverse_etl.connectors import hubspot, transport
from reverse_etl.connectors.base import CrmType
from reverse_etl.connectors.hubspot import HubSpotConnector
from reverse_etl.errors import (
    AuthError,
    ConnectorError,
    PermissionDeniedError,
    QuotaExhaustedError,
    WritebackError,
)

#: Seconds a request may take in the cells where the answer comes later than that.
SHORT_TIMEOUT = 1.0

_tags = itertools.count(1)


# -- the worlds ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """One object's small world. ``requests``: what its first apply costs when nothing goes wrong."""

    sync: str
    changes: int
    requests: int


#: Contacts: 4 to change, 3 to create, one of whom somebody made meanwhile. The others: 3 each.
WORLDS = {
    "contacts": World("sync_contacts", 7, 10),
    "companies": World("sync_companies", 3, 5),
    "deals": World("sync_deals", 3, 5),
    "list": World("list_hot", 3, 4),
    "associations": World("associations", 3, 2),
}
FIELDS = 2


class Small:
    """The world of one cell: fresh records, properties, group and list, so that cells do not meet."""

    def __init__(self, project: Project, portal: Portal, kind: str) -> None:
        self.project, self.portal, self.kind = project, portal, kind
        self.tag = f"fm{next(_tags)}"
        self.group = {"name": f"{self.tag}_group", "label": "Group"}
        self.list_name = f"{self.tag} list"
        self.ids: list[str] = []
        self.meant: list[str] = []
        getattr(self, f"_{kind}")()
        portal.call("POST", "/sandbox/reset-stats")

    def _fields(self, column: str) -> list[dict[str, Any]]:
        shared = {"label": "L", "type": "number", "field_type": "number", "description": "d"}
        return [
            {"column": column, "property": f"{self.tag}_score", **shared},
            {"column": "sync_key", "property": f"{self.tag}_key", **shared, "type": "string", "field_type": "text"},
        ]

    def _sync(self, kind: str, column: str, **more: Any) -> dict[str, Any]:
        return {"destination": "hubspot", "object": kind, "mode": "update", "group": self.group,
                "fields": self._fields(column), "owner": "o", **more}  # fmt: skip

    def _contacts(self) -> None:
        emails = [f"{self.tag}.{i}@x.example" for i in range(7)]
        self.ids = self.portal.create("contacts", [{"email": email} for email in emails[:5]])
        known = self.ids[:4]
        self.meant = emails
        rows = [
            {"sync_key": f"{self.tag}k{i}", "record_id": known[i] if i < 4 else None, "email": email,
             "is_opted_out": False, "lead_score": Decimal(i)}
            for i, email in enumerate(emails)
        ]  # fmt: skip
        block = self._sync(
            "contacts", "lead_score", mode="upsert", match_on={"column": "email", "property": "email"},
            create_only_fields=[{"column": "email", "property": "email"}],
        )  # fmt: skip
        observed = {record_id: {"email": email} for record_id, email in zip(known, emails, strict=False)}
        self.project.publish(meta={"sync_contacts": {"sync": block}}, contacts=rows, observed_contacts=observed)

    def _companies(self) -> None:
        self.ids = self.portal.create("companies", [{"name": f"{self.tag} {i}"} for i in range(3)])
        rows = [{"sync_key": f"{self.tag}k{i}", "record_id": id_, "account_score": i} for i, id_ in enumerate(self.ids)]
        block = self._sync("companies", "account_score")
        self.project.publish(
            meta={"sync_companies": {"sync": block}}, companies=rows, observed_companies={id_: {} for id_ in self.ids}
        )

    def _deals(self) -> None:
        self.ids = self.portal.create("deals", [{"dealname": f"{self.tag} {i}"} for i in range(3)])
        self.project.publish(meta={"sync_deals": {"sync": self._sync("deals", "account_score")}})
        with duckdb.connect(str(self.project.current.resolve())) as connection:
            connection.execute("create table marts.sync_deals (sync_key varchar, record_id varchar, account_score int)")
            connection.execute(
                "create table marts.observed_hubspot_deals (record_id varchar, properties varchar, is_archived boolean,"
                " read_at timestamp, merged_into varchar, people_changed varchar)"
            )
            for i, id_ in enumerate(self.ids):
                connection.execute("insert into marts.sync_deals values (?, ?, ?)", [f"{self.tag}k{i}", id_, i])
                connection.execute(
                    "insert into marts.observed_hubspot_deals values (?, '{}', false, timestamp '2026-01-01', null, "
                    "'{}')", [id_],
                )  # fmt: skip

    def _list(self) -> None:
        self.ids = self.portal.create("contacts", [{"email": f"{self.tag}.{i}@x.example"} for i in range(3)])
        block = {"destination": "hubspot", "object": "contacts", "name": self.list_name, "purpose": "p", "owner": "o",
                 "consent": {"column": "is_opted_out", "rule": "not_opted_out"}}  # fmt: skip
        self.project.publish(
            meta={"list_hot": {"list": block}}, hot=self.ids, observed_contacts={id_: {} for id_ in self.ids}
        )

    def _associations(self) -> None:
        self.ids = self.portal.create("contacts", [{"email": f"{self.tag}.{i}@x.example"} for i in range(3)])
        self.meant = self.portal.create("companies", [{"name": f"{self.tag} {i}"} for i in range(3)])
        block = {"destination": "hubspot", "from_object": "contacts", "to_object": "companies", "from_id": "from_id",
                 "to_id": "to_id", "key": "sync_key", "owner": "o"}  # fmt: skip
        self.project.publish(
            meta={"associations": {"association": block}},
            pairs=[
                {"sync_key": person, "from_id": person, "to_id": firm}
                for person, firm in zip(self.ids, self.meant, strict=True)
            ],
            observed_contacts={id_: {} for id_ in self.ids},
            observed_companies={id_: {} for id_ in self.meant},
        )

    def state(self) -> list[Any]:
        """What the CRM holds of this world now, in the world's order."""
        if self.kind == "contacts":
            body = {"idProperty": "email", "inputs": [{"id": email} for email in self.meant],
                    "properties": ["email", *self._names()]}  # fmt: skip
            found = self.portal.call("POST", "/crm/v3/objects/contacts/batch/read", body)["results"]
            by_email = {r["properties"]["email"]: r["properties"] for r in found}
            return [self._values(by_email.get(email, {})) for email in self.meant]
        if self.kind in ("companies", "deals"):
            return [self._values(self.portal.held(self.kind, id_)) for id_ in self.ids]
        if self.kind == "list":
            return sorted(self.portal.members(self.list_name))
        return [self.portal.held("contacts", id_).get("associatedcompanyid") for id_ in self.ids]

    def wanted(self) -> list[Any]:
        """What it is to hold in the end."""
        if self.kind == "list":
            return sorted(self.ids)
        if self.kind == "associations":
            return self.meant
        return [(str(i), f"{self.tag}k{i}") for i in range(WORLDS[self.kind].changes)]

    def written(self) -> int:
        """How many of its records the CRM holds as wanted."""
        try:
            state = self.state()
        except (requests.HTTPError, KeyError):
            # The list was never made; the properties neither, so that nobody can hold them.
            return 0
        if self.kind == "list":
            return len(state)
        return sum(one == other for one, other in zip(state, self.wanted(), strict=True))

    def _names(self) -> tuple[str, str]:
        return f"{self.tag}_score", f"{self.tag}_key"

    def _values(self, held: Mapping[str, str]) -> tuple[str | None, ...]:
        return tuple(held.get(name) for name in self._names())


# -- the phases ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Phase:
    """One kind of request of one object's apply. ``column`` is the column of :data:`EXPECTED`; ``skip`` such requests
    pass before the one that meets the fault.

    Where apply stops there: ``before`` records are written, ``recorded`` of them known to the ledger (the others are
    found again), and the batch of ``behind`` records that follows is carried out as a whole or called back as a whole.
    """

    name: str
    world: str
    column: str
    method: str
    path: str
    skip: int = 0
    before: int = 0
    recorded: int = 0
    behind: int = 0


PHASES = [
    Phase("opt-outs", "contacts", "read", "POST", "/crm/objects/contacts/search$"),
    Phase("properties read", "contacts", "read", "GET", "/crm/properties/contacts$"),
    Phase("groups read", "contacts", "read", "GET", "/crm/properties/contacts/groups$"),
    Phase("group made", "contacts", "group", "POST", "/crm/properties/contacts/groups$"),
    Phase("properties made", "contacts", "properties", "POST", "/crm/properties/contacts/batch/create$"),
    Phase("lookup", "contacts", "lookup", "POST", "/crm/objects/contacts/batch/read$", behind=4),
    Phase("schema", "contacts", "schema", "GET", "/crm/schemas/contacts$", before=1, behind=4),
    Phase("create", "contacts", "create", "POST", "/crm/objects/contacts/batch/create$", before=1, behind=4),
    Phase("update", "contacts", "rows", "POST", "/crm/objects/contacts/batch/update$", skip=1, before=3, recorded=3),
    Phase("properties made", "companies", "properties", "POST", "/crm/properties/companies/batch/create$"),
    Phase("update", "companies", "rows", "POST", "/crm/objects/companies/batch/update$"),
    Phase("properties made", "deals", "properties", "POST", "/crm/properties/deals/batch/create$"),
    Phase("update", "deals", "rows", "POST", "/crm/objects/deals/batch/update$"),
    Phase("list found", "list", "read", "GET", "/crm/lists/object-type-id/"),
    Phase("list made", "list", "list", "POST", "/crm/lists$"),
    Phase("members", "list", "members", "PUT", "/memberships/add-and-remove$"),
    Phase("association", "associations", "rows", "POST", "/crm/associations/contacts/companies/"),
]

# -- the faults ------------------------------------------------------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "connection reset": {"effect": "reset"},
    "reset after the work": {"effect": "reset", "after": True},
    "half a body": {"effect": "truncate"},
    "a page instead of JSON": {"effect": "garble"},
    "slower than the time-out": {"latency_ms": 2000, "after": True},
    "503": {"status": 503},
    "502 after the work": {"status": 502, "after": True},
    "423": {"status": 423},
    "429 told": {"status": 429, "retry_after": 7},
    "429 untold": {"status": 429},
    "429 daily": {"status": 429, "policy": "DAILY", "retry_after": 3600},
    "401": {"status": 401},
    "403": {"status": 403},
    "400 for all": {"status": 400},
    "409 for all": {"status": 409},
    "a result missing": {"effect": "short"},
}

AUTH, SCOPE, QUOTA, REFUSED = AuthError, PermissionDeniedError, QuotaExhaustedError, ConnectorError
COLUMNS = ("read", "rows", "lookup", "create", "properties", "group", "list", "members", "schema")

#: The outcome of one fault at each column: how many requests more than usual until everything is written; or the error
#: that apply stops with, after which the next apply writes the rest.
_SEEN_AGAIN = FIELDS + 1
EXPECTED: dict[str, Sequence[int | type[ConnectorError]]] = {
    #                            read   rows lookup create properties  group    list     members schema
    "connection reset":         (1,     1,   1,     2,     1,          1,       1,       1,      1),
    "reset after the work":     (1,     1,   1,     1,     _SEEN_AGAIN, 1,      2,       1,      1),
    "half a body":              (1,     1,   1,     1,     _SEEN_AGAIN, 1,      2,       1,      1),
    "a page instead of JSON":   (1,     1,   1,     1,     _SEEN_AGAIN, 1,      2,       1,      1),
    "slower than the time-out": (1,     1,   1,     1,     _SEEN_AGAIN, 1,      2,       1,      1),
    "503":                      (1,     1,   1,     2,     1,          1,       1,       1,      1),
    "502 after the work":       (1,     1,   1,     1,     _SEEN_AGAIN, 1,      2,       1,      1),
    "423":                      (1,     1,   1,     1,     1,          1,       1,       1,      1),
    "429 told":                 (1,     1,   1,     1,     1,          1,       1,       1,      1),
    "429 untold":               (1,     1,   1,     1,     1,          1,       1,       1,      1),
    "429 daily":                (QUOTA,) * 9,
    "401":                      (AUTH,) * 9,
    "403":                      (*(SCOPE,) * 8, 0),
    # Rows are halved until only the bad ones fail: here none is. What concerns no row stops.
    "400 for all":              (REFUSED, 2, 2,     2,     REFUSED,    REFUSED, REFUSED, REFUSED, 0),
    # A conflict says that it is there: properties are made one by one then; a group is taken as there, which shows.
    "409 for all":              (REFUSED, 2, REFUSED, 2,   FIELDS,     REFUSED, REFUSED, REFUSED, 0),
    # The row that the answer says nothing of is asked about alone; a create is looked up.
    "a result missing":         (0,     1,   1,     1,     0,          0,       0,       0,      0),
}  # fmt: skip

#: An answered association is named from both ends: one missing entry hides nothing. Of a list that is not there yet the
#: status says all there is to say.
EXCEPTIONS: dict[tuple[str, str], int | type[ConnectorError]] = {
    ("a result missing", "association"): 0,
    ("a page instead of JSON", "list found"): 0,
}


class Clock:
    """Time that only passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The connector that apply opens waits on this clock; so does the applier."""
    clock = Clock()

    def open_portal(access: CrmAccess) -> HubSpotConnector:
        buckets = [TokenBucket(100_000, 10, clock=clock, sleep=clock.sleep) for _ in range(2)]
        budget = PortalBudget(buckets[0], search=buckets[1])
        return HubSpotConnector(access.base_url, access.credentials["token"], budget, sleep=clock.sleep)

    known = hubspot.CRM
    monkeypatch.setattr(hubspot, "CRM", CrmType(known.name, known.objects, known.property_name, open_portal))
    real = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (clock.waits.append(seconds), real(min(seconds, 0.01))))
    return clock


def counted(portal: Portal, at_least: int) -> int:
    """Requests that the portal counted. One that we gave up is counted when it has been worked off: wait for it."""
    until = time.monotonic() + 10
    while portal.requests() < at_least and time.monotonic() < until:
        time.sleep(0.01)
    return portal.requests()


def finished_rows(project: Project) -> list[dict[str, Any]]:
    """The ledger's rows that ended a planned change."""
    with project.store() as store:
        rows = list(store.write_rows())
    return [row for row in rows if row["sync_key"] is not None and row["write_id"].count(":") == 1]


@pytest.mark.parametrize("world", WORLDS)
def test_without_a_fault(project: Project, portal: Portal, clock: Clock, world: str) -> None:
    """What the matrix counts from."""
    small = Small(project, portal, world)
    plan = project.plan()
    assert plan.changes == WORLDS[world].changes
    done = project.apply(plan, requests_in_flight=1)
    assert (done.requests, done.rejected, done.unsent) == (WORLDS[world].requests, 0, 0)
    assert small.state() == small.wanted()
    assert clock.waits == []
    portal.call("POST", "/sandbox/reset-stats")
    again = project.plan()
    assert again.changes == 0
    assert project.apply(again).requests == project.apply(plan).requests == portal.requests() == 0


@pytest.mark.parametrize(
    ("phase", "fault"),
    [
        pytest.param(phase, fault, id=f"{phase.world}: {phase.name}: {fault}")
        for phase in PHASES
        for fault in FAULTS
        # Slowness is waited for in earnest: once a kind of request.
        if "latency_ms" not in FAULTS[fault] or phase is next(p for p in PHASES if p.column == phase.column)
    ],
)
def test_fault(
    project: Project, portal: Portal, clock: Clock, monkeypatch: pytest.MonkeyPatch, phase: Phase, fault: str
) -> None:
    small = Small(project, portal, phase.world)
    world = WORLDS[phase.world]
    expected = EXPECTED[fault][COLUMNS.index(phase.column)]
    expected = EXCEPTIONS.get((fault, phase.name), expected)
    plan = project.plan()
    portal.fault(method=phase.method, path=phase.path, skip=phase.skip, **FAULTS[fault])
    if "latency_ms" in FAULTS[fault]:
        monkeypatch.setattr(transport, "TIMEOUT", (5.0, SHORT_TIMEOUT))
    if isinstance(expected, int):
        done = project.apply(plan, requests_in_flight=1)
        assert (done.written, done.rejected, done.unsent) == (world.changes, 0, 0)
        assert done.requests == world.requests + expected
        assert done.requests == counted(portal, done.requests)
    else:
        with pytest.raises(WritebackError) as caught:
            project.apply(plan, requests_in_flight=1)
        assert type(caught.value) is expected
        assert portal.token not in str(caught.value)
        finished = len(finished_rows(project))
        assert finished in (phase.recorded, phase.recorded + phase.behind)
        assert small.written() == phase.before + finished - phase.recorded
        with project.store() as store:
            assert store.plan_row(plan.plan_id)["status"] == "failed"
        portal.call("POST", "/sandbox/faults", [])
        done = project.apply(plan, requests_in_flight=1)
        assert (done.written, done.rejected, done.unsent) == (world.changes - finished, 0, 0)
    if FAULTS[fault].get("retry_after") == 7 or fault == "423":
        assert max(clock.waits) == pytest.approx(7 if fault != "423" else 2, abs=0.6), "waited as told"

    # Nothing lost, nothing twice, nothing refused, and nothing left to do.
    assert small.state() == small.wanted()
    sent = finished_rows(project)
    assert len(sent) == len({row["sync_key"] for row in sent}) == world.changes
    with project.store() as store:
        assert store.dead_letter_rows() == []
    assert project.plan().changes == 0


# -- bad records -----------------------------------------------------------------------------------------------------


def many(project: Project, portal: Portal, count: int, bad: Sequence[int], value: str) -> tuple[list[str], str]:
    """So many contacts, the bad ones with a value of their own; the score is a text column that HubSpot wants a number
    for. Returns their ids and the property."""
    tag = f"fm{next(_tags)}"
    ids = portal.create("contacts", [{"email": f"{tag}.{i}@x.example"} for i in range(count)])
    block = {
        "destination": "hubspot", "object": "contacts", "mode": "update", "owner": "o",
        "group": {"name": f"{tag}_group", "label": "G"},
        "fields": [{"column": "lead_score", "property": f"{tag}_score", "label": "L", "type": "number",
                    "field_type": "number", "description": "d"}],
    }  # fmt: skip
    rows = [
        {"sync_key": f"{tag}k{i}", "record_id": id_, "lead_score": value if i in bad else str(i)}
        for i, id_ in enumerate(ids)
    ]
    project.publish(
        meta={"sync_contacts": {"sync": block}}, contacts=rows, observed_contacts={id_: {} for id_ in ids},
        columns={"lead_score": "varchar"},
    )  # fmt: skip
    portal.call("POST", "/sandbox/reset-stats")
    return ids, f"{tag}_score"


@pytest.mark.parametrize("effect", ["", "untraced"])
def test_a_tenth_of_the_rows_is_bad(project: Project, portal: Portal, clock: Clock, effect: str) -> None:
    """207: only the bad ones are dead letters, also where the errors name nobody (then they are asked about alone)."""
    bad = list(range(5, 300, 10))
    ids, name = many(project, portal, 300, bad, "seventy")
    if effect:
        portal.fault(path="/contacts/batch/update$", effect=effect, times=100)
    done = project.apply(project.plan(), requests_in_flight=2)
    assert (done.written, done.rejected, done.unsent) == (270, 30, 0)
    assert done.syncs[0].rejected_by_kind == {"validation": 30}
    with project.store() as store:
        letters = store.dead_letter_rows()
    assert {row["record_id"] for row in letters} == {ids[i] for i in bad}
    assert all("seventy" in row["error_message"] for row in letters)
    held = portal.all_contacts(name)
    assert [held[id_].get(name) for id_ in ids] == [None if i in bad else str(i) for i in range(300)]
    # opt-outs, properties, groups, group, property; three batches; the unnamed ones alone.
    assert done.requests == 5 + 3 + (30 if effect else 0)
    assert project.plan().changes == 0, "held until a value or the cause changes"


def test_ten_poison_rows_in_a_thousand_fail_alone(project: Project, portal: Portal, clock: Clock) -> None:
    """Each batch with one is refused as a whole (409): it is halved until only the poison is left."""
    bad = [3, 4, 104, 250, 251, 252, 399, 500, 777, 999]
    ids, name = many(project, portal, 1_000, bad, "-666")
    portal.fault(path="/contacts/batch/update$", status=409, body='"-666"', times=10_000)
    done = project.apply(project.plan(), requests_in_flight=2)
    assert (done.written, done.rejected, done.unsent) == (990, 10, 0)
    assert done.syncs[0].rejected_by_kind == {"conflict": 10}
    with project.store() as store:
        assert {row["record_id"] for row in store.dead_letter_rows()} == {ids[i] for i in bad}
    held = portal.all_contacts(name)
    assert [held[id_].get(name) for id_ in ids] == [None if i in bad else str(i) for i in range(1_000)]
    batches, halvings = 10, math.ceil(math.log2(100))
    assert done.requests <= 5 + batches + len(bad) * 2 * halvings, "the bound: two more per halving and poison row"


def test_a_list_that_somebody_deleted_is_made_again(project: Project, portal: Portal, clock: Clock) -> None:
    small = Small(project, portal, "list")
    project.apply(project.plan())
    list_id = portal.call("GET", f"/crm/v3/lists/object-type-id/0-1/name/{small.list_name}")["list"]["listId"]
    portal.call("DELETE", f"/crm/v3/lists/{list_id}")
    more = portal.create("contacts", [{"email": f"{small.tag}.new@x.example"}])
    meta = {"list_hot": {"list": {"destination": "hubspot", "object": "contacts", "name": small.list_name,
            "purpose": "p", "owner": "o", "consent": {"column": "is_opted_out", "rule": "not_opted_out"}}}}  # fmt: skip
    everyone = [*small.ids, *more]
    observed: dict[str, dict[str, str]] = {id_: {} for id_ in everyone}
    project.publish(meta=meta, hot=everyone, observed_contacts=observed)
    assert project.apply(project.plan()).list_adds == 1
    # Read again, the CRM has the new list with one member: the others are added.
    made = portal.call("GET", f"/crm/v3/lists/object-type-id/0-1/name/{small.list_name}")["list"]["listId"]
    assert made != list_id
    read = {
        "lists": {made: small.list_name},
        "members": {made: more},
        "read_at": datetime.now(UTC).replace(tzinfo=None),
    }
    project.publish(meta=meta, hot=everyone, observed_contacts=observed, **read)
    assert project.apply(project.plan()).list_adds == 3
    assert portal.members(small.list_name) == set(everyone)
