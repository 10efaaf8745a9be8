"""Commands that try rules: check them, recompute a past day under them, compare them with the rules in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadhouse.rule_sets import rules_version
from leadhouse.settings import SettingsError, composed_rules, load_settings

if TYPE_CHECKING:
    from leadhouse.statistics import Interval
    from orchestration.rule_comparison import Person, Yield
    from orchestration.whatif import WhatIf

#: How many people and moves a terminal shows; ``--json`` has them all.
_SHOWN = 12

RulesOption = Annotated[
    Path | None, typer.Option("--rules", help="Folder of changed rule files (whole CSV files), laid over the seeds.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")]


def check_rules_command(rules: RulesOption = None) -> None:
    """Check the seeds that marketing owns: file, row, field, problem, what to do."""
    from leadhouse.display import console
    from orchestration.dbt_run import refuse_bad_rules

    settings = load_settings()
    seeds = settings.seeds_dir if rules is None else composed_rules(settings.rule_overlays(rules.resolve()))
    refuse_bad_rules(seeds)
    console.print(f"{len(list(seeds.rglob('*.csv')))} seed files, no problem found.")


def replay_command(
    as_of: Annotated[str, typer.Option("--as-of", help="The moment (UTC, ISO 8601); a date alone is its midnight.")],
    rules: RulesOption = None,
    name: Annotated[str | None, typer.Option(help="Name of the replay; one of the same name is replaced.")] = None,
) -> None:
    """Compute a past day anew, under these or other rules, beside the live tables, which are only read."""
    from leadhouse.display import console, live_progress, table
    from orchestration.progress import watched_by
    from orchestration.replay import replay_summary, run_replay

    settings = load_settings()
    moment = _moment(as_of)
    overlays = settings.rule_overlays(*([rules.resolve()] if rules else []))
    called = name or f"{moment:%Y-%m-%dT%H%M}".removesuffix("T0000") + (f"-{rules.resolve().name}" if rules else "")
    with live_progress() as progress, watched_by(progress):
        done = run_replay(settings, moment, called, overlays)
    found = replay_summary(settings, done)
    table(
        f"Contacts as of {done.as_of_at:%Y-%m-%d %H:%M} UTC",
        ("what", "value", "replay", "live"),
        [(what, value, then, now) for what, value, then, now in found.counts],
        footer=f"{found.differing:,} of {found.contacts:,} contacts have another grade or stage than live "
        f"({found.live_as_of_at:%Y-%m-%d %H:%M} UTC).",
    )
    changed = f"Rules that differ from the live ones: {', '.join(done.changed_seeds)}. " if done.changed_seeds else ""
    console.print(
        f"{changed}{done.models} models in {done.seconds:.1f} s. Who is who, firmographics, titles and consent are as "
        "known now; everything with a date is cut at that moment.",
        soft_wrap=True,
    )
    console.print(
        f"Look: duckdb {done.path} -cmd \"attach '{settings.warehouse}' as {settings.warehouse.stem} (read_only)\"",
        soft_wrap=True,
        markup=False,
    )


def whatif_command(
    rules: Annotated[
        Path, typer.Option("--rules", help="Folder of changed rule files (whole CSV files), laid over the seeds.")
    ],
    days: Annotated[int, typer.Option(min=7, help="Window back from the live moment.")] = 90,
    base: Annotated[
        Path | None, typer.Option("--base", help="Folder of the rules to compare with; those in force by default.")
    ] = None,
    show_people: Annotated[bool, typer.Option("--show-people", help="Show e-mail addresses in full.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what changed rules would do: who enters and leaves MQL, cells moved, calls against capacity, SAL/MQL."""
    import contextlib

    from leadhouse.display import live_progress
    from orchestration.progress import watched_by
    from orchestration.whatif import run_whatif

    settings = load_settings()
    before = settings.rule_overlays(*([base.resolve()] if base else []))
    after = settings.rule_overlays(rules.resolve())
    with contextlib.ExitStack() as stack:
        if not as_json:
            stack.enter_context(watched_by(stack.enter_context(live_progress())))
        found = run_whatif(settings, before, after, days=days)
    if as_json:
        typer.echo(json.dumps(as_plain(found, show_people=show_people), indent=1))
    else:
        show_whatif(found, show_people=show_people)


def as_plain(found: WhatIf, *, show_people: bool) -> dict[str, Any]:
    """A what-if as JSON has it: moves as lists, moments as text, addresses masked unless ``show_people``."""
    values = asdict(found.comparison)
    for moves in ("cells", "grades", "stages", "accounts"):
        values[moves] = [{"from": one, "to": other, "count": count} for (one, other), count in values[moves].items()]
    for group in ("people_entering", "people_leaving"):
        for person in values[group]:
            person["email"] = _shown(person["email"], show_people)
    values["rules_version"] = {side.name: rules_version(side.seeds_dir) for side in (found.base, found.changed)}
    values["is_nothing"] = found.comparison.is_nothing
    values["seconds"] = round(found.seconds, 1)
    plain: dict[str, Any] = json.loads(json.dumps(values, default=_text))
    return plain


