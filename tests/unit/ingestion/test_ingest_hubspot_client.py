"""The HubSpot client against a real HTTP server that misbehaves on demand; the search walk beyond 10,000 records."""

from __future__ import annotations

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crm_access.ratelimit import TokenBucket
from ingestion.errors import IngestionError, ScopeMissing, SourceUnavailable, TokenRefused, UnexpectedAnswer
from ingestion.hubspot.client import HubSpotClient
from ingestion.hubspot.objects import OBJECTS, search_by_id

TOKEN = "pat-very-secret-token"


class Portal:
    """Answers what it is told to, in order, then 200."""

    def __init__(self):
        self.script: list[tuple[int, dict, object]] = []
        self.seen: list[tuple[str, str, dict]] = []
        self.lock = threading.Lock()
        self.busy = self.most_busy = 0
        self.delay = 0.0
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                with portal.lock:
                    portal.busy += 1
                    portal.most_busy = max(portal.most_busy, portal.busy)
                    portal.seen.append((self.command, self.path, json.loads(body) if body else {}))
                    status, headers, answer = portal.script.pop(0) if portal.script else (200, {}, {"ok": True})
                time.sleep(portal.delay)
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                with portal.lock:
                    portal.busy -= 1
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def portal():
    portal = Portal()
    yield portal
    portal.server.shutdown()
    portal.server.server_close()


@pytest.fixture
def client(portal):
    client = HubSpotClient(portal.url, TOKEN, burst_limit=1000, burst_seconds=1, requests_in_flight=3)
    yield client
    client.close()


def test_retries_do_as_they_are_told(portal, client):
    portal.script = [
        (429, {"Retry-After": "0.3"}, {"policyName": "TEN_SECONDLY_ROLLING"}),
        (503, {"Retry-After": "0"}, b"<html>busy</html>"),
        (200, {}, {"results": [1]}),
    ]
    api = client.counting()
    began = time.monotonic()
    assert api.get("/crm/objects/2026-09/contacts") == {"results": [1]}
    assert time.monotonic() - began >= 0.3
    assert api.requests == 3


def test_wrong_token_is_one_clear_error_and_never_told(portal, client, caplog):
    caplog.set_level(logging.DEBUG)
    portal.script = [(401, {}, {"message": "Authentication credentials not found", "correlationId": "c-1"})]
    with pytest.raises(TokenRefused, match="Set a valid HubSpot token in the environment") as refused:
        client.counting().get("/crm/objects/2026-09/contacts")
    assert "c-1" in str(refused.value)
    told = str(refused.value) + repr(client) + caplog.text
    assert TOKEN not in told
    assert len(portal.seen) == 1


def test_other_refusals(portal, client):
    api = client.counting()
    portal.script = [(403, {}, {"message": "requires scope forms"})]
    with pytest.raises(ScopeMissing, match="requires scope forms"):
        api.get("/marketing/v3/forms/")
    portal.script = [(400, {}, {"message": "no such property"})]
    with pytest.raises(UnexpectedAnswer, match="no such property"):
        api.post("/crm/objects/2026-09/contacts/search", {})
    portal.script = [(200, {}, b"<html>a proxy's page</html>")]
    with pytest.raises(UnexpectedAnswer, match="not JSON"):
        api.get("/crm/owners/2026-09")
    portal.script = [(429, {}, {"policyName": "DAILY"})]
    with pytest.raises(SourceUnavailable, match="daily request limit"):
        api.get("/crm/owners/2026-09")


def test_gives_up_after_so_many_failures(portal, client, monkeypatch):
    monkeypatch.setattr("ingestion.hubspot.client._backoff", lambda attempt: 0.0)
    portal.script = [(500, {}, {"message": "oops"})] * 20
    with pytest.raises(SourceUnavailable, match="failed 7 times; last: status 500: oops"):
        client.counting().get("/crm/owners/2026-09")
    assert len(portal.seen) == 7


def test_nobody_there(monkeypatch):
    monkeypatch.setattr("ingestion.hubspot.client._backoff", lambda attempt: 0.0)
    client = HubSpotClient("http://127.0.0.1:9", TOKEN)
    with pytest.raises(SourceUnavailable, match="no answer"):
        client.counting().get("/x")
    client.close()


def test_several_in_flight_but_not_more(portal, client):
    portal.delay = 0.05
    api = client.counting()
    answers = list(api.map(lambda number: api.get(f"/{number}")["ok"], range(12)))
    assert answers == [True] * 12
    assert portal.most_busy == 3


def test_the_portals_budget_is_the_write_backs_too(portal, tmp_path):
    """What ingestion sent counts for the write-back too: through a file, as between processes."""
    client = HubSpotClient(portal.url, TOKEN, burst_limit=6, burst_seconds=3, state_dir=tmp_path)
    api = client.counting()
    for number in range(4):
        api.get(f"/{number}")
    file = next(file for file in tmp_path.glob("*.requests") if any(file.read_bytes()))
    writing = TokenBucket(6, 3, path=file)
    assert writing.take().waited == 0
    assert writing.take().waited == 0
    assert writing.take().waited > 0.5
    client.close()


def test_a_rate_that_is_none_is_refused(portal):
    with pytest.raises(IngestionError, match="must be positive, got 0 and 10"):
        HubSpotClient(portal.url, TOKEN, burst_limit=0)


class SearchEngine:
    """A search endpoint with the vendor's limits: 200 a page, never beyond the first 10,000 results."""

    def __init__(self, records):
        self.records = records
        self.requests = 0

    def post(self, path, body):
        self.requests += 1
        filters = {one["propertyName"]: int(one["value"]) for one in body["filterGroups"][0]["filters"]}
        assert body["limit"] <= 200
        assert "after" not in body
        matching = sorted(
            one for one in self.records if one[1] >= filters["hs_lastmodifieddate"] and one[0] > filters["hs_object_id"]
        )
        return {"total": len(matching), "results": [{"id": str(one[0])} for one in matching[: body["limit"]]]}


def test_search_reads_more_than_ten_thousand_records_of_one_moment():
    from datetime import datetime

    moment = 1774938600000
    records = [(number * 3, moment) for number in range(1, 12_346)] + [(1, moment - 1)]
    engine = SearchEngine(records)
    since = datetime(2026, 3, 31, 6, 30)
    found = [int(one["id"]) for page in search_by_id(engine, OBJECTS["deals"], since, []) for one in page]
    assert found == sorted(record[0] for record in records if record[1] == moment)
    assert engine.requests == 62


def test_search_that_does_not_advance_is_stopped():
    class Stuck:
        def post(self, path, body):
            return {"results": [{"id": "7"}] * 200}

    from datetime import datetime

    with pytest.raises(UnexpectedAnswer, match="asked for ids above 7"):
        list(search_by_id(Stuck(), OBJECTS["deals"], datetime(2026, 1, 1), []))
