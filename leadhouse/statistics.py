"""Shares and how sure they are. Pure functions, no data of ours."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Standard deviations either way that hold the truth in 95 of 100 cases.
Z95 = 1.959964


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; shares and their differences as fractions, not per cent."""

    value: float
    lo: float
    hi: float


def wilson(successes: int, trials: int, z: float = Z95) -> Interval | None:
    """A share with its Wilson score interval (Wilson 1927); None where nothing was counted.

    Raises:
        ValueError: more successes than trials, or fewer than none.
    """
    if trials < 0 or not 0 <= successes <= max(trials, 0):
        raise ValueError(f"{successes} of {trials} is no share")
    if trials == 0:
        return None
    share = successes / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def newcombe(after: tuple[int, int], before: tuple[int, int], z: float = Z95) -> Interval | None:
    """The difference of two shares, after - before, with Newcombe's hybrid score interval (1998, method 10).

    It is made of the Wilson intervals of both, and takes the two samples for independent. Where they share members it
    is wider than need be, never narrower.

    Args:
        after: successes and trials.
        before: successes and trials.

    Returns:
        None where one of the two has no trials.
    """
    one, two = wilson(*after, z), wilson(*before, z)
    if one is None or two is None:
        return None
    difference = one.value - two.value
    return Interval(
        difference,
        difference - math.hypot(one.value - one.lo, two.hi - two.value),
        difference + math.hypot(one.hi - one.value, two.value - two.lo),
    )
