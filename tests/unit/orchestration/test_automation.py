"""The failure modes of orchestration/automation.py, each with what keeps it from happening."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.assets import PUBLISHED_SNAPSHOT, REPORT_SITE
from orchestration.automation import apply_after_plan, plan_after_green_build, site_after_publish

MART = dg.AssetKey(["marts", "sync_x"])
PLAN = dg.AssetKey(["crm_plan", "sync_x"])
APPLY = dg.AssetKey(["crm_apply", "sync_x"])

failing: set[dg.AssetKey] = set()


@dg.asset(key=MART)
def mart() -> None: ...


@dg.asset(key=PUBLISHED_SNAPSHOT, deps=[MART])
def snapshot() -> None: ...


@dg.asset(key=PLAN, deps=[PUBLISHED_SNAPSHOT, MART], automation_condition=plan_after_green_build())
def plan() -> None:
    if PLAN in failing:
        raise RuntimeError("planned to fail")


@dg.asset(key=APPLY, deps=[PLAN], automation_condition=apply_after_plan())
def apply() -> None:
    if APPLY in failing:
        raise RuntimeError("guard")


@dg.asset(key=REPORT_SITE, deps=[PUBLISHED_SNAPSHOT], automation_condition=site_after_publish())
def site() -> None:
    if REPORT_SITE in failing:
        raise RuntimeError("a page is broken")


ASSETS = [mart, snapshot, plan, apply, site]


class Sensor:
    """Evaluates the conditions as the sensor does, one tick after the other."""

    def __init__(self, *watched: dg.AssetKey) -> None:
        self.watched = watched or (PLAN, APPLY)
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor: dg.AssetDaemonCursor | None = None  # type: ignore[name-defined]
        self.tick()

    def tick(self) -> set[dg.AssetKey]:
        result = dg.evaluate_automation_conditions(
            defs=dg.Definitions(assets=ASSETS), instance=self.instance, cursor=self.cursor
        )
        self.cursor = result.cursor
        return {key for key in self.watched if result.get_num_requested(key)}

    def run(self, *keys: dg.AssetKey) -> None:
        dg.materialize(ASSETS, selection=list(keys), instance=self.instance, raise_on_error=False)


@pytest.fixture
def sensor() -> Sensor:
    failing.clear()
    return Sensor()


def test_a_green_build_is_planned_once_then_applied_once(sensor: Sensor) -> None:
    assert sensor.tick() == set()
    sensor.run(MART, PUBLISHED_SNAPSHOT)
    assert sensor.tick() == {PLAN}
    assert sensor.tick() == set()
    sensor.run(PLAN)
    assert sensor.tick() == {APPLY}
    sensor.run(APPLY)
    assert sensor.tick() == set()


def test_a_rebuilt_mart_without_a_snapshot_starts_nothing(sensor: Sensor) -> None:
    sensor.run(MART, PUBLISHED_SNAPSHOT)
    sensor.tick()
    sensor.run(PLAN)
    sensor.tick()
    sensor.run(APPLY)
    sensor.tick()
    sensor.run(MART)
    assert [sensor.tick() for _ in range(3)] == [set(), set(), set()]


def test_a_failure_is_not_retried_until_the_next_build(sensor: Sensor) -> None:
    failing.add(PLAN)
    sensor.run(MART, PUBLISHED_SNAPSHOT)
    assert sensor.tick() == {PLAN}
    sensor.run(PLAN)
    assert [sensor.tick() for _ in range(3)] == [set(), set(), set()]
    failing.clear()
    sensor.run(MART, PUBLISHED_SNAPSHOT)
    assert sensor.tick() == {PLAN}


def test_a_held_back_plan_is_not_pushed_again(sensor: Sensor) -> None:
    failing.add(APPLY)
    sensor.run(MART, PUBLISHED_SNAPSHOT)
    sensor.tick()
    sensor.run(PLAN)
    assert sensor.tick() == {APPLY}
    sensor.run(APPLY)
    assert [sensor.tick() for _ in range(3)] == [set(), set(), set()]


def test_several_snapshots_meanwhile_are_one_plan(sensor: Sensor) -> None:
    for _ in range(3):
        sensor.run(MART, PUBLISHED_SNAPSHOT)
    assert sensor.tick() == {PLAN}
    sensor.run(PLAN)
    assert sensor.tick() == {APPLY}


def test_the_pages_are_built_once_after_each_snapshot_and_a_broken_page_waits_for_the_next() -> None:
    sensor = Sensor(REPORT_SITE)
    assert sensor.tick() == set()
    sensor.run(MART, PUBLISHED_SNAPSHOT)
    assert sensor.tick() == {REPORT_SITE}
    failing.add(REPORT_SITE)
    try:
        sensor.run(REPORT_SITE)
        assert [sensor.tick() for _ in range(3)] == [set(), set(), set()]
    finally:
        failing.discard(REPORT_SITE)
    sensor.run(MART, PUBLISHED_SNAPSHOT)
    assert sensor.tick() == {REPORT_SITE}
