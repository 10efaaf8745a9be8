"""Effects of channels by both methods: what they are in the textbook, and what holds of any journeys."""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from attribution.effects import ShapleySettings, channel_effects, shapley_values
from attribution.markov import CONVERSION, NULL, START, chain_of
from tests.unit.attribution.journeys import PROPERTY, TEXTBOOK, Journey, moves_of, some_journeys

EXACT = ShapleySettings(exact_channels=15, sampled_orders=2000, seed=7)
SAMPLED = ShapleySettings(exact_channels=0, sampled_orders=4000, seed=7)


def credit(journeys: list[Journey], settings: ShapleySettings = EXACT) -> dict[str, dict[str, float]]:
    """Credited conversions by method and channel."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for effect in channel_effects(moves_of(journeys), settings):
        found[effect.method][effect.channel] = effect.conversions
    return found


def test_the_textbook() -> None:
    found = {(effect.method, effect.channel): effect for effect in channel_effects(moves_of(TEXTBOOK), EXACT)}
    assert found["markov", "g"].effect == pytest.approx(0.75)
    assert found["markov", "m"].effect == pytest.approx(0.5)
    assert found["markov", "g"].conversions == pytest.approx(2.4)
    assert found["markov", "m"].conversions == pytest.approx(1.6)
    assert found["markov", "g"].share == pytest.approx(0.6)
    # Alone, g converts .4 of five journeys and m .2; together .8: each adds its own and half of the other .2.
    assert found["shapley", "g"].effect == pytest.approx(5 * (0.4 + 0.1))
    assert found["shapley", "m"].effect == pytest.approx(5 * (0.2 + 0.1))


@PROPERTY
@given(some_journeys())
def test_credit_adds_up_to_the_conversions(journeys: list[Journey]) -> None:
    conversions = sum(converted for _, converted in journeys)
    for shares in credit(journeys).values():
        assert sum(shares.values()) == pytest.approx(conversions)
        assert min(shares.values()) >= 0


@PROPERTY
@given(some_journeys(), st.randoms(use_true_random=False))
def test_the_order_of_journeys_changes_nothing(journeys: list[Journey], random: object) -> None:
    shuffled = list(journeys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert credit(shuffled) == {method: pytest.approx(shares) for method, shares in credit(journeys).items()}


@PROPERTY
@given(some_journeys("abc"), some_journeys("xyz"))
def test_unrelated_journeys_change_no_proportion(journeys: list[Journey], others: list[Journey]) -> None:
    """Channels that never meet: how those of one world share among themselves is up to that world."""
    assume(any(converted for _, converted in journeys))
    alone, together = credit(journeys), credit(journeys + others)
    for method in alone:
        ours = {channel: together[method][channel] for channel in alone[method]}
        total, total_alone = sum(ours.values()), sum(alone[method].values())
        for channel, conversions in ours.items():
            assert conversions / total == pytest.approx(alone[method][channel] / total_alone, abs=1e-6)


@PROPERTY
@given(some_journeys(), st.sampled_from("abcdef"))
def test_a_channel_removed_everywhere_is_left_without_credit(journeys: list[Journey], removed: str) -> None:
    """Its conversions are gone or the others': never does a channel gain by being away."""
    before = credit(journeys)
    without = [([channel for channel in channels if channel != removed], converted) for channels, converted in journeys]
    after = credit([(channels, converted) for channels, converted in without if channels])
    for method, shares in before.items():
        assert after[method].get(removed, 0) <= shares.get(removed, 0) + 1e-9


@PROPERTY
@given(some_journeys(), st.integers(0, 24))
def test_a_channel_that_loses_a_conversion_gains_no_effect(journeys: list[Journey], chosen: int) -> None:
    """A journey of one channel that converted nobody after all: that channel's Shapley value does not rise."""
    place = chosen % len(journeys)
    channels, _ = journeys[place]
    alone = channels[0]
    converted = [*journeys[:place], ([alone], True), *journeys[place + 1 :]]
    failed = [*journeys[:place], ([alone], False), *journeys[place + 1 :]]
    before, after = chain_of(moves_of(converted)), chain_of(moves_of(failed))
    index = before.channels.index(alone)
    assert shapley_values(after, EXACT)[index] <= shapley_values(before, EXACT)[index] + 1e-9


@PROPERTY
@given(some_journeys())
def test_a_channel_of_null_journeys_alone_has_no_effect(journeys: list[Journey]) -> None:
    found = credit([*journeys, (["never"], False), (["never"], False)])
    assert {found[method]["never"] for method in found} == {0}


def test_null_journeys_count() -> None:
    """Six failures of a > b say that a seldom leads to b's conversions: without them a and b are worth the same."""
    journeys: list[Journey] = [(["a", "b"], True), (["b", "a"], True), (["a"], True), (["b"], True)]
    for shares in credit(journeys).values():
        assert shares["a"] == pytest.approx(shares["b"])
    for method, shares in credit([*journeys, *[(["a", "b"], False)] * 6]).items():
        assert abs(shares["a"] - shares["b"]) > 0.1, method
        assert sum(shares.values()) == pytest.approx(4), method


def test_effects_planted_in_a_chain_are_found_in_order() -> None:
    """Each visit converts by its channel's own chance, else the person may come again by any channel, or never."""
    planted = {"referral": 0.30, "search": 0.20, "email": 0.12, "social": 0.07, "display": 0.02}
    names = list(planted)
    random = np.random.default_rng(5)
    journeys: list[Journey] = []
    for _ in range(20_000):
        channels: list[str] = []
        while True:
            channels.append(names[random.integers(len(names))])
            if random.random() < planted[channels[-1]]:
                journeys.append((channels, True))
                break
            if random.random() < 0.4:
                journeys.append((channels, False))
                break
    for method, shares in credit(journeys).items():
        assert sorted(shares, key=lambda channel: -shares[channel]) == names, method
        assert shares["referral"] > 2 * shares["display"], method


def test_beyond_the_limit_values_are_sampled_and_close() -> None:
    random = np.random.default_rng(3)
    journeys: list[Journey] = [
        (list(random.choice(list("abcdefgh"), size=random.integers(1, 6))), bool(random.random() < 0.4))
        for _ in range(400)
    ]
    chain = chain_of(moves_of(journeys))
    exact, drawn = shapley_values(chain, EXACT), shapley_values(chain, SAMPLED)
    assert drawn.tolist() != exact.tolist()
    assert drawn == pytest.approx(exact, rel=0.05, abs=0.3)
    assert drawn.sum() == pytest.approx(chain.conversions)


def test_fifteen_channels_exactly_and_thirty_by_sample_take_seconds() -> None:
    """Far above what they take (1 s), far below what walking every order would."""
    for size in (15, 30):
        names = [f"channel_{number:02}" for number in range(size)]
        moves = [(START, name, 100) for name in names] + [(a, b, 10) for a in names for b in names]
        moves += [(name, CONVERSION, 20) for name in names] + [(name, NULL, 80) for name in names]
        started = time.perf_counter()
        found = channel_effects(moves, EXACT)
        assert time.perf_counter() - started < 60
        assert sum(effect.conversions for effect in found if effect.method == "shapley") == pytest.approx(20 * size)
        assert len({round(effect.share, 1 if size > 15 else 9) for effect in found}) == 1
