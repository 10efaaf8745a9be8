"""The run clock: the one row that says for which moment the models are computed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ingestion.tables import RUN_CLOCK, ensure_raw_tables
from ingestion.warehouse import opened


def set_clock(warehouse_path: str | Path, as_of: datetime | None) -> datetime:
    """Pins the clock to ``as_of`` (UTC; a time without a zone is taken as UTC), or unpins it when ``as_of`` is None.

    An unpinned clock is set to the present moment at the start of every build. Returns the moment now in the row
    (UTC, without a zone).
    """
    pinned = as_of is not None
    moment = as_of or datetime.now(UTC)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    with opened(warehouse_path) as connection:
        ensure_raw_tables(connection)
        connection.execute("begin")
        connection.execute(f"delete from {RUN_CLOCK}")
        connection.execute(f"insert into {RUN_CLOCK} values (?, ?)", [moment, pinned])
        connection.execute("commit")
    return moment


def read_clock(warehouse_path: str | Path) -> tuple[datetime, bool]:
    """The clock's moment (UTC, without a zone) and whether it is pinned."""
    with opened(warehouse_path) as connection:
        ensure_raw_tables(connection)
        row = connection.execute(f"select as_of_at, pinned from {RUN_CLOCK}").fetchone()
    assert row is not None, "ensure_raw_tables leaves one row"
    return row[0], bool(row[1])
