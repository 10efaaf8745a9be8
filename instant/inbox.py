"""The inbox: every event that was answered with success is here, once, in the order of its arrival.

Tables (SQLite by default, PostgreSQL by URL):

* ``inbox_events``: one accepted event. Key ``sequence`` (order of commit); unique ``event_key``, a hash of source and
  message id.
* ``inbox_refused``: one event that was refused, with the reason, until ingestion has set it apart in the quarantine.
  Key ``sequence``; unique ``refused_key``, a hash of the source and the event, so that a client that repeats itself
  does not repeat the line.

One thread writes. It takes everything that waits, commits it at once and then answers all of it (group commit): a disk
that syncs two hundred times a second carries thousands of events. SQLite runs in WAL mode with ``synchronous = FULL``:
what is answered survives a power cut. On PostgreSQL several processes may write; a lock held to the end of each commit
makes the order of ``sequence`` the order in which events become visible, so that a reader that follows it misses none.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ingestion.events.messages import message_id_of, row_of
from ingestion.events.rows import Row
from instant.errors import InboxError, InboxUnavailable

#: What HubSpot tells of a record that changed: no event of a person, so it has no row in ``raw_events.events``.
HUBSPOT = "hubspot"
#: What an event of somebody erased is marked with; nobody is given it.
ERASED = "erased"
#: Events that one commit takes at most, and events that may wait for theirs before new ones are turned away.
GROUP_EVENTS, MOST_WAITING = 5_000, 50_000
#: Any number, the same in every process: who holds this lock on PostgreSQL may append.
_APPEND_LOCK = 7_071_700

_metadata = sa.MetaData()
_Sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

events_table = sa.Table(
    "inbox_events", _metadata,
    sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("event_key", sa.String(32), nullable=False, unique=True),
    #: The name of the write key it came with.
    sa.Column("source", sa.String, nullable=False),
    #: The spec it is written in: ``segment``, ``snowplow``, ``posthog``, ``hubspot`` (a notice), or ``erased``.
    sa.Column("tracker", sa.String, nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
    #: The event as JSON, complete in itself (``ingestion/events/messages.py``).
    sa.Column("event", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

refused_table = sa.Table(
    "inbox_refused", _metadata,
    sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("refused_key", sa.String(32), nullable=False, unique=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
    sa.Column("record_id", sa.Text),
    sa.Column("field", sa.String, nullable=False),
    sa.Column("reason_code", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

#: What this inbox is: ``inbox_id``, by which a reader tells it from one that was here before.
_about = sa.Table(
    "inbox_about", _metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)  # fmt: skip

_probe = sa.Table(
    "inbox_probe", _metadata,
    sa.Column("probe_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("probed_at", sa.DateTime, nullable=False),
)  # fmt: skip


def utc_now() -> datetime:
    """Now, UTC, without a zone: how the stores and the raw tables keep time."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class NewEvent:
    """An event to be kept. ``event_id`` tells it from others of its source; ``event`` is its JSON."""

    source: str
    tracker: str
    event_id: str
    received_at: datetime
    event: bytes

    @property
    def key(self) -> str:
        """The same for the same source and id."""
        return _digest(self.source, self.event_id)


@dataclass(frozen=True)
class RefusedEvent:
    """An event that was refused: see ``ingestion.quarantine.Reject``."""

    source: str
    received_at: datetime
    field: str
    reason_code: str
    reason: str
    record: str
    record_id: str | None = None

    @property
    def key(self) -> str:
        """The same for the same content of the same source."""
        return _digest(self.source, self.record)


@dataclass(frozen=True)
class InboxEvent:
    """One accepted event. ``received_at`` is UTC without a zone; ``sequence`` grows with the order of commits.

    ``event`` is the message in its tracker's own spec (Segment's for most), complete in itself: what a line of an event
    file holds. ``message_id`` is the event's identity, the same that ``raw_events.events`` has.
    """

    sequence: int
    message_id: str
    source: str
    received_at: datetime
    event: dict[str, Any]
    tracker: str = "segment"
    #: What ``raw_events.events`` will name as the event's file; its row there is the sequence.
    file: str = "inbox"

    @property
    def is_notice(self) -> bool:
        """A notice of a CRM that a record changed; it has no :meth:`row`."""
        return self.tracker == HUBSPOT

    def row(self) -> Row:
        """The event as the row of ``raw_events.events`` that ingestion will make of it (without lineage)."""
        return row_of(self.tracker, self.event, self.received_at)


@dataclass(frozen=True)
class Appended:
    """What became of an append: events kept, and events that were there before (or twice in the call)."""

    accepted: int
    duplicates: int


@dataclass(frozen=True)
class Standing:
    """What the inbox holds: the last sequence, rows, and when the last event came."""

    newest_sequence: int
    events: int
    newest_received_at: datetime | None


@dataclass
class _Work:
    """What one caller waits for. ``sequence`` order within it is the order of its events."""

    events: Sequence[NewEvent]
    refused: Sequence[RefusedEvent]
    is_probe: bool = False
    done: Future[Appended] = field(default_factory=Future)


