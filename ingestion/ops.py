"""The write-back's own records, copied from its operational store into ``raw_ops``.

The store is reached through SQLAlchemy (SQLite or PostgreSQL); nothing of ``reverse_etl`` is imported: a table with the
columns of the raw table is all that is asked of it. What changes after it was written (a plan's status, a run's end, a
dead letter's state) is copied again as long as it may still change.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from ingestion.errors import IngestionError
from ingestion.results import LoadResult, NoProgress, Progress
from ingestion.schemas import RAW_TABLES, RawTable
from ingestion.tables import ensure_raw_tables
from ingestion.values import optional_moment
from ingestion.warehouse import insert_rows, opened, record_loads, utc_now

__all__ = ["load_ops"]

SOURCE = "ops"
BATCH_ROWS = 20_000


@dataclass(frozen=True)
class _Copy:
    """One table of the store. Rows whose ``moments`` lie after what is known, less ``overlap``, are read again."""

    store_table: str
    raw_table: RawTable
    #: Columns that say when a row was written or last changed.
    moments: tuple[str, ...]
    overlap: timedelta


#: Writes are acknowledged by several threads: one may be committed a little after a later one. A plan changes its
#: status until it expires, a run until it ends; both may be left to somebody who approves days later.
_COPIES = (
    _Copy("writes", RAW_TABLES["raw_ops.sync_writes"], ("acknowledged_at",), timedelta(minutes=5)),
    _Copy("plans", RAW_TABLES["raw_ops.sync_plans"], ("created_at",), timedelta(days=14)),
    _Copy("sync_runs", RAW_TABLES["raw_ops.sync_runs"], ("started_at", "finished_at"), timedelta(days=14)),
    _Copy(
        "dead_letters",
        RAW_TABLES["raw_ops.sync_dead_letters"],
        ("first_refused_at", "resolved_at"),
        timedelta(minutes=5),
    ),
    _Copy("erasures", RAW_TABLES["raw_ops.erasures"], ("requested_at", "finished_at"), timedelta(days=14)),
)


def load_ops(warehouse_path: str | Path, ops_url: str, *, progress: Progress | None = None) -> list[LoadResult]:
    """Copies what is new in the operational store; a store that does not exist yet is an empty one.

    Args:
        warehouse_path: the DuckDB file.
        ops_url: SQLAlchemy URL of the operational store.
        progress: told about rows as they are copied.

    Raises:
        IngestionError: the URL is wrong, the store cannot be reached, or a table of it lacks a column.
    """
    watch = progress or NoProgress()
    results = []
    with opened(warehouse_path) as connection:
        ensure_raw_tables(connection)
        for copy in _COPIES:
            results.append(_copy(connection, ops_url, copy, watch))
    record_loads(warehouse_path, results)
    return results


def _copy(connection: duckdb.DuckDBPyConnection, ops_url: str, copy: _Copy, watch: Progress) -> LoadResult:
    table = copy.raw_table
    (key,) = table.key
    started_at, clock = utc_now(), time.monotonic()
    watch.start(table.qualified, None)
    newest = ", ".join(f"max({moment})" for moment in copy.moments)
    row = connection.execute(f"select {newest} from {table.qualified}").fetchone()
    latest: datetime | None = max((moment for moment in row or () if moment is not None), default=None)
    since = None if latest is None else latest - copy.overlap
    copied = 0
    for batch in _batches(ops_url, copy, since):
        rows = _changed(connection, table, batch) if since is not None else batch
        insert_rows(connection, table.qualified, rows, replacing=key)
        copied += len(rows)
        watch.advance(table.qualified, len(rows))
    watch.finish(table.qualified)
    return LoadResult(
        source=SOURCE,
        entity=table.qualified,
        rows_read=copied,
        rows_loaded=copied,
        rows_quarantined=0,
        requests=0,
        seconds=round(time.monotonic() - clock, 3),
        load_id=uuid4().hex,
        started_at=started_at,
        finished_at=utc_now(),
    )


def _changed(
    connection: duckdb.DuckDBPyConnection, table: RawTable, batch: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of a batch that the raw table does not hold as they are."""
    names = ", ".join(table.columns.names)
    connection.register("ops_batch", pa.Table.from_pylist(batch, schema=table.columns))
    try:
        found = connection.execute(
            f"select {names} from ops_batch except select {names} from {table.qualified}"
        ).to_arrow_table()
    finally:
        connection.unregister("ops_batch")
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _batches(ops_url: str, copy: _Copy, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
    """The store's rows since a moment, a batch at a time; none if there is no store."""
    try:
        url = sa.make_url(ops_url)
    except sa.exc.ArgumentError as error:
        raise IngestionError(
            "the operational store's URL is not one SQLAlchemy understands, such as sqlite:///data/ops.db"
        ) from error
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        return
    names = copy.raw_table.columns.names
    moments = {field.name for field in copy.raw_table.columns if pa.types.is_timestamp(field.type)}
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            inspector = sa.inspect(connection)
            if not inspector.has_table(copy.store_table):
                return
            present = {column["name"] for column in inspector.get_columns(copy.store_table)}
            missing = [name for name in (*copy.raw_table.key, *copy.moments) if name not in present]
            if missing:
                raise IngestionError(
                    f"the table {copy.store_table} of the operational store lacks the columns {', '.join(missing)}; "
                    "is the URL that of another program's database?"
                )
            # An older store lacks what its tables have gained since; nothing was recorded there.
            columns: list[sa.ColumnElement[Any]] = [
                sa.column(name) if name in present else sa.null().label(name) for name in names
            ]
            query = sa.select(*columns).select_from(sa.table(copy.store_table))
            if since is not None:
                query = query.where(sa.or_(*(sa.column(moment, sa.DateTime) >= since for moment in copy.moments)))
            result = connection.execution_options(stream_results=True).execute(query)
            for part in result.mappings().partitions(BATCH_ROWS):
                yield [
                    {name: optional_moment(value) if name in moments else value for name, value in one.items()}
                    for one in part
                ]
    except sa.exc.SQLAlchemyError as error:
        safe = url.render_as_string(hide_password=True)
        raise IngestionError(f"the operational store {safe} cannot be read: {type(error).__name__}") from error
    finally:
        engine.dispose()
