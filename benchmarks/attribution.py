"""Attribution, measured: ``python -m benchmarks.attribution [--world small|medium|large] [--runs N] [--json]``.

Journeys, credits of all models, effects of channels, intervals and their marts by dbt, given touches, stages,
opportunities and spend (``benchmarks/attribution_inputs.py`` writes them from a world's files, without identity).
Floors by the same engine on the same file: a plain scan of the touches' columns, and a bare pass of five models (first,
last, linear, position, time decay) that only ranks the touches before each conversion. Then Markov and Shapley alone: a
million journeys over twelve channels, from the table of journeys to the effects. Writes nothing outside
``data/bench/``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from attribution.effects import ShapleySettings, channel_effects
from attribution.markov import chain_of, removal_effects
from benchmarks.build import BENCH, run_step
from benchmarks.dbt_runs import DbtRun, copy_file, run_dbt
from benchmarks.measure import megabytes

TARGET = BENCH / "target_attribution"
TRIVIAL = "int_as_of"
MODELS = ("path:models/intermediate/attribution", "path:models/marts/attribution", "mart_channel_roi")
JOURNEYS, CHANNELS = 1_000_000, 12
#: Slowest models shown by name.
SHOWN = 8
_SCAN = """
select min(contact_id), min(account_id), min(touch_at), min(channel), min(campaign)
from marts.fct_touches where is_attributable and contact_id is not null
"""
_FIVE_MODELS = """
with conversions as (
    select contact_id, min(transition_at) as conversion_at from marts.fct_stage_transitions
    where to_stage = 'mql' group by contact_id
),
ranked as (
    select
        touch.channel, date_diff('second', touch.touch_at, conversions.conversion_at) / 86400.0 as days,
        row_number() over (partition by contact_id order by touch.touch_at) as n,
        count(*) over (partition by contact_id) as touches
    from marts.fct_touches as touch
    inner join conversions using (contact_id)
    where touch.is_attributable and touch.touch_at <= conversions.conversion_at
)
select
    channel, sum(case when n = 1 then 1 else 0 end) as first, sum(case when n = touches then 1 else 0 end) as last,
    sum(1.0 / touches) as linear,
    sum(case when touches = 1 then 1 when n in (1, touches) then 0.4 else 0.2 / nullif(touches - 2, 0) end) as position,
    sum(pow(2, -days / 7)) as decay
from ranked group by channel
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.attribution", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--world", choices=("small", "medium", "large"), default="small")
    parser.add_argument("--runs", type=int, default=1, help="builds to run; seconds are medians")
    parser.add_argument("--keep-inputs", action="store_true", help="take the inputs of the last call")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    console = Console()
    BENCH.mkdir(parents=True, exist_ok=True)
    world = BENCH / "world" / arguments.world
    inputs = BENCH / f"attribution_inputs_{arguments.world}.duckdb"
    warehouse = BENCH / f"attribution_{arguments.world}.duckdb"
    if not (world / "world.json").exists():
        run_step(
            [sys.executable, "-m", "sandbox.world", "--size", arguments.world, "--out", str(world)],
            warehouse, console, "world",
        )  # fmt: skip
    if not (arguments.keep_inputs and inputs.exists()):
        run_step(
            [sys.executable, "-m", "benchmarks.attribution_inputs", str(world), str(inputs)],
            inputs, console, "attribution inputs",
        )  # fmt: skip
    copy_file(inputs, warehouse)
    run_dbt(TARGET, console, warehouse, "attribution seeds", "seed")
    run_dbt(TARGET, console, warehouse, "attribution calendar", "run", "--select", TRIVIAL)
    scan, five = (_query_seconds(warehouse, sql) for sql in (_SCAN, _FIVE_MODELS))
    builds = [
        run_dbt(TARGET, console, warehouse, "attribution", "run", "--full-refresh", "--select", TRIVIAL, *MODELS)
        for _ in range(arguments.runs)
    ]
    report = {
        "benchmark": "attribution",
        "world": arguments.world,
        "runs": arguments.runs,
        "rows": _counts(warehouse),
        "scan_seconds": round(scan, 3),
        "five_models_seconds": round(five, 3),
        "models_seconds": round(statistics.median(_in_models(build) for build in builds), 2),
        "whole_command_seconds": round(statistics.median(build.seconds for build in builds), 2),
        "peak_mb": round(max(build.peak for build in builds) / 1e6),
        "slowest": _slowest(builds),
        "effects": _effects(),
    }
    _print(console, report)
    if arguments.json:
        print(json.dumps(report))
    return 0


