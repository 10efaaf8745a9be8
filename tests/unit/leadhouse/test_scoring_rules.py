"""Bad cells of the scoring and intent seeds are refused with file, row and field."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadhouse.rules import check_rules
from leadhouse.rules.files import Row
from leadhouse.rules.scoring import _check_overlaps

SEEDS = Path(__file__).parents[3] / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be spoiled."""
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def change(seeds: Path, name: str, where: dict[str, str], cells: dict[str, str], *, add: bool = False) -> int:
    """Change the first row that matches, or add a changed copy of it; its number as a spreadsheet counts."""
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    index = next(i for i, row in enumerate(rows) if where.items() <= row.items())
    if add:
        rows.append(dict(rows[index]))
        index = len(rows) - 1
    rows[index].update(cells)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return index + 2


def assert_refused(seeds: Path, name: str, row: int, field: str, words: str) -> None:
    problems = check_rules(seeds)
    mine = [problem for problem in problems if problem.field == field and problem.row == row]
    assert mine, "\n".join(map(str, problems))
    assert words in str(mine[0])
    assert str(mine[0]).startswith(f"{name}.csv, row {row}, field {field}: ")


@pytest.mark.parametrize(
    ("name", "where", "cells", "field", "words"),
    [
        ("intent_rules", "contact_requested", {"is_buying_intent": "true"}, "is_buying_intent", "contact request"),
        ("intent_rules", "demo_requested", {"intent_kind": "contact_request"}, "is_buying_intent", "one row"),
        ("intent_rules", "demo_requested", {"evidence_values": "form_submision"}, "evidence_values", "never happens"),
        ("intent_rules", "demo_requested", {"evidence_details": "demo"}, "evidence_details", "demo_request"),
        ("intent_rules", "meeting_held", {"evidence_values": "lunch"}, "evidence_values", "meeting_booked"),
        ("intent_rules", "deal_created", {"evidence_kind": "deal"}, "evidence_kind", "opportunity"),
        ("intent_rules", "deal_created", {"value_pattern": "big"}, "value_pattern", "Leave it empty"),
        ("intent_rules", "timeline_stated", {"evidence_values": "time"}, "evidence_values", "timeline"),
        ("intent_rules", "quote_requested", {"value_pattern": "(quote"}, "value_pattern", "regular expression"),
        ("intent_rules", "quote_requested", {"priority": "10"}, "priority", "contact_requested"),
        ("bant_rules", "budget_said", {"dimension": "money"}, "dimension", "budget"),
        ("bant_rules", "budget_deal", {"field": "price"}, "field", "amount"),
        ("bant_rules", "budget_said", {"value_pattern": "(?<=a)b"}, "value_pattern", "look-around"),
        ("request_groups", "wants_a_call", {"request_group": "D"}, "request_group", "A, B, C"),
        ("request_groups", "wants_a_call", {"answer_field": ""}, "answer_field", "without an answer"),
        ("request_groups", "asks_for_a_demo", {"form_kinds": "demo"}, "form_kinds", "demo_request"),
        ("request_groups", "asks_for_a_demo", {"priority": "10"}, "priority", "wants_a_call"),
    ],
)
def test_a_bad_rule_of_intent_is_named(
    seeds: Path, name: str, where: str, cells: dict[str, str], field: str, words: str
) -> None:
    row = change(seeds, name, {"rule_id": where}, cells)
    assert_refused(seeds, name, row, field, words)


