"""Rate budget, and answers that the sandbox never gives: parsed record by record, refused batches split."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from requests.adapters import BaseAdapter

from crm_access.ratelimit import (
    INGESTION,
    WRITE_BACK,
    DayBudget,
    PortalBudget,
    QuotaSpentError,
    TokenBucket,
)
from crm_access.rates import RateNews, hubspot_rates
from reverse_etl.connectors.base import RowWrite
from reverse_etl.connectors.hubspot import HubSpotConnector
from reverse_etl.errors import (
    AmbiguousOutcomeError,
    AuthError,
    PermissionDeniedError,
    QuotaExhaustedError,
    UnreachableError,
)

TOKEN = "pat-test-5ec2e7"


class Clock:
    """Time that only passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


# -- the bucket ------------------------------------------------------------------------------------------------------


def test_no_window_holds_more_than_the_limit() -> None:
    clock = Clock()
    bucket = TokenBucket(5, 10, clock=clock, sleep=clock.sleep)
    sent = []
    for i in range(23):
        clock.now += 0.3 if i % 4 else 0
        bucket.take()
        sent.append(clock.now)
    assert all(later - earlier >= 10 for earlier, later in zip(sent, sent[5:], strict=False))
    assert sent[-1] - sent[0] < 45, "more waiting than the limit asks for"


def news(**headers: str) -> RateNews:
    return hubspot_rates({f"X-HubSpot-RateLimit-{name.replace('_', '-')}": text for name, text in headers.items()})


def test_the_vendor_lowers_the_limit_and_closes_the_window() -> None:
    clock = Clock()
    bucket = TokenBucket(190, 10, clock=clock, sleep=clock.sleep)
    bucket.take()
    bucket.observe(news(Max="100", Interval_Milliseconds="10000"))
    assert bucket.limit == 100
    bucket.observe(news(Max="many", Interval_Milliseconds="10000"))
    assert bucket.limit == 100
    bucket.observe(news(Remaining="0"))
    assert bucket.take().waited == pytest.approx(10, abs=0.2)
    bucket.pause(3)
    assert bucket.take().waited == pytest.approx(3, abs=0.01)


def test_a_request_counts_from_its_answer() -> None:
    """The vendor counted it some time between leaving and answer: only the answer's time is safe."""
    clock = Clock()
    bucket = TokenBucket(2, 10, clock=clock, sleep=clock.sleep)
    slow, _ = bucket.take(), bucket.take()
    clock.now += 4
    bucket.landed(slow)
    assert bucket.take().waited == pytest.approx(6, abs=0.1)
    assert bucket.take().waited == pytest.approx(4, abs=0.1)


def test_a_refusal_lowers_the_rate_which_comes_back_slowly() -> None:
    clock = Clock()
    bucket = TokenBucket(100, 10, clock=clock, sleep=clock.sleep)
    bucket.take()
    for _ in range(5):
        bucket.refused(3)
    assert bucket.limit == 80, "five refusals of one full window are one"
    assert bucket.take().waited == pytest.approx(3, abs=0.01)
    limits = []
    for _ in range(5):
        clock.now += 10.1
        bucket.take()
        limits.append(bucket.limit)
    assert limits == [85, 90, 95, 100, 100]


