"""The rows of a plan as the operational store keeps them: compressed parts of some thousand rows.

A million rows one by one cost SQLite fourteen seconds and half a gigabyte; as parts they cost one second and a tenth of
the room, lie beside the plan in the same transaction (SQLite and PostgreSQL alike), and are read part by part, so that
an apply needs little memory. All rows of a part are of one sync and one outcome, so that apply reads only what it is to
send. A row's number in the plan (``seq``) is the part's ``first_seq`` plus its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.ipc

#: Rows of a part.
PART_ROWS = 10_000

#: What is kept of a row, all text.
COLUMNS = ("sync_key", "record_id", "match_value", "fields", "previous", "reason")

_SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
_OPTIONS = pyarrow.ipc.IpcWriteOptions(compression="zstd")


@dataclass(frozen=True)
class PlanPart:
    """Rows of one sync and outcome, compressed."""

    sync: str
    outcome: str
    rows: int
    content: bytes


#: Takes the rows of one sync and outcome as the planner makes them.
KeepRows = Callable[[str, str, "pa.RecordBatchReader"], None]


class PartWriter:
    """Collects what a plan keeps, already compressed, until the plan as a whole is stored."""

    def __init__(self) -> None:
        self.parts: list[PlanPart] = []

    def __call__(self, sync: str, outcome: str, rows: pa.RecordBatchReader) -> None:
        """Rows of one sync and outcome."""
        for batch in rows:
            self.add(sync, outcome, batch)

    def add(self, sync: str, outcome: str, rows: pa.RecordBatch) -> None:
        """Some rows more (columns :data:`COLUMNS`), cut into parts."""
        for start in range(0, rows.num_rows, PART_ROWS):
            self.parts.append(encoded(sync, outcome, rows.slice(start, PART_ROWS)))


def encoded(sync: str, outcome: str, rows: pa.RecordBatch) -> PlanPart:
    """One part."""
    sink = pa.BufferOutputStream()
    table = rows.select(list(COLUMNS)).cast(_SCHEMA)
    with pyarrow.ipc.new_stream(sink, _SCHEMA, options=_OPTIONS) as stream:
        stream.write_batch(table)
    return PlanPart(sync, outcome, rows.num_rows, sink.getvalue().to_pybytes())


def decoded(content: bytes) -> pa.Table:
    """A part's rows (columns :data:`COLUMNS`)."""
    with pyarrow.ipc.open_stream(content) as stream:
        return stream.read_all()


def rows_of(content: bytes, first_seq: int) -> Iterator[tuple[Any, ...]]:
    """A part's rows in order: seq, then :data:`COLUMNS`."""
    table = decoded(content)
    columns = [table.column(name).to_pylist() for name in COLUMNS]
    for place, values in enumerate(zip(*columns, strict=True)):
        yield (first_seq + place, *values)


class PlanRow(NamedTuple):
    """One planned row."""

    seq: int
    sync_key: str | None
    record_id: str | None
    match_value: str | None
    fields: str | None
    previous: str | None
    reason: str | None

    @property
    def is_told(self) -> bool:
        """Whether anything but the record's id is told of it."""
        return any(one is not None for one in (self.sync_key, self.match_value, self.fields, self.previous))


def plan_rows(content: bytes, first_seq: int) -> Iterator[PlanRow]:
    """A part's rows in order."""
    return (PlanRow(*values) for values in rows_of(content, first_seq))


def blanked(
    sync: str, outcome: str, content: bytes, first_seq: int, theirs: Set[int], unsent: Set[int], reason: str
) -> list[tuple[int, PlanPart]]:
    """A part without what it tells of the rows ``theirs``, as one or more parts, each with the number of its first row.
    Those in ``unsent`` become ``suppressed`` for ``reason``; all rows keep their numbers."""
    parts: list[tuple[int, PlanPart]] = []
    run: list[PlanRow] = []
    run_outcome = outcome

    def close() -> None:
        if run:
            columns = [pa.array([getattr(row, name) for row in run], pa.string()) for name in COLUMNS]
            parts.append((run[0].seq, encoded(sync, run_outcome, pa.record_batch(columns, names=list(COLUMNS)))))
            run.clear()

    for row in plan_rows(content, first_seq):
        becomes = "suppressed" if row.seq in unsent else outcome
        if becomes != run_outcome:
            close()
            run_outcome = becomes
        if row.seq in theirs:
            row = row._replace(sync_key=None, match_value=None, fields=None, previous=None)
        run.append(row._replace(reason=reason) if row.seq in unsent else row)
    close()
    return parts
