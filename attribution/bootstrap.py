"""How sure shares are: conversions drawn again and again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: So many drawn conversions are counted at once: some 80 MB.
_DRAWS = 10_000_000


def share_intervals(
    credits: NDArray[np.float64], *, resamples: int, seed: int, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper bound of each column's share of all credit, by the percentile bootstrap.

    :param credits: conversions x columns, each cell the credit that a conversion gives; rows add up to the same number.
    :param resamples: how often as many conversions as there are, are drawn with replacement.
    :param seed: the same seed gives the same bounds.
    """
    conversions, columns = credits.shape
    if not conversions:
        return np.zeros(columns), np.zeros(columns)
    random = np.random.default_rng(seed)
    shares = np.empty((resamples, columns))
    block = max(1, _DRAWS // conversions)
    for first in range(0, resamples, block):
        rows = min(block, resamples - first)
        drawn = random.integers(0, conversions, size=(rows, conversions)) + np.arange(rows)[:, None] * conversions
        times = np.bincount(drawn.ravel(), minlength=rows * conversions).reshape(rows, conversions)
        shares[first : first + rows] = times @ credits / conversions
    lower, upper = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return lower, upper
