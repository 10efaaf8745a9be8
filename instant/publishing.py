"""What publishing adds for the instant path: the scoring statement, compiled, and the rows that it reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import duckdb

from instant.chain import TARGETS, Chain, compile_chain, read_manifest
from instant.leaves import write_leaves
from leadhouse.settings import PROJECT_DIR, load_settings
from orchestration.dbt_run import run_dbt
from orchestration.manifest import project_fingerprint

#: Folder below that of dbt's own target: compiled for new tables, never built from.
TARGET = "instant"


def add_leaves(connection: duckdb.DuckDBPyConnection, warehouse: str, chain: Chain) -> dict[str, int]:
    """Writes schema ``instant`` of a snapshot that is being written; rows by table.

    Args:
        connection: on the snapshot, with the warehouse attached as the catalog ``warehouse``.
        warehouse: that catalog's name.
        chain: the scoring statement.
    """
    return write_leaves(connection, warehouse, chain.seeds, json.dumps(asdict(chain)))


def prepared_chain() -> Chain:
    """The scoring statement of the project as it stands; dbt compiles it again only when a file of the project changed.

    Raises:
        BuildFailed: dbt cannot compile the models.
        ModelNotRestricted: names a model that cannot be computed for one account.
    """
    settings = load_settings()
    target = settings.manifest_path.parent / TARGET
    stamp = target / "compiled.fingerprint"
    fingerprint = project_fingerprint(PROJECT_DIR, settings.seeds_dir)
    manifest = target / "manifest.json"
    if not (manifest.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == fingerprint):
        compile_models(target)
        stamp.write_text(fingerprint, encoding="utf-8")
    return compile_chain(read_manifest(manifest))


def compile_models(target: Path) -> None:
    """Compiles the scoring models as for tables that are not there yet (``--full-refresh``), so without increments."""
    for _ in run_dbt(["compile", "--full-refresh", "--select", *(f"+{name}" for name in TARGETS)], target_path=target):
        pass
