"""What Salesforce may answer, from a server that says exactly that; and how its values become text."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crm_access import CrmAccess
from crm_access.salesforce import DATA_PATH
from ingestion.errors import RecordRefused, ScopeMissing, SourceUnavailable, TokenRefused, UnexpectedAnswer
from ingestion.salesforce import client as client_module
from ingestion.salesforce.client import NoSuchObject, SalesforceClient
from ingestion.salesforce.convert import Converter
from ingestion.salesforce.queries import Query, parsed, run
from ingestion.schemas import salesforce_column

DESCRIBED = {
    "Id": "id", "CreatedDate": "datetime", "SystemModstamp": "datetime", "LastModifiedDate": "datetime",
    "IsDeleted": "boolean", "Email": "email", "NumberOfEmployees": "int", "AnnualRevenue": "currency",
    "ConvertedDate": "date", "HasOptedOutOfEmail": "boolean",
}  # fmt: skip


class Scripted:
    """Answers the org's requests with what the test wrote down, in that order; hands out tokens beside."""

    def __init__(self):
        self.answers = []
        self.requests = []
        self.tokens = 0
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/services/oauth2/token":
                    scripted.tokens += 1
                    body = {"access_token": f"00D!{scripted.tokens}", "instance_url": scripted.url}
                    return self.tell(200, body, {})
                return self.do_GET()

            def do_GET(self):
                scripted.requests.append((self.path, self.headers["Authorization"]))
                status, body, *headers = scripted.answers.pop(0)
                self.tell(status, body, headers[0] if headers else {})

            do_DELETE = do_GET

            def tell(self, status, body, headers):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def scripted(monkeypatch):
    monkeypatch.setattr(client_module, "_backoff", lambda _: 0.01)
    server = Scripted()
    yield server
    server.close()


@pytest.fixture
def api(scripted):
    client = SalesforceClient(
        CrmAccess("salesforce", scripted.url, {"client_id": "3MVG9", "client_secret": "s3cret"}), reserve=0.1
    )
    yield client.counting()
    client.close()


def error(code, message="no"):
    return [{"errorCode": code, "message": message}]


def test_a_refused_token_is_renewed_once(scripted, api):
    scripted.answers = [(401, error("INVALID_SESSION_ID")), (200, {"a": 1})]
    assert api.get("/services/x") == {"a": 1}
    assert [token for _, token in scripted.requests] == ["Bearer 00D!1", "Bearer 00D!2"]
    scripted.answers = [(401, error("INVALID_SESSION_ID")), (401, error("INVALID_SESSION_ID"))]
    with pytest.raises(TokenRefused, match="API Enabled") as caught:
        api.get("/services/x")
    assert "00D!" not in str(caught.value)
    assert scripted.tokens == 3


@pytest.mark.parametrize(
    "passing",
    [
        (503, error("SERVER_UNAVAILABLE")),
        (500, b"<html>"),
        (429, b""),
        (403, error("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")),
    ],
)
def test_what_passes_by_itself_is_waited_for(scripted, api, passing):
    scripted.answers = [passing, passing, (200, {"a": 1})]
    assert api.get("/services/x") == {"a": 1}
    assert api.requests == 3


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((403, error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")), SourceUnavailable, "used up"),
        ((403, error("INSUFFICIENT_ACCESS", "no read")), ScopeMissing, "permission set"),
        ((404, error("NOT_FOUND")), NoSuchObject, "GET /sobjects/Leed"),
        ((400, error("MALFORMED_QUERY", "unexpected token")), UnexpectedAnswer, "MALFORMED_QUERY: unexpected token"),
        ((302, b"", {"Location": "https://elsewhere.example"}), UnexpectedAnswer, "status 302"),
        ((200, b"<html>"), UnexpectedAnswer, "is this address Salesforce's"),
        ((200, [1]), UnexpectedAnswer, "an object was expected"),
    ],
)
def test_what_does_not_pass_is_told_at_once(scripted, api, answer, kind, said):
    scripted.answers = [answer]
    with pytest.raises(kind, match=said):
        api.get(f"{DATA_PATH}/sobjects/Leed")
    assert len(scripted.requests) == 1


def test_nothing_is_sent_below_the_reserve(scripted, api):
    scripted.answers = [(200, {}, {"Sforce-Limit-Info": "api-usage=901/1000"})]
    api.get("/services/x")
    with pytest.raises(SourceUnavailable, match=r"901 of the org's 1,000 requests.*10% is kept for others"):
        api.get("/services/x")
    assert len(scripted.requests) == 1


def test_next_rows_are_followed_within_the_org_only(scripted, api):
    scripted.answers = [
        (200, {"totalSize": 2, "done": False, "records": [{"Id": "1"}], "nextRecordsUrl": "@evil.example/services/x"})
    ]
    pages = run(api, Query("Lead", ["Id"])).pages
    assert next(pages) == [{"Id": "1"}]
    with pytest.raises(UnexpectedAnswer, match="no path of its API"):
        next(pages)


