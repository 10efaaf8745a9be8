"""``leadhouse demo``: the whole path twice, on the sample world and the sandbox CRM, through Dagster."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadhouse.display import console, live_progress, loads_table, plan_examples, plan_table, summary_tables
from leadhouse.sandbox_process import Sandbox, World, ensure_world, running_sandbox
from leadhouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from reverse_etl.plan import Plan

SIZES = ("small", "medium", "large")


class DemoError(Exception):
    """Two counts that must agree do not; names both."""


@dataclass(frozen=True)
class Round:
    """What was planned for every sync, and what applying it did."""

    plans: list[Plan]
    requests: int
    rejected: int
    written: int
    apply_seconds: float

    def count(self, name: str) -> int:
        """A count of the plans (``creates``, ``changes``, ...), over all syncs."""
        return sum(int(getattr(plan, name)) for plan in self.plans)


def demo_settings(size: str, base: Settings) -> dict[str, str]:
    """The environment of a demo: its own folders, the world's files as sources, no other source."""
    state = base.data_dir / "demo" / size
    world = base.data_dir / "world" / size
    return {
        "LEADHOUSE_DATA_DIR": str(state),
        "LEADHOUSE_WAREHOUSE_PATH": str(state / "warehouse.duckdb"),
        "LEADHOUSE_PUBLISHED_DIR": str(state / "published"),
        "LEADHOUSE_OPS_URL": f"sqlite:///{state / 'ops.db'}",
        "LEADHOUSE_INBOX_URL": f"sqlite:///{state / 'inbox.db'}",
        "LEADHOUSE_EVENTS_DIR": str(world / "events"),
        "LEADHOUSE_ADS_DIR": str(world / "ads"),
        "LEADHOUSE_ENRICHMENT_DIR": str(world / "enrichment"),
        "LEADHOUSE_MAPPINGS": "",
    }


def use_sandbox(sandbox: Sandbox) -> None:
    """Points this process's settings at a running sandbox."""
    os.environ["LEADHOUSE_HUBSPOT_BASE_URL"] = sandbox.url
    os.environ["LEADHOUSE_HUBSPOT_TOKEN"] = sandbox.token


def run_demo(size: str) -> Path:
    """Runs the demo from a clean state and prints what happened; returns the path of ``demo_summary.json``.

    Raises:
        SandboxError: the world or the sandbox could not be made.
        OrchestrationError: a step failed; the sandbox is stopped all the same.
        DemoError: our count of requests and the sandbox's differ.
    """
    started = time.monotonic()
    base = load_settings()
    console.rule(f"Leadhouse demo, {size} world")
    state = base.data_dir / "demo" / size
    if state.exists():
        shutil.rmtree(state)
    with console.status("Generating the sample world"):
        world, made = ensure_world(size, base.data_dir / "world" / size)
    console.print(
        f"World: {world.folder}, as of {world.as_of:%Y-%m-%d %H:%M} UTC"
        + (f", generated in {made:.1f} s" if made else ", cached")
    )
    os.environ.update(demo_settings(size, base))
    with console.status("Starting the sandbox CRM"):
        sandbox_context = running_sandbox(world.folder, state / "sandbox.sqlite", size=size, extra=["--reset"])
        sandbox = sandbox_context.__enter__()
    try:
        console.print(f"Sandbox CRM: {sandbox.url} (process {sandbox.pid})")
        use_sandbox(sandbox)
        summary = _every_round(world, sandbox)
    finally:
        sandbox_context.__exit__(None, None, None)
    summary["seconds"] = round(time.monotonic() - started, 1)
    path = base.data_dir / "demo_summary.json"
    path.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print()
    summary_tables(summary)
    _where_next(size, path, summary["seconds"])
    return path


