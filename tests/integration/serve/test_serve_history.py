"""Scores over time against a plain walk over the buckets, and against the published scores."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from served_world import AS_OF, JOAO, TEXTILE, ZOE, World, add_day, made_world

from serve.chart import HEIGHT, score_chart
from serve.history import ScorePoint, account_history, contact_history, moments

HALF_LIVES = {"pricing": 14.0, "fading": None, "left": None}
CAPS = {"pricing": 30.0, "fading": None, "left": -20.0}


@pytest.fixture(scope="module")
def world() -> World:
    made = made_world()
    today = AS_OF.date()
    for days, points in ((3, 20.0), (20, 33.3), (100, 60.0), (0, 5.0)):
        add_day(made, JOAO, TEXTILE, "pricing", today - timedelta(days=days), points, 1)
    # Points that fade by steps: twelve, of which a third goes every thirty days.
    add_day(made, JOAO, TEXTILE, "fading", today - timedelta(days=70), 12, 1)
    for step in (1, 2):
        add_day(made, JOAO, TEXTILE, "fading", today - timedelta(days=70 - 30 * step), -4, 0)
    add_day(made, JOAO, TEXTILE, "left", today - timedelta(days=50), -50, 1)
    add_day(made, ZOE, TEXTILE, "pricing", today - timedelta(days=200), 25, 2)
    return made


@pytest.fixture(scope="module")
def connection(world: World, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = tmp_path_factory.mktemp("history") / "snapshot.duckdb"
    world.write(path)
    return duckdb.connect(str(path), read_only=True)


def walked(world: World, contact_id: str, at: datetime) -> float:
    """The engagement score at a moment, bucket by bucket."""
    sums: dict[str, float] = {}
    for row in world.rows["mart_engagement_days"]:
        first: date = row["counts_from_on"]
        counts = first <= at.date() if at != AS_OF else row["day_on"] <= at.date()
        if row["contact_id"] != contact_id or not counts:
            continue
        age = (at - datetime.combine(row["day_on"], datetime.min.time())).total_seconds() / 86_400
        half_life = HALF_LIVES[row["signal_id"]]
        left = 1.0 if half_life is None else 2 ** (-age / half_life)
        sums[row["signal_id"]] = sums.get(row["signal_id"], 0.0) + row["bucket_points"] * left
    total = 0.0
    for signal, points in sums.items():
        cap = CAPS[signal]
        total += points if cap is None else min(points, cap) if cap >= 0 else max(points, cap)
    return total


def test_every_point_of_a_person_is_the_walk_s(world: World, connection: duckdb.DuckDBPyConnection) -> None:
    points = contact_history(connection, JOAO, TEXTILE, Decimal(20), AS_OF)
    assert [point.at for point in points] == moments(AS_OF, 52)
    for point in points:
        assert float(point.engagement) == pytest.approx(walked(world, JOAO, point.at), abs=1e-5)
        assert point.score == point.fit + point.engagement
    # Something happens in it: a test on a flat line would prove little.
    assert len({point.engagement for point in points}) > 10


def test_every_point_of_an_account_is_the_roles_(world: World, connection: duckdb.DuckDBPyConnection) -> None:
    for point in account_history(connection, TEXTILE, Decimal(46), AS_OF):
        joao, zoe = walked(world, JOAO, point.at), walked(world, ZOE, point.at)
        # João decides: 15 points while engaged, and what he does up to 20; Zoë's role is unknown: a fifth, up to 3.
        expected = (15 if joao >= 10 else 0) + min(20, max(joao, 0)) + min(3, max(zoe, 0) / 5)
        assert float(point.engagement) == pytest.approx(expected, abs=1e-5), point.at


def test_the_last_point_is_the_published_score(tmp_path: Path) -> None:
    world = made_world()
    world.write(tmp_path / "snapshot.duckdb")
    published = next(row for row in world.rows["fct_contact_scores"] if row["contact_id"] == JOAO)
    with duckdb.connect(str(tmp_path / "snapshot.duckdb"), read_only=True) as connection:
        last = contact_history(connection, JOAO, TEXTILE, Decimal(20), AS_OF)[-1]
    assert (last.at, last.engagement) == (AS_OF, published["engagement_score"])


def test_a_person_without_an_account_and_without_events_is_flat(connection: duckdb.DuckDBPyConnection) -> None:
    points = contact_history(connection, "nobody", None, Decimal(2), AS_OF, weeks=3)
    assert [point.score for point in points] == [Decimal(2)] * 5


def test_a_snapshot_of_midnight_has_no_point_twice() -> None:
    midnight = datetime(2026, 11, 1)
    assert moments(midnight, 2) == [datetime(2026, 10, 18), datetime(2026, 10, 25), midnight]
    assert moments(AS_OF, 1) == [datetime(2026, 10, 25), midnight, AS_OF]


@pytest.mark.parametrize("scores", [[0, 0], [3, 117], [-40, -2], [-14, 96], [0.01, 0.02], [1000, 123456]])
def test_the_drawing_holds_every_score(scores: list[float]) -> None:
    points = [
        ScorePoint(AS_OF + timedelta(weeks=number), Decimal(0), Decimal(str(score)))
        for number, score in enumerate(scores)
    ]
    chart = score_chart(points)
    assert chart is not None
    assert chart.levels == sorted(chart.levels, reverse=True)
    assert min(chart.levels) <= min(0, *scores)
    assert max(chart.levels) >= max(0, *scores)
    heights = [float(part.split()[1]) for part in chart.score.removeprefix("M").split(" L")]
    assert all(0 <= height <= HEIGHT for height in heights)
    assert (heights[0] > heights[1]) == (scores[0] < scores[1])


def test_one_point_is_no_chart() -> None:
    assert score_chart([ScorePoint(AS_OF, Decimal(1), Decimal(1))]) is None
