"""Every status and code Salesforce may answer, on every object, in every phase of an apply.

After a fault has passed and the plan was applied again, the org must hold exactly what was planned: nothing lost,
nothing twice, and only what Salesforce refused for good in the dead letters, under the right kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from writeback_org import HOT_LIST, OBJECTS, Org, OrgProject

from reverse_etl.errors import QuotaExhaustedError

#: Phase -> (method, path) of the requests that meet the fault.
PHASES = {
    "describe": ("GET", "/sobjects/Lead/describe"),
    "make a field": ("POST", "/tooling/sobjects/CustomField"),
    "grant": ("POST", "/sobjects/PermissionSet"),
    "opt-outs": ("GET", "/query"),
    "create": ("POST", "/composite/sobjects"),
    "update": ("PATCH", "/composite/sobjects"),
    "make the list": ("POST", "/sobjects/Campaign"),
}
#: Rows per object that the codes are tried on.
ROWS = 6


@pytest.fixture(scope="module")
def shared_org() -> Iterator[Org]:
    org = Org.start()
    org.make("Account", [{"Name": "Of deals"}])
    yield org
    org.stop()


@pytest.fixture
def org(shared_org: Org) -> Iterator[Org]:
    shared_org.reset()
    yield shared_org
    shared_org.faults()


_counter = iter(range(10_000))


def make(org: Org, name: str, tag: str, count: int) -> list[str]:
    rows: list[dict[str, Any]] = []
    for n in range(count):
        person = {"LastName": f"{tag} {n}", "Email": f"{tag}.{n}@example.com"}
        rows.append(
            {
                "leads": {**person, "Company": "C"},
                "contacts": person,
                "accounts": {"Name": f"{tag} {n}"},
                "opportunities": {"Name": f"{tag} {n}", "StageName": "Prospecting", "CloseDate": "2026-12-01"},
            }[name]
        )
    return org.make(OBJECTS[name], rows)


def wanted(ids: list[str], tag: str) -> list[dict[str, Any]]:
    return [{"sync_key": f"{tag}{n}", "record_id": i, "score": 20 + n, "grade": "A"} for n, i in enumerate(ids)]


def new(tag: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "sync_key": f"{tag}new{n}",
            "email": f"{tag}.new{n}@example.com",
            "last_name": f"{tag} new {n}",
            "score": 70 + n,
        }
        for n in range(count)
    ]


def check_org(org: Org, ids: list[str], tag: str, created: int) -> None:
    held = {i: org.held("Lead", i)["Leadhouse_Score__c"] for i in ids}
    assert held == {i: 20 + n for n, i in enumerate(ids)}
    found = org.query(f"SELECT Email, Leadhouse_Score__c FROM Lead WHERE Email LIKE '{tag}.new%'")
    assert sorted((r["Email"], r["Leadhouse_Score__c"]) for r in found) == [
        (f"{tag}.new{n}@example.com", 70 + n) for n in range(created)
    ]


# -- whole requests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("phase", list(PHASES))
def test_a_fault_of_requests_loses_and_doubles_nothing(tmp_path: Path, phase: str, status: int) -> None:
    org = Org.start()
    try:
        project = OrgProject(tmp_path, org)
        tag = "fault"
        ids = make(org, "leads", tag, 3)
        project.publish(rows={"leads": wanted(ids, tag) + new(tag, 3)}, hot=ids[:2])
        plan = project.plan()
        method, path = PHASES[phase]
        # Once for what passes; for ever for what does not.
        times = 1 if status != 403 else 100
        org.faults({"kind": "request", "method": method, "path": path, "status": status, "times": times})
        if status == 403:
            # Spent for the day: everything stops, and goes on when there is quota again.
            with pytest.raises(QuotaExhaustedError, match="daily request quota"):
                project.apply_at_once(plan)
        else:
            assert project.apply_at_once(plan).rejected == 0
        org.faults()
        assert project.apply_at_once(plan).unsent == 0
        check_org(org, ids, tag, 3)
        assert org.members(HOT_LIST["name"]) == set(ids[:2])
        assert project.dead_letters(state=None) == []
        assert project.plan().changes == 0
        campaigns = org.query(f"SELECT Id FROM Campaign WHERE Name = '{HOT_LIST['name']}'")
        assert len(campaigns) == 1
    finally:
        org.stop()


@pytest.mark.parametrize("status", [500, 503])
def test_a_create_that_was_carried_out_all_the_same_is_not_repeated(tmp_path: Path, org: Org, status: int) -> None:
    """The answer is lost, the records are there: the look-up before the second try finds them."""
    project = OrgProject(tmp_path, org)
    tag = f"lost{status}"
    project.publish(rows={"leads": new(tag, 4)})
    plan = project.plan()
    # Two of the four are there by the time the request fails, as after half an answer.
    org.faults({"kind": "request", "method": "POST", "path": "/composite/sobjects", "status": status, "times": 2})
    for n in range(2):
        fields = {"LastName": "There", "Company": "C", "Email": f"{tag}.new{n}@example.com"}
        org.call("POST", "/sandbox/objects/Lead", {"fields": fields})
    result = project.apply_at_once(plan)
    assert (result.written, result.rejected, result.creates) == (4, 0, 2)
    check_org(org, [], tag, 4)
    assert project.plan().changes == 0


# -- single records ----------------------------------------------------------------------------------------------------

CODES = {
    "UNABLE_TO_LOCK_ROW": "rate",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "permission",
    "INSUFFICIENT_ACCESS_OR_READONLY": "permission",
    "ENTITY_IS_DELETED": "missing",
    "INVALID_CROSS_REFERENCE_KEY": "missing",
    "DUPLICATES_DETECTED": "conflict",
    "DUPLICATE_VALUE": "conflict",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "validation",
    "STRING_TOO_LONG": "validation",
    "INVALID_EMAIL_ADDRESS": "validation",
    "REQUIRED_FIELD_MISSING": "validation",
    "NEVER_HEARD_OF_IT": "unknown",
}


@pytest.mark.parametrize("code", list(CODES))
@pytest.mark.parametrize("name", list(OBJECTS))
def test_a_refused_record_fails_alone_under_its_kind(tmp_path: Path, org: Org, name: str, code: str) -> None:
    project = OrgProject(tmp_path, org)
    tag = f"code{next(_counter)}"
    ids = make(org, name, tag, ROWS)
    project.publish(rows={name: wanted(ids, tag)})
    plan = project.plan()
    fields = ["Leadhouse_Score__c"] if CODES[code] == "permission" else []
    org.faults({"kind": "record", "action": "update", "code": code, "ids": ids[:2], "fields": fields})
    result = project.apply_at_once(plan)
    assert (result.written, result.rejected) == (ROWS - 2, 2)
    letters = project.dead_letters()
    assert {(letter["record_id"], letter["error_kind"]) for letter in letters} == {(i, CODES[code]) for i in ids[:2]}
    assert all(letter["error_message"].startswith(code) for letter in letters)
    if CODES[code] == "permission":
        assert all("edit access to the fields Leadhouse_Score__c" in letter["error_message"] for letter in letters)
    held = org.scores(OBJECTS[name])
    assert [held[i] for i in ids] == [None, None, *(20 + n for n in range(2, ROWS))]

    # The cause is gone. What the same values would meet again waits until it is asked for; the rest goes at once.
    org.faults()
    with project.store() as store:
        store.retry_dead_letters()
    result = project.apply_at_once(project.plan())
    assert (result.written, result.rejected) == (2, 0)
    held = org.scores(OBJECTS[name])
    assert [held[i] for i in ids] == [20 + n for n in range(ROWS)]
    assert project.dead_letters() == []
    assert project.plan().changes == 0


@pytest.mark.parametrize("code", ["UNABLE_TO_LOCK_ROW", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "INVALID_EMAIL_ADDRESS"])
def test_a_refused_new_record_fails_alone(tmp_path: Path, org: Org, code: str) -> None:
    project = OrgProject(tmp_path, org)
    tag = f"newcode{next(_counter)}"
    project.publish(rows={"leads": new(tag, 5)})
    org.faults({"kind": "record", "object": "Lead", "action": "create", "code": code, "times": 4})
    result = project.apply_at_once(project.plan())
    letters = project.dead_letters()
    if code == "UNABLE_TO_LOCK_ROW":
        assert (result.creates, result.rejected) == (5, 0)
    else:
        assert (result.creates, result.rejected) == (1, 4)
        assert {letter["error_kind"] for letter in letters} == {"validation"}
    org.faults()
    with project.store() as store:
        store.retry_dead_letters()
    project.apply_at_once(project.plan())
    check_org(org, [], tag, 5)
    assert project.dead_letters() == []


def test_a_duplicate_by_rule_that_no_look_up_finds_is_told(tmp_path: Path, org: Org) -> None:
    """The rule matches by more than the e-mail: a person decides, and the others are made."""
    project = OrgProject(tmp_path, org)
    tag = f"dup{next(_counter)}"
    project.publish(rows={"leads": new(tag, 3)})
    fault = {"kind": "record", "object": "Lead", "action": "create", "code": "DUPLICATES_DETECTED"}
    org.faults({**fault, "share": 0.5}, {**fault, "times": 1})
    result = project.apply_at_once(project.plan())
    refused = {letter["sync_key"] for letter in project.dead_letters()}
    assert {letter["error_kind"] for letter in project.dead_letters()} <= {"conflict"}
    assert (result.creates, result.rejected) == (3 - len(refused), len(refused))
    made = org.query(f"SELECT Email FROM Lead WHERE Email LIKE '{tag}.new%'")
    assert len(made) == result.creates


def test_a_lock_that_opens_is_waited_for(tmp_path: Path, org: Org) -> None:
    project = OrgProject(tmp_path, org)
    tag = f"lock{next(_counter)}"
    ids = make(org, "contacts", tag, ROWS)
    project.publish(rows={"contacts": wanted(ids, tag)})
    org.faults({"kind": "record", "action": "update", "code": "UNABLE_TO_LOCK_ROW", "once": True})
    assert project.apply_at_once(project.plan()).rejected == 0
    held = org.scores("Contact")
    assert [held[i] for i in ids] == [20 + n for n in range(ROWS)]


# -- Bulk jobs ---------------------------------------------------------------------------------------------------------

MANY = 2_050
JOB_PHASES = {
    "make the job": ("POST", "/jobs/ingest$"),
    "upload": ("PUT", "/batches"),
    "start": ("PATCH", "/jobs/ingest/"),
    "poll": ("GET", "/jobs/ingest/[^/]+$"),
    "successful": ("GET", "/successfulResults"),
    "failed": ("GET", "/failedResults"),
    "unprocessed": ("GET", "/unprocessedrecords"),
}


@pytest.fixture(scope="module")
def many(shared_org: Org) -> list[str]:
    shared_org.faults()
    people = [{"LastName": f"many {n}", "Email": f"many.{n}@example.com", "Company": "C"} for n in range(MANY)]
    return shared_org.make("Lead", people)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("phase", list(JOB_PHASES))
def test_a_fault_while_a_job_runs(tmp_path: Path, org: Org, many: list[str], phase: str, status: int) -> None:
    project = OrgProject(tmp_path, org)
    shift = next(_counter)
    rows = [{"sync_key": f"m{n}", "record_id": i, "score": shift * 10 + n % 9} for n, i in enumerate(many)]
    project.publish(rows={"leads": rows})
    plan = project.plan()
    method, path = JOB_PHASES[phase]
    times = 1 if status != 403 else 100
    org.faults({"kind": "request", "method": method, "path": path, "status": status, "times": times})
    if status == 403:
        with pytest.raises(QuotaExhaustedError):
            project.apply_at_once(plan)
    else:
        assert project.apply_at_once(plan).rejected == 0
    org.faults()
    assert project.apply_at_once(plan).unsent == 0
    held = org.scores("Lead")
    assert [held[i] for i in many] == [shift * 10 + n % 9 for n in range(MANY)]
    assert project.dead_letters(state=None) == []
    assert project.plan().changes == 0


@pytest.mark.parametrize("state", ["JobComplete", "Failed", "Aborted"])
def test_a_job_that_stops_early_is_finished(tmp_path: Path, org: Org, many: list[str], state: str) -> None:
    project = OrgProject(tmp_path, org)
    shift = next(_counter)
    rows = [{"sync_key": f"m{n}", "record_id": i, "score": shift * 10 + n % 9} for n, i in enumerate(many)]
    project.publish(rows={"leads": rows})
    org.faults({"kind": "job", "object": "Lead", "share": 0.4, "state": state})
    result = project.apply_at_once(project.plan())
    assert (result.written, result.rejected) == (MANY, 0)
    held = org.scores("Lead")
    assert [held[i] for i in many] == [shift * 10 + n % 9 for n in range(MANY)]


def test_a_job_whose_records_are_all_refused_is_accounted_for(tmp_path: Path, org: Org, many: list[str]) -> None:
    project = OrgProject(tmp_path, org)
    rows = [{"sync_key": f"m{n}", "record_id": i, "score": 3} for n, i in enumerate(many)]
    project.publish(rows={"leads": rows})
    org.faults({"kind": "record", "action": "update", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION"})
    result = project.apply_at_once(project.plan())
    assert (result.written, result.rejected) == (0, MANY)
    letters = project.dead_letters()
    assert len(letters) == MANY
    assert {letter["error_kind"] for letter in letters} == {"validation"}
