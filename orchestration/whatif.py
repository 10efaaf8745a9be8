"""What a change of rules would do: the live day computed under two rule sets, and compared.

The live marts are one of the two whenever they were built with its rules and with today's models; then only the other
is computed, into a file of its own (orchestration/replay.py).
"""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from leadhouse.rule_diff import diff_rules
from leadhouse.settings import Settings, composed_rules
from orchestration.dbt_run import refuse_bad_rules
from orchestration.errors import ReplayRefused
from orchestration.manifest import read_manifest
from orchestration.replay import changed_seeds, live_as_of, reading, run_replay
from orchestration.rule_comparison import Capacity, Comparison, compare

_DAYS_AT_LEAST = 7


@dataclass(frozen=True)
class Evaluation:
    """The marts of one rule set: the live warehouse, or a replay's file."""

    name: str
    path: Path
    is_live: bool
    seeds_dir: Path


@dataclass(frozen=True)
class WhatIf:
    """A comparison with where its two sides lie."""

    comparison: Comparison
    base: Evaluation
    changed: Evaluation
    seconds: float


def run_whatif(settings: Settings, base: Sequence[Path], changed: Sequence[Path], *, days: int) -> WhatIf:
    """Computes the live day under both rule sets and compares them. No live table is touched.

    Args:
        settings: of this installation.
        base: folders laid over the seeds for the rules as they are.
        changed: folders laid over the seeds for the rules as they might be.
        days: window back from the live moment, at least a week.

    Raises:
        ReplayRefused: there is nothing to read or to compare.
        RulesRefused: one of the rule sets does not check.
        BuildFailed: a model failed under one of them.
    """
    if days < _DAYS_AT_LEAST:
        raise ReplayRefused(f"--days {days}: a comparison needs at least {_DAYS_AT_LEAST}.")
    started = time.monotonic()
    moment = live_as_of(settings)
    sides = [
        _evaluate(settings, moment, name, overlays)
        for name, overlays in (("whatif-base", base), ("whatif-changed", changed))
    ]
    with duckdb.connect(":memory:") as connection:
        # Under its own name: the replays refer to it.
        _attach(connection, settings.warehouse, settings.warehouse.stem)
        catalogs = []
        for side in sides:
            catalogs.append(settings.warehouse.stem if side.is_live else side.name)
            if not side.is_live:
                _attach(connection, side.path, side.name)
        try:
            comparison = compare(
                connection,
                *catalogs,
                days=days,
                capacity=read_capacity(sides[1].seeds_dir),
                rules=diff_rules(sides[0].seeds_dir, sides[1].seeds_dir),
            )
        except ValueError as error:
            raise ReplayRefused(f"Nothing can be compared: {error}. Run `leadhouse build` first.") from None
    return WhatIf(comparison, sides[0], sides[1], seconds=time.monotonic() - started)


def read_capacity(seeds_dir: Path) -> Capacity:
    """What sales can take, of ``capacity.csv`` (checked before)."""
    with (seeds_dir / "capacity.csv").open(encoding="utf-8-sig", newline="") as file:
        values = {row["setting"]: float(row["value"]) for row in csv.DictReader(file)}
    return Capacity(
        calls_per_week=values["callers"] * values["calls_per_caller_and_week"], calls_per_mql=values["calls_per_mql"]
    )


def _evaluate(settings: Settings, moment: datetime, name: str, overlays: Sequence[Path]) -> Evaluation:
    seeds_dir = composed_rules(overlays)
    refuse_bad_rules(seeds_dir)
    if not changed_seeds(settings, seeds_dir) and _live_code(settings) == _code():
        return Evaluation(name, settings.warehouse, True, seeds_dir)
    done = run_replay(settings, moment, name, overlays)
    return Evaluation(name, done.path, False, done.seeds_dir)


def _live_code(settings: Settings) -> str:
    with reading(settings.warehouse) as connection:
        row = connection.execute("select max(code_version) from marts.fct_contact_scores").fetchone()
    return str(row[0]) if row else ""


def _code() -> str:
    """The version that the scoring models would stamp now; the same sum as macro scoring_code_version."""
    sums = [
        f"{node['name']}={node['checksum']['checksum']}"
        for node in read_manifest()["nodes"].values()
        if node["resource_type"] == "model" and "scoring" in node["fqn"]
    ]
    return hashlib.md5("\n".join(sorted(sums)).encode(), usedforsecurity=False).hexdigest()[:12]


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    escaped = str(path).replace("'", "''")
    connection.execute(f"attach '{escaped}' as \"{name}\" (read_only)")
