"""The quarantine: every record that was refused on the way in, with file, row, field, reason and the record itself.

Grain of ``raw_quarantine.records``: one refused record of one file or API read. A file's lines are replaced as a whole
when the file is read again; a CRM record's line is replaced when the record is read again. So running again never
doubles a line, and a record that was corrected at its source leaves the quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.erased import REASON, REASON_CODE, in_force
from ingestion.warehouse import insert_rows, opened

TABLE = "raw_quarantine.records"
#: Refused records are written out once so many have come together: a hopeless file must not fill the memory.
FLUSH_AT = 20_000
#: A refused record is kept up to this many characters (a binary file taken for text can be one huge line).
MAX_RECORD_CHARS = 20_000


@dataclass(frozen=True)
class Reject:
    """One refused record. ``row`` is the 1-based line or row of the file, None for an API record."""

    field: str
    reason_code: str
    reason: str
    record: str
    row: int | None = None
    record_id: str | None = None


def forget_files(
    connection: duckdb.DuckDBPyConnection, source: str, entity: str, files: Iterable[str], before: datetime
) -> None:
    """Removes the lines that reads of these files before the given moment (UTC) left."""
    connection.execute(
        f"delete from {TABLE} where source = ? and entity = ? and file in (select unnest(?::varchar[])) "
        "and _loaded_at < ?",
        [source, entity, list(files), before],
    )


def forget_records(connection: duckdb.DuckDBPyConnection, source: str, entity: str, record_ids: Iterable[str]) -> None:
    """Removes the quarantine lines of API records that have been read anew."""
    connection.execute(
        f"delete from {TABLE} where source = ? and entity = ? and file is null "
        "and record_id in (select unnest(?::varchar[]))",
        [source, entity, list(record_ids)],
    )


def records_held(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, set[str]]:
    """The API records of a source that are in the quarantine: entity -> record ids."""
    held: dict[str, set[str]] = {}
    rows = connection.execute(
        f"select entity, record_id from {TABLE} where source = ? and file is null and record_id is not null", [source]
    ).fetchall()
    for entity, record_id in rows:
        held.setdefault(entity, set()).add(record_id)
    return held


class QuarantineWriter:
    """Collects refused records of one source and entity and writes them to the warehouse in batches."""

    def __init__(self, warehouse_path: str | Path, source: str, entity: str, loaded_at: datetime) -> None:
        self._warehouse_path = warehouse_path
        self._source = source
        self._entity = entity
        self._loaded_at = loaded_at
        self._pending: list[dict[str, object]] = []
        self._tombstones = in_force()

    def add(self, file: str | None, reject: Reject) -> None:
        """Takes one refused record; writes out when enough have come together.

        One that holds an address of somebody erased keeps its line and nothing else.
        """
        if self._tombstones.addresses_in(f"{reject.record} {reject.record_id}"):
            reject = replace(reject, field="", reason_code=REASON_CODE, reason=REASON, record="", record_id=None)
        self._pending.append(
            {
                "source": self._source,
                "entity": self._entity,
                "record_id": reject.record_id,
                "file": file,
                "row_number": reject.row,
                "field": reject.field,
                "reason_code": reject.reason_code,
                "reason": reject.reason,
                "record": reject.record[:MAX_RECORD_CHARS],
                "_loaded_at": self._loaded_at,
            }
        )
        if len(self._pending) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Writes what is pending."""
        if self._pending:
            with opened(self._warehouse_path) as connection:
                insert_rows(connection, TABLE, self._pending)
            self._pending.clear()

    def discard(self) -> None:
        """Takes back what this writer wrote: the load it belongs to did not happen."""
        self._pending.clear()
        with opened(self._warehouse_path) as connection:
            connection.execute(
                f"delete from {TABLE} where source = ? and entity = ? and _loaded_at = ?",
                [self._source, self._entity, self._loaded_at],
            )
