"""One small world for all tests of the generator."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from benchmarks.load_world import load_world
from sandbox.world.generate import generate


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "small"
    generate("small", out, seed=7)
    return out


@pytest.fixture(scope="session")
def sql(world: Path) -> duckdb.DuckDBPyConnection:
    """Views over the world's files: hubspot tables by name, truth tables as truth_<name>."""
    connection = duckdb.connect()
    for folder, prefix in (("hubspot", ""), ("truth", "truth_")):
        for path in sorted((world / folder).glob("*.parquet")):
            connection.execute(f"create view {prefix}{path.stem} as select * from read_parquet('{path}')")
    return connection


@pytest.fixture(scope="session")
def warehouse(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("warehouse") / "small_world.duckdb"
    load_world(world, path)
    return path
