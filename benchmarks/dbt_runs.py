"""Shared by the benchmarks of models: one dbt command, its seconds and memory by node."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.build import run_step, unix_time
from benchmarks.measure import Run


@dataclass
class DbtRun:
    """One dbt command: wall seconds, seconds by node, peak bytes of the process tree by node and overall."""

    seconds: float
    nodes: dict[str, float]
    peaks: dict[str, int]
    peak: int


def run_dbt(target: Path, console: Console, warehouse: Path, name: str, *command: str) -> DbtRun:
    """Runs ``dbt COMMAND`` on a warehouse with its own target folder; only models count as nodes.

    Raises SystemExit with the end of the log when it fails.
    """
    dbt = [str(Path(sys.executable).with_name("dbt")), *command, "--target-path", str(target)]
    run = run_step(dbt, warehouse, console, name)
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    nodes: dict[str, float] = {}
    peaks: dict[str, int] = {}
    for result in results:
        kind, *_, node = result["unique_id"].split(".")
        if kind != "model":
            continue
        nodes[node] = result["execution_time"]
        peaks[node] = _peak(run, result["timing"])
    return DbtRun(run.seconds, nodes, peaks, run.peak_bytes())


def copy_file(source: Path, target: Path) -> None:
    """Copies a DuckDB file over another; a left write-ahead log of the old one goes."""
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    with source.open("rb") as read, target.open("wb") as written:
        while block := read.read(1 << 24):
            written.write(block)


def _peak(run: Run, timing: list[dict[str, Any]]) -> int:
    moments = [unix_time(step[key]) for step in timing for key in ("started_at", "completed_at") if step.get(key)]
    return run.peak_bytes(min(moments), max(moments) + 0.1) if moments else 0
