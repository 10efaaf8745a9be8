"""Somebody who was erased is in no event, no refusal and no byte of the inbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingestion.events.http import Request, messages_of
from instant.forget import forget
from instant.inbox import Inbox, utc_now
from instant.receiving import sort_events


def send(inbox: Inbox, *messages: dict[str, Any]) -> tuple[int, int]:
    body = json.dumps({"batch": messages}).encode()
    found = sort_events("web", messages_of(Request("POST", "/v1/batch", {}, body)), utc_now(), 65_536)
    done = inbox.append(found.events, found.refused)
    return done.accepted, done.duplicates


def message(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "x", "messageId": name, "timestamp": "2026-11-01T08:00:00Z", **more}


def test_every_trace_goes_and_what_is_sent_again_is_still_known(tmp_path: Path) -> None:
    own = [
        message("w1", userId="Ana@Acme.example"),
        message("w2", anonymousId="device-of-ana"),
        message("w3", userId="c101"),
        message("w4", anonymousId="d9", traits={"email": "ana@acme.example"}, properties={"note": "São"}),
        message("w5", anonymousId="shared-device"),
    ]
    others = [
        message("o1", userId="c1011", properties={"text": "I work with ana@acme.example"}),
        message("o2", userId="bia@acme.example"),
        message("o3", userId="c1012", timestamp=None),
    ]
    bad = message("b1", event=None, userId="ana@acme.example")
    with Inbox(f"sqlite:///{tmp_path / 'inbox.db'}") as inbox:
        send(inbox, *own, *others, bad)
        what = {
            "addresses": ["ana@acme.example"],
            "user_ids": ["c101"],
            "devices": ["device-of-ana"],
            "message_ids": ["w5"],
        }
        assert forget(inbox, **what) == {"inbox.events": 6, "inbox.refused": 1}
        assert forget(inbox, **what) == {}
        left = {event.message_id: event for event in inbox.since(0)}
        assert sorted(left) == ["o1", "o2", "o3"]
        assert left["o1"].event["properties"] == {"text": "I work with [erased]"}
        assert send(inbox, *own) == (0, 5), "a client that sends them again brings nobody back"
    content = b"".join(path.read_bytes() for path in tmp_path.glob("inbox.db*")).lower()
    assert b"bia@acme.example" in content
    for trace in (b"ana@acme.example", b"device-of-ana", b'"c101"'):
        assert trace not in content
