"""Points, bands, grades, committees: the rule files of scores."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from leadhouse.rules.files import (
    AT_LEAST_0,
    BOOLEAN,
    ENTITY,
    NUMBER,
    NUMERIC_ATTRIBUTES,
    OPTIONAL,
    PRIORITY,
    SETTING_FILE,
    TEXT,
    WHOLE_AT_LEAST_0,
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

#: Facts that a fit rule may ask for: those of ``int_contact_fit_facts`` and ``int_account_fit_facts``.
FIT_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "contact": (
        "buying_role",
        "seniority",
        "job_title",
        "country",
        "language",
        "capture_method",
        "email_status",
        "email_domain_kind",
        "is_reachable",
    ),
    "account": ("country", "industry", "employee_count", "activity_code", "annual_revenue"),
}
FIT_OPERATORS = ("=", "in", "between", "like", "code_under", "is_known")
#: Single numbers of these files that models read by name (macro ``setting``).
SETTINGS: dict[str, tuple[str, ...]] = {
    "scoring_settings": ("engaged_min_score", "gate_min_engaged_deciders"),
}

SCHEMAS: dict[str, Schema] = {
    "fit_rules": Schema(
        {
            "rule_id": TEXT,
            "entity": ENTITY,
            "attribute": TEXT,
            "operator": Column(choices=FIT_OPERATORS),
            "value": TEXT,
            "points": NUMBER,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("rule_id",),
    ),
    "engagement_signals": Schema(
        {
            "signal_id": TEXT,
            "score_kind": Column(choices=("engagement", "intent", "negative")),
            "touch_type": TEXT,
            "detail_field": Column(required=False, choices=("signal_detail", "channel", "campaign", "direction")),
            "detail_values": OPTIONAL,
            "measure": Column(choices=("event", "dwell_minute")),
            "max_measure": Column("number", required=False, above=Decimal(0)),
            "points": NUMBER,
            "half_life_days": Column("number", required=False, above=Decimal(0)),
            "cap": Column("number", required=False),
            "counts_machine": BOOLEAN,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("signal_id",),
    ),
    "scoring_settings": SETTING_FILE,
    "score_bands": Schema(
        {
            "entity": ENTITY,
            "dimension": Column(choices=("fit", "engagement")),
            "band": TEXT,
            "lo": Column("number", required=False),
            "hi": Column("number", required=False),
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("entity", "dimension", "band"),
    ),
    "grades": Schema(
        {"grade": TEXT, "grade_order": PRIORITY, "is_hot": BOOLEAN, "label_en": TEXT, "label_pt": TEXT}, ("grade",)
    ),
    "grade_matrix": Schema(
        {"entity": ENTITY, "fit_band": TEXT, "engagement_band": TEXT, "grade": TEXT, "grade_if_gate_fails": TEXT},
        ("entity", "fit_band", "engagement_band"),
    ),
    "committee_roles": Schema(
        {
            "buying_role": TEXT,
            "weight": Column("number", minimum=Decimal(0), maximum=Decimal(100)),
            "need_count": WHOLE_AT_LEAST_0,
            "coverage_points": AT_LEAST_0,
            "depth_cap": AT_LEAST_0,
            "is_decision": BOOLEAN,
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("buying_role",),
    ),
}


def _check_fit_rules(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("fit_rules", []):
        attributes = FIT_ATTRIBUTES.get(row["entity"])
        if attributes is not None and row["attribute"] and row["attribute"] not in attributes:
            yield RuleProblem(
                "fit_rules.csv",
                row.number,
                "attribute",
                f"rule '{row['rule_id']}' asks for '{row['attribute']}', which is not known of a {row['entity']}",
                f"Use one of: {', '.join(attributes)}",
            )
        problem = _fit_value_problem(row)
        if problem is not None:
            yield RuleProblem("fit_rules.csv", row.number, "value", *problem)


def _fit_value_problem(row: Row) -> tuple[str, str] | None:
    value, operator = row["value"], row["operator"]
    if not value:
        return None
    if operator == "between":
        parts = value.split("..")
        numbers = [number_of(part) if part else None for part in parts]
        bad = [part for part, number in zip(parts, numbers, strict=True) if part and number is None]
        if len(parts) != 2 or bad or not any(parts):
            return f"'{value}' is not a range", "Write low..high, for example 50..250; one side may be left open"
        if numbers[0] is not None and numbers[1] is not None and numbers[0] >= numbers[1]:
            return (
                f"the range '{value}' holds nothing",
                "Write the lower number first; the upper one does not belong to it",
            )
        if row["attribute"] not in NUMERIC_ATTRIBUTES:
            return f"'{row['attribute']}' is not a number", "Use `=`, `in` or `like`"
    if operator == "code_under":
        if row["attribute"] != "activity_code":
            return f"'{row['attribute']}' is not an activity code", "Use `code_under` with attribute activity_code"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*:[0-9A-Za-z./-]+", value):
            return f"'{value}' is not a code with its system", "Write SYSTEM:prefix, for example NAF:62 or CNAE:6201"
    if operator == "is_known" and value.lower() not in ("true", "false"):
        return f"'{value}' is neither true nor false", "Write true (the fact is known) or false (it is not)"
    if operator == "in" and not parts_of(value):
        return "the list is empty", "Write the values with a bar between them: one|two"
    return None


def _check_signals(rules: Rules) -> Iterator[RuleProblem]:
    file = "engagement_signals.csv"
    touch_types = values_of(rules, "touch_types", "touch_type") | {"page_view"}
    details = {
        "page_view": values_of(rules, "page_kinds", "page_kind") | {"other"},
        "form_submission": values_of(rules, "form_kinds", "form_kind") | {"other"},
    }
    outcomes: dict[str, set[str]] = defaultdict(set)
    for row in rules.get("activity_outcomes", []):
        outcomes[row["activity_type"]].add(row["outcome"])
    for kind in ("call", "meeting", "task"):
        if outcomes[kind]:
            details[kind] = outcomes[kind] | {"unknown"}
    channels = values_of(rules, "channels", "channel")
    for row in rules.get("engagement_signals", []):
        if "touch_types" in rules and row["touch_type"] and row["touch_type"] not in touch_types:
            fix = f"Use one of: {', '.join(sorted(touch_types))}"
            yield RuleProblem(file, row.number, "touch_type", f"unknown signal '{row['touch_type']}'", fix)
        if bool(row["detail_field"]) != bool(row["detail_values"]):
            field = "detail_field" if row["detail_values"] else "detail_values"
            fix = "Fill in both detail_field and detail_values, or leave both empty"
            yield RuleProblem(file, row.number, field, "half of the detail is missing", fix)
        known: set[str] = set()
        if row["detail_field"] == "signal_detail":
            known = details.get(row["touch_type"], set())
        elif row["detail_field"] == "channel":
            known = channels
        elif row["detail_field"] == "direction":
            known = {"inbound", "outbound"}
        for part in parts_of(row["detail_values"]):
            if known and part not in known:
                fix = f"Use one of: {', '.join(sorted(known))}"
                yield RuleProblem(file, row.number, "detail_values", f"'{part}' never happens there", fix)
        points, cap = number_of(row["points"]), number_of(row["cap"])
        if points is not None and (points < 0) != (row["score_kind"] == "negative") and points != 0:
            fix = "Negative points go with score_kind negative, positive ones with engagement or intent"
            yield RuleProblem(file, row.number, "points", f"{row['points']} points do not fit the score_kind", fix)
        if points is not None and cap is not None and points * cap < 0:
            fix = "Give the cap the sign of the points: it bounds their sum"
            yield RuleProblem(file, row.number, "cap", f"a cap of {row['cap']} on {row['points']} points", fix)
        if row["measure"] == "dwell_minute" and not row["max_measure"]:
            fix = "Say how many minutes of one page view count at most"
            yield RuleProblem(file, row.number, "max_measure", "dwell_minute has no clip", fix)
    fit_ids = values_of(rules, "fit_rules", "rule_id")
    for row in rules.get("engagement_signals", []):
        if row["signal_id"] in fit_ids:
            fix = "Give one of them another id: both stand on the ledger"
            yield RuleProblem(
                file, row.number, "signal_id", f"'{row['signal_id']}' is a rule of fit_rules.csv too", fix
            )


def _check_bands(rules: Rules) -> Iterator[RuleProblem]:
    groups: dict[tuple[str, str], list[tuple[Decimal | None, Decimal | None, Row]]] = defaultdict(list)
    for row in rules.get("score_bands", []):
        bounds = [(number_of(row[field]) if row[field] else None) for field in ("lo", "hi")]
        if any(row[field] and bound is None for field, bound in zip(("lo", "hi"), bounds, strict=True)):
            return  # Said already, cell by cell.
        groups[row["entity"], row["dimension"]].append((bounds[0], bounds[1], row))
    file = "score_bands.csv"
    if "score_bands" in rules:
        for entity in ("contact", "account"):
            for dimension in ("fit", "engagement"):
                if (entity, dimension) not in groups:
                    problem = f"there are no {dimension} bands for {entity}"
                    yield RuleProblem(file, None, "dimension", problem, "Add at least one band, open on both sides")
    for (entity, dimension), bands in groups.items():
        bands.sort(key=lambda band: (band[0] is not None, band[0] or Decimal(0)))
        what = f"{entity} {dimension}"
        if bands[0][0] is not None:
            fix = "Leave lo of the lowest band empty, so that every score has a band"
            yield RuleProblem(file, bands[0][2].number, "lo", f"no {what} band below {bands[0][0]}", fix)
        if bands[-1][1] is not None:
            fix = "Leave hi of the highest band empty, so that every score has a band"
            yield RuleProblem(file, bands[-1][2].number, "hi", f"no {what} band from {bands[-1][1]} on", fix)
        for (_, hi, before), (lo, _, row) in pairwise(bands):
            if hi is None or lo is None or lo < hi:
                fix = f"Let '{row['band']}' begin where '{before['band']}' ends"
                yield RuleProblem(
                    file, row.number, "lo", f"the {what} band '{row['band']}' overlaps '{before['band']}'", fix
                )
            elif lo > hi:
                fix = f"Let '{row['band']}' begin at {hi}, where '{before['band']}' ends"
                yield RuleProblem(file, row.number, "lo", f"a gap between {hi} and {lo} in the {what} bands", fix)


def _check_grades(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "grade_matrix", "grade", "grades", "grade")
    yield from known_rows(rules, "grade_matrix", "grade_if_gate_fails", "grades", "grade")
    if "score_bands" not in rules or "grade_matrix" not in rules:
        return
    bands = {(row["entity"], row["dimension"], row["band"]) for row in rules["score_bands"]}
    cells = {(row["entity"], row["fit_band"], row["engagement_band"]) for row in rules["grade_matrix"]}
    for row in rules["grade_matrix"]:
        for field, dimension in (("fit_band", "fit"), ("engagement_band", "engagement")):
            if row[field] and (row["entity"], dimension, row[field]) not in bands:
                problem = f"there is no {dimension} band '{row[field]}' for {row['entity']}"
                yield RuleProblem("grade_matrix.csv", row.number, field, problem, "Use a band of score_bands.csv")
    for entity, dimension, fit_band in sorted(bands):
        if dimension != "fit":
            continue
        for other_entity, other_dimension, engagement_band in sorted(bands):
            if other_entity != entity or other_dimension != "engagement":
                continue
            if (entity, fit_band, engagement_band) not in cells:
                problem = f"no grade for a {entity} with fit {fit_band} and engagement {engagement_band}"
                yield RuleProblem("grade_matrix.csv", None, "grade", problem, "Add the row")


def _check_committee(rules: Rules) -> Iterator[RuleProblem]:
    if "committee_roles" not in rules:
        return
    file = "committee_roles.csv"
    roles = values_of(rules, file.removesuffix(".csv"), "buying_role")
    if "unknown" not in roles:
        fix = "Add a row for the people whose title says nothing"
        yield RuleProblem(file, None, "buying_role", "the role 'unknown' is missing", fix)
    if not any(row["is_decision"].lower() == "true" for row in rules["committee_roles"]):
        yield RuleProblem(file, None, "is_decision", "no role decides", "Set is_decision to true for at least one role")
    titles = values_of(rules, "title_rules", "buying_role") | {"unknown"}
    for row in rules["committee_roles"]:
        if "title_rules" in rules and row["buying_role"] and row["buying_role"] not in titles:
            fix = f"Use one of: {', '.join(sorted(titles))}; or add titles for it to title_rules.csv"
            yield RuleProblem(file, row.number, "buying_role", f"no title gives the role '{row['buying_role']}'", fix)
    yield from known_rows(rules, "title_rules", "buying_role", "committee_roles", "buying_role")


CHECKS: tuple[Check, ...] = (
    _check_fit_rules,
    _check_signals,
    _check_bands,
    _check_grades,
    _check_committee,
)