def test_a_query_that_times_out_becomes_a_job(scripted, api):
    scripted.answers = [
        (400, error("QUERY_TIMEOUT", "took too long")),
        (200, {"id": "750x"}),
        (200, {"state": "JobComplete"}),
        (404, error("NOT_FOUND")),
        (200, b'"Id","Email"\n"1","a@x.example"\n', {"Sforce-Locator": "MTAw"}),
        (200, b'"Id","Email"\n"2",""\n', {"Sforce-Locator": "null"}),
        (200, {}),
    ]
    rows = run(api, Query("Lead", ["Id", "Email"]))
    assert rows.total is None
    assert [row for page in rows.pages for row in page] == [
        {"Id": "1", "Email": "a@x.example"},
        {"Id": "2", "Email": None},
    ]
    # Where pages cannot be had at once, each names the next; the job is removed at the end.
    assert [path for path, _ in scripted.requests][-2].endswith("/results?maxRecords=50000&locator=MTAw")


def test_an_object_no_job_can_read_is_read_by_pages(scripted, api):
    scripted.answers = [
        (200, {"totalSize": 3, "done": True, "records": [{"Id": "1"}, {"Id": "2"}, {"Id": "3"}]}),
        (400, error("API_ERROR", "Entity 'TaskRelation' is not supported by the Bulk API.")),
    ]
    rows = run(api, Query("TaskRelation", ["Id"]), bulk_from=2)
    assert sum(len(page) for page in rows.pages) == rows.total == 3


def test_a_failed_job_says_why(scripted, api):
    scripted.answers = [
        (200, {"totalSize": 3, "done": True, "records": []}),
        (200, {"id": "750x"}),
        (200, {"state": "Failed", "object": "Lead", "errorMessage": "InvalidBatch : too many columns"}),
        (200, {}),
    ]
    with pytest.raises(UnexpectedAnswer, match="job on Lead ended as Failed: InvalidBatch : too many columns"):
        list(run(api, Query("Lead", ["Id"]), bulk_from=2).pages)


def test_json_and_csv_give_the_same_row():
    by_json = {
        "attributes": {"type": "Lead"}, "Id": "00Q1", "CreatedDate": "2026-03-31T08:30:00.000+0000",
        "SystemModstamp": "2026-04-01T08:30:00.000+0000", "LastModifiedDate": "2026-04-01T08:30:00.000+0000",
        "IsDeleted": False, "Email": "Ana@x.example", "NumberOfEmployees": 1200, "AnnualRevenue": "1.25E7",
        "ConvertedDate": None, "HasOptedOutOfEmail": True,
    }  # fmt: skip
    [[by_csv]] = parsed(
        b'"Id","CreatedDate","SystemModstamp","LastModifiedDate","IsDeleted","Email","NumberOfEmployees",'
        b'"AnnualRevenue","ConvertedDate","HasOptedOutOfEmail"\n'
        b'"00Q1","2026-03-31T08:30:00.000Z","2026-04-01T08:30:00.000Z","2026-04-01T08:30:00.000Z","false",'
        b'"Ana@x.example","1200.0","12500000.0","","true"\n'
    )
    converter = Converter("Lead", DESCRIBED)
    row = converter.row(by_json)
    assert row == converter.row(by_csv)
    assert (row["annual_revenue"], row["number_of_employees"]) == ("12500000", "1200")
    assert json.loads(row["properties"])["CreatedDate"] == "2026-03-31T08:30:00.000Z"
    assert row["deleted_at"] is None


def test_text_with_line_breaks_and_quotes_survives():
    [rows] = parsed('"Id","Title"\n"1","Chef ""de""\nprojet, Évora"\n"2",""\n'.encode())
    assert rows == [{"Id": "1", "Title": 'Chef "de"\nprojet, Évora'}, {"Id": "2", "Title": None}]
    assert list(parsed(b"")) == []
    assert list(parsed(b'"Id","Title"\n')) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Id": None}, "missing_id"),
        ({"CreatedDate": None}, "missing_timestamp"),
        ({"CreatedDate": "yesterday"}, "invalid_timestamp"),
        ({"SystemModstamp": "2026-13-01"}, "invalid_timestamp"),
    ],
)
def test_a_record_without_its_moments_is_refused(change, reason):
    record = {"Id": "1", "CreatedDate": "2026-03-31T08:30:00.000+0000", "IsDeleted": False}
    with pytest.raises(RecordRefused) as caught:
        Converter("Lead", DESCRIBED).row({**record, **change})
    assert caught.value.reason_code == reason


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("BillingCity", "billing_city"), ("Loss_Reason__c", "loss_reason_c"), ("WhoId", "who_id"),
        ("HasOptedOutOfEmail", "has_opted_out_of_email"), ("Activity_At__c", "activity_at_c"),
    ],
)  # fmt: skip
def test_columns_are_snake_case(field, column):
    assert salesforce_column(field) == column
