"""The SQLite file behind the portal.

One table per object type. A record's properties are one JSON text; id and timestamps are columns, so that a page in id
order, a batch read by id and an incremental search by modification time are index look-ups at any size. Times are
integers, milliseconds since 1970 UTC. The file is a sandbox's: writes are not synced to disk.
"""

from __future__ import annotations

import fnmatch
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.server.catalog import OBJECT_TYPES
from sandbox.server.clock import parse_ms
from sandbox.server.errors import SandboxError

SCHEMA_VERSION = "1"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- Values of unique properties, and every e-mail a contact is known by.
CREATE TABLE IF NOT EXISTS unique_values (
    object INTEGER NOT NULL, property TEXT NOT NULL, value TEXT NOT NULL, record_id INTEGER NOT NULL,
    PRIMARY KEY (object, property, value)) WITHOUT ROWID;
-- A merged record's id leads to the survivor's.
CREATE TABLE IF NOT EXISTS merged_records (
    object INTEGER NOT NULL, merged_id INTEGER NOT NULL, survivor_id INTEGER NOT NULL,
    PRIMARY KEY (object, merged_id)) WITHOUT ROWID;
-- One write of one record: values after it and, where known, before it, as JSON objects by property.
CREATE TABLE IF NOT EXISTS change_log (
    seq INTEGER PRIMARY KEY, object INTEGER NOT NULL, record_id INTEGER NOT NULL, at INTEGER NOT NULL,
    source_type TEXT NOT NULL, source_id TEXT, user_id INTEGER, after TEXT NOT NULL, before TEXT);
