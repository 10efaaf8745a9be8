"""The response curve finds the hazard that requests were drawn with, and none where there is none."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from sandbox.world.effects import EFFECTS

from .conftest import Dbt

PLANTED = (EFFECTS.answer_floor, EFFECTS.answer_span, EFFECTS.answer_half_life_hours)


def draw(warehouse: Path, floor: float, span: float, half_life: float, count: int, seed: int) -> None:
    dice = random.Random(seed)
    rows = []
    for number in range(count):
        hours = min(dice.lognormvariate(1.1, 1.5), 200.0)
        reached = dice.random() < floor + span * 2 ** (-hours / half_life)
        rows.append((str(number), "contacted" if reached else "not_reached", round(hours * 3600)))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists intermediate")
        connection.execute(
            "create or replace table intermediate.int_request_responses"
            " (request_id varchar, outcome varchar, seconds_to_first bigint)"
        )
        connection.executemany("insert into intermediate.int_request_responses values (?, ?, ?)", rows)


def fit(warehouse: Path, dbt: Dbt) -> dict[str, float]:
    dbt("run", "--select", "mart_response_fit")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute("select * from marts.mart_response_fit")
        names = [column[0] for column in found.description or []]
        rows = found.fetchall()
    assert len(rows) == 1
    return {name: float(value) if value is not None else -1.0 for name, value in zip(names, rows[0], strict=True)}


@pytest.fixture(scope="module")
def settings(dbt: Dbt) -> None:
    dbt("seed", "--select", "queue_settings")


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_planted_half_life_lies_in_the_interval(warehouse: Path, dbt: Dbt, seed: int) -> None:
    floor, span, half_life = PLANTED
    draw(warehouse, floor, span, half_life, 3_000, seed)
    found = fit(warehouse, dbt)
    assert found["half_life_lo"] <= half_life <= found["half_life_hi"]
    assert found["half_life_lo"] < found["half_life_hours"] < found["half_life_hi"]
    assert found["floor_rate"] == pytest.approx(floor, abs=0.12)
    assert found["rate_at_5_minutes"] == pytest.approx(floor + span * 2 ** (-5 / 60 / half_life), abs=0.05)
    assert found["rate_at_8_hours"] == pytest.approx(floor + span * 2 ** (-8 / half_life), abs=0.06)
    assert found["floor_rate_lo"] <= floor <= found["floor_rate_hi"]
    assert found["span_lo"] <= span <= found["span_hi"]
    for name, hours in (("rate_at_5_minutes", 5 / 60), ("rate_at_8_hours", 8.0)):
        assert found[f"{name}_lo"] <= floor + span * 2 ** (-hours / half_life) <= found[f"{name}_hi"]
    assert found["is_falling"] == 1
    assert fit(warehouse, dbt) == found


@pytest.mark.usefixtures("settings")
def test_where_waiting_does_not_matter_the_curve_does_not_fall(warehouse: Path, dbt: Dbt) -> None:
    draw(warehouse, 0.5, 0.0, 10.0, 2_000, 7)
    found = fit(warehouse, dbt)
    assert found["is_falling"] == 0
    assert found["rate_at_8_hours"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.usefixtures("settings")
def test_without_requests_nothing_is_claimed(warehouse: Path, dbt: Dbt) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("delete from intermediate.int_request_responses")
    found = fit(warehouse, dbt)
    assert found["requests"] == 0
    assert found["half_life_hours"] == -1.0
    assert (found["is_falling"], found["is_enough"]) == (0, 0)
