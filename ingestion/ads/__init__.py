"""Advertising spend by platform, campaign and day, and the names of campaigns, from CSV or Parquet files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.ads.mapping import AdMapping, Field, read_ad_mapping
from ingestion.currencies import currency
from ingestion.errors import FileRefused, RecordRefused
from ingestion.file_source import Refuse, SourceFile, find_files, load_files
from ingestion.loading import Loader
from ingestion.quarantine import Reject
from ingestion.results import LoadResult, Progress
from ingestion.schemas import RAW_TABLES
from ingestion.tabular import SUFFIXES, Record, TableBuilder, needed, read_records
from ingestion.values import calendar_date, decimal_number, formatted_moment, money, whole_number

__all__ = ["AdMapping", "load_ads", "read_ad_mapping", "read_report", "read_spend"]

SOURCE = "ads"
TABLES = {"spend": RAW_TABLES["raw_ads.spend"], "campaigns": RAW_TABLES["raw_ads.campaigns"]}


def load_ads(
    warehouse_path: str | Path,
    folder: str | Path,
    *,
    pipelines_dir: str | Path,
    rules: str | Path | None = None,
    progress: Progress | None = None,
) -> list[LoadResult]:
    """Loads the exports of a folder that are new or changed into ``raw_ads.spend`` and ``raw_ads.campaigns``.

    Which export a file is, and which field of it is which of ours, is told by ``ad_reports.csv`` and ``ad_fields.csv``
    of ``rules`` (a folder; None: the rules the project ships). When they change, every file is read again. One result
    for spend, and one for campaigns where the folder has such files. See ``file_source.py`` for changed, moved and
    half-written files.

    Raises:
        IngestionError: the folder does not exist, the rules are wrong, or the load failed as a whole.
    """
    mapping = read_ad_mapping(rules)
    loader = Loader(warehouse_path, TABLES["spend"].dataset, pipelines_dir)
    files: dict[str, list[SourceFile]] = {"spend": [], "campaigns": []}
    for file in find_files(folder, SUFFIXES):
        report = mapping.report_of(file)
        if report is None or report.content == "ignored":
            loader.notes.append(f"{file.name}: passed over, " + (report.name if report else "no row of ad_reports.csv"))
        else:
            files[report.content].append(file)
    return [
        load_files(
            loader,
            source=SOURCE,
            table=table,
            files=files[content],
            read=partial(read_report, mapping),
            reader_version=mapping.version,
            progress=progress,
        )
        for content, table in TABLES.items()
        if content == "spend" or files[content]
    ]


def read_spend(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    """Reads one file by the rules the project ships (see ``read_report``)."""
    yield from read_report(read_ad_mapping(), file, refuse)


def read_report(mapping: AdMapping, file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    """Reads one export as rows of its raw table; rows that break a rule go to the quarantine, under the field's name in
    the file.

    Raises:
        FileRefused: no export that is read matches the file's name, or it lacks a required field.
    """
    report = mapping.report_of(file)
    if report is None or report.content == "ignored":
        raise FileRefused(file.name, "is no export that ad_reports.csv tells to read; nothing loaded")
    columns = TABLES[report.content].columns
    builder = TableBuilder(pa.schema([f for f in columns if f.name not in ("_source_file", "_loaded_at")]))
    platform = report.platform or re.sub(r"[_-]?\d{4}[_-]?\d{2}([_-]?\d{2})?$", "", file.path.name.split(".")[0])
    fields: dict[str, Field] | None = None
    for record in read_records(file, refuse, required=()):
        if fields is None:
            fields = report.located(file.name, list(record.values))
        try:
            builder.add(_row(record, fields, platform))
        except RecordRefused as refused:
            refuse(Reject(refused.field, refused.reason_code, refused.reason, record.as_json(), record.number))
        if builder.full:
            yield from builder.take()
    yield from builder.take()


def _row(record: Record, fields: dict[str, Field], platform: str) -> dict[str, Any]:
    row: dict[str, Any] = {"platform": platform, "_source_row": record.number}
    for target, field in fields.items():
        text = record.text(field.name)
        if field.is_required:
            needed(text, field.name, f"missing_{target}")
        if text is not None:
            row[target] = _value(text, field)
    needed(row["platform"], "platform")
    return row


def _value(text: str, field: Field) -> object:
    match field.target:
        case "spend_on":
            return calendar_date(text, field.name, field.formats)
        case "updated_at":
            return formatted_moment(text, field.formats, field.name)
        case "currency":
            return currency(text, field.name)
        case "spend" if field.factor == 1:
            return money(text, field.name)
        case "spend":
            return money(format(decimal_number(text, field.name) * field.factor, "f"), field.name)
        case "impressions" | "clicks":
            return whole_number(text, field.name)
        case _:
            return text