class Inbox:
    """One inbox, used by any number of threads. :meth:`close` it, or use it as a context manager.

    Args:
        url: SQLAlchemy URL: ``sqlite:///path/to/inbox.db`` or ``postgresql://...``.
        on_commit: told seconds and events of each commit.

    Raises:
        InboxError: the URL is wrong or the database cannot be opened.
    """

    def __init__(self, url: str, *, on_commit: Callable[[float, int], None] | None = None) -> None:
        try:
            self._url = sa.make_url(url)
        except sa.exc.ArgumentError as error:
            raise InboxError(
                "inbox_url is not a database URL: use sqlite:///path/to/inbox.db or postgresql://..."
            ) from error
        self.dialect = self._url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise InboxError(f"inbox_url: {self.dialect} is not supported: use sqlite:///... or postgresql://...")
        if self.dialect == "sqlite" and self._url.database in (None, "", ":memory:"):
            raise InboxError("inbox_url: an inbox in memory would forget what it answered for; name a file")
        if self._url.drivername == "postgresql":
            self._url = self._url.set(drivername="postgresql+psycopg")
        try:
            if self.dialect == "sqlite":
                Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(self._url, pool_pre_ping=self.dialect == "postgresql")
            if self.dialect == "sqlite":
                sa.event.listen(self._engine, "connect", _set_up_sqlite)
            with self._engine.begin() as connection:
                if self.dialect == "postgresql":
                    # Several workers start at once: the first makes the tables.
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPEND_LOCK)))
                _metadata.create_all(connection)
                insert = postgresql.insert if self.dialect == "postgresql" else sqlite.insert
                named = insert(_about).values(name="inbox_id", value=secrets.token_hex(4))
                connection.execute(named.on_conflict_do_nothing(index_elements=["name"]))
                known = sa.select(_about.c.value).where(_about.c.name == "inbox_id")
                #: Tells this inbox from one that was at its address before.
                self.inbox_id = str(connection.execute(known).scalar_one())
        except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
            raise InboxError(f"cannot open the inbox {self.shown_url}: {_reason(error)}") from error
        self._on_commit = on_commit
        self._insert = insert
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._waiting = 0
        self._failure: tuple[float, str] | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._ended = False
        self._writer = threading.Thread(target=self._write_all, name="inbox-writer", daemon=True)
        self._writer.start()

    def __repr__(self) -> str:
        return f"Inbox({self.shown_url!r})"

    def __enter__(self) -> Inbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def engine(self) -> sa.Engine:
        """For the modules that keep tables of their own here (``instant/keys.py``)."""
        return self._engine

    @property
    def waiting(self) -> int:
        """Events that wait for their commit."""
        return self._waiting

    def recent_failure(self, seconds: float) -> str | None:
        """Why the last append failed, if it did within so many seconds; a later one that went well makes it history.

        A disk that is nearly full has room for a probe and none for events.
        """
        failure = self._failure
        return failure[1] if failure is not None and time.monotonic() - failure[0] < seconds else None

    def close(self) -> None:
        """Commits what waits and gives the connections back."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        self._writer.join()
        self._engine.dispose()

    def append(self, events: Sequence[NewEvent], refused: Sequence[RefusedEvent] = ()) -> Appended:
        """Keeps events and refusals; they are on disk when this returns.

        Raises:
            InboxUnavailable: nothing of it was kept.
        """
        return self.submit(events, refused).result()

    def submit(self, events: Sequence[NewEvent], refused: Sequence[RefusedEvent] = ()) -> Future[Appended]:
        """The same without waiting: the future ends when they are on disk, or with :class:`InboxUnavailable`."""
        return self._put(_Work(events, refused))

    def probe(self) -> Future[Appended]:
        """Whether the inbox takes writes: ends like an append of nothing."""
        return self._put(_Work((), (), is_probe=True))

    def since(self, sequence: int, limit: int = 1_000) -> list[InboxEvent]:
        """The next events after a sequence, in its order.

        Raises:
            InboxUnavailable: the database cannot be read.
        """
        table = events_table.c
        query = sa.select(table.sequence, table.source, table.tracker, table.received_at, table.event)
        query = query.where(table.sequence > sequence, table.tracker != ERASED).order_by(table.sequence).limit(limit)
        return [
            InboxEvent(
                row.sequence,
                _id_of(row.tracker, event),
                row.source,
                row.received_at,
                event,
                row.tracker,
                f"inbox-{self.inbox_id}:{row.source}",
            )
            for row in self._read(query)
            for event in (orjson.loads(row.event),)
        ]

    def standing(self) -> Standing:
        """What is here.

        Raises:
            InboxUnavailable: the database cannot be read.
        """
        table = events_table.c
        query = sa.select(sa.func.max(table.sequence), sa.func.count(), sa.func.max(table.received_at))
        ((newest, count, at),) = self._read(query)
        return Standing(newest or 0, count, at)

    def _read(self, query: sa.Executable) -> Sequence[Any]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).fetchall()
        except sa.exc.SQLAlchemyError as error:
            raise InboxUnavailable(f"the inbox {self.shown_url} cannot be read: {_reason(error)}") from error

    # -- the writer --------------------------------------------------------------------------------------------------

    def _put(self, work: _Work) -> Future[Appended]:
        # Whoever stops waiting cannot take it back: it may be in the middle of its commit.
        work.done.set_running_or_notify_cancel()
        size = len(work.events) + len(work.refused)
        with self._lock:
            if self._closed:
                work.done.set_exception(InboxUnavailable("the inbox is closed"))
            elif self._waiting and self._waiting + size > MOST_WAITING:
                work.done.set_exception(
                    InboxUnavailable(
                        f"{self._waiting} events wait for the inbox {self.shown_url}; more than it commits"
                    )
                )
            else:
                self._waiting += size
                self._queue.put(work)
        return work.done

    def _write_all(self) -> None:
        while True:
            group = self._next_group()
            try:
                if group:
                    self._write_group(group)
            except BaseException as error:
                # A bug of ours: nobody may wait for a thread that is gone, and nothing more is taken in.
                with self._lock:
                    self._closed = True
                self._fail(group, error)
                raise
            if self._ended:
                return

    def _next_group(self) -> list[_Work]:
        """Waits for work, then takes what has come meanwhile."""
        group: list[_Work] = []
        size = 0
        work = self._queue.get()
        while work is not None:
            group.append(work)
            size += len(work.events) + len(work.refused)
            if size >= GROUP_EVENTS:
                return group
            try:
                work = self._queue.get_nowait()
            except queue.Empty:
                return group
        self._ended = True
        return group

    def _write_group(self, group: list[_Work]) -> None:
        started = time.monotonic()
        size = sum(len(work.events) + len(work.refused) for work in group)
        try:
            results = self._commit(group)
        except sa.exc.OperationalError as error:
            self._fail(group, error)
        except sa.exc.SQLAlchemyError as error:
            if len(group) == 1:
                self._fail(group, error)
            else:
                # One caller's rows are at fault: the others must not pay for it.
                for work in group:
                    self._write_group([work])
                return
        else:
            if self._on_commit is not None:
                self._on_commit(time.monotonic() - started, size)
            if size:
                self._failure = None
            for work, result in zip(group, results, strict=True):
                work.done.set_result(result)
        with self._lock:
            self._waiting -= size

    def _fail(self, group: Sequence[_Work], error: BaseException) -> None:
        words = f"the inbox {self.shown_url} refuses: {_reason(error)}"
        self._failure = (time.monotonic(), words)
        for work in (one for one in group if not one.done.done()):
            work.done.set_exception(InboxUnavailable(words))

    def _commit(self, group: Sequence[_Work]) -> list[Appended]:
        rows: dict[str, dict[str, Any]] = {}
        refused: dict[str, dict[str, Any]] = {}
        keys = [[event.key for event in work.events] for work in group]
        for work, own in zip(group, keys, strict=True):
            for event, key in zip(work.events, own, strict=True):
                if key not in rows:
                    rows[key] = {
                        "event_key": key, "source": event.source, "tracker": event.tracker,
                        "received_at": event.received_at, "event": event.event.decode(),
                    }  # fmt: skip
            for one in work.refused:
                refused.setdefault(one.key, _refused_row(one))
        with self._engine.begin() as connection:
            if self.dialect == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPEND_LOCK)))
            new: set[str] = set()
            if rows:
                statement = self._insert(events_table).on_conflict_do_nothing(index_elements=["event_key"])
                kept = statement.returning(events_table.c.event_key)
                new = set(connection.execute(kept, list(rows.values())).scalars())
            if refused:
                statement = self._insert(refused_table).on_conflict_do_nothing(index_elements=["refused_key"])
                connection.execute(statement, list(refused.values()))
            if any(work.is_probe for work in group):
                values = {"probe_id": 1, "probed_at": utc_now()}
                statement = self._insert(_probe).values(values)
                connection.execute(statement.on_conflict_do_update(index_elements=["probe_id"], set_=values))
        results = []
        for own in keys:
            accepted = 0
            for key in own:
                if key in new:
                    # A second one of this group, in the same call or another, is a duplicate.
                    new.discard(key)
                    accepted += 1
            results.append(Appended(accepted, len(own) - accepted))
        return results


def _refused_row(refused: RefusedEvent) -> dict[str, Any]:
    """PostgreSQL's text holds no NUL."""
    words = {name: getattr(refused, name) for name in ("record_id", "field", "reason_code", "reason", "record")}
    kept = {name: value.replace("\x00", "\\u0000") if value else value for name, value in words.items()}
    return {"refused_key": refused.key, "source": refused.source, "received_at": refused.received_at, **kept}


def _id_of(tracker: str, event: dict[str, Any]) -> str:
    return str(event.get("noticeId")) if tracker == HUBSPOT else message_id_of(tracker, event) or ""


def _digest(source: str, content: str) -> str:
    return blake2b(f"{source}\x00{content}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _reason(error: BaseException) -> str:
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0] if lines else type(error).__name__


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # FULL: a commit is on the disk before anybody is told of it. NORMAL would lose the last ones in a power cut.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()
