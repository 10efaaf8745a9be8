"""Who may be handed over, where leads go, which lists they are on, how often they may be written to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from leadhouse.rules.files import (
    BOOLEAN,
    OPTIONAL,
    PATTERN,
    PRIORITY,
    SETTING_FILE,
    TEXT,
    WHOLE_AT_LEAST_0,
    Check,
    Column,
    RuleProblem,
    Rules,
    Schema,
    known_rows,
    number_of,
    parts_of,
    values_of,
)

#: Facts that ``fct_handoff_gate`` can judge.
GATE_FACTS = (
    "not_excluded",
    "not_opted_out",
    "not_archived",
    "reachable",
    "email",
    "phone",
    "name",
    "account",
    "country",
)
#: Groups of a contact request, C readiest (never a grade).
REQUEST_GROUPS = ("A", "B", "C")
GATE_STATES = ("passed", "held")
#: Channels that a person is reached on.
CHANNELS = ("email", "call", "sms")

_BOUND = Column("number", required=False)
_DAYS = Column("number", required=False, minimum=Decimal(0))

_PLACES = ("fit", "engagement", "stage", "route", "grade", "days")
_PLACE = re.compile(r"\{(\w*)\}")

SETTINGS: dict[str, tuple[str, ...]] = {"list_settings": ("colleagues_shown", "request_fresh_days")}

SCHEMAS: dict[str, Schema] = {
    "segments": Schema({"segment": TEXT, "label_en": TEXT, "label_pt": TEXT}, ("segment",)),
    "segment_rules": Schema(
        {
            "priority": PRIORITY,
            "segment": TEXT,
            "countries": OPTIONAL,
            "languages": OPTIONAL,
            "min_employees": _BOUND,
            "max_employees": _BOUND,
            "min_revenue": _BOUND,
            "max_revenue": _BOUND,
            "request_groups": OPTIONAL,
            "grades": OPTIONAL,
            "stages": OPTIONAL,
            "description": TEXT,
        },
        ("priority",),
    ),
    "handoff_requirements": Schema(
        {
            "requirement": TEXT,
            "check_order": PRIORITY,
            "fact": Column(choices=GATE_FACTS),
            "reason_code": TEXT,
            "segments": OPTIONAL,
            "request_groups": OPTIONAL,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("requirement",),
    ),
    "routes": Schema(
        {
            "route": TEXT,
            "worked_by": Column(choices=("sales", "sdr", "marketing", "automation", "nobody")),
            "assigns_owner": BOOLEAN,
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("route",),
    ),
    "routing_rules": Schema(
        {
            "priority": PRIORITY,
            "stages": OPTIONAL,
            "segments": OPTIONAL,
            "gate": Column(required=False, choices=GATE_STATES),
            "gate_reasons": OPTIONAL,
            "request_groups": OPTIONAL,
            "grades": OPTIONAL,
            "route": TEXT,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("priority",),
    ),
    "sales_teams": Schema(
        {
            "team": TEXT,
            "priority": PRIORITY,
            "routes": OPTIONAL,
            "segments": OPTIONAL,
            "countries": OPTIONAL,
            "owners": TEXT,
            "description": TEXT,
        },
        ("team",),
    ),
    "list_settings": SETTING_FILE,
    "list_rules": Schema(
        {
            "list_name": TEXT,
            "stages": OPTIONAL,
            "routes": OPTIONAL,
            "segments": OPTIONAL,
            "countries": OPTIONAL,
            "request_groups": OPTIONAL,
            "grades": OPTIONAL,
            "fit_bands": OPTIONAL,
            "gate": Column(required=False, choices=GATE_STATES),
            "channel": Column(required=False, choices=("email", "phone")),
            "min_fit_score": _BOUND,
            "min_engagement_score": _BOUND,
            "max_engagement_score": _BOUND,
            "min_days_in_stage": _DAYS,
            "max_days_in_stage": _DAYS,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("list_name",),
    ),
    "list_exit_reasons": Schema(
        {
            "priority": PRIORITY,
            "lists": OPTIONAL,
            "fact": Column(required=False, choices=("gone", "opted_out", "excluded", "not_in_crm")),
            "stages": OPTIONAL,
            "routes": OPTIONAL,
            "grades": OPTIONAL,
            "exit_code": TEXT,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("priority",),
    ),
    "outbound_channels": Schema(
        {
            "origin": Column(choices=("marketing", "sales")),
            "kind": TEXT,
            "channel": Column(choices=CHANNELS),
            "description": TEXT,
        },
        ("origin", "kind"),
    ),
    "contact_pressure": Schema(
        {
            "priority": PRIORITY,
            "channel": Column(choices=(*CHANNELS, "all")),
            "window_days": Column("integer", above=Decimal(0)),
            "min_touches": WHOLE_AT_LEAST_0,
            "max_touches": WHOLE_AT_LEAST_0,
            "stages": OPTIONAL,
            "segments": OPTIONAL,
            "description": TEXT,
        },
        ("priority",),
    ),
    "next_action_rules": Schema(
        {
            "priority": PRIORITY,
            "stages": OPTIONAL,
            "routes": OPTIONAL,
            "segments": OPTIONAL,
            "request_groups": OPTIONAL,
            "grades": OPTIONAL,
            "buying_roles": OPTIONAL,
            "missing_role": OPTIONAL,
            "gate_reasons": OPTIONAL,
            # Over is no condition: a channel that is over its pressure is not used at all.
            "pressure": Column(required=False, choices=("under", "ok")),
            "actor": Column(choices=("owner", "marketing", "automation", "nobody")),
            "channel": Column(choices=(*CHANNELS, "none")),
            "message_key": TEXT,
            "wait_hours": WHOLE_AT_LEAST_0,
            "in_call_window": BOOLEAN,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("priority",),
    ),
    "campaign_lists": Schema(
        {"priority": PRIORITY, "campaign_pattern": PATTERN, "list_name": TEXT, "description": TEXT}, ("priority",)
    ),
}

#: Columns that hold a list ``one|two`` of values which stand in another file.
_LISTS = {
    "stages": ("lifecycle_stages", "stage"),
    "segments": ("segments", "segment"),
    "grades": ("grades", "grade"),
    "routes": ("routes", "route"),
    "gate_reasons": ("handoff_requirements", "reason_code"),
    "buying_roles": ("committee_roles", "buying_role"),
    "missing_role": ("committee_roles", "buying_role"),
}
_RANGES = (
    ("min_employees", "max_employees"),
    ("min_revenue", "max_revenue"),
    ("min_engagement_score", "max_engagement_score"),
    ("min_days_in_stage", "max_days_in_stage"),
)
#: Results of next_action_rules.csv; the rest of its columns are conditions.
_ACTION = ("actor", "channel", "message_key", "wait_hours", "in_call_window")
#: Files whose last rule must fit everybody, and what an unfitted contact would lack.
_CATCH_ALL = {
    "segment_rules": ("segment", ("segment", "description")),
    "routing_rules": ("route", ("route",)),
    "list_exit_reasons": ("reason", ("exit_code",)),
    "next_action_rules": ("next action", _ACTION),
}
#: Files whose reasons have places that are filled in.
_FILLED = ("list_rules", "list_exit_reasons")


def _check_lists_in_cells(rules: Rules) -> Iterator[RuleProblem]:
    for name, schema in SCHEMAS.items():
        for field, (target, target_field) in _LISTS.items():
            if field in schema.columns and target in rules:
                yield from _known_parts(rules, name, field, values_of(rules, target, target_field), f"{target}.csv")
        if "request_groups" in schema.columns:
            yield from _known_parts(rules, name, "request_groups", set(REQUEST_GROUPS), "the request groups")


def _known_parts(rules: Rules, name: str, field: str, known: set[str], where: str) -> Iterator[RuleProblem]:
    for row in rules.get(name, []):
        for part in parts_of(row[field]):
            if part not in known:
                fix = f"Use one of: {', '.join(sorted(known))}"
                yield RuleProblem(f"{name}.csv", row.number, field, f"'{part}' does not stand in {where}", fix)


def _check_ranges(rules: Rules) -> Iterator[RuleProblem]:
    for name, schema in SCHEMAS.items():
        for low, high in _RANGES:
            if low not in schema.columns:
                continue
            for row in rules.get(name, []):
                bounds = (number_of(row[low]), number_of(row[high]))
                if bounds[0] is not None and bounds[1] is not None and bounds[1] <= bounds[0]:
                    problem = f"{row[high]} is not above {low} {row[low]}: the rule would fit nobody"
                    yield RuleProblem(f"{name}.csv", row.number, high, problem, "Use a higher number")


def _check_catch_all(rules: Rules) -> Iterator[RuleProblem]:
    """Everybody gets a result: the last rule asks for nothing, and no rule stands behind it."""
    for name, (result, results) in _CATCH_ALL.items():
        rows = sorted(rules.get(name, []), key=lambda row: number_of(row["priority"]) or 0)
        if not rows:
            continue
        told = {"priority", "reason_en", "reason_pt", *results}
        conditions = [field for field in SCHEMAS[name].columns if field not in told]
        # An action on a channel asks for one more thing, that the channel can be used.
        fits_all = [
            row for row in rows if not any(row[field] for field in conditions) and row["channel"] in ("", "none")
        ]
        if not fits_all:
            fix = f"Add a last rule without conditions: somebody would have no {result}"
            yield RuleProblem(f"{name}.csv", None, None, "no rule fits everybody", fix)
            continue
        for row in rows[rows.index(fits_all[0]) + 1 :]:
            problem = f"the rule of row {fits_all[0].number} fits everybody and comes first"
            yield RuleProblem(f"{name}.csv", row.number, "priority", problem, "Give this one a lower priority number")


def _check_pressure(rules: Rules) -> Iterator[RuleProblem]:
    """Limits that can both be kept, and a rule for everybody on every channel that something is counted on."""
    file = "contact_pressure.csv"
    for row in rules.get("contact_pressure", []):
        low, high = number_of(row["min_touches"]), number_of(row["max_touches"])
        if low is not None and high is not None and high < low:
            fix = "Use a maximum that the minimum fits under"
            yield RuleProblem(file, row.number, "max_touches", f"{high} is below min_touches {low}", fix)
    if "contact_pressure" not in rules:
        return
    for channel in sorted(values_of(rules, "outbound_channels", "channel") | {"all"}):
        rows = [row for row in rules["contact_pressure"] if row["channel"] == channel]
        if not any(not row["stages"] and not row["segments"] for row in rows):
            fix = f"Add a rule for '{channel}' without conditions: some people would have no limit there"
            yield RuleProblem(file, None, "channel", f"no rule of '{channel}' fits everybody", fix)


def _check_actions(rules: Rules) -> Iterator[RuleProblem]:
    file = "next_action_rules.csv"
    for row in rules.get("next_action_rules", []):
        if (row["actor"] == "nobody") != (row["channel"] == "none"):
            fix = "Nobody acts on channel none, and only nobody does"
            yield RuleProblem(file, row.number, "channel", f"'{row['actor']}' on channel '{row['channel']}'", fix)
        if row["channel"] != "call" and row["in_call_window"].lower() == "true":
            yield RuleProblem(file, row.number, "in_call_window", "only calls have a window", "Write false")
        if row["channel"] == "none" and row["pressure"]:
            yield RuleProblem(file, row.number, "pressure", "channel none has no pressure", "Leave it empty")


def _check_unique(rules: Rules) -> Iterator[RuleProblem]:
    """Orders that models join on beside the key of the file."""
    for name, field in (("handoff_requirements", "check_order"), ("sales_teams", "priority")):
        first: dict[str, int] = {}
        for row in rules.get(name, []):
            if row[field] in first:
                problem = f"{row[field]} already stands in row {first[row[field]]}"
                yield RuleProblem(f"{name}.csv", row.number, field, problem, "Use a number of its own")
            first.setdefault(row[field], row.number)


def _check_references(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "segment_rules", "segment", "segments", "segment")
    yield from known_rows(rules, "routing_rules", "route", "routes", "route")
    for row in rules.get("routing_rules", []):
        if row["gate_reasons"] and row["gate"] != "held":
            fix = "Write held in the field gate, or leave gate_reasons empty"
            yield RuleProblem(
                "routing_rules.csv", row.number, "gate_reasons", "only a contact that is held has a reason", fix
            )


def _check_fit_bands(rules: Rules) -> Iterator[RuleProblem]:
    if "score_bands" not in rules:
        return
    bands = {r["band"]: r for r in rules["score_bands"] if (r["entity"], r["dimension"]) == ("contact", "fit")}
    yield from _known_parts(rules, "list_rules", "fit_bands", set(bands), "the fit bands of contacts (score_bands.csv)")


def _check_places(rules: Rules) -> Iterator[RuleProblem]:
    for name in _FILLED:
        for row in rules.get(name, []):
            for field in ("reason_en", "reason_pt"):
                for place in _PLACE.findall(row[field]):
                    if place not in _PLACES:
                        fix = "Use one of: " + ", ".join(f"{{{known}}}" for known in _PLACES)
                        problem = f"nothing is known to fill in '{{{place}}}'"
                        yield RuleProblem(f"{name}.csv", row.number, field, problem, fix)


CHECKS: tuple[Check, ...] = (
    _check_lists_in_cells,
    _check_ranges,
    _check_catch_all,
    _check_unique,
    _check_references,
    _check_fit_bands,
    _check_places,
    _check_pressure,
    _check_actions,
)
