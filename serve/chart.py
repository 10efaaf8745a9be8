"""The score over time as SVG: drawn here, because the pages allow no script and no inline style.

The drawing is stretched to the width of the page; what must stay readable (labels) is text of the page around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from serve.history import ScorePoint

WIDTH = 1000
HEIGHT = 260
#: Lines across the drawing.
_STEPS = 4


@dataclass(frozen=True)
class ScoreChart:
    """Paths in a box of ``WIDTH`` x ``HEIGHT``; ``levels`` from top to bottom, evenly spaced; ``days`` likewise."""

    score: str
    area: str
    fit: str
    levels: list[float]
    days: list[datetime]
    lines: list[float]
    zero: float


def score_chart(points: Sequence[ScorePoint]) -> ScoreChart | None:
    """The chart of a history; None where there are fewer than two points."""
    if len(points) < 2:
        return None
    scores = [float(point.score) for point in points]
    fits = [float(point.fit) for point in points]
    low, high = _bounds(min(*scores, *fits, 0.0), max(*scores, *fits, 0.0))
    first, last = points[0].at.timestamp(), points[-1].at.timestamp()

    def x(at: datetime) -> float:
        return round(WIDTH * (at.timestamp() - first) / (last - first), 1)

    def y(value: float) -> float:
        return round(HEIGHT * (high - value) / (high - low), 1)

    places = [x(point.at) for point in points]
    line = _line(places, [y(score) for score in scores])
    base = _line(places, [y(fit) for fit in fits])
    back = _line(places[::-1], [y(fit) for fit in fits[::-1]])
    levels = [high - (high - low) * step / _STEPS for step in range(_STEPS + 1)]
    days = [points[round((len(points) - 1) * share / 4)].at for share in range(5)]
    return ScoreChart(
        score=f"M{line}",
        area=f"M{line} L{back} Z",
        fit=f"M{base}",
        levels=levels,
        days=days,
        lines=[round(HEIGHT * step / _STEPS, 1) for step in range(_STEPS + 1)],
        zero=y(0.0),
    )


def _line(xs: Sequence[float], ys: Sequence[float]) -> str:
    return " L".join(f"{x:g} {y:g}" for x, y in zip(xs, ys, strict=True))


def _bounds(lowest: float, highest: float) -> tuple[float, float]:
    """Round numbers around the values such that each of the ``_STEPS`` is round too."""
    span = max(highest - lowest, 1.0)
    unit = 10 ** math.floor(math.log10(span / _STEPS))
    for factor in (1, 2, 2.5, 5, 10, 20):
        step = unit * factor
        low = math.floor(lowest / step) * step
        if low + step * _STEPS >= highest:
            return low, low + step * _STEPS
    raise AssertionError((lowest, highest))
