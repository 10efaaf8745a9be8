"""The inbox as a source: its events are in ``raw_events.events`` once, as if they had come in files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.erased import turning_away
from ingestion.errors import IngestionError
from ingestion.events import load_events
from ingestion.events.http import Request, messages_of
from ingestion.events.rows import COLUMNS
from ingestion.inbox import load_inbox, waiting_events
from instant.inbox import HUBSPOT, Inbox, NewEvent, RefusedEvent, utc_now
from instant.receiving import sort_events
from privacy import ErasureKey, Tombstones

RECEIVED = datetime(2026, 11, 2, 9)


def message(number: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": "Form Submitted", "messageId": f"m{number}", "userId": f"u{number}",
        "timestamp": f"2026-11-01T08:{number % 60:02}:00Z", "context": {"page": {"url": "https://a.example/?utm_source=ads"}},
        **more,
    }  # fmt: skip


class Road:
    """An inbox and a warehouse."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "house" / "warehouse.duckdb"
        self.inbox_url = f"sqlite:///{folder / 'inbox.db'}"
        self.inbox = Inbox(self.inbox_url)

    def send(self, *messages: object, source: str = "web", at: datetime = RECEIVED) -> None:
        body = json.dumps({"batch": messages}).encode()
        found = sort_events(source, messages_of(Request("POST", "/v1/batch", {}, body)), at, 65_536)
        self.inbox.append(found.events, found.refused)

    def load(self) -> tuple[int, int, int]:
        events, _state = load_inbox(self.warehouse, self.inbox_url, pipelines_dir=self.folder / "dlt")
        return events.rows_read, events.rows_loaded, events.rows_quarantined

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def message_ids(self) -> list[str]:
        return [
            row[0] for row in self.rows("select message_id from raw_events.events order by _source_row, message_id")
        ]


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    made = Road(tmp_path)
    yield made
    made.inbox.close()


def test_events_arrive_once_in_their_order(road: Road) -> None:
    road.send(message(2), message(1))
    assert road.load() == (2, 2, 0)
    assert road.load() == (0, 0, 0)
    # Late, and one that the inbox has already.
    road.send(message(0, timestamp="2025-01-01T00:00:00Z"), message(2))
    assert waiting_events(road.warehouse, road.inbox_url).events == 1
    assert road.load() == (1, 1, 0)
    assert road.message_ids() == ["m2", "m1", "m0"]
    assert waiting_events(road.warehouse, road.inbox_url).events == 0
    [(inbox_id, read_until, events, newest)] = road.rows(
        "select inbox_id, read_until, events, newest_received_at from raw_events.inbox_state"
    )
    assert (read_until, events, newest) == (3, 3, RECEIVED)
    files = road.rows("select distinct _source_file from raw_events.events")
    assert files == [(f"inbox-{inbox_id}:web",)]
    assert {event.file for event in road.inbox.since(0)} == {f"inbox-{inbox_id}:web"}


def test_an_event_is_the_row_that_a_file_would_have_given(road: Road, tmp_path: Path) -> None:
    messages = [message(number, receivedAt="2026-11-01T10:00:00Z") for number in range(5)]
    road.send(*messages)
    road.load()
    kept = [event.row() for event in road.inbox.since(0)]
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join(json.dumps(one) for one in messages))
    load_events(tmp_path / "other" / "warehouse.duckdb", folder, pipelines_dir=tmp_path / "dlt2")
    names = ", ".join(COLUMNS)
    rows = road.rows(f"select {names} from raw_events.events order by message_id")
    with duckdb.connect(str(tmp_path / "other" / "warehouse.duckdb"), read_only=True) as connection:
        assert rows == connection.execute(f"select {names} from raw_events.events order by message_id").fetchall()
    assert rows == [tuple(row[name] for name in COLUMNS) for row in kept], "and the one that the instant path sees"


def test_every_event_of_the_source_is_kept_or_set_apart(road: Road) -> None:
    road.send(message(1), message(2, userId=None), "nothing", message(3))
    assert road.load() == (4, 2, 2)
    assert road.load() == (0, 0, 0)
    lines = road.rows(
        "select source, entity, split_part(file, ':', 2), row_number, record_id, reason_code "
        "from raw_quarantine.records order by row_number"
    )
    assert lines == [
        ("events", "raw_events.events", "web", 1, "m2", "missing_identity"),
        ("events", "raw_events.events", "web", 2, None, "malformed_json"),
    ]


def test_what_an_unfinished_load_left_is_not_there_twice(road: Road) -> None:
    road.send(message(1))
    road.load()
    road.send(message(2), message(3, userId=None), message(4))
    [(inbox_id,)] = road.rows("select inbox_id from raw_events.inbox_state")
    # As if the process had been killed between the rows and the state.
    with duckdb.connect(str(road.warehouse)) as connection:
        connection.execute(
            "insert into raw_events.events by name select * replace ('m2' as message_id, 2 as _source_row) "
            "from raw_events.events"
        )
        connection.execute(
            "insert into raw_quarantine.records by name select 'events' as source, 'raw_events.events' as entity, "
            f"'inbox-{inbox_id}:web:refused' as file, 1 as row_number, timestamp '2026-01-01' as _loaded_at"
        )
    assert road.load() == (3, 2, 1)
    assert road.message_ids() == ["m1", "m2", "m4"]
    assert len(road.rows("select 1 from raw_quarantine.records")) == 1


def test_an_inbox_made_anew_is_another_one(road: Road) -> None:
    road.send(message(1), message(2))
    road.load()
    road.inbox.close()
    for path in road.folder.glob("inbox.db*"):
        path.unlink()
    road.inbox = Inbox(road.inbox_url)
    road.send(message(3))
    assert road.load() == (1, 1, 0)
    assert sorted(road.message_ids()) == ["m1", "m2", "m3"]
    assert len(road.rows("select 1 from raw_events.inbox_state")) == 2


def test_an_inbox_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    results = load_inbox(tmp_path / "warehouse.duckdb", url, pipelines_dir=tmp_path / "dlt")
    assert [result.rows_read for result in results] == [0, 0]
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "none.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(IngestionError, match="cannot be read"):
        load_inbox(tmp_path / "warehouse.duckdb", url, pipelines_dir=tmp_path / "dlt")


def test_notices_of_the_crm_are_no_events_of_people(road: Road) -> None:
    road.inbox.append([NewEvent(HUBSPOT, HUBSPOT, "n1", utc_now(), b'{"noticeId": "n1"}')])
    road.send(message(1))
    assert road.load() == (1, 1, 0)


def test_nobody_who_was_erased_comes_back_in(road: Road) -> None:
    road.send(message(1, traits={"email": "gone@example.com"}), message(2))
    road.inbox.append([], [RefusedEvent("web", RECEIVED, "f", "c", "r", '{"email": "gone@example.com"}')])
    key = ErasureKey(b"k" * 32)
    with turning_away(Tombstones(key, emails=frozenset({key.email("gone@example.com")}))):
        assert road.load() == (3, 1, 2)
    assert road.message_ids() == ["m2"]
    assert {row[0] for row in road.rows("select reason_code from raw_quarantine.records")} == {"erased"}
    assert not road.rows("select 1 from raw_quarantine.records where record like '%gone%'")


def test_how_long_events_have_waited(road: Road) -> None:
    road.send(message(1), at=utc_now() - timedelta(hours=3))
    waiting = waiting_events(road.warehouse, road.inbox_url)
    assert waiting.events == 1
    assert waiting.oldest_received_at is not None
    assert timedelta(hours=3) <= utc_now() - waiting.oldest_received_at < timedelta(hours=4)
