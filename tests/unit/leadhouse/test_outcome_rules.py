"""The rule files of outcomes: what the checker refuses, with file, row and field."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest

from leadhouse.rules import check_rules
from leadhouse.rules.outcomes import PROFILE_ATTRIBUTES

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "where", "cell", "row", "field", "says"),
    [
        ("outcome_bands", {"band": "10-49"}, ("lo", "12"), 3, "lo", "starts at 12, the band below it ends at 10"),
        ("outcome_bands", {"band": "5000+"}, ("hi", "9000"), 7, "hi", "numbers beyond it have no band"),
        ("outcome_bands", {"band": "1-9"}, ("measure", "shoe_size"), 2, "measure", "'shoe_size' is not known"),
        ("profile_attributes", {"attribute": "seniority"}, ("attribute", "mood"), 8, "attribute", "of a contact"),
        ("content_touches", {"touch_type": "webinar_attended"}, ("touch_type", "nod"), 4, "touch_type", "touch_types"),
        ("enrichment_budget", {"provider": "domaincheck"}, ("attributes", "karma"), 3, "attributes", "'karma'"),
        ("enrichment_budget", {"provider": "domaincheck"}, ("currency", "XXX"), 3, "currency", "currency_rates"),
        ("enrichment_budget", {"provider": "domaincheck"}, ("cache_days", "0"), 3, "cache_days", "not above 0"),
        ("outcome_settings", {"setting": "drift_watch_psi"}, ("value", "0.4"), 16, "value", "lies above"),
        ("rule_reviews", {}, ("reviewed_on", "soon"), 2, "reviewed_on", "not a date"),
    ],
)
def test_a_bad_cell_is_named(
    tmp_path: Path, name: str, where: dict[str, str], cell: tuple[str, str], row: int, field: str, says: str
) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(ROOT / "seeds", seeds)
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    next(line for line in rows if all(line[key] == value for key, value in where.items()))[cell[0]] = cell[1]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = [problem for problem in check_rules(seeds) if problem.file == f"{name}.csv" and problem.row == row]
    assert [(problem.field, says in problem.problem + problem.fix) for problem in found][:1] == [(field, True)], found


def test_attributes_are_those_of_the_model() -> None:
    model = (ROOT / "models/intermediate/outcomes/int_profiles.sql").read_text()
    made = set(re.findall(r"'(\w+)' as attribute", model))
    made |= set(re.findall(r"then '(\w+)' else '(\w+)' end as attribute", model)[0])
    for entity, attributes in PROFILE_ATTRIBUTES.items():
        for attribute in attributes:
            assert attribute in made or f"'{attribute}'" in model, (entity, attribute)
