"""Scoring, measured: ``python -m benchmarks.scoring [--world small|medium|large] [--json]``.

Scoring alone, given touches and page views (``benchmarks/scoring_inputs.py`` writes them from a world's files, without
identity): the full build of the engagement chain, of fit, ledger, contact and account scores, then one incremental hour
(an hour of new events; twenty visitors become known with it, so that earlier days change too), by dbt. The floor is a
plain scan of the columns that engagement reads, by the same engine; what dbt itself costs is a line of its own: the
wall clock without the nodes, and a run of one trivial model. Writes nothing outside ``data/bench/``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.build import BENCH, run_step
from benchmarks.dbt_runs import DbtRun, copy_file, run_dbt
from benchmarks.measure import megabytes
from benchmarks.scoring_inputs import EVENTS, HOURS, add_hour

TRIVIAL = "int_as_of"
TARGET = BENCH / "target_scoring"
SCORING = ("path:models/intermediate/scoring", "path:models/marts/scoring")
ENGAGEMENT = ("int_engagement_", "int_contact_engagement")
#: Slowest models shown by name.
SHOWN = 10
_COLUMNS = {
    "marts.fct_touches": (
        "contact_id", "touch_at", "touch_type", "signal_detail", "channel", "campaign", "is_inbound", "is_machine",
        "dwell_seconds",
    ),
    "intermediate.int_page_views": ("contact_id", "event_at", "page_kind", "dwell_seconds"),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--world", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--world-dir", type=Path, help="a world that is there already (default data/bench/world/SIZE)")
    parser.add_argument("--runs", type=int, default=1, help=f"builds to run, at most {HOURS}; seconds are medians")
    parser.add_argument("--keep-inputs", action="store_true", help="take the inputs of the last call, if untouched")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    if not 1 <= arguments.runs <= HOURS:
        parser.error(f"--runs must be between 1 and {HOURS}")
    console = Console()
    BENCH.mkdir(parents=True, exist_ok=True)
    world = arguments.world_dir or BENCH / "world" / arguments.world
    inputs, warehouse = BENCH / f"scoring_inputs_{arguments.world}.duckdb", BENCH / f"scoring_{arguments.world}.duckdb"
    if not (world / "world.json").exists():
        run_step(
            [sys.executable, "-m", "sandbox.world", "--size", arguments.world, "--out", str(world)],
            warehouse, console, "world",
        )  # fmt: skip
    if not (arguments.keep_inputs and inputs.exists()):
        run_step(
            [sys.executable, "-m", "benchmarks.scoring_inputs", str(world), str(inputs)], inputs, console,
            "scoring inputs",
        )  # fmt: skip
    copy_file(inputs, warehouse)
    run_dbt(TARGET, console, warehouse, "scoring seeds", "seed")
    overheads = [
        run_dbt(TARGET, console, warehouse, "trivial", "run", "--select", TRIVIAL) for _ in range(arguments.runs)
    ]
    rows, floor = _scan(warehouse, arguments.runs)
    full = [
        run_dbt(TARGET, console, warehouse, "scoring full", "run", "--full-refresh", "--select", TRIVIAL, *SCORING)
        for _ in range(arguments.runs)
    ]
    hours, added = [], []
    for number in range(arguments.runs):
        added.append(add_hour(warehouse, number))
        hours.append(run_dbt(TARGET, console, warehouse, "scoring hour", "run", "--select", TRIVIAL, *SCORING))
    lines = [*_stages("full", full), *_stages("one hour", hours), *_stages("dbt, one trivial model", overheads)]
    report = {
        "benchmark": "scoring",
        "world": arguments.world,
        "runs": arguments.runs,
        "events": rows,
        "events_of_the_hour": statistics.median(added),
        "scan_seconds": round(floor, 3),
        "full_engagement_to_scan": round(_of(full, ENGAGEMENT) / floor, 1),
        "hour_engagement_to_scan": round(_of(hours, ENGAGEMENT) / floor, 1),
        "stages": lines,
        "slowest": {"full": _slowest(full), "one hour": _slowest(hours)},
        "rows": _counts(warehouse),
    }
    _print(console, report)
    if arguments.json:
        print(json.dumps(report))
    return 0


def _scan(warehouse: Path, runs: int) -> tuple[int, float]:
    """Events that engagement reads, and seconds of a plain scan of their columns (median; files are in memory)."""
    queries = [
        f"select {', '.join(f'min({column})' for column in columns)} from {table} where contact_id is not null"
        for table, columns in _COLUMNS.items()
    ]
    seconds = []
    for _ in range(runs + 1):
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            started = time.monotonic()
            for query in queries:
                connection.execute(query).fetchall()
            seconds.append(time.monotonic() - started)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        counts = [
            connection.execute(f"select count(*) from {table} where contact_id is not null").fetchall()[0][0]
            for table in EVENTS
        ]
    return sum(counts), statistics.median(seconds[1:])


def _is_engagement(node: str) -> bool:
    return node.startswith(ENGAGEMENT)


def _of(runs: Iterable[DbtRun], prefixes: tuple[str, ...]) -> float:
    return statistics.median(
        sum(seconds for node, seconds in run.nodes.items() if node.startswith(prefixes)) for run in runs
    )


def _stages(name: str, runs: list[DbtRun]) -> list[dict[str, Any]]:
    """Engagement, other models, dbt's own time, and the whole command."""
    lines: list[dict[str, Any]] = []
    for stage, wanted in (("engagement", True), ("fit, ledger and scores", False)):
        nodes = [node for node in runs[0].nodes if _is_engagement(node) is wanted and node != TRIVIAL]
        if nodes:
            seconds = statistics.median(sum(run.nodes[node] for node in nodes) for run in runs)
            peak = max(run.peaks[node] for run in runs for node in nodes)
            lines.append(_line(f"{name}: {stage}", len(nodes), seconds, peak))
    own = statistics.median(run.seconds - sum(run.nodes.values()) for run in runs)
    whole = statistics.median(run.seconds for run in runs)
    if lines:
        lines.append(_line(f"{name}: dbt itself", 0, own, 0))
    lines.append(_line(f"{name}: whole command", len(runs[0].nodes), whole, max(run.peak for run in runs)))
    return lines


