"""Shapley values: what a player adds, averaged over every order in which the players may come together.

A coalition is a number whose bits are its players: bit i = player i.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from numpy.typing import NDArray

from attribution.errors import AttributionError

#: Worth of coalitions: one row of booleans each (m x n) in, m numbers out. That of nobody is taken as 0.
Worth = Callable[[NDArray[np.bool_]], NDArray[np.float64]]


def members(coalitions: NDArray[np.int64], players: int) -> NDArray[np.bool_]:
    """Who is in each coalition: one row of ``players`` booleans each."""
    found: NDArray[np.bool_] = (coalitions[:, None] >> np.arange(players)) & 1 == 1
    return found


def exact(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of n players from the worth of all 2^n coalitions, ``worth[0]`` being that of nobody.

    phi_i = sum over coalitions S without i of |S|! (n - |S| - 1)! / n! * (worth(S + i) - worth(S)). Cost: n 2^n.

    Raises AttributionError where the number of coalitions is no power of two.
    """
    worth = np.asarray(worth, dtype=np.float64)
    players = len(worth).bit_length() - 1
    if len(worth) != 1 << players:
        raise AttributionError(f"{len(worth)} coalitions are given; n players have 2^n.")
    coalitions = np.arange(1 << players)
    sizes = np.zeros(1 << players, dtype=np.int64)
    for player in range(players):
        sizes += (coalitions >> player) & 1
    weights = np.array([1 / (players * comb(players - 1, size)) for size in range(players)])
    values = np.zeros(players)
    for player in range(players):
        without = coalitions[(coalitions >> player) & 1 == 0]
        values[player] = weights[sizes[without]] @ (worth[without | (1 << player)] - worth[without])
    return values


def sampled(worth: Worth, players: int, *, orders: int, seed: int) -> NDArray[np.float64]:
    """Values of n players as the mean over drawn orders; each drawn order is followed by its reverse.

    Order and reverse miss in opposite directions, so that fewer orders do. Values add up to the worth of all players,
    as exact ones do. The same seed gives the same values.
    """
    random = np.random.default_rng(seed)
    drawn = np.array([random.permutation(players) for _ in range((orders + 1) // 2)])
    sequences = np.vstack([drawn, drawn[:, ::-1]])
    values = np.zeros(players)
    before = np.zeros(len(sequences))
    present = np.zeros((len(sequences), players), dtype=bool)
    rows = np.arange(len(sequences))
    for place in range(players):
        present[rows, sequences[:, place]] = True
        after = worth(present)
        values += np.bincount(sequences[:, place], weights=after - before, minlength=players)
        before = after
    return values / len(sequences)
