"""What the CRM loaders share: readers hand over batches, one group of readers is one load package.

A reader is an iterator over what it hands over (:data:`Handed`); the readers of a group run side by side. When all have
ended their rows are loaded together, the quarantine is brought in step, and the state each of them handed over is kept.
A reader that fails on purpose leaves the others alone: what it had handed over is loaded, its state stays as it was.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pyarrow as pa

from ingestion.errors import IngestionError, RecordRefused, SourceUnavailable, TokenRefused
from ingestion.loading import Into, Loader, State
from ingestion.quarantine import MAX_RECORD_CHARS, QuarantineWriter, Reject, forget_records
from ingestion.results import LoadResult, Progress
from ingestion.schemas import RAW_TABLES, RawTable
from ingestion.streams import Ended, Failed, Together
from ingestion.warehouse import opened, utc_now

Json = Mapping[str, Any]
Row = dict[str, Any]
#: Rows that travel together.
BATCH_ROWS = 5_000


@dataclass
class Batch:
    """Rows of one table on their way: Arrow rows, how many records were read for them, and those refused."""

    name: str
    rows: pa.Table | None
    read: int
    rejects: list[Reject] = field(default_factory=list)
    read_ids: list[str] = field(default_factory=list)


@dataclass
class Expected:
    """How many records of a table will come, for the progress bar."""

    name: str
    total: int | None


@dataclass
class Noted:
    """A sentence about a table for the person who reads the results."""

    name: str
    words: str


@dataclass
class NewState:
    """A reader's state, handed over when it has read everything."""

    state: State


Handed = Batch | Expected | Noted | NewState
Readers = Mapping[str, Callable[[State], Iterator[Handed]]]


class Collector:
    """Collects rows of one raw table and hands them over a batch at a time.

    Args:
        raw: the table.
        loaded_at: of every row.
        held: ids of its records that stand in the quarantine.
    """

    def __init__(self, raw: RawTable, loaded_at: datetime, held: Iterable[str] = ()) -> None:
        self._raw = raw
        self._loaded_at = loaded_at
        self._held = set(held)
        self._rows: list[Row] = []
        self._read = 0
        self._ids: list[str] = []
        self._rejects: list[Reject] = []

    def add(self, row: Row) -> None:
        """A row to load."""
        self._rows.append(row)
        self._read += 1

    def refuse(self, error: RecordRefused, record: Json, record_id: str | None) -> None:
        """A record that cannot be taken."""
        reject = refused(error, record, record_id)
        self.saw(str(reject.record_id))
        self._rejects.append(reject)
        self._read += 1

    def saw(self, record_id: str) -> None:
        """A record was read (accepted or not): its earlier line in the quarantine, if any, is out of date."""
        if record_id in self._held:
            self._ids.append(record_id)

    def full(self) -> Iterator[Batch]:
        """Hands over if enough has come together."""
        if self._read >= BATCH_ROWS:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """Hands over whatever there is."""
        if self._read or self._ids:
            rows = to_arrow(self._raw, self._rows, self._loaded_at) if self._rows else None
            yield Batch(self._raw.name, rows, self._read, self._rejects, self._ids)
        self._rows, self._read, self._rejects, self._ids = [], 0, [], []


def to_arrow(raw: RawTable, rows: Sequence[Row], loaded_at: datetime) -> pa.Table:
    """Rows in the raw table's schema; ``_loaded_at`` is added."""
    columns = [
        pa.repeat(pa.scalar(loaded_at, field.type), len(rows))
        if field.name == "_loaded_at"
        else pa.array([row.get(field.name) for row in rows], field.type)
        for field in raw.columns
    ]
    return pa.Table.from_arrays(columns, schema=raw.columns)


def refused(error: RecordRefused, record: Json, record_id: str | None) -> Reject:
    """A record of the CRM that cannot be taken; one without an id gets one that its content always gives."""
    content = orjson.dumps(record, default=str, option=orjson.OPT_SORT_KEYS)
    words = content.decode()[:MAX_RECORD_CHARS]
    return Reject(error.field, error.reason_code, error.reason, words, None, record_id or derived_id(content))


def derived_id(content: bytes) -> str:
    """An id made of a record's content."""
    return "derived-" + hashlib.sha256(content).hexdigest()[:32]


@dataclass(frozen=True)
class Group:
    """One load package: who reads, and which raw tables are filled, in the order they are reported."""

    source: str
    name: str
    readers: Readers
    into: Mapping[str, Into]
    tables: Sequence[str]