def _line(stage: str, nodes: int, seconds: float, peak: int) -> dict[str, Any]:
    return {"stage": stage, "nodes": nodes, "seconds": round(seconds, 2), "peak_mb": round(peak / 1e6)}


def _slowest(runs: list[DbtRun]) -> dict[str, float]:
    medians = {node: statistics.median(run.nodes[node] for run in runs) for node in runs[0].nodes}
    return {node: round(medians[node], 2) for node in sorted(medians, key=lambda node: -medians[node])[:SHOWN]}


def _counts(warehouse: Path) -> dict[str, int]:
    tables = (*EVENTS, "intermediate.int_engagement_daily", "marts.fct_contact_scores", "marts.fct_score_ledger")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {table: connection.execute(f"select count(*) from {table}").fetchall()[0][0] for table in tables}


def _print(console: Console, report: dict[str, Any]) -> None:
    table = Table(title=f"scoring, {report['events']:,} events ({report['world']} world, median of {report['runs']})")
    for column in ("stage", "nodes", "seconds", "events/s", "x scan", "peak MB"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    table.add_row("plain scan of the columns", "", f"{report['scan_seconds']:.2f}", "", "1.0", "")
    for stage in report["stages"]:
        is_work = "full" in stage["stage"] and "dbt" not in stage["stage"]
        table.add_row(
            stage["stage"],
            str(stage["nodes"] or ""),
            f"{stage['seconds']:,.2f}",
            f"{report['events'] / stage['seconds']:,.0f}" if is_work and stage["seconds"] else "",
            f"{stage['seconds'] / report['scan_seconds']:.1f}",
            megabytes(stage["peak_mb"] * 1_000_000) if stage["peak_mb"] else "",
        )
    console.print(table)
    for name, slowest in report["slowest"].items():
        models = Table(title=f"slowest models, {name}")
        models.add_column("model")
        models.add_column("seconds", justify="right")
        for model, seconds in slowest.items():
            models.add_row(model, f"{seconds:,.2f}")
        console.print(models)
    counts = Table(title=f"rows (an hour brings {report['events_of_the_hour']:,} events)")
    counts.add_column("table")
    counts.add_column("rows", justify="right")
    for name, count in report["rows"].items():
        counts.add_row(name, f"{count:,}")
    console.print(counts)


if __name__ == "__main__":
    sys.exit(main())
