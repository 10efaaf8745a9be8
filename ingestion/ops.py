"""The write-back's own record, copied from its operational store into ``raw_ops.sync_writes``.

The store is reached through SQLAlchemy (SQLite or PostgreSQL); nothing of ``reverse_etl`` is imported: a table called
``writes`` with the columns of ``raw_ops.sync_writes`` is all that is asked of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from ingestion.errors import IngestionError
from ingestion.results import LoadResult, NoProgress, Progress
from ingestion.schemas import RAW_TABLES
from ingestion.tables import ensure_raw_tables
from ingestion.values import optional_moment
from ingestion.warehouse import insert_rows, opened, record_loads, utc_now

__all__ = ["load_ops"]

SOURCE = "ops"
TABLE = RAW_TABLES["raw_ops.sync_writes"]
STORE_TABLE = "writes"
BATCH_ROWS = 20_000
#: Writes are acknowledged by several threads: one may be committed a little after a later one.
OVERLAP = timedelta(minutes=5)


def load_ops(warehouse_path: str | Path, ops_url: str, *, progress: Progress | None = None) -> list[LoadResult]:
    """Copies the writes acknowledged since the last copy; a store that does not exist yet is an empty one.

    Args:
        warehouse_path: the DuckDB file.
        ops_url: SQLAlchemy URL of the operational store.
        progress: told about rows as they are copied.

    Raises:
        IngestionError: the URL is wrong, the store cannot be reached, or its table lacks a column.
    """
    watch = progress or NoProgress()
    started_at, clock = utc_now(), time.monotonic()
    watch.start(TABLE.qualified, None)
    copied = 0
    with opened(warehouse_path) as connection:
        ensure_raw_tables(connection)
        row = connection.execute(f"select max(acknowledged_at) from {TABLE.qualified}").fetchone()
        latest: datetime | None = row[0] if row else None
        known: set[str] = set()
        if latest is not None:
            since = latest - OVERLAP
            found = connection.execute(
                f"select write_id from {TABLE.qualified} where acknowledged_at >= ?", [since]
            ).fetchall()
            known = {str(write_id) for (write_id,) in found}
        for batch in _batches(ops_url, None if latest is None else latest - OVERLAP):
            rows = [one for one in batch if one["write_id"] not in known]
            insert_rows(connection, TABLE.qualified, rows, replacing="write_id")
            copied += len(rows)
            watch.advance(TABLE.qualified, len(rows))
    watch.finish(TABLE.qualified)
    result = LoadResult(
        source=SOURCE,
        entity=TABLE.qualified,
        rows_read=copied,
        rows_loaded=copied,
        rows_quarantined=0,
        requests=0,
        seconds=round(time.monotonic() - clock, 3),
        load_id=uuid4().hex,
        started_at=started_at,
        finished_at=utc_now(),
    )
    record_loads(warehouse_path, [result])
    return [result]


def _batches(ops_url: str, since: datetime | None) -> Iterator[list[dict[str, Any]]]:
    """The store's writes since a moment, oldest first, a batch at a time; none if there is no store."""
    try:
        url = sa.make_url(ops_url)
    except sa.exc.ArgumentError as error:
        raise IngestionError(
            "the operational store's URL is not one SQLAlchemy understands, such as sqlite:///data/ops.db"
        ) from error
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        return
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            inspector = sa.inspect(connection)
            if not inspector.has_table(STORE_TABLE):
                return
            present = {column["name"] for column in inspector.get_columns(STORE_TABLE)}
            missing = [name for name in TABLE.columns.names if name not in present]
            if missing:
                raise IngestionError(
                    f"the table {STORE_TABLE} of the operational store lacks the columns {', '.join(missing)}; "
                    "is it an older version's? Run the write-back once to bring it up to date"
                )
            columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in TABLE.columns.names]
            acknowledged_at: sa.ColumnClause[datetime] = sa.column("acknowledged_at", sa.DateTime)
            query = sa.select(*columns).select_from(sa.table(STORE_TABLE))
            if since is not None:
                query = query.where(acknowledged_at >= since)
            result = connection.execution_options(stream_results=True).execute(query)
            for part in result.mappings().partitions(BATCH_ROWS):
                yield [{**one, "acknowledged_at": optional_moment(one["acknowledged_at"])} for one in part]
    except sa.exc.SQLAlchemyError as error:
        safe = url.render_as_string(hide_password=True)
        raise IngestionError(f"the operational store {safe} cannot be read: {type(error).__name__}") from error
    finally:
        engine.dispose()
