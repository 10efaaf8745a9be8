"""The dbt build, stage by stage: ``python -m benchmarks.build [--world small|medium|large] [--json]``.

Generates the sample world if it is not there, loads it straight into the raw schemas (no HTTP), then runs one
``dbt build`` and prints, for each folder of ``models/`` and for the tests, the nodes, the seconds dbt spent on them and
the peak memory of the process tree while it did. Writes nothing outside ``data/bench/``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Run, megabytes, run_measured

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "data" / "bench"
COUNTED = (
    "raw_hubspot.contacts",
    "raw_hubspot.companies",
    "raw_hubspot.email_events",
    "raw_events.events",
    "marts.dim_contacts",
    "marts.dim_accounts",
    "marts.fct_touches",
    "marts.fct_score_ledger",
    "marts.fct_attribution_credits",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.build", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--world", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--runs", type=int, default=1, help="builds to run; seconds are medians")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    console = Console()
    BENCH.mkdir(parents=True, exist_ok=True)
    world, warehouse = BENCH / "world" / arguments.world, BENCH / f"build_{arguments.world}.duckdb"

    stages: list[dict[str, Any]] = []
    if not (world / "world.json").exists():
        command = [sys.executable, "-m", "sandbox.world", "--size", arguments.world, "--out", str(world)]
        stages.append(_stage("generate world", run_step(command, warehouse, console, "world")))

    builds: list[list[dict[str, Any]]] = []
    totals: list[float] = []
    for number in range(arguments.runs):
        warehouse.unlink(missing_ok=True)
        warehouse.with_name(warehouse.name + ".wal").unlink(missing_ok=True)
        load = run_step(
            [sys.executable, "-m", "benchmarks.load_world", str(world), str(warehouse)], warehouse, console, "load"
        )
        target = BENCH / "target"
        dbt = [str(Path(sys.executable).with_name("dbt")), "build", "--target-path", str(target)]
        build = run_step(dbt, warehouse, console, "dbt build")
        if number == 0:
            stages.append(_stage("load raw", load))
        totals.append(build.seconds)
        results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        builds.append(_dbt_stages(results, manifest["nodes"] | manifest.get("unit_tests", {}), build))
    stages += _medians(builds)
    stages.append(
        {
            "stage": "dbt build, whole command",
            "nodes": sum(stage["nodes"] for stage in builds[0]),
            "seconds": round(statistics.median(totals), 2),
            "peak_mb": max(stage["peak_mb"] for stage in builds[0]),
        }
    )
    counts = _counts(warehouse)
    _print(console, arguments.world, arguments.runs, stages, counts)
    if arguments.json:
        print(json.dumps({"benchmark": "build", "world": arguments.world, "stages": stages, "rows": counts}))
    return 0


def run_step(command: list[str], warehouse: Path, console: Console, name: str) -> Run:
    """Run one command on a warehouse; its output goes to a log in ``data/bench``.

    Raises SystemExit with the end of the log when it fails.
    """
    log = BENCH / f"{name.replace(' ', '_')}.log"
    env = os.environ | {"LEADHOUSE_WAREHOUSE_PATH": str(warehouse), "DBT_PROFILES_DIR": str(ROOT)}
    with console.status(f"{name}..."):
        run = run_measured(command, env, ROOT, log)
    if run.exit_code != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
        raise SystemExit(f"{name} failed with exit code {run.exit_code}; the end of {log}:\n{tail}")
    return run


def _stage(name: str, run: Run) -> dict[str, Any]:
    return {"stage": name, "nodes": 0, "seconds": round(run.seconds, 2), "peak_mb": round(run.peak_bytes() / 1e6)}


def _dbt_stages(results: list[dict[str, Any]], nodes: dict[str, Any], run: Run) -> list[dict[str, Any]]:
    """Sum dbt's own timings by folder, in the order in which the folders first ran."""
    seconds: dict[str, float] = defaultdict(float)
    peaks: dict[str, int] = defaultdict(int)
    counts: dict[str, int] = defaultdict(int)
    for result in results:
        node = nodes.get(result["unique_id"], {})
        name = _folder(result["unique_id"].split(".")[0], node.get("original_file_path", ""))
        seconds[name] += result["execution_time"]
        counts[name] += 1
        moments = [unix_time(step[key]) for step in result["timing"] for key in ("started_at", "completed_at")]
        if moments:
            peaks[name] = max(peaks[name], run.peak_bytes(min(moments), max(moments) + 0.1))
    return [
        {"stage": name, "nodes": counts[name], "seconds": round(seconds[name], 2), "peak_mb": round(peaks[name] / 1e6)}
        for name in seconds
    ]


def _folder(kind: str, path: str) -> str:
    if kind == "model":
        return "/".join(Path(path).parts[1:-1]) or "models"
    return {"test": "data tests", "unit_test": "unit tests", "seed": "seeds"}.get(kind, kind)


def unix_time(moment: str) -> float:
    """Seconds since 1970 of a moment in dbt's run results."""
    return dt.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def _medians(builds: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    by_stage: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for build in builds:
        for stage in build:
            by_stage[stage["stage"]].append(stage)
    return [
        runs[0]
        | {
            "seconds": round(statistics.median(run["seconds"] for run in runs), 2),
            "peak_mb": max(run["peak_mb"] for run in runs),
        }
        for runs in by_stage.values()
    ]


def _counts(warehouse: Path) -> dict[str, int]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {table: connection.execute(f"select count(*) from {table}").fetchall()[0][0] for table in COUNTED}


def _print(console: Console, world: str, runs: int, stages: list[dict[str, Any]], counts: dict[str, int]) -> None:
    table = Table(title=f"dbt build on the {world} world (median of {runs})")
    for column in ("stage", "nodes", "seconds", "peak MB"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in stages:
        nodes = f"{stage['nodes']:,}" if stage["nodes"] else ""
        table.add_row(stage["stage"], nodes, f"{stage['seconds']:,.2f}", megabytes(stage["peak_mb"] * 1_000_000))
    console.print(table)
    rows = Table(title="rows")
    rows.add_column("table")
    rows.add_column("rows", justify="right")
    for name, count in counts.items():
        rows.add_row(name, f"{count:,}")
    console.print(rows)


if __name__ == "__main__":
    sys.exit(main())
