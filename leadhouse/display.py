"""What the command line shows: Rich tables and live progress with counts and rates."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from reverse_etl.plan import Plan

#: Characters a line when the output goes to a file or a pipe, where there is no width to ask for.
_FILE_WIDTH = 140
#: From this amount on money is told in thousands.
_MUCH = 100_000


def _console(*, stderr: bool = False) -> Console:
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_FILE_WIDTH)


console = _console()
errors = _console(stderr=True)


class _Rate(ProgressColumn):
    """Rows a second since the entity began."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time or task.elapsed or 0.0
        if not task.completed or elapsed <= 0:
            return Text("")
        return Text(f"{task.completed / elapsed:,.0f}/s", style="cyan")


class LiveProgress:
    """The loaders', the build's and the applier's progress as live lines; the last state of each stays readable."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def start(self, entity: str, total: int | None) -> None:
        """An entity begins; ``total`` is the number of rows, if known."""
        self._tasks[entity] = self._progress.add_task(entity, total=total)

    def advance(self, entity: str, rows: int) -> None:
        """So many more rows are done."""
        if entity not in self._tasks:
            self.start(entity, None)
        self._progress.advance(self._tasks[entity], rows)

    def finish(self, entity: str) -> None:
        """The entity is done; its total is what was counted."""
        task = self._tasks.pop(entity, None)
        if task is not None:
            done = self._progress.tasks[self._progress.task_ids.index(task)].completed
            self._progress.update(task, total=done, completed=done)
            self._progress.stop_task(task)


class LineProgress:
    """For a terminal that cannot redraw (a log file, CI): one line when an entity is done."""

    def __init__(self, target: Console) -> None:
        self._console = target
        self._open: dict[str, tuple[float, int]] = {}

    def start(self, entity: str, total: int | None) -> None:  # noqa: ARG002 (nothing to draw beforehand)
        """An entity begins."""
        self._open[entity] = (time.monotonic(), 0)

    def advance(self, entity: str, rows: int) -> None:
        """So many more rows are done."""
        began, count = self._open.get(entity, (time.monotonic(), 0))
        self._open[entity] = (began, count + rows)

    def finish(self, entity: str) -> None:
        """The entity is done: say how much and how fast."""
        began, count = self._open.pop(entity, (time.monotonic(), 0))
        seconds = time.monotonic() - began
        rate = f", {count / seconds:,.0f}/s" if seconds > 0.05 and count else ""
        self._console.print(f"  {entity}: {count:,} in {seconds:.1f} s{rate}", style="dim")


@contextmanager
def live_progress() -> Iterator[LiveProgress | LineProgress]:
    """Progress lines for as long as the block runs."""
    if not console.is_terminal:
        yield LineProgress(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        yield LiveProgress(progress)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, footer: str | None = None) -> None:
    """Prints a table; numbers are right-aligned and grouped by thousands. ``footer`` is a line below."""
    numeric = [
        bool(rows) and all(isinstance(row[index], int | float) or row[index] is None for row in rows)
        for index in range(len(columns))
    ]
    shown = Table(title=title, title_justify="left", title_style="bold")
    for index, (name, is_number) in enumerate(zip(columns, numeric, strict=True)):
        shown.add_column(
            name, justify="right" if is_number else "left", overflow="fold", no_wrap=index == 0 or is_number
        )
    for row in rows:
        shown.add_row(*(cell(value) for value in row))
    console.print(shown)
    if footer:
        console.print(footer, style="italic", soft_wrap=True)


def cell(value: Any) -> str:
    """One value as text: thousands separated, two digits after the point, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value)


def loads_table(metadata: Mapping[str, Mapping[str, Any]]) -> None:
    """The summary after ingestion, from the metadata of the raw tables' assets."""
    rows: list[tuple[Any, ...]] = []
    for asset, values in metadata.items():
        if "rows_read" not in values:
            continue
        seconds = float(values.get("seconds") or 0.0)
        read = int(values["rows_read"] or 0)
        rows.append(
            (
                asset.replace("/", "."),
                read,
                int(values["rows_loaded"] or 0),
                int(values["rejected"] or 0),
                int(values["requests"] or 0),
                seconds,
                round(read / seconds) if seconds else None,
            )
        )
    totals = [sum(int(row[index]) for row in rows) for index in (1, 2, 3, 4)]
    table(
        "Loaded",
        ("raw table", "read", "loaded", "quarantined", "requests", "seconds", "rows/s"),
        rows,
        footer=f"{totals[0]:,} rows read, {totals[1]:,} loaded, {totals[2]:,} quarantined, {totals[3]:,} requests",
    )


def plan_table(plans: Sequence[Plan], title: str = "Plan") -> None:
    """What would change in the CRM: one line a sync."""
    from reverse_etl.render import plan_rows

    sending = ("create", "update", "list_add", "list_remove", "unchanged")
    kept = ("suppressed", "missing_key", "conflict", "held")
    table(
        title,
        ("sync", "target", "create", "update", "list add", "list remove", "unchanged", "not sent", "guards"),
        [
            (
                row["sync"],
                row["target"],
                *(row[name] for name in sending),
                sum(row[name] for name in kept),
                row["guards"] or "hold",
            )
            for plan in plans
            for row in plan_rows(plan)
        ],
    )


