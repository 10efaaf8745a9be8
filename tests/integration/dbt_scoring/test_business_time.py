"""Business time as a difference of two places in a calendar equals a plain walk over its days, in every zone."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.integration.dbt_scoring.conftest import Dbt

SEED = 20261129
#: Paris and New York change clocks on different days, Lord Howe by half an hour, Sao Paulo never.
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC")
#: (weekday, opens, closes) by calendar: office hours with a lunch break; nights, also over a change of clocks.
HOURS = {
    "office": [(day, "09:00", "12:30") for day in range(1, 6)] + [(day, "14:00", "18:00") for day in range(1, 6)],
    "night": [(day, "00:00", "06:00") for day in range(1, 8)] + [(day, "22:00", "24:00") for day in (1, 3, 7)],
}
HOLIDAYS = {("office", date(2025, 12, 25)), ("office", date(2026, 1, 1)), ("night", date(2026, 3, 29))}
FIRST, LAST = datetime(2025, 10, 1), datetime(2026, 10, 20)
LIMITS = {"short": 7, "day": 500, "week": 2400}


def opening(day: date, clock: str, zone: ZoneInfo) -> datetime:
    hours, minutes = map(int, clock.split(":"))
    if hours == 24:
        day, hours = day + timedelta(days=1), 0
    return datetime.combine(day, time(hours, minutes), zone).astimezone(UTC)


def walked_seconds(start: datetime, end: datetime, calendar: str, zone_name: str) -> float:
    """Open seconds between two UTC moments, day by day."""
    zone = ZoneInfo(zone_name)
    start, end = start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    total, day = 0.0, start.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        for weekday, opens, closes in HOURS[calendar]:
            if weekday == day.isoweekday() and (calendar, day) not in HOLIDAYS:
                since, until = opening(day, opens, zone), opening(day, closes, zone)
                total += max((min(end, until) - max(start, since)).total_seconds(), 0)
        day += timedelta(days=1)
    return total


@pytest.fixture(scope="module")
def handoffs() -> list[tuple[str, str, str, str, datetime, datetime]]:
    """(handoff_id, calendar, zone, contract, entry, attempt), at random moments to the microsecond."""
    choose = random.Random(SEED)
    span = int((LAST - FIRST).total_seconds() * 1_000_000)
    found = []
    for number in range(600):
        entry = FIRST + timedelta(microseconds=choose.randrange(span))
        wait = timedelta(microseconds=choose.randrange(12 * 86_400_000_000 if number % 2 else 7_200_000_000))
        attempt = min(entry + wait, datetime(2026, 11, 1))
        found.append(
            (
                f"h{number}",
                choose.choice(sorted(HOURS)),
                choose.choice(ZONES),
                choose.choice(sorted(LIMITS)),
                entry,
                attempt,
            )
        )
    return found


def test_business_time_is_that_of_a_walk_over_the_days(
    dbt: Dbt, warehouse: Path, handoffs: list[tuple[str, str, str, str, datetime, datetime]]
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        for schema in ("config", "intermediate", "marts"):
            connection.execute(f"create schema if not exists {schema}")
        make(connection, handoffs)
    dbt("run", "--select", "int_as_of", "int_business_days", "int_handoff_facts")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select handoff_id, business_seconds, first_contact_due_at from intermediate.int_handoff_facts"
        ).fetchall()
    computed = {row[0]: row[1:] for row in rows}
    assert computed.keys() == {handoff[0] for handoff in handoffs}
    late = 0
    for handoff_id, calendar, zone, contract, entry, attempt in handoffs:
        seconds, due_at = computed[handoff_id]
        walked = walked_seconds(entry, attempt, calendar, zone)
        assert seconds == int(walked), (handoff_id, calendar, zone, entry, attempt)
        limit = LIMITS[contract] * 60
        told = (handoff_id, calendar, zone, entry, due_at)
        # The first moment at which so much business time is over.
        assert walked_seconds(entry, due_at, calendar, zone) == pytest.approx(limit, abs=1e-5), told
        just_before = due_at - timedelta(milliseconds=1)
        assert walked_seconds(entry, just_before, calendar, zone) < limit - 0.0005, told
        late += attempt > due_at
    assert 50 < late < len(handoffs) - 50


def make(connection: duckdb.DuckDBPyConnection, handoffs: list[tuple[str, str, str, str, datetime, datetime]]) -> None:
    """What the two models stand on."""
    rows = {
        "config.business_calendars (calendar varchar, time_zone varchar)": [(name, None) for name in HOURS],
        "config.business_hours (calendar varchar, weekday integer, opens_at varchar, closes_at varchar)": [
            (name, *line) for name, lines in HOURS.items() for line in lines
        ],
        "config.holidays (calendar varchar, holiday_on date, name varchar)": [(*day, "off") for day in HOLIDAYS],
        "config.contract_settings (setting varchar, value decimal(18,4))": [
            ("entry_lookback_days", 30),
            ("calendar_days_ahead", 60),
        ],
        "config.sla_contracts (contract_id varchar, version varchar, calendar varchar, measured_from varchar, "
        "time_kind varchar, first_contact_within_minutes bigint, min_attempts integer, "
        "max_days_to_last_attempt integer, min_touches_before_give_up integer, maturity_days integer)": [
            (name, "1", None, "capture", "business", minutes, 6, 14, 12, 30) for name, minutes in LIMITS.items()
        ],
        "config.handoff_moves (from_stage varchar, to_stage varchar, meaning varchar)": [(None, "mql", "handed_over")],
        "marts.fct_stage_transitions (contact_id varchar, transition_number integer, from_stage varchar, "
        "to_stage varchar, transition_at timestamp)": [("h0", 1, None, "mql", FIRST)],
        "marts.fct_sales_activities (contact_id varchar, is_human_contact boolean, activity_at timestamp)": [
            ("nobody", False, FIRST)
        ],
        "marts.fct_attempts (attempt_id varchar, handoff_id varchar, attempt_at timestamp, attempt_number integer, "
        "is_human boolean)": [(row[0], row[0], row[5], 1, True) for row in handoffs],
        "intermediate.int_contact_time_zones (contact_id varchar, calendar varchar, time_zone varchar)": [
            (row[0], row[1], row[2]) for row in handoffs
        ],
        "intermediate.int_handoffs (handoff_id varchar, contact_id varchar, account_id varchar, contract_id varchar, "
        "contract_version varchar, segment varchar, owner_id varchar, transition_number integer, "
        "next_transition_number integer, mql_at timestamp, lead_entered_at timestamp, assigned_at timestamp, "
        "window_ends_at timestamp, calendar varchar, calendar_time_zone varchar)": [
            (row[0], row[0], None, row[3], "1", None, None, 1, None, row[4], row[4], None, None, row[1], row[2])
            for row in handoffs
        ],
    }
    for table, values in rows.items():
        connection.execute(f"create or replace table {table}")
        places = ", ".join("?" for _ in values[0])
        connection.executemany(f"insert into {table.split(' ')[0]} values ({places})", values)
