"""What real trackers send is kept once, as ingestion will read it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from collector_process import Collecting, add_keys

from ingestion.events import captured_request, parse_request
from instant.receiving import presented_key

#: Headers of the connection, not of the request.
_NOT_SENT = {"host", "content-length", "connection", "accept-encoding", "cookie"}


def replay(collector: Collecting, capture: dict[str, Any]) -> requests.Response:
    body = None if capture["body"] is None else json.dumps(capture["body"]).encode()
    headers = {name: value for name, value in capture["headers"].items() if name.lower() not in _NOT_SENT}
    if capture["gzip"] and body is not None:
        body = gzip.compress(body)
    return requests.request(capture["method"], collector.url + capture["path"], headers=headers, data=body, timeout=30)


def test_every_captured_request_is_stored_once(collector: Collecting, payloads: Path) -> None:
    captures = {path.stem: json.loads(path.read_text()) for path in sorted(payloads.glob("*.json"))}
    assert captures
    keys = {stem: presented_key(captured_request(one), one["body"]) for stem, one in captures.items()}
    names = {key: f"source{number}" for number, key in enumerate(sorted({key for key in keys.values() if key}))}
    add_keys(collector.inbox_url, **{name: key for key, name in names.items()})
    for key in names:
        collector.until_known(key)
    expected: dict[str, dict[str, Any]] = {}
    for stem, capture in captures.items():
        parsed = parse_request(captured_request(capture))
        expected |= {row["message_id"]: row for row in parsed.rows}
        for _ in range(2):
            answer = replay(collector, capture)
            assert answer.status_code == 200, (stem, answer.text)
    events = [event for event in collector.kept() if event.source in names.values()]
    assert sorted(event.message_id for event in events) == sorted(expected)
    for event in events:
        row, wanted = event.row(), expected[event.message_id]
        differing = {name for name in row if row[name] != wanted[name]} - {"received_at"}
        assert not differing, (event.message_id, differing)


def test_segments_own_python_library(collector: Collecting) -> None:
    segment = pytest.importorskip("segment.analytics", reason="segment-analytics-python is not installed")
    failed: list[Exception] = []
    for packs in (False, True):
        client = segment.Client(
            "wk_web", host=collector.url, gzip=packs, on_error=lambda error, _items: failed.append(error), max_retries=1
        )
        for number in range(25):
            client.track(f"lib{packs}{number}", "Form Submitted", {"form": "demo"})
        client.identify(f"lib{packs}", {"email": f"lib{packs}@example.com"})
        client.flush()
        client.join()
    assert failed == []
    users = [
        str(event.event["userId"]) for event in collector.kept("web") if str(event.event["userId"]).startswith("lib")
    ]
    assert sorted(users) == sorted(
        [f"lib{packs}{number}" for packs in (False, True) for number in range(25)] + ["libFalse", "libTrue"]
    )


def test_segments_own_python_library_is_told_why_nothing_was_kept(collector: Collecting) -> None:
    segment = pytest.importorskip("segment.analytics", reason="segment-analytics-python is not installed")
    failed: list[str] = []
    client = segment.Client("wk_nobodys", host=collector.url, on_error=lambda error, _: failed.append(str(error)))
    client.track("nobody", "Form Submitted")
    client.flush()
    client.join()
    assert len(failed) == 1, "not sent again either"
    assert "unknown_write_key: this write key is not in use (401)" in failed[0]


@pytest.mark.parametrize("method", ["get", "post"])
def test_snowplows_own_python_library(collector: Collecting, method: str) -> None:
    snowplow = pytest.importorskip("snowplow_tracker", reason="snowplow-tracker is not installed")
    failed: list[Any] = []
    emitter = snowplow.Emitter(
        "127.0.0.1", port=collector.port, protocol="http", method=method, batch_size=1,
        on_failure=lambda *args: failed.append(args),
    )  # fmt: skip
    # Its app id stands for the write key.
    tracker = snowplow.Tracker(
        namespace="t", emitters=[emitter], app_id="wk_web", subject=snowplow.Subject().set_user_id(f"sp-{method}")
    )
    tracker.track(snowplow.PageView(page_url="https://acme.example/pricing", page_title="Pricing"))
    tracker.track(snowplow.StructuredEvent(category="form", action="submit", label="demo"))
    tracker.flush()
    assert failed == []
    rows = [event.row() for event in collector.kept("web") if event.event.get("uid") == f"sp-{method}"]
    assert [(row["type"], row["event"]) for row in rows] == [("page", None), ("track", "form submit")]
