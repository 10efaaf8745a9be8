"""Advertising spend by platform, campaign and day, from CSV or Parquet files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.currencies import currency
from ingestion.errors import FileRefused, RecordRefused
from ingestion.file_source import Refuse, SourceFile, find_files, load_files
from ingestion.loading import Loader
from ingestion.quarantine import Reject
from ingestion.results import LoadResult, Progress
from ingestion.schemas import RAW_TABLES
from ingestion.tabular import SUFFIXES, Record, TableBuilder, needed, read_records
from ingestion.values import calendar_date, money, whole_number

__all__ = ["load_ads", "read_spend"]

SOURCE = "ads"
TABLE = RAW_TABLES["raw_ads.spend"]
#: Names under which platforms export the columns we need.
_ALIASES = {
    "spend_on": ("spend_on", "date", "day"),
    "platform": ("platform",),
    "channel": ("channel",),
    "campaign": ("campaign", "campaign_name"),
    "currency": ("currency", "currency_code"),
    "spend": ("spend", "cost"),
    "impressions": ("impressions",),
    "clicks": ("clicks",),
}


def load_ads(
    warehouse_path: str | Path,
    folder: str | Path,
    *,
    pipelines_dir: str | Path,
    progress: Progress | None = None,
) -> list[LoadResult]:
    """Loads the spend files of a folder that are new or changed into ``raw_ads.spend``.

    Columns: ``date`` (or ``day``, ``spend_on``; ISO 8601), ``campaign``, ``currency`` (ISO 4217), ``spend`` (or
    ``cost``; in that currency), optionally ``platform`` (else the file's name up to ``_<yyyy-mm>``), ``channel``,
    ``impressions``, ``clicks``. See ``file_source.py`` for changed, moved and half-written files.

    Raises:
        IngestionError: the folder does not exist, or the load failed as a whole.
    """
    loader = Loader(warehouse_path, TABLE.dataset, pipelines_dir)
    files = find_files(folder, SUFFIXES)
    return [load_files(loader, source=SOURCE, table=TABLE, files=files, read=read_spend, progress=progress)]


def read_spend(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    """Reads one spend file; rows that break a rule go to the quarantine.

    Raises:
        FileRefused: no column for the date, the currency or the spend.
    """
    builder = TableBuilder(pa.schema([f for f in TABLE.columns if f.name not in ("_source_file", "_loaded_at")]))
    columns: dict[str, str] | None = None
    platform = re.sub(r"[_-]?\d{4}[_-]?\d{2}([_-]?\d{2})?$", "", file.path.name.split(".")[0])
    for record in read_records(file, refuse, required=()):
        if columns is None:
            columns = _columns(file, record)
        try:
            builder.add(_row(record, columns, platform))
        except RecordRefused as refused:
            refuse(Reject(refused.field, refused.reason_code, refused.reason, record.as_json(), record.number))
        if builder.full:
            yield from builder.take()
    yield from builder.take()


def _columns(file: SourceFile, record: Record) -> dict[str, str]:
    by_lower = {name.lower(): name for name in record.values}
    found = {
        column: next((by_lower[alias] for alias in aliases if alias in by_lower), "")
        for column, aliases in _ALIASES.items()
    }
    missing = [column for column in ("spend_on", "currency", "spend") if not found[column]]
    if missing:
        choices = "; ".join(f"{column}: one of {', '.join(_ALIASES[column])}" for column in missing)
        raise FileRefused(
            file.name, f"lacks columns ({choices}); its header has {', '.join(record.values)}. Nothing loaded"
        )
    return found


def _row(record: Record, columns: dict[str, str], platform: str) -> dict[str, Any]:
    def value(column: str) -> str | None:
        return record.text(columns[column]) if columns[column] else None

    def count(column: str) -> int | None:
        text = value(column)
        return None if text is None else whole_number(text, column)

    return {
        "spend_on": calendar_date(needed(value("spend_on"), "spend_on"), "spend_on"),
        "platform": needed(value("platform") or platform, "platform"),
        "channel": value("channel"),
        "campaign": value("campaign"),
        "currency": currency(needed(value("currency"), "currency"), "currency"),
        "spend": money(needed(value("spend"), "spend"), "spend"),
        "impressions": count("impressions"),
        "clicks": count("clicks"),
        "_source_row": record.number,
    }
