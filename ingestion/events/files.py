"""Event files: JSONL (plain or gzip), Parquet, requests captured as JSON, and CSV lists written by people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.completeness import open_bytes
from ingestion.errors import FileRefused, RecordRefused
from ingestion.events.csv_lists import SUFFIXES as CSV_SUFFIXES
from ingestion.events.csv_lists import read_list
from ingestion.events.http import captured_request, parse_request
from ingestion.events.rows import COLUMNS, TABLE, TYPES, Row, mapping, reject_of, text, to_table
from ingestion.events.segment import parse_message
from ingestion.file_source import Refuse, SourceFile
from ingestion.quarantine import Reject
from ingestion.values import utc

SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".json", ".json.gz", ".parquet", *CSV_SUFFIXES)
#: Rows that travel together: large enough to keep the cost per batch small, small enough to stay in memory.
BATCH_ROWS = 50_000


def read_events(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    """Reads one event file, by its name's ending.

    * ``.jsonl``/``.ndjson`` (``.gz``): one Segment-spec message a line; a blank line is passed over, a line that is
      no such message goes to the quarantine under its line number.
    * ``.parquet``: the columns of ``raw_events.events`` (missing ones are null), or Segment-spec columns.
    * ``.json`` (``.gz``): a request captured as ``{"method", "path", "headers", "body"}``, of any tracker, or a list
      of Segment-spec messages.
    * ``.csv``, ``.tsv`` (``.gz``): a list of what happened offline or at partners (see ``events/csv_lists.py``).

    Raises:
        FileRefused: the file as a whole cannot be read.
    """
    name = file.path.name.lower()
    if name.endswith(".parquet"):
        yield from _read_parquet(file, refuse)
    elif name.endswith(CSV_SUFFIXES):
        yield from read_list(file, refuse)
    elif name.endswith((".json", ".json.gz")):
        yield from _read_json(file, refuse)
    else:
        yield from _read_lines(file, refuse)


def _read_lines(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    rows: list[Row] = []
    numbers: list[int] = []
    with open_bytes(file.path) as lines:
        for number, line in enumerate(lines, start=1):
            content = line.strip()
            if not content:
                continue
            try:
                rows.append(_parse_line(content))
                numbers.append(number)
            except RecordRefused as refused:
                refuse(reject_of(refused, content, number, _id_of(content)))
            if len(rows) >= BATCH_ROWS:
                yield to_table(rows, numbers)
                rows, numbers = [], []
    if rows:
        yield to_table(rows, numbers)


def _parse_line(content: bytes) -> Row:
    try:
        message = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RecordRefused("", "malformed_json", f"the line is not JSON: {error}") from error
    return parse_message(message, content=content)


def _id_of(content: bytes) -> str | None:
    try:
        return text(mapping(orjson.loads(content)).get("messageId"))
    except orjson.JSONDecodeError:
        return None


def _read_json(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    with open_bytes(file.path) as handle:
        content = handle.read()
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise FileRefused(file.name, f"is not JSON ({error}); nothing loaded, tried again next run") from error
    if isinstance(value, list):
        yield from _read_messages(value, refuse)
        return
    try:
        parsed = parse_request(captured_request(mapping(value)), _captured_at(mapping(value).get("t")))
    except RecordRefused as refused:
        refuse(reject_of(refused, content, 1))
        return
    for reject in parsed.rejects:
        refuse(reject)
    if parsed.rows:
        yield to_table(parsed.rows, [row["_source_row"] for row in parsed.rows])


def _read_messages(messages: list[object], refuse: Refuse) -> Iterator[pa.Table]:
    rows: list[Row] = []
    numbers: list[int] = []
    for number, message in enumerate(messages, start=1):
        try:
            rows.append(parse_message(message))
            numbers.append(number)
        except RecordRefused as refused:
            refuse(reject_of(refused, message, number, text(mapping(message).get("messageId"))))
    if rows:
        yield to_table(rows, numbers)


def _captured_at(value: object) -> datetime | None:
    """The epoch seconds at which a request was captured."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return utc(datetime.fromtimestamp(value).astimezone())
    return None


