"""The published snapshot: every mart of a green build in a file of its own, behind a link that is swapped at once.

Readers (pages, write-back, notebooks) resolve the link once and keep reading the file they opened, whatever is built or
published meanwhile. File names are never reused: a process that has the old file open must never see it change.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from instant.chain import Chain
from instant.publishing import add_leaves
from orchestration.errors import NothingToPublish

LINK_NAME = "current.duckdb"
PUBLISHED_SCHEMA = "marts"

#: Models that stamp the rule set they were computed under, in the order in which they are asked.
_STAMPED_MODELS = ("fct_score_ledger", "fct_contact_scores", "fct_account_scores")


@dataclass(frozen=True)
class Published:
    """One published snapshot. ``rows`` is by table; ``seconds`` is wall time."""

    build_id: str
    path: Path
    as_of_at: datetime | None
    ruleset_version: str | None
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def new_build_id(now: datetime | None = None) -> str:
    """A name that sorts by time (UTC) and is never given twice."""
    moment = now or datetime.now(UTC)
    return f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def publish(
    warehouse: Path, published_dir: Path, *, keep: int = 3, build_id: str | None = None, chain: Chain | None = None
) -> Published:
    """Copies schema ``marts`` of the warehouse into ``<published_dir>/<build_id>.duckdb`` and swaps the link to it.

    Tables are sorted by ``account_id`` where they have one, so that one account's rows lie together. Until the link is
    swapped nobody sees the new file; if anything fails before, the half-written file is removed and the link stays.

    Args:
        warehouse: the working warehouse; must not be open for writing in another process.
        published_dir: created if missing.
        keep: how many snapshots stay on disk, this one included.
        build_id: the snapshot's name; made up when None.
        chain: the scoring statement; with it the snapshot gets schema ``instant``, which the instant path scores on.

    Raises:
        NothingToPublish: the warehouse is missing or has no table in schema ``marts``.
    """
    if not warehouse.exists():
        raise NothingToPublish(f"There is no warehouse at {warehouse}. Run `leadhouse ingest` and `leadhouse build`.")
    started = time.monotonic()
    name = build_id or new_build_id()
    published_dir.mkdir(parents=True, exist_ok=True)
    final = published_dir / f"{name}.duckdb"
    if final.exists():
        raise FileExistsError(f"{final} exists already: a build id is used once")
    unfinished = published_dir / f".{name}.unfinished"
    try:
        snapshot = _write(warehouse, unfinished, name, chain)
        unfinished.rename(final)
    finally:
        for leftover in (unfinished, unfinished.with_name(unfinished.name + ".wal")):
            leftover.unlink(missing_ok=True)
    swap_link(published_dir / LINK_NAME, final)
    _delete_old(published_dir, keep)
    return Published(
        build_id=name,
        path=final,
        as_of_at=snapshot.as_of_at,
        ruleset_version=snapshot.ruleset_version,
        rows=snapshot.rows,
        seconds=time.monotonic() - started,
    )


def swap_link(link: Path, target: Path) -> None:
    """Points ``link`` at ``target`` in one step: a reader finds the old file or the new one, never neither."""
    temporary = link.with_name(f".{link.name}.{secrets.token_hex(3)}")
    temporary.symlink_to(target.name)
    os.replace(temporary, link)  # noqa: PTH105 (Path.replace would resolve nothing more, and this says "atomic")


def current_snapshot(published_dir: Path) -> Path:
    """The file that the link names now.

    Raises:
        NothingToPublish: no build has been published yet.
    """
    link = published_dir / LINK_NAME
    if not link.exists():
        raise NothingToPublish(f"Nothing is published in {published_dir} yet. Run `leadhouse build`.")
    return link.resolve()


def published_as_of(snapshot: Path) -> datetime | None:
    """The moment (UTC, without a zone) for which the marts of a snapshot were computed; None if it does not say."""
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        row = connection.execute(f"select as_of_at from {PUBLISHED_SCHEMA}.published_build").fetchone()
    return row[0] if row else None


def _write(warehouse: Path, path: Path, build_id: str, chain: Chain | None) -> Published:
    connection = duckdb.connect(str(path))
    try:
        connection.execute("set timezone = 'UTC'")
        # Under its own name, as dbt knows it: a mart that is a view names its inputs with that.
        source = warehouse.stem
        connection.execute(f"attach '{_quoted(warehouse)}' as \"{source}\" (read_only)")
        tables = [
            str(row[0])
            for row in connection.execute(
                "select table_name from information_schema.tables "
                "where table_catalog = ? and table_schema = ? order by table_name",
                [source, PUBLISHED_SCHEMA],
            ).fetchall()
        ]
        if not tables:
            raise NothingToPublish(f"{warehouse} holds no marts yet. Run `leadhouse build`.")
        connection.execute(f"create schema {PUBLISHED_SCHEMA}")
        rows: dict[str, int] = {}
        for table in tables:
            order = " order by account_id" if _has_column(connection, source, table, "account_id") else ""
            copied = connection.execute(
                f'create table {PUBLISHED_SCHEMA}."{table}" as '
                f'select * from "{source}".{PUBLISHED_SCHEMA}."{table}"{order}'
            ).fetchone()
            rows[table] = int(copied[0]) if copied else 0
        as_of_at = _as_of(connection, source)
        ruleset_version = _ruleset_version(connection, source, tables)
        connection.execute(
            f"create table {PUBLISHED_SCHEMA}.published_build as select cast(? as varchar) as build_id, "
            "cast(? as timestamp) as as_of_at, cast(? as timestamp) as published_at, "
            "cast(? as varchar) as ruleset_version",
            [build_id, as_of_at, datetime.now(UTC).replace(tzinfo=None), ruleset_version],
        )
        if chain is not None:
            rows |= {f"instant.{table}": count for table, count in add_leaves(connection, source, chain).items()}
        connection.execute(f'detach "{source}"')
        connection.execute("checkpoint")
    finally:
        connection.close()
    return Published(build_id, path, as_of_at, ruleset_version, rows)


def _has_column(connection: duckdb.DuckDBPyConnection, source: str, table: str, column: str) -> bool:
    found = connection.execute(
        "select count(*) from information_schema.columns where table_catalog = ? and table_schema = ? "
        "and table_name = ? and column_name = ?",
        [source, PUBLISHED_SCHEMA, table, column],
    ).fetchone()
    return bool(found and found[0])


def _as_of(connection: duckdb.DuckDBPyConnection, source: str) -> datetime | None:
    known = connection.execute(
        "select count(*) from information_schema.tables where table_catalog = ? "
        "and table_schema = 'intermediate' and table_name = 'int_as_of'",
        [source],
    ).fetchone()
    if not known or not known[0]:
        return None
    row = connection.execute(f'select as_of_at from "{source}".intermediate.int_as_of').fetchone()
    return row[0] if row else None


def _ruleset_version(connection: duckdb.DuckDBPyConnection, source: str, tables: list[str]) -> str | None:
    for table in _STAMPED_MODELS:
        if table in tables and _has_column(connection, source, table, "ruleset_version"):
            row = connection.execute(f'select max(ruleset_version) from {PUBLISHED_SCHEMA}."{table}"').fetchone()
            if row and row[0] is not None:
                return str(row[0])
    return None


def _delete_old(published_dir: Path, keep: int) -> None:
    """Removes all but the newest ``keep`` snapshots, never the one the link names. Open readers keep their file."""
    current = (published_dir / LINK_NAME).resolve()
    files = sorted(
        (path for path in published_dir.glob("*.duckdb") if not path.is_symlink()),
        key=lambda path: path.stat().st_mtime_ns,
        reverse=True,
    )
    for path in files[keep:]:
        if path.resolve() != current:
            path.unlink()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
