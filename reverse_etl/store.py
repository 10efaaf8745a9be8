"""The operational store: plans, what they would change, what was sent, and how each record fared.

It is written while a build may be running, so it is not the warehouse: SQLite in WAL mode by default, PostgreSQL by
URL, both through SQLAlchemy. The rules it keeps:

* a batch's **intent** is recorded before it is sent (``batches``), its outcome after;
* every record's outcome is a row of ``writes`` (the ledger) under an id made of plan and change, so recording it twice
  changes nothing, and what a killed apply had finished is known;
* a refused record is also in ``dead_letters`` with the CRM's own message, and stays there until the same record is
  written.

Times are UTC without a zone. Columns of ``writes`` are those of ``raw_ops.sync_writes`` (``ingestion/schemas.py``).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reverse_etl.errors import ApplyBusyError, PlanError, StoreError
from reverse_etl.plan import SENDING as SENDING
from reverse_etl.plan_rows import COLUMNS as PART_COLUMNS
from reverse_etl.plan_rows import PlanPart, rows_of

_metadata = sa.MetaData()

plans = sa.Table(
    "plans", _metadata,
    sa.Column("plan_id", sa.String, primary_key=True),
    sa.Column("created_at", sa.DateTime, nullable=False, index=True),
    sa.Column("expires_at", sa.DateTime, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("build_id", sa.String),
    sa.Column("ruleset_version", sa.String),
    sa.Column("published_at", sa.DateTime),
    sa.Column("published_link", sa.String, nullable=False),
    sa.Column("published_file", sa.String, nullable=False),
    sa.Column("total_changes", sa.Integer, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("specs", sa.Text, nullable=False),
)  # fmt: skip

# The rows of a plan, some thousand a part (reverse_etl/plan_rows.py). Of an ``associate`` row ``record_id`` is the
# first end and ``match_value`` the second.
plan_parts = sa.Table(
    "plan_parts", _metadata,
    sa.Column("plan_id", sa.String, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sync", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("first_seq", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)  # fmt: skip

sync_runs = sa.Table(
    "sync_runs", _metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("plan_id", sa.String, nullable=False, index=True),
    sa.Column("sync", sa.String, nullable=False, index=True),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("finished_at", sa.DateTime),
    sa.Column("requests", sa.Integer, nullable=False, default=0),
    sa.Column("written", sa.Integer, nullable=False, default=0),
    sa.Column("rejected", sa.Integer, nullable=False, default=0),
    sa.Column("message", sa.Text),
)  # fmt: skip

batches = sa.Table(
    "batches", _metadata,
    sa.Column("batch_id", sa.String, primary_key=True),
    sa.Column("run_id", sa.String, nullable=False, index=True),
    sa.Column("plan_id", sa.String, nullable=False),
    sa.Column("sync", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("first_seq", sa.Integer, nullable=False),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("intended_at", sa.DateTime, nullable=False),
    sa.Column("finished_at", sa.DateTime),
    #: Ids of the CRM's own jobs that the batch was handed to, in the order they were made; null = none.
    sa.Column("job_ids", sa.Text),
)  # fmt: skip

writes = sa.Table(
    "writes", _metadata,
    sa.Column("write_id", sa.String, primary_key=True),
    sa.Column("run_id", sa.String, nullable=False),
    sa.Column("plan_id", sa.String, nullable=False, index=True),
    sa.Column("sync", sa.String, nullable=False),
    sa.Column("destination", sa.String, nullable=False),
    sa.Column("object", sa.String, nullable=False),
    sa.Column("sync_key", sa.String),
    sa.Column("record_id", sa.String),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("fields", sa.Text),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("error_kind", sa.String),
    sa.Column("error_message", sa.Text),
    sa.Column("acknowledged_at", sa.DateTime, nullable=False, index=True),
    #: The batch it was sent in, what stood there before (JSON by property, as the plan knew it), and why it was sent.
    sa.Column("batch_id", sa.String),
    sa.Column("previous", sa.Text),
    sa.Column("reason", sa.String),
)  # fmt: skip

dead_letters = sa.Table(
    "dead_letters", _metadata,
    sa.Column("write_id", sa.String, primary_key=True),
    sa.Column("plan_id", sa.String, nullable=False),
    sa.Column("sync", sa.String, nullable=False, index=True),
    sa.Column("destination", sa.String, nullable=False),
    sa.Column("object", sa.String, nullable=False),
    sa.Column("sync_key", sa.String),
    sa.Column("record_id", sa.String),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("fields", sa.Text),
    sa.Column("error_kind", sa.String, nullable=False),
    sa.Column("error_message", sa.Text, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("first_refused_at", sa.DateTime, nullable=False),
    sa.Column("resolved_at", sa.DateTime),
    #: Refusals of this record in a row, this one included; and why it was let go (state ``retry``).
    sa.Column("attempts", sa.Integer),
    sa.Column("retry_reason", sa.String),
)  # fmt: skip
sa.Index("dead_letters_open", dead_letters.c.state, dead_letters.c.sync)

# Who is not to be written (reverse_etl/suppressions.py): a CRM record (destination, object, record_id), a mailbox, a
# number or another identifier as a keyed hash. ``opted_out`` rows are what an apply learned between two reads.
suppressions = sa.Table(
    "suppressions", _metadata,
    sa.Column("suppression_id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("destination", sa.String),
    sa.Column("object", sa.String),
    sa.Column("record_id", sa.String),
    sa.Column("email_hash", sa.String, index=True),
    sa.Column("phone_hash", sa.String),
    sa.Column("identifier_hash", sa.String),
    sa.Column("key_id", sa.String),
    sa.Column("erasure_id", sa.String, index=True),
    sa.Column("reason", sa.String),
    sa.Column("created_at", sa.DateTime, nullable=False),
)  # fmt: skip

# The proof of an erasure: what was done, when, for whom it was asked; nothing that says who was erased.
erasures = sa.Table(
    "erasures", _metadata,
    sa.Column("erasure_id", sa.String, primary_key=True),
    sa.Column("email_hash", sa.String, nullable=False, index=True),
    sa.Column("key_id", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("requested_by", sa.String),
    sa.Column("requested_at", sa.DateTime, nullable=False),
    sa.Column("finished_at", sa.DateTime),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),
)  # fmt: skip

alerts = sa.Table(
    "alerts", _metadata,
    sa.Column("alert_key", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("sync", sa.String, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("opened_at", sa.DateTime, nullable=False),
    sa.Column("sent_at", sa.DateTime),
    sa.Column("closed_at", sa.DateTime),
)  # fmt: skip

#: Days after which the rows of a plan are dropped: it expired long before, and the ledger holds what was done.
PLAN_ROWS_DAYS = 30

#: States of a dead letter whose record has not been written since: held back, or let go for the next plan.
_UNRESOLVED = ("open", "retry")

_CHUNK = 10_000


def utc_now() -> datetime:
    """Now, UTC, without a zone: how the store and the raw tables keep time."""
    return datetime.now(UTC).replace(tzinfo=None)


class Change(NamedTuple):
    """One planned row, as the applier needs it."""

    seq: int
    outcome: str
    sync_key: str | None
    record_id: str | None
    match_value: str | None
    fields: dict[str, str]
    #: The fields as the plan has them, and JSON of what stood there as the plan knew it.
    fields_json: str = "{}"
    previous: str | None = None
    reason: str | None = None


class Intent(NamedTuple):
    """A batch about to be sent: rows ``first_seq`` to ``last_seq`` of a plan that have no outcome yet."""

    batch_id: str
    run_id: str
    plan_id: str
    sync: str
    action: str
    first_seq: int
    last_seq: int
    size: int


class JobBatch(NamedTuple):
    """A batch that was handed to jobs of the CRM and whose outcome is not known."""

    batch_id: str
    plan_id: str
    action: str
    first_seq: int
    last_seq: int
    job_ids: tuple[str, ...]


class WriteRow(NamedTuple):
    """One record's outcome: a row of the ledger, in its columns' order. ``outcome`` is ``written`` or ``rejected``."""

    write_id: str
    run_id: str
    plan_id: str
    sync: str
    destination: str
    object: str
    sync_key: str | None
    record_id: str | None
    action: str
    fields: str | None
    outcome: str
    error_kind: str | None
    error_message: str | None
    acknowledged_at: datetime
    batch_id: str | None = None
    previous: str | None = None
    reason: str | None = None


class Store:
    """One operational store. Create it, use it, :meth:`close` it (or use it as a context manager)."""

    def __init__(self, ops_url: str) -> None:
        try:
            self._url = sa.make_url(ops_url)
        except sa.exc.ArgumentError as error:
            raise StoreError(
                "ops_url is not a database URL: use sqlite:///path/to/ops.db or postgresql://..."
            ) from error
        self.dialect = self._url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise StoreError(
                f"ops_url: {self.dialect} is not supported: use sqlite:///path/to/ops.db or postgresql://..."
            )
        try:
            if self.dialect == "sqlite" and self._url.database not in (None, "", ":memory:"):
                Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
            if self._url.drivername == "postgresql":
                # The driver that comes with this project, where the URL names none.
                self._url = self._url.set(drivername="postgresql+psycopg")
            self._engine = sa.create_engine(self._url)
            if self.dialect == "sqlite":
                sa.event.listen(self._engine, "connect", _set_up_sqlite)
            _metadata.create_all(self._engine)
            with self._engine.begin() as connection:
                # Where an older version kept the rows of plans, a million lines each; they expired within a day.
                connection.exec_driver_sql("drop table if exists plan_changes")
            self._add_missing_columns()
        except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StoreError(f"cannot open the operational store {self.shown_url}: {reason}") from error

    def __repr__(self) -> str:
        return f"Store({self.shown_url!r})"

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def engine(self) -> sa.Engine:
        """For the modules that keep tables of their own here (reverse_etl/suppressions.py)."""
        return self._engine

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _add_missing_columns(self) -> None:
        """An older store gets the columns that its tables have gained since; they are empty there."""
        for table in _metadata.sorted_tables:
            present = {column["name"] for column in sa.inspect(self._engine).get_columns(table.name)}
            for column in table.columns:
                if column.name not in present:
                    kind = column.type.compile(self._engine.dialect)
                    with self._engine.begin() as connection:
                        connection.exec_driver_sql(f'alter table {table.name} add column "{column.name}" {kind}')

    # -- plans ---------------------------------------------------------------------------------------------------

    def save_plan(self, row: dict[str, Any], parts: Iterable[PlanPart]) -> None:
        """Keep a plan and its rows in one transaction: a plan is in the store whole or not at all. The rows of plans
        that nobody can need any more go (:data:`PLAN_ROWS_DAYS`); what their apply did stays in the ledger."""
        plan_id, first_seq = row["plan_id"], 1
        old = sa.select(plans.c.plan_id).where(plans.c.created_at < row["created_at"] - timedelta(days=PLAN_ROWS_DAYS))
        with self._engine.begin() as connection:
            connection.execute(plans.insert().values(**row))
            for number, part in enumerate(parts, 1):
                connection.execute(
                    plan_parts.insert().values(
                        plan_id=plan_id, part=number, sync=part.sync, outcome=part.outcome, first_seq=first_seq,
                        rows=part.rows, content=part.content,
                    )
                )  # fmt: skip
                first_seq += part.rows
            connection.execute(plan_parts.delete().where(plan_parts.c.plan_id.in_(old)))

    def plan_row(self, plan_id: str) -> dict[str, Any]:
        """The plan's row; ``latest`` stands for the newest. Raises :class:`PlanError` when there is none."""
        query = sa.select(plans).order_by(plans.c.created_at.desc(), plans.c.plan_id.desc()).limit(1)
        if plan_id != "latest":
            query = query.where(plans.c.plan_id == plan_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            what = "there is no plan yet: make one with `leadhouse plan`"
            raise PlanError(
                what if plan_id == "latest" else f"plan {plan_id}: not in {self.shown_url}; see the list of plans"
            )
        return dict(row)

    def list_plans(self, limit: int = 20) -> list[dict[str, Any]]:
        """The newest plans first: id, times, status, build, total changes."""
        shown = [c for c in plans.columns if c.name not in ("summary", "specs")]
        query = sa.select(*shown).order_by(plans.c.created_at.desc(), plans.c.plan_id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def set_plan_status(self, plan_id: str, status: str) -> None:
        """``planned``, ``blocked``, ``applying``, ``applied``, ``stopped`` or ``failed``."""
        with self._engine.begin() as connection:
            connection.execute(plans.update().where(plans.c.plan_id == plan_id).values(status=status))

    def change_rows(
        self, plan_id: str, *, sync: str | None = None, outcomes: Sequence[str] | None = None, limit: int | None = 100
    ) -> list[dict[str, Any]]:
        """Planned rows to show, in the plan's order: ``seq``, ``sync``, ``outcome`` and the columns of a part."""
        return list(islice(self.each_row(plan_id, sync=sync, outcomes=outcomes), limit))

    def each_row(
        self, plan_id: str, *, sync: str | None = None, outcomes: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The same one by one."""
        names = ("seq", *PART_COLUMNS)
        for part in self._parts(plan_id, sync, outcomes):
            for values in rows_of(part.content, part.first_seq):
                yield {**dict(zip(names, values, strict=True)), "sync": part.sync, "outcome": part.outcome}

    def pending(self, plan_id: str, sync: str, *, of: JobBatch | None = None) -> Iterator[Change]:
        """The rows of one sync that send something and have no outcome yet, in the plan's order; ``of`` one batch only.

        Reads part by part in short transactions, so that outcomes can be recorded in between.
        """
        done = self._finished(plan_id, sync)
        outcomes = SENDING if of is None else (of.action,)
        for part in self._parts(plan_id, sync, outcomes):
            first, last = part.first_seq, part.first_seq + part.rows - 1
            if of is not None and (last < of.first_seq or first > of.last_seq):
                continue
            for seq, sync_key, record_id, match_value, fields, previous, reason in rows_of(part.content, first):
                if seq in done or (of is not None and not of.first_seq <= seq <= of.last_seq):
                    continue
                values = orjson.loads(fields) if fields else {}
                yield Change(
                    seq, part.outcome, sync_key, record_id, match_value, values, fields or "{}", previous, reason
                )

    def counts_to_send(self, plan_id: str, sync: str) -> tuple[int, int]:
        """How many rows of a sync send something, and how many of them have an outcome already."""
        table = plan_parts.c
        wanted = sa.select(sa.func.coalesce(sa.func.sum(table.rows), 0)).where(
            table.plan_id == plan_id, table.sync == sync, table.outcome.in_(SENDING)
        )
        with self._engine.connect() as connection:
            total = int(connection.execute(wanted).scalar_one())
            if not total:
                self._check_rows_kept(connection, plan_id)
            done = int(connection.execute(sa.select(sa.func.count()).where(_of_rows(plan_id, sync))).scalar_one())
        return total, done

    def _check_rows_kept(self, connection: sa.Connection, plan_id: str) -> None:
        """A plan whose rows were dropped must not look like one that is done."""
        promised = connection.execute(sa.select(plans.c.total_changes).where(plans.c.plan_id == plan_id)).scalar()
        is_kept = sa.select(sa.exists().where(plan_parts.c.plan_id == plan_id))
        if promised and not connection.execute(is_kept).scalar_one():
            raise PlanError(f"plan {plan_id}: its rows are no longer kept; make a new plan")

    def _finished(self, plan_id: str, sync: str) -> set[int]:
        """The numbers of the rows that have an outcome."""
        with self._engine.connect() as connection:
            found: Iterable[str] = connection.execute(
                sa.select(writes.c.write_id).where(_of_rows(plan_id, sync))
            ).scalars()
            return {int(write_id.rpartition(":")[2]) for write_id in found}

    def _parts(self, plan_id: str, sync: str | None, outcomes: Sequence[str] | None) -> Iterator[Any]:
        """A plan's parts (sync, outcome, first_seq, content), one at a time."""
        table = plan_parts.c
        condition = table.plan_id == plan_id
        if sync is not None:
            condition &= table.sync == sync
        if outcomes is not None:
            condition &= table.outcome.in_(outcomes)
        with self._engine.connect() as connection:
            query = sa.select(table.part).where(condition).order_by(table.first_seq)
            numbers: list[int] = list(connection.execute(query).scalars())
        columns = [table.sync, table.outcome, table.first_seq, table.rows, table.content]
        for number in numbers:
            with self._engine.connect() as connection:
                part = connection.execute(sa.select(*columns).where(table.plan_id == plan_id, table.part == number))
                row = part.first()
            if row is not None:
                yield row

    def count_pending(self, plan_id: str, sync: str, outcome: str) -> int:
        """How many rows of one outcome have still to be sent."""
        table = plan_parts.c
        query = sa.select(table.first_seq, table.rows).where(
            table.plan_id == plan_id, table.sync == sync, table.outcome == outcome
        )
        done = self._finished(plan_id, sync)
        with self._engine.connect() as connection:
            parts: list[Any] = list(connection.execute(query))
        return sum(seq not in done for first, rows in parts for seq in range(first, first + rows))

    # -- runs, batches, outcomes ---------------------------------------------------------------------------------

    def newer_run(self, plan_id: str, sync: str, created_at: datetime) -> dict[str, Any] | None:
        """A run of the same sync by another plan, started after this plan was made: what makes this plan stale."""
        query = (
            sa.select(sync_runs)
            .where(sync_runs.c.sync == sync, sync_runs.c.plan_id != plan_id, sync_runs.c.started_at >= created_at)
            .order_by(sync_runs.c.started_at.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row is not None else None

    def start_run(self, run_id: str, plan_id: str, sync: str) -> None:
        """A sync of a plan starts being applied."""
        with self._engine.begin() as connection:
            connection.execute(
                sync_runs.insert().values(
                    run_id=run_id, plan_id=plan_id, sync=sync, status="running", pid=os.getpid(), started_at=utc_now()
                )
            )

    def finish_run(
        self, run_id: str, *, status: str, requests: int, written: int, rejected: int, message: str | None = None
    ) -> None:
        """``status`` is ``done``, ``stopped`` or ``failed``."""
        values = {
            "status": status, "requests": requests, "written": written, "rejected": rejected, "message": message,
            "finished_at": utc_now(),
        }  # fmt: skip
        with self._engine.begin() as connection:
            connection.execute(sync_runs.update().where(sync_runs.c.run_id == run_id).values(**values))

    def note_job(self, batch_id: str, job_id: str) -> None:
        """A batch is about to be handed to a job of the CRM."""
        noted = sa.func.coalesce(batches.c.job_ids + sa.literal(" "), "") + sa.literal(job_id)
        with self._engine.begin() as connection:
            connection.execute(batches.update().where(batches.c.batch_id == batch_id).values(job_ids=noted))

    def open_jobs(self, sync: str) -> list[JobBatch]:
        """Batches of a sync, of whatever plan, that jobs may still be working on, oldest first."""
        table = batches.c
        columns = [table.batch_id, table.plan_id, table.action, table.first_seq, table.last_seq, table.job_ids]
        query = (
            sa.select(*columns)
            .where(table.sync == sync, table.state.in_(("intended", "abandoned")), table.job_ids.is_not(None))
            .order_by(table.intended_at, table.batch_id)
        )
        with self._engine.connect() as connection:
            found = connection.execute(query).all()
            return [JobBatch(r[0], r[1], r[2], r[3], r[4], tuple(r[5].split())) for r in found]

    def finish_batch(self, batch_id: str | None, rows: Sequence[WriteRow]) -> None:
        """Record the outcomes of one batch (see :meth:`record`)."""
        self.record([], [(batch_id, rows)])

    def record(self, intents: Sequence[Intent], landed: Sequence[tuple[str | None, Sequence[WriteRow]]]) -> None:
        """Say what is about to be sent, and how what was sent has fared: all or nothing.

        Refused records become dead letters too; a record that is written closes its open dead letters.
        """
        now = utc_now()
        rows = [row for _, part in landed for row in part]
        refused = [row for row in rows if row.outcome == "rejected"]
        with self._engine.begin() as connection:
            if intents:
                fresh = [(*intent, "intended", self._moment(now)) for intent in intents]
                self._insert_many(connection, batches, [*Intent._fields, "state", "intended_at"], fresh)
            if rows:
                place = WriteRow._fields.index("acknowledged_at")
                values = [(*row[:place], self._moment(row.acknowledged_at), *row[place + 1 :]) for row in rows]
                self._insert_many(connection, writes, WriteRow._fields, values)
            if refused:
                before = self._supersede(connection, refused)
                letters = [_dead_letter(row, before.get((row.sync, row.sync_key), 0) + 1) for row in refused]
                self._upsert(connection, dead_letters, letters)
            # A record that was found (``match``) and then refused has a line of each kind: it is refused.
            keys = {(row.sync, row.sync_key) for row in refused}
            is_written = [row for row in rows if row.outcome == "written" and (row.sync, row.sync_key) not in keys]
            self._resolve_written(connection, is_written)
            done = [batch_id for batch_id, _ in landed if batch_id is not None]
            if done:
                ended = batches.update().where(batches.c.batch_id.in_(done))
                connection.execute(ended.values(state="done", finished_at=now))

    def _insert_many(
        self, connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Rows by the driver itself, which takes a tenth of the time; a row that is there is replaced."""
        mark = "?" if self.dialect == "sqlite" else "%s"
        key = [c.name for c in table.primary_key.columns]
        changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        connection.exec_driver_sql(
            f"insert into {table.name} ({', '.join(names)}) values ({', '.join([mark] * len(names))}) "
            f"on conflict ({', '.join(key)}) do update set {changed}",
            list(rows),
        )

    def _moment(self, moment: datetime) -> Any:
        """A time as the driver takes it: SQLite keeps text."""
        return moment.isoformat(" ", "microseconds") if self.dialect == "sqlite" else moment

    def abandon_batch(self, batch_id: str) -> None:
        """A batch got no outcome (the run stopped on an error); its rows stay pending."""
        with self._engine.begin() as connection:
            abandoned = batches.update().where(batches.c.batch_id == batch_id)
            connection.execute(abandoned.values(state="abandoned", finished_at=utc_now()))

    def _resolve_written(self, connection: sa.Connection, rows: Sequence[WriteRow]) -> None:
        for sync in {row.sync for row in rows}:
            of_sync = dead_letters.c.state.in_(_UNRESOLVED) & (dead_letters.c.sync == sync)
            if not connection.execute(sa.select(sa.exists().where(of_sync))).scalar_one():
                continue
            keys = [row.sync_key for row in rows if row.sync == sync and row.sync_key is not None]
            for start in range(0, len(keys), 500):
                closed = dead_letters.update().where(of_sync, dead_letters.c.sync_key.in_(keys[start : start + 500]))
                connection.execute(closed.values(state="resolved", resolved_at=utc_now()))

    def _supersede(self, connection: sa.Connection, rows: Sequence[WriteRow]) -> dict[tuple[str, str | None], int]:
        """A record has one open dead letter a sync: the newest. Returns how often each was refused before."""
        attempts: dict[tuple[str, str | None], int] = {}
        table = dead_letters.c
        for sync in {row.sync for row in rows}:
            of_sync = table.state.in_(_UNRESOLVED) & (table.sync == sync)
            keys = [row.sync_key for row in rows if row.sync == sync and row.sync_key is not None]
            for start in range(0, len(keys), 500):
                older = of_sync & table.sync_key.in_(keys[start : start + 500])
                found: list[Any] = list(connection.execute(sa.select(table.sync_key, table.attempts).where(older)))
                attempts |= {(sync, key): max(attempts.get((sync, key), 0), count or 1) for key, count in found}
                ended = dead_letters.update().where(older)
                connection.execute(ended.values(state="superseded", resolved_at=utc_now()))
        return attempts

    def _upsert(self, connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        dialect = sqlite if self.dialect == "sqlite" else postgresql
        statement = dialect.insert(table)
        key = [c.name for c in table.primary_key.columns]
        changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in key}
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)

    # -- what the planner reads ----------------------------------------------------------------------------------

    def ledger(self, destination: str, since: datetime | None, keep: Sequence[str] = ()) -> pa.RecordBatchReader:
        """Our acknowledged writes after ``since`` (UTC; ``None`` = all), and older ones too of the properties ``keep``
        and of associations, in batches: sync, object, sync_key, record_id, action, fields (JSON text),
        acknowledged_at."""
        columns = [
            writes.c.sync, writes.c.object, writes.c.sync_key, writes.c.record_id, writes.c.action, writes.c.fields,
            writes.c.acknowledged_at,
        ]  # fmt: skip
        query = sa.select(*columns).where(writes.c.destination == destination, writes.c.outcome == "written")
        if since is not None:
            held = [writes.c.fields.contains(f'"{name}":', autoescape=True) for name in keep]
            query = query.where(sa.or_(writes.c.acknowledged_at > since, writes.c.action == "associate", *held))
        return self._arrow(query, [(c.name, pa.timestamp("us") if c is columns[-1] else pa.string()) for c in columns])

    def open_refusals(self, destination: str) -> pa.Table:
        """Open dead letters that the same values would meet again: sync, sync_key, action, fields, error_kind,
        error_message."""
        table = dead_letters.c
        columns = [table.sync, table.sync_key, table.action, table.fields, table.error_kind, table.error_message]
        query = sa.select(*columns).where(
            table.destination == destination, table.state == "open", table.error_kind != "rate"
        )
        return self._arrow(query, [(c.name, pa.string()) for c in columns]).read_all()

    def _arrow(self, query: sa.Select[Any], fields: list[tuple[str, pa.DataType]]) -> pa.RecordBatchReader:
        """A query's rows as Arrow batches, read with the driver's own cursor: row objects cost five times as much."""
        schema = pa.schema(fields)
        compiled = query.compile(self._engine, compile_kwargs={"literal_binds": True})

        def batches() -> Iterator[pa.RecordBatch]:
            with self._engine.connect().execution_options(stream_results=True) as connection:
                found = connection.exec_driver_sql(str(compiled))
                # PostgreSQL's result has taken the first row from its cursor already.
                cursor: Any = found if self.dialect == "postgresql" else found.cursor
                while rows := cursor.fetchmany(_CHUNK):
                    arrays = []
                    for values, field in zip(zip(*rows, strict=True), schema, strict=True):
                        # SQLite keeps times as text.
                        is_text = isinstance(next((v for v in values if v is not None), None), str)
                        read = pa.array(values, pa.string() if is_text else field.type)
                        arrays.append(read if read.type == field.type else read.cast(field.type))
                    yield pa.record_batch(arrays, schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def memberships_written(self, sync: str, record_ids: Iterable[str]) -> tuple[set[str], set[str]]:
        """Of the records, those that we last added to the list of this sync, and those that we last removed."""
        wanted = sorted(record_ids)
        last: dict[str, tuple[datetime, str]] = {}
        row: Any
        with self._engine.connect() as connection:
            for start in range(0, len(wanted), 500):
                query = sa.select(writes.c.record_id, writes.c.acknowledged_at, writes.c.action).where(
                    writes.c.sync == sync,
                    writes.c.outcome == "written",
                    writes.c.action.in_(("list_add", "list_remove")),
                    writes.c.record_id.in_(wanted[start : start + 500]),
                )
                for row in connection.execute(query):
                    told = (row.acknowledged_at, row.action)
                    last[row.record_id] = max(last.get(row.record_id, told), told)
        added = {record_id for record_id, (_, action) in last.items() if action == "list_add"}
        return added, set(last) - added

    # -- showing -------------------------------------------------------------------------------------------------

    def write_rows(self, *, plan_id: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Rows of the ledger, oldest first."""
        query = sa.select(writes).order_by(writes.c.acknowledged_at, writes.c.write_id).limit(limit)
        if plan_id is not None:
            query = query.where(writes.c.plan_id == plan_id)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def dead_letter_rows(
        self,
        *,
        state: str | None = "open",
        sync: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Dead letters, oldest first; ``state``: ``open``, ``resolved``, ``superseded``, ``retry``; ``None``: all."""
        query = sa.select(dead_letters).order_by(dead_letters.c.first_refused_at, dead_letters.c.write_id).limit(limit)
        for column, wanted in (
            (dead_letters.c.state, state),
            (dead_letters.c.sync, sync),
            (dead_letters.c.error_kind, kind),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def dead_letter_counts(self) -> list[tuple[str, str, int]]:
        """Open dead letters by sync and kind."""
        table = dead_letters.c
        query = (
            sa.select(table.sync, table.error_kind, sa.func.count())
            .where(table.state == "open")
            .group_by(table.sync, table.error_kind)
            .order_by(table.sync, table.error_kind)
        )
        with self._engine.connect() as connection:
            return [(row[0], row[1], int(row[2])) for row in connection.execute(query)]

    def retry_dead_letters(
        self, *, sync: str | None = None, kind: str | None = None, write_id: str | None = None
    ) -> int:
        """Let the next plan send open dead letters again even though nothing changed on our side. Returns how many."""
        query = dead_letters.update().where(dead_letters.c.state == "open")
        for column, wanted in (
            (dead_letters.c.sync, sync),
            (dead_letters.c.error_kind, kind),
            (dead_letters.c.write_id, write_id),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        values = {"state": "retry", "resolved_at": utc_now(), "retry_reason": "asked for"}
        with self._engine.begin() as connection:
            return int(connection.execute(query.values(**values)).rowcount)

    def let_go(self, causes: Mapping[str, str]) -> int:
        """Let dead letters go (see :mod:`reverse_etl.retries`): write id -> why. Returns how many."""
        by_cause: dict[str, list[str]] = {}
        for write_id, cause in causes.items():
            by_cause.setdefault(cause, []).append(write_id)
        count = 0
        with self._engine.begin() as connection:
            for cause, ids in by_cause.items():
                for start in range(0, len(ids), 500):
                    query = dead_letters.update().where(
                        dead_letters.c.state == "open", dead_letters.c.write_id.in_(ids[start : start + 500])
                    )
                    values = {"state": "retry", "resolved_at": utc_now(), "retry_reason": cause}
                    count += int(connection.execute(query.values(**values)).rowcount)
        return count

    def plan_specs(self, plan_id: str) -> str | None:
        """The specs (JSON) a plan was made with; None when the plan is not there any more."""
        with self._engine.connect() as connection:
            found: str | None = connection.execute(
                sa.select(plans.c.specs).where(plans.c.plan_id == plan_id)
            ).scalar_one_or_none()
        return found

    def run_rows(self, plan_id: str | None = None) -> list[dict[str, Any]]:
        """Runs (one a sync and apply), oldest first."""
        query = sa.select(sync_runs).order_by(sync_runs.c.started_at, sync_runs.c.run_id)
        if plan_id is not None:
            query = query.where(sync_runs.c.plan_id == plan_id)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    # -- health and alerts ---------------------------------------------------------------------------------------

    def plan_summaries(self, limit: int = 500) -> list[dict[str, Any]]:
        """The newest plans with what they say of each sync, oldest first."""
        shown = [c for c in plans.columns if c.name != "specs"]
        query = sa.select(*shown).order_by(plans.c.created_at.desc(), plans.c.plan_id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()][::-1]

    def applied_syncs(self) -> set[tuple[str, str]]:
        """(plan, sync) of every run that ended well: what was applied of a plan that holds several syncs."""
        query = sa.select(sync_runs.c.plan_id, sync_runs.c.sync).where(sync_runs.c.status == "done").distinct()
        with self._engine.connect() as connection:
            return {(str(row[0]), str(row[1])) for row in connection.execute(query)}

    def alert_rows(self, *, only_open: bool = True) -> list[dict[str, Any]]:
        """Alerts, oldest first."""
        query = sa.select(alerts).order_by(alerts.c.opened_at, alerts.c.alert_key)
        if only_open:
            query = query.where(alerts.c.closed_at.is_(None))
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def save_alerts(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep alerts by their key: opened, sent, closed."""
        if rows:
            with self._engine.begin() as connection:
                self._upsert(connection, alerts, list(rows))

    # -- one apply at a time -------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, names: Sequence[str], *, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold every named lock. While another holds one, wait up to ``wait_seconds``, then raise
        :class:`ApplyBusyError`. A dead holder's locks are free."""
        until = time.monotonic() + wait_seconds
        while True:
            with ExitStack() as held:
                try:
                    for name in sorted(names):
                        held.enter_context(self._lock_one(name))
                except ApplyBusyError:
                    if time.monotonic() >= until:
                        raise
                else:
                    yield
                    return
            time.sleep(min(0.2, max(0.01, until - time.monotonic())))

    def _lock_one(self, name: str) -> AbstractContextManager[None]:
        return self._lock_row(name) if self.dialect == "postgresql" else self._lock_file(name)

    @contextmanager
    def _lock_file(self, name: str) -> Iterator[None]:
        """The kernel frees an advisory file lock when its holder dies, however it dies."""
        database = self._url.database
        if database in (None, "", ":memory:"):
            yield
            return
        path = Path(f"{database}.{name}.lock")
        with path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                raise ApplyBusyError(_busy(name, file.read().strip())) from error
            file.truncate(0)
            file.write(f"process {os.getpid()} since {utc_now():%Y-%m-%d %H:%M:%S} UTC")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    @contextmanager
    def _lock_row(self, name: str) -> Iterator[None]:
        """PostgreSQL's advisory lock belongs to a session and goes with it."""
        number = int.from_bytes(
            hashlib.blake2b(f"leadhouse:{name}".encode(), digest_size=8).digest(), "big", signed=True
        )
        with self._engine.connect() as connection:
            if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(number))).scalar_one():
                raise ApplyBusyError(_busy(name, "another session of the store"))
            connection.commit()
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
                connection.commit()


def _of_rows(plan_id: str, sync: str) -> sa.ColumnElement[bool]:
    """Ledger lines that are the outcome of a planned row: their ids are made of plan and row, and of nothing more."""
    is_extra = writes.c.write_id.like(f"{plan_id}:%:%")
    return (writes.c.plan_id == plan_id) & (writes.c.sync == sync) & ~is_extra


def _busy(name: str, holder: str) -> str:
    return f"{name}: another apply is running ({holder or 'holder unknown'}); wait for it, or stop it, then apply again"


def _dead_letter(row: WriteRow, attempts: int) -> dict[str, Any]:
    values = {c.name: getattr(row, c.name) for c in dead_letters.columns if hasattr(row, c.name)}
    refused = {"state": "open", "first_refused_at": row.acknowledged_at, "resolved_at": None}
    return {**values, **refused, "attempts": attempts, "retry_reason": None}


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # NORMAL in WAL mode survives a killed process; a power cut may lose the last outcomes, which are then sent again.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 30000"):
        cursor.execute(f"pragma {pragma}")
    cursor.close()
