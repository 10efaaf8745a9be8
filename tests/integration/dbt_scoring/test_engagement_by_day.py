"""Daily buckets: incremental = full refresh = the plain decayed sum over events, however late events come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

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


MOMENTS = ["2026-09-22 00:00:00", "2026-10-10 17:31:12", "2026-10-31 23:59:59", "2027-02-01 00:00:00"]


def vary_signals(connection: duckdb.DuckDBPyConnection, dice: random.Random) -> None:
    """Every signal gets a measure, a decay and caps by chance; negative ones keep their sign."""
    names = connection.execute("select signal_id, touch_type, points < 0 from config.engagement_signals").fetchall()
    for signal_id, touch_type, is_negative in sorted(names):
        measures = ["event", "active_day"] + (["dwell_minute"] if touch_type == "page_view" else [])
        measure, sign = dice.choice(measures), -1 if is_negative else 1
        half_life, interval, percent = dice.choice(
            [(None, None, None), (0.5, None, None), (14, None, None), (None, 3, 40), (None, 7, 25), (None, 1, 12.5)]
        )
        connection.execute(
            "update config.engagement_signals set measure = ?, max_measure = 5, half_life_days = ?,"
            " decay_interval_days = ?, decay_percent = ?, cap = ?, daily_cap = ?, counts_machine = ?"
            " where signal_id = ?",
            [
                measure,
                half_life,
                interval,
                percent,
                dice.choice([None, sign * 12]),
                None if measure == "active_day" else dice.choice([None, sign * 7.5]),
                dice.random() < 0.3,
                signal_id,
            ],
        )


@pytest.mark.parametrize("as_of", [*MOMENTS, *[f"random {number}" for number in range(8)]])
def test_any_past_moment_is_the_sum_over_its_events(prepared: Path, dbt: Dbt, dice: random.Random, as_of: str) -> None:
    """What the buckets give is what a plain walk over the events gives, whatever the order in which events became
    known, the rules and the moment: nothing after as-of counts."""
    at = moment(dice).replace(microsecond=0) if as_of.startswith("random") else datetime.fromisoformat(as_of)
    with duckdb.connect(str(prepared)) as connection:
        connection.execute("update raw_ops.run_clock set as_of_at = ?", [at])
        disturb(connection, dice)
        vary_signals(connection, dice)
    dbt("run", "--select", "int_as_of", "int_engagement_daily", "int_engagement_buckets", "int_contact_engagement")
    with duckdb.connect(str(prepared), read_only=True) as connection:
        expected = walk(connection, at)
        built = {
            (contact_id, signal_id): (events, float(decayed), float(decayed + cap))
            for contact_id, signal_id, events, decayed, cap in connection.execute(
                "select contact_id, signal_id, evidence_count, decayed_points, cap_points"
                " from intermediate.int_contact_engagement"
            ).fetchall()
        }
    assert set(built) == set(expected)
    assert bool(built) == (at > START + timedelta(days=1))
    for key, (events, decayed, capped) in expected.items():
        assert built[key][0] == events, key
        # Ages are whole seconds: one second of the shortest half-life above.
        assert built[key][1] == pytest.approx(decayed, rel=2e-5, abs=1e-4), key
        assert built[key][2] == pytest.approx(capped, rel=2e-5, abs=1e-4), key


Day = tuple[str, str, date]


def walk(connection: duckdb.DuckDBPyConnection, at: datetime) -> dict[tuple[str, str], tuple[int, float, float]]:
    """Events by (contact, signal): how many, points decayed to ``at``, points after the cap; without a line of SQL."""
    cursor = connection.execute("select * from config.engagement_signals")
    names = [column[0] for column in cursor.description or []]
    signals = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    events = connection.execute(
        "select contact_id, touch_at, touch_type, lower(signal_detail), coalesce(is_machine, false), dwell_seconds"
        " from marts.fct_touches"
        " union all"
        " select contact_id, event_at, 'page_view', lower(page_kind), false, dwell_seconds"
        " from intermediate.int_page_views"
    ).fetchall()
    days: dict[Day, list[tuple[datetime, float]]] = {}
    for contact_id, event_at, touch_type, detail, is_machine, dwell in events:
        if contact_id is None or event_at > at:
            continue
        for signal in signals:
            if signal["touch_type"] != touch_type or (is_machine and not signal["counts_machine"]):
                continue
            if signal["detail_values"] and detail not in signal["detail_values"].split("|"):
                continue
            units = 1.0
            if signal["measure"] == "dwell_minute":
                units = min((dwell or 0) / 60, float(signal["max_measure"]))
            if units > 0:
                points = float(signal["points"]) * units
                days.setdefault((contact_id, signal["signal_id"], event_at.date()), []).append((event_at, points))
    found: dict[tuple[str, str], tuple[int, float, float]] = {}
    by_id = {signal["signal_id"]: signal for signal in signals}
    for (contact_id, signal_id, _), happened in days.items():
        signal = by_id[signal_id]
        if signal["measure"] == "active_day":
            happened = [min(happened)]
        raw = sum(points for _, points in happened)
        scale = min(1.0, abs(float(signal["daily_cap"]) / raw)) if signal["daily_cap"] is not None and raw else 1.0
        decayed = sum(points * scale * left(signal, when, at) for when, points in happened)
        count, before, _ = found.get((contact_id, signal_id), (0, 0.0, 0.0))
        found[contact_id, signal_id] = (count + len(happened), before + decayed, 0.0)
    for key, (count, decayed, _) in found.items():
        cap = by_id[key[1]]["cap"]
        capped = decayed if cap is None else (min(decayed, float(cap)) if cap > 0 else max(decayed, float(cap)))
        found[key] = (count, decayed, capped)
    return found


def left(signal: dict[str, Any], when: datetime, at: datetime) -> float:
    """The share of an event's points that is left at a moment."""
    if signal["half_life_days"]:
        return float(2 ** (-(at - when).total_seconds() / 86400 / float(signal["half_life_days"])))
    if signal["decay_interval_days"]:
        steps = (at.date() - when.date()).days // signal["decay_interval_days"]
        return max(0.0, 1 - steps * float(signal["decay_percent"]) / 100)
    return 1.0


def test_what_was_built_day_by_day_is_what_one_build_gives(prepared: Path, dbt: Dbt) -> None:
    """After all the rounds above, each an incremental build on the one before it."""
    incremental = buckets(prepared)
    dbt("run", "--full-refresh", "--select", "int_engagement_daily")
    assert incremental == buckets(prepared)
