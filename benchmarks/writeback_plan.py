"""What a plan costs: rows planned a second, memory of the whole planning process, the stored plan included.

``python -m benchmarks.writeback_plan [--world small|medium|large] [--runs 3] [--json]`` plans the fields of the
project's own contact sync for 10,000, 100,000 or 1,000,000 contacts, each case in a process of its own:

* ``first``: nothing of ours is in the CRM yet; 98 % of the rows change, 1 % are new, 1 % opted out.
* ``day``: the same contacts a day later; all of the first sync stands in our ledger and was not read back, 5 % differ.
* ``unchanged``: 50,000 contacts that hold what we want, as read.

The floor is a plain read: every row of the model and of what was read, its JSON parsed once, by the same DuckDB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.measure import megabytes, run_measured

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "data" / "bench" / "writeback_plan"
WORLDS = {"small": 10_000, "medium": 100_000, "large": 1_000_000}
SYNC = "sync_hubspot_contacts"
YAML = ROOT / "models" / "marts" / "activation" / "_activation__marts.yml"
UNCHANGED_ROWS = 50_000

#: What a column of each type holds for contact ``n`` on day ``{day}``: an expression over n.
_VALUES = {
    "number": "cast((n * {step} + {day} * (n % 20 = 0)::integer * 7) % 1000 / 10.0 as decimal(18, 1))",
    "date": "cast(date '2026-01-01' + cast(n % 300 as integer) as date)",
    "string": "'{column} ' || ((n * {step}) % 97) || ' because of what was seen ' || (n % 13)",
}


@dataclass(frozen=True)
class Project:
    """A manifest, a published snapshot and an operational store in a folder."""

    folder: Path

    @property
    def current(self) -> Path:
        """The published snapshot's link."""
        return self.folder / "current.duckdb"

    @property
    def manifest(self) -> Path:
        """dbt's manifest with the one sync."""
        return self.folder / "manifest.json"

    @property
    def ops_url(self) -> str:
        """An operational store of its own (SQLite)."""
        return f"sqlite:///{self.folder / 'ops.db'}"


def sync_block() -> dict[str, Any]:
    """The project's own contact sync, without its guards' numbers."""
    for model in yaml.safe_load(YAML.read_text(encoding="utf-8"))["models"]:
        if model["name"] == SYNC:
            block: dict[str, Any] = dict(model["config"]["meta"]["sync"])
            return {**block, "guards": {"max_null_share": 0.5}}
    raise LookupError(f"{YAML}: no model {SYNC}")


def make_project(folder: Path, rows: int, *, is_held: bool, day: int = 0, fresh: bool = True) -> Project:
    """A project of ``rows`` contacts: 98 % known to the CRM, 1 % new, 1 % opted out (all known if ``is_held``).

    ``is_held``: what was read is what we want. ``day`` changes one row in twenty. ``fresh`` forgets the folder first.
    """
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    project = Project(folder)
    block = sync_block()
    fields = block["fields"]
    node = {
        "resource_type": "model", "name": SYNC, "alias": SYNC, "schema": "marts",
        "patch_path": f"leadhouse://{YAML.relative_to(ROOT)}", "config": {"meta": {"sync": block}},
    }  # fmt: skip
    seeds = [_seed_node(path) for path in sorted((ROOT / "seeds").glob("*.csv"))]
    nodes = {f"model.leadhouse.{SYNC}": node, **{f"seed.leadhouse.{seed['name']}": seed for seed in seeds}}
    project.manifest.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    file = folder / f"build{day}.duckdb"
    file.unlink(missing_ok=True)
    values = {f["column"]: _value(f, step, day) for step, f in enumerate(fields, 3)}
    for field in fields:
        values |= {field[key]: _EXTRA[key] for key in ("since", "back_when") if field.get(key)}
    columns = ", ".join(f"{value} as {column}" for column, value in values.items())
    held = ", ".join(f"'{f['property']}': cast({f['column']} as varchar)" for f in fields) if is_held else ""
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"""
            set preserve_insertion_order = true;
            create schema marts;
            create table marts.published_build as
            select 'build{day}' as build_id, now() at time zone 'UTC' as as_of_at,
                now() at time zone 'UTC' as published_at, 'bench' as ruleset_version;
            create table marts.{SYNC} as
            select
                md5(cast(n as varchar)) as sync_key,
                case when {str(is_held).lower()} or n % 100 <> 1 then cast(101000000000 + n as varchar) end
                    as record_id,
                'p' || n || '@bench.example' as email, 'Ana' as first_name, 'Lima ' || n as last_name,
                'Head of purchasing' as job_title, not {str(is_held).lower()} and n % 100 = 2 as is_opted_out,
                {columns}
            from range({rows}) as made (n);
            create table marts.observed_hubspot_contacts as
            select
                record_id,
                cast(to_json({{'email': email, 'firstname': first_name, 'lastname': last_name, 'jobtitle': job_title,
                    'phone': '+55 11 5555 0100', 'lifecyclestage': 'lead', {held}}}) as varchar) as properties,
                false as is_archived, timestamp '2026-01-01' as read_at, cast(null as varchar) as merged_into,
                '{{"lifecyclestage":null}}' as people_changed
            from marts.{SYNC}
            where record_id is not null;
        """)
    link = project.current
    link.unlink(missing_ok=True)
    link.symlink_to(file.name)
    return project


