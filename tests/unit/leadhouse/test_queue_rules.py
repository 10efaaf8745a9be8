"""Rule files of the call queue and of what is measured about response: a bad cell is named with file, row and field."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from leadhouse.rules import check_rules

SEEDS = Path(__file__).parents[3] / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def change(seeds: Path, name: str, where: dict[str, str], cells: dict[str, str]) -> int:
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    hits = [number for number, row in enumerate(rows) if all(row[key] == value for key, value in where.items())]
    assert len(hits) == 1, (name, where)
    rows[hits[0]] |= cells
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return hits[0] + 2


@pytest.mark.parametrize(
    ("name", "where", "cells", "field", "words"),
    [
        ("lead_care_rules", {"rule_id": "untouched_mql"}, {"limit_days": ""}, "limit_days", "needs it"),
        ("lead_care_rules", {"rule_id": "no_owner"}, {"limit_days": "3"}, "limit_days", "does not read it"),
        ("lead_care_rules", {"rule_id": "no_owner"}, {"stages": "mql|hot"}, "stages", "no stage"),
        ("lead_care_rules", {"rule_id": "no_owner"}, {"check_kind": "lonely"}, "check_kind", "not known"),
        ("call_windows", {"window_id": "early"}, {"opens_at": "7h30"}, "opens_at", "no time of day"),
        ("call_windows", {"window_id": "early"}, {"closes_at": "07:00"}, "closes_at", "not after it opens"),
        ("call_windows", {"window_id": "early"}, {"weekdays": "1|8"}, "weekdays", "no day of the week"),
        ("call_windows", {"window_id": "early"}, {"country": "Brazil"}, "country", "no country code"),
        ("call_windows", {"window_id": "late"}, {"opens_at": "08:00"}, "opens_at", "overlaps"),
        ("queue_order", {"criterion": "due"}, {"rank": "1"}, "rank", "stands in row"),
        ("queue_order", {"criterion": "due"}, {"criterion": "mood"}, "criterion", "not known"),
        ("queue_order", {"criterion": "due"}, {"rank": "9"}, "rank", "never asked"),
        ("response_buckets", {"bucket": "2"}, {"from_minutes": "10"}, "from_minutes", "expected 5"),
        ("response_buckets", {"bucket": "8"}, {"to_minutes": "9000"}, "to_minutes", "no bucket"),
        ("vendor_claims", {"claim_id": "five_minutes_contact"}, {"other_minutes": ""}, "other_minutes", "needs it"),
        ("vendor_claims", {"claim_id": "five_minutes_contact"}, {"status": "proven"}, "status", "not known"),
        ("handling_costs", {"activity_type": "call"}, {"currency": "XXX"}, "currency", "currency_rates"),
        ("handling_costs", {"activity_type": "call"}, {"cost_per_minute": "-1"}, "cost_per_minute", "below 0"),
        ("mql_targets", {"segment": "*"}, {"segment": "moon"}, "segment", "no segment"),
        ("queue_settings", {"setting": "queue_min_n"}, {"setting": "queue_max_n"}, "setting", "no rule reads"),
    ],
)
def test_a_bad_cell_is_named(
    seeds: Path, name: str, where: dict[str, str], cells: dict[str, str], field: str, words: str
) -> None:
    row = change(seeds, name, where, cells)
    problems = [problem for problem in check_rules(seeds) if problem.file == f"{name}.csv"]
    named = [problem for problem in problems if problem.row == row and problem.field == field]
    assert named, [str(problem) for problem in problems]
    assert any(words in str(problem) for problem in named), [str(problem) for problem in named]


def test_every_kind_of_activity_has_a_cost_and_every_country_a_window(seeds: Path) -> None:
    for name, keep in (("handling_costs", "email"), ("call_windows", "nothing")):
        path = seeds / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([lines[0], *[line for line in lines[1:] if line.startswith(keep)]]) + "\n")
    found = [str(problem) for problem in check_rules(seeds)]
    assert any("'call' has no cost" in problem for problem in found)
    assert any("no window holds for other countries" in problem for problem in found)