CREATE TABLE IF NOT EXISTS associations (
    from_object INTEGER NOT NULL, from_id INTEGER NOT NULL, to_object INTEGER NOT NULL, to_id INTEGER NOT NULL,
    type_id INTEGER NOT NULL, category TEXT NOT NULL, label TEXT,
    PRIMARY KEY (from_object, from_id, to_object, to_id, type_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS property_definitions (
    object INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, archived INTEGER NOT NULL,
    PRIMARY KEY (object, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS property_groups (
    object INTEGER NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (object, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
    id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, last_name TEXT, user_id INTEGER, archived INTEGER NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS pipeline_stages (
    object INTEGER NOT NULL, pipeline_id TEXT NOT NULL, pipeline_label TEXT NOT NULL, stage_id TEXT NOT NULL,
    stage_label TEXT NOT NULL, display_order INTEGER NOT NULL, probability TEXT, is_closed TEXT,
    archived INTEGER NOT NULL, PRIMARY KEY (object, pipeline_id, stage_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lists (
    list_id INTEGER PRIMARY KEY, name TEXT NOT NULL, object INTEGER NOT NULL, processing_type TEXT NOT NULL,
    filter_branch TEXT, version INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, deleted INTEGER);
CREATE TABLE IF NOT EXISTS list_members (
    list_id INTEGER NOT NULL, record_id INTEGER NOT NULL, added INTEGER NOT NULL,
    PRIMARY KEY (list_id, record_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS list_members_by_record ON list_members (record_id);
CREATE TABLE IF NOT EXISTS blocked_emails (email TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS forms (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, form_type TEXT NOT NULL, field_names TEXT NOT NULL,
    archived INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS form_submissions (
    id TEXT NOT NULL, form_id TEXT NOT NULL, submitted INTEGER NOT NULL, email TEXT, page_url TEXT, answers TEXT);
CREATE TABLE IF NOT EXISTS email_campaigns (
    id TEXT PRIMARY KEY, app_id TEXT, name TEXT, subject TEXT, type TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS email_events (
    id TEXT NOT NULL, type TEXT NOT NULL, created INTEGER NOT NULL, recipient TEXT, campaign_id TEXT, url TEXT,
    is_machine INTEGER, subscription_status TEXT);
"""

#: Built after a bulk load: an index that grows row by row costs more than one sort at the end.
_LATE_INDEXES = {
    "change_log_by_record": "change_log (object, record_id)",
    "form_submissions_by_id": "form_submissions (id)",
    "form_submissions_by_time": "form_submissions (form_id, submitted, id)",
    "email_events_by_id": "email_events (id)",
    "email_events_by_time": "email_events (created, id)",
    "email_events_by_type": "email_events (type, created, id)",
    **{f"{t.table}_by_update": f"{t.table} (updated, id) WHERE archived IS NULL" for t in OBJECT_TYPES},
    **{f"{t.table}_archived": f"{t.table} (id) WHERE archived IS NOT NULL" for t in OBJECT_TYPES},
}
_UNIQUE_INDEXES = {"form_submissions_by_id", "email_events_by_id"}


def connect(path: Path | None) -> sqlite3.Connection:
    """Open (and lay out) the database; ``None`` keeps it in memory.

    Raises:
        SandboxError: the file is no database of this version, or another process is writing it.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None, check_same_thread=False, timeout=0.3)
    try:
        db.execute("PRAGMA journal_mode = MEMORY")
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -262144")
        db.execute("PRAGMA temp_store = MEMORY")
        db.executescript(_TABLES)
        for object_type in OBJECT_TYPES:
            db.execute(
                f"CREATE TABLE IF NOT EXISTS {object_type.table} (id INTEGER PRIMARY KEY, created INTEGER NOT NULL, "
                "updated INTEGER NOT NULL, archived INTEGER, properties TEXT NOT NULL)"
            )
        version = get_meta(db, "schema_version")
        if version is None:
            set_meta(db, "schema_version", SCHEMA_VERSION)
        elif version != SCHEMA_VERSION:
            raise SandboxError(
                f"{path}: written by another version of the sandbox (layout {version}, this is {SCHEMA_VERSION}); "
                "start with --reset to build it again"
            )
        build_indexes(db)
    except sqlite3.DatabaseError as error:
        db.close()
        raise SandboxError(
            f"{path}: cannot be opened as the sandbox's database ({error}); is another sandbox using it? "
            "Give another --db, or --reset to build it again"
        ) from error
    db.create_function("fold", 1, _fold, deterministic=True)
    db.create_function("to_ms", 1, _to_ms, deterministic=True)
    db.create_function("has_token", 2, _has_token, deterministic=True)
    return db


def use_wal(db: sqlite3.Connection) -> None:
    """Journal as the server needs it: a killed server loses nothing, a refused batch is undone.

    A database in memory cannot append its writes to a file: it keeps what it must undo in memory.
    """
    if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        db.execute("PRAGMA journal_mode = MEMORY")


def build_indexes(db: sqlite3.Connection) -> None:
    """Create the indexes that a bulk load leaves out."""
    for name, target in _LATE_INDEXES.items():
        unique = "UNIQUE" if name in _UNIQUE_INDEXES else ""
        db.execute(f"CREATE {unique} INDEX IF NOT EXISTS {name} ON {target}")


def drop_indexes(db: sqlite3.Connection) -> None:
    """Drop them again before one."""
    for name in _LATE_INDEXES:
        db.execute(f"DROP INDEX IF EXISTS {name}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: the writes inside are kept together, or undone when anything raises."""
    db.execute("BEGIN")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def get_meta(db: sqlite3.Connection, key: str) -> str | None:
    """A fact about the database itself."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(db: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a fact about the database itself."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def placeholders(count: int) -> str:
    """``?,?,?`` for ``count`` values."""
    return ",".join("?" * count)


def _fold(value: str | None) -> str | None:
    """Lower case for every alphabet: SQLite's own function knows ASCII only."""
    return None if value is None else str(value).lower()


def _to_ms(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return parse_ms(value)
    except ValueError:
        return None


def _has_token(value: str | None, wanted: str) -> bool | None:
    if value is None:
        return None
    text = value.lower()
    tokens = [text, *re.split(r"[^\w]+", text)]
    if "*" in wanted:
        return any(fnmatch.fnmatchcase(token, wanted) for token in tokens)
    pieces = [piece for piece in re.split(r"[^\w]+", wanted) if piece]
    return wanted == text or (bool(pieces) and all(piece in tokens for piece in pieces))
