"""The inbox on a real PostgreSQL: several collectors write, a reader that follows them misses nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import requests
from collector_process import Collecting, add_keys
from postgresql_server import postgresql

from ingestion.inbox import load_inbox
from instant.inbox import Inbox, NewEvent, utc_now


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


def event(name: str) -> NewEvent:
    content = f'{{"messageId": "{name}", "type": "page", "userId": "u", "timestamp": "2026-11-01T08:00:00Z"}}'
    return NewEvent("web", "segment", name, utc_now(), content.encode())


def test_who_follows_the_sequence_misses_no_event_of_several_writers(server: str) -> None:
    """A sequence's numbers are given before commits: without an order of commits a reader would overtake some."""
    per_writer, writers = 150, 4
    seen: list[str] = []
    done = threading.Event()

    def follow() -> None:
        last = 0
        with Inbox(server) as inbox:
            while True:
                is_last = done.is_set()
                for one in inbox.since(last, 100):
                    assert one.sequence > last
                    last = one.sequence
                    seen.append(one.message_id)
                if is_last and not inbox.since(last, 1):
                    return

    def write(number: int) -> None:
        with Inbox(server) as inbox:
            futures = []
            for one in range(per_writer):
                # Half of them are sent by a second writer too.
                futures.append(inbox.submit([event(f"{number // 2 * 2}-{one}"), event(f"own{number}-{one}")]))
            results = [future.result() for future in futures]
            accepted.append(sum(result.accepted for result in results))

    accepted: list[int] = []
    reader = threading.Thread(target=follow)
    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join(60)
    expected = per_writer * writers + per_writer * writers // 2
    assert sum(accepted) == expected
    assert len(seen) == len(set(seen)) == expected


def test_several_workers_and_the_batch_read_one_inbox(
    server: str, collecting: Callable[..., Collecting], tmp_path: Path
) -> None:
    add_keys(server, shop="wk_shop")
    collector = collecting(tmp_path, server, "--workers", "2")
    messages = [{"type": "track", "event": f"NUL \x00 {n}", "userId": "u", "messageId": f"pg{n}"} for n in range(200)]
    for _ in range(2):
        with requests.Session() as session:
            for start in range(0, 200, 20):
                body = {"batch": [*messages[start : start + 20], {"type": "track", "userId": f"bad \x00 {start}"}]}
                answer = session.post(f"{collector.url}/v1/batch", json=body, auth=("wk_shop", ""), timeout=30)
                assert answer.status_code == 200, answer.text
    assert len(collector.kept("shop")) == 200
    load_inbox(tmp_path / "warehouse.duckdb", server, pipelines_dir=tmp_path / "dlt")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        counts = [
            warehouse.execute(f"select count(*) from {table} where {column} like '%:shop%'").fetchall()[0][0]
            for table, column in (("raw_events.events", "_source_file"), ("raw_quarantine.records", "file"))
        ]
    assert counts == [200, 10]
