"""Effects of channels on one kind of conversion, by both methods, from the moves of its journeys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attribution.markov import Chain, chain_of, conversion_rates, removal_effects
from attribution.shapley import exact, members, sampled


@dataclass(frozen=True)
class ShapleySettings:
    """Up to ``exact_channels`` every coalition is solved; beyond, ``sampled_orders`` orders are drawn by ``seed``."""

    exact_channels: int
    sampled_orders: int
    seed: int


@dataclass(frozen=True)
class ChannelEffect:
    """What one channel does by one method.

    ``effect`` is the removal effect (``markov``, 0 to 1) or the Shapley value in conversions (``shapley``); ``share``
    its part of the sum over the channels (0 to 1; 0 where nothing converted), ``conversions`` that part of all
    conversions with a journey.
    """

    method: str
    channel: str
    effect: float
    conversions: float
    share: float


def channel_effects(moves: Iterable[tuple[str, str, int]], settings: ShapleySettings) -> list[ChannelEffect]:
    """Effects of every channel of the journeys, by method and channel.

    Raises AttributionError where the moves are no journeys.
    """
    chain = chain_of(moves)
    return [
        *_shared("markov", chain, removal_effects(chain)),
        *_shared("shapley", chain, shapley_values(chain, settings)),
    ]


def shapley_values(chain: Chain, settings: ShapleySettings) -> NDArray[np.float64]:
    """Conversions that each channel adds, in the order of ``chain.channels``; they add up to ``chain.conversions``.

    A coalition is worth the conversions that the chain would still have with its channels alone: order and journeys
    that converted nobody count, a further channel never takes a conversion away, and few journeys say something about
    sets of channels that none of them had (Singal and others, "Shapley Meets Uniform", 2019).
    """
    players = len(chain.channels)
    if players <= settings.exact_channels:
        everybody = members(np.arange(1 << players), players)
        values = exact(conversion_rates(chain, everybody))
    else:
        values = sampled(
            lambda present: conversion_rates(chain, present),
            players,
            orders=settings.sampled_orders,
            seed=settings.seed,
        )
    # The solver's rounding may put a channel that adds nothing a hair below none.
    return np.maximum(values, 0) * chain.paths


def _shared(method: str, chain: Chain, effects: NDArray[np.float64]) -> list[ChannelEffect]:
    total = float(effects.sum())
    shares = effects / total if total > 0 else np.zeros_like(effects)
    return [
        ChannelEffect(method, channel, float(effect), float(share) * chain.conversions, float(share))
        for channel, effect, share in zip(chain.channels, effects, shares, strict=True)
    ]