def test_processes_share_the_window_and_the_day_through_files(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from crm_access.ratelimit import TokenBucket\n"
        "bucket = TokenBucket(30, 1.0, path=Path(sys.argv[1]) / 'portal.requests')\n"
        "for _ in range(25): bucket.landed(bucket.take()); print(time.monotonic(), flush=True)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    sent = sorted(float(line) for process in started for line in process.communicate(timeout=30)[0].split())
    assert len(sent) == 75
    assert all(later - earlier >= 1.0 for earlier, later in zip(sent, sent[30:], strict=False))
    assert sent[-1] - sent[0] < 3.5

    days = [DayBudget(0.5, path=tmp_path / "portal.day") for _ in range(2)]
    days[0].observe(news(Daily="10", Daily_Remaining="9"))
    for day in (*days, *days, days[0]):
        day.take(WRITE_BACK)
    with pytest.raises(QuotaSpentError, match=r"sent 5 requests today, all of its share \(50%\) of the portal's 10"):
        days[1].take(WRITE_BACK)
    days[1].take(INGESTION)
    assert days[0].counts() == {"write_back": 5, "ingestion": 1, "used": 1, "limit": 10}


def test_a_state_of_another_boot_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    clock.now = 1_000_000.0
    before = TokenBucket(2, 10, path=tmp_path / "b", clock=clock, sleep=clock.sleep)
    before.take()
    before.take()
    before.pause(60)
    clock.now = 5.0
    assert TokenBucket(2, 10, path=tmp_path / "b", clock=clock, sleep=clock.sleep).take().waited == 0


def test_threads_share_one_budget() -> None:
    bucket = TokenBucket(20, 0.4)
    waited: list[float] = []
    threads = [threading.Thread(target=lambda: waited.extend(bucket.take().waited for _ in range(6))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waited) == 30
    assert max(waited) > 0.2


@pytest.mark.parametrize(("limit", "seconds"), [(0, 10), (10, 0)])
def test_a_limit_of_nothing_is_refused(limit: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        TokenBucket(limit, seconds)


# -- answers ---------------------------------------------------------------------------------------------------------

Reply = tuple[int, dict[str, Any] | bytes, dict[str, str]]


class Portal(BaseAdapter):
    """Answers the client's own HTTP requests by a function of method, path and body."""

    def __init__(self, reply: Callable[[str, str, Any], Reply]) -> None:
        super().__init__()
        self.reply = reply
        self.seen: list[tuple[str, str, Any]] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = orjson.loads(request.body) if request.body else None
        path = str(request.path_url)
        self.seen.append((str(request.method), path, body))
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        status, content, headers = self.reply(str(request.method), path, body)
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        response._content = content if isinstance(content, bytes) else orjson.dumps(content)
        response.request = request
        return response

    def close(self) -> None:
        pass


def connect(reply: Callable[[str, str, Any], Reply]) -> tuple[HubSpotConnector, Portal, Clock]:
    clock = Clock()
    bucket = TokenBucket(10_000, 1, clock=clock, sleep=clock.sleep)
    connector = HubSpotConnector("http://crm.example", TOKEN, PortalBudget(bucket), sleep=clock.sleep)
    portal = Portal(reply)
    connector._transport.session.mount("http://", portal)
    return connector, portal, clock


def rows(count: int) -> list[RowWrite]:
    return [RowWrite(f"p:{i}", str(i), {"leadhouse_score": str(i)}) for i in range(count)]


def written(inputs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": i["id"], "properties": i["properties"]} for i in inputs]


@pytest.mark.parametrize(("status", "kind"), [(400, "validation"), (409, "conflict")])
def test_a_refused_batch_is_split_until_only_the_bad_records_fail(status: int, kind: str) -> None:
    poison = {"3", "4", "77"}

    def reply(_method: str, _path: str, body: Any) -> Reply:
        if any(i["id"] in poison for i in body["inputs"]):
            return status, {"status": "error", "message": "something in there is bad"}, {}
        return 200, {"status": "COMPLETE", "results": written(body["inputs"])}, {}

    connector, portal, _ = connect(reply)
    outcomes = connector.update("contacts", rows(100))
    assert [o.ref for o in outcomes] == [f"p:{i}" for i in range(100)]
    assert {o.record_id for o in outcomes if not o.is_written} == poison
    assert {o.error_kind for o in outcomes if not o.is_written} == {kind}
    assert outcomes[3].error_message == "something in there is bad"
    assert connector.requests == len(portal.seen) < 40


def test_the_body_decides_not_the_status() -> None:
    def reply(_method: str, _path: str, body: Any) -> Reply:
        inputs = body["inputs"]
        errors = [
            {"category": "VALIDATION_ERROR", "message": "bad", "errors": [{"message": "7 was not a valid number."}],
             "context": {"objectWriteTraceId": [inputs[0]["objectWriteTraceId"]]}},
            {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": [inputs[1]["id"]]}},
        ]  # fmt: skip
        return 207, {"status": "COMPLETE", "results": written(inputs[2:]), "errors": errors, "numErrors": 2}, {}

    connector, _, _ = connect(reply)
    outcomes = connector.update("contacts", rows(4))
    assert [o.error_kind for o in outcomes] == ["validation", "missing", None, None]
    assert outcomes[0].error_message == "bad; 7 was not a valid number."


def test_records_that_the_body_does_not_name_are_asked_about_alone() -> None:
    """A merged record answers under its survivor's id; nothing is taken for written that was not."""

    def reply(_method: str, _path: str, body: Any) -> Reply:
        inputs = body["inputs"]
        if len(inputs) > 1:
            return 200, {"results": [{"id": "900"}, *written(inputs[2:])]}, {}
        if inputs[0]["id"] == "0":
            return 200, {"results": [{"id": "900"}]}, {}
        return 207, {"results": [], "errors": [{"category": "CONFLICT", "message": "locked by a merge"}]}, {}

    connector, _, _ = connect(reply)
    outcomes = connector.update("contacts", rows(4))
    assert [(o.record_id, o.error_kind) for o in outcomes] == [
        ("900", None),
        ("1", "conflict"),
        ("2", None),
        ("3", None),
    ]


def test_an_answer_without_a_body_is_not_a_success() -> None:
    connector, portal, _ = connect(lambda *_: (200, b"<html>", {}))
    with pytest.raises(UnreachableError, match="without readable JSON; is there a proxy in between"):
        connector.update("contacts", rows(1))
    assert len(portal.seen) == 3
    connector, portal, _ = connect(lambda *_: (200, {"status": "COMPLETE"}, {}))
    outcome = connector.update("contacts", rows(1))[0]
    assert (outcome.error_kind, outcome.error_message) == ("unknown", "HubSpot answered neither a result nor an error")


def test_a_create_without_answer_is_not_repeated_blindly() -> None:
    connector, portal, _ = connect(lambda method, *_: (502, b"", {}) if method == "POST" else (200, {"id": "0-1"}, {}))
    with pytest.raises(AmbiguousOutcomeError):
        connector.create("contacts", [RowWrite("p:1", None, {"email": "a@x.example"})])
    assert [method for method, _, _ in portal.seen] == ["GET", "POST"], "what is required, and one try"


def test_a_used_up_day_stops() -> None:
    body = {"status": "error", "policyName": "DAILY", "message": "You have reached your daily limit."}
    connector, portal, _ = connect(lambda *_: (429, body, {}))
    with pytest.raises(QuotaExhaustedError, match="apply again tomorrow"):
        connector.update("contacts", rows(1))
    assert len(portal.seen) == 1


def test_a_missing_scope_stops() -> None:
    connector, portal, _ = connect(lambda *_: (403, {"category": "MISSING_SCOPES", "message": "no scope"}, {}))
    with pytest.raises(PermissionDeniedError, match="no scope; give the token the missing scope"):
        connector.update("contacts", rows(100))
    assert len(portal.seen) == 1


def test_the_token_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    connector, _, _ = connect(lambda *_: (401, {"message": "expired"}, {}))
    with pytest.raises(AuthError) as caught:
        connector.update("contacts", rows(1))
    shown = [repr(connector), repr(vars(connector)), str(caught.value), caplog.text]
    assert not any(TOKEN in text for text in shown)


@pytest.mark.parametrize("token", ["", f"{TOKEN}\n", f"Bearer {TOKEN}", "clé"])
def test_a_token_that_cannot_be_one_is_refused_unseen(token: str) -> None:
    with pytest.raises(AuthError) as caught:
        HubSpotConnector("https://api.hubapi.com", token, PortalBudget(TokenBucket(1, 1)))
    assert TOKEN not in str(caught.value)
