"""Plain DDL for every raw table, so that dbt builds whatever sources are in use.

The tables are those of ``ingestion/schemas.py``, column by column, in the types dlt would give them: a loader finds
them as if it had made them, and dlt's own bookkeeping tables (``_dlt_*``) join them in the same schemas.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from ingestion.schemas import RAW_TABLES, RawTable

RUN_CLOCK = "raw_ops.run_clock"


def duckdb_type(arrow_type: pa.DataType) -> str:
    """The DuckDB column type of an Arrow type used in ``ingestion/schemas.py``."""
    if pa.types.is_string(arrow_type):
        return "VARCHAR"
    if pa.types.is_timestamp(arrow_type):
        return "TIMESTAMP"
    if pa.types.is_boolean(arrow_type):
        return "BOOLEAN"
    if pa.types.is_int64(arrow_type):
        return "BIGINT"
    if pa.types.is_float64(arrow_type):
        return "DOUBLE"
    if pa.types.is_date32(arrow_type):
        return "DATE"
    if pa.types.is_decimal(arrow_type):
        return f"DECIMAL({arrow_type.precision},{arrow_type.scale})"
    raise TypeError(f"ingestion/schemas.py uses the Arrow type {arrow_type}, which has no DuckDB type here; add it")


def create_table_sql(table: RawTable) -> str:
    """``create table if not exists`` for one raw table."""
    columns = ", ".join(f'"{column.name}" {duckdb_type(column.type)}' for column in table.columns)
    return f"create table if not exists {table.qualified} ({columns})"


def ensure_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates every raw table that is missing (empty), and ``raw_ops.run_clock`` with its one row.

    Idempotent; a table that already exists is left as it is, except that columns which ``ingestion/schemas.py`` gained
    since are added (null for older rows). The clock starts unpinned at the present moment (UTC).
    """
    existing: dict[tuple[str, str], set[str]] = {}
    for schema, name, column in connection.execute(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_catalog = current_database()"
    ).fetchall():
        existing.setdefault((schema, name), set()).add(column)
    for schema in sorted({table.dataset for table in RAW_TABLES.values()}):
        connection.execute(f"create schema if not exists {schema}")
    for table in RAW_TABLES.values():
        found = existing.get((table.dataset, table.name))
        if found is None:
            connection.execute(create_table_sql(table))
            continue
        for column in table.columns:
            if column.name not in found:
                connection.execute(
                    f'alter table {table.qualified} add column "{column.name}" {duckdb_type(column.type)}'
                )
    connection.execute(f"create table if not exists {RUN_CLOCK} (as_of_at timestamp, pinned boolean)")
    connection.execute(
        f"insert into {RUN_CLOCK} select (now() at time zone 'UTC')::timestamp, false "
        f"where not exists (select 1 from {RUN_CLOCK})"
    )
