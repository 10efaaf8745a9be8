"""An installation on folders of its own, driven by the command line only."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from leadhouse.sandbox_process import Sandbox
from leadhouse.settings import PROJECT_DIR


@dataclass
class Installation:
    """An installation on its own folders: what the command line is told through the environment."""

    data_dir: Path
    world: Path
    target: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def warehouse(self) -> Path:
        return self.data_dir / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.data_dir / "published" / "current.duckdb"

    @property
    def ops(self) -> Path:
        return self.data_dir / "ops.db"

    def environment(self, sandbox: Sandbox | None = None) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADHOUSE_")}
        clean |= {
            "DBT_TARGET_PATH": str(self.target),
            "LEADHOUSE_DATA_DIR": str(self.data_dir),
            "LEADHOUSE_OPS_URL": f"sqlite:///{self.ops}",
            "LEADHOUSE_EVENTS_DIR": str(self.world / "events"),
            "LEADHOUSE_ADS_DIR": str(self.world / "ads"),
            "LEADHOUSE_ENRICHMENT_DIR": str(self.world / "enrichment"),
            **self.extra,
        }
        if sandbox is not None:
            clean |= {"LEADHOUSE_HUBSPOT_BASE_URL": sandbox.url, "LEADHOUSE_HUBSPOT_TOKEN": sandbox.token}
        return clean

    def run(self, *arguments: str, sandbox: Sandbox | None = None) -> subprocess.CompletedProcess[str]:
        """Runs one command in a process of its own, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "leadhouse.cli", *arguments],
            cwd=PROJECT_DIR,
            env=self.environment(sandbox),
            capture_output=True,
            text=True,
        )

    def leadhouse(self, *arguments: str, sandbox: Sandbox | None = None) -> str:
        """Runs one command that must succeed; returns what it printed."""
        done = self.run(*arguments, sandbox=sandbox)
        said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, f"leadhouse {' '.join(arguments)}\n{said}"
        return done.stdout + done.stderr


@dataclass
class Demo:
    """The finished demo."""

    installation: Installation
    summary: dict[str, Any]
    output: str

    @property
    def sandbox_database(self) -> Path:
        return self.installation.data_dir / "sandbox.sqlite"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the published snapshot."""
        with duckdb.connect(str(self.installation.published.resolve()), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def warehouse_rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the working warehouse, raw and intermediate tables included."""
        with duckdb.connect(str(self.installation.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()
