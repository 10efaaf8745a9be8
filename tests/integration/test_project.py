"""Promises about the project itself: it parses clean, its definitions load, its models keep the house rules."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(command: list[str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "DBT_PROFILES_DIR": str(ROOT),
        "LEADHOUSE_WAREHOUSE_PATH": str(tmp_path / "none.duckdb"),
        "LEADHOUSE_DATA_DIR": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("parse")
    target = folder / "target"
    # --warn-error: a deprecation, an unused path, a test without `arguments:` is an error here.
    parse = [str(BIN / "dbt"), "--warn-error", "parse", "--no-partial-parse", "--show-all-deprecations"]
    result = run([*parse, "--target-path", str(target)], folder)
    assert result.returncode == 0, result.stdout + result.stderr
    parsed: dict[str, Any] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return parsed


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_every_model_is_described_and_marts_have_contracts(manifest: dict[str, Any]) -> None:
    silent = [node["name"] for node in models(manifest) if not node["description"].strip()]
    assert not silent, f"models without a description: {silent}"
    loose = [
        node["name"]
        for node in models(manifest)
        if node["original_file_path"].startswith("models/marts/") and not node["config"]["contract"]["enforced"]
    ]
    assert not loose, f"marts without an enforced contract: {loose}"


def test_every_model_s_key_is_tested(manifest: dict[str, Any]) -> None:
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name", "").startswith(("unique", "primary_key"))
    }
    marts = [node for node in models(manifest) if node["original_file_path"].startswith("models/marts/")]
    untested = [node["name"] for node in marts if node["unique_id"] not in keyed]
    assert not untested, f"marts whose key no test holds: {untested}"


def test_every_sync_has_an_exposure_with_an_owner(manifest: dict[str, Any]) -> None:
    exposed = {parent for node in manifest["exposures"].values() for parent in node["depends_on"]["nodes"]}
    synced = [node for node in models(manifest) if {"sync", "list"} & set(node["config"]["meta"])]
    assert synced
    assert not [node["name"] for node in synced if node["unique_id"] not in exposed]
    assert all(node["owner"].get("name") or node["owner"].get("email") for node in manifest["exposures"].values())


def test_no_model_calls_a_clock_or_uses_qualify(manifest: dict[str, Any]) -> None:
    forbidden = re.compile(
        r"\b(current_timestamp|current_date|now\s*\(|today\s*\(|qualify\b|recursive\b)", re.IGNORECASE
    )
    found = []
    for node in models(manifest):
        code = re.sub(r"--[^\n]*|\{#.*?#\}", "", node["raw_code"], flags=re.DOTALL)
        found += [f"{node['original_file_path']}: {match}" for match in forbidden.findall(code)]
    assert not found, "\n".join(found)


def test_a_macro_s_file_bears_its_name(manifest: dict[str, Any]) -> None:
    ours = [macro for macro in manifest["macros"].values() if macro["package_name"] == "leadhouse"]
    strangers = [
        f"{macro['original_file_path']}: {macro['name']}"
        for macro in ours
        if macro["original_file_path"].startswith("macros/")
        and Path(macro["original_file_path"]).stem not in re.sub(r"^(default|duckdb|spark)__", "", macro["name"])
    ]
    assert not strangers, "\n".join(strangers)


def test_dagster_definitions_load_and_check(tmp_path: Path) -> None:
    result = run([str(BIN / "dg"), "check", "defs"], tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_dependencies_are_locked_with_hashes_and_no_index_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.findall(r"^[A-Za-z0-9][^\s]*==[^\s]+", lock, flags=re.MULTILINE)
    assert len(pinned) > 50
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock


def test_make_help_lists_the_targets() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "lint", "format", "dagster", "sandbox", "reports", "bench", "clean"):
        assert f"make {target} " in listed
