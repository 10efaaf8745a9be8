"""A small project for the write-back tests: a manifest, and published snapshots made of plain rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from reverse_etl.plan import Plan
from reverse_etl.planner import PlanMeta, make_plan

READ_AT = datetime(2026, 1, 1)

CONTACT_FIELDS: list[dict[str, Any]] = [
    {"column": "lead_score", "property": "leadhouse_score", "label": "Lead score", "type": "number",
     "field_type": "number", "policy": "ours", "description": "points"},
    {"column": "lead_grade", "property": "leadhouse_grade", "label": "Grade", "type": "string",
     "field_type": "text", "policy": "ours"},
    {"column": "stage_since", "property": "leadhouse_stage_since", "label": "Since", "type": "date",
     "field_type": "date", "policy": "ours"},
    {"column": "title", "property": "jobtitle", "label": "Job title", "type": "string", "field_type": "text",
     "policy": "fill_empty"},
]  # fmt: skip

CONTACTS_SYNC: dict[str, Any] = {
    "destination": "hubspot",
    "object": "contacts",
    "mode": "upsert",
    "key": "sync_key",
    "record_id": "record_id",
    "match_on": {"column": "email", "property": "email"},
    "fields": CONTACT_FIELDS,
    "create_only_fields": [{"column": "email", "property": "email"}],
    "consent": {"column": "is_opted_out", "rule": "not_opted_out"},
    "owner": "marketing-operations",
}

COMPANIES_SYNC: dict[str, Any] = {
    "destination": "hubspot",
    "object": "companies",
    "mode": "update",
    "fields": [
        {"column": "account_score", "property": "leadhouse_score", "label": "Score", "type": "number",
         "field_type": "number"},
    ],
    "owner": "marketing-operations",
}  # fmt: skip

HOT_LIST: dict[str, Any] = {
    "destination": "hubspot",
    "object": "contacts",
    "name": "Leadhouse: hot",
    "purpose": "People to work now",
    "consent": {"column": "is_opted_out", "rule": "not_opted_out"},
    "guards": {"max_shrink_share": 0.5},
    "owner": "marketing-operations",
}

CONTACT_COLUMNS = {
    "sync_key": "varchar", "record_id": "varchar", "email": "varchar", "is_opted_out": "boolean",
    "lead_score": "decimal(18,2)", "lead_grade": "varchar", "stage_since": "date", "title": "varchar",
}  # fmt: skip


def write_manifest(path: Path, *, meta: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
    """A manifest with the given ``config.meta`` per model (default: two syncs and a list)."""
    models = meta or {
        "sync_contacts": {"sync": CONTACTS_SYNC},
        "sync_companies": {"sync": COMPANIES_SYNC},
        "list_hot": {"list": HOT_LIST},
    }
    nodes = {
        f"model.leadhouse.{name}": {
            "resource_type": "model", "name": name, "alias": name, "schema": "marts",
            "patch_path": "leadhouse://models/marts/activation/_activation__marts.yml", "config": {"meta": block},
        }
        for name, block in models.items()
    }  # fmt: skip
    path.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    return path


def write_snapshot(path: Path, **world: Any) -> Path:
    """A published snapshot as a file; ``world`` as for :func:`fill_snapshot`."""
    with duckdb.connect(str(path)) as connection:
        fill_snapshot(connection, **world)
    return path


def planning_connection(**world: Any) -> duckdb.DuckDBPyConnection:
    """What the planner works in: a snapshot attached as ``published`` (in memory), an empty ledger, no refusals."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set threads = 1; attach ':memory:' as published; use published")
    fill_snapshot(connection, **world)
    connection.execute("use memory")
    connection.execute(
        "create temp table ledger (sync varchar, object varchar, sync_key varchar, record_id varchar, "
        "action varchar, fields varchar, acknowledged_at timestamp); "
        "create temp table refusals (sync varchar, sync_key varchar, action varchar, fields varchar, "
        "error_kind varchar, error_message varchar)"
    )
    return connection


def plan_of(connection: duckdb.DuckDBPyConnection, specs: Sequence[Any]) -> tuple[Plan, list[dict[str, Any]]]:
    """The plan and its rows (``fields`` and ``previous`` as dicts)."""
    meta = PlanMeta("plan_1", datetime(2026, 1, 2), timedelta(hours=24), "link", "file", "b1", "r1")
    rows: list[dict[str, Any]] = []

    def keep(sync: str, outcome: str, found: pa.RecordBatchReader) -> None:
        for row in found.read_all().to_pylist():
            rows.append({"seq": len(rows) + 1, "sync": sync, "outcome": outcome, **row})

    plan = make_plan(connection, specs, meta, keep=keep)
    for row in rows:
        row["fields"] = json.loads(row["fields"]) if row["fields"] else None
        row["previous"] = json.loads(row["previous"]) if row["previous"] else None
    return plan, rows


