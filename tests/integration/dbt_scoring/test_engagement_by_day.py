"""Daily buckets: incremental = full refresh = the plain decayed sum over events, however late events come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from .conftest import Dbt

DAYS = 40
START = datetime(2026, 9, 22)
TYPES = [
    ("web_session", None),
    ("email_open", None),
    ("email_click", None),
    ("form_submission", "demo_request"),
    ("form_submission", "newsletter"),
    ("content_download", "ebook"),
    ("webinar_attended", "scoring"),
    ("email_unsubscribe", None),
    ("meeting", "positive"),
    ("tracked_event", None),
]
PAGES = ["pricing", "product", "blog", "careers", "case_study", "other"]


@pytest.fixture(scope="module")
def dice() -> random.Random:
    return random.Random(20261101)


@pytest.fixture(scope="module")
def prepared(warehouse: Path, dbt: Dbt, dice: random.Random) -> Path:
    """Events of 25 people over 40 days in the tables that the scoring models read."""
    dbt("seed", "--select", "engagement_signals")
    dbt("run", "--select", "int_as_of")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create table marts.fct_touches (touch_id varchar, contact_id varchar, touch_at timestamp,"
            " touch_type varchar, signal_detail varchar, channel varchar, campaign varchar, is_machine boolean,"
            " is_inbound boolean, dwell_seconds bigint)"
        )
        connection.execute(
            "create table intermediate.int_page_views (message_id varchar, contact_id varchar, event_at timestamp,"
            " page_kind varchar, dwell_seconds bigint)"
        )
        add_touches(connection, dice, 600)
        add_page_views(connection, dice, 900)
    dbt("run", "--select", "int_engagement_inputs", "int_engagement_events", "int_engagement_daily")
    return warehouse


def moment(dice: random.Random) -> datetime:
    return START + timedelta(seconds=dice.randrange(DAYS * 86400), microseconds=dice.randrange(1_000_000))


def person(dice: random.Random) -> str | None:
    return None if dice.random() < 0.1 else f"c{dice.randrange(25)}"


def add_touches(connection: duckdb.DuckDBPyConnection, dice: random.Random, count: int) -> None:
    rows = []
    for _ in range(count):
        kind, detail = dice.choice(TYPES)
        rows.append(
            (
                str(dice.random()),
                person(dice),
                moment(dice),
                kind,
                detail,
                "email",
                None,
                dice.random() < 0.2,
                True,
                None,
            )
        )
    insert(connection, "marts.fct_touches", rows)


def add_page_views(connection: duckdb.DuckDBPyConnection, dice: random.Random, count: int) -> None:
    rows = [
        (str(dice.random()), person(dice), moment(dice), dice.choice(PAGES), dice.choice([None, 0, 20, 90, 9000]))
        for _ in range(count)
    ]
    insert(connection, "intermediate.int_page_views", rows)


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """All at once: row by row takes seconds."""
    places = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
    connection.execute(f"insert into {table} values {places}", [cell for row in rows for cell in row])


def disturb(connection: duckdb.DuckDBPyConnection, dice: random.Random) -> None:
    """What happens between two builds: new and late events, a visitor who becomes known, a merge, a day that empties, a
    rule that changes."""
    day = START + timedelta(days=dice.randrange(DAYS))
    add_touches(connection, dice, 5)
    add_page_views(connection, dice, 5)
    connection.execute(
        "update intermediate.int_page_views set contact_id = 'c1' where contact_id is null and hash(message_id) % 7 = 0"
    )
    connection.execute(
        "update marts.fct_touches set contact_id = ? where contact_id = ?",
        [f"c{dice.randrange(25)}", f"c{dice.randrange(25)}"],
    )
    for table, column in (("marts.fct_touches", "touch_at"), ("intermediate.int_page_views", "event_at")):
        connection.execute(f"delete from {table} where {column} >= ? and {column} < ?", [day, day + timedelta(days=1)])
    connection.execute("update config.engagement_signals set points = points + 0.25 where signal_id = 'page_product'")


BUCKETS = "select * from intermediate.int_engagement_daily order by contact_id, signal_id, day_on"


def buckets(warehouse: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(BUCKETS).fetchall()


def test_incremental_equals_full_refresh(prepared: Path, dbt: Dbt, dice: random.Random) -> None:
    before = buckets(prepared)
    assert len(before) > 400
    for _ in range(3):
        with duckdb.connect(str(prepared)) as connection:
            disturb(connection, dice)
        dbt("run", "--select", "int_engagement_daily")
    incremental = buckets(prepared)
    assert incremental != before
    dbt("run", "--full-refresh", "--select", "int_engagement_daily")
    assert incremental == buckets(prepared)


def test_unchanged_days_are_left_alone(prepared: Path, dbt: Dbt) -> None:
    """Marks one untouched day and one that changes: only the changed one is written anew."""
    with duckdb.connect(str(prepared)) as connection:
        days = connection.execute("select distinct day_on from intermediate.int_engagement_daily order by 1").fetchall()
        untouched, touched = days[3][0], days[5][0]
        connection.execute("update intermediate.int_engagement_daily set event_count = 777")
        connection.execute(
            "insert into intermediate.int_page_views values ('late', 'c3', ?::date + interval 3 hour, 'pricing', 10)",
            [touched],
        )
    dbt("run", "--select", "int_engagement_daily")
    with duckdb.connect(str(prepared)) as connection:
        counts = dict(
            connection.execute(
                "select day_on, max(event_count) from intermediate.int_engagement_daily group by day_on"
            ).fetchall()
        )
    assert counts[untouched] == 777
    assert counts[touched] < 777
    dbt("run", "--full-refresh", "--select", "int_engagement_daily")


@pytest.mark.parametrize(
    "as_of", ["2026-09-22 00:00:00", "2026-10-10 17:31:12", "2026-10-31 23:59:59", "2027-02-01 00:00:00"]
)
def test_buckets_replay_any_past_moment(prepared: Path, dbt: Dbt, as_of: str) -> None:
    """The sum over buckets is the sum over events, and nothing after as-of counts."""
    with duckdb.connect(str(prepared)) as connection:
        connection.execute("update raw_ops.run_clock set as_of_at = ?::timestamp", [as_of])
    dbt("run", "--select", "int_as_of", "int_engagement_buckets", "int_contact_engagement")
    with duckdb.connect(str(prepared), read_only=True) as connection:
        differing = connection.execute(
            """
            with plain as (
                select contact_id, signal_id, count(*) as events,
                    sum(event_points * coalesce(
                        power(2.0, -date_diff('second', event_at, ?::timestamp) / 86400.0 / half_life_days), 1
                    )) as points
                from intermediate.int_engagement_events
                where event_at <= ?::timestamp
                group by all
            )
            select *
            from plain
            full join intermediate.int_contact_engagement as built using (contact_id, signal_id)
            where built.evidence_count is distinct from plain.events
                or abs(built.decayed_points - plain.points) > 0.00001
                or built.decayed_points is null
            """,
            [as_of, as_of],
        ).fetchall()
        scored = connection.execute("select count(*) from intermediate.int_contact_engagement").fetchone()
    assert differing == []
    assert scored is not None
    assert (scored[0] > 0) == (as_of > "2026-09-23")
