"""Opening the warehouse for as short as possible, and the two tables every loader writes beside its data."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.errors import IngestionError
from ingestion.results import LoadResult
from ingestion.schemas import RAW_TABLES

#: Seconds to wait for another process that holds the warehouse (a build, a BI tool) before giving up.
LOCK_PATIENCE_SECONDS = 10.0


def utc_now() -> datetime:
    """The present moment in UTC, without a zone, as raw tables store it."""
    return datetime.now(UTC).replace(tzinfo=None)


#: One connection of ours at a time: two threads that open the same file at once can trip over each other.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def opened(warehouse_path: str | Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens the warehouse for writing and closes it again; other threads wait, another process is waited for a little.

    Raises:
        IngestionError: the file is held by another process, or is not a DuckDB file that this version can open.
    """
    path = Path(warehouse_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _ONE_AT_A_TIME:
        connection = _connect(path)
        try:
            connection.execute("set timezone = 'UTC'")
            yield connection
        finally:
            connection.close()


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.Error as error:
            words = str(error).splitlines()[0]
            if not any(sign in words.lower() for sign in ("lock", "unique file handle conflict")):
                raise IngestionError(f"{path} cannot be opened as a DuckDB file: {words}") from error
            if time.monotonic() > deadline:
                raise IngestionError(
                    f"{path} is in use by another process (a warehouse has one writer at a time). "
                    f"Close it and run again. {words}"
                ) from error
            time.sleep(0.2)


def insert_rows(
    connection: duckdb.DuckDBPyConnection,
    table_name: str,
    rows: Sequence[dict[str, object]],
    *,
    replacing: str | None = None,
) -> None:
    """Appends rows to a raw table (qualified name), typed by its schema in ``ingestion/schemas.py``.

    With ``replacing``, rows that have the same value in that column go first.
    """
    if not rows:
        return
    schema = RAW_TABLES[table_name].columns
    batch = pa.Table.from_pylist(list(rows), schema=schema)
    connection.register("_incoming", batch)
    if replacing is not None:
        connection.execute(f"delete from {table_name} where {replacing} in (select {replacing} from _incoming)")
    connection.execute(f"insert into {table_name} by name select * from _incoming")
    connection.unregister("_incoming")


def record_loads(warehouse_path: str | Path, results: Sequence[LoadResult]) -> None:
    """Appends finished loads to ``raw_ops.ingest_loads`` (once per load id and entity)."""
    if not results:
        return
    columns = RAW_TABLES["raw_ops.ingest_loads"].columns.names
    with opened(warehouse_path) as connection:
        insert_rows(
            connection,
            "raw_ops.ingest_loads",
            [{column: getattr(result, column) for column in columns} for result in results],
        )
