"""Shapley values against published ones, and sampled against exact ones."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attribution.errors import AttributionError
from attribution.shapley import exact, members, sampled
from tests.unit.attribution.journeys import PROPERTY

#: Organic, Facebook, Direct as bits 0, 1, 2: O 7, F 6, OF 15, D 4, OD 7, FD 9, OFD 19 (terms, DP6).
PUBLISHED = np.array([0, 7, 6, 15, 4, 7, 9, 19], dtype=np.float64)


def by_every_order(worth: NDArray[np.float64], players: int) -> list[float]:
    """The definition, word by word."""
    values = [0.0] * players
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = 0
        for player in order:
            values[player] += (worth[coalition | 1 << player] - worth[coalition]) / len(orders)
            coalition |= 1 << player
    return values


def test_the_published_values() -> None:
    values = exact(PUBLISHED)
    assert values == pytest.approx([7.6667, 8.1667, 3.1667], abs=5e-5)
    assert values.sum() == pytest.approx(19)


@PROPERTY
@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.floats(-100, 100), min_size=2**n, max_size=2**n)))
def test_exact_values_are_the_definition_s(worth: list[float]) -> None:
    worths = np.array([0.0, *worth[1:]])
    players = len(worths).bit_length() - 1
    assert exact(worths) == pytest.approx(by_every_order(worths, players), abs=1e-9)
    assert exact(worths).sum() == pytest.approx(worths[-1], abs=1e-9)


def test_members_are_the_bits() -> None:
    assert members(np.array([0, 1, 6]), 3).tolist() == [[False] * 3, [True, False, False], [False, True, True]]


def test_sampled_values_are_close_to_exact_ones_and_add_up() -> None:
    players = 9
    random = np.random.default_rng(1)
    strength = random.uniform(0.05, 0.6, players)
    every = members(np.arange(1 << players), players)

    def worth(present: NDArray[np.bool_]) -> NDArray[np.float64]:
        rates: NDArray[np.float64] = 1 - np.prod(np.where(present, 1 - strength, 1), axis=1)
        return rates

    truth = exact(worth(every))
    drawn = sampled(worth, players, orders=2000, seed=7)
    assert drawn == pytest.approx(truth, abs=0.003)
    assert drawn.sum() == pytest.approx(truth.sum())
    assert sampled(worth, players, orders=2000, seed=7).tolist() == drawn.tolist()
    assert sampled(worth, players, orders=2000, seed=8).tolist() != drawn.tolist()
    few = sampled(worth, players, orders=2, seed=7)
    assert np.abs(few - truth).max() > np.abs(drawn - truth).max()


def test_an_odd_number_of_coalitions() -> None:
    with pytest.raises(AttributionError, match="3 coalitions"):
        exact(np.zeros(3))
