"""Channels as states of a Markov chain of the first order, and what conversions lose without one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attribution.errors import AttributionError

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"
_ENDS = {START, CONVERSION, NULL}
#: So many coalitions are solved at once: some 8 MB of matrices with 16 channels.
_BATCH = 4096


@dataclass(frozen=True)
class Chain:
    """Chances of the next step, measured on journeys.

    ``channels`` are sorted by name; ``start`` (n), ``steps`` (n x n, from row to column) and ``conversion`` (n) are
    shares of the moves out of a state, the rest of them ending without a conversion. ``paths`` counts the journeys,
    ``conversions`` those that converted.
    """

    channels: tuple[str, ...]
    start: NDArray[np.float64]
    steps: NDArray[np.float64]
    conversion: NDArray[np.float64]
    paths: int
    conversions: int


def chain_of(moves: Iterable[tuple[str, str, int]]) -> Chain:
    """The chain of counted moves ``(from_state, to_state, moves)``; states are channels, START, CONVERSION and NULL.

    A channel followed by itself stays in its state for one more step; that changes no effect.

    Raises AttributionError for a count below 0, a move out of an end or into the start, and where not as many journeys
    end as start.
    """
    counted = [(source, target, int(count)) for source, target, count in moves]
    for source, target, count in counted:
        if count < 0 or source in (CONVERSION, NULL) or target == START:
            raise AttributionError(f"{count} moves from '{source}' to '{target}' cannot be part of a journey.")
    channels = tuple(sorted({state for source, target, _ in counted for state in (source, target)} - _ENDS))
    place = {channel: number for number, channel in enumerate(channels)}
    size = len(channels)
    counts = np.zeros((size + 1, size + 2))
    for source, target, count in counted:
        column = size if target == CONVERSION else size + 1 if target == NULL else place[target]
        counts[size if source == START else place[source], column] += count
    paths, ended = counts[size].sum(), counts[:, size:].sum()
    if paths != ended:
        raise AttributionError(f"{paths:.0f} journeys start and {ended:.0f} end.")
    out = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, out, out=np.zeros_like(counts), where=out > 0)
    return Chain(
        channels=channels,
        start=shares[size, :size],
        steps=shares[:size, :size],
        conversion=shares[:size, size],
        paths=int(paths),
        conversions=int(counts[:, size].sum()),
    )


def conversion_rates(chain: Chain, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of journeys that convert when only some channels are there: one rate a row of ``present`` (m x n).

    A step to an absent channel ends without a conversion. Exact: one linear system a row, x = conversion + steps x.
    """
    size = len(chain.channels)
    rates = np.zeros(len(present))
    for first in range(0, len(present), _BATCH):
        there = present[first : first + _BATCH].astype(np.float64)
        systems = np.eye(size) - there[:, :, None] * chain.steps
        reached = np.linalg.solve(systems, (there * chain.conversion)[:, :, None])[:, :, 0]
        rates[first : first + _BATCH] = reached @ chain.start
    return rates


def removal_effects(chain: Chain) -> NDArray[np.float64]:
    """Share of the conversions that would be lost without each channel (0 to 1), in the order of ``chain.channels``."""
    size = len(chain.channels)
    if not chain.conversions:
        return np.zeros(size)
    rates = conversion_rates(chain, np.vstack([np.ones((1, size), dtype=bool), ~np.eye(size, dtype=bool)]))
    # The solver's rounding may put a channel that matters nothing a hair below none.
    effects: NDArray[np.float64] = np.clip(1 - rates[1:] / rates[0], 0, 1)
    return effects
