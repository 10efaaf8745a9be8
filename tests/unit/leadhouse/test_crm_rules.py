"""The rule files of a CRM's own words and users: what the checker refuses, with file, row and field."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from leadhouse.rules import check_rules

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "where", "cell", "field", "says"),
    [
        ("crm_values", {"value": "listemail"}, ("means", "letter"), "means", "call, email, task"),
        ("crm_values", {"value": "working"}, ("value", "Working"), "value", "in lower case"),
        ("crm_values", {"value": "working"}, ("means", "in_progress"), "means", "IN_PROGRESS"),
        ("crm_values", {"value": "technology"}, ("means", "rocketry"), "means", "no divisions"),
        ("crm_values", {"value": "technology"}, ("field", "colour"), "field", "companies.colour"),
        ("crm_values", {"value": "technology"}, ("source", "paper"), "source", "paper"),
        ("crm_machine_users", {"source": "hubspot"}, ("kind", "robot"), "kind", "robot"),
        ("crm_machine_users", {"source": "hubspot"}, ("user_pattern", "(api"), "user_pattern", "(api"),
    ],
)
def test_a_bad_cell_is_named(
    tmp_path: Path, name: str, where: dict[str, str], cell: tuple[str, str], field: str, says: str
) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(ROOT / "seeds", seeds)
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    place = next(n for n, line in enumerate(rows) if all(line[key] == value for key, value in where.items()))
    rows[place][cell[0]] = cell[1]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = [problem for problem in check_rules(seeds) if problem.file == f"{name}.csv" and problem.row == place + 2]
    assert [(problem.field, says in problem.problem + problem.fix) for problem in found][:1] == [(field, True)], found
