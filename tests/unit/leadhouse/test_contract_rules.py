"""Bad cells of the contract's seeds are refused with file, row and field."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from leadhouse.rules import check_rules
from leadhouse.rules.contract import minutes_of

SEEDS = Path(__file__).parents[3] / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be spoiled."""
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def change(seeds: Path, name: str, where: dict[str, str], cells: dict[str, str], *, add: bool = False) -> int:
    """Change the first row that matches, or add a changed copy of it; its number as a spreadsheet counts."""
    rows = read(seeds, name)
    index = next(i for i, row in enumerate(rows) if where.items() <= row.items())
    if add:
        rows.append(dict(rows[index]))
        index = len(rows) - 1
    rows[index].update(cells)
    write(seeds, name, rows)
    return index + 2


def read(seeds: Path, name: str) -> list[dict[str, str]]:
    with (seeds / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(seeds: Path, name: str, rows: list[dict[str, str]]) -> None:
    with (seeds / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def assert_refused(seeds: Path, name: str, row: int | None, field: str, words: str) -> None:
    found = [problem for problem in check_rules(seeds) if problem.file == f"{name}.csv"]
    assert any(problem.row == row and problem.field == field and words in problem.problem for problem in found), (
        "\n".join(map(str, found)) or "nothing was found"
    )


@pytest.mark.parametrize(
    ("name", "where", "cells", "field", "words"),
    [
        ("business_hours", {"weekday": "1"}, {"weekday": "8"}, "weekday", "above 7"),
        ("business_hours", {"weekday": "1"}, {"weekday": "Mon"}, "weekday", "not a number"),
        ("business_hours", {"weekday": "1"}, {"opens_at": "9:00"}, "opens_at", "not a time of day"),
        ("business_hours", {"weekday": "1"}, {"closes_at": "24:30"}, "closes_at", "not a time of day"),
        ("business_hours", {"weekday": "1"}, {"closes_at": "08:00"}, "closes_at", "not after"),
        ("business_hours", {"weekday": "1"}, {"closes_at": "09:00"}, "closes_at", "not after"),
        ("business_hours", {"weekday": "1"}, {"calendar": "moon"}, "calendar", "business_calendars.csv"),
        ("holidays", {}, {"calendar": "moon"}, "calendar", "business_calendars.csv"),
        ("holidays", {}, {"holiday_on": "25/12/2026"}, "holiday_on", "not a date"),
        ("business_calendars", {"calendar": "br"}, {"time_zone": "Brazil/Nowhere"}, "time_zone", "no time zone"),
        ("country_time_zones", {"country": "FR"}, {"time_zone": "CET+1"}, "time_zone", "no time zone"),
        ("country_time_zones", {"country": "FR"}, {"calendar": "moon"}, "calendar", "business_calendars.csv"),
        ("phone_time_zones", {"phone_prefix": "+5592"}, {"phone_prefix": "5592"}, "phone_prefix", "no start"),
        ("phone_time_zones", {"phone_prefix": "+5592"}, {"country": "XX"}, "country", "country_time_zones.csv"),
        ("sla_contracts", {"contract_id": "request"}, {"first_contact_within_minutes": "-5"},
         "first_contact_within_minutes", "not above 0"),
        ("sla_contracts", {"contract_id": "request"}, {"min_attempts": "0"}, "min_attempts", "not above 0"),
        ("sla_contracts", {"contract_id": "request"}, {"measured_from": "birth"}, "measured_from", "not known"),
        ("sla_contracts", {"contract_id": "request"}, {"time_kind": "solar"}, "time_kind", "not known"),
        ("sla_contracts", {"contract_id": "request"}, {"calendar": "moon"}, "calendar", "business_calendars.csv"),
        ("sla_contracts", {"contract_id": "request"}, {"entry_kinds": "demo_request|pigeon"}, "entry_kinds", "pigeon"),
        ("sla_contracts", {"contract_id": "request"}, {"request_groups": "D"}, "request_groups", "'D'"),
        ("sla_contracts", {"contract_id": "request"}, {"countries": "Brazil"}, "countries", "'Brazil'"),
        ("sla_contracts", {"contract_id": "request"}, {"buying_roles": "king"}, "buying_roles", "'king'"),
        ("sla_contracts", {"contract_id": "request"}, {"maturity_days": "13"}, "maturity_days", "below"),
        ("sla_contracts", {"contract_id": "standard"}, {"priority": "10"}, "priority", "that of 'request'"),
        ("handoff_moves", {"to_stage": "mql"}, {"to_stage": "moon"}, "to_stage", "lifecycle_stages.csv"),
        ("handoff_moves", {"to_stage": "sal"}, {"meaning": "ignored"}, "meaning", "not known"),
        ("lead_entries", {"entry_kind": "content"}, {"touch_type": "telepathy"}, "touch_type", "touch_types.csv"),
        ("lead_entries", {"entry_kind": "content"}, {"signal_detail": "brochure"}, "signal_detail", "no kind of form"),
        ("activity_outcomes", {"outcome": "positive"}, {"outcome_class": "splendid"}, "outcome_class",
         "outcome_classes.csv"),
        ("outcome_classes", {"outcome_class": "sent"}, {"is_attempt": "maybe"}, "is_attempt", "neither true nor false"),
        ("verdict_reasons", {"reason": "accepted"}, {"verdict": "late"}, "verdict", "a reason of 'accepted'"),
        ("verdict_reasons", {"reason": "accepted"}, {"reason": "liked"}, "reason", "no verdict has 'liked'"),
        ("sla_checks", {"check_name": "gave_up_early"}, {"check_name": "smiled"}, "check_name", "not known"),
        ("contract_signatures", {"party": "sales"}, {"signed_on": "soon"}, "signed_on", "not a date"),
        ("contract_settings", {"setting": "speed_target_minutes"}, {"setting": "haste"}, "setting", "no rule reads"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named(
    seeds: Path, name: str, where: dict[str, str], cells: dict[str, str], field: str, words: str
) -> None:
    row = change(seeds, name, where, cells)
    assert_refused(seeds, name, row, field, words)


def test_two_versions_of_one_contract_with_one_name(seeds: Path) -> None:
    row = change(seeds, "sla_contracts", {"contract_id": "request"}, {"valid_from": "2027-01-01"}, add=True)
    assert_refused(seeds, "sla_contracts", row, "contract_id+version", "already stands in row 2")


def test_two_versions_from_one_day_on(seeds: Path) -> None:
    row = change(seeds, "sla_contracts", {"contract_id": "request"}, {"version": "2"}, add=True)
    assert_refused(seeds, "sla_contracts", row, "valid_from", "another version from that day on")


def test_a_new_version_is_allowed(seeds: Path) -> None:
    change(seeds, "sla_contracts", {"contract_id": "request"}, {"version": "2", "valid_from": "2027-01-01"}, add=True)
    assert check_rules(seeds) == []


def test_somebody_without_a_contract(seeds: Path) -> None:
    change(seeds, "sla_contracts", {"contract_id": "standard"}, {"countries": "BR"})
    assert_refused(seeds, "sla_contracts", None, "contract_id", "everybody else")


def test_openings_that_overlap(seeds: Path) -> None:
    where = {"calendar": "br", "weekday": "1"}
    row = change(seeds, "business_hours", where, {"opens_at": "17:59", "closes_at": "19:00"}, add=True)
    assert_refused(seeds, "business_hours", row, "opens_at", "overlaps")


def test_openings_that_touch_do_not_overlap(seeds: Path) -> None:
    where = {"calendar": "br", "weekday": "1"}
    change(seeds, "business_hours", where, {"opens_at": "18:00", "closes_at": "24:00"}, add=True)
    assert check_rules(seeds) == []


def test_a_third_opening_of_a_day(seeds: Path) -> None:
    where = {"calendar": "br", "weekday": "1"}
    change(seeds, "business_hours", where, {"opens_at": "19:00", "closes_at": "20:00"}, add=True)
    row = change(seeds, "business_hours", where, {"opens_at": "21:00", "closes_at": "22:00"}, add=True)
    assert_refused(seeds, "business_hours", row, "weekday", "more than 2 openings")


def test_a_calendar_that_is_never_open(seeds: Path) -> None:
    write(seeds, "business_hours", [row for row in read(seeds, "business_hours") if row["calendar"] != "pt"])
    row = next(i for i, row in enumerate(read(seeds, "business_calendars")) if row["calendar"] == "pt") + 2
    assert_refused(seeds, "business_calendars", row, "calendar", "never open")


def test_no_zone_for_the_unknown_country(seeds: Path) -> None:
    write(seeds, "country_time_zones", [row for row in read(seeds, "country_time_zones") if row["country"] != "*"])
    assert_refused(seeds, "country_time_zones", None, "country", "missing")


def test_one_move_with_two_meanings(seeds: Path) -> None:
    cells = {"from_stage": "mql", "meaning": "rejected"}
    row = change(seeds, "handoff_moves", {"to_stage": "sal"}, cells, add=True)
    assert_refused(seeds, "handoff_moves", row, "from_stage", "already 'accepted'")


def test_a_meaning_that_no_move_has(seeds: Path) -> None:
    write(seeds, "handoff_moves", [row for row in read(seeds, "handoff_moves") if row["meaning"] != "rejected"])
    assert_refused(seeds, "handoff_moves", None, "meaning", "no move is 'rejected'")


def test_one_outcome_of_two_classes(seeds: Path) -> None:
    row = change(seeds, "activity_outcomes", {"source_value": "NO_SHOW"}, {"outcome_class": "cancelled"})
    assert_refused(seeds, "activity_outcomes", row, "outcome_class", "'no_answer' is 'no_answer' in row")


def test_a_verdict_without_words(seeds: Path) -> None:
    write(seeds, "verdict_reasons", [row for row in read(seeds, "verdict_reasons") if row["reason"] != "no_decision"])
    assert_refused(seeds, "verdict_reasons", None, "reason", "'no_decision' is missing")


@pytest.mark.parametrize(
    ("cell", "minutes"),
    [("00:00", 0), ("09:30", 570), ("24:00", 1440), ("24:01", None), ("9:30", None), ("09:60", None), ("", None)],
)
def test_times_of_day(cell: str, minutes: int | None) -> None:
    assert minutes_of(cell) == minutes
