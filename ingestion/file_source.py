"""Loading folders of files, each exactly once.

How a file is known. By its path; its content by SHA-256. The record of what was loaded is dlt state, kept in the
warehouse beside the rows.

==============================================  ====================================================================
a file that                                     is
==============================================  ====================================================================
has not changed since it was loaded             skipped (size and modification time are compared first)
is new                                          loaded
has changed since it was loaded                 read again as a whole; its rows and quarantine lines replace the old
has the content of a file loaded before         skipped, and said so (moved, copied or delivered twice)
is not whole (``ingestion/completeness.py``)    refused, and said so; nothing of it is loaded; tried again next run
disappeared after it was loaded                 none of our business: its rows stay
==============================================  ====================================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

from ingestion.completeness import fingerprint
from ingestion.errors import FileRefused, IngestionError
from ingestion.loading import Into, Loader, Produce, State
from ingestion.quarantine import QuarantineWriter, Reject, forget_files
from ingestion.results import REFUSED, LoadResult, NoProgress, Progress
from ingestion.schemas import RawTable
from ingestion.warehouse import opened, record_loads, utc_now


@dataclass(frozen=True)
class SourceFile:
    """A file to load: ``name`` is what ``_source_file`` says (its path below the source's folder)."""

    path: Path
    name: str
    sha256: str = ""
    size: int = 0
    modified_ns: int = 0


Refuse = Callable[[Reject], None]
#: Reads a whole file: yields Arrow tables that have every column of the raw table but ``_source_file`` and
#: ``_loaded_at``, and hands every record it cannot take to the second argument. Raises FileRefused for the file.
Reader = Callable[[SourceFile, Refuse], Iterator[pa.Table]]


@dataclass
class FilePlan:
    """What a run has to do: files to load, names whose old rows go first, and what to tell the user."""

    load: list[SourceFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    touched: dict[str, dict[str, object]] = field(default_factory=dict)


def find_files(folder: str | Path, suffixes: Sequence[str]) -> list[SourceFile]:
    """The files of a folder and below, by name, whose name ends in one of the suffixes; hidden and temporary ones
    (``.x``, ``~x``, ``x.tmp``, ``x.part``) are passed over.

    Raises:
        IngestionError: the folder does not exist.
    """
    root = Path(folder)
    if root.is_file():
        return [SourceFile(root.resolve(), root.name)]
    if not root.is_dir():
        raise IngestionError(f"{root} is not a folder; set the folder of the files to load, or unset it to load none")
    return [
        SourceFile(path.resolve(), path.relative_to(root).as_posix())
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and path.name.lower().endswith(tuple(suffixes))
        and not any(part.startswith((".", "~")) for part in path.relative_to(root).parts)
    ]


def plan_files(files: Sequence[SourceFile], known: State) -> FilePlan:
    """Compares the files found with those loaded before (``known``: name -> path, sha256, size, modified_ns)."""
    plan = FilePlan()
    by_path = {str(entry["path"]): name for name, entry in known.items()}
    fresh: list[tuple[SourceFile, str | None]] = []
    changed: set[str] = set()
    for file in files:
        stat = file.path.stat()
        name = by_path.get(str(file.path))
        entry = known.get(name) if name is not None else None
        if entry and (entry["size"], entry["modified_ns"]) == (stat.st_size, stat.st_mtime_ns):
            fresh.append((SourceFile(file.path, str(name), entry["sha256"], stat.st_size, stat.st_mtime_ns), name))
            continue
        try:
            sha256 = fingerprint(file.path, file.name)
        except FileRefused as refused:
            plan.notes.append(f"{REFUSED}{refused}")
            if name is not None:
                plan.notes.append(f"{name}: the rows of its earlier, whole version stay")
            continue
        fresh.append((SourceFile(file.path, name or file.name, sha256, stat.st_size, stat.st_mtime_ns), name))
        if entry and entry["sha256"] != sha256:
            changed.add(str(name))
    # Content that is still in the warehouse under some name: not that of files that changed (theirs gives way).
    held = {
        str(entry["sha256"]): name for name, entry in known.items() if name not in changed and not entry.get("same_as")
    }
    names = set(known)
    for file, name in fresh:
        entry = known.get(name) if name is not None else None
        same_as = held.get(file.sha256)
        if entry and name not in changed and (same_as == name or entry.get("same_as") == same_as is not None):
            if entry["modified_ns"] != file.modified_ns:
                plan.touched[file.name] = {**entry, "modified_ns": file.modified_ns, "size": file.size}
            continue
        if name is None:
            file = _named_apart(file, names, known)
            names.add(file.name)
        if same_as is not None:
            plan.notes.append(f"{file.name}: skipped, same content as {same_as}, which is loaded")
            plan.touched[file.name] = _entry(file) | {"same_as": same_as}
            continue
        if file.name in known:
            plan.notes.append(f"{file.name}: has changed since it was loaded; its rows are replaced by its new content")
        held[file.sha256] = file.name
        plan.load.append(file)
    return plan


def _named_apart(file: SourceFile, names: set[str], known: State) -> SourceFile:
    """Gives a file a name of its own if another file of that name is loaded and still exists elsewhere."""
    name, parents = file.name, list(file.path.parents)
    depth = len(Path(file.name).parts) - 1
    while name in names:
        other = known.get(name)
        if other is not None and not Path(str(other["path"])).exists():
            break  # the folder moved: this is that file's new version
        if depth >= len(parents) - 1:
            raise IngestionError(f"{file.path}: no name left to tell it from the other file called {file.name}")
        name = f"{parents[depth].name}/{name}"
        depth += 1
    return SourceFile(file.path, name, file.sha256, file.size, file.modified_ns)


def _entry(file: SourceFile) -> dict[str, object]:
    return {
        "path": str(file.path),
        "sha256": file.sha256,
        "size": file.size,
        "modified_ns": file.modified_ns,
    }


def load_files(
    loader: Loader,
    *,
    source: str,
    table: RawTable,
    files: Sequence[SourceFile],
    read: Reader,
    state_key: str = "files",
    reader_version: str = "1",
    merge_on: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> LoadResult:
    """Loads the files of one entity that are new or changed, each whole or not at all.

    Args:
        loader: of the raw table's schema.
        source: what the quarantine and the load record call the source.
        table: the raw table; must have the lineage columns ``_source_file``, ``_source_row``, ``_loaded_at``.
        files: as found by ``find_files``.
        read: reads one file.
        state_key: under which the files loaded are remembered; sources that share a raw table need one each.
        reader_version: changes when the reader would read the same file differently; every file is then read anew.
        merge_on: columns whose equal rows are replaced (exports that repeat a record), empty to append.
        progress: told about rows as they are read.

    Raises:
        IngestionError: the load failed as a whole; the warehouse is as before or will be after the next run.
    """
    watch = progress or NoProgress()
    started_at, clock = utc_now(), time.monotonic()
    known = loader.state(table.name).get(state_key, {})
    plan = plan_files(files, {name: entry for name, entry in known.items() if entry["reader"] == reader_version})
    refused: set[str] = set()
    watch.start(table.qualified, None)
    while True:
        todo = [file for file in plan.load if file.name not in refused]
        counts = _Counts()
        if not todo and not plan.touched:
            break
        loaded_at = utc_now()
        quarantine = QuarantineWriter(loader.warehouse_path, source, table.qualified, loaded_at)
        remembered = {"state_key": state_key, "reader_version": reader_version}
        into = Into(table, merge_on)
        rows = _reading(todo, read, quarantine, counts, watch, into, loaded_at, plan, **remembered)
        names = [file.name for file in todo]
        try:
            loader.run(table.name, rows, partial(_make_room, loader, source, table, names, loaded_at))
            break
        except FileRefused as error:
            # Found out only while reading: the other files still load, this one is tried again next run.
            quarantine.discard()
            refused.add(error.file)
            plan.notes.append(f"{REFUSED}{error}")
        except IngestionError:
            quarantine.discard()
            raise
    watch.finish(table.qualified)
    erased = loader.turned_away.lost(table.qualified)
    result = LoadResult(
        source=source,
        entity=table.qualified,
        rows_read=counts.loaded + counts.refused,
        rows_loaded=counts.loaded - erased,
        rows_quarantined=counts.refused + erased,
        requests=0,
        seconds=round(time.monotonic() - clock, 3),
        load_id=uuid4().hex,
        started_at=started_at,
        finished_at=utc_now(),
        notes=(*loader.notes, *plan.notes),
    )
    loader.notes.clear()
    record_loads(loader.warehouse_path, [result])
    return result


@dataclass
class _Counts:
    loaded: int = 0
    refused: int = 0


def _make_room(loader: Loader, source: str, table: RawTable, names: list[str], loaded_at: datetime) -> None:
    """Removes what earlier versions, or an unfinished load, of the files left."""
    with opened(loader.warehouse_path) as connection:
        connection.execute("begin")
        connection.execute(
            f"delete from {table.qualified} where _source_file in (select unnest(?::varchar[]))"
            + (" and source = ?" if "source" in table.columns.names else ""),
            [names, source] if "source" in table.columns.names else [names],
        )
        forget_files(connection, source, table.qualified, names, loaded_at)
        connection.execute("commit")


def _reading(
    todo: list[SourceFile],
    read: Reader,
    quarantine: QuarantineWriter,
    counts: _Counts,
    watch: Progress,
    into: Into,
    loaded_at: datetime,
    plan: FilePlan,
    *,
    state_key: str,
    reader_version: str,
) -> Produce:
    table = into.table

    def tables(state: State) -> Iterator[tuple[Into, pa.Table]]:
        known: State = state.setdefault(state_key, {})
        for name, entry in plan.touched.items():
            known[name] = {**entry, "reader": reader_version}
        for position, file in enumerate(todo):
            # A microsecond apart, in the order of their names: the later file's version of a record wins.
            file_loaded_at = loaded_at + timedelta(microseconds=position)

            def refuse(reject: Reject, name: str = file.name) -> None:
                counts.refused += 1
                quarantine.add(name, reject)

            before = counts.loaded + counts.refused
            for rows in read(file, refuse):
                counts.loaded += len(rows)
                watch.advance(table.qualified, counts.loaded + counts.refused - before)
                before = counts.loaded + counts.refused
                yield into, _with_lineage(rows, table, file.name, file_loaded_at)
            watch.advance(table.qualified, counts.loaded + counts.refused - before)
            stat = file.path.stat()
            if (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified_ns):
                raise FileRefused(file.name, "was written to while it was read; nothing loaded, tried again next run")
            known[file.name] = {**_entry(file), "reader": reader_version}
        quarantine.flush()

    return tables


def _with_lineage(rows: pa.Table, table: RawTable, name: str, loaded_at: datetime) -> pa.Table:
    """Adds ``_source_file`` and ``_loaded_at`` and puts the columns in the raw table's order and types."""
    count = len(rows)
    lineage: dict[str, Any] = {
        "_source_file": pa.repeat(pa.scalar(name, pa.string()), count),
        "_loaded_at": pa.repeat(pa.scalar(loaded_at, pa.timestamp("us")), count),
    }
    columns = [
        lineage[column.name] if column.name in lineage else rows.column(column.name).cast(column.type)
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=table.columns)
