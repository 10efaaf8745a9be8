"""What is alerted, when somebody is told again, and that the two channels take it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from leadhouse.settings import Settings
from orchestration.alerts import current_alerts, read_limits, tell
from orchestration.errors import AlertNotSent
from reverse_etl.store import Store

NOW = datetime(2026, 5, 4, 12)
LIMITS = {"reject_max_share": 0.05, "reject_min_rows": 5, "stalled_hours": 30, "repeat_hours": 24}


def plan(store: Store, plan_id: str, created_at: datetime, *, changes: int = 3, guards: tuple[str, ...] = ()) -> None:
    summary = [{"sync": "sync_a", "counts": {"update": changes, "unchanged": 5}, "guards": list(guards)}]
    row: dict[str, Any] = {
        "plan_id": plan_id, "created_at": created_at, "expires_at": created_at + timedelta(hours=24),
        "status": "blocked" if guards else "planned", "published_link": "x", "published_file": "x",
        "total_changes": changes, "summary": json.dumps(summary), "specs": "[]",
    }  # fmt: skip
    store.save_plan(row, [])


def run(store: Store, plan_id: str, *, written: int, rejected: int, status: str = "done", message: str = "") -> None:
    run_id = f"run_{plan_id}"
    store.start_run(run_id, plan_id, "sync_a")
    store.finish_run(run_id, status=status, requests=1, written=written, rejected=rejected, message=message or None)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LEADHOUSE_DATA_DIR", str(tmp_path))
    return Settings()


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store(settings.ops_store_url) as opened:
        yield opened


def kinds(store: Store, now: datetime = NOW) -> list[str]:
    return [alert.kind for alert in current_alerts(store, LIMITS, now)]


def test_nothing_is_wrong_with_an_applied_plan(store: Store) -> None:
    plan(store, "p1", NOW)
    run(store, "p1", written=3, rejected=0)
    assert kinds(store) == []


def test_a_tripped_guard_is_told_until_the_plan_expires(store: Store) -> None:
    plan(store, "p1", NOW - timedelta(hours=1), guards=("would change 9 records, more than max_changes = 3",))
    assert kinds(store) == ["guard"]
    assert kinds(store, NOW + timedelta(hours=24)) == []


def test_a_newer_plan_without_a_guard_ends_the_alert(store: Store) -> None:
    plan(store, "p1", NOW - timedelta(hours=2), guards=("no",))
    plan(store, "p2", NOW - timedelta(hours=1))
    assert kinds(store) == []


@pytest.mark.parametrize(("written", "rejected", "expected"), [(95, 5, []), (94, 6, ["rejects"]), (0, 4, [])])
def test_refusals_are_judged_by_share_and_number(
    store: Store, written: int, rejected: int, expected: list[str]
) -> None:
    plan(store, "p1", NOW)
    run(store, "p1", written=written, rejected=rejected)
    assert kinds(store) == expected


def test_changes_that_wait_are_dated_from_the_first_plan_that_had_them(store: Store) -> None:
    plan(store, "p1", NOW - timedelta(hours=40))
    plan(store, "p2", NOW - timedelta(hours=1))
    (alert,) = current_alerts(store, LIMITS, NOW)
    assert alert.kind == "stalled"
    assert "since 2026-05-02 20:00 UTC" in alert.message
    plan(store, "p3", NOW, changes=0)
    assert kinds(store) == []


def test_a_sync_that_is_planned_no_more_is_stalled(store: Store) -> None:
    plan(store, "p1", NOW - timedelta(hours=31), changes=0)
    (alert,) = current_alerts(store, LIMITS, NOW)
    assert "not planned since" in alert.message


def test_a_failed_run_is_told_without_anybodys_address(store: Store) -> None:
    plan(store, "p1", NOW)
    run(store, "p1", written=0, rejected=1, status="failed", message="refused ana.lima@acme.com")
    (alert,) = current_alerts(store, LIMITS, NOW)
    assert alert.kind == "failed"
    assert "ana.lima" not in alert.message
    assert "a***@acme.com" in alert.message


def test_the_shipped_limits_are_read() -> None:
    limits = read_limits(Path(__file__).parents[3] / "seeds")
    assert set(limits) == set(LIMITS)


# -- telling ----------------------------------------------------------------------------------------------------------


class Hook:
    """A webhook over HTTP that keeps what it was sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/secret-part"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_somebody_is_told_once_and_again_and_at_the_end(
    settings: Settings, store: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADHOUSE_ALERT_WEBHOOK_URL", hook.url)
    settings = Settings()
    plan(store, "p1", NOW, guards=("no",))
    assert [alert.key for alert in tell(settings, now=NOW).opened] == ["guard:sync_a"]
    assert tell(settings, now=NOW + timedelta(hours=1)).opened == ()
    assert len(hook.bodies) == 1, "known, and told less than repeat_hours ago"
    assert len(tell(settings, now=NOW + timedelta(hours=24)).repeated) == 1
    plan(store, "p2", NOW + timedelta(hours=24), changes=0)
    assert len(tell(settings, now=NOW + timedelta(hours=25)).closed) == 1
    assert tell(settings, now=NOW + timedelta(hours=26)).closed == ()
    assert [sorted(k for k in ("opened", "repeated", "closed") if body[k]) for body in hook.bodies] == [
        ["opened"], ["repeated"], ["closed"],
    ]  # fmt: skip
    assert "leadhouse plan show p1" in hook.bodies[0]["text"]


