"""dbt's manifest, parsed anew only when a file of the project has changed, and what the other assets read from it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leadhouse.settings import PROJECT_DIR, load_settings
from orchestration.errors import ProjectNotParsed

#: What a manifest depends on. Seeds count too: dbt keeps their checksums.
_PROJECT_PARTS = ("models", "macros", "snapshots", "tests/dbt", "dbt_project.yml", "profiles.yml")

#: Arguments before the command: nothing on the terminal, no log file, nothing sent anywhere.
DBT_QUIET = (
    "--no-send-anonymous-usage-stats",
    "--no-version-check",
    "--log-level",
    "none",
    "--log-level-file",
    "none",
    "--no-use-colors",
    "--no-print",
)


def project_fingerprint(project_dir: Path = PROJECT_DIR, seeds_dir: Path | None = None) -> str:
    """A hash over path, size and modification time of every file that the manifest depends on.

    ``seeds_dir``: the folder of the rules in force; the project's own by default.
    """
    digest = hashlib.sha256()
    for root in (*(project_dir / part for part in _PROJECT_PARTS), seeds_dir or project_dir / "seeds"):
        files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
        for path in files:
            if "__pycache__" in path.parts:
                continue
            status = path.stat()
            digest.update(f"{os.path.relpath(path, project_dir)}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def prepared_manifest() -> Path:
    """The path of an up-to-date ``manifest.json``; runs ``dbt parse`` in this process when it is missing or stale.

    Several processes may ask at once (Dagster starts a few): one parses, the others wait.

    Raises:
        ProjectNotParsed: dbt cannot parse the project.
    """
    settings = load_settings()
    manifest = settings.manifest_path
    stamp = manifest.with_name("manifest.fingerprint")
    fingerprint = project_fingerprint(seeds_dir=settings.seeds_dir)
    if _is_current(manifest, stamp, fingerprint):
        return manifest
    manifest.parent.mkdir(parents=True, exist_ok=True)
    with _locked(manifest.with_name("manifest.lock")):
        if not _is_current(manifest, stamp, fingerprint):
            _parse(manifest.parent)
            stamp.write_text(fingerprint, encoding="utf-8")
    return manifest


def read_manifest() -> Mapping[str, Any]:
    """The up-to-date manifest as a mapping."""
    loaded: Mapping[str, Any] = json.loads(prepared_manifest().read_bytes())
    return loaded


def seeds_path(seeds_dir: Path) -> str:
    """A folder of rules as dbt must be given it: from the project's folder, never absolute (``RULE_SETS_DIR``)."""
    return seeds_dir.relative_to(PROJECT_DIR).as_posix()


@contextmanager
def dbt_environment(**extra: str) -> Iterator[None]:
    """dbt's view of this installation (project, profile, rules, warehouse) in ``os.environ`` while the block runs."""
    settings = load_settings()
    wanted = {
        "DBT_PROJECT_DIR": str(PROJECT_DIR),
        "DBT_PROFILES_DIR": str(PROJECT_DIR),
        "LEADHOUSE_SEEDS_DIR": seeds_path(settings.seeds_dir),
        "LEADHOUSE_WAREHOUSE_PATH": str(settings.warehouse),
        **({"LEADHOUSE_MEMORY_LIMIT": settings.memory_limit} if settings.memory_limit else {}),
        **extra,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _is_current(manifest: Path, stamp: Path, fingerprint: str) -> bool:
    return manifest.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == fingerprint


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _parse(target: Path) -> None:
    from dbt.cli.main import dbtRunner

    with dbt_environment():
        result = dbtRunner().invoke([*DBT_QUIET, "parse", "--target-path", str(target)])
    if not result.success:
        raise ProjectNotParsed(f"dbt cannot parse the project: {result.exception}")
