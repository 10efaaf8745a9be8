"""What the dbt models of attribution call: rows of the warehouse in, tables for it out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from attribution.bootstrap import share_intervals
from attribution.effects import ShapleySettings, channel_effects
from attribution.errors import AttributionError

_DIGITS = pa.decimal128(18, 12)
EFFECTS = pa.schema(
    [
        pa.field("conversion_kind", pa.string()),
        pa.field("method", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("effect", _DIGITS),
        pa.field("conversions", _DIGITS),
        pa.field("share", _DIGITS),
    ]
)
INTERVALS = pa.schema(
    [
        pa.field("conversion_kind", pa.string()),
        pa.field("model", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("share", _DIGITS),
        pa.field("share_lo", _DIGITS),
        pa.field("share_hi", _DIGITS),
        pa.field("resamples", pa.int32()),
        pa.field("conversions_n", pa.int64()),
    ]
)


def effects_table(moves: Iterable[tuple[str, str, str, int]], settings: Mapping[str, object]) -> pa.Table:
    """Effects of channels (columns of :data:`EFFECTS`). Grain: conversion kind, method, channel.

    :param moves: rows of int_channel_transitions: conversion kind, from_state, to_state, moves.
    :param settings: rows of ``seeds/attribution_settings.csv``, setting -> value.

    Raises AttributionError naming the setting that is missing, or the kind whose moves are no journeys.
    """
    kinds: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for kind, source, target, count in moves:
        kinds[kind].append((source, target, count))
    chosen = ShapleySettings(
        exact_channels=number(settings, "shapley_exact_channels"),
        sampled_orders=number(settings, "shapley_sampled_orders"),
        seed=number(settings, "shapley_seed"),
    )
    rows = []
    for kind in sorted(kinds):
        # In one order whatever the warehouse's, so that sums of doubles are the same in every build.
        try:
            found = channel_effects(sorted(kinds[kind]), chosen)
        except AttributionError as error:
            raise AttributionError(f"Conversions of kind '{kind}': {error}") from error
        rows += [
            {
                "conversion_kind": kind,
                "method": effect.method,
                "channel": effect.channel,
                "effect": _decimal(effect.effect),
                "conversions": _decimal(effect.conversions),
                "share": _decimal(effect.share),
            }
            for effect in found
        ]
    return pa.Table.from_pylist(rows, schema=EFFECTS)


def intervals_table(credits: pa.Table, settings: Mapping[str, object]) -> pa.Table:
    """Each channel's share of the credit with its 95 % interval (columns of :data:`INTERVALS`).

    Grain: conversion kind, model, channel. The same conversions are drawn for every model of a kind, so that models can
    be compared.

    :param credits: int_window_credits: ``conversion_kind``, ``model``, ``channel``, ``conversion_number`` (from 0,
        within the kind), ``credit`` (double); a conversion's credits add up to 1 for each model.
    :param settings: rows of ``seeds/attribution_settings.csv``, setting -> value.

    Raises AttributionError naming the setting that is missing.
    """
    resamples, seed = number(settings, "bootstrap_resamples"), number(settings, "bootstrap_seed")
    kinds, kind_of = _codes(credits, "conversion_kind")
    models, model_of = _codes(credits, "model")
    channels, channel_of = _codes(credits, "channel")
    conversion = credits["conversion_number"].to_numpy()
    credit = credits["credit"].to_numpy()
    rows = []
    for kind, kind_name in enumerate(kinds):
        chosen = kind_of == kind
        cells = model_of[chosen] * len(channels) + channel_of[chosen]
        columns, column = np.unique(cells, return_inverse=True)
        matrix = np.zeros((int(conversion[chosen].max()) + 1, len(columns)))
        matrix[conversion[chosen], column] = credit[chosen]
        shares = matrix.mean(axis=0)
        lower, upper = share_intervals(matrix, resamples=resamples, seed=seed)
        for cell, share, low, high in zip(columns, shares, lower, upper, strict=True):
            rows.append(
                {
                    "conversion_kind": kind_name,
                    "model": models[cell // len(channels)],
                    "channel": channels[cell % len(channels)],
                    "share": _decimal(float(share)),
                    "share_lo": _decimal(float(low)),
                    "share_hi": _decimal(float(high)),
                    "resamples": resamples,
                    "conversions_n": len(matrix),
                }
            )
    return pa.Table.from_pylist(rows, schema=INTERVALS)


def number(settings: Mapping[str, object], name: str) -> int:
    """One whole number of ``seeds/attribution_settings.csv``. Raises AttributionError when it is missing."""
    if settings.get(name) is None:
        raise AttributionError(
            f"attribution_settings.csv, field value: the setting '{name}' is missing. Add a line for it "
            "(seeds/README.md says what it means)."
        )
    return int(Decimal(str(settings[name])))


def _codes(table: pa.Table, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """The texts of a column in alphabetical order, and the place of each row's text among them."""
    values = [str(value) for value in table[name].to_pylist()]
    texts = sorted(set(values))
    place = {text: number for number, text in enumerate(texts)}
    return texts, np.fromiter((place[value] for value in values), dtype=np.int64, count=len(values))


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.12f}")