def _read_parquet(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(file.path) as parquet:
            names = set(parquet.schema_arrow.names)
            first = 1
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
                if {"message_id", "event_at"} <= names:
                    yield _checked(_flat(batch, first, file.name), batch, refuse)
                elif {"type", "timestamp"} <= names or "originalTimestamp" in names:
                    yield from _spec_rows(batch, first, refuse)
                else:
                    raise FileRefused(
                        file.name,
                        "has neither the columns of raw_events.events (message_id, type, event_at, ...) nor those of "
                        f"the Segment spec (type, timestamp, ...); it has {', '.join(sorted(names))}",
                    )
                first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise FileRefused(file.name, f"cannot be read as Parquet ({error}); nothing loaded") from error


def _flat(batch: pa.RecordBatch, first: int, file: str) -> pa.Table:
    """A batch in the raw table's columns and types, with row numbers."""
    columns = []
    for name in COLUMNS:
        wanted = TABLE.columns.field(name).type
        if name not in batch.schema.names:
            columns.append(pa.nulls(batch.num_rows, wanted))
            continue
        column = batch.column(name)
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = column.cast(pa.timestamp("us", "UTC"))
        try:
            columns.append(column.cast(wanted))
        except pa.ArrowException as error:
            raise FileRefused(
                file, f"column {name} is {column.type} and cannot be read as {wanted} ({error}); nothing loaded"
            ) from error
    numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
    return pa.table([*columns, numbers], names=[*COLUMNS, "_source_row"])


def _checked(rows: pa.Table, batch: pa.RecordBatch, refuse: Refuse) -> pa.Table:
    """The rules of ``rows.finished``, on a whole batch; bad rows go to the quarantine."""
    kind: Any = rows["type"]
    known = pc.is_in(kind, pa.array(TYPES))
    named = pc.or_(pc.not_equal(kind.fill_null(""), pa.scalar("track")), _given(rows["event"]))
    timed = pc.is_valid(rows["event_at"])
    owned = pc.or_(pc.or_(_given(rows["user_id"]), _given(rows["anonymous_id"])), _given(rows["email"]))
    good = pc.and_(pc.and_(known, named), pc.and_(timed, owned))
    if pc.all(good).as_py():
        return rows
    for index in pc.indices_nonzero(pc.invert(good)).to_pylist():
        record = batch.slice(index, 1).to_pylist()[0]
        if not known[index].as_py():
            why = ("type", "unknown_type", f"{record.get('type')!r} is none of {', '.join(TYPES)}")
        elif not named[index].as_py():
            why = ("event", "missing_event_name", "a track message must name its event")
        elif not timed[index].as_py():
            why = ("event_at", "missing_timestamp", "the message says nowhere when it happened")
        else:
            why = ("user_id", "missing_identity", "the message has neither user_id nor anonymous_id nor an e-mail")
        number = rows["_source_row"][index].as_py()
        refuse(Reject(*why, orjson.dumps(record, default=str).decode(), number, text(record.get("message_id"))))
    return rows.filter(good)


def _given(column: Any) -> Any:
    return pc.not_equal(column.fill_null(""), pa.scalar(""))


def _spec_rows(batch: pa.RecordBatch, first: int, refuse: Refuse) -> Iterator[pa.Table]:
    rows: list[Row] = []
    numbers: list[int] = []
    for number, record in enumerate(batch.to_pylist(), start=first):
        for key in ("context", "properties", "traits"):
            if isinstance(record.get(key), str):
                try:
                    record[key] = orjson.loads(record[key])
                except orjson.JSONDecodeError:
                    record[key] = {"value": record[key]}
        try:
            rows.append(parse_message(record))
            numbers.append(number)
        except RecordRefused as refused:
            refuse(reject_of(refused, record, number, text(record.get("messageId"))))
    if rows:
        yield to_table(rows, numbers)
