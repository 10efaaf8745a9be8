"""Every answer and every silence, over real HTTP: repeated as told, never repeated blindly, never without end."""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crm_access import CrmAccess
from crm_access.ratelimit import DayBudget, PortalBudget, TokenBucket
from crm_access.rates import RateNews, hubspot_rates, salesforce_rates
from reverse_etl.connectors.hubspot import RULES
from reverse_etl.connectors.transport import TRIES, StaticToken, Transport
from reverse_etl.errors import (
    AmbiguousOutcomeError,
    AuthError,
    QuotaExhaustedError,
    UnreachableError,
    WritebackError,
)

TOKEN = "pat-na1-6f0c-secret"

#: status, headers, body; status 0 drops the connection.
Reply = tuple[int, dict[str, str], Any]


class Server:
    """Answers from a script, in order, then 200."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.tokens: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.tokens.append(self.headers["Authorization"])
                status, headers, body = server.script.pop(0) if server.script else (200, {}, {"ok": True})
                if status == 0:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response_only(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


class Waits:
    """A clock that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def waits() -> Waits:
    return Waits()


def connect(server: Server, waits: Waits, **options: Any) -> Transport:
    bucket = TokenBucket(1000, 1, clock=lambda: waits.now, sleep=waits.sleep)
    credentials = options.pop("credentials", StaticToken(TOKEN))
    budget = PortalBudget(bucket, day=options.pop("day", None))
    return Transport(server.url, RULES, budget, credentials, sleep=waits.sleep)


def test_a_limit_is_waited_out_as_told(server: Server, waits: Waits) -> None:
    until = datetime.now(UTC) + timedelta(seconds=9)
    server.script = [
        (429, {"Retry-After": "7"}, {"policyName": "TEN_SECONDLY_ROLLING"}),
        (429, {"Retry-After": format_datetime(until), "Date": format_datetime(until - timedelta(seconds=4))}, {}),
        (429, {}, b"<html>"),
        (200, {}, {"ok": True}),
    ]
    transport = connect(server, waits)
    assert transport.send("POST", "/x", {}, repeatable=False).members == {"ok": True}
    assert (transport.requests, transport.throttled) == (4, 3)
    assert sum(waits.waits) == pytest.approx(7 + 4 + 2, abs=0.7)


@pytest.mark.parametrize(
    ("reply", "least"),
    [
        ((423, {}, {"message": "locked"}), 2.0),
        ((500, {}, {}), 0.3),
        ((502, {}, b"<html>"), 0.3),
        ((503, {"Retry-After": "11"}, {}), 11.0),
        ((504, {}, {}), 0.3),
        ((408, {}, {}), 0.3),
        ((0, {}, {}), 0.3),
    ],
)
def test_what_passes_is_tried_again(server: Server, waits: Waits, reply: Reply, least: float) -> None:
    server.script = [reply, reply]
    transport = connect(server, waits)
    assert transport.send("POST", "/x", {}).status == 200
    assert transport.requests == 3
    assert min(waits.waits) >= least


@pytest.mark.parametrize("reply", [(500, {}, {}), (502, {}, b""), (408, {}, {}), (0, {}, {})])
def test_a_create_without_an_answer_is_left_to_the_caller(server: Server, waits: Waits, reply: Reply) -> None:
    server.script = [reply]
    transport = connect(server, waits)
    with pytest.raises(AmbiguousOutcomeError):
        transport.send("POST", "/x", {}, repeatable=False)
    assert transport.requests == 1


def test_a_connection_that_was_refused_carried_nothing(waits: Waits) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bucket = TokenBucket(1000, 1)
    transport = Transport(
        f"http://127.0.0.1:{port}", RULES, PortalBudget(bucket), StaticToken(TOKEN), sleep=waits.sleep
    )
    with pytest.raises(UnreachableError, match="gave up after 8 tries, the last one: no answer"):
        transport.send("POST", "/x?email=ana@acme.example", {}, repeatable=False)
    assert transport.requests == TRIES


def test_it_does_not_go_on_for_ever(server: Server, waits: Waits) -> None:
    server.script = [(503, {}, {"message": "down"})] * 50
    transport = connect(server, waits)
    with pytest.raises(UnreachableError, match="POST /x: gave up after 8 tries, the last one: HTTP 503: down"):
        transport.send("POST", "/x?email=ana@acme.example", {})
    server.script = [(429, {}, {})] * 50
    with pytest.raises(UnreachableError, match="gave up after 20 tries"):
        transport.send("POST", "/x", {})


