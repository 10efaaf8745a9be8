"""Events of the inbox (what the collector took in), loaded into ``raw_events.events`` as if they had come in files.

The inbox is reached through SQLAlchemy; nothing of ``instant`` is imported: tables with the columns named here are all
that is asked of it. Each event is converted by the function that read it when it was taken in, so that the batch holds
what the instant path saw.

Lineage: ``_source_file`` is ``inbox-<id of the inbox>:<source>``, ``_source_row`` the event's sequence in it. Loads go
by sequence, kept as dlt state beside the rows: late, duplicated and out-of-order events are nothing special, and
whatever an unfinished load left is removed before its events are loaded again. Events that were refused when they came,
and any that the conversion has come to refuse since, go to the quarantine. Notices of HubSpot are no events of people:
the HubSpot source reads the records they name.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pyarrow as pa
import sqlalchemy as sa

from ingestion.errors import IngestionError, RecordRefused
from ingestion.events.messages import TRACKERS, row_of
from ingestion.events.rows import TABLE, reject_of, to_table
from ingestion.loading import Into, Loader, State
from ingestion.quarantine import TABLE as QUARANTINE
from ingestion.quarantine import QuarantineWriter, Reject
from ingestion.results import LoadResult, NoProgress, Progress
from ingestion.schemas import RAW_TABLES
from ingestion.tables import ensure_raw_tables
from ingestion.values import optional_moment
from ingestion.warehouse import insert_rows, opened, record_loads, utc_now

SOURCE = "inbox"
STATE_TABLE = RAW_TABLES["raw_events.inbox_state"]
BATCH_ROWS = 20_000
#: Events and their refusals are one source to the quarantine, wherever they came in.
_QUARANTINE_SOURCE = "events"

_events = sa.table(
    "inbox_events",
    *(sa.column(name) for name in ("sequence", "source", "tracker", "event")),
    sa.column("received_at", sa.DateTime),
)
_refused = sa.table(
    "inbox_refused",
    *(sa.column(name) for name in ("sequence", "source", "record_id", "field", "reason_code", "reason", "record")),
)
_about = sa.table("inbox_about", sa.column("name"), sa.column("value"))


@dataclass(frozen=True)
class Waiting:
    """What an inbox holds that no load has taken yet. ``oldest_received_at`` is UTC, None if nothing waits."""

    events: int
    oldest_received_at: datetime | None


@dataclass
class _Reading:
    """One load: how far earlier ones came, how far this one goes, and what it met."""

    inbox_id: str
    events_after: int = 0
    events_until: int = 0
    refused_after: int = 0
    refused_until: int = 0
    loaded: int = 0
    refused: int = 0


def load_inbox(
    warehouse_path: str | Path, inbox_url: str, *, pipelines_dir: str | Path, progress: Progress | None = None
) -> list[LoadResult]:
    """Loads the events that came since the last load, and says in ``raw_events.inbox_state`` what there is.

    Args:
        warehouse_path: the DuckDB file.
        inbox_url: SQLAlchemy URL of the inbox; one that does not exist yet is empty.
        pipelines_dir: folder for dlt's working files.
        progress: told about rows as they are read.

    Raises:
        IngestionError: the inbox cannot be read, or the load failed as a whole.
    """
    watch = progress or NoProgress()
    started_at, clock = utc_now(), time.monotonic()
    watch.start(TABLE.qualified, None)
    with opened(warehouse_path) as warehouse:
        ensure_raw_tables(warehouse)
    with _connected(inbox_url) as connection:
        reading = _Reading(_id_of(connection)) if connection is not None else None
        erased = 0
        notes: tuple[str, ...] = ()
        if connection is not None and reading is not None:
            loader = Loader(warehouse_path, TABLE.dataset, pipelines_dir)
            _plan(connection, reading, loader.state(SOURCE))
            if reading.events_until > reading.events_after or reading.refused_until > reading.refused_after:
                _load(loader, connection, reading, watch)
                erased = loader.turned_away.lost(TABLE.qualified)
            notes = tuple(loader.notes)
    watch.finish(TABLE.qualified)
    loaded, refused = (reading.loaded, reading.refused) if reading else (0, 0)
    if reading is not None:
        _note_state(warehouse_path, reading)
    seconds = round(time.monotonic() - clock, 3)

    def result(entity: str, read: int, good: int, notes: tuple[str, ...] = ()) -> LoadResult:
        return LoadResult(
            source=SOURCE, entity=entity, rows_read=read, rows_loaded=good, rows_quarantined=read - good, requests=0,
            seconds=seconds, load_id=load_id, started_at=started_at, finished_at=utc_now(), notes=notes,
        )  # fmt: skip

    load_id, known = uuid4().hex, int(reading is not None)
    results = [
        result(TABLE.qualified, loaded + refused, loaded - erased, notes),
        result(STATE_TABLE.qualified, known, known),
    ]
    record_loads(warehouse_path, results)
    return results


def waiting_events(warehouse_path: str | Path, inbox_url: str) -> Waiting:
    """How far the warehouse is behind the inbox.

    Raises:
        IngestionError: one of the two cannot be read.
    """
    with _connected(inbox_url) as connection:
        if connection is None:
            return Waiting(0, None)
        inbox_id = _id_of(connection)
        with opened(warehouse_path) as warehouse:
            ensure_raw_tables(warehouse)
            row: Any = warehouse.execute(
                f"select max(read_until) from {STATE_TABLE.qualified} where inbox_id = ?", [inbox_id]
            ).fetchone()
        after = int(row[0]) if row and row[0] is not None else 0
        query = sa.select(sa.func.count(), sa.func.min(_events.c.received_at)).select_from(_events)
        query = query.where(_events.c.sequence > after, _events.c.tracker.in_(TRACKERS))
        found: Any = connection.execute(query).one()
        count, oldest = found
        return Waiting(int(count), optional_moment(oldest))


@contextmanager
def _connected(inbox_url: str) -> Iterator[sa.Connection | None]:
    """The inbox, None if there is none yet."""
    try:
        url = sa.make_url(inbox_url)
    except sa.exc.ArgumentError as error:
        raise IngestionError(
            "the inbox's URL is not one SQLAlchemy understands, such as sqlite:///data/inbox.db"
        ) from error
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        yield None
        return
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection if sa.inspect(connection).has_table(_about.name) else None
    except sa.exc.SQLAlchemyError as error:
        safe = url.render_as_string(hide_password=True)
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise IngestionError(f"the inbox {safe} cannot be read: {reason}") from error
    finally:
        engine.dispose()


def _id_of(connection: sa.Connection) -> str:
    """An inbox made anew counts from one again: its id tells it from the one before."""
    return str(connection.execute(sa.select(_about.c.value).where(_about.c.name == "inbox_id")).scalar_one())


def _plan(connection: sa.Connection, reading: _Reading, state: State) -> None:
    known = state.get(reading.inbox_id, {})
    reading.events_after, reading.refused_after = known.get("events", 0), known.get("refused", 0)
    reading.events_until = connection.execute(sa.select(sa.func.max(_events.c.sequence))).scalar() or 0
    reading.refused_until = connection.execute(sa.select(sa.func.max(_refused.c.sequence))).scalar() or 0


def _load(loader: Loader, connection: sa.Connection, reading: _Reading, watch: Progress) -> None:
    loaded_at = utc_now()
    quarantine = QuarantineWriter(loader.warehouse_path, _QUARANTINE_SOURCE, TABLE.qualified, loaded_at)

    def tables(state: State) -> Iterator[tuple[Into, pa.Table]]:
        _set_refused_apart(connection, reading, quarantine)
        for table in _rows(connection, reading, quarantine, loaded_at):
            reading.loaded += len(table)
            watch.advance(TABLE.qualified, len(table))
            yield Into(TABLE), table
        quarantine.flush()
        state[reading.inbox_id] = {"events": reading.events_until, "refused": reading.refused_until}

    try:
        loader.run(SOURCE, tables, lambda: _make_room(loader.warehouse_path, reading, loaded_at))
    except IngestionError:
        quarantine.discard()
        raise


def _make_room(warehouse_path: Path, reading: _Reading, loaded_at: datetime) -> None:
    """Removes what a load that did not end left of the same events."""
    files = f"inbox-{reading.inbox_id}:%"
    with opened(warehouse_path) as connection:
        connection.execute("begin")
        connection.execute(
            f"delete from {TABLE.qualified} where _source_file like ? and _source_row > ?",
            [files, reading.events_after],
        )
        after: int
        for condition, after in (("not like", reading.events_after), ("like", reading.refused_after)):
            connection.execute(
                f"delete from {QUARANTINE} where source = ? and file like ? and file {condition} '%:refused' "
                "and row_number > ? and _loaded_at < ?",
                [_QUARANTINE_SOURCE, files, after, loaded_at],
            )
        connection.execute("commit")


def _set_refused_apart(connection: sa.Connection, reading: _Reading, quarantine: QuarantineWriter) -> None:
    for row in _between(connection, _refused, reading.refused_after, reading.refused_until):
        reject = Reject(row.field, row.reason_code, row.reason, row.record, row.sequence, row.record_id)
        quarantine.add(f"inbox-{reading.inbox_id}:{row.source}:refused", reject)
        reading.refused += 1


def _rows(
    connection: sa.Connection, reading: _Reading, quarantine: QuarantineWriter, loaded_at: datetime
) -> Iterator[pa.Table]:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    files: list[str] = []
    for one in _between(connection, _events, reading.events_after, reading.events_until):
        if one.tracker not in TRACKERS:
            continue
        file, event = f"inbox-{reading.inbox_id}:{one.source}", orjson.loads(one.event)
        try:
            rows.append(row_of(one.tracker, event, optional_moment(one.received_at)))
        except RecordRefused as refused:
            quarantine.add(file, reject_of(refused, event, one.sequence))
            reading.refused += 1
            continue
        numbers.append(one.sequence)
        files.append(file)
        if len(rows) >= BATCH_ROWS:
            yield _with_lineage(to_table(rows, numbers), files, loaded_at)
            rows, numbers, files = [], [], []
    if rows:
        yield _with_lineage(to_table(rows, numbers), files, loaded_at)


def _between(connection: sa.Connection, table: sa.TableClause, after: int, until: int) -> Iterator[Any]:
    """Rows of a table of the inbox by sequence, in short reads: who appends must not wait for us."""
    while after < until:
        query = sa.select(table).where(table.c.sequence > after, table.c.sequence <= until)
        rows = connection.execute(query.order_by(table.c.sequence).limit(BATCH_ROWS)).fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1].sequence


def _with_lineage(rows: pa.Table, files: list[str], loaded_at: datetime) -> pa.Table:
    lineage: dict[str, Any] = {
        "_source_file": pa.array(files, pa.string()),
        "_loaded_at": pa.repeat(pa.scalar(loaded_at, pa.timestamp("us")), len(rows)),
    }
    columns = [
        lineage[column.name] if column.name in lineage else rows.column(column.name).cast(column.type)
        for column in TABLE.columns
    ]
    return pa.Table.from_arrays(columns, schema=TABLE.columns)


def _note_state(warehouse_path: str | Path, reading: _Reading) -> int:
    """Writes the inbox's row of ``raw_events.inbox_state``; returns the events of it that are loaded."""
    with opened(warehouse_path) as connection:
        row = connection.execute(
            f"select count(*), max(received_at) from {TABLE.qualified} where _source_file like ?",
            [f"inbox-{reading.inbox_id}:%"],
        ).fetchone()
        events, newest = row if row is not None else (0, None)
        state = {
            "inbox_id": reading.inbox_id, "read_until": reading.events_until, "events": events,
            "newest_received_at": newest, "_loaded_at": utc_now(),
        }  # fmt: skip
        insert_rows(connection, STATE_TABLE.qualified, [state], replacing="inbox_id")
    return int(events)
