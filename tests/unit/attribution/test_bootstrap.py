"""Intervals of shares: they hold the truth as often as they say, and are the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from attribution import bootstrap
from attribution.bootstrap import share_intervals


def test_as_wide_as_theory_says() -> None:
    """42 of 60: standard error sqrt(.7 * .3 / 60) = .0592, so that 95 % lie within .116."""
    credits = np.zeros((60, 2))
    credits[:42, 0] = 1
    credits[42:, 1] = 1
    lower, upper = share_intervals(credits, resamples=4000, seed=7)
    assert lower == pytest.approx([0.7 - 0.116, 0.3 - 0.116], abs=0.02)
    assert upper == pytest.approx([0.7 + 0.116, 0.3 + 0.116], abs=0.02)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    random = np.random.default_rng(11)
    held = 0
    for trial in range(200):
        is_first = random.random(150) < 0.4
        credits = np.column_stack([is_first, ~is_first]).astype(np.float64)
        lower, upper = share_intervals(credits, resamples=400, seed=trial)
        held += lower[0] <= 0.4 <= upper[0]
    assert 180 <= held <= 198


def test_a_seed_gives_one_answer_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    credits = np.random.default_rng(2).dirichlet(np.ones(5), size=40)
    whole = share_intervals(credits, resamples=300, seed=7)
    assert [bound.tolist() for bound in share_intervals(credits, resamples=300, seed=7)] == [
        bound.tolist() for bound in whole
    ]
    assert share_intervals(credits, resamples=300, seed=8)[0].tolist() != whole[0].tolist()
    monkeypatch.setattr(bootstrap, "_DRAWS", 1000)
    cut = share_intervals(credits, resamples=300, seed=7)
    assert [bound.tolist() for bound in cut] == [bound.tolist() for bound in whole]


def test_bounds_stand_around_the_share() -> None:
    credits = np.random.default_rng(2).dirichlet(np.ones(5), size=40)
    lower, upper = share_intervals(credits, resamples=300, seed=7)
    assert (lower < credits.mean(axis=0)).all()
    assert (credits.mean(axis=0) < upper).all()


def test_one_conversion_knows_no_doubt_and_none_knows_nothing() -> None:
    assert [bound.tolist() for bound in share_intervals(np.array([[0.25, 0.75]]), resamples=100, seed=7)] == [
        [0.25, 0.75],
        [0.25, 0.75],
    ]
    assert [bound.tolist() for bound in share_intervals(np.zeros((0, 2)), resamples=100, seed=7)] == [[0, 0], [0, 0]]