#: Columns that a policy reads beside the value.
_EXTRA = {"since": "timestamp '2026-01-01' + to_hours(n % 4000)", "back_when": "n % 50 = 0"}


def _value(field: dict[str, Any], step: int, day: int) -> str:
    if field.get("order") or field["property"] == "lifecyclestage":
        return "case n % 3 when 0 then 'lead' when 1 then 'marketingqualifiedlead' else 'salesqualifiedlead' end"
    kind = field["type"] if field["type"] in _VALUES else "string"
    return _VALUES[kind].format(column=field["column"], step=step, day=day)


def _seed_node(path: Path) -> dict[str, Any]:
    return {
        "resource_type": "seed", "name": path.stem, "schema": "config", "root_path": str(ROOT),
        "original_file_path": str(path.relative_to(ROOT)),
    }  # fmt: skip


def acknowledge(project: Project, plan_id: str) -> int:
    """Write every planned row of a plan into the ledger, as an apply that was never refused would; returns how many."""
    from reverse_etl.store import Store, WriteRow, utc_now

    rows = 0
    with Store(project.ops_url) as store:
        batch: list[WriteRow] = []
        for change in store.pending(plan_id, SYNC):
            rows += 1
            record_id = change.record_id or f"new{change.seq}"
            fields = json.dumps(dict(change.fields), ensure_ascii=False, separators=(",", ":"))
            batch.append(
                WriteRow(
                    f"{plan_id}:{change.seq}", "bench", plan_id, SYNC, "hubspot", "contacts", change.sync_key,
                    record_id, change.outcome, fields, "written", None, None, utc_now(),
                )
            )  # fmt: skip
            if len(batch) == 20_000:
                store.finish_batch(None, batch)
                batch = []
        store.finish_batch(None, batch)
    return rows


def _floor(project: Project) -> float:
    """Seconds of a plain read of both sides, the JSON parsed once."""
    started = time.monotonic()
    with duckdb.connect(str(project.current.resolve()), read_only=True) as connection:
        connection.execute(f"select sum(hash(columns(*))) from marts.{SYNC}").fetchall()
        connection.execute(
            "select count(distinct record_id), sum(hash(json_extract_string(properties, ['$.email', '$.phone']))) "
            "from marts.observed_hubspot_contacts"
        ).fetchall()
    return time.monotonic() - started


def _plan_once(folder: Path) -> None:
    """Child process: one plan, its figures as JSON."""
    from reverse_etl import plan_syncs

    project = Project(folder)
    started = time.monotonic()
    plan = plan_syncs(project.current, project.manifest, project.ops_url)
    seconds = time.monotonic() - started
    (sync,) = plan.syncs
    print(json.dumps({"plan_id": plan.plan_id, "seconds": seconds, "rows": sync.rows, "changes": plan.changes}))


def _measured(folder: Path) -> dict[str, Any]:
    log = folder / "plan.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = run_measured(
        [sys.executable, "-m", "benchmarks.writeback_plan", "--plan", str(folder)], environment, ROOT, log
    )
    if run.exit_code:
        raise RuntimeError(f"{log}: the plan failed")
    told: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return {**told, "peak_mb": round(run.peak_bytes() / 1e6), "process_seconds": run.seconds}


def _case(name: str, project: Project, runs: int) -> dict[str, Any]:
    floor = statistics.median(_floor(project) for _ in range(runs))
    done = [_measured(project.folder) for _ in range(runs)]
    seconds = statistics.median(one["seconds"] for one in done)
    return {
        "case": name, "rows": done[0]["rows"], "changes": done[0]["changes"], "seconds": round(seconds, 3),
        "rows_per_second": round(done[0]["rows"] / seconds), "peak_mb": max(one["peak_mb"] for one in done),
        "floor_seconds": round(floor, 3), "x_floor": round(seconds / floor, 1), "plan_id": done[-1]["plan_id"],
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the cases and print a table; with ``--json`` one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--world", choices=sorted(WORLDS), default="large")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plan", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.plan is not None:
        _plan_once(options.plan)
        return 0
    rows = WORLDS[options.world]
    first = make_project(BENCH / f"first_{rows}", rows, is_held=False)
    cases = [_case("first", first, options.runs)]
    acknowledge(first, cases[0]["plan_id"])
    make_project(first.folder, rows, is_held=False, day=1, fresh=False)
    cases.append(_case("day", first, options.runs))
    held = make_project(BENCH / "unchanged", min(rows, UNCHANGED_ROWS), is_held=True)
    cases.append(_case("unchanged", held, options.runs))
    table = Table(title=f"plans of {SYNC} (median of {options.runs})")
    for column in ("case", "rows", "changes", "seconds", "rows/s", "peak MB", "x plain read"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for one in cases:
        figures = (f"{one['rows']:,}", f"{one['changes']:,}", f"{one['seconds']:.2f}", f"{one['rows_per_second']:,}")
        table.add_row(one["case"], *figures, megabytes(one["peak_mb"] * 1_000_000), f"{one['x_floor']:.1f}")
    Console().print(table)
    if options.json:
        print(json.dumps({"benchmark": "writeback_plan", "world": options.world, "runs": options.runs, "cases": cases}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
