"""Scores of one account, measured: ``python -m benchmarks.instant_score [--snapshot FILE] [--events N] [--json]``.

What an evaluation costs depends on the account's events and on how large the file is that they are read from. So a
published snapshot is copied, accounts of 10 to 20,000 events are added to it (five people and devices each, events
drawn from the snapshot's own, over ninety days), and nobody's events up to ``--events``; everything is sorted again as
publishing sorts it. Each evaluation brings one new page view. Seconds are wall time of ``InstantScorer.score``;
``cpu ms`` is the process's own time, which others on the machine disturb less. Writes nothing outside ``data/bench/``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.build import BENCH
from ingestion.events.rows import COLUMNS, Row
from instant.leaves import SCHEMA
from instant.scoring import InstantScorer
from leadhouse.settings import load_settings
from orchestration.publish import current_snapshot

SIZES = (10, 100, 1_000, 10_000, 20_000)
#: Accounts of each size, people and devices of each account.
ACCOUNTS, PEOPLE = 8, 5
_OF_ACCOUNTS = ("int_account_fit_lines", "int_account_fit_ranges", "int_account_exclusions", "currencies")
_OF_CONTACTS = ("int_contact_fit_lines", "int_contact_fit_ranges")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instant_score", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--snapshot", type=Path, help="a published snapshot (default: the one in force)")
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the file in all, at least")
    parser.add_argument("--runs", type=int, default=5, help="evaluations of each account")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long the throughput is measured")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    snapshot = arguments.snapshot or current_snapshot(load_settings().published)
    BENCH.mkdir(parents=True, exist_ok=True)
    file = BENCH / "instant_score.duckdb"
    as_of, stored = _prepare(snapshot.resolve(), file, arguments.events)
    started = time.perf_counter()
    scorer = InstantScorer(None, file, budget=10 * max(SIZES))
    compiled = time.perf_counter() - started
    lines = [_measured(scorer, size, as_of, arguments.runs) for size in SIZES]
    report = {
        "benchmark": "instant_score",
        "events": stored,
        "models": len(scorer.models),
        "compile_seconds": round(compiled, 2),
        "file_mb": round(file.stat().st_size / 1e6),
        "sizes": lines,
        "evaluations_per_second": {
            str(threads): round(_throughput(scorer, as_of, threads, arguments.seconds), 1) for threads in (1, 2)
        },
        "load": round(os.getloadavg()[0], 1),
    }
    file.unlink()
    _print(Console(), report)
    if arguments.json:
        print(json.dumps(report))
    return 0


def _prepare(snapshot: Path, file: Path, events: int) -> tuple[datetime, int]:
    """Writes the file; returns its moment and the events in it."""
    file.with_name(file.name + ".wal").unlink(missing_ok=True)
    shutil.copyfile(snapshot, file)
    file.chmod(0o644)
    with duckdb.connect(str(file)) as connection:
        run = connection.execute
        run(f"create temp table pool as select *, row_number() over () as place from {SCHEMA}.events")
        run(
            "create temp table about as select as_of_at, (select count(*) from pool) as pool_size "
            f"from {SCHEMA}.built_from"
        )
        run(
            "create temp table accounts as select size || '-' || number as account_id, size "
            f"from (select unnest({list(SIZES)}) as size), (select unnest(range({ACCOUNTS})) as number)"
        )
        template = run(
            f"select account_id, min(contact_id) from {SCHEMA}.dim_contacts where account_id is not null "
            "group by 1 order by 1 limit 1"
        ).fetchone()
        assert template is not None, "the snapshot holds no account"
        run("create temp table contacts as select accounts.*, account_id || '-' || p as contact_id, p as person "
            f"from accounts, (select unnest(range({PEOPLE})) as p)")  # fmt: skip
        run(
            f"insert into {SCHEMA}.dim_accounts by name select 'a:' || account_id as scope_key, account_id "
            "from accounts"
        )
        run(f"insert into {SCHEMA}.dim_contacts by name select 'a:' || account_id as scope_key, contact_id, "
            "account_id, ['champion', 'decision_maker', 'unknown'][1 + person % 3] as buying_role "
            "from contacts")  # fmt: skip
        for table in _OF_ACCOUNTS:
            _clone(connection, table, "accounts", "account_id", template[0])
        for table in _OF_CONTACTS:
            _clone(connection, table, "contacts", "contact_id", template[1])
        for table in ("people", "records"):
            scope = "'a:' || account_id as scope_key, " if table == "people" else ""
            run(f"insert into {SCHEMA}.{table} by name select {scope}'k-' || contact_id as record_key, "
                "'events' as source, 'u-' || contact_id as record_id, contact_id from contacts")  # fmt: skip
        run(f"insert into {SCHEMA}.visitors by name select 'd-' || contact_id as visitor_id, "
            "'a:' || account_id as scope_key from contacts")  # fmt: skip
        # A visit's pages follow each other; the first one of a device names its person.
        run(f"""
            create temp table added as
            select 'a:' || contacts.account_id as scope_key, 'd-' || contacts.contact_id as visitor_id,
                contacts.contact_id || '-' || n as message_id, 'd-' || contacts.contact_id as anonymous_id,
                case when n = 0 then 'u-' || contacts.contact_id end as user_id,
                about.as_of_at - to_seconds(
                    60 + (n // 6) * (90 * 86400 // (contacts.size // {PEOPLE} // 6 + 1)) + n % 6 * 40
                ) as event_at,
                1 + (hash(contacts.contact_id, n) % about.pool_size)::bigint as place
            from contacts cross join about, unnest(range(contacts.size // {PEOPLE})) as numbers (n)
        """)
        kept = ("type", "event", "page_url", "page_path", "referrer", "utm_source", "utm_medium", "utm_campaign",
                "utm_content", "utm_term", "click_id_kind", "dwell_seconds", "properties")  # fmt: skip
        run(f"insert into {SCHEMA}.events by name select added.* exclude (place), added.event_at as received_at, "
            f"'bench' as _source_file, 1::bigint as _source_row, {', '.join('pool.' + name for name in kept)} "
            "from added inner join pool on added.place = pool.place")  # fmt: skip
        run(f"insert into {SCHEMA}.events by name select pool.* exclude (place, scope_key, visitor_id, message_id, "
            "anonymous_id), 'v:n' || n // 20 as scope_key, 'n' || n // 20 as visitor_id, 'n' || n as message_id, "
            f"'n' || n // 20 as anonymous_id from range({events}) as numbers (n) cross join about "
            "inner join pool on 1 + n % about.pool_size = pool.place")  # fmt: skip
        for (table,) in run(
            "select table_name from duckdb_columns() where schema_name = ? and column_name = 'scope_key' "
            "and not internal and database_name = current_database()", [SCHEMA],
        ).fetchall():  # fmt: skip
            key = "visitor_id" if table == "visitors" else "scope_key"
            run(f"create or replace table {SCHEMA}.{table} as select * from {SCHEMA}.{table} order by {key}")
        row = run(f"select as_of_at, (select count(*) from {SCHEMA}.events) from about").fetchone()
        run("checkpoint")
    assert row is not None
    return row[0], int(row[1])


def _clone(connection: duckdb.DuckDBPyConnection, table: str, owners: str, key: str, template: str) -> None:
    """Gives every added owner the rows that one owner of the snapshot has."""
    columns = [str(row[0]) for row in connection.execute(f"describe {SCHEMA}.{table}").fetchall()]
    given = {"scope_key": "'a:' || owners.account_id", "account_id": "owners.account_id", key: f"owners.{key}"}
    where = f"rows.{key} = '{template}'" if key in columns else f"rows.scope_key = 'a:{template}'"
    connection.execute(
        f"insert into {SCHEMA}.{table} select {', '.join(given.get(name, f'rows.{name}') for name in columns)} "
        f"from {SCHEMA}.{table} as rows cross join {owners} as owners where {where}"
    )


def _measured(scorer: InstantScorer, size: int, as_of: datetime, runs: int) -> dict[str, Any]:
    wall, cpu = [], []
    for run in range(runs + 1):
        for number in range(ACCOUNTS):
            started, worked = time.perf_counter(), time.process_time()
            found = scorer.score(f"{size}-{number}", [], [_page_view(f"{size}-{number}-0", as_of, run)], as_of)
            if run:
                wall.append(time.perf_counter() - started)
                cpu.append(time.process_time() - worked)
            assert len(found.contacts) == PEOPLE
    return {
        "events": size,
        "p50_ms": round(statistics.median(wall) * 1_000, 1),
        "p99_ms": round(statistics.quantiles(wall, n=100)[98] * 1_000, 1),
        "cpu_p50_ms": round(statistics.median(cpu) * 1_000, 1),
        "best_ms": round(min(wall) * 1_000, 1),
    }


def _throughput(scorer: InstantScorer, as_of: datetime, threads: int, seconds: float) -> float:
    """Evaluations a second of accounts of a hundred events."""
    until = time.perf_counter() + seconds

    def work(thread: int) -> int:
        done = 0
        while time.perf_counter() < until:
            account = f"100-{(thread + done) % ACCOUNTS}"
            scorer.score(account, [], [_page_view(f"{account}-0", as_of, done)], as_of)
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads))) / seconds


def _page_view(contact_id: str, as_of: datetime, number: int) -> Row:
    at = as_of - timedelta(seconds=30)
    row: Row = dict.fromkeys(COLUMNS)
    return row | {
        "message_id": f"new-{contact_id}-{number}", "type": "page", "anonymous_id": f"d-{contact_id}", "event_at": at,
        "received_at": at, "page_url": "https://site.example/pricing", "page_path": "/pricing",
        "_source_file": "bench", "_source_row": number,
    }  # fmt: skip


def _print(console: Console, report: dict[str, Any]) -> None:
    table = Table(
        title=f"one account, {report['models']} models, {report['events']:,} events in the file "
        f"({report['file_mb']:,} MB); load of the machine {report['load']}"
    )
    columns: Sequence[str] = ("events", "p50_ms", "p99_ms", "best_ms", "cpu_p50_ms")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right")
    for line in report["sizes"]:
        table.add_row(*(f"{line[column]:,}" for column in columns))
    console.print(table)
    rates = ", ".join(f"{rate} with {threads}" for threads, rate in report["evaluations_per_second"].items())
    console.print(f"Evaluations a second by threads: {rates}. Ready after {report['compile_seconds']} s.")


if __name__ == "__main__":
    sys.exit(main())
