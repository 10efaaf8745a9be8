"""The sample world in the Salesforce sandbox: the mapping, the second day, restarts, and what cannot be started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from salesforce_harness import ROOT, Org, running_org

from leadhouse.sandbox_process import running_salesforce


@pytest.fixture
def org(tiny_world: Path) -> Iterator[Org]:
    with running_org("--world", str(tiny_world), "--daily", "0") as running:
        yield running


def test_people_are_contacts_where_their_company_is_known(org: Org) -> None:
    (contact,) = org.query(
        "SELECT External_Id__c, Email, Account.Name, Account.External_Id__c, Employee_Count__c FROM Contact"
    )
    assert contact["External_Id__c"] == "1001"
    assert contact["Account"] == {"Name": "Company 1", "External_Id__c": "2001"}
    assert (contact["Email"], contact["Employee_Count__c"]) == ("person1@mail.example", 1.0)
    leads = org.query("SELECT External_Id__c, LastName, Company, Status, NumberOfEmployees, IsConverted FROM Lead")
    assert len(leads) == 118
    second = next(one for one in leads if one["External_Id__c"] == "1002")
    assert (second["LastName"], second["Company"], second["NumberOfEmployees"]) == (
        "[not provided]",
        "[not provided]",
        2,
    )


def test_archived_and_merged_records_are_in_the_bin(org: Org) -> None:
    gone = org.query(
        "SELECT External_Id__c, MasterRecord.External_Id__c, Email FROM Lead WHERE IsDeleted = true", deleted=True
    )
    listed = {one["External_Id__c"]: one["MasterRecord"] and one["MasterRecord"]["External_Id__c"] for one in gone}
    assert listed == {"1119": None, "900": "1005", "901": "1005"}


def test_deals_stages_owners_and_history(org: Org) -> None:
    deals = {one["External_Id__c"]: one for one in org.query(
        "SELECT External_Id__c, Amount, StageName, Stage_Label__c, IsClosed, IsWon "
        "FROM Opportunity")}  # fmt: skip
    won = deals["3002"]
    assert (won["StageName"], won["Stage_Label__c"], won["IsClosed"], won["IsWon"], won["Amount"]) == (
        "closedwon", "Closedwon", True, True, 1000.5,
    )  # fmt: skip
    roles = org.query(
        "SELECT Opportunity.External_Id__c, Contact.External_Id__c, IsPrimary FROM OpportunityContactRole"
    )
    assert roles == [
        {"Opportunity": {"External_Id__c": "3001"}, "Contact": {"External_Id__c": "1001"}, "IsPrimary": True}
    ]
    history = org.query(
        "SELECT OldValue, NewValue, CreatedBy.External_Id__c FROM OpportunityFieldHistory ORDER BY CreatedDate"
    )
    assert [(one["OldValue"], one["NewValue"]) for one in history] == [
        (None, "appointmentscheduled"), ("appointmentscheduled", "qualifiedtobuy")
    ]  # fmt: skip
    assert {one["CreatedBy"]["External_Id__c"] for one in history} == {"71"}
    users = org.query("SELECT External_Id__c, Name, IsActive, UserType FROM User WHERE External_Id__c != null")
    assert [(one["Name"], one["IsActive"]) for one in users] == [("Ana Silva", True), ("Old Rep", False)]
    nobodys = org.query("SELECT Owner.UserType FROM Lead LIMIT 1")
    assert nobodys == [{"Owner": {"UserType": "AutomatedProcess"}}]
    stages = org.query("SELECT ApiName, IsClosed, IsWon FROM OpportunityStage ORDER BY SortOrder")
    assert stages[-1] == {"ApiName": "closedlost", "IsClosed": True, "IsWon": False}


def test_calls_are_tasks(org: Org) -> None:
    calls = org.query("SELECT TaskSubtype, CallDisposition, Activity_At__c, Status FROM Task")
    assert calls == [
        {"TaskSubtype": "Call", "CallDisposition": "busy", "Activity_At__c": "2026-05-01T10:00:00.000+0000",
         "Status": "Completed"}
    ] * 2  # fmt: skip


def test_the_second_day_changes_what_it_changes_and_keeps_what_was_written_since(org: Org) -> None:
    ids = {one["External_Id__c"]: one["Id"] for one in org.query("SELECT Id, External_Id__c FROM Lead")}
    org.patch(f"/sobjects/Lead/{ids['1002']}", {"Phone": "ours", "Title": "Ours"})
    before = org.sandbox("/clock", method="GET")["now"]
    done = org.sandbox("/day2")
    assert (done["applied"], done["rows"]["contacts"], done["as_of"]) == (True, 5, "2026-07-01T06:00:00.000Z")
    (moved,) = org.query(f"SELECT Title, Phone, SystemModstamp FROM Lead WHERE Id = '{ids['1002']}'")
    assert (moved["Title"], moved["Phone"]) == ("Head of Sales", "ours")
    assert moved["SystemModstamp"] > before.replace("Z", "+0000")
    history = org.sandbox(f"/objects/Lead/{ids['1002']}", method="GET")["history"]
    assert (history[-1]["old"], history[-1]["new"]) == ("Ours", "Head of Sales")
    assert org.query(f"SELECT IsDeleted FROM Lead WHERE Id = '{ids['1003']}'", deleted=True) == [{"IsDeleted": True}]
    merged = org.query(f"SELECT IsDeleted, MasterRecordId FROM Lead WHERE Id = '{ids['1010']}'", deleted=True)
    assert merged == [{"IsDeleted": True, "MasterRecordId": ids["1004"]}]
    assert org.query(f"SELECT HasOptedOutOfEmail FROM Lead WHERE Id = '{ids['1006']}'") == [
        {"HasOptedOutOfEmail": True}
    ]
    assert len(org.query("SELECT Id FROM Lead WHERE External_Id__c = '1500'")) == 1
    (deal,) = org.query("SELECT StageName, IsWon FROM Opportunity WHERE External_Id__c = '3001'")
    assert deal == {"StageName": "closedwon", "IsWon": True}
    last = org.query(
        "SELECT OldValue, NewValue FROM OpportunityFieldHistory ORDER BY CreatedDate DESC, Id DESC LIMIT 1"
    )
    assert last == [{"OldValue": "qualifiedtobuy", "NewValue": "closedwon"}]
    assert org.sandbox("/day2")["applied"] is False
    assert org.sandbox("/clock", method="GET")["now"] >= "2026-07-01T06:00:00"


def test_two_runs_agree_on_every_id_and_a_restart_keeps_what_was_written(tiny_world: Path, tmp_path: Path) -> None:
    database = str(tmp_path / "org.sqlite")
    arguments = ("--world", str(tiny_world), "--db", database)
    with running_org(*arguments) as first:
        ids = first.query("SELECT Id FROM Lead ORDER BY Id")
        first.patch(f"/sobjects/Lead/{ids[0]['Id']}", {"Title": "Kept"})
        credentials = (first.client_id, first.client_secret)
        written = first.query("SELECT SystemModstamp FROM Lead WHERE Title = 'Kept'")[0]["SystemModstamp"]
    with running_org(*arguments) as again:
        assert (again.client_id, again.client_secret) == credentials
        assert len(again.query("SELECT Id FROM Lead WHERE Title = 'Kept'")) == 1
        assert again.sandbox("/clock", method="GET")["now"] > written.replace("+0000", "Z")
    with running_org(*arguments, "--reset") as anew:
        assert anew.query("SELECT Id FROM Lead ORDER BY Id") == ids
        assert anew.query("SELECT Id FROM Lead WHERE Title = 'Kept'") == []


def test_an_empty_org_has_stages_and_no_people() -> None:
    with running_org() as org:
        assert org.query("SELECT Id FROM Lead") == []
        assert len(org.query("SELECT Id FROM OpportunityStage")) == 8
        assert org.http.post("/sandbox/day2").status_code == 404
        assert org.simple().is_sandbox() is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--world", "nowhere"), "world.json: cannot be read"),
        (("--port", "99999"), "cannot be used"),
        (("--certificate", "nowhere.pem"), "the certificate cannot be read"),
    ],
)
def test_what_cannot_be_started_says_why(arguments: tuple[str, ...], said: str) -> None:
    command = [sys.executable, "-m", "sandbox.salesforce", "--port", "0", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_leadhouse_starts_and_stops_it(tiny_world: Path, tmp_path: Path) -> None:
    with running_salesforce(tiny_world, tmp_path / "org.sqlite") as org:
        assert org.stats()["total"] == 0
        assert org.client_secret not in repr(org)
        org.apply_day2()
    with pytest.raises(ProcessLookupError):
        os.kill(org.pid, 0)