def test_a_channel_that_fails_is_tried_again_and_keeps_its_address_secret(
    settings: Settings, store: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADHOUSE_ALERT_WEBHOOK_URL", hook.url)
    settings = Settings()
    assert "secret-part" not in repr(settings)
    plan(store, "p1", NOW, guards=("no",))
    hook.status = 500
    with pytest.raises(AlertNotSent, match="answered 500") as caught:
        tell(settings, now=NOW)
    assert "secret-part" not in str(caught.value)
    hook.status = 200
    assert len(tell(settings, now=NOW).opened) == 1


def test_without_a_channel_alerts_are_kept_and_looking_changes_nothing(settings: Settings, store: Store) -> None:
    plan(store, "p1", NOW, guards=("no",))
    assert len(tell(settings, now=NOW, send=False).opened) == 1
    assert store.alert_rows() == []
    tell(settings, now=NOW)
    assert [row["alert_key"] for row in store.alert_rows()] == ["guard:sync_a"]


def test_a_mail_is_handed_over_by_smtp(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    lines: list[str] = []
    server = threading.Thread(target=_serve_one_mail, args=(listener, lines), daemon=True)
    server.start()
    monkeypatch.setenv("LEADHOUSE_ALERT_EMAIL_TO", "ops@example.org, marketing@example.org")
    monkeypatch.setenv("LEADHOUSE_ALERT_SMTP_URL", f"smtp://127.0.0.1:{listener.getsockname()[1]}?from=crm@example.org")
    plan(store, "p1", NOW, guards=("no",))
    tell(Settings(), now=NOW)
    server.join(10)
    listener.close()
    text = "\n".join(lines)
    assert "mail FROM:<crm@example.org>" in text
    assert "rcpt TO:<ops@example.org>" in text
    assert "rcpt TO:<marketing@example.org>" in text
    assert "Subject: Leadhouse write-back: 1 new" in text
    assert "a guard holds plan p1 back" in text


def _serve_one_mail(listener: socket.socket, lines: list[str]) -> None:
    """Just enough of RFC 5321 for one message."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rw", encoding="utf-8", newline="\r\n") as stream:
        stream.write("220 ready\n")
        stream.flush()
        in_body = False
        for line in stream:
            lines.append(line.rstrip("\r\n"))
            if in_body and lines[-1] != ".":
                continue
            was_body, in_body = in_body, lines[-1].lower() == "data"
            stream.write("354 go on\n" if in_body else "221 bye\n" if lines[-1].lower() == "quit" else "250 ok\n")
            stream.flush()
            if lines[-1].lower() == "quit" and not was_body:
                return