class Renewable:
    """Tokens that can be had anew."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[0]}"}

    def renew(self) -> bool:
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True


def test_a_token_is_renewed_once(server: Server, waits: Waits) -> None:
    refused = (401, {}, {"message": "expired"})
    server.script = [refused]
    assert connect(server, waits, credentials=Renewable("old", "new")).send("POST", "/x", {}).status == 200
    assert server.tokens == ["Bearer old", "Bearer new"]
    server.script = [refused, refused]
    with pytest.raises(AuthError, match=r"refused the token \(401\)"):
        connect(server, waits, credentials=Renewable("old", "new", "newest")).send("POST", "/x", {})
    server.script = [refused]
    transport = connect(server, waits)
    with pytest.raises(AuthError, match="Nothing more was sent"):
        transport.send("POST", "/x", {})
    assert transport.requests == 1


def test_a_day_that_is_used_up_stops(server: Server, waits: Waits) -> None:
    server.script = [(429, {}, {"policyName": "DAILY", "message": "You have reached your daily limit."})]
    with pytest.raises(QuotaExhaustedError, match="You have reached your daily limit"):
        connect(server, waits).send("POST", "/x", {})


def test_the_share_of_the_day_stops_the_write_back(server: Server, waits: Waits) -> None:
    headers = {"X-HubSpot-RateLimit-Daily": "10", "X-HubSpot-RateLimit-Daily-Remaining": "9"}
    server.script = [(200, headers, {})] * 9
    transport = connect(server, waits, day=DayBudget(0.3))
    for _ in range(3):
        transport.send("POST", "/x", {})
    with pytest.raises(
        QuotaExhaustedError, match=r"all of its share \(30%\).*apply again tomorrow|LEADHOUSE_DAILY_SHARE"
    ):
        transport.send("POST", "/x", {})
    assert transport.requests == 3


@pytest.mark.parametrize("status", [200, 201, 207, 400, 403, 404, 409])
def test_every_other_answer_is_the_connectors_with_its_body_parsed(server: Server, waits: Waits, status: int) -> None:
    server.script = [(status, {}, {"message": "m"}), (status, {}, b"<html>"), (status, {}, [1])]
    transport = connect(server, waits)
    answers = [transport.send("POST", "/x", {}) for _ in range(3)]
    assert [answer.status for answer in answers] == [status] * 3
    assert [answer.members for answer in answers] == [{"message": "m"}, {}, {}]
    assert answers[2].items == [1]
    assert answers[1].content == b"<html>"


def test_rates_are_read_from_the_vendors_headers() -> None:
    assert salesforce_rates(
        {"Sforce-Limit-Info": "api-usage=18/5000; per-app-api-usage=17/250(appName=x)"}
    ) == RateNews(daily_limit=5000, daily_used=18)
    assert salesforce_rates({}) == salesforce_rates({"Sforce-Limit-Info": "odd"}) == RateNews()
    told = {"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}
    assert hubspot_rates(told) == RateNews(limit=190, seconds=10)


def test_the_token_is_in_no_message_no_repr_and_no_file(
    server: Server, waits: Waits, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Whatever goes wrong: errors with their causes, logs at their most talkative, reprs, the store's file."""
    import reverse_etl.connectors.hubspot as hubspot
    from reverse_etl.store import Store

    caplog.set_level(logging.DEBUG)
    access = CrmAccess("hubspot", server.url, {"token": TOKEN}, state_dir=tmp_path / "state")
    connector = hubspot.CRM.open(access)
    shown = [repr(access), repr(connector), repr(vars(connector)), repr(StaticToken(TOKEN))]
    failures: list[tuple[Reply, Callable[[], Any]]] = [
        ((401, {}, {"message": "expired"}), lambda: connector.delete("contacts", [])),
        ((401, {}, {"message": "expired"}), lambda: connector.lookup("contacts", "email", ["a@x.example"], [])),
        ((403, {}, {"message": "scope"}), lambda: connector.lookup("contacts", "email", ["a@x.example"], [])),
        ((429, {}, {"policyName": "DAILY"}), lambda: connector.lookup("contacts", "email", ["a@x.example"], [])),
    ]
    for reply, call in failures:
        server.script = [reply]
        try:
            call()
        except WritebackError as error:
            shown += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    connector.close()
    store_file = tmp_path / "ops.db"
    with Store(f"sqlite:///{store_file}") as store:
        store.start_run("r", "p", "s")
        store.finish_run("r", status="failed", requests=1, written=0, rejected=0, message="; ".join(shown))
    sqlite3.connect(store_file).execute("pragma wal_checkpoint(truncate)")
    shown += [caplog.text]
    assert len(shown) > 10
    assert not any(TOKEN in text for text in shown)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) >= 3
    assert not any(TOKEN.encode() in file.read_bytes() for file in files)


def test_a_turn_of_the_shared_budget_costs_little(tmp_path: Path) -> None:
    """It must not limit an apply that no vendor limits: thousands of turns a second even with a full window."""
    bucket = TokenBucket(100_000, 10, path=tmp_path / "b")
    day = DayBudget(path=tmp_path / "d")
    began = time.thread_time()
    for _ in range(500):
        day.take("write_back")
        bucket.landed(bucket.take())
    assert (time.thread_time() - began) / 500 < 0.002
