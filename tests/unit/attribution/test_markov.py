"""The chain against the textbook, against journeys walked one by one, and what must hold of any journeys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from attribution.errors import AttributionError
from attribution.markov import CONVERSION, NULL, START, chain_of, conversion_rates, removal_effects
from tests.unit.attribution.journeys import PROPERTY, TEXTBOOK, Journey, moves_of, some_journeys


def test_the_textbook_chain() -> None:
    chain = chain_of(moves_of(TEXTBOOK))
    assert chain.channels == ("g", "m")
    assert (chain.paths, chain.conversions) == (5, 4)
    assert conversion_rates(chain, np.array([[True, True]])) == pytest.approx([0.8])
    assert conversion_rates(chain, np.array([[False, True], [True, False], [False, False]])) == pytest.approx(
        [0.2, 0.4, 0]
    )
    assert removal_effects(chain) == pytest.approx([0.75, 0.5])


@PROPERTY
@given(some_journeys())
def test_all_channels_together_convert_as_many_as_did(journeys: list[Journey]) -> None:
    chain = chain_of(moves_of(journeys))
    rate = conversion_rates(chain, np.ones((1, len(chain.channels)), dtype=bool))[0]
    assert rate * len(journeys) == pytest.approx(sum(converted for _, converted in journeys))


@PROPERTY
@given(some_journeys())
def test_the_solved_rates_are_those_of_a_long_walk(journeys: list[Journey]) -> None:
    """The same chain by powers of its matrix instead of a linear system."""
    chain = chain_of(moves_of(journeys))
    for removed in range(len(chain.channels)):
        present = np.ones(len(chain.channels), dtype=bool)
        present[removed] = False
        # One step, then 2, 4, ... 2^20 of them.
        walked, steps = np.eye(len(present)), chain.steps * present[:, None]
        for _ in range(20):
            walked, steps = walked + steps @ walked, steps @ steps
        rate = float(chain.start @ walked @ (chain.conversion * present))
        assert conversion_rates(chain, present[None, :])[0] == pytest.approx(rate, abs=1e-9)


@PROPERTY
@given(some_journeys("abcd"))
def test_without_the_channel_that_starts_every_journey_nothing_converts(journeys: list[Journey]) -> None:
    started = [(["z", *channels], converted) for channels, converted in journeys]
    chain = chain_of(moves_of(started))
    effects = dict(zip(chain.channels, removal_effects(chain), strict=True))
    assert all(0 <= effect <= 1 for effect in effects.values())
    assert effects["z"] == pytest.approx(1 if chain.conversions else 0)


def test_a_channel_that_follows_itself_changes_nothing() -> None:
    repeated = [(["g", "g", "g"], True), (["g"], True), (["m", "m"], True), (["g", "g", "m"], True), (["g"], False)]
    once, again = chain_of(moves_of(TEXTBOOK)), chain_of(moves_of(repeated))
    assert removal_effects(again) == pytest.approx(removal_effects(once))


def test_no_conversion_no_effect() -> None:
    chain = chain_of(moves_of([(["g", "m"], False)]))
    assert removal_effects(chain).tolist() == [0, 0]


def test_no_journey_no_channel() -> None:
    chain = chain_of([])
    assert (chain.channels, chain.paths, chain.conversions) == ((), 0, 0)
    assert removal_effects(chain).size == 0


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ([(START, "g", 2), ("g", CONVERSION, 1)], "2 journeys start and 1 end"),
        ([(START, "g", -1), ("g", NULL, -1)], "cannot be part"),
        ([(START, "g", 1), ("g", NULL, 1), (NULL, "g", 1)], r"from '\(null\)'"),
        ([(START, "g", 1), ("g", START, 1)], r"to '\(start\)'"),
    ],
)
def test_moves_that_are_no_journeys(moves: list[tuple[str, str, int]], words: str) -> None:
    with pytest.raises(AttributionError, match=words):
        chain_of(moves)
