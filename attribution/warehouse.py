"""What the dbt models of attribution call: rows of the warehouse in, tables for it out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

import duckdb
import pyarrow as pa

from attribution.bootstrap import share_intervals
from attribution.effects import ShapleySettings, channel_effects
from attribution.errors import AttributionError

_DIGITS = pa.decimal128(18, 12)
_EFFECT_FIELDS: dict[str, pa.DataType] = {
    "conversion_kind": pa.string(),
    "method": pa.string(),
    "channel": pa.string(),
    "effect": _DIGITS,
    "conversions": _DIGITS,
    "share": _DIGITS,
}
EFFECTS = pa.schema(_EFFECT_FIELDS)
_INTERVAL_FIELDS: dict[str, pa.DataType] = {
    "conversion_kind": pa.string(),
    "model": pa.string(),
    "channel": pa.string(),
    "share": _DIGITS,
    "share_lo": _DIGITS,
    "share_hi": _DIGITS,
    "resamples": pa.int32(),
    "conversions_n": pa.int64(),
}
INTERVALS = pa.schema(_INTERVAL_FIELDS)


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


def intervals_table(credits: duckdb.DuckDBPyRelation, settings: Mapping[str, object]) -> pa.Table:
    """Each channel's share of the credit with its 95 % interval (columns of :data:`INTERVALS`).

    Grain: conversion kind, model, channel. The same conversions are drawn for every model of a kind, so that models can
    be compared.

    :param credits: int_window_credits: ``conversion_kind``, ``model``, ``channel``, ``conversion_number`` and
        ``column_number`` (from 0 within the kind: of the conversion, of model and channel), ``credit``; a conversion's
        credits add up to 1 for each model.
    :param settings: rows of ``seeds/attribution_settings.csv``, setting -> value.

    Raises AttributionError naming the setting that is missing.
    """
    resamples, seed = number(settings, "bootstrap_resamples"), number(settings, "bootstrap_seed")
    labels: dict[str, list[tuple[str, str]]] = defaultdict(list)
    named = credits.select("conversion_kind", "column_number", "model", "channel").distinct()
    for kind, _, model, channel in sorted(named.fetchall()):
        labels[kind].append((model, channel))
    rows = []
    for kind, columns in labels.items():
        is_kind = duckdb.ColumnExpression("conversion_kind") == duckdb.ConstantExpression(kind)
        cells = (
            credits.filter(is_kind)
            .project("conversion_number, column_number, cast(credit as double) as credit")
            .fetchnumpy()
        )
        conversion = cells["conversion_number"]
        shares, lower, upper = share_intervals(
            conversion, cells["column_number"], cells["credit"], resamples=resamples, seed=seed
        )
        for (model, channel), share, low, high in zip(columns, shares, lower, upper, strict=True):
            rows.append(
                {
                    "conversion_kind": kind,
                    "model": model,
                    "channel": channel,
                    "share": _decimal(float(share)),
                    "share_lo": _decimal(float(low)),
                    "share_hi": _decimal(float(high)),
                    "resamples": resamples,
                    "conversions_n": int(conversion.max()) + 1,
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


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.12f}")
