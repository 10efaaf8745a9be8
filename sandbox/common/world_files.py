"""A generated sample world on disk: its facts, and its Parquet files as Python values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.server.clock import parse_ms
from sandbox.server.errors import SandboxError

DAY_MS = 86_400_000
BATCH = 20_000


@dataclass(frozen=True)
class World:
    """A generated world on disk; ``as_of_ms`` is its "now"."""

    root: Path
    as_of_ms: int
    token: str | None
    fingerprint: str

    @classmethod
    def read(cls, root: Path) -> World:
        """Read ``world.json``.

        Raises:
            SandboxError: the folder holds no world, or ``world.json`` lacks a usable ``as_of``.
        """
        path = root / "world.json"
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise SandboxError(
                f"{path}: cannot be read ({error.strerror}); make a world with "
                f"`python -m sandbox.world --size small --out {root}`"
            ) from error
        try:
            facts = orjson.loads(raw)
            as_of_ms = parse_ms(str(facts["as_of"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise SandboxError(f"{path}: as_of must be a UTC moment in a JSON object ({error!r})") from error
        token = facts.get("token")
        return cls(root, as_of_ms, str(token) if token else None, hashlib.sha256(raw).hexdigest())

    @property
    def created_ms(self) -> int:
        """When the portal was set up: two years before its present."""
        return self.as_of_ms - 730 * DAY_MS


def schema(path: Path) -> pa.Schema:
    """The columns of a file.

    Raises:
        SandboxError: it is no readable Parquet file.
    """
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise SandboxError(f"{path}: is not a readable Parquet file ({error}); make the world again") from error


def batches(path: Path, names: Sequence[str]) -> Iterator[list[list[Any]]]:
    """The named columns, batch by batch, as Python values; timestamps in ms since 1970. A missing file is empty."""
    if not path.exists():
        return
    known = schema(path).names
    missing = [name for name in names if name not in known]
    if missing:
        raise SandboxError(f"{path}: has no column {', '.join(missing)}; make the world again")
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=list(dict.fromkeys(names))):
            yield [_values(batch.column(name)) for name in names]


def _values(column: Any) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
    elif pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values: list[Any] = column.to_pylist()
    return values
