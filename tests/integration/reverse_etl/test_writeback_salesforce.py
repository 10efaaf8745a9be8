"""Write-back to the Salesforce sandbox: the whole path, Bulk jobs and kills, lists, associations, fields."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from writeback_org import ROOT, Org, OrgProject

from reverse_etl.connectors.base import RowWrite
from reverse_etl.connectors.salesforce import SalesforceConnector
from reverse_etl.errors import AuthError, ConnectorError, PermissionDeniedError
from reverse_etl.manifest import FieldSpec, GroupSpec


@pytest.fixture(scope="module")
def shared_org() -> Iterator[Org]:
    org = Org.start("--bulk-delay-ms", "50")
    yield org
    org.stop()


@pytest.fixture
def org(shared_org: Org) -> Org:
    shared_org.reset()
    return shared_org


@pytest.fixture
def project(tmp_path: Path, org: Org) -> OrgProject:
    return OrgProject(tmp_path, org)


@pytest.fixture
def connector(org: Org) -> Iterator[SalesforceConnector]:
    one = SalesforceConnector(org.access(), sleep=lambda s: time.sleep(min(s, 0.02)))
    yield one
    one.close()


def people(tag: str, count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"LastName": f"{tag} {n}", "Email": f"{tag}{n}@example.com", **fields} for n in range(count)]


def rows_of(ids: list[str], tag: str, score: float = 10) -> list[dict[str, Any]]:
    return [
        {"sync_key": f"{tag}{n}", "record_id": i, "score": score + n % 7, "grade": "B", "since": "2026-05-01"}
        for n, i in enumerate(ids)
    ]


def new_rows(tag: str, count: int) -> list[dict[str, Any]]:
    return [
        {"sync_key": f"{tag}{n}", "email": f"{tag}{n}@example.com", "last_name": f"{tag} {n}", "score": 50 + n}
        for n in range(count)
    ]


def test_the_whole_path_and_a_second_run(project: OrgProject, org: Org) -> None:
    leads = org.make("Lead", people("path", 3, Company="Acme"))
    (account,) = org.make("Account", [{"Name": "Path Ltd"}])
    contacts = org.make("Contact", people("pathc", 2))
    (deal,) = org.make(
        "Opportunity",
        [{"Name": "Path deal", "StageName": "Prospecting", "CloseDate": "2026-12-01", "AccountId": account}],
    )
    project.publish(
        rows={
            "leads": rows_of(leads, "path") + new_rows("pathnew", 2),
            "contacts": rows_of(contacts, "pathc"),
            "accounts": rows_of([account], "patha"),
            "opportunities": rows_of([deal], "patho"),
        },
        hot=[leads[0], contacts[0]],
        pairs=[(contacts[0], account)],
    )
    org.reset()
    plan = project.plan()
    assert org.stats()["by_path"] == {}
    result = project.apply(plan)
    assert (result.written, result.rejected, result.unsent) == (12, 0, 0)
    assert (result.creates, result.updates, result.list_adds) == (2, 7, 2)

    held = org.held("Lead", leads[1])
    assert (held["Leadhouse_Score__c"], held["Leadhouse_Grade__c"], held["Leadhouse_Stage_Since__c"]) == (
        11, "B", "2026-05-01",
    )  # fmt: skip
    (made,) = org.query(
        "SELECT Id, LastName, Company, Leadhouse_Score__c FROM Lead WHERE Email = 'pathnew1@example.com'"
    )
    assert (made["LastName"], made["Company"], made["Leadhouse_Score__c"]) == ("pathnew 1", "[not provided]", 51)
    assert org.held("Contact", contacts[0])["AccountId"] == account
    assert org.members("Leadhouse: hot") == {leads[0], contacts[0]}
    definition = org.query("SELECT Id, Type, IsActive FROM Campaign WHERE Name = 'Leadhouse: hot'")
    assert [(c["Type"], c["IsActive"]) for c in definition] == [("Leadhouse list", True)]

    # The ledger alone, then a new read of the org: nothing is left to do, and nothing is asked of it.
    again = project.plan()
    assert again.changes == 0
    org.reset()
    assert project.apply(again).requests == 0
    assert org.stats()["by_path"] == {}
    names = "Id, Leadhouse_Score__c, Leadhouse_Grade__c, Leadhouse_Stage_Since__c"
    observed = {
        name: {r["Id"]: r for r in org.query(f"SELECT {names}{email} FROM {sobject}")}
        for name, sobject, email in (
            ("leads", "Lead", ", Email"), ("contacts", "Contact", ", Email"), ("accounts", "Account", ""),
            ("opportunities", "Opportunity", ""),
        )
    }  # fmt: skip
    fresh = OrgProject(project.folder / "fresh", org)
    fresh.folder.mkdir()
    fresh.publish(
        rows={
            "leads": rows_of(leads, "path") + new_rows("pathnew", 2),
            "contacts": rows_of(contacts, "pathc"),
            "accounts": rows_of([account], "patha"),
            "opportunities": rows_of([deal], "patho"),
        },
        observed=observed,
        hot=[leads[0], contacts[0]],
        members={definition[0]["Id"]: sorted(org.members("Leadhouse: hot"))},
    )
    reread = fresh.plan()
    assert reread.changes == 0, reread.to_dict()["counts"]


def test_fields_are_made_once_typed_described_and_granted(org: Org, connector: SalesforceConnector) -> None:
    spec = [
        FieldSpec(column="a", property="Leadhouse_Fit__c", label="Fit", type="number", field_type="number",
                  description="Points of fit"),
        FieldSpec(column="b", property="Leadhouse_Words__c", label="Words", type="string", field_type="textarea"),
        FieldSpec(column="c", property="Leadhouse_Done__c", label="Done", type="bool", field_type="booleancheckbox"),
        FieldSpec(column="d", property="Leadhouse_Seen__c", label="Seen", type="datetime", field_type="date"),
        FieldSpec(column="e", property="Leadhouse_Kind__c", label="Kind", type="enumeration", field_type="select",
                  options=("hot", "cold")),
    ]  # fmt: skip
    made = connector.ensure_properties("leads", GroupSpec(), spec)
    assert made == [f.property for f in spec]
    for sobject in ("Lead", "Contact"):
        seen = {f["name"]: f for f in org.call("GET", f"/sobjects/{sobject}/describe")["fields"]}
        kinds = [seen[f.property]["type"] for f in spec]
        assert kinds == ["double", "textarea", "boolean", "datetime", "picklist"]
        assert all(seen[f.property]["updateable"] for f in spec)
    assert seen["Leadhouse_Fit__c"]["label"] == "Fit"
    sets = org.query("SELECT Id FROM PermissionSet WHERE Name = 'Leadhouse'")
    assert len(sets) == 1
    assert connector.ensure_properties("leads", GroupSpec(), spec) == []

    wrong = [spec[0].model_copy(update={"type": "date"})]
    with pytest.raises(
        ConnectorError, match=r"Lead.Leadhouse_Fit__c exists in Salesforce as double, the sync says date"
    ):
        connector.ensure_properties("leads", GroupSpec(), wrong)
    title = [
        FieldSpec(column="t", property="Nowhere", label="T", type="string", field_type="text", policy="fill_empty")
    ]
    with pytest.raises(PermissionDeniedError, match=r"Account.Nowhere is not among the fields"):
        connector.ensure_properties("accounts", GroupSpec(), title)


def test_a_field_closed_to_us_is_named(org: Org) -> None:
    org.call("POST", "/sandbox/field-security", {"object": "Account", "field": "Website", "read": True, "edit": False})
    spec = [FieldSpec(column="w", property="Website", label="W", type="string", field_type="text", policy="fill_empty")]
    try:
        one = SalesforceConnector(org.access())
        with pytest.raises(PermissionDeniedError, match=r"may not change Account.Website: grant it read and edit"):
            one.ensure_properties("accounts", GroupSpec(), spec)
    finally:
        org.call("POST", "/sandbox/field-security", {"object": "Account", "field": "Website"})


def test_people_are_found_among_leads_and_contacts(org: Org, connector: SalesforceConnector) -> None:
    org.call("POST", "/sandbox/rules", {"duplicates": "allow"})
    try:
        both, single = "found.both@example.com", "o'neil\\x@example.com"
        org.make("Lead", [{"LastName": "L", "Company": "C", "Email": both}])
        contacts = org.make("Contact", [{"LastName": "C", "Email": both}])
        leads = org.make("Lead", [{"LastName": "Quote", "Company": "C", "Email": "quote@example.com"}])
    finally:
        org.call("POST", "/sandbox/rules", {"duplicates": "block"})
    found = connector.lookup("leads", "Email", [both, "QUOTE@example.com", single, "nobody@example.com"], ["LastName"])
    assert {value: record.record_id for value, record in found.items()} == {
        both: contacts[0], "quote@example.com": leads[0],
    }  # fmt: skip
    assert found["quote@example.com"].properties["LastName"] == "Quote"


def test_a_person_who_is_a_contact_by_now_is_not_made_a_lead(project: OrgProject, org: Org) -> None:
    (contact,) = org.make("Contact", [{"LastName": "Met", "Email": "met0@example.com"}])
    project.publish(rows={"leads": new_rows("met", 1)})
    result = project.apply(project.plan())
    assert (result.written, result.creates) == (1, 0)
    assert org.held("Contact", contact)["Leadhouse_Score__c"] == 50
    assert org.query("SELECT Id FROM Lead WHERE Email = 'met0@example.com'") == []
    assert project.plan().changes == 0


def test_a_converted_lead_is_written_as_its_contact(project: OrgProject, org: Org) -> None:
    leads = org.make("Lead", people("conv", 2, Company="C"))
    (contact,) = org.make("Contact", [{"LastName": "Converted", "Email": "conv.other@example.com"}])
    org.edit("Lead", leads[0], IsConverted=True, ConvertedContactId=contact, ConvertedDate="2026-06-01")
    project.publish(rows={"leads": rows_of(leads, "conv")}, hot=[leads[0], leads[1]])
    result = project.apply_at_once(project.plan())
    assert (result.written, result.rejected) == (4, 0)
    assert org.held("Contact", contact)["Leadhouse_Score__c"] == 10
    assert org.held("Lead", leads[1])["Leadhouse_Score__c"] == 11
    assert {contact, leads[1]} <= org.members("Leadhouse: hot")
    assert project.plan().changes == 0


def test_an_account_that_somebody_chose_stays(project: OrgProject, org: Org) -> None:
    accounts = org.make("Account", [{"Name": "Chosen"}, {"Name": "Ours"}])
    contacts = org.make("Contact", people("assoc", 2))
    org.edit("Contact", contacts[0], AccountId=accounts[0])
    project.publish(rows={"contacts": rows_of(contacts, "assoc"), "accounts": rows_of(accounts, "assoca")},
                    pairs=[(contacts[0], accounts[1]), (contacts[1], accounts[1])])  # fmt: skip
    project.apply(project.plan())
    assert org.held("Contact", contacts[0])["AccountId"] == accounts[0]
    assert org.held("Contact", contacts[1])["AccountId"] == accounts[1]
    (letter,) = project.dead_letters()
    assert letter["error_kind"] == "conflict"
    assert accounts[0] in letter["error_message"]


def test_members_come_and_go(project: OrgProject, org: Org, connector: SalesforceConnector) -> None:
    leads = org.make("Lead", people("mem", 3, Company="C"))
    contacts = org.make("Contact", people("memc", 1))
    list_id, is_made = connector.ensure_list("people", "Comings and goings")
    assert is_made
    assert connector.ensure_list("people", "Comings and goings") == (list_id, False)
    everyone = [*leads, *contacts]
    assert connector.change_members("people", list_id, everyone, []) == {}
    assert connector.change_members("people", list_id, everyone[:2], []) == {}
    assert org.members("Comings and goings") == set(everyone)
    org.call("DELETE", f"/sobjects/Lead/{leads[2]}")
    refused = connector.change_members("people", list_id, [leads[2]], [leads[0], contacts[0], leads[0]])
    assert list(refused) == [leads[2]]
    assert org.members("Comings and goings") - {leads[2]} == {leads[1]}
    org.make("Campaign", [{"Name": "Theirs", "Type": "Webinar"}])
    with pytest.raises(ConnectorError, match=r"campaign 'Theirs' is not ours"):
        connector.ensure_list("people", "Theirs")
    with pytest.raises(ConnectorError, match="use object people"):
        connector.ensure_list("accounts", "Accounts")


def test_opt_outs_since_a_moment(org: Org, connector: SalesforceConnector) -> None:
    leads = org.make("Lead", people("opt", 2, Company="C"))
    contacts = org.make("Contact", people("optc", 1, HasOptedOutOfEmail=True))
    org.edit("Lead", leads[0], HasOptedOutOfEmail=True)
    now = datetime.fromisoformat(org.call("GET", "/sandbox/clock")["now"]).replace(tzinfo=None)
    since = now - timedelta(minutes=5)
    assert connector.opted_out_since("leads", since) == {leads[0]}
    assert connector.opted_out_since("people", since) == {leads[0], contacts[0]}
    assert connector.opted_out_since("people", now + timedelta(minutes=5)) == set()
    assert connector.opted_out_since("accounts", since) == set()


def test_erased_for_good_or_gone_already(org: Org, connector: SalesforceConnector) -> None:
    leads = org.make("Lead", people("gone", 2, Company="C"))
    rows = [RowWrite(i, i, {}) for i in leads]
    assert all(outcome.is_written for outcome in connector.delete("leads", rows))
    assert all(outcome.is_written for outcome in connector.delete("leads", rows))
    assert org.held("Lead", leads[0])["IsDeleted"] is True


def test_wrong_credentials_stop_at_once_and_show_no_secret(org: Org) -> None:
    access = org.access()
    wrong = type(access)("salesforce", org.url, {"client_id": org.client_id, "client_secret": "s3cr3t-and-wrong"})
    one = SalesforceConnector(wrong)
    with pytest.raises(AuthError) as caught:
        one.ensure_list("people", "Never")
    assert "s3cr3t-and-wrong" not in str(caught.value) + repr(one) + repr(wrong)


def test_an_expired_session_is_renewed(project: OrgProject, org: Org) -> None:
    leads = org.make("Lead", people("renew", 3, Company="C"))
    project.publish(rows={"leads": rows_of(leads, "renew")})
    plan = project.plan()
    org.call("POST", "/sandbox/end-sessions")
    assert project.apply(plan).written == 3


# -- Bulk API 2.0 ------------------------------------------------------------------------------------------------------

MANY = 2_400


def test_many_rows_go_by_jobs_and_all_are_accounted_for(project: OrgProject, org: Org) -> None:
    ids = org.make("Lead", people("bulk", MANY, Company="C"))
    project.publish(rows={"leads": rows_of(ids, "bulk")})
    org.reset()
    org.faults(
        {"kind": "record", "action": "update", "code": "UNABLE_TO_LOCK_ROW", "share": 0.05, "once": True},
        {"kind": "record", "action": "update", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "ids": ids[:9]},
        {"kind": "job", "object": "Lead", "share": 0.01, "state": "JobComplete"},
    )  # fmt: skip
    plan = project.plan()
    result = project.apply_at_once(plan)
    assert (result.written, result.rejected, result.unsent) == (MANY - 9, 9, 0)
    paths = org.stats()["by_path"]
    assert sum(number for path, number in paths.items() if path.startswith("POST") and "jobs/ingest" in path) == 1, (
        paths
    )
    letters = project.dead_letters()
    assert {(letter["record_id"], letter["error_kind"]) for letter in letters} == {(i, "validation") for i in ids[:9]}
    held = org.scores("Lead")
    assert [held[i] for i in ids] == [None if n < 9 else 10 + n % 7 for n in range(MANY)]
    org.faults()
    assert project.plan().changes == 0


def test_new_leads_by_a_job_are_made_once(project: OrgProject, org: Org) -> None:
    project.publish(rows={"leads": new_rows("bulknew", MANY)})
    result = project.apply_at_once(project.plan())
    assert (result.creates, result.rejected) == (MANY, 0)
    found = org.query("SELECT Email, Leadhouse_Score__c FROM Lead WHERE Email LIKE 'bulknew%'")
    assert {r["Email"]: r["Leadhouse_Score__c"] for r in found} == {
        f"bulknew{n}@example.com": 50 + n for n in range(MANY)
    }
    assert len(found) == MANY
    assert project.plan().changes == 0


APPLY = """
import sys
import reverse_etl
from crm_access import CrmAccess
plan, ops, url, client, secret = sys.argv[1:]
access = CrmAccess("salesforce", url, {"client_id": client, "client_secret": secret}, burst_limit=100000)
print("ready", flush=True)
reverse_etl.apply(plan, ops, {"salesforce": access})
"""


@pytest.mark.parametrize(
    ("phase", "kind", "finish"),
    [
        ("made", "create", "same plan"),
        ("uploaded", "create", "same plan"),
        ("uploaded", "create", "new plan"),
        ("uploaded", "update", "same plan"),
        ("at work", "update", "new plan"),
    ],
)
def test_a_kill_finds_its_job_again(tmp_path: Path, phase: str, kind: str, finish: str) -> None:
    org = Org.start("--bulk-delay-ms", "1500" if phase != "made" else "0")
    try:
        project = OrgProject(tmp_path, org)
        if kind == "update":
            ids = org.make("Lead", people("kill", MANY, Company="C"))
            project.publish(rows={"leads": rows_of(ids, "kill")})
        else:
            project.publish(rows={"leads": new_rows("kill", MANY)})
        plan = project.plan()
        if phase == "made":
            # Slow enough that the kill comes between the job and its file.
            org.faults(
                {"kind": "request", "method": "PUT", "path": "batches", "status": 0, "latency_ms": 3000, "times": 1}
            )
        command = [
            sys.executable,
            "-c",
            APPLY,
            plan.plan_id,
            project.ops_url,
            org.url,
            org.client_id,
            org.client_secret,
        ]
        child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
        try:
            _wait_for_job(org, {"made": "Open", "uploaded": "UploadComplete", "at work": "UploadComplete"}[phase])
            if phase == "at work":
                time.sleep(0.5)
        finally:
            child.send_signal(signal.SIGKILL)
            child.communicate()
        org.faults()
        before = _jobs(org)
        if finish == "new plan":
            plan = project.plan()
        result = project.apply(plan)
        assert result.unsent == 0
        scores = sorted(r["Leadhouse_Score__c"] for r in org.query("SELECT Leadhouse_Score__c FROM Lead"))
        wanted = [10 + n % 7 for n in range(MANY)] if kind == "update" else [50 + n for n in range(MANY)]
        assert scores == sorted(wanted)
        if phase != "made" and finish == "same plan":
            # The job that was found again did everything: no second one was made.
            assert _jobs(org) == before
        assert project.plan().changes == 0
    finally:
        org.stop()


def _jobs(org: Org) -> int:
    return len(org.call("GET", "/jobs/ingest")["records"])


def _wait_for_job(org: Org, state: str) -> None:
    known = {job["id"] for job in org.call("GET", "/jobs/ingest")["records"] if job["state"] == "JobComplete"}
    for _ in range(400):
        jobs = [job for job in org.call("GET", "/jobs/ingest")["records"] if job["id"] not in known]
        if any(job["state"] == state for job in jobs):
            return
        time.sleep(0.05)
    raise AssertionError(f"no job became {state}")
