"""How sure shares are: conversions drawn again and again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: More conversions than this are drawn in so many groups.
_GROUPS = 20_000
#: So many drawn conversions are counted at once: some 80 MB.
_DRAWS = 10_000_000


def share_intervals(
    conversion: NDArray[np.integer],
    column: NDArray[np.integer],
    credit: NDArray[np.float64],
    *,
    resamples: int,
    seed: int,
    level: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Each column's share of the conversions, and the bounds of it by the percentile bootstrap over conversions.

    Conversions beyond 20,000 are put into 20,000 groups by chance, and groups are drawn: the mean of m conversions
    varies by an m-th of what one does, so that bounds are as wide, and cost as much as for 20,000.

    :param conversion: number of the conversion of each credit, from 0 without gaps.
    :param column: number of the column of each credit, from 0.
    :param credit: what the conversion gives to the column; a conversion's credits add up to 1 in each set of columns.
    :param resamples: how often as many conversions as there are, are drawn with replacement.
    :param seed: the same seed gives the same bounds.
    """
    conversions, columns = int(conversion.max()) + 1, int(column.max()) + 1
    random = np.random.default_rng(seed)
    groups = min(conversions, _GROUPS)
    group_of = np.arange(conversions) if groups == conversions else random.permutation(conversions) % groups
    sums = np.bincount(group_of[conversion] * columns + column, weights=credit, minlength=groups * columns).reshape(
        groups, columns
    )
    sizes = np.bincount(group_of, minlength=groups).astype(np.float64)
    shares = np.empty((resamples, columns))
    block = max(1, _DRAWS // groups)
    for first in range(0, resamples, block):
        rows = min(block, resamples - first)
        drawn = random.integers(0, groups, size=(rows, groups)) + np.arange(rows)[:, None] * groups
        times = np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.float64)
        shares[first : first + rows] = times @ sums / (times @ sizes)[:, None]
    lower, upper = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return sums.sum(axis=0) / conversions, lower, upper
