"""Checks the rule files in ``seeds/`` before a build, so that a bad cell is named instead of being scored.

One module an area declares its rule files (:data:`SCHEMAS`: columns, what a cell may hold, the key), the single numbers
that models read by name (``SETTINGS``) and what goes beyond one cell (``CHECKS``: bands that overlap, a trigger of the
wrong stage, shares that do not add up). A problem names the file, the row as a spreadsheet counts it (the header is
row 1), the field, what is wrong and what to do. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from leadhouse.rules import (
    activation,
    ads,
    attribution,
    capacity,
    contract,
    crm,
    forms,
    hygiene,
    identity,
    intent,
    lifecycle,
    lists,
    outcomes,
    queue,
    scoring,
)
from leadhouse.rules.files import Check, RuleProblem, Rules, Schema, check_cells, check_key, read_rows, values_of

_AREAS = (
    scoring,
    intent,
    lifecycle,
    contract,
    queue,
    lists,
    outcomes,
    attribution,
    ads,
    forms,
    identity,
    hygiene,
    crm,
    capacity,
    activation,
    crm,
)

#: Every rule file by name, without ``.csv``.
SCHEMAS: dict[str, Schema] = {name: schema for area in _AREAS for name, schema in area.SCHEMAS.items()}
#: Single numbers that models read by name (macro ``setting``), by file.
SETTINGS: dict[str, tuple[str, ...]] = {name: names for area in _AREAS for name, names in area.SETTINGS.items()}


def check_rules(seeds_dir: Path) -> list[RuleProblem]:
    """Check every rule file of a folder.

    Args:
        seeds_dir: folder that holds the CSV files of ``SCHEMAS`` (``seeds/``, or a changed copy of it).

    Returns:
        What is wrong, in the order of files and rows; an empty list when the rules can be built.

    Files that no schema names are left alone: a team may keep seeds of its own.
    """
    problems: list[RuleProblem] = []
    rules: Rules = {}
    for name, schema in SCHEMAS.items():
        rows, found = read_rows(seeds_dir / f"{name}.csv", schema)
        problems += found
        if rows is None:
            continue
        rules[name] = rows
        for row in rows:
            problems += check_cells(name, schema, row)
        problems += check_key(name, schema, rows)
    for check in _checks():
        problems += check(rules)
    order = {f"{name}.csv": position for position, name in enumerate(SCHEMAS)}
    return sorted(problems, key=lambda problem: (order[problem.file], problem.row or 0))


def _check_settings(rules: Rules) -> Iterator[RuleProblem]:
    for name, settings in SETTINGS.items():
        if name not in rules:
            continue
        for row in rules[name]:
            if row["setting"] and row["setting"] not in settings:
                fix = f"Remove it; the settings are {', '.join(settings)}"
                yield RuleProblem(f"{name}.csv", row.number, "setting", f"no rule reads '{row['setting']}'", fix)
        for setting in sorted(set(settings) - values_of(rules, name, "setting")):
            yield RuleProblem(f"{name}.csv", None, "setting", f"'{setting}' is missing", "Add its row")


def _checks() -> Iterator[Check]:
    yield _check_settings
    for area in _AREAS:
        yield from area.CHECKS
