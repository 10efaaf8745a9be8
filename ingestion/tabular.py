"""Rows of CSV and Parquet files as plain dictionaries, each with its place in the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.completeness import open_bytes
from ingestion.errors import FileRefused, RecordRefused
from ingestion.file_source import Refuse, SourceFile
from ingestion.quarantine import Reject

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
BATCH_ROWS = 20_000
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Layout:
    """How a text file is written. ``delimiter`` None: the commonest of ``, ; tab |`` in the header."""

    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    null_values: frozenset[str] = frozenset({""})


@dataclass(frozen=True)
class Record:
    """One row: ``number`` counts the file's records from 1 (the header and blank lines do not count)."""

    number: int
    values: Mapping[str, Any]

    def text(self, column: str) -> str | None:
        """A value as text without space around it; None if it is absent or a null mark."""
        value = self.values.get(column)
        return None if value is None else str(value)

    def as_json(self) -> str:
        """The row as JSON text, for the quarantine."""
        return orjson.dumps(dict(self.values), default=str).decode()


def read_records(
    file: SourceFile, refuse: Refuse, *, required: Sequence[str], layout: Layout | None = None
) -> Iterator[Record]:
    """The rows of a ``.csv``/``.tsv`` (also ``.gz``) or ``.parquet`` file.

    A text row with more or fewer fields than the header goes to the quarantine (``wrong_field_count``).

    Raises:
        FileRefused: the header lacks a required column, names one twice, or the file cannot be decoded.
    """
    if file.path.name.lower().endswith(".parquet"):
        yield from _parquet_records(file, required)
    else:
        yield from _text_records(file, refuse, required, layout or Layout())


def _check_header(file: SourceFile, header: Sequence[str], required: Sequence[str]) -> None:
    missing = [column for column in required if column not in header]
    if missing:
        raise FileRefused(
            file.name,
            f"lacks the column(s) {', '.join(missing)}; its header has {', '.join(header) or 'nothing'}. "
            "Nothing loaded; correct the file (or the mapping) and run again",
        )
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise FileRefused(file.name, f"names the column(s) {', '.join(twice)} twice; nothing loaded")


def _text_records(file: SourceFile, refuse: Refuse, required: Sequence[str], layout: Layout) -> Iterator[Record]:
    try:
        with io.TextIOWrapper(open_bytes(file.path), encoding=layout.encoding, newline="") as handle:
            first = handle.readline()
            delimiter = layout.delimiter or max(_DELIMITERS, key=first.count)
            header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
            _check_header(file, header, required)
            reader = csv.reader(handle, delimiter=delimiter)
            number = 0
            for fields in reader:
                if not fields:
                    continue
                number += 1
                if len(fields) != len(header):
                    refuse(
                        Reject(
                            "",
                            "wrong_field_count",
                            f"has {len(fields)} fields, the header {len(header)}: a delimiter too many or too few, or "
                            "a quote that does not close",
                            delimiter.join(fields),
                            number,
                        )
                    )
                    continue
                stripped = [field.strip() for field in fields]
                yield Record(
                    number,
                    {
                        name: None if value in layout.null_values else value
                        for name, value in zip(header, stripped, strict=True)
                    },
                )
    except UnicodeDecodeError as error:
        raise FileRefused(
            file.name,
            f"is not {layout.encoding} text ({error.reason} at byte {error.start}); nothing loaded. "
            "Save it as UTF-8, or name its encoding in the mapping (cp1252 for most spreadsheets)",
        ) from error
    except csv.Error as error:
        raise FileRefused(file.name, f"cannot be read as delimited text ({error}); nothing loaded") from error


def _parquet_records(file: SourceFile, required: Sequence[str]) -> Iterator[Record]:
    try:
        with pq.ParquetFile(file.path) as parquet:
            _check_header(file, list(parquet.schema_arrow.names), required)
            number = 1
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
                for values in batch.to_pylist():
                    yield Record(number, values)
                    number += 1
    except (pa.ArrowException, OSError) as error:
        raise FileRefused(file.name, f"cannot be read as Parquet ({error}); nothing loaded") from error


def needed(value: str | None, field: str, code: str | None = None) -> str:
    """A value that must be there.

    Raises:
        RecordRefused: ``missing_<field>`` or the given code.
    """
    if value is None or not value.strip():
        raise RecordRefused(field, code or f"missing_{field}", f"{field} is empty")
    return value


class TableBuilder:
    """Collects rows into Arrow tables of a given schema, a batch at a time."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[dict[str, Any]] = []

    @property
    def full(self) -> bool:
        """Whether it is time to take a batch."""
        return len(self._rows) >= BATCH_ROWS

    def add(self, row: dict[str, Any]) -> None:
        """Adds one row."""
        self._rows.append(row)

    def take(self) -> Iterator[pa.Table]:
        """Yields what has been collected, if anything, and starts anew."""
        if self._rows:
            names = self._schema.names
            columns = [pa.array([row.get(name) for row in self._rows], self._schema.field(name).type) for name in names]
            self._rows = []
            yield pa.table(columns, names=names)
