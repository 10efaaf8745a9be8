"""``leadhouse plan``, ``plans``, ``plan show`` and ``plan diff``: what would change in the CRM, and why.

Personal data is masked in everything that is shown, JSON included, unless ``--show-personal-data`` asks for it.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from leadhouse.settings import SettingsError, load_settings

#: Rows shown of a plan at most, unless ``--limit`` says otherwise.
ROWS = 50


class Output(StrEnum):
    """How a plan is told."""

    text = "text"
    json = "json"


OutputOption = Annotated[Output, typer.Option("--output", help="text or json.")]
PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="A plan's id, or `latest`.")]


def plan_command(
    context: typer.Context,
    only: Annotated[list[str] | None, typer.Option(help="Only this sync or list model; may be repeated.")] = None,
) -> None:
    """Plan every sync: what would change in the CRM, and why. No request is sent."""
    if context.invoked_subcommand:
        return
    from leadhouse.display import console, plan_examples, plan_table
    from orchestration.publish import current_snapshot
    from orchestration.syncing import make_plan, past_moment

    settings = load_settings()
    made = make_plan(settings, only)
    plan_table([made], title=f"Plan {made.plan_id}")
    plan_examples([made])
    as_of = past_moment(current_snapshot(settings.published))
    if as_of is not None:
        console.print(
            f"These marts are of {as_of:%Y-%m-%d %H:%M} UTC: applying this plan gives the CRM that day's scores and "
            "lists. For the present: leadhouse clock --live, leadhouse build, leadhouse plan.",
            style="yellow",
            soft_wrap=True,
        )
    console.print(f"{made.changes:,} changes. Apply with: leadhouse apply {made.plan_id}", soft_wrap=True)


def plan_show_command(
    plan_id: PlanArgument = "latest",
    output: OutputOption = Output.text,
    sync: Annotated[str | None, typer.Option(help="Only the rows of this sync.")] = None,
    outcome: Annotated[list[str] | None, typer.Option(help="Only rows with this outcome; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(help="Rows at most; 0 = all.")] = ROWS,
    show_personal_data: Annotated[
        bool, typer.Option("--show-personal-data", help="Do not mask addresses, names and numbers.")
    ] = False,
) -> None:
    """Show a stored plan; with --sync or --outcome its rows."""
    from leadhouse.display import console, table
    from reverse_etl import show_plan
    from reverse_etl.plan import OUTCOMES
    from reverse_etl.render import masked_plan, masked_row
    from reverse_etl.store import Store

    for one in outcome or []:
        if one not in OUTCOMES:
            raise SettingsError(f"--outcome {one}: no such outcome. Known: {', '.join(OUTCOMES)}.")
    url = load_settings().ops_store_url
    shown = show_plan(plan_id, url)
    if sync is not None and sync not in {one.sync for one in shown.syncs}:
        raise SettingsError(f"--sync {sync}: not in this plan. It has {', '.join(one.sync for one in shown.syncs)}.")
    rows: list[dict[str, Any]] = []
    if sync is not None or outcome:
        with Store(url) as store:
            found = store.change_rows(shown.plan_id, sync=sync, outcomes=outcome or None, limit=limit or None)
        rows = [row if show_personal_data else masked_row(row) for row in found]
    if output is Output.json:
        told = shown.to_dict() if show_personal_data else masked_plan(shown)
        print(json.dumps({**told, **({"rows": rows} if sync is not None or outcome else {})}, ensure_ascii=False))
    elif sync is not None or outcome:
        names = ("sync", "outcome", "record_id", "sync_key", "fields", "previous", "reason")
        cells = [[row[name] or "" for name in names] for row in rows]
        table(f"Plan {shown.plan_id}", names, cells, footer=f"{len(rows):,} rows shown")
    else:
        from rich.markdown import Markdown

        console.print(Markdown(shown.to_markdown()))


def plan_diff_command(
    older: Annotated[str, typer.Argument(metavar="OLDER", help="A plan's id.")],
    newer: Annotated[str, typer.Argument(metavar="NEWER", help="A plan's id, or `latest`.")] = "latest",
    output: OutputOption = Output.text,
) -> None:
    """What a newer plan adds, drops and changes against an older one."""
    from leadhouse.display import console, table
    from reverse_etl.plan_diff import KINDS, diff_plans
    from reverse_etl.store import Store

    with Store(load_settings().ops_store_url) as store:
        found = diff_plans(store, older, newer)
    if output is Output.json:
        print(json.dumps([vars(one) for one in found]))
    elif not found:
        console.print("Both plans send the same.")
    else:
        rows = [
            (one.sync, kind, one.counts[kind], ", ".join(one.examples.get(kind, [])))
            for one in found
            for kind in KINDS
            if one.counts[kind]
        ]
        table(f"{newer} against {older}", ("sync", "the newer plan", "rows", "such as record"), rows)


def plans_command(output: OutputOption = Output.text) -> None:
    """List the stored plans, newest first."""
    from leadhouse.display import table
    from reverse_etl import list_plans
    from reverse_etl.store import utc_now

    now = utc_now()
    found = list_plans(load_settings().ops_store_url)
    for row in found:
        if row["status"] in ("planned", "blocked") and str(row["expires_at"]) < str(now):
            row["status"] = "expired"
    if output is Output.json:
        print(json.dumps(found, default=str))
        return
    rows = [(r["plan_id"], str(r["created_at"])[:19], r["build_id"], r["total_changes"], r["status"]) for r in found]
    table("Plans", ("plan", "created (UTC)", "build", "changes", "status"), rows)