def load_group(
    loader: Loader,
    group: Group,
    *,
    started_at: datetime,
    watch: Progress,
    problems: list[str],
    requests: Callable[[str], int],
    after: Callable[[], Mapping[str, Sequence[str]]] = dict,
) -> list[LoadResult]:
    """Runs a group's readers and loads what they read: one result for each of its tables.

    Args:
        loader: into the source's raw schema.
        group: what to run.
        started_at: the rows' ``_loaded_at``.
        watch: told about rows as they are read.
        problems: one sentence for each reader that failed is added.
        requests: requests sent for a table, asked at the end.
        after: called when the rows are loaded; its notes, by table, join the results.

    Raises:
        TokenRefused, SourceUnavailable: whichever reader met it, there is no point in going on.
        IngestionError: loading failed.
    """
    clock = time.monotonic()
    taken = _Taken(loader, group.source, started_at)
    first = not loader.state(group.name)
    loader.run(group.name, partial(_produce, group, watch, taken, problems, loader.dataset), taken.forget)
    notes = after()
    for name in group.tables:
        watch.finish(f"{loader.dataset}.{name}")
    load_id = uuid4().hex
    return [
        LoadResult(
            source=group.source,
            entity=f"{loader.dataset}.{name}",
            rows_read=taken.read[name],
            rows_loaded=taken.loaded[name] - loader.turned_away.lost(f"{loader.dataset}.{name}"),
            rows_quarantined=taken.refused[name] + loader.turned_away.lost(f"{loader.dataset}.{name}"),
            requests=requests(name),
            seconds=round(time.monotonic() - clock, 3),
            load_id=load_id,
            started_at=started_at,
            finished_at=utc_now(),
            notes=(*(("first load",) if first else ()), *taken.notes.get(name, ()), *notes.get(name, ())),
        )
        for name in group.tables
    ]


class _Taken:
    """Counts what was taken and keeps the quarantine in step."""

    def __init__(self, loader: Loader, source: str, loaded_at: datetime) -> None:
        self._loader = loader
        self._source = source
        self._loaded_at = loaded_at
        self.read: Counter[str] = Counter()
        self.loaded: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.notes: dict[str, list[str]] = {}
        self._rejects: dict[str, list[Batch]] = {}
        self._ids: dict[str, list[str]] = {}

    def take(self, batch: Batch) -> None:
        """Notes one batch."""
        self.read[batch.name] += batch.read
        self.loaded[batch.name] += 0 if batch.rows is None else len(batch.rows)
        self.refused[batch.name] += len(batch.rejects)
        self._ids.setdefault(batch.name, []).extend(batch.read_ids)
        if batch.rejects:
            self._rejects.setdefault(batch.name, []).append(batch)

    def forget(self) -> None:
        """Replaces the quarantine lines of the records that were read by what was refused of them now."""
        dataset = self._loader.dataset
        with opened(self._loader.warehouse_path) as connection:
            for name, ids in self._ids.items():
                if ids:
                    forget_records(connection, self._source, RAW_TABLES[f"{dataset}.{name}"].qualified, ids)
        for name, batches in self._rejects.items():
            writer = QuarantineWriter(self._loader.warehouse_path, self._source, f"{dataset}.{name}", self._loaded_at)
            for batch in batches:
                for reject in batch.rejects:
                    writer.add(None, reject)
            writer.flush()


def _produce(
    group: Group, watch: Progress, taken: _Taken, problems: list[str], dataset: str, state: State
) -> Iterator[tuple[Into, pa.Table]]:
    readers = {name: read(dict(state.get(name, {}))) for name, read in group.readers.items()}
    for name, handed in Together[Handed](readers):
        if isinstance(handed, Failed):
            _problem(handed.error, name, problems)
        elif isinstance(handed, Expected):
            watch.start(f"{dataset}.{handed.name}", handed.total)
        elif isinstance(handed, Noted):
            taken.notes.setdefault(handed.name, []).append(handed.words)
        elif isinstance(handed, NewState):
            state[name] = handed.state
        elif isinstance(handed, Batch):
            taken.take(handed)
            watch.advance(f"{dataset}.{handed.name}", handed.read)
            if handed.rows is not None:
                yield group.into[handed.name], handed.rows
        else:
            assert isinstance(handed, Ended)


def _problem(error: BaseException, name: str, problems: list[str]) -> None:
    """A reader failed: the others go on, unless there is no point."""
    if isinstance(error, TokenRefused | SourceUnavailable) or not isinstance(error, IngestionError):
        raise error
    problems.append(f"{name}: {error}")
