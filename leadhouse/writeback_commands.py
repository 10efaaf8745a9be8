"""``leadhouse apply``, ``deadletters`` and ``retry``: sending a plan, and what the CRM refused of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadhouse.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from reverse_etl.results import ApplyProgress

#: Exit code of an apply that is done but had records refused.
REJECTED = 3


class Kind(StrEnum):
    """Kinds of refusal."""

    validation = "validation"
    missing = "missing"
    conflict = "conflict"
    permission = "permission"
    rate = "rate"
    unknown = "unknown"


class Output(StrEnum):
    """How a list is told."""

    table = "table"
    json = "json"


def apply_command(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="A plan's id, or `latest`.")],
    approve: Annotated[bool, typer.Option("--approve", help="Apply although a guard holds the plan back.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait so long for another apply to end.")
    ] = 0.0,
) -> None:
    """Send a plan's changes to the CRM. May be stopped and repeated: nothing is lost or sent twice.

    Exit code 0: all is written. 3: done, but the CRM refused records (see `leadhouse deadletters`). 1: stopped or
    failed before the end; apply again to go on.
    """
    from leadhouse.display import console, errors
    from orchestration.syncing import apply_plan

    with _shown_progress() as tell:
        done = apply_plan(load_settings(), plan_id, tell=tell, approve=approve, wait_seconds=wait)
    rate = f" ({done.written / done.seconds:,.0f} a second)" if done.seconds > 0.5 and done.written else ""
    limited = f", {done.throttled:,} of them answered with 429" if done.throttled else ""
    console.print(
        f"{done.written:,} written{rate}, {done.rejected:,} rejected, {done.suppressed:,} held back by consent, "
        f"{done.skipped:,} done before; {done.requests:,} requests{limited} in {done.seconds:.1f} s.",
        soft_wrap=True,
    )
    if done.rejected:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(done.rejected_by_kind.items()))
        errors.print(f"The CRM refused {done.rejected:,} records ({kinds}). See: leadhouse deadletters", soft_wrap=True)
    if done.stopped:
        errors.print(f"Stopped with {done.unsent:,} records not sent. Apply again to go on.")
        raise typer.Exit(1)
    if done.rejected:
        raise typer.Exit(REJECTED)


SyncOption = Annotated[str | None, typer.Option("--sync", help="Only of this sync.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="Only of this kind of refusal.")]


def deadletters_command(
    sync: SyncOption = None,
    kind: KindOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many.")] = 50,
    output: Annotated[Output, typer.Option("--output", help="How to tell it.")] = Output.table,
) -> None:
    """List the records that the CRM refused and that are not written since, with its reasons."""
    from leadhouse.display import console, table
    from reverse_etl.render import mask
    from reverse_etl.retries import RULES
    from reverse_etl.store import Store

    with Store(load_settings().ops_store_url) as store:
        rows = store.dead_letter_rows(sync=sync, kind=kind, limit=limit)
        counts = [one for one in store.dead_letter_counts() if sync in (None, one[0]) and kind in (None, one[1])]
    if output is Output.json:
        shown = [_as_json(row) for row in rows]
        typer.echo(json.dumps({"dead_letters": shown, "total": sum(count for _, _, count in counts)}))
        return
    if not rows:
        console.print("No record is refused.")
        return
    table(
        "Refused records",
        ("id", "sync", "record", "action", "kind", "refused (UTC)", "tries", "what the CRM says"),
        [
            (
                row["write_id"], row["sync"], row["record_id"] or "(new)", row["action"], row["error_kind"],
                str(row["first_refused_at"])[:16], row["attempts"] or 1, mask(row["error_message"]),
            )
            for row in rows
        ],
    )  # fmt: skip
    for name, error_kind, count in counts:
        console.print(f"{name}, {error_kind}: {count:,}. {RULES[error_kind].reason}", soft_wrap=True)


def retry_command(
    letter: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this dead letter.")] = None,
    sync: SyncOption = None,
    kind: KindOption = None,
) -> None:
    """Let refused records be sent again by the next plan, although nothing changed."""
    from leadhouse.display import console
    from reverse_etl.store import Store

    with Store(load_settings().ops_store_url) as store:
        count = store.retry_dead_letters(sync=sync, kind=kind, write_id=letter)
    if not count and letter is not None:
        raise SettingsError(f"{letter}: no open dead letter has this id; see leadhouse deadletters")
    console.print(f"{count:,} refused records are sent again by the next plan: leadhouse plan", soft_wrap=True)


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    """A dead letter without personal data: the properties' names, the message masked."""
    from reverse_etl.render import mask

    names = (
        "write_id", "plan_id", "sync", "destination", "object", "sync_key", "record_id", "action", "error_kind",
        "state", "attempts",
    )  # fmt: skip
    return {
        **{name: row[name] for name in names},
        "properties": sorted(json.loads(row["fields"] or "{}")),
        "message": mask(row["error_message"]),
        "refused_at": row["first_refused_at"].isoformat(timespec="seconds") + "Z",
    }


@contextmanager
def _shown_progress() -> Iterator[Callable[[ApplyProgress], None]]:
    """A bar a sync with rate, requests, 429s and the time left; one line a sync where nothing can be redrawn."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    from leadhouse.display import console

    if not console.is_terminal:
        last: dict[str, ApplyProgress] = {}

        def tell_line(state: ApplyProgress) -> None:
            last[state.sync] = state
            if state.done >= state.total:
                console.print(f"  {state.sync}: {state.done:,} of {state.total:,}, {_told(state)}", style="dim")

        yield tell_line
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"), TimeRemainingColumn(),
    )  # fmt: skip
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as bars:

        def tell_bar(state: ApplyProgress) -> None:
            if state.sync not in tasks:
                tasks[state.sync] = bars.add_task(state.sync, total=state.total, told="")
            bars.update(tasks[state.sync], completed=state.done, told=_told(state))

        yield tell_bar


def _told(state: ApplyProgress) -> str:
    rate = state.done / state.seconds if state.seconds > 0 else 0.0
    limited = f", {state.throttled:,} x 429" if state.throttled else ""
    refused = f", {state.rejected:,} refused" if state.rejected else ""
    return f"{rate:,.0f}/s, {state.requests:,} requests{limited}{refused}"