def fill_snapshot(
    connection: duckdb.DuckDBPyConnection,
    *,
    contacts: Sequence[Mapping[str, Any]] = (),
    companies: Sequence[Mapping[str, Any]] = (),
    hot: Sequence[str | None] = (),
    observed_contacts: Mapping[str, Mapping[str, Any]] | None = None,
    observed_companies: Mapping[str, Mapping[str, Any]] | None = None,
    archived: Sequence[str] = (),
    merged: Mapping[str, str] | None = None,
    people: Mapping[str, Mapping[str, str | None]] | None = None,
    associations: Sequence[tuple[str, str, str, str]] = (),
    pairs: Sequence[Mapping[str, Any]] = (),
    lists: Mapping[str, str] | None = None,
    members: Mapping[str, Sequence[str]] | None = None,
    read_at: datetime = READ_AT,
    columns: Mapping[str, str] | None = None,
) -> None:
    """``observed_*`` map a record id to its properties; ``lists`` a list id to its name; ``columns`` retypes columns of
    the contacts' model and adds to them. ``merged`` maps a record id to the one it was merged into, ``people`` a
    contact to what people changed last; ``associations`` are as read, ``pairs`` are the wanted ones."""
    kinds = {**CONTACT_COLUMNS, **(columns or {})}
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.published_build as select 'b1' as build_id, timestamp '2026-01-02' as as_of_at, "
        "timestamp '2026-01-02' as published_at, 'r1' as ruleset_version"
    )
    connection.execute(f"create table marts.sync_contacts ({', '.join(f'{n} {kind}' for n, kind in kinds.items())})")
    _insert(connection, "sync_contacts", [[row.get(name) for name in kinds] for row in contacts])
    connection.execute(
        "create table marts.sync_companies (sync_key varchar, record_id varchar, account_score decimal(18,1))"
    )
    names = ("sync_key", "record_id", "account_score")
    _insert(connection, "sync_companies", [[row.get(name) for name in names] for row in companies])
    connection.execute("create table marts.list_hot (record_id varchar, is_opted_out boolean)")
    _insert(connection, "list_hot", [[record_id, False] for record_id in hot])
    for name, observed in (("contacts", observed_contacts), ("companies", observed_companies)):
        connection.execute(
            f"create table marts.observed_hubspot_{name} "
            "(record_id varchar, properties varchar, is_archived boolean, read_at timestamp, merged_into varchar, "
            "people_changed varchar)"
        )
        away = (merged or {}) if name == "contacts" else {}
        rows = [
            [
                i,
                json.dumps(held),
                i in archived or i in away,
                read_at,
                away.get(i),
                json.dumps((people or {}).get(i, {})),
            ]
            for i, held in (observed or {}).items()
        ]
        _insert(connection, f"observed_hubspot_{name}", rows)
    connection.execute(
        "create table marts.observed_hubspot_lists "
        "(list_id varchar, list_name varchar, object_type varchar, read_at timestamp)"
    )
    _insert(connection, "observed_hubspot_lists", [[i, n, "contacts", read_at] for i, n in (lists or {}).items()])
    connection.execute("create table marts.observed_hubspot_list_memberships (list_id varchar, record_id varchar)")
    joined = [[list_id, record_id] for list_id, ids in (members or {}).items() for record_id in ids]
    _insert(connection, "observed_hubspot_list_memberships", joined)
    connection.execute(
        "create table marts.observed_hubspot_associations "
        "(from_object varchar, from_id varchar, to_object varchar, to_id varchar, read_at timestamp)"
    )
    _insert(connection, "observed_hubspot_associations", [[*one, read_at] for one in associations])
    connection.execute("create table marts.associations (sync_key varchar, from_id varchar, to_id varchar)")
    _insert(connection, "associations", [[row.get(n) for n in ("sync_key", "from_id", "to_id")] for row in pairs])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        # As one relation of text, which the table's own types then read: row by row would take a second a thousand.
        columns = [
            pa.array([None if v is None else str(v) for v in column], pa.string()) for column in zip(*rows, strict=True)
        ]
        connection.register("given_rows", pa.table(columns, names=[f"c{i}" for i in range(len(columns))]))
        connection.execute(f"insert into marts.{table} select * from given_rows")
        connection.unregister("given_rows")