def show_whatif(found: WhatIf, *, show_people: bool) -> None:
    """Prints a what-if as tables."""
    from leadhouse.display import console, table

    comparison = found.comparison
    rows = [
        (diff.file, "changed", changed.key, _fields(changed.fields))
        for diff in comparison.rules
        for changed in diff.changed
    ]
    rows += [(diff.file, "added", key, "") for diff in comparison.rules for key in diff.added]
    rows += [(diff.file, "removed", key, "") for diff in comparison.rules for key in diff.removed]
    if not rows:
        console.print("No rule differs.")
    else:
        table("Rules that differ", ("file", "row", "key", "fields"), rows[:40], footer=_more(len(rows), 40))
    table(
        f"MQLs of the {comparison.days} days up to {comparison.as_of_at:%Y-%m-%d %H:%M} UTC",
        ("", "as it is", "changed"),
        _yields(comparison.base, comparison.changed),
        footer=_difference("SAL/MQL", comparison.difference),
    )
    if comparison.is_nothing:
        console.print("Nobody would be treated differently.")
        return
    console.print(
        f"{comparison.entering:,} enter MQL, {comparison.leaving:,} leave it, {comparison.shifted:,} are MQL on "
        "another day.",
        style="bold",
    )
    for title, people, count in (
        ("Enter MQL", comparison.people_entering, comparison.entering),
        ("Leave MQL", comparison.people_leaving, comparison.leaving),
    ):
        if people:
            table(title, ("contact", "e-mail", "day", "as it is", "changed", "why"), _people(people, show_people),
                  footer=_more(count, _SHOWN))  # fmt: skip
    for title, moves in (
        ("Cells", comparison.cells),
        ("Grades of contacts", comparison.grades),
        ("Grades of accounts", comparison.accounts),
        ("Stages", comparison.stages),
    ):
        _moves(title, moves)
    equal = comparison.at_equal_capacity
    if equal.places:
        table(
            f"At equal capacity: the best {equal.places:,} of either by its own score at the entry",
            ("", "as it is", "changed"),
            _yields(equal.base, equal.changed),
            footer=_difference("SAL/MQL", equal.difference),
        )
    versions = [rules_version(side.seeds_dir) for side in (found.base, found.changed)]
    console.print(
        f"All rules {versions[0]} and {versions[1]}; those of scores {comparison.base.ruleset_version} and "
        f"{comparison.changed.ruleset_version}; {found.seconds:.1f} s. No live table was touched. Known outcomes are "
        "those of hand-overs under the rules as they are.",
        soft_wrap=True,
    )


def _fields(fields: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(f"{name} {one or '(empty)'} -> {other or '(empty)'}" for name, (one, other) in fields.items())


def _yields(base: Yield, changed: Yield) -> list[tuple[str, str, str]]:
    def line(label: str, show: Any) -> tuple[str, str, str]:
        return label, show(base), show(changed)

    return [
        line("MQLs (contacts)", lambda one: f"{one.mqls:,}"),
        line("calls per week", lambda one: f"{one.calls_per_week:.1f}"),
        line("busiest week, calls", lambda one: f"{one.busiest_week_calls:.0f}"),
        line("weeks over capacity", lambda one: f"{one.weeks_over_capacity}"),
        line("accepted of known", lambda one: f"{one.accepted:,} of {one.known:,}"),
        line("SAL/MQL", lambda one: _share(one.share)),
        line("still pending", lambda one: f"{one.pending:,}"),
        line("unobserved", lambda one: f"{one.unobserved:,}"),
    ]


def _share(found: Interval | None) -> str:
    return "not known" if found is None else f"{found.value:.1%} [{found.lo:.1%}, {found.hi:.1%}]"


def _difference(what: str, found: Interval | None) -> str:
    if found is None:
        return f"{what}: no outcome is known on one side."
    if found.lo == found.hi == 0:
        return f"{what}: the same people, no change."
    points = [f"{100 * value:+.1f}" for value in (found.value, found.lo, found.hi)]
    sure = "" if found.lo > 0 or found.hi < 0 else "; it may be nothing"
    return f"{what} changes by {points[0]} points [{points[1]}, {points[2]}]{sure}."


def _people(people: tuple[Person, ...], show_people: bool) -> list[tuple[str, ...]]:
    return [
        (person.contact_id[:12], _shown(person.email, show_people) or "", f"{person.entered_at:%Y-%m-%d}", person.base,
         person.changed, person.why)
        for person in people[:_SHOWN]
    ]  # fmt: skip


def _moves(title: str, moves: Mapping[tuple[str, str], int]) -> None:
    from leadhouse.display import table

    if moves:
        rows = [(one, other, count) for (one, other), count in moves.items()]
        table(title, ("from", "to", "count"), rows[:_SHOWN], footer=_more(len(rows), _SHOWN))


def _more(count: int, shown: int) -> str | None:
    return f"{shown} of {count:,} shown; --json has more." if count > shown else None


def _shown(email: str | None, show_people: bool) -> str | None:
    from reverse_etl.render import mask

    return email if email is None or show_people else mask(email)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise SettingsError(f"--as-of {text}: not an ISO 8601 time such as 2026-10-01 or 2026-10-01T06:00Z.") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
