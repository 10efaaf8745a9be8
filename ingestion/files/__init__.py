"""Any CRM export as CSV or Parquet, through a mapping file, into ``raw_files``."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from ingestion.errors import MappingError, RecordRefused
from ingestion.file_source import Reader, Refuse, SourceFile, load_files
from ingestion.files.mapping import DATASET, REFERENCES, ColumnRule, EntityRule, MappingFile, read_mapping
from ingestion.loading import Loader
from ingestion.quarantine import Reject
from ingestion.results import LoadResult, Progress
from ingestion.schemas import RAW_TABLES
from ingestion.tabular import Record, TableBuilder, read_records
from ingestion.values import decimal_number, formatted_moment, plain, utc, whole_number
from ingestion.warehouse import opened

__all__ = ["MappingFile", "load_mapping", "read_mapping"]


def load_mapping(
    warehouse_path: str | Path,
    mapping_path: str | Path,
    *,
    pipelines_dir: str | Path,
    root: str | Path | None = None,
    progress: Progress | None = None,
) -> list[LoadResult]:
    """Loads what a mapping file describes: one result for each of its entities.

    A record is replaced when a later file brings it again (by its key); a row that breaks a rule goes to the
    quarantine with its line number. See ``file_source.py`` for changed, moved and half-written files.

    Args:
        warehouse_path: the DuckDB file.
        mapping_path: the YAML file (``docs/examples/README.md``).
        pipelines_dir: folder for dlt's working files.
        root: folder of the export, if not as the mapping says.
        progress: told about rows as they are read.

    Raises:
        MappingError: the mapping is wrong, or one of its paths matches no file.
        IngestionError: the load failed as a whole.
    """
    mapping = read_mapping(mapping_path, root)
    found = {entity.name: _files(mapping, entity, mapping_path) for entity in mapping.entities}
    loader = Loader(warehouse_path, DATASET, pipelines_dir)
    results = [
        load_files(
            loader,
            source=mapping.name,
            table=entity.table,
            files=found[entity.name],
            read=_reader(mapping, entity),
            state_key=f"files:{mapping.name}",
            # Another rule reads the same file differently: its files are read anew when the mapping changes.
            reader_version=hashlib.sha256(repr(entity).encode()).hexdigest()[:16],
            merge_on=("source", "record_id"),
            progress=progress,
        )
        for entity in mapping.entities
    ]
    notes = _resolve_names(warehouse_path, mapping)
    return [replace(result, notes=(*result.notes, *notes.get(result.entity, ()))) for result in results]


def _files(mapping: MappingFile, entity: EntityRule, mapping_path: str | Path) -> list[SourceFile]:
    if not mapping.root.is_dir():
        raise MappingError(f"{mapping_path}: root: {mapping.root} is not a folder; put the export there or change root")
    paths = sorted(path for path in mapping.root.glob(entity.path) if path.is_file())
    if not paths:
        raise MappingError(
            f"{mapping_path}: {entity.name}: path: nothing in {mapping.root} matches {entity.path!r}; "
            "correct the pattern, or take the entity out of the mapping"
        )
    return [SourceFile(path.resolve(), path.relative_to(mapping.root).as_posix()) for path in paths]


def _reader(mapping: MappingFile, entity: EntityRule) -> Reader:
    schema = pa.schema([f for f in entity.table.columns if f.name not in ("_source_file", "_loaded_at")])

    def read(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
        builder = TableBuilder(schema)
        seen: dict[str, int] = {}
        contents: Counter[str] = Counter()
        for record in read_records(file, refuse, required=entity.source_columns, layout=entity.layout):
            record_id: str | None = None
            try:
                record_id = _record_id(record, entity, contents)
                if record_id in seen:
                    raise RecordRefused(
                        " + ".join(entity.key),
                        "duplicate_key",
                        f"{record_id!r} is in row {seen[record_id]} already; a key must identify one record",
                    )
                row = _row(record, entity)
            except RecordRefused as refused:
                why = (refused.field, refused.reason_code, refused.reason)
                refuse(Reject(*why, record.as_json(), record.number, record_id))
                continue
            seen[record_id] = record.number
            builder.add({"source": mapping.name, "record_id": record_id, "_source_row": record.number, **row})
            if builder.full:
                yield from builder.take()
        yield from builder.take()

    return read


def _record_id(record: Record, entity: EntityRule, contents: Counter[str]) -> str:
    if not entity.key:
        digest = hashlib.sha256(record.as_json().encode()).hexdigest()[:24]
        contents[digest] += 1
        return f"generated-{digest}-{contents[digest]}"
    parts = []
    for column in entity.key:
        value = record.text(column)
        if value is None or not value.strip():
            raise RecordRefused(column, "missing_key", f"{column} is empty: the record cannot be told from others")
        parts.append(value)
    return "|".join(parts)


def _row(record: Record, entity: EntityRule) -> dict[str, Any]:
    row = {rule.target: _value(record, rule, entity) for rule in entity.columns}
    for column in entity.required:
        if row.get(column) is None:
            raise RecordRefused(column, "missing_required", f"{column} is empty, and the mapping requires it")
    used = {*entity.key, *(rule.column for rule in entity.columns if rule.refers_to == "id")}
    extra = {name: value for name, value in record.values.items() if name not in used and value is not None}
    row["extra"] = orjson.dumps(extra, default=str).decode() if extra else None
    return row


def _value(record: Record, rule: ColumnRule, entity: EntityRule) -> Any:
    if rule.column is None:
        return formatted_moment(str(rule.constant), rule.date_formats, rule.target) if _dated(rule) else rule.constant
    value = record.values.get(rule.column)
    if value is None:
        return None
    if _dated(rule):
        if isinstance(value, datetime):
            return utc(value)
        if isinstance(value, date):
            return datetime.combine(value, time())
        return formatted_moment(str(value), rule.date_formats, rule.column)
    if rule.kind == "text":
        return str(value)
    marks = {"decimal_mark": entity.decimal_mark, "group_mark": entity.group_mark} if isinstance(value, str) else {}
    if rule.kind == "integer" and rule.scale == 1:
        return str(whole_number(str(value), rule.column, **marks))
    scaled = decimal_number(str(value), rule.column, **marks) * rule.scale
    return str(whole_number(plain(scaled), rule.column)) if rule.kind == "integer" else plain(scaled)


def _dated(rule: ColumnRule) -> bool:
    return rule.kind == "date"


def _resolve_names(warehouse_path: str | Path, mapping: MappingFile) -> dict[str, list[str]]:
    """Turns references by name into record ids, and tells which references lead nowhere.

    A name that two records share, or that no record has, is left as it came. The value as it came also stands in
    ``extra`` under the export's column name.
    """
    notes: dict[str, list[str]] = {}
    with opened(warehouse_path) as connection:
        for entity in mapping.entities:
            table = entity.table.qualified
            for rule in entity.columns:
                target = REFERENCES.get(rule.target)
                if target is None or rule.column is None:
                    continue
                names = f"""
                    select name, min(record_id) as record_id
                    from {DATASET}.{target}
                    where source = ? and name is not null
                    group by name
                    having count(*) = 1
                """
                if rule.refers_to == "name" and "name" in _columns(target):
                    connection.execute(
                        f"update {table} set {rule.target} = names.record_id from ({names}) as names "
                        f"where {table}.source = ? and {table}.{rule.target} = names.name "
                        f"and names.record_id <> names.name and not exists (select 1 from {DATASET}.{target} as known "
                        f"where known.source = {table}.source and known.record_id = {table}.{rule.target})",
                        [mapping.name, mapping.name],
                    )
                row = connection.execute(
                    f"select count(*), count(distinct {rule.target}), min({rule.target}) from {table} as referring "
                    f"where source = ? and {rule.target} is not null and not exists (select 1 from "
                    f"{DATASET}.{target} as known where known.source = referring.source "
                    f"and known.record_id = referring.{rule.target})",
                    [mapping.name],
                ).fetchone()
                if row and row[0]:
                    notes.setdefault(table, []).append(
                        f"{entity.name}.{rule.target}: {row[0]} row(s) refer to {row[1]} {target} that are not in "
                        f"the export, such as {row[2]!r}"
                    )
    return notes


def _columns(entity: str) -> list[str]:
    return list(RAW_TABLES[f"{DATASET}.{entity}"].columns.names)
