"""Bulk API 2.0 against a running org: jobs, their three results, query pages, and what goes wrong."""

from __future__ import annotations

import csv
import gzip
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from salesforce_harness import BASE, Org, running_org
from simple_salesforce.bulk2 import SFBulk2Handler


@pytest.fixture(scope="module")
def org(tiny_world: Path) -> Iterator[Org]:
    with running_org("--world", str(tiny_world), "--daily", "0", "--bulk-page", "30") as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults(org: Org) -> Iterator[None]:
    yield
    org.sandbox("/faults", [])


def job(org: Org, operation: str, rows: list[dict[str, Any]], *, name: str = "Lead", **body: Any) -> dict[str, Any]:
    """Run a job to its end; its last state with the three results under ``successful``, ``failed``, ``unprocessed``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return upload(org, operation, text.getvalue().encode(), name=name, **body)


def upload(org: Org, operation: str, content: bytes, *, name: str = "Lead", **body: Any) -> dict[str, Any]:
    headers = body.pop("headers", {"Content-Type": "text/csv"})
    made = org.post("/jobs/ingest", {"object": name, "operation": operation, **body})
    assert made.status_code == 200, made.text
    opened = made.json()
    assert opened["state"] == "Open"
    put = org.http.put(f"/{opened['contentUrl']}", content=content, headers=headers)
    assert (put.status_code, put.content) == (201, b"")
    started = org.patch(f"/jobs/ingest/{opened['id']}", {"state": "UploadComplete"})
    assert started.json()["state"] == "UploadComplete"
    return finished(org, opened["id"])


def finished(org: Org, job_id: str) -> dict[str, Any]:
    for _ in range(600):
        state: dict[str, Any] = org.get(f"/jobs/ingest/{job_id}").json()
        if state["state"] in ("JobComplete", "Failed", "Aborted"):
            break
        time.sleep(0.02)
    for key, path in (
        ("successful", "successfulResults"),
        ("failed", "failedResults"),
        ("unprocessed", "unprocessedrecords"),
    ):
        answer = org.get(f"/jobs/ingest/{job_id}/{path}")
        assert answer.headers["content-type"].startswith("text/csv")
        state[key] = list(csv.DictReader(io.StringIO(answer.text)))
    return state


def test_every_row_of_an_insert_is_in_one_of_the_results(org: Org) -> None:
    rows = [
        {"LastName": f"Bulk {n}", "Company": "" if n % 10 == 3 else "Acme", "Email": "bad" if n % 10 == 4 else ""}
        for n in range(50)
    ]
    done = job(org, "insert", rows)
    assert done["state"] == "JobComplete"
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (50, 10)
    assert (len(done["successful"]), len(done["failed"]), len(done["unprocessed"])) == (40, 10, 0)
    assert {row["sf__Created"] for row in done["successful"]} == {"true"}
    assert {row["sf__Error"].split(":")[0] for row in done["failed"]} == {
        "REQUIRED_FIELD_MISSING",
        "INVALID_EMAIL_ADDRESS",
    }
    found = org.query("SELECT LastName FROM Lead WHERE LastName LIKE 'Bulk %'")
    assert {one["LastName"] for one in found} == {row["LastName"] for row in done["successful"]}


def test_an_empty_cell_leaves_a_value_and_na_empties_it(org: Org) -> None:
    first, second = (org.create("Lead", LastName="Cell", Company="Acme", Title="Before", Phone="1") for _ in range(2))
    rows = [{"Id": first, "Title": "", "Phone": "2"}, {"Id": second, "Title": "#N/A", "Phone": ""}]
    assert job(org, "update", rows)["numberRecordsFailed"] == 0
    found = {
        one["Id"]: one for one in org.query(f"SELECT Id, Title, Phone FROM Lead WHERE Id IN ('{first}', '{second}')")
    }
    assert (found[first]["Title"], found[first]["Phone"]) == ("Before", "2")
    assert (found[second]["Title"], found[second]["Phone"]) == (None, "1")


def test_upsert_creates_updates_and_refuses_a_key_given_twice(org: Org) -> None:
    org.create("Lead", LastName="Old", Company="Acme", External_Id__c="up-1")
    rows = [
        {"External_Id__c": "up-1", "LastName": "New", "Company": "Acme"},
        {"External_Id__c": "up-2", "LastName": "Fresh", "Company": "Acme"},
        {"External_Id__c": "UP-3", "LastName": "Twice", "Company": "Acme"},
        {"External_Id__c": "up-3", "LastName": "Twice", "Company": "Acme"},
    ]
    done = job(org, "upsert", rows, externalIdFieldName="External_Id__c")
    assert {row["External_Id__c"]: row["sf__Created"] for row in done["successful"]} == {
        "up-1": "false",
        "up-2": "true",
    }
    assert [row["sf__Error"].split(":")[0] for row in done["failed"]] == ["DUPLICATE_VALUE"] * 2


def test_delete_takes_ids_alone(org: Org) -> None:
    lead = org.create("Lead", LastName="Gone", Company="Acme")
    assert job(org, "delete", [{"Id": lead}, {"Id": "00Q000000000001AAA"}])["numberRecordsFailed"] == 1
    assert org.query(f"SELECT IsDeleted FROM Lead WHERE Id = '{lead}'", deleted=True) == [{"IsDeleted": True}]
    assert job(org, "hardDelete", [{"Id": lead}])["numberRecordsFailed"] == 0
    assert org.query(f"SELECT Id FROM Lead WHERE Id = '{lead}'", deleted=True) == []


def test_an_unknown_column_fails_the_job_and_leaves_every_row_unprocessed(org: Org) -> None:
    done = job(org, "insert", [{"LastName": "A", "Company": "B", "Nope__c": "x"}] * 3)
    assert done["state"] == "Failed"
    assert done["errorMessage"] == "InvalidBatch : Field name not found : nope__c"
    assert (len(done["unprocessed"]), done["numberRecordsProcessed"]) == (3, 0)


def test_the_line_ending_must_be_the_one_announced(org: Org) -> None:
    content = b"LastName,Company\r\nCr,Acme\r\n"
    assert "LineEnding is invalid" in upload(org, "insert", content)["errorMessage"]
    assert upload(org, "insert", content, lineEnding="CRLF")["numberRecordsFailed"] == 0


def test_other_delimiters_quotes_line_breaks_and_gzip(org: Org) -> None:
    content = b'LastName|Company|Description\n"O""Brien"|Acme|"two\nlines | here"\n'
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    done = upload(org, "insert", gzip.compress(content), columnDelimiter="PIPE", headers=headers)
    assert done["numberRecordsFailed"] == 0
    (found,) = org.query("SELECT Description FROM Lead WHERE LastName = 'O\"Brien'")
    assert found == {"Description": "two\nlines | here"}


def test_faults_reject_a_share_and_leave_a_share_unprocessed(org: Org) -> None:
    rows = [{"LastName": f"Fault {n}", "Company": "Acme"} for n in range(1_000)]
    org.sandbox(
        "/faults",
        [
            {"kind": "job", "object": "Lead", "share": 0.1},
            {"kind": "record", "object": "Lead", "action": "create", "share": 0.2, "code": "UNABLE_TO_LOCK_ROW"},
        ],
    )
    done = job(org, "insert", rows)
    assert done["state"] == "Failed"
    assert "InternalServerError" in done["errorMessage"]
    assert len(done["unprocessed"]) == 100
    assert 100 < len(done["failed"]) < 260
    assert {row["sf__Error"].split(":")[0] for row in done["failed"]} == {"UNABLE_TO_LOCK_ROW"}
    assert len(done["successful"]) + len(done["failed"]) + len(done["unprocessed"]) == len(rows)
    org.sandbox("/faults", [])
    assert job(org, "insert", rows[:5])["state"] == "JobComplete"


def test_a_locked_row_is_let_through_the_second_time(org: Org) -> None:
    leads = [org.create("Lead", LastName=f"Lock {n}", Company="Acme") for n in range(20)]
    fault = {"kind": "record", "object": "Lead", "action": "update", "code": "UNABLE_TO_LOCK_ROW", "once": True}
    org.sandbox("/faults", [fault])
    rows = [{"Id": lead, "Title": "x"} for lead in leads]
    assert job(org, "update", rows)["numberRecordsFailed"] == 20
    assert job(org, "update", rows)["numberRecordsFailed"] == 0


def test_states_are_kept_to(org: Org) -> None:
    body = {"object": "Lead", "operation": "insert"}
    made = org.post("/jobs/ingest", body).json()
    assert org.get(f"/jobs/ingest/{made['id']}/successfulResults").status_code == 400
    put = org.http.put(f"/{made['contentUrl']}", content=b"LastName,Company\nA,B\n")
    assert put.status_code == 201
    again = org.http.put(f"/{made['contentUrl']}", content=b"LastName,Company\nA,B\n")
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    assert org.patch(f"/jobs/ingest/{made['id']}", {"state": "Aborted"}).json()["state"] == "Aborted"
    late = org.patch(f"/jobs/ingest/{made['id']}", {"state": "UploadComplete"})
    assert (late.status_code, late.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    done = finished(org, made["id"])
    assert done["unprocessed"] == [{"LastName": "A", "Company": "B"}]
    assert org.http.delete(f"{BASE}/jobs/ingest/{made['id']}").status_code == 204
    assert org.get(f"/jobs/ingest/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"object": "Nope", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Lead", "operation": "merge"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "upsert", "externalIdFieldName": "Title"}, "INVALIDJOB"),
        ({"object": "Lead", "operation": "insert", "columnDelimiter": "DOT"}, "INVALIDJOB"),
    ],
)
def test_jobs_that_cannot_be(org: Org, body: dict[str, Any], code: str) -> None:
    answer = org.post("/jobs/ingest", body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_job_waits_as_long_as_told_and_can_be_given_up_meanwhile(tiny_world: Path) -> None:
    with running_org("--world", str(tiny_world), "--bulk-delay-ms", "60000") as slow:
        made = slow.post("/jobs/ingest", {"object": "Lead", "operation": "insert"}).json()
        slow.http.put(f"/{made['contentUrl']}", content=b"LastName,Company\nA,B\n")
        slow.patch(f"/jobs/ingest/{made['id']}", {"state": "UploadComplete"})
        assert slow.get(f"/jobs/ingest/{made['id']}").json()["state"] == "UploadComplete"
        slow.patch(f"/jobs/ingest/{made['id']}", {"state": "Aborted"})
        assert [row["LastName"] for row in finished(slow, made["id"])["unprocessed"]] == ["A"]
        assert slow.query("SELECT Id FROM Lead WHERE LastName = 'A'") == []


# Query jobs -------------------------------------------------------------------------------------------------------


def query_job(org: Org, soql: str, operation: str = "query") -> str:
    made = org.post("/jobs/query", {"operation": operation, "query": soql})
    assert made.status_code == 200, made.text
    job_id: str = made.json()["id"]
    for _ in range(600):
        if org.get(f"/jobs/query/{job_id}").json()["state"] == "JobComplete":
            return job_id
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def test_a_query_job_gives_what_the_query_gives(org: Org) -> None:
    soql = "SELECT Id, Name, CreatedDate, IsConverted, Owner.Name, NumberOfEmployees FROM Lead ORDER BY Id"
    job_id = query_job(org, soql)
    rows: list[dict[str, str]] = []
    locator = ""
    while locator != "null":
        params = {"maxRecords": "25"} | ({"locator": locator} if locator else {})
        answer = org.get(f"/jobs/query/{job_id}/results", params=params)
        page = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(page) == int(answer.headers["Sforce-NumberOfRecords"]) <= 25
        rows += page
        locator = answer.headers["Sforce-Locator"]
    wanted = org.query(soql)
    assert [row["Id"] for row in rows] == [one["Id"] for one in wanted]
    assert rows[0]["Owner.Name"] == wanted[0]["Owner"]["Name"]
    assert rows[0]["CreatedDate"] == wanted[0]["CreatedDate"].replace("+0000", "Z")
    assert {row["IsConverted"] for row in rows} <= {"true", "false"}
    assert org.get(f"/jobs/query/{job_id}").json()["numberRecordsProcessed"] == len(wanted)


def test_result_pages_can_be_read_side_by_side(org: Org) -> None:
    for n in range(220 - len(org.query("SELECT Id FROM Lead"))):
        org.create("Lead", LastName=f"Page {n}", Company="Acme")
    job_id = query_job(org, "SELECT Id FROM Lead")
    urls, path = [], f"{BASE}/jobs/query/{job_id}/resultPages"
    while path:
        body = org.http.get(path).json()
        assert len(body["resultPages"]) <= 5
        urls += [page["resultUrl"] for page in body["resultPages"]]
        path = body["nextRecordsUrl"]
        assert body["done"] is (path is None)
    read = [row["Id"] for url in urls for row in csv.DictReader(io.StringIO(org.http.get(url).text))]
    assert sorted(read) == sorted(one["Id"] for one in org.query("SELECT Id FROM Lead"))
    assert org.http.get(f"/services/data/v61.0/jobs/query/{job_id}/resultPages").status_code == 409


def test_queries_that_a_job_does_not_take(org: Org) -> None:
    for soql, code in (
        ("SELECT COUNT(Id) FROM Lead", "FEATURENOTENABLED"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "FEATURENOTENABLED"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT FROM", "MALFORMED_QUERY"),
    ):
        answer = org.post("/jobs/query", {"operation": "query", "query": soql})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


# simple-salesforce ------------------------------------------------------------------------------------------------


def bulk2(org: Org) -> SFBulk2Handler:
    handler = org.simple().bulk2
    assert isinstance(handler, SFBulk2Handler)
    return handler


def test_the_communitys_client_inserts_updates_upserts_and_deletes(org: Org) -> None:
    handler = bulk2(org)
    records = [{"LastName": f"Simple {n}", "Company": "Acme", "External_Id__c": f"simple-{n}"} for n in range(6)]
    (result,) = handler.Lead.insert(records=[*records, {"LastName": "", "Company": "", "External_Id__c": "x"}], wait=0)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (7, 1)
    every = handler.Lead.get_all_ingest_records(result["job_id"])
    assert (len(every["successfulRecords"]), len(every["failedRecords"]), len(every["unprocessedRecords"])) == (6, 1, 0)
    ids = [row["sf__Id"] for row in every["successfulRecords"]]
    (result,) = handler.Lead.update(records=[{"Id": one, "Title": "Chief"} for one in ids], wait=0)
    assert result["numberRecordsFailed"] == 0
    keyed = [{"External_Id__c": f"simple-{n}", "LastName": "Up", "Company": "Acme"} for n in range(5, 8)]
    (result,) = handler.Lead.upsert(records=keyed, external_id_field="External_Id__c", wait=0)
    assert result["numberRecordsFailed"] == 0
    assert len(org.query("SELECT Id FROM Lead WHERE External_Id__c LIKE 'simple-%'")) == 8
    (result,) = handler.Lead.delete(records=[{"Id": one} for one in ids], wait=0)
    assert result["numberRecordsFailed"] == 0
    assert len(org.query("SELECT Id FROM Lead WHERE External_Id__c LIKE 'simple-%'")) == 2


def test_the_communitys_client_queries(org: Org) -> None:
    pages = list(bulk2(org).Lead.query("SELECT Id, Email FROM Lead", max_records=50, wait=0))
    ids = [row["Id"] for page in pages for row in csv.DictReader(io.StringIO(str(page)))]
    assert sorted(ids) == sorted(one["Id"] for one in org.query("SELECT Id FROM Lead"))
    assert len(pages) > 1
    deleted = org.create("Lead", LastName="Bin", Company="Acme")
    org.http.delete(f"{BASE}/sobjects/Lead/{deleted}")
    every = [str(page) for page in bulk2(org).Lead.query_all("SELECT Id FROM Lead WHERE IsDeleted = true", wait=0)]
    assert deleted in "".join(every)
