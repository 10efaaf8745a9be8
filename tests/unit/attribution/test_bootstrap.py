"""Intervals of shares: they hold the truth as often as they say, and are the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from attribution import bootstrap
from attribution.bootstrap import share_intervals


def intervals(credits: NDArray[np.float64], resamples: int, seed: int) -> list[list[float]]:
    """Shares, lower and upper bounds of a matrix of conversions x columns."""
    conversion, column = np.nonzero(credits)
    found = share_intervals(conversion, column, credits[conversion, column], resamples=resamples, seed=seed)
    return [bound.tolist() for bound in found]


def test_as_wide_as_theory_says() -> None:
    """42 of 60: standard error sqrt(.7 * .3 / 60) = .0592, so that 95 % lie within .116."""
    credits = np.zeros((60, 2))
    credits[:42, 0] = 1
    credits[42:, 1] = 1
    shares, lower, upper = intervals(credits, 4000, 7)
    assert shares == pytest.approx([0.7, 0.3])
    assert lower == pytest.approx([0.7 - 0.116, 0.3 - 0.116], abs=0.02)
    assert upper == pytest.approx([0.7 + 0.116, 0.3 + 0.116], abs=0.02)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    random = np.random.default_rng(11)
    held = 0
    for trial in range(200):
        is_first = random.random(150) < 0.4
        _, lower, upper = intervals(np.column_stack([is_first, ~is_first]).astype(np.float64), 400, trial)
        held += lower[0] <= 0.4 <= upper[0]
    assert 180 <= held <= 198


def test_a_seed_gives_one_answer_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    credits = np.random.default_rng(2).dirichlet(np.ones(5), size=40)
    whole = intervals(credits, 300, 7)
    assert intervals(credits, 300, 7) == whole
    assert intervals(credits, 300, 8)[1] != whole[1]
    monkeypatch.setattr(bootstrap, "_DRAWS", 1000)
    for cut, bounds in zip(intervals(credits, 300, 7), whole, strict=True):
        assert cut == pytest.approx(bounds)


def test_groups_of_conversions_give_intervals_as_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """4,001 conversions one by one, and in 500 groups of 8 or 9."""
    is_first = np.random.default_rng(5).random(4001) < 0.3
    credits = np.column_stack([is_first, ~is_first]).astype(np.float64)
    singly = intervals(credits, 3000, 7)
    monkeypatch.setattr(bootstrap, "_GROUPS", 500)
    grouped = intervals(credits, 3000, 7)
    assert grouped[0] == pytest.approx(singly[0])
    assert grouped[1] == pytest.approx(singly[1], abs=0.003)
    assert grouped[2] == pytest.approx(singly[2], abs=0.003)
    width = singly[2][0] - singly[1][0]
    assert grouped[2][0] - grouped[1][0] == pytest.approx(width, rel=0.12)


def test_bounds_stand_around_the_share() -> None:
    shares, lower, upper = intervals(np.random.default_rng(2).dirichlet(np.ones(5), size=40), 300, 7)
    assert all(low < share < high for low, share, high in zip(lower, shares, upper, strict=True))


def test_one_conversion_knows_no_doubt() -> None:
    assert intervals(np.array([[0.25, 0.75]]), 100, 7) == [[0.25, 0.75]] * 3
