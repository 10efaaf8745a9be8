"""Builds of the identity models by dbt, timed node by node and with the memory of the process tree."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.build import BENCH, run_step, unix_time
from benchmarks.measure import Run

#: Everything that people and their companies are resolved by, and what that needs.
SELECT = (
    "+int_contact_clusters",
    "+int_identity_evidence",
    "+int_contact_accounts",
    "+int_account_clusters",
    "+dim_accounts",
)


@dataclass(frozen=True)
class Stage:
    """Models of one folder: how many, seconds dbt spent on them, peak memory of the process tree meanwhile."""

    name: str
    nodes: int
    seconds: float
    peak_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the JSON line."""
        return {
            "stage": self.name,
            "nodes": self.nodes,
            "seconds": round(self.seconds, 2),
            "peak_mb": round(self.peak_bytes / 1e6),
        }


@dataclass(frozen=True)
class Build:
    """One dbt command: its stages in order, the slowest models, and the whole of it."""

    stages: tuple[Stage, ...]
    slowest: tuple[tuple[str, float], ...]
    seconds: float
    peak_bytes: int

    def seconds_of(self, *folders: str) -> float:
        """Seconds spent in the folders whose names start so."""
        return sum(stage.seconds for stage in self.stages if stage.name.startswith(folders))


def build_identity(warehouse: Path, console: Console, name: str) -> Build:
    """Bring the identity models of a warehouse up to date (incrementally where they are there already).

    Raises SystemExit with the end of dbt's log when it fails.
    """
    target = BENCH / "target_identity"
    command = [
        str(Path(sys.executable).with_name("dbt")), "build", "--exclude-resource-type", "test",
        "--exclude-resource-type", "unit_test", "--target-path", str(target), "--select", *SELECT,
    ]  # fmt: skip
    run = run_step(command, warehouse, console, f"identity {name}")
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    return _read(results, nodes, run)


def _read(results: list[dict[str, Any]], nodes: dict[str, Any], run: Run) -> Build:
    stages: dict[str, Stage] = {}
    slowest: list[tuple[str, float]] = []
    for result in results:
        node = nodes.get(result["unique_id"], {})
        kind = result["unique_id"].split(".")[0]
        folder = "/".join(Path(node.get("original_file_path", "")).parts[1:-1]) if kind == "model" else f"{kind}s"
        moments = [unix_time(step[key]) for step in result["timing"] for key in ("started_at", "completed_at")]
        peak = run.peak_bytes(min(moments), max(moments) + 0.1) if moments else 0
        before = stages.get(folder, Stage(folder, 0, 0.0, 0))
        stages[folder] = Stage(
            folder, before.nodes + 1, before.seconds + result["execution_time"], max(before.peak_bytes, peak)
        )
        slowest.append((node.get("name", result["unique_id"]), float(result["execution_time"])))
    slowest.sort(key=lambda found: -found[1])
    return Build(tuple(stages.values()), tuple(slowest[:12]), run.seconds, run.peak_bytes())
