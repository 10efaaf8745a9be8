"""Who answers a lead, how fast and how often: the marketing-sales contract."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import available_timezones

from leadhouse.rules.files import (
    BOOLEAN,
    OPTIONAL,
    PRIORITY,
    SETTING_FILE,
    TEXT,
    Check,
    Column,
    Row,
    RuleProblem,
    Rules,
    Schema,
    known_rows,
    number_of,
    parts_of,
    values_of,
)

#: Entry kinds that no row of lead_entries.csv names: the record was created; nothing new came in, the score rose.
OWN_ENTRY_KINDS = ("capture", "score")
#: A country without a line of its own, and a person whose country is unknown.
ANY_COUNTRY = "*"
MOST_OPENINGS = 2
CONDITIONS = ("entry_kinds", "request_groups", "countries", "buying_roles")
#: What becomes of a hand-over, and why (models/marts/contract/fct_handoff_verdicts.sql).
REASONS = {
    "accepted": "accepted",
    "rejected_after_work": "worked_and_rejected",
    "no_decision": "worked_and_rejected",
    "never_contacted": "late",
    "contacted_late": "late",
    "rejected_too_early": "too_few_tries",
    "too_few_tries": "too_few_tries",
    "within_contract": "pending",
}
VERDICTS = tuple(dict.fromkeys(REASONS.values()))
SLA_CHECKS = ("first_contact", "min_attempts", "max_delay_last_attempt", "gave_up_early")

_POSITIVE = Column("integer", above=Decimal(0))
_WHOLE = Column("integer", minimum=Decimal(0))

SETTINGS: dict[str, tuple[str, ...]] = {
    "contract_settings": ("entry_lookback_days", "calendar_days_ahead", "speed_target_minutes"),
}

SCHEMAS: dict[str, Schema] = {
    "sla_contracts": Schema(
        {
            "contract_id": TEXT,
            "version": TEXT,
            "valid_from": Column("date"),
            "priority": PRIORITY,
            "segment": TEXT,
            "segment_pt": TEXT,
            "entry_kinds": OPTIONAL,
            "request_groups": OPTIONAL,
            "countries": OPTIONAL,
            "buying_roles": OPTIONAL,
            "measured_from": Column(choices=("capture", "assignment")),
            "first_contact_within_minutes": _POSITIVE,
            "time_kind": Column(choices=("clock", "business")),
            "calendar": OPTIONAL,
            "min_attempts": _POSITIVE,
            "max_days_to_last_attempt": _POSITIVE,
            "min_touches_before_give_up": _WHOLE,
            "maturity_days": _POSITIVE,
            "owner": TEXT,
            "description": TEXT,
            "description_pt": TEXT,
        },
        ("contract_id", "version"),
    ),
    "contract_signatures": Schema(
        {
            "signature": TEXT,
            "party": Column(choices=("marketing", "sales")),
            "label_en": TEXT,
            "label_pt": TEXT,
            "name": OPTIONAL,
            "signed_on": Column("date", required=False),
        },
        ("signature",),
    ),
    "contract_settings": SETTING_FILE,
    "handoff_moves": Schema(
        {
            "from_stage": OPTIONAL,
            "to_stage": TEXT,
            "meaning": Column(choices=("handed_over", "accepted", "rejected")),
            "description": TEXT,
            "description_pt": TEXT,
        },
        ("from_stage", "to_stage"),
    ),
    "lead_entries": Schema(
        {"touch_type": TEXT, "signal_detail": OPTIONAL, "entry_kind": TEXT, "is_request": BOOLEAN},
        ("touch_type", "signal_detail"),
    ),
    "outcome_classes": Schema(
        {"outcome_class": TEXT, "is_attempt": BOOLEAN, "label_en": TEXT, "label_pt": TEXT}, ("outcome_class",)
    ),
    "verdict_reasons": Schema(
        {"reason": TEXT, "verdict": Column(choices=VERDICTS), "reason_en": TEXT, "reason_pt": TEXT}, ("reason",)
    ),
    "sla_checks": Schema(
        {"check_name": Column(choices=SLA_CHECKS), "label_en": TEXT, "label_pt": TEXT}, ("check_name",)
    ),
    "business_calendars": Schema(
        {"calendar": TEXT, "time_zone": OPTIONAL, "description": TEXT, "description_pt": TEXT}, ("calendar",)
    ),
    "business_hours": Schema(
        {
            "calendar": TEXT,
            "weekday": Column("integer", minimum=Decimal(1), maximum=Decimal(7)),
            "opens_at": TEXT,
            "closes_at": TEXT,
        },
        ("calendar", "weekday", "opens_at"),
    ),
    "holidays": Schema({"calendar": TEXT, "holiday_on": Column("date"), "name": TEXT}, ("calendar", "holiday_on")),
    "country_time_zones": Schema({"country": TEXT, "time_zone": TEXT, "calendar": TEXT}, ("country",)),
    "phone_time_zones": Schema({"phone_prefix": TEXT, "country": TEXT, "time_zone": TEXT}, ("phone_prefix",)),
}


def _check_contracts(rules: Rules) -> Iterator[RuleProblem]:
    name = "sla_contracts"
    yield from known_rows(rules, name, "calendar", "business_calendars", "calendar")
    known = {
        "entry_kinds": (values_of(rules, "lead_entries", "entry_kind") | set(OWN_ENTRY_KINDS), "lead_entries"),
        "request_groups": (values_of(rules, "request_groups", "request_group"), "request_groups"),
        "countries": (values_of(rules, "country_time_zones", "country"), "country_time_zones"),
        "buying_roles": (values_of(rules, "title_rules", "buying_role") | {"unknown"}, "title_rules"),
    }
    priorities: dict[str, Row] = {}
    started: dict[tuple[str, str], Row] = {}
    for row in rules.get(name, []):
        for field, (values, source) in known.items():
            if source not in rules:
                continue
            for part in parts_of(row[field]):
                if part not in values:
                    fix = f"Use values of {source}.csv, separated by |"
                    yield RuleProblem(f"{name}.csv", row.number, field, f"'{part}' is not known", fix)
        owner = priorities.setdefault(row["priority"], row)
        if owner["contract_id"] != row["contract_id"]:
            problem = f"priority {row['priority']} is that of '{owner['contract_id']}' in row {owner.number}"
            yield RuleProblem(f"{name}.csv", row.number, "priority", problem, "Give each contract its own")
        first = started.setdefault((row["contract_id"], row["valid_from"]), row)
        if first is not row:
            problem = f"'{row['contract_id']}' has another version from that day on in row {first.number}"
            yield RuleProblem(f"{name}.csv", row.number, "valid_from", problem, "Let each version begin on its own day")
        days, maturity = number_of(row["max_days_to_last_attempt"]), number_of(row["maturity_days"])
        if days is not None and maturity is not None and maturity < days:
            problem = f"{maturity} is below max_days_to_last_attempt ({days})"
            fix = "A cohort is mature no sooner than its attempts are over"
            yield RuleProblem(f"{name}.csv", row.number, "maturity_days", problem, fix)
    rows = rules.get(name)
    if rows is not None and not any(_is_for_all(row) for row in rows):
        fix = f"Add a row with the highest priority and empty {', '.join(CONDITIONS)}"
        yield RuleProblem(f"{name}.csv", None, "contract_id", "no contract holds for everybody else", fix)


def _is_for_all(row: Row) -> bool:
    return not any(row[field] for field in CONDITIONS)


def _check_moves(rules: Rules) -> Iterator[RuleProblem]:
    name = "handoff_moves"
    yield from known_rows(rules, name, "from_stage", "lifecycle_stages", "stage")
    yield from known_rows(rules, name, "to_stage", "lifecycle_stages", "stage")
    if name not in rules:
        return
    for meaning in ("handed_over", "accepted", "rejected"):
        if not any(row["meaning"] == meaning for row in rules[name]):
            fix = "Name at least one move that means it"
            yield RuleProblem(f"{name}.csv", None, "meaning", f"no move is '{meaning}'", fix)
    # The most a row may leave open is where a contact comes from: two meanings of one move would contradict each other.
    by_stage: dict[str, list[Row]] = defaultdict(list)
    for row in rules[name]:
        for other in by_stage[row["to_stage"]]:
            if (not row["from_stage"] or not other["from_stage"]) and row["meaning"] != other["meaning"]:
                problem = f"a move to '{row['to_stage']}' is already '{other['meaning']}' by row {other.number}"
                fix = "Name the stage the move comes from in both rows"
                yield RuleProblem(f"{name}.csv", row.number, "from_stage", problem, fix)
        by_stage[row["to_stage"]].append(row)


def _check_entries(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "lead_entries", "touch_type", "touch_types", "touch_type")
    forms = values_of(rules, "form_kinds", "form_kind") | {"other"}
    for row in rules.get("lead_entries", []):
        if (
            "form_kinds" in rules
            and row["touch_type"] == "form_submission"
            and row["signal_detail"] not in {*forms, ""}
        ):
            problem = f"'{row['signal_detail']}' is no kind of form"
            fix = f"Use one of: {', '.join(sorted(forms))}"
            yield RuleProblem("lead_entries.csv", row.number, "signal_detail", problem, fix)


def _check_outcomes(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "activity_outcomes", "outcome_class", "outcome_classes", "outcome_class")
    if "outcome_classes" in rules and not any(row["is_attempt"].lower() == "true" for row in rules["outcome_classes"]):
        fix = "Write true for those that count"
        yield RuleProblem("outcome_classes.csv", None, "is_attempt", "no class is an attempt", fix)
    # One outcome is one thing: a report that adds up outcomes must add up their classes too.
    first: dict[str, Row] = {}
    for row in rules.get("activity_outcomes", []):
        known = first.setdefault(row["outcome"], row)
        if known["outcome_class"] != row["outcome_class"]:
            problem = f"'{row['outcome']}' is '{known['outcome_class']}' in row {known.number}"
            fix = "Give the outcome one class, or another name"
            yield RuleProblem("activity_outcomes.csv", row.number, "outcome_class", problem, fix)


def _check_texts(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("verdict_reasons", []):
        if row["reason"] and row["reason"] not in REASONS:
            fix = f"Use one of: {', '.join(REASONS)}"
            yield RuleProblem("verdict_reasons.csv", row.number, "reason", f"no verdict has '{row['reason']}'", fix)
        elif row["verdict"] in VERDICTS and REASONS.get(row["reason"]) != row["verdict"]:
            problem = f"'{row['reason']}' is a reason of '{REASONS[row['reason']]}'"
            yield RuleProblem("verdict_reasons.csv", row.number, "verdict", problem, "Give it that verdict")
    for name, field, wanted in (("verdict_reasons", "reason", REASONS), ("sla_checks", "check_name", SLA_CHECKS)):
        if name in rules:
            for missing in sorted(set(wanted) - values_of(rules, name, field)):
                yield RuleProblem(f"{name}.csv", None, field, f"'{missing}' is missing", "Add its row")


def _check_calendars(rules: Rules) -> Iterator[RuleProblem]:
    for name in ("business_hours", "holidays", "country_time_zones"):
        yield from known_rows(rules, name, "calendar", "business_calendars", "calendar")
    openings: dict[tuple[str, str], list[tuple[int, int, Row]]] = defaultdict(list)
    for row in rules.get("business_hours", []):
        bounds = []
        for field in ("opens_at", "closes_at"):
            minutes = minutes_of(row[field])
            if minutes is None and row[field]:
                fix = "Write it as 09:00, in 24 hours; 24:00 is the end of the day"
                yield RuleProblem("business_hours.csv", row.number, field, f"'{row[field]}' is not a time of day", fix)
            bounds.append(minutes)
        opens, closes = bounds
        if opens is None or closes is None:
            continue
        if closes <= opens:
            problem = f"closes at {row['closes_at']}, not after {row['opens_at']}"
            fix = "Split what runs over midnight: until 24:00, and from 00:00 on the next weekday"
            yield RuleProblem("business_hours.csv", row.number, "closes_at", problem, fix)
            continue
        openings[(row["calendar"], row["weekday"])].append((opens, closes, row))
    for day in openings.values():
        day.sort(key=lambda opening: opening[:2])
        for (_, closes, before), (opens, _, row) in itertools.pairwise(day):
            if opens < closes:
                problem = f"overlaps the opening in row {before.number}"
                yield RuleProblem("business_hours.csv", row.number, "opens_at", problem, "Let it begin after the other")
        for _, _, row in day[MOST_OPENINGS:]:
            problem = f"more than {MOST_OPENINGS} openings of one day"
            yield RuleProblem("business_hours.csv", row.number, "weekday", problem, "Join two of them")
    open_calendars = values_of(rules, "business_hours", "calendar")
    for row in rules.get("business_calendars", []):
        if "business_hours" in rules and row["calendar"] and row["calendar"] not in open_calendars:
            problem = f"'{row['calendar']}' is never open"
            yield RuleProblem(
                "business_calendars.csv", row.number, "calendar", problem, "Add its rows to business_hours.csv"
            )


def _check_zones(rules: Rules) -> Iterator[RuleProblem]:
    zones = available_timezones()
    for name in ("business_calendars", "country_time_zones", "phone_time_zones"):
        for row in rules.get(name, []):
            if row["time_zone"] and row["time_zone"] not in zones:
                fix = "Use an IANA name such as America/Sao_Paulo or Europe/Paris"
                yield RuleProblem(f"{name}.csv", row.number, "time_zone", f"'{row['time_zone']}' is no time zone", fix)
    if "country_time_zones" in rules and ANY_COUNTRY not in values_of(rules, "country_time_zones", "country"):
        fix = f"Add a row with country {ANY_COUNTRY}: the zone of people whose country is unknown"
        yield RuleProblem("country_time_zones.csv", None, "country", f"'{ANY_COUNTRY}' is missing", fix)
    yield from known_rows(rules, "phone_time_zones", "country", "country_time_zones", "country")
    for row in rules.get("phone_time_zones", []):
        if row["phone_prefix"] and not re.fullmatch(r"\+[0-9]{1,6}", row["phone_prefix"]):
            fix = "Write + and one to six digits, such as +5592"
            problem = f"'{row['phone_prefix']}' is no start of an international number"
            yield RuleProblem("phone_time_zones.csv", row.number, "phone_prefix", problem, fix)


def minutes_of(cell: str) -> int | None:
    """Minutes since midnight of a time of day written as HH:MM (24:00 is the end of the day), or None."""
    if not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", cell):
        return None
    hours, minutes = cell.split(":")
    return int(hours) * 60 + int(minutes)


CHECKS: tuple[Check, ...] = (
    _check_contracts,
    _check_moves,
    _check_entries,
    _check_outcomes,
    _check_texts,
    _check_calendars,
    _check_zones,
)