@pytest.mark.parametrize(
    ("name", "where", "cells", "field", "words"),
    [
        ("fit_rules", {"rule_id": "size_mid"}, {"value": "40..250"}, "value", "overlaps '10..50' of 'size_small'"),
        ("fit_rules", {"rule_id": "size_giant"}, {"value": "4999..", "adds_up": ""}, "value", "size_large"),
        ("fit_rules", {"rule_id": "role_champion"}, {"operator": "in", "value": "champion|influencer"}, None, ""),
        ("fit_rules", {"rule_id": "revenue_mid"}, {"value": "from_6m"}, "value", "from_5m"),
        ("fit_rules", {"rule_id": "activity_software"}, {"value": "NAFF:62"}, "value", "no known classification"),
        ("fit_rules", {"rule_id": "size_mid"}, {"adds_up": "maybe"}, "adds_up", "true or false"),
        ("fit_exclusions", {"rule_id": "excluded_student"}, {"attribute": "mood"}, "attribute", "seniority"),
        ("fit_exclusions", {"rule_id": "excluded_own"}, {"value": "ours"}, "value", "competitor"),
        ("fit_exclusions", {"rule_id": "excluded_student"}, {"priority": "10"}, "priority", "excluded_competitor"),
        (
            "fit_exclusions",
            {"rule_id": "excluded_student"},
            {"operator": "is_known", "value": "false"},
            "value",
            "not known",
        ),
        ("fit_exclusions", {"rule_id": "excluded_student"}, {"rule_id": "size_mid"}, "rule_id", "fit_rules.csv"),
        ("fit_exclusions", {"rule_id": "excluded_student"}, {"reason_code": ""}, "reason_code", "empty"),
        ("revenue_bands", {"band": "from_5m"}, {"lo": "4000000"}, "lo", "overlaps"),
        ("revenue_bands", {"band": "from_5m"}, {"lo": "6000000"}, "lo", "gap"),
        ("revenue_bands", {"band": "from_50m"}, {"hi": "90000000"}, "hi", "from 90000000 on"),
        (
            "competitor_domains",
            {"domain": "rival.example"},
            {"domain": "https://rival.example"},
            "domain",
            "subdomains",
        ),
        ("competitor_domains", {"domain": "rival.example"}, {"domain": "gmail.com"}, "domain", "mailbox provider"),
        ("competitor_domains", {"domain": "rival.example"}, {"domain": "pontonorte.io"}, "domain", "own"),
        ("grades", {"grade": "D"}, {"is_hot": "true"}, "is_hot", "excluded"),
        ("grades", {"grade": "C"}, {"grade_order": "2"}, "grade_order", "order of its own"),
        ("grade_matrix", {"entity": "account"}, {"grade_if_gate_fails": "A"}, "grade_if_gate_fails", "intern"),
    ],
)
def test_a_bad_rule_of_fit_is_named(
    seeds: Path, name: str, where: dict[str, str], cells: dict[str, str], field: str | None, words: str
) -> None:
    row = change(seeds, name, where, cells)
    if field is None:  # The row after it overlaps.
        row, field, words = row + 1, "value", "role_champion"
    assert_refused(seeds, name, row, field, words)


def test_rules_that_add_up_may_overlap(seeds: Path) -> None:
    where = {"rule_id": "size_mid"}
    change(seeds, "fit_rules", where, {"rule_id": "size_sweet", "value": "80..120", "adds_up": "true"}, add=True)
    assert [str(problem) for problem in check_rules(seeds)] == []


@pytest.mark.parametrize("code", ["NAF:62", "CNAE:62", "NACE:J", "ISIC:6201", "isic:J62.01"])
def test_codes_overlap_across_classifications(seeds: Path, code: str) -> None:
    """Divisions are the same in every classification; section J is compared at run time."""
    row = change(seeds, "fit_rules", {"rule_id": "activity_software"}, {"rule_id": "again", "value": code}, add=True)
    problems = [problem for problem in check_rules(seeds) if problem.row == row]
    assert bool(problems) == (code != "NACE:J")


_BOUND = st.one_of(st.none(), st.integers(-50, 50))


@given(_BOUND, _BOUND, _BOUND, _BOUND)
def test_ranges_overlap_where_a_number_is_in_both(
    lo: int | None, hi: int | None, other_lo: int | None, other_hi: int | None
) -> None:
    """The check on two ranges says what trying every number says."""
    assume((lo is not None or hi is not None) and (other_lo is not None or other_hi is not None))
    assume(lo is None or hi is None or lo < hi)
    assume(other_lo is None or other_hi is None or other_lo < other_hi)

    def holds(number: int, low: int | None, high: int | None) -> bool:
        return (low is None or number >= low) and (high is None or number < high)

    def rule(name: str, low: int | None, high: int | None) -> Row:
        value = f"{'' if low is None else low}..{'' if high is None else high}"
        cells = {"rule_id": name, "entity": "account", "attribute": "employee_count", "operator": "between"}
        return Row(2, cells | {"value": value, "adds_up": "false"})

    rules = {"fit_rules": [rule("a", lo, hi), rule("b", other_lo, other_hi)]}
    both = any(holds(number, lo, hi) and holds(number, other_lo, other_hi) for number in range(-60, 60))
    assert bool(list(_check_overlaps(rules))) == both
