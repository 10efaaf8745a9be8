"""The published snapshot, attached read-only to an in-memory DuckDB in which the planning happens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from reverse_etl.errors import PlanError
from reverse_etl.manifest import Spec, SyncSpec
from reverse_etl.planning_sql import CATALOG
from reverse_etl.policies import POLICIES


@dataclass(frozen=True)
class Snapshot:
    """An attached snapshot. ``file`` is what the link pointed to when it was opened."""

    connection: duckdb.DuckDBPyConnection
    file: Path
    build_id: str
    ruleset_version: str | None
    #: When it was published (UTC, without a zone): from then on the CRM is behind.
    published_at: datetime | None


@contextmanager
def open_snapshot(path: Path, *, memory_limit: str | None = None) -> Iterator[Snapshot]:
    """Attach a snapshot (a file, or the ``current`` link, resolved once) as ``published``.

    With a ``memory_limit``, what does not fit is laid off in temporary files. Raises
    :class:`PlanError` when there is none or it is not a DuckDB file.
    """
    file = path.resolve()
    if not file.is_file():
        raise PlanError(f"{path}: there is no published snapshot here; run a build and publish first")
    connection = duckdb.connect()
    spill = tempfile.TemporaryDirectory(prefix="leadhouse_plan_")
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set temp_directory = $folder", {"folder": spill.name})
        if memory_limit is not None:
            connection.execute("set memory_limit = $limit", {"limit": memory_limit})
        try:
            escaped = str(file).replace("'", "''")
            connection.execute(f"attach '{escaped}' as {CATALOG} (read_only)")
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise PlanError(f"{file}: cannot be read as a published snapshot ({reason}); publish again") from error
        yield Snapshot(connection, file, *_build(connection, file))
    finally:
        connection.close()
        spill.cleanup()


def _build(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, str | None, datetime | None]:
    try:
        row = connection.execute(f"select * from {CATALOG}.marts.published_build limit 1")
    except duckdb.CatalogException:
        return file.stem, None, None
    names = [column[0] for column in row.description or []]
    values = dict(zip(names, row.fetchone() or [None] * len(names), strict=True))
    version = values.get("ruleset_version")
    build_id = str(values.get("build_id") or file.stem)
    return build_id, None if version is None else str(version), values.get("published_at")


def held_properties(specs: Sequence[Spec]) -> list[str]:
    """The properties of which we must know what we wrote last, however long ago."""
    fields = [field for spec in specs if isinstance(spec, SyncSpec) for field in spec.fields]
    return sorted({field.property for field in fields if POLICIES[field.policy].needs_written})


def ledger_since(connection: duckdb.DuckDBPyConnection, specs: Sequence[Spec]) -> datetime | None:
    """From when on (UTC) our writes to one CRM matter to these specs: from the earliest ``read_at`` among the records
    they are about and the lists, as older ones are in what was read. ``None`` = all: something was never read."""
    oldest: datetime | None = None
    names = dict.fromkeys([*(spec.object for spec in specs), "lists"])
    for destination in {spec.destination for spec in specs}:
        for name in names:
            relation = f"{CATALOG}.marts.observed_{destination}_{name}"
            try:
                row = connection.execute(f"select cast(min(read_at) as timestamp) from {relation}").fetchone()
            except (duckdb.CatalogException, duckdb.BinderException):
                row = None
            if row is None or row[0] is None:
                if name == "lists":
                    continue
                return None
            oldest = row[0] if oldest is None else min(oldest, row[0])
    return oldest
