"""Web and product events: Segment-spec files, and requests of Segment, RudderStack, Jitsu, Snowplow and PostHog."""

from __future__ import annotations

from pathlib import Path

from ingestion.events.files import SUFFIXES, read_events
from ingestion.events.http import Request, captured_request, parse_request
from ingestion.events.rows import TABLE, Parsed, Row
from ingestion.file_source import find_files, load_files
from ingestion.loading import Loader
from ingestion.results import LoadResult, Progress

__all__ = ["Parsed", "Request", "Row", "captured_request", "load_events", "parse_request", "read_events"]

SOURCE = "events"


def load_events(
    warehouse_path: str | Path,
    folder: str | Path,
    *,
    pipelines_dir: str | Path,
    progress: Progress | None = None,
) -> list[LoadResult]:
    """Loads the event files of a folder that are new or changed into ``raw_events.events``.

    Args:
        warehouse_path: the DuckDB file.
        folder: holds ``.jsonl``, ``.ndjson``, ``.json``, ``.csv`` (each also ``.gz``) and ``.parquet`` files, at any
            depth; or is one such file. See ``events/files.py`` for what each may hold, ``file_source.py`` for what
            happens to changed, moved and half-written files.
        pipelines_dir: folder for dlt's working files.
        progress: told about rows as they are read.

    Raises:
        IngestionError: the folder does not exist, or the load failed as a whole.
    """
    files = find_files(folder, SUFFIXES)
    loader = Loader(warehouse_path, TABLE.dataset, pipelines_dir)
    return [load_files(loader, source=SOURCE, table=TABLE, files=files, read=read_events, progress=progress)]
