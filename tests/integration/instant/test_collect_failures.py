"""Killed, full, or without its database: what was answered with 200 is there once, and nothing else is answered so."""

from __future__ import annotations

import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from collector_process import Collecting, add_keys, stop

from instant.inbox import Inbox

#: A fast machine takes more in than one key may send.
NO_RATE = {"LEADHOUSE_COLLECT_EVENTS_PER_SECOND": "1000000"}


def batch(sender: str, number: int, size: int = 20) -> dict[str, Any]:
    return {
        "batch": [
            {
                "type": "track", "event": "Content Downloaded", "anonymousId": sender,
                "messageId": f"{sender}-{number}-{place}", "timestamp": "2026-11-01T08:30:00Z",
                "properties": {"content": "x" * 200},
            }
            for place in range(size)
        ]
    }  # fmt: skip


class Sender(threading.Thread):
    """A client that sends one batch after the other, and notes which were answered with 200."""

    def __init__(self, collector: Collecting, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._collector = collector
        self.sent: list[int] = []
        self.answered: list[int] = []
        self.statuses: set[int] = set()

    def run(self) -> None:
        with requests.Session() as session:
            session.auth = ("wk_web", "")
            while True:
                number = len(self.sent)
                self.sent.append(number)
                try:
                    body = batch(self.name, number)
                    answer = session.post(f"{self._collector.url}/v1/batch", json=body, timeout=30)
                except requests.RequestException:
                    return
                self.statuses.add(answer.status_code)
                if answer.status_code == 200:
                    self.answered.append(number)


@pytest.mark.parametrize("seconds", [0.6, 1.4])
def test_a_killed_collector_has_every_event_it_answered_for(
    collecting: Callable[..., Collecting], tmp_path: Path, seconds: float
) -> None:
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    add_keys(url, web="wk_web")
    collector = collecting(tmp_path, **NO_RATE)
    senders = [Sender(collector, f"s{number}") for number in range(6)]
    for sender in senders:
        sender.start()
    time.sleep(seconds)
    stop(collector, signal.SIGKILL)
    for sender in senders:
        sender.join(30)
    answered = {f"{s.name}-{number}-{place}" for s in senders for number in s.answered for place in range(20)}
    kept = [event.message_id for event in collector.kept()]
    assert answered
    assert len(kept) == len(set(kept))
    assert answered <= set(kept)
    # What clients do: they send everything again that they have no answer for, and some of the rest.
    again = collecting(tmp_path, **NO_RATE)
    for sender in senders:
        for number in sender.sent[-3:]:
            assert again.post("/v1/batch", batch(sender.name, number)).status_code == 200
    kept = [event.message_id for event in again.kept()]
    assert len(kept) == len(set(kept))
    assert set(kept) == {f"{s.name}-{number}-{place}" for s in senders for number in s.sent for place in range(20)}


def test_a_full_disk_is_answered_with_503_and_never_with_200(
    collecting: Callable[..., Collecting], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    add_keys(url, web="wk_web")
    collector = collecting(tmp_path)
    assert collector.post("/v1/batch", batch("before", 0)).status_code == 200
    # No file of the process may grow beyond this: what a disk without room does to it.
    limit = max(path.stat().st_size for path in tmp_path.glob("inbox.db*")) + 200_000
    resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    answers = [collector.post("/v1/batch", batch("full", number, 200)) for number in range(12)]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    refused = answers[statuses.index(503)]
    assert refused.json()["code"] == "inbox_unavailable"
    assert refused.headers["Retry-After"]
    assert "inbox.db" not in refused.text, "where it is kept is nobody's business"
    ready = requests.get(f"{collector.url}/readyz", timeout=30)
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "refuses" in ready.json()["inbox"]
    assert requests.get(f"{collector.url}/healthz", timeout=30).status_code == 200
    kept = {event.message_id for event in collector.kept()}
    expected = {f"full-{n}-{m}" for n, status in enumerate(statuses) if status == 200 for m in range(200)}
    assert expected <= kept
    # Room again: no restart is needed.
    resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for number, _ in enumerate(statuses):
        assert collector.post("/v1/batch", batch("full", number, 200)).status_code == 200
    kept_now = [event.message_id for event in collector.kept() if event.message_id.startswith("full-")]
    assert len(kept_now) == len(set(kept_now)) == 12 * 200
    assert requests.get(f"{collector.url}/readyz", timeout=30).status_code == 200


def test_a_locked_inbox_keeps_nobody_waiting_for_ever(collecting: Callable[..., Collecting], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    add_keys(url, web="wk_web")
    collector = collecting(tmp_path)
    with Inbox(url) as other, other.engine.connect() as connection:
        connection.exec_driver_sql("begin immediate")
        assert collector.post("/v1/batch", batch("locked", 0)).status_code == 503
        connection.exec_driver_sql("rollback")
    assert collector.post("/v1/batch", batch("locked", 0)).status_code == 200
    assert len(collector.kept()) == 20


def test_a_requested_end_commits_what_waits(collecting: Callable[..., Collecting], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'inbox.db'}"
    add_keys(url, web="wk_web")
    collector = collecting(tmp_path)
    senders = [Sender(collector, f"e{number}") for number in range(4)]
    for sender in senders:
        sender.start()
    time.sleep(0.5)
    stop(collector, signal.SIGTERM)
    assert collector.process.returncode in (0, -signal.SIGTERM, 143), (tmp_path / "log").read_text()
    for sender in senders:
        sender.join(30)
        assert sender.statuses <= {200}
    answered = {f"{s.name}-{number}-{place}" for s in senders for number in s.answered for place in range(20)}
    assert answered <= {event.message_id for event in collector.kept()}
    assert "Traceback" not in (tmp_path / "log").read_text()
