"""Rules of gate, routes, lists, pressure and next actions: a bad cell is named with file, row and field."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leadhouse.rules import RuleProblem, check_rules

SEEDS = Path(__file__).parents[3] / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    copy = tmp_path / "seeds"
    shutil.copytree(SEEDS, copy)
    return copy


def change(seeds: Path, name: str, spoil: Callable[[list[dict[str, str]]], None]) -> None:
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    header = list(rows[0])
    spoil(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)


def only(problems: list[RuleProblem]) -> RuleProblem:
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def test_the_shipped_rules_pass() -> None:
    assert check_rules(SEEDS) == []


@pytest.mark.parametrize(
    ("name", "field", "value", "says"),
    [
        ("segment_rules", "segment", "galaxy", "does not stand in segments.csv"),
        ("segment_rules", "stages", "mql|mqll", "'mqll' does not stand in lifecycle_stages.csv"),
        ("segment_rules", "request_groups", "A|D", "'D' does not stand in the request groups"),
        ("segment_rules", "max_employees", "500", "is not above min_employees 1000"),
        ("segment_rules", "min_revenue", "many", "is not a number"),
        ("handoff_requirements", "fact", "phone_number", "is not known"),
        ("handoff_requirements", "segments", "huge", "does not stand in segments.csv"),
        ("handoff_requirements", "check_order", "20", "already stands in row 2"),
        ("routes", "worked_by", "robots", "is not known"),
        ("routes", "assigns_owner", "yes", "neither true nor false"),
        ("routing_rules", "route", "moon", "does not stand in routes.csv"),
        ("routing_rules", "gate", "open", "is not known"),
        ("routing_rules", "gate_reasons", "no_consent", "only a contact that is held has a reason"),
        ("routing_rules", "grades", "Z", "does not stand in grades.csv"),
        ("sales_teams", "owners", "", "the cell is empty"),
        ("sales_teams", "routes", "moon", "does not stand in routes.csv"),
        ("list_rules", "fit_bands", "tepid", "the fit bands of contacts"),
        ("list_rules", "routes", "moon", "does not stand in routes.csv"),
        ("list_rules", "channel", "pigeon", "is not known"),
        ("list_rules", "min_days_in_stage", "-1", "is below 0"),
        ("list_rules", "reason_en", "Score {points}", "nothing is known to fill in '{points}'"),
        ("list_rules", "max_engagement_score", "10", "is not above min_engagement_score 10"),
        ("list_exit_reasons", "fact", "bored", "is not known"),
        ("list_exit_reasons", "reason_pt", "Etapa {etapa}", "nothing is known to fill in '{etapa}'"),
        ("list_settings", "value", "three", "is not a number"),
        ("outbound_channels", "channel", "fax", "is not known"),
        ("contact_pressure", "window_days", "0", "is not above 0"),
        ("contact_pressure", "max_touches", "0", "0 is below min_touches 1"),
        ("contact_pressure", "channel", "fax", "is not known"),
        ("next_action_rules", "channel", "none", "'owner' on channel 'none'"),
        ("next_action_rules", "missing_role", "oracle", "does not stand in committee_roles.csv"),
        ("next_action_rules", "pressure", "over", "is not known"),
        ("next_action_rules", "wait_hours", "-3", "is below 0"),
        ("next_action_rules", "in_call_window", "maybe", "neither true nor false"),
        ("next_action_rules", "gate_reasons", "bored", "does not stand in handoff_requirements.csv"),
        ("campaign_lists", "campaign_pattern", "(", "is not a regular expression"),
    ],
)
def test_a_bad_cell_is_named(seeds: Path, name: str, field: str, value: str, says: str) -> None:
    change(seeds, name, lambda rows: rows[0].update({field: value}))
    found = check_rules(seeds)
    said = [problem for problem in found if problem.file == f"{name}.csv" and problem.field == field]
    assert any(says in str(problem) for problem in said), "\n".join(map(str, found))
    assert said[0].fix


@pytest.mark.parametrize("name", ["segment_rules", "routing_rules", "list_exit_reasons", "next_action_rules"])
def test_somebody_whom_no_rule_fits(seeds: Path, name: str) -> None:
    change(seeds, name, lambda rows: rows.pop())
    problem = only(check_rules(seeds))
    assert (problem.file, problem.row) == (f"{name}.csv", None)
    assert "no rule fits everybody" in problem.problem


@pytest.mark.parametrize("name", ["segment_rules", "routing_rules", "list_exit_reasons", "next_action_rules"])
def test_a_rule_that_can_never_be_reached(seeds: Path, name: str) -> None:
    change(seeds, name, lambda rows: rows[-1].update(priority="15"))
    problems = check_rules(seeds)
    assert problems
    assert all("fits everybody and comes first" in problem.problem for problem in problems)


def test_everybody_has_a_limit_on_every_channel(seeds: Path) -> None:
    change(seeds, "contact_pressure", lambda rows: rows.remove(next(row for row in rows if row["channel"] == "sms")))
    problem = only(check_rules(seeds))
    assert (problem.file, problem.field) == ("contact_pressure.csv", "channel")
    assert "no rule of 'sms' fits everybody" in problem.problem


def test_only_calls_wait_for_a_window(seeds: Path) -> None:
    def spoil(rows: list[dict[str, str]]) -> None:
        next(row for row in rows if row["channel"] == "email")["in_call_window"] = "true"

    change(seeds, "next_action_rules", spoil)
    problem = only(check_rules(seeds))
    assert (problem.file, problem.field) == ("next_action_rules.csv", "in_call_window")
