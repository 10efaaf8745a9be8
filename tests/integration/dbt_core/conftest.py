"""A raw warehouse made of rows written by hand, and the models built on it by dbt itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ingestion.schemas import RAW_TABLES
from ingestion.tables import ensure_raw_tables

ROOT = Path(__file__).resolve().parents[3]
AS_OF = datetime(2026, 11, 1, 6)
Rows = Mapping[str, Iterable[Mapping[str, Any]]]


def moment(days: float = 0, minutes: float = 0) -> datetime:
    """A UTC moment counted from 2026-01-01."""
    return datetime(2026, 1, 1) + timedelta(days=days, minutes=minutes)


def contact(record_id: str, days: float = 0, **properties: str) -> dict[str, Any]:
    """A row of raw_hubspot.contacts created `days` after 2026-01-01."""
    return crm("contacts", record_id, days, **properties)


def company(record_id: str, days: float = 0, **properties: str) -> dict[str, Any]:
    return crm("companies", record_id, days, **properties)


def crm(kind: str, record_id: str, days: float = 0, archived: bool = False, **properties: str) -> dict[str, Any]:
    at = moment(days)
    row: dict[str, Any] = {f"property_{name}": value for name, value in properties.items()}
    unknown = set(row) - set(RAW_TABLES[f"raw_hubspot.{kind}"].columns.names)
    assert not unknown, unknown
    return {
        "id": record_id, "created_at": at, "updated_at": at, "archived": archived, "property_hs_object_id": record_id,
        "properties": json.dumps(properties), "_loaded_at": AS_OF, **row,
    }  # fmt: skip


def page(message_id: str, visitor: str, at: datetime, path: str = "/", **columns: Any) -> dict[str, Any]:
    return event("page", message_id, visitor, at, page_url=f"https://site.example{path}", page_path=path, **columns)


def event(kind: str, message_id: str, visitor: str | None, at: datetime, **columns: Any) -> dict[str, Any]:
    return {
        "type": kind, "message_id": message_id, "anonymous_id": visitor, "event_at": at, "received_at": at,
        "_source_file": "2026.jsonl", "_source_row": int(at.timestamp()), "_loaded_at": AS_OF, **columns,
    }  # fmt: skip


def write_raw(path: Path, rows: Rows) -> Path:
    """Writes the rows (raw table name -> rows) into a new warehouse whose clock is pinned to AS_OF."""
    with duckdb.connect(str(path)) as connection:
        ensure_raw_tables(connection)
        for name, table_rows in rows.items():
            table = RAW_TABLES[name]
            given = list(table_rows)
            complete = [{column: row.get(column) for column in table.columns.names} for row in given]
            extra = {column for row in given for column in row} - set(table.columns.names)
            assert not extra, (name, extra)
            connection.register("given", pa.Table.from_pylist(complete, schema=table.columns))
            connection.execute(f"insert into {name} select * from given")
            connection.unregister("given")
        connection.execute("delete from raw_ops.run_clock")
        connection.execute("insert into raw_ops.run_clock values (?, true)", [AS_OF])
    return path


@pytest.fixture(scope="session")
def dbt_build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `dbt build` (or another command) on a warehouse; parsing is cached from one run to the next."""
    target = tmp_path_factory.mktemp("dbt_target")

    def build(
        warehouse: Path, *select: str, command: str = "build", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "LEADHOUSE_WAREHOUSE_PATH": str(warehouse),
            "DBT_PROFILES_DIR": str(ROOT),
            "DBT_LOG_PATH": str(target / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONPATH": str(ROOT),
        }
        code = "import sys; from dbt.cli.main import cli; cli(sys.argv[1:])"
        arguments = [command, "--quiet", "--project-dir", str(ROOT), "--target-path", str(target), "--select", *select]
        if command == "build":
            arguments += ["--indirect-selection", "cautious"]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return done

    return build
