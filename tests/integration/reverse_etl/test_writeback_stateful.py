"""People edit, merge and opt out while plans are made, applied, interrupted and read back, in any order.

Hypothesis writes the stories; a real portal over HTTP plays the CRM. Once a story has settled (read, planned, applied),
the CRM holds what we want where we own it, every human's value stands, nobody who opted out is on the list, and the
ledger says of every record what the CRM holds. In between, nobody is ever there twice.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from writeback_portal import Portal, Project
from writeback_worlds import CONTACTS_SYNC, HOT_LIST

from reverse_etl.applier import ApplyProgress
from reverse_etl.errors import StalePlanError
from reverse_etl.store import utc_now

PEOPLE = 6
BATCH = 2
_numbers = itertools.count()


class Crash(Exception):
    """The process ends here, whatever was under way."""


class WriteBack(RuleBasedStateMachine):
    """The model: what we want of whom, what people did, and which addresses belong to whom."""

    portal: Portal

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.tag = f"story{next(_numbers)}x"
        self.list_name = f"Leadhouse: {self.tag}"
        self.project = Project(self.folder, self.portal)
        self.meta = {
            "sync_contacts": {"sync": CONTACTS_SYNC},
            "list_hot": {"list": {**HOT_LIST, "name": self.list_name, "guards": {}}},
        }
        self.plan: Any = None

    @initialize(titles=st.lists(st.sampled_from([None, "Head of Supply"]), min_size=PEOPLE, max_size=PEOPLE))
    def begin(self, titles: list[str | None]) -> None:
        rows = [{"email": self.mail(i), **({"jobtitle": title} if title else {})} for i, title in enumerate(titles)]
        ids = self.portal.create("contacts", rows)
        #: Person -> record id in the CRM as last read; None: not there yet. Merged people go.
        self.ids: dict[int, str | None] = dict(enumerate(ids))
        self.wanted = dict.fromkeys(range(PEOPLE), 1)
        self.human_titles = {i: title for i, title in enumerate(titles) if title}
        self.filled: set[int] = set()
        self.opted_out: set[int] = set()
        self.merged: dict[str, str] = {}
        self.read()

    def mail(self, person: int) -> str:
        return f"{self.tag}{person}@x.example"

    # -- what happens -------------------------------------------------------------------------------------------

    @rule(data=st.data(), score=st.integers(0, 99))
    def score_changes(self, data: st.DataObject, score: int) -> None:
        self.wanted[data.draw(st.sampled_from(sorted(self.wanted)))] = score
        self.publish()

    @rule(score=st.integers(0, 99))
    @precondition(lambda self: len(self.wanted) < PEOPLE + 4)
    def somebody_new_is_known(self, score: int) -> None:
        person = max([*self.wanted, *self.ids]) + 1
        self.wanted[person], self.ids[person] = score, None
        self.publish()

    @rule(data=st.data(), score=st.integers(100, 199))
    def a_person_edits_our_score(self, data: st.DataObject, score: int) -> None:
        person = data.draw(st.sampled_from(self.there()))
        self.edit(person, {"leadhouse_score": str(score)}) if self.made_properties() else None

    @rule(data=st.data())
    @precondition(lambda self: bool(self.human_titles.keys() & set(self.there())))
    def a_person_edits_a_title(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(sorted(self.human_titles.keys() & set(self.there()))))
        self.human_titles[person] = f"Buyer {next(_numbers)}"
        self.edit(person, {"jobtitle": self.human_titles[person]})

    @rule(data=st.data())
    def a_person_opts_out(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.there()))
        self.opted_out.add(person)
        self.edit(person, {"hs_email_optout": "true"})

    @rule(data=st.data())
    @precondition(lambda self: len(self.there()) > 3)
    def two_records_are_merged(self, data: st.DataObject) -> None:
        kept, gone = data.draw(st.permutations(self.there()))[:2]
        body = {"primaryObjectId": self.ids[kept], "objectIdToMerge": self.ids[gone]}
        self.portal.call("POST", "/crm/v3/objects/contacts/merge", body)
        self.merged[str(self.ids[gone])] = str(self.ids[kept])
        title = self.human_titles.pop(gone, None)
        if title is not None and kept not in self.human_titles:
            self.filled.add(kept)
        if gone in self.opted_out:
            self.opted_out.discard(gone)
            self.opted_out.add(kept)
            self.edit(kept, {"hs_email_optout": "true"})
        del self.wanted[gone], self.ids[gone]

    @rule()
    def we_read_the_crm(self) -> None:
        self.read()

    @rule()
    def we_plan(self) -> None:
        self.plan = self.project.plan()

    @rule(groups=st.one_of(st.none(), st.integers(0, 3)))
    @precondition(lambda self: self.plan is not None)
    def we_apply(self, groups: int | None) -> None:
        """``groups`` landed groups of batches later the process crashes."""
        self.apply(self.plan, groups)

    @rule(groups=st.one_of(st.none(), st.integers(0, 2)))
    def all_settles(self, groups: int | None) -> None:
        self.read()
        self.apply(self.project.plan(), groups)
        self.read()
        self.apply(self.project.plan(), None)
        self.read()
        assert self.project.plan().changes == 0
        self.check()

    # -- how ----------------------------------------------------------------------------------------------------

    def there(self) -> list[int]:
        return sorted(person for person, record_id in self.ids.items() if record_id is not None)

    def made_properties(self) -> bool:
        found = self.portal.call("GET", "/crm/v3/properties/contacts")["results"]
        return "leadhouse_score" in {one["name"] for one in found}

    def edit(self, person: int, properties: dict[str, str]) -> None:
        body = {"properties": properties, "user_id": 77}
        self.portal.call("PATCH", f"/sandbox/objects/contacts/{self.ids[person]}", body)

    def apply(self, plan: Any, groups: int | None) -> None:
        landed = itertools.count()

        def crash(_state: ApplyProgress) -> None:
            if groups is not None and next(landed) >= groups:
                raise Crash

        try:
            done = self.project.apply(plan, approve=True, progress=crash, requests_in_flight=2)
            assert done.rejected == 0
        except (Crash, StalePlanError):
            pass

    def read(self) -> None:
        """What ingestion does: everything, as it is now; then a build publishes it."""
        self.read_at = utc_now()
        names = ("email", "jobtitle", "leadhouse_score", "leadhouse_grade", "hs_email_optout")
        every = self.portal.all_contacts(*names)
        self.observed = {i: held for i, held in every.items() if (held.get("email") or "").startswith(self.tag)}
        by_mail = {held["email"]: i for i, held in self.observed.items()}
        self.ids = {person: by_mail.get(self.mail(person)) for person in self.ids}
        self.known_opt_outs = set(self.opted_out)
        self.lists = {}
        self.members: dict[str, list[str]] = {}
        listed = self.listed()
        if listed is not None:
            self.lists, self.members = {listed[0]: self.list_name}, {listed[0]: sorted(listed[1])}
        self.known_ids = dict(self.ids)
        self.publish()

    def listed(self) -> tuple[str, set[str]] | None:
        page = self.portal.call("POST", "/crm/v3/lists/search", {"query": self.list_name, "count": 20})
        found = [one for one in page["lists"] if one["name"] == self.list_name]
        return (found[0]["listId"], self.portal.members(self.list_name)) if found else None

    def publish(self) -> None:
        contacts = [
            {"sync_key": f"k{person}", "record_id": self.known_ids.get(person), "email": self.mail(person),
             "is_opted_out": person in self.known_opt_outs, "lead_score": score, "lead_grade": "A",
             "title": "Our guess"}
            for person, score in self.wanted.items()
        ]  # fmt: skip
        hot = [row["record_id"] for row in contacts if row["record_id"] and not row["is_opted_out"]]
        gone = {old: {} for old in self.merged if old not in self.observed}
        self.project.publish(
            meta=self.meta, contacts=contacts, hot=hot, observed_contacts={**self.observed, **gone},
            merged={old: self.merged[old] for old in gone}, lists=self.lists, members=self.members,
            read_at=self.read_at,
        )  # fmt: skip

    # -- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_there_twice(self) -> None:
        if not hasattr(self, "ids"):
            return
        mails = Counter(held["email"] for held in self.now().values())
        assert all(count == 1 for count in mails.values())

    def now(self) -> dict[str, dict[str, str]]:
        every = self.portal.all_contacts("email", "jobtitle", "leadhouse_score")
        return {i: held for i, held in every.items() if (held.get("email") or "").startswith(self.tag)}

    def check(self) -> None:
        held = {one["email"]: one for one in self.now().values()}
        for person, score in self.wanted.items():
            if person not in self.opted_out:
                assert held[self.mail(person)]["leadhouse_score"] == str(score)
        for person, title in self.human_titles.items():
            assert held[self.mail(person)]["jobtitle"] == title
        listed = self.listed()
        members = listed[1] if listed is not None else set()
        assert members == {str(self.ids[p]) for p in self.wanted if p not in self.opted_out}
        self.check_ledger()

    def check_ledger(self) -> None:
        """The last value of ours that the CRM took, by its own history, is the last that the ledger says it took."""
        with self.project.store() as store:
            rows = [row for row in store.write_rows() if row["action"] in ("create", "update")]
        assert {row["outcome"] for row in rows} <= {"written", "suppressed"}
        last = {row["record_id"]: row["fields"] for row in rows if '"leadhouse_score"' in (row["fields"] or "")}
        for person in self.there():
            record = self.portal.call("GET", f"/sandbox/objects/contacts/{self.ids[person]}")
            taken = record.get("propertiesWithHistory", {}).get("leadhouse_score", [])
            ours = [one["value"] for one in taken if one["sourceType"] == "INTEGRATION"]
            if ours and self.ids[person] in last:
                assert f'"leadhouse_score":"{ours[0]}"' in last[self.ids[person]]

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def test_any_story_ends_well(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverse_etl.connectors.hubspot.HubSpotConnector.batch_size", BATCH)
    story = type("Story", (WriteBack,), {"portal": portal})
    run_state_machine_as_test(
        story,
        settings=settings(
            max_examples=8, stateful_step_count=10, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