def plan_examples(plans: Sequence[Plan], limit: int = 1) -> None:
    """A few lines of what would change and why, by sync and outcome; personal data masked."""
    from reverse_etl.render import example_rows

    shown: Counter[tuple[str, str]] = Counter()
    for plan in plans:
        for row in example_rows(plan):
            shown[row["sync"], row["outcome"]] += 1
            if shown[row["sync"], row["outcome"]] <= limit:
                why = f" ({row['reason']})" if row["reason"] else ""
                line = f"  e.g. {row['outcome']} {row['record']}{why} {row['change']}"
                console.print(Text(_short(line, console.width)), style="dim")


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def contract_tables(summary: Mapping[str, Any]) -> None:
    """What sales made of marketing's leads, who waits where, and what comes next; counts only, nobody's name."""
    contract = summary["contract"]
    accepted, judged = contract["accepted"], contract["judged"]
    response = contract["response"]
    if not response or not response["is_enough"]:
        waiting = "too few requests to say what waiting costs"
    else:
        waiting = (
            f"half of what answering at once adds is gone after {response['half_life_hours']:.0f} h "
            f"[{response['half_life_lo']:.0f}, {response['half_life_hi']:.0f}] (n = {response['requests']:,})"
        )
    table(
        "The marketing-sales contract: speed to lead",
        ("segment", "handed over", "answered", "median, clock", "median, business hours", "within the contract"),
        [
            (
                speed["segment"],
                speed["handoffs"],
                speed["answered"],
                _duration(speed["median_seconds"]),
                _duration(speed["median_business_seconds"]),
                "" if speed["within_contract_pct"] is None else f"{speed['within_contract_pct']:.0f} %",
            )
            for speed in contract["speed"]
        ],
        footer=(
            f"SAL/MQL {accepted:,} of {judged:,} decided"
            + (f" = {100 * accepted / judged:.1f} %" if judged else "")
            + f";  {', '.join(f'{name} {count:,}' for name, count in contract['verdicts'].items())};  {waiting}"
        ),
    )
    table(
        "Smart lists",
        ("list", "members", "purpose"),
        [(found["list"], found["members"], found["purpose"]) for found in summary["lists"]],
        footer=(f"gate: {_counts(summary['gate'], 'reason')};  routes: {_counts(summary['routes'], 'route')}"),
    )
    table(
        "Next best actions",
        ("who", "channel", "message", "people", "first (UTC)"),
        [
            (action["actor"], action["channel"], action["message"], action["contacts"], action["first_at"])
            for action in summary["next_actions"]
        ],
    )


def channel_tables(channels: Sequence[Mapping[str, Any]], currency: str) -> None:
    """What each channel cost and brought under every model: revenue won, in thousands where it is much, and ROI."""
    models = list(dict.fromkeys(model for channel in channels for model in channel["revenue"]))
    # One word a line, so that all models stand side by side.
    names = [model.replace("_", "\n") for model in models]
    most = max((value or 0 for channel in channels for value in channel["revenue"].values()), default=0)
    unit = 1_000 if most >= _MUCH else 1
    money = f"{currency} thousand" if unit > 1 else currency
    table(
        f"Channels: spend, and revenue won that each model credits them with ({money})",
        ("channel", "spend", *names),
        [
            (
                channel["channel"],
                round(channel["spend"] / unit),
                *(round((channel["revenue"].get(model) or 0) / unit) for model in models),
            )
            for channel in channels
        ],
    )
    table(
        "ROI of the channels that cost something, by model: (revenue - spend) / spend",
        ("channel", *names),
        [
            (channel["channel"], *(channel["roi"].get(model) for model in models))
            for channel in channels
            if channel["spend"]
        ],
    )


def _counts(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    return ", ".join(f"{row[name]} {row['contacts']:,}" for row in rows)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def summary_tables(summary: Mapping[str, Any]) -> None:
    """The tables at the end of a demo; the same numbers as ``data/demo_summary.json``."""
    sources = summary["sources"]
    totals = [sum(source[name] for source in sources) for name in ("raw", "kept", "merged", "quarantined")]
    table(
        "Raw records to contacts and accounts",
        ("source", "raw", "kept", "merged", "quarantined", "adds up"),
        [
            (
                source["source"],
                source["raw"],
                source["kept"],
                source["merged"],
                source["quarantined"],
                source["raw"] == source["kept"] + source["merged"] + source["quarantined"],
            )
            for source in sources
        ],
        footer=(
            f"{totals[0]:,} raw = {totals[1]:,} kept + {totals[2]:,} merged + {totals[3]:,} quarantined;  "
            f"{summary['contacts']:,} contacts at {summary['accounts']:,} accounts"
        ),
    )
    table(
        "Best accounts",
        ("account", "grade", "score", "committee", "strongest reasons"),
        [
            (
                account["account"],
                account["grade"],
                account["score"],
                account["committee"],
                "\n".join(account["reasons"]),
            )
            for account in summary["top_accounts"]
        ],
    )
    channel_tables(summary["channels"], summary["currency"])
    contract_tables(summary)
    plan, done = summary["plan"], summary["apply"]
    table(
        "Write-back",
        ("round", "creates", "updates", "list adds", "list removes", "requests", "rejected", "seconds"),
        [
            (
                "first",
                plan["creates"],
                plan["updates"],
                plan["list_adds"],
                plan["list_removes"],
                done["requests"],
                done["rejected"],
                done["seconds"],
            )
        ],
        footer=(
            f"second plan: {summary['second_plan']['changes']:,} changes;  "
            f"second apply: {summary['second_apply']['requests']:,} requests;  "
            f"after reading it back: {summary['read_back']['changes']:,} changes"
            + (
                f" ({summary['read_back']['list_adds']:,} created contacts join a list)"
                if summary["read_back"]["list_adds"]
                else ""
            )
        ),
    )
