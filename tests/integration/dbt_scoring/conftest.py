"""dbt in this process, running single models on a warehouse of the test's own; what they stand on is made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.tables import ensure_raw_tables

ROOT = Path(__file__).parents[3]

Dbt = Callable[..., None]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with empty raw tables and a pinned clock."""
    path = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        ensure_raw_tables(connection)
        connection.execute("create schema if not exists raw_ops")
        connection.execute("create table if not exists raw_ops.run_clock (as_of_at timestamp, pinned boolean)")
        connection.execute("delete from raw_ops.run_clock")
        connection.execute("insert into raw_ops.run_clock values (timestamp '2026-11-01 12:00:00', true)")
    return path


@pytest.fixture(scope="module")
def dbt(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    """Run one dbt command on the warehouse; fails with dbt's own words. The project is parsed once."""
    from dbt.cli.main import dbtRunner

    target = tmp_path_factory.mktemp("target")
    flags = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--target-path", str(target)]
    flags += ["--log-path", str(target)]
    manifest: Any = None

    def run(*command: str) -> None:
        nonlocal manifest
        try:
            if manifest is None:
                manifest = dbtRunner().invoke(["--quiet", "parse", *flags]).result
            done = dbtRunner(manifest=manifest).invoke(["--quiet", *command, *flags])
        finally:
            close_warehouse()
        problems = [str(done.exception)] if done.exception else []
        if not done.success and done.result is not None:
            problems += [f"{result.node.name}: {result.message}" for result in done.result.results if result.message]
        assert done.success, "\n".join(problems)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADHOUSE_WAREHOUSE_PATH", str(warehouse))
        yield run


def close_warehouse() -> None:
    """dbt-duckdb keeps the file open for the life of the process; the test needs it between two runs."""
    from dbt.adapters.duckdb import connections

    manager: Any = connections.DuckDBConnectionManager
    if manager._ENV is not None:
        manager._ENV.close()
        manager._ENV = None
    manager.close_all_connections()
