"""The SQLite file behind the org: one table an object, one column a field.

``_row`` numbers the records of a table in the order they came; ids are made of it. Moments are milliseconds since 1970
UTC. The file is a sandbox's: writes are not synced to disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.fields import TEXTS, Field
from sandbox.server.errors import SandboxError
from sandbox.server.storage import get_meta, set_meta

LAYOUT = "salesforce-1"

#: Columns, besides Id and unique fields, that look-ups and incremental reads go by.
_INDEXED = {
    "Account": ["SystemModstamp", "Website"],
    "Contact": ["SystemModstamp", "Email", "AccountId", "MasterRecordId"],
    "Lead": ["SystemModstamp", "Email", "MasterRecordId", "ConvertedContactId"],
    "Opportunity": ["SystemModstamp", "AccountId"],
    "OpportunityContactRole": ["SystemModstamp", "OpportunityId"],
    "Task": ["SystemModstamp", "WhoId"],
    "Event": ["SystemModstamp", "WhoId"],
    "TaskRelation": ["SystemModstamp", "TaskId"],
    "EventRelation": ["SystemModstamp", "EventId"],
    "CampaignMember": ["SystemModstamp", "CampaignId", "LeadId", "ContactId"],
    "Campaign": ["SystemModstamp"],
    "LeadHistory": ["LeadId", "CreatedDate"],
    "ContactHistory": ["ContactId", "CreatedDate"],
    "AccountHistory": ["AccountId", "CreatedDate"],
    "OpportunityFieldHistory": ["OpportunityId", "CreatedDate"],
}


def quoted(name: str) -> str:
    """A table's or column's name in SQL."""
    return f'"{name}"'


def column_of(field: Field) -> str:
    """A field's column definition."""
    collation = " COLLATE NOCASE" if field.type in TEXTS else ""
    return f"{quoted(field.name)} {field.column_type}{collation}"


def connect(path: Path | None) -> sqlite3.Connection:
    """Open (or start) the database; None keeps it in memory.

    Raises:
        SandboxError: the file is none of this version's, or another process has it open.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None, check_same_thread=False, timeout=0.3)
    try:
        for setting in ("locking_mode = EXCLUSIVE", "synchronous = OFF", "cache_size = -262144", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {setting}")
        db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        db.execute(
            "CREATE TABLE IF NOT EXISTS custom_fields (object TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, "
            "PRIMARY KEY (object, name)) WITHOUT ROWID"
        )
        layout = get_meta(db, "layout")
        if layout is None:
            set_meta(db, "layout", LAYOUT)
        elif layout != LAYOUT:
            raise SandboxError(
                f"{path}: written by another version of the sandbox (layout {layout}, this is {LAYOUT}); "
                "start with --reset to build it again"
            )
    except sqlite3.DatabaseError as error:
        db.close()
        raise SandboxError(
            f"{path}: cannot be opened as the sandbox's database ({error}); is another sandbox using it? "
            "Give another --db, or --reset to build it again"
        ) from error
    db.create_function("fold", 1, lambda text: None if text is None else str(text).lower(), deterministic=True)
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: the writes inside are kept together, or undone when anything raises. May stand in another."""
    db.execute("SAVEPOINT work")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK TO work")
        db.execute("RELEASE work")
        raise
    db.execute("RELEASE work")


def create_tables(db: sqlite3.Connection, objects: dict[str, SObject]) -> None:
    """Every table that is not there yet, with the indexes that keep values unique."""
    for sobject in objects.values():
        columns = [column_of(field) for field in sobject.fields.values() if field.expression is None]
        db.execute(
            f"CREATE TABLE IF NOT EXISTS {quoted(sobject.name)} (_row INTEGER PRIMARY KEY, {', '.join(columns)})"
        )
        create_unique_indexes(db, sobject)


def create_unique_indexes(db: sqlite3.Connection, sobject: SObject) -> None:
    """Ids and unique values, look-ups by them included."""
    for field in sobject.fields.values():
        if field.name == "Id" or field.external_id or field.unique:
            # A record in the bin keeps its value without standing in the way of another: writes check, not the index.
            unique = "UNIQUE" if field.name == "Id" else ""
            db.execute(
                f"CREATE {unique} INDEX IF NOT EXISTS {quoted(f'{sobject.name}_{field.name}')} "
                f"ON {quoted(sobject.name)} ({quoted(field.name)})"
            )


def create_indexes(db: sqlite3.Connection) -> None:
    """The other indexes; after a first load, because one sort is cheaper than many insertions."""
    for table, columns in _INDEXED.items():
        for column in columns:
            db.execute(
                f"CREATE INDEX IF NOT EXISTS {quoted(f'{table}_by_{column}')} ON {quoted(table)} ({quoted(column)})"
            )


def last_row(db: sqlite3.Connection, table: str) -> int:
    """The highest ``_row`` of a table; 0 when it is empty."""
    return int(db.execute(f"SELECT coalesce(max(_row), 0) FROM {quoted(table)}").fetchone()[0])
