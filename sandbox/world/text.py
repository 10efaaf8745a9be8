"""Vectorised text: building millions of strings without a Python loop.

Functions take and return pyarrow string arrays or numpy arrays of equal length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
#: A pyarrow array. The stubs of its element types say less than the names of our functions, and refuse more.
Column = Any

_ACCENTED = "àáâãäåçèéêëìíîïñòóôõöùúûüýœ"
_BARE = "aaaaaaceeeeiiiinooooouuuuyo"
_DASHES = (8, 13, 18, 23)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def _fixed_width(matrix: npt.NDArray[np.uint8]) -> Column:
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(
        rows, pa.py_buffer(offsets.tobytes()), pa.py_buffer(np.ascontiguousarray(matrix).tobytes())
    )


def uuids(rng: np.random.Generator, rows: int) -> Column:
    """``rows`` random identifiers in UUID form."""
    nibbles = rng.integers(0, 16, size=(rows, 32), dtype=np.uint8)
    out = np.full((rows, 36), ord("-"), dtype=np.uint8)
    keep = np.ones(36, dtype=bool)
    keep[list(_DASHES)] = False
    out[:, keep] = _HEX[nibbles]
    return _fixed_width(out)


def digits(numbers: Ints, width: int) -> Column:
    """Numbers as text with leading zeros to ``width``."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    matrix = (numbers[:, None] // powers[None, :]) % 10 + ord("0")
    return _fixed_width(matrix.astype(np.uint8))


def text(numbers: Any) -> Column:
    """Integers as text."""
    return pc.cast(pa.array(numbers), pa.string())


def take(pool: Sequence[str | None] | Column, index: npt.NDArray[Any]) -> Column:
    """Pool values by position; a negative position gives null."""
    array = pool if isinstance(pool, pa.Array) else pa.array(pool, type=pa.string())
    if len(array) == 0:
        return pa.nulls(len(index), pa.string())
    mask = index < 0
    positions: Column = pa.array(np.where(mask, 0, index), mask=mask if mask.any() else None)
    return array.take(positions)


def pick(array: Column, index: npt.ArrayLike) -> Column:
    """The elements of an array at positions."""
    return array.take(pa.array(np.asarray(index)))


def join(*parts: str | Column) -> Column:
    """Concatenation, element by element; null if any part is null."""
    written: list[Any] = [pa.scalar(p) if isinstance(p, str) else p for p in parts]
    return pc.binary_join_element_wise(*written, "")


def where(condition: Bools, yes: Any, no: Any) -> Column:
    """``yes`` where the condition holds, else ``no``; either may be a text, an array or None."""
    return pc.if_else(pa.array(condition), _operand(yes), _operand(no))


def _operand(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return pa.scalar(value, type=pa.string())
    return value


def only(condition: Bools, value: Any) -> Column:
    """``value`` where the condition holds, else null."""
    return where(condition, value, None)


def iso(ms: Ints) -> Column:
    """Epoch milliseconds as ``2026-10-31T08:00:00.000Z``; negative gives null."""
    ms = np.asarray(ms, dtype=np.int64)
    shown = np.where(ms < 0, 0, ms)
    days = shown // 86_400_000
    dates = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10") if len(ms) else np.empty(0, "S10")
    left = shown % 86_400_000
    out = np.empty((len(ms), 24), dtype=np.uint8)
    out[:, :10] = np.frombuffer(dates.tobytes(), dtype=np.uint8).reshape(len(ms), 10)
    out[:, 10], out[:, 13], out[:, 16], out[:, 19], out[:, 23] = (ord(c) for c in "T::.Z")
    fields = ((11, 12, left // 3_600_000), (14, 15, left // 60_000 % 60), (17, 18, left // 1000 % 60))
    for tens, ones, value in fields:
        out[:, tens], out[:, ones] = value // 10 + 48, value % 10 + 48
    thousandths = left % 1000
    out[:, 20], out[:, 21], out[:, 22] = thousandths // 100 + 48, thousandths // 10 % 10 + 48, thousandths % 10 + 48
    return only(ms >= 0, _fixed_width(out)) if (ms < 0).any() else _fixed_width(out)


def timestamps(ms: Ints) -> Column:
    """Epoch milliseconds as ``timestamp[us]``; negative gives null."""
    ms = np.asarray(ms, dtype=np.int64)
    mask = ms < 0
    return pa.array((ms * 1000).astype("datetime64[us]"), type=pa.timestamp("us"), mask=mask if mask.any() else None)


def choose(rng: np.random.Generator, weights: npt.ArrayLike, rows: int) -> Ints:
    """``rows`` positions drawn by weight."""
    cumulative = np.cumsum(np.asarray(weights, dtype=float))
    return np.searchsorted(cumulative / cumulative[-1], rng.random(rows), side="right").astype(np.int64)


def choose_by(rng: np.random.Generator, weights: npt.NDArray[np.float64], profile: Ints) -> Ints:
    """One position a row, drawn by the weights of the row's profile (``weights`` is profiles x positions)."""
    out = np.zeros(len(profile), dtype=np.int64)
    for kind in range(len(weights)):
        rows = np.flatnonzero(profile == kind)
        if len(rows):
            out[rows] = choose(rng, weights[kind], len(rows))
    return out


def matches(column: Column, value: str) -> Column:
    """Where a column holds a value, as a filter for pyarrow."""
    return pc.equal(column, pa.scalar(value))


def truths(condition: Any) -> Bools:
    """A pyarrow condition as numpy booleans; null is false."""
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)


def counters(counts: Ints) -> Ints:
    """0..n-1 within each group, for groups of the given sizes laid end to end."""
    total = int(counts.sum())
    starts = np.cumsum(counts) - counts
    return np.arange(total, dtype=np.int64) - np.repeat(starts, counts)


def running(values: Ints, counts: Ints) -> Ints:
    """Cumulative sums that start again with each group (inclusive)."""
    if len(values) == 0:
        return values
    total = np.cumsum(values)
    starts = np.cumsum(counts) - counts
    before = np.where(starts > 0, total[np.maximum(starts - 1, 0)], 0)
    return np.asarray(total - np.repeat(before, counts), dtype=np.int64)


def ascii_slug(array: Column) -> Column:
    """Lower case without accents, spaces or punctuation, for e-mail local parts."""
    return pc.replace_substring_regex(_bare(pc.utf8_lower(array), _ACCENTED, _BARE), "[^a-z0-9]", "")


def without_accents(array: Column) -> Column:
    """The same letters without accents (those of the world's names)."""
    return _bare(array, _ACCENTED + _ACCENTED.upper(), _BARE + _BARE.upper())


def _bare(array: Column, accented: str, bare: str) -> Column:
    for old, new in zip(accented, bare, strict=True):
        array = pc.replace_substring(array, old, new)
    return array