def _every_round(world: World, sandbox: Sandbox) -> dict[str, Any]:
    from ingestion.clock import set_clock
    from orchestration.publish import current_snapshot
    from orchestration.summary import read_summary

    settings = load_settings()
    set_clock(settings.warehouse, world.as_of)
    _title("First round: ingest, build, publish, plan, apply")
    build_all()
    first = write_back(sandbox)
    summary: dict[str, Any] = {"world": world.facts.get("size"), "as_of": world.as_of.isoformat()}
    summary |= read_summary(current_snapshot(settings.published))
    _title("Plan and apply again: what the CRM acknowledged is not sent twice")
    second = write_back(sandbox)
    _title("The whole path again: what we wrote is read back, and makes nobody more engaged")
    build_all()
    third = write_back(sandbox)
    summary["plan"] = {name: first.count(name) for name in ("creates", "updates", "list_adds", "list_removes")}
    summary["apply"] = {
        "requests": first.requests,
        "rejected": first.rejected,
        "seconds": round(first.apply_seconds, 3),
    }
    summary["second_plan"] = {"changes": second.count("changes")}
    summary["second_apply"] = {"requests": second.requests}
    # Contacts created in the first round are records now: they may join a list, nothing else changes.
    summary["read_back"] = {
        "changes": third.count("changes"),
        "list_adds": third.count("list_adds"),
        "requests": third.requests,
    }
    return summary


def build_all() -> None:
    """Ingest, build, publish; prints what was loaded and how the checks went."""
    from orchestration.runs import run_job

    with live_progress() as progress:
        built = run_job("ingest_and_build", progress)
    loads_table(built.metadata)
    console.print(
        f"Loaded, built and published in {built.seconds:.1f} s; {built.checks_passed:,} checks passed, "
        f"{len(built.checks_failed):,} did not."
    )
    for name in built.checks_failed:
        console.print("  not passed: " + name, style="yellow", markup=False, soft_wrap=True)


def write_back(sandbox: Sandbox) -> Round:
    """Plan every sync, print the plan, then apply it.

    Raises:
        DemoError: the sandbox counted other requests than the applier.
    """
    from orchestration.assets import apply_key, plan_key
    from orchestration.runs import run_job

    with live_progress() as progress:
        planned = run_job("crm_plan", progress)
    plans = stored_plans(planned.metadata, plan_key("").path[0])
    plan_table(plans)
    plan_examples(plans)
    before = int(sandbox.stats()["total"])
    with live_progress() as progress:
        applied = run_job("crm_apply", progress)
    counted = int(sandbox.stats()["total"]) - before
    prefix = apply_key("").path[0]
    done = [values for asset, values in applied.metadata.items() if asset.startswith(f"{prefix}/")]
    requests = sum(int(values["requests"]) for values in done)
    if counted != requests:
        raise DemoError(f"apply counted {requests} requests, the sandbox CRM counted {counted}: one of them is wrong.")
    result = Round(
        plans=plans,
        requests=requests,
        rejected=sum(int(values["rejected"]) for values in done),
        written=sum(int(values["written"]) for values in done),
        apply_seconds=sum(float(values["seconds"]) for values in done),
    )
    console.print(
        f"Applied: {result.written:,} written, {result.rejected:,} rejected, {result.requests:,} requests in "
        f"{result.apply_seconds:.1f} s (the sandbox counted {counted:,})."
    )
    return result


def _title(text: str) -> None:
    console.print()
    console.rule(text, align="left")


def stored_plans(metadata: Mapping[str, Mapping[str, Any]], prefix: str) -> list[Plan]:
    """The plans that the plan assets of a run stored."""
    from reverse_etl import show_plan

    settings = load_settings()
    return [
        show_plan(str(values["plan_id"]), settings.ops_store_url)
        for asset, values in metadata.items()
        if asset.startswith(f"{prefix}/")
    ]


def _where_next(size: str, summary: Path, seconds: float) -> None:
    state = load_settings().data_dir
    console.print()
    console.print(f"Done in {seconds:.0f} s. Where to look next:")
    console.print(f"  {summary}: these numbers as JSON")
    console.print("  make dagster     every asset, check, plan and run at http://127.0.0.1:3000")
    console.print("  make reports     pages for marketing in site/, from the published snapshot")
    console.print(f"  {state / 'published' / 'current.duckdb'}: the marts, for any DuckDB client")
    console.print("  seeds/*.csv      the rules; change one and run the demo again")
    if size != "medium":
        console.print("  make demo WORLD=medium     the same on 20,000 leads")
