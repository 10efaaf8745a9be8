"""Rules of survivorship, checked values, low-effort answers and comparisons: a bad cell is named with what to do."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from leadhouse.rules import SCHEMAS, RuleProblem, check_rules

SEEDS = Path(__file__).parents[3] / "seeds"
RECORD = {"source": "hubspot", "record_id": "1", "verified_by": "bea", "verified_on": "2026-01-02"}
LOW_EFFORT = {"rule_id": "mine", "entity": "contact", "fields": "job_title", "reason_code": "odd", "description": "Odd"}
COMPARED = {
    "entity": "contact", "field": "employee_count", "source": "erp", "reference_entity": "account",
    "reference_field": "employee_count", "kind": "number", "tolerance": "0.2", "definition": "Far off",
}  # fmt: skip


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    copy = tmp_path / "seeds"
    shutil.copytree(SEEDS, copy)
    return copy


def append(seeds: Path, name: str, cells: dict[str, str]) -> int:
    """Add a row and return its number as a spreadsheet counts it."""
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows.append(dict.fromkeys(SCHEMAS[name].columns, "") | cells)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(SCHEMAS[name].columns))
        writer.writeheader()
        writer.writerows(rows)
    return len(rows) + 1


def found(seeds: Path, name: str) -> list[RuleProblem]:
    return [problem for problem in check_rules(seeds) if problem.file == f"{name}.csv"]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("verified_values", RECORD | {"entity": "contact", "field": "job_title", "value": "CEO"}),
        ("verified_values", RECORD | {"entity": "contact", "field": "phone", "value": "+55 (11) 98765-4321"}),
        (
            "verified_values",
            RECORD
            | {"entity": "account", "source": "", "record_id": "", "domain": "firm.example"}
            | {"field": "annual_revenue", "value": "1000.50", "qualifier": "BRL"},
        ),
        ("declared_quality_rules", LOW_EFFORT | {"kind": "pattern", "pattern": "^boss$"}),
        (
            "declared_quality_rules",
            LOW_EFFORT
            | {"fields": "annual_revenue", "kind": "ratio_above"}
            | {"other_field": "employee_count", "limit_value": "1000000"},
        ),
        ("comparison_rules", COMPARED),
        ("comparison_rules", COMPARED | {"kind": "band", "tolerance": "", "bands": "10|50|250"}),
        ("survivorship_rules", {"entity": "contact", "field": "phone", "step": "1", "criterion": "precedence"}),
    ],
)
def test_a_good_row_passes(seeds: Path, name: str, cells: dict[str, str]) -> None:
    append(seeds, name, cells)
    assert found(seeds, name) == []


@pytest.mark.parametrize(
    ("name", "cells", "field", "words"),
    [
        ("survivorship_rules", {"entity": "contact", "field": "shoe", "step": "1"}, "field", "job_title"),
        ("survivorship_rules", {"entity": "contact", "field": "phone", "criterion": "luck"}, "criterion", "recency"),
        ("survivorship_rules", {"entity": "contact", "field": "phone", "step": "7"}, "step", "at most 6"),
        (
            "survivorship_rules",
            {"entity": "contact", "field": "phone", "step": "1", "criterion": "recency"},
            "criterion",
            "precedence",
        ),
        (
            "survivorship_rules",
            {"entity": "contact", "field": "*", "step": "6", "criterion": "live"},
            "criterion",
            "already",
        ),
        ("value_quality", {"entity": "contact", "field": "shoe", "status": "ok"}, "field", "email"),
        ("value_quality", {"entity": "contact", "field": "email", "quality": "-1"}, "quality", "at least 0"),
        (
            "source_precedence",
            {"entity": "contact", "field": "*", "value_source": "guessed"},
            "value_source",
            "verified",
        ),
        ("verified_values", {"entity": "contact", "field": "shoe"}, "field", "job_title"),
        ("verified_values", {"entity": "contact", "source": "hubspot"}, "record_id", "half"),
        ("verified_values", {"entity": "contact", "domain": "firm.example"}, "domain", "no domain"),
        ("verified_values", {"entity": "account"}, "record_id", "whose value"),
        ("verified_values", RECORD | {"domain": "firm.example", "entity": "account"}, "record_id", "whose value"),
        ("verified_values", {"field": "employee_count", "value": "many"}, "value", "not a number"),
        ("verified_values", {"field": "email", "value": "bea at firm"}, "value", "e-mail"),
        ("verified_values", {"field": "phone", "value": "98765-4321"}, "value", "+55"),
        ("verified_values", {"field": "country", "value": "Atlantis"}, "value", "country_aliases.csv"),
        ("verified_values", {"entity": "account", "field": "annual_revenue"}, "qualifier", "currency"),
        ("verified_values", {"verified_on": "yesterday"}, "verified_on", "2026-11-30"),
        ("declared_quality_rules", LOW_EFFORT | {"kind": "pattern"}, "pattern", "needs it"),
        ("declared_quality_rules", LOW_EFFORT | {"kind": "pattern", "pattern": "(a"}, "pattern", "regular expression"),
        ("declared_quality_rules", LOW_EFFORT | {"kind": "pattern", "limit_value": "1"}, "limit_value", "Empty"),
        ("declared_quality_rules", LOW_EFFORT | {"kind": "above", "limit_value": "1"}, "fields", "not a number"),
        (
            "declared_quality_rules",
            LOW_EFFORT | {"kind": "same_as", "other_field": "shoe"},
            "other_field",
            "Use one of",
        ),
        ("declared_quality_rules", LOW_EFFORT | {"fields": "job_title|shoe", "kind": "pattern"}, "fields", "shoe"),
        ("comparison_rules", COMPARED | {"reference_field": "shoe"}, "reference_field", "country"),
        ("comparison_rules", COMPARED | {"tolerance": ""}, "tolerance", "needs it"),
        ("comparison_rules", COMPARED | {"kind": "exact"}, "tolerance", "does not read it"),
        ("comparison_rules", COMPARED | {"kind": "band", "bands": "50|10"}, "bands", "low to high"),
        ("comparison_rules", COMPARED | {"kind": "band", "bands": "small|large"}, "bands", "low to high"),
        ("comparison_rules", COMPARED | {"field": "country"}, "kind", "not a number"),
        ("comparison_rules", COMPARED | {"kind": "code", "tolerance": "0.2"}, "tolerance", "digits"),
        ("comparison_rules", COMPARED | {"kind": "industry", "tolerance": "3"}, "tolerance", "division"),
        (
            "comparison_rules",
            COMPARED | {"entity": "account", "reference_entity": "contact"},
            "reference_entity",
            "one",
        ),
        ("industry_divisions", {"industry": "magic", "divisions": "62|6"}, "divisions", "two digits"),
        ("industry_divisions", {"industry": "Real Magic", "divisions": "62"}, "industry", "lower case"),
        ("title_rules", {"seniority": "emperor"}, "seniority", "director"),
        ("title_rules", {"pattern": "(?!ex )ceo"}, "pattern", "look-around"),
        ("title_rules", {"pattern": r"(.)\1"}, "pattern", "back references"),
        ("title_rules", {"confidence": "1.5"}, "confidence", "at most 1"),
    ],
)
def test_a_bad_cell_is_named(seeds: Path, name: str, cells: dict[str, str], field: str, words: str) -> None:
    row = append(seeds, name, cells)
    problems = [str(problem) for problem in found(seeds, name) if problem.row == row and problem.field == field]
    assert any(words in problem for problem in problems), "\n".join(map(str, found(seeds, name)))


@pytest.mark.parametrize("name", ["survivorship_rules", "value_quality"])
def test_what_holds_for_the_rest_may_not_be_missing(seeds: Path, name: str) -> None:
    path = seeds / f"{name}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if "*" not in line) + "\n", encoding="utf-8")
    assert any("*" in problem.fix for problem in found(seeds, name))
