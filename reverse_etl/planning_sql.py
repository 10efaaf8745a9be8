"""Pieces of SQL that the planner's parts share. Everything is built from checked specs, never from data."""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from reverse_etl.errors import PlanError
from reverse_etl.manifest import Spec
from reverse_etl.policies import CONSENT_RULES

#: The snapshot's name inside the planning connection.
CATALOG = "published"


def object_sql(entries: Sequence[tuple[str, str, str]]) -> str:
    """A JSON object of the (name, value, condition) entries whose condition holds, in the given order.

    Put together as text: building a map and turning it to JSON takes six times as long.
    """
    items = ", ".join(
        f"case when {condition} then {text(f',{json.dumps(name)}:')} || cast(to_json({value}) as varchar) end"
        for name, value, condition in entries
    )
    return f"'{{' || substr(concat({items}), 2) || '}}'"


def json_paths(names: Sequence[str]) -> str:
    """JSON paths of properties, as a SQL list."""
    return "[" + ", ".join(text(f'$."{one}"') for one in names) + "]"


def name(identifier: str) -> str:
    """A quoted identifier."""
    escaped = identifier.replace('"', '""')
    return f'"{escaped}"'


def text(value: str) -> str:
    """A quoted text."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row is not None else 0


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The names of a relation's columns and their types."""
    described = connection.execute(f"describe select * from {relation} limit 0").fetchall()
    return {str(column[0]): str(column[1]) for column in described}


def need_columns(
    connection: duckdb.DuckDBPyConnection, spec: Spec, relation: str, columns: Sequence[str]
) -> dict[str, str]:
    """Refuse a relation that is not in the snapshot or lacks a column; returns the types of those it has by name."""
    where = f"{spec.file}: model {spec.model}"
    qualified = relation if relation.startswith(f"{CATALOG}.") else f"{CATALOG}.{relation}"
    shown = qualified.removeprefix(f"{CATALOG}.").replace('"', "")
    try:
        present = columns_of(connection, qualified)
    except duckdb.CatalogException as error:
        raise PlanError(f"{where}: {shown} is not in the published snapshot; build and publish first") from error
    missing = [column for column in columns if column not in present]
    if missing:
        raise PlanError(
            f"{where}: {shown} has no column {', '.join(missing)}; correct config.meta.{spec.kind} or the model, "
            "then build and publish again"
        )
    return present


def observed_relation(spec: Spec, what: str) -> str:
    """Where the state of the spec's CRM as last read stands (``what``: an object, ``lists``, ...)."""
    return f"{CATALOG}.marts.observed_{spec.destination}_{what}"


def suppressed_sql(spec: Spec) -> str:
    """Why the model itself keeps a row away from the CRM: a text, null when it does not."""
    if spec.consent is None:
        return "cast(null as varchar)"
    rule = CONSENT_RULES[spec.consent.rule]
    return f"case when {rule.suppresses_sql(name(spec.consent.column))} then {text(rule.reason)} end"


def suppressed_records_sql(spec: Spec, object_name: str) -> str:
    """The records of an object that the operational store keeps away from the CRM (``record_id``, ``reason``): of
    erased people always, of people who opted out as long as no later read has brought the record."""
    return f"""
        select suppressions.record_id, min(suppressions.reason) as reason
        from suppressions
        left join {observed_relation(spec, object_name)} as last_read
            on cast(last_read.record_id as varchar) = suppressions.record_id
        where
            suppressions.object = {text(object_name)}
            and (
                suppressions.kind = 'erased'
                or last_read.read_at is null
                or suppressions.created_at > cast(last_read.read_at as timestamp)
            )
        group by suppressions.record_id
    """


def standing_sql(relation: str) -> str:
    """A query: the observed records by id, whether they take writes, and the record that they were merged into."""
    return f"""
        select
            cast(record_id as varchar) as record_id, coalesce(is_archived, false) as is_archived,
            nullif(cast(merged_into as varchar), '') as merged_into
        from {relation}
    """
