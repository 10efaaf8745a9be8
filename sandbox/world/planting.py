"""Shared means to plant errors: values that are far off, and the list of bad values with what should become of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from sandbox.world.text import Bools, Column, Ints

FLAW_COLUMNS = ("source", "record_id", "field", "value", "expected_status", "expected_clean", "kind")
FLAW_SCHEMA = pa.schema([pa.field(name, pa.string()) for name in FLAW_COLUMNS])


@dataclass
class Flaws:
    """Rows of ``truth/bad_values.parquet``: a value as written, and what hygiene should make of it."""

    tables: list[pa.Table] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        source: str,
        record_id: Column,
        name: str,
        value: Column,
        status: Column | str,
        clean: Column | None,
        kind: Column | str,
    ) -> Flaws:
        """Flaws of one field. ``value`` is as written, ``clean`` what it should become (None = nothing)."""
        n = len(record_id)

        def column(content: Column | str | None) -> Column:
            return pa.array([content] * n, type=pa.string()) if content is None or isinstance(content, str) else content

        parts = (source, record_id, name, value, status, clean, kind)
        return cls([pa.table([column(part) for part in parts], schema=FLAW_SCHEMA)])

    def __add__(self, other: Flaws) -> Flaws:
        return Flaws([*self.tables, *other.tables])

    def table(self) -> pa.Table:
        return pa.concat_tables([FLAW_SCHEMA.empty_table(), *self.tables])


def far_off(rng: np.random.Generator, truth: Ints, rate: float) -> Ints:
    """The number itself, or at the given rate one 3 to 6 times as large or as small."""
    n = len(truth)
    factor = 3 + rng.random(n) * 3
    factor = np.where(rng.random(n) < 0.5, factor, 1 / factor)
    wrong = np.maximum(np.round(truth * factor), 1)
    # A number too small to divide is multiplied.
    wrong = np.where((factor < 1) & (wrong * 2.5 > truth), truth * 4, wrong)
    return np.where(share(rng, n, rate), wrong, truth).astype(np.int64)


def share(rng: np.random.Generator, rows: int, rate: float, weight: Ints | None = None) -> Bools:
    """A random choice of exactly the given share of rows, so that a planted rate is there in a small world too.

    With ``weight`` the choice is spread evenly over light and heavy rows: the share holds by weight as well.
    """
    order = rng.permutation(rows)
    if weight is not None:
        order = order[np.argsort(weight[order], kind="stable")]
    steps = np.floor((np.arange(rows + 1) + rng.random()) * rate)
    chosen = np.zeros(rows, dtype=bool)
    chosen[order] = np.diff(steps) > 0
    return chosen
