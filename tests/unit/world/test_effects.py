"""The planted causes are really in the data, at the size where chance does not hide them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from benchmarks.load_world import load_world
from sandbox.world.catalogue import CHANNELS
from sandbox.world.effects import EFFECTS
from sandbox.world.generate import World, generate, plan_world
from sandbox.world.people import attempt_time, working_time
from sandbox.world.sizes import AS_OF, DAY, HOUR, SIZES


@pytest.fixture(scope="module")
def medium() -> World:
    return plan_world(SIZES["medium"], 7)


def test_a_late_first_attempt_costs_the_answer(medium: World) -> None:
    people = medium.people
    worked = np.flatnonzero(people.accepted)
    hours = (people.first_attempt_at[worked] - people.request_at[worked]) / HOUR
    answered = people.connected_at[worked] >= 0
    shares = []
    for low, high in ((0, 1), (1, 6), (6, 24), (24, 72)):
        rows = (hours >= low) & (hours < high)
        planted = EFFECTS.answer_floor + EFFECTS.answer_span * 2 ** (-hours[rows] / EFFECTS.answer_half_life_hours)
        error = 3 * np.sqrt(0.25 / rows.sum()) + 0.01
        assert abs(answered[rows].mean() - planted.mean()) < error
        shares.append(answered[rows].mean())
    assert shares == sorted(shares, reverse=True)


def test_channels_convert_as_planted(medium: World) -> None:
    people, companies = medium.people, medium.companies
    buying = (people.company >= 0) & companies.has_process[np.maximum(people.company, 0)]
    talked = buying & (people.connected_at >= 0)
    share = {}
    for number, channel in enumerate(CHANNELS):
        rows = talked & (people.channel == number)
        share[channel] = (people.meeting_at[rows] >= 0).mean()
        planted = min(EFFECTS.qualify_base * EFFECTS.channel_effect[channel], 0.97)
        assert abs(share[channel] - planted) < 3 * np.sqrt(0.25 / rows.sum()) + 0.01, channel
    assert share["referral"] > share["paid_search"] > share["paid_social"] > share["display"]


def test_declared_numbers_are_wrong_as_often_as_planted(medium: World) -> None:
    people, companies = medium.people, medium.companies
    said = people.declared_employees >= 0
    company = people.company[said]
    wrong = people.declared_employees[said] != companies.employees[company]
    assert wrong.mean() == pytest.approx(EFFECTS.declared_employees_error_rate, abs=0.03)
    wrong = people.declared_revenue[said] != companies.revenue[company]
    assert wrong.mean() == pytest.approx(EFFECTS.declared_revenue_error_rate, abs=0.03)


def test_buying_accounts_have_committees(medium: World) -> None:
    people, companies = medium.people, medium.companies
    members = np.bincount(people.company[people.company >= 0], minlength=len(companies))
    assert (members[companies.has_process] >= 3).all()
    assert not companies.has_process[companies.is_competitor].any()
    assert companies.has_process[companies.is_icp].mean() > 2 * companies.has_process[~companies.is_icp].mean()


def test_sales_keeps_office_hours() -> None:
    at = AS_OF - np.arange(0, 20 * DAY, 37 * 60_000, dtype=np.int64)
    moved = working_time(at)
    assert (moved >= at).all()
    assert (working_time(moved) == moved).all()
    assert ((moved // DAY + 3) % 7 < 5).all()
    assert ((moved % DAY >= 8 * HOUR) & (moved % DAY < 20 * HOUR)).all()
    tries = np.stack([attempt_time(moved, np.full(len(at), n)) for n in range(8)])
    assert (np.diff(tries, axis=0) > 0).all()
    assert ((tries // DAY + 3) % 7 < 5).all()


def test_many_pieces_and_monthly_parquet_hold_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The large world's way of writing, in little: several pieces, events as Parquet by month."""
    monkeypatch.setitem(
        SIZES, "small", replace(SIZES["small"], leads=400, companies=80, chunk=90, events_format="parquet")
    )
    told = generate("small", tmp_path / "world")
    load_world(tmp_path / "world", tmp_path / "pieces.duckdb")
    with duckdb.connect(str(tmp_path / "pieces.duckdb"), read_only=True) as sql:

        def one(query: str) -> int:
            row = sql.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        assert one("select count(*) from raw_hubspot.contacts") == told["counts"]["contacts"]
        for table in ("contacts", "calls", "meetings", "emails", "tasks", "email_events"):
            assert one(f"select count(*) - count(distinct id) from raw_hubspot.{table}") == 0
        refused = one("select count(*) from raw_quarantine.records where entity = 'raw_events.events'")
        assert refused == 5
        assert one("select count(*) from raw_events.events") + refused == told["counts"]["web_events"]
        assert (
            one("select count(*) - count(distinct message_id) from raw_events.events")
            == (told["counts"]["repeated_messages"])
        )
        planted = sql.execute(
            "select record_id, reason_code from read_parquet(?) where source = 'events' order by all",
            [str(tmp_path / "world" / "truth" / "quarantine.parquet")],
        ).fetchall()
        found = sql.execute(
            "select record_id, reason_code from raw_quarantine.records where entity = 'raw_events.events' order by all"
        ).fetchall()
        assert planted == found
