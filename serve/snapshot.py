"""The published snapshot as requests read it: one open file, a cursor a request, never older than the link.

The link is resolved for every request. When it names another file, that one is opened and the old one is closed as soon
as no request reads it any more. So nobody sees a row of a snapshot that was replaced, a person who was erased included.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from leadhouse.explain import TABLES as EXPLAINED_TABLES
from serve.errors import NotPublished

#: Tables of schema ``marts`` that pages read.
TABLES = (
    *EXPLAINED_TABLES,
    "dim_committee_roles",
    "dim_engagement_signals",
    "dim_owners",
    "dim_scoring_settings",
    "fct_handoff_verdicts",
    "fct_handoffs",
    "fct_opportunities",
    "fct_opportunity_stage_history",
    "fct_stage_transitions",
    "fct_touches",
    "mart_crm_changes",
    "mart_engagement_days",
    "mart_funnel",
    "mart_next_action",
)

_SETTINGS = (
    # A snapshot is read, nothing else: no other file, no extension, no way back.
    "set enable_external_access = false",
    "set lock_configuration = true",
)


@dataclass(frozen=True)
class Stamp:
    """Which build pages are about. Times are UTC without a zone."""

    build_id: str
    as_of_at: datetime
    published_at: datetime
    ruleset_version: str | None


@dataclass(frozen=True)
class Reading:
    """One request's view of one snapshot."""

    cursor: duckdb.DuckDBPyConnection
    stamp: Stamp

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a statement; ``values`` fill its ``$name`` parameters."""
        found = self.cursor.execute(query, values)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def one(self, query: str, **values: Any) -> dict[str, Any] | None:
        """The first row, or None."""
        rows = self.rows(query, **values)
        return rows[0] if rows else None


@dataclass
class _Open:
    identity: tuple[str, int, int]
    connection: duckdb.DuckDBPyConnection
    stamp: Stamp
    readers: int = 0
    is_replaced: bool = field(default=False)


class Snapshots:
    """What the link ``current.duckdb`` names, for many threads at once.

    Args:
        link: the link, or a snapshot itself.
        memory_limit: most memory that statements may use together, such as ``2GB``; None: DuckDB's default.
    """

    def __init__(self, link: Path, *, memory_limit: str | None = None) -> None:
        self._link = link
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        self._open: _Open | None = None

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """A cursor on the newest snapshot for as long as the block runs.

        Raises:
            NotPublished: there is none, or it lacks tables.
        """
        with self._lock:
            current = self._current()
            current.readers += 1
            cursor = current.connection.cursor()
        try:
            yield Reading(cursor, current.stamp)
        finally:
            cursor.close()
            with self._lock:
                current.readers -= 1
                if current.is_replaced and not current.readers:
                    current.connection.close()

    def refresh(self) -> None:
        """Lets go of a replaced file also when nobody asks for a page: it may hold people who were erased since."""
        with self._lock:
            if self._open is not None and self._identity() != self._open.identity:
                self._replace(None)

    def close(self) -> None:
        """Closes what is open; later readings open it again."""
        with self._lock:
            self._replace(None)

    def _current(self) -> _Open:
        for is_last in (False, True):
            identity = self._identity()
            if identity is None:
                self._replace(None)
                raise NotPublished(f"Nothing is published at {self._link}. Run `leadhouse build`.")
            if self._open is not None and self._open.identity == identity:
                return self._open
            try:
                found = self._opened(identity)
            except duckdb.Error:
                # Replaced and deleted between looking at the link and opening what it named.
                if is_last or self._identity() == identity:
                    raise
                continue
            self._replace(found)
            return found
        raise NotPublished(f"{self._link} changes faster than it can be opened.")

    def _identity(self) -> tuple[str, int, int] | None:
        try:
            path = self._link.resolve(strict=True)
            status = path.stat()
        except OSError:
            return None
        return str(path), status.st_ino, status.st_mtime_ns

    def _opened(self, identity: tuple[str, int, int]) -> _Open:
        connection = duckdb.connect(identity[0], read_only=True)
        try:
            there = {
                str(row[0])
                for row in connection.execute(
                    "select table_name from information_schema.tables where table_schema = 'marts'"
                ).fetchall()
            }
            if missing := [table for table in TABLES if table not in there]:
                raise NotPublished(
                    f"The published snapshot lacks marts.{', marts.'.join(missing)}: an older build. "
                    "Run `leadhouse build`."
                )
            row = connection.execute(
                "select build_id, as_of_at, published_at, ruleset_version from marts.published_build"
            ).fetchone()
            if row is None or row[1] is None:
                raise NotPublished("The published snapshot does not say what it is. Run `leadhouse publish`.")
            if self._memory_limit:
                connection.execute(f"set memory_limit = '{self._memory_limit}'")
            for statement in _SETTINGS:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return _Open(identity, connection, Stamp(*row))

    def _replace(self, found: _Open | None) -> None:
        old, self._open = self._open, found
        if old is not None:
            old.is_replaced = True
            if not old.readers:
                old.connection.close()
