"""Journeys written out, and their moves as the warehouse counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st

from attribution.markov import CONVERSION, NULL, START

#: The channels of a journey and whether it converted.
Journey = tuple[Sequence[str], bool]
#: How many journeys a property is tried on; a busy machine fails no test.
PROPERTY = settings(max_examples=60, deadline=None)
#: Two journeys g, one m and one g > m convert; a fifth one, g, does not: P = .8, removal effects .75 and .50, credit
#: 2.4 and 1.6 (https://stats.stackexchange.com/q/336227).
TEXTBOOK: list[Journey] = [(["g"], True), (["g"], True), (["m"], True), (["g", "m"], True), (["g"], False)]


def moves_of(journeys: Iterable[Journey]) -> list[tuple[str, str, int]]:
    counted: Counter[tuple[str, str]] = Counter()
    for channels, converted in journeys:
        states = [START, *channels, CONVERSION if converted else NULL]
        counted.update(pairwise(states))
    return [(source, target, count) for (source, target), count in counted.items()]


def some_journeys(channels: str = "abcdef", max_size: int = 25) -> st.SearchStrategy[list[Journey]]:
    journey = st.tuples(st.lists(st.sampled_from(channels), min_size=1, max_size=6), st.booleans())
    return st.lists(journey, min_size=1, max_size=max_size)