def _in_models(build: DbtRun) -> float:
    return sum(seconds for node, seconds in build.nodes.items() if node != TRIVIAL)


def _query_seconds(warehouse: Path, sql: str, runs: int = 5) -> float:
    """Median seconds of a query; the first run, which reads the file, does not count."""
    seconds = []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for _ in range(runs + 1):
            started = time.monotonic()
            connection.execute(sql).fetchall()
            seconds.append(time.monotonic() - started)
    return statistics.median(seconds[1:])


def _effects(runs: int = 3) -> dict[str, float]:
    """Seconds from a table of a million journeys of one to nine touches to the effects of its channels (medians)."""
    markov, both, moves_seconds = [], [], []
    settings = ShapleySettings(exact_channels=15, sampled_orders=2000, seed=1)
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create table touches as
            select journey, place, 'channel ' || (hash(journey * 100 + place) % {CHANNELS}) as channel,
                hash(journey) % 20 = 0 as is_converting
            from range({JOURNEYS}) as journeys (journey), range(9) as places (place)
            where place <= hash(journey + 7) % 9
            """
        )
        for _ in range(runs):
            started = time.monotonic()
            moves = connection.execute(
                """
                with steps as (
                    select
                        lag(channel) over (partition by journey order by place) as from_state, channel,
                        lead(channel) over (partition by journey order by place) as next_channel, is_converting
                    from touches
                )
                select coalesce(from_state, '(start)'), channel, count(*) from steps group by all
                union all
                select channel, case when is_converting then '(conversion)' else '(null)' end, count(*)
                from steps where next_channel is null group by all
                """
            ).fetchall()
            moved = time.monotonic()
            removal_effects(chain_of(moves))
            solved = time.monotonic()
            channel_effects(moves, settings)
            moves_seconds.append(moved - started)
            markov.append(solved - started)
            both.append(time.monotonic() - solved + moved - started)
    return {
        "journeys": JOURNEYS,
        "channels": CHANNELS,
        "moves_seconds": round(statistics.median(moves_seconds), 3),
        "markov_seconds": round(statistics.median(markov), 3),
        "markov_and_shapley_seconds": round(statistics.median(both), 3),
    }


def _slowest(builds: list[DbtRun]) -> dict[str, float]:
    medians = {node: statistics.median(build.nodes[node] for build in builds) for node in builds[0].nodes}
    return {node: round(medians[node], 2) for node in sorted(medians, key=lambda node: -medians[node])[:SHOWN]}


def _counts(warehouse: Path) -> dict[str, int]:
    tables = (
        "marts.fct_touches",
        "intermediate.int_conversions",
        "intermediate.int_journey_touches",
        "marts.fct_attribution_credits",
    )
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {table: connection.execute(f"select count(*) from {table}").fetchall()[0][0] for table in tables}


def _print(console: Console, report: dict[str, Any]) -> None:
    table = Table(title=f"attribution ({report['world']} world, median of {report['runs']})")
    for column in ("stage", "seconds", "x scan", "peak MB"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    scan, peak = report["scan_seconds"], megabytes(report["peak_mb"] * 1_000_000)
    lines = (
        ("plain scan of the touches' columns", scan, ""),
        ("bare five models, one kind of conversion", report["five_models_seconds"], ""),
        (
            "journeys, all models, effects, intervals, marts",
            report["models_seconds"],
            peak,
        ),
        ("the same, dbt included", report["whole_command_seconds"], ""),
    )
    for stage, seconds, most in lines:
        table.add_row(stage, f"{seconds:,.2f}", f"{seconds / scan:,.1f}", most)
    console.print(table)
    slowest = Table(title="slowest models")
    slowest.add_column("model")
    slowest.add_column("seconds", justify="right")
    for model, seconds in report["slowest"].items():
        slowest.add_row(model, f"{seconds:,.2f}")
    console.print(slowest)
    effects = report["effects"]
    alone = Table(title=f"{effects['journeys']:,} journeys, {effects['channels']} channels")
    alone.add_column("from the journeys to")
    alone.add_column("seconds", justify="right")
    alone.add_row("counted moves", f"{effects['moves_seconds']:.2f}")
    alone.add_row("Markov removal effects", f"{effects['markov_seconds']:.2f}")
    alone.add_row("Markov and Shapley (exact)", f"{effects['markov_and_shapley_seconds']:.2f}")
    console.print(alone)
    rows = Table(title="rows")
    rows.add_column("table")
    rows.add_column("rows", justify="right")
    for name, count in report["rows"].items():
        rows.add_row(name, f"{count:,}")
    console.print(rows)


if __name__ == "__main__":
    sys.exit(main())
