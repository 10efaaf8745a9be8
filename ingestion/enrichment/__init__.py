"""Company facts bought from or looked up at a provider, from CSV or Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.currencies import currency
from ingestion.errors import RecordRefused
from ingestion.file_source import Refuse, SourceFile, find_files, load_files
from ingestion.loading import Loader
from ingestion.quarantine import Reject
from ingestion.results import LoadResult, Progress
from ingestion.schemas import RAW_TABLES
from ingestion.tabular import SUFFIXES, Record, TableBuilder, needed, read_records
from ingestion.values import moment, money

__all__ = ["load_enrichment", "read_enrichment"]

SOURCE = "enrichment"
TABLE = RAW_TABLES["raw_enrichment.companies"]
_AS_TEXT = (
    "company_name", "employee_count", "annual_revenue", "activity_code", "activity_code_system", "country",
)  # fmt: skip


def load_enrichment(
    warehouse_path: str | Path,
    folder: str | Path,
    *,
    pipelines_dir: str | Path,
    progress: Progress | None = None,
) -> list[LoadResult]:
    """Loads the enrichment files of a folder that are new or changed into ``raw_enrichment.companies``.

    Columns are those of the raw table: ``domain`` (required), ``company_name``, ``employee_count``, ``annual_revenue``
    with ``revenue_currency``, ``activity_code`` with ``activity_code_system``, ``country``, ``provider`` (else the
    file's name), ``enriched_at`` (ISO 8601), ``cost`` with ``cost_currency``. See ``file_source.py`` for changed,
    moved and half-written files.

    Raises:
        IngestionError: the folder does not exist, or the load failed as a whole.
    """
    loader = Loader(warehouse_path, TABLE.dataset, pipelines_dir)
    files = find_files(folder, SUFFIXES)
    return [load_files(loader, source=SOURCE, table=TABLE, files=files, read=read_enrichment, progress=progress)]


def read_enrichment(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    """Reads one enrichment file; rows that break a rule go to the quarantine.

    Raises:
        FileRefused: there is no column ``domain``.
    """
    builder = TableBuilder(pa.schema([f for f in TABLE.columns if f.name not in ("_source_file", "_loaded_at")]))
    provider = file.path.name.split(".")[0]
    for record in read_records(file, refuse, required=["domain"]):
        try:
            builder.add(_row(record, provider))
        except RecordRefused as refused:
            refuse(Reject(refused.field, refused.reason_code, refused.reason, record.as_json(), record.number))
        if builder.full:
            yield from builder.take()
    yield from builder.take()


def _row(record: Record, provider: str) -> dict[str, Any]:
    cost = record.text("cost")
    enriched_at = record.values.get("enriched_at")
    revenue_currency, cost_currency = record.text("revenue_currency"), record.text("cost_currency")
    return {
        "domain": needed(record.text("domain"), "domain"),
        **{name: record.text(name) for name in _AS_TEXT},
        "revenue_currency": currency(revenue_currency, "revenue_currency") if revenue_currency else None,
        "provider": record.text("provider") or provider,
        "enriched_at": moment(enriched_at, "enriched_at") if enriched_at is not None else None,
        "cost": money(cost, "cost") if cost is not None else None,
        "cost_currency": currency(cost_currency, "cost_currency") if cost_currency else None,
        "_source_row": record.number,
    }
