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
        "email_domain",
        "email_domain_kind",
        "domain_relation",
        "is_reachable",
    ),
    "account": (
        "country",
        "industry",
        "employee_count",
        "activity_code",
        "annual_revenue",
        "revenue_band",
        "domain",
        "domain_relation",
    ),
}
#: Whose a domain can be: values of the attribute ``domain_relation``.
DOMAIN_RELATIONS = ("own", "competitor", "shared", "other")
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
            "adds_up": Column("boolean", required=False),
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("rule_id",),
    ),
    "fit_attributes": Schema({"attribute": TEXT, "label_en": TEXT, "label_pt": TEXT}, ("attribute",)),
    "fit_exclusions": Schema(
        {
            "priority": PRIORITY,
            "rule_id": TEXT,
            "entity": ENTITY,
            "attribute": TEXT,
            "operator": Column(choices=FIT_OPERATORS),
            "value": TEXT,
            "reason_code": TEXT,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("rule_id",),
    ),
    "revenue_bands": Schema(
        {
            "band": TEXT,
            "lo": Column("number", required=False),
            "hi": Column("number", required=False),
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("band",),
    ),
    "competitor_domains": Schema({"domain": TEXT, "company": OPTIONAL}, ("domain",)),
    "own_domains": Schema({"domain": TEXT, "company": OPTIONAL}, ("domain",)),
    "engagement_signals": Schema(
        {
            "signal_id": TEXT,
            "score_kind": Column(choices=("engagement", "intent", "negative")),
            "touch_type": TEXT,
            "detail_field": Column(required=False, choices=("signal_detail", "channel", "campaign", "direction")),
            "detail_values": OPTIONAL,
            "measure": Column(choices=("event", "dwell_minute", "active_day")),
            "max_measure": Column("number", required=False, above=Decimal(0)),
            "points": NUMBER,
            "half_life_days": Column("number", required=False, above=Decimal(0)),
            "decay_interval_days": Column("integer", required=False, minimum=Decimal(1)),
            "decay_percent": Column("number", required=False, minimum=Decimal(1), maximum=Decimal(100)),
            "cap": Column("number", required=False),
            "daily_cap": Column("number", required=False),
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
    for name in ("fit_rules", "fit_exclusions"):
        for row in rules.get(name, []):
            attributes = FIT_ATTRIBUTES.get(row["entity"])
            if attributes is not None and row["attribute"] and row["attribute"] not in attributes:
                yield RuleProblem(
                    f"{name}.csv",
                    row.number,
                    "attribute",
                    f"rule '{row['rule_id']}' asks for '{row['attribute']}', which is not known of a {row['entity']}",
                    f"Use one of: {', '.join(attributes)}",
                )
            problem = _fit_value_problem(row) or _known_value_problem(rules, row)
            if problem is not None:
                yield RuleProblem(f"{name}.csv", row.number, "value", *problem)


def _known_value_problem(rules: Rules, row: Row) -> tuple[str, str] | None:
    """A value that no fact can have, of attributes whose values are a closed list."""
    known: set[str] = set()
    if row["attribute"] == "revenue_band":
        known = values_of(rules, "revenue_bands", "band")
    elif row["attribute"] == "domain_relation":
        known = set(DOMAIN_RELATIONS)
    if row["operator"] in ("=", "in"):
        for value in parts_of(row["value"]):
            if known and value.lower() not in {one.lower() for one in known}:
                return f"'{value}' is no {row['attribute']}", f"Use one of: {', '.join(sorted(known))}"
    if row["operator"] == "code_under" and "activity_code_systems" in rules:
        systems = values_of(rules, "activity_code_systems", "alias")
        if row["value"].split(":")[0].upper() not in systems:
            return f"'{row['value']}' is of no known classification", f"Use one of: {', '.join(sorted(systems))}"
    return None


def _check_overlaps(rules: Rules) -> Iterator[RuleProblem]:
    """Two rules of one attribute that one fact can meet, though neither is said to add up: one would count in vain."""
    systems = {row["alias"]: (row["system"], row["code_table"]) for row in rules.get("activity_code_systems", [])}
    seen: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rules.get("fit_rules", []):
        if row["adds_up"].lower() == "true" or _fit_value_problem(row) is not None:
            continue
        before = seen[row["entity"], row["attribute"]]
        for other in before:
            if _overlap(row, other, systems):
                problem = f"'{row['value']}' overlaps '{other['value']}' of '{other['rule_id']}' (row {other.number})"
                fix = (
                    "Let the values exclude each other, or set adds_up to true for the one that counts beside the other"
                )
                yield RuleProblem("fit_rules.csv", row.number, "value", problem, fix)
                break
        before.append(row)


def _overlap(row: Row, other: Row, systems: dict[str, tuple[str, str]]) -> bool:
    operators = {row["operator"], other["operator"]}
    if operators == {"between"}:
        (lo, hi), (other_lo, other_hi) = (_bounds(one["value"]) for one in (row, other))
        return lo < other_hi and other_lo < hi
    if operators <= {"=", "in"}:
        values, others = (
            {part.lower() for part in (parts_of(one["value"]) if one["operator"] == "in" else [one["value"]])}
            for one in (row, other)
        )
        return bool(values & others)
    if operators == {"code_under"}:
        (system, code), (other_system, other_code) = (_code(one["value"], systems) for one in (row, other))
        if not (code.startswith(other_code) or other_code.startswith(code)):
            return False
        # Divisions are the same everywhere, classes within the tables that come from NACE.
        return system == other_system or system[1] == other_system[1] == "NACE" or min(len(code), len(other_code)) <= 2
    return False


def _bounds(value: str) -> tuple[Decimal, Decimal]:
    lo, hi = value.split("..")
    return Decimal(lo or "-Infinity"), Decimal(hi or "Infinity")


def _code(value: str, systems: dict[str, tuple[str, str]]) -> tuple[tuple[str, str], str]:
    """System and table of a rule's code, and the code without punctuation or the section letter in front of digits."""
    alias, _, code = value.partition(":")
    plain = re.sub(r"[^0-9A-Z]", "", code.upper())
    return systems.get(alias.upper(), (alias, alias)), re.sub(r"^[A-Z](?=[0-9])", "", plain)


def _check_attributes(rules: Rules) -> Iterator[RuleProblem]:
    if "fit_attributes" not in rules:
        return
    file = "fit_attributes.csv"
    known = {attribute for attributes in FIT_ATTRIBUTES.values() for attribute in attributes}
    for row in rules["fit_attributes"]:
        if row["attribute"] and row["attribute"] not in known:
            problem = f"'{row['attribute']}' is known of nobody"
            yield RuleProblem(file, row.number, "attribute", problem, f"Use one of: {', '.join(sorted(known))}")
    for attribute in sorted(known - values_of(rules, "fit_attributes", "attribute")):
        yield RuleProblem(file, None, "attribute", f"'{attribute}' has no words", "Add its row")


def _check_exclusions(rules: Rules) -> Iterator[RuleProblem]:
    file = "fit_exclusions.csv"
    first: dict[str, Row] = {}
    for row in rules.get("fit_exclusions", []):
        before = first.setdefault(row["priority"], row)
        if before is not row and row["priority"]:
            problem = f"'{row['rule_id']}' has the priority of '{before['rule_id']}' (row {before.number})"
            fix = "Give each rule a priority of its own: the lower one names the reason"
            yield RuleProblem(file, row.number, "priority", problem, fix)
        if row["operator"] == "is_known" and row["value"].lower() == "false":
            fix = "Exclude by a known fact; who misses a fact waits at the gate before hand-over"
            yield RuleProblem(file, row.number, "value", "an exclusion for what is not known", fix)


def _check_rule_ids(rules: Rules) -> Iterator[RuleProblem]:
    """Ids stand on ledger lines, where they must tell one rule."""
    ids = values_of(rules, "fit_rules", "rule_id")
    for name, field in (("fit_exclusions", "rule_id"), ("engagement_signals", "signal_id")):
        for row in rules.get(name, []):
            if row[field] in ids:
                fix = "Give one of them another id: both stand on the ledger"
                problem = f"'{row[field]}' is a rule of fit_rules.csv too"
                yield RuleProblem(f"{name}.csv", row.number, field, problem, fix)
    exclusions = values_of(rules, "fit_exclusions", "rule_id")
    for row in rules.get("engagement_signals", []):
        if row["signal_id"] in exclusions:
            fix = "Give one of them another id: both stand on the ledger"
            problem = f"'{row['signal_id']}' is a rule of fit_exclusions.csv too"
            yield RuleProblem("engagement_signals.csv", row.number, "signal_id", problem, fix)


def _check_domains(rules: Rules) -> Iterator[RuleProblem]:
    shared = values_of(rules, "free_mail_domains", "domain")
    own = values_of(rules, "own_domains", "domain")
    for name in ("competitor_domains", "own_domains"):
        for row in rules.get(name, []):
            domain = row["domain"]
            if not re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+", domain) or domain.startswith("www."):
                fix = "Write the registered domain in lower case, for example rival.com: its subdomains count too"
                yield RuleProblem(f"{name}.csv", row.number, "domain", f"'{domain}' is not a domain", fix)
            elif domain in shared:
                fix = "Remove it: anybody may write from there"
                yield RuleProblem(f"{name}.csv", row.number, "domain", f"'{domain}' belongs to a mailbox provider", fix)
            elif name == "competitor_domains" and domain in own:
                fix = "Remove it here or in own_domains.csv"
                yield RuleProblem(f"{name}.csv", row.number, "domain", f"'{domain}' is our own too", fix)


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
        points = number_of(row["points"])
        if points is not None and (points < 0) != (row["score_kind"] == "negative") and points != 0:
            fix = "Negative points go with score_kind negative, positive ones with engagement or intent"
            yield RuleProblem(file, row.number, "points", f"{row['points']} points do not fit the score_kind", fix)
        for field in ("cap", "daily_cap"):
            cap = number_of(row[field])
            if points is not None and cap is not None and points * cap < 0:
                fix = "Give the cap the sign of the points: it bounds their sum"
                yield RuleProblem(file, row.number, field, f"a cap of {row[field]} on {row['points']} points", fix)
        if row["measure"] == "active_day" and row["daily_cap"]:
            fix = "Leave daily_cap empty: the day counts once"
            yield RuleProblem(file, row.number, "daily_cap", "a cap on a signal that counts days", fix)
        if row["measure"] == "dwell_minute" and not row["max_measure"]:
            fix = "Say how many minutes of one page view count at most"
            yield RuleProblem(file, row.number, "max_measure", "dwell_minute has no clip", fix)


def _check_signal_decay(rules: Rules) -> Iterator[RuleProblem]:
    """A signal decays by a half-life, or by a percentage every so many days, or not at all."""
    file = "engagement_signals.csv"
    for row in rules.get("engagement_signals", []):
        linear = ("decay_interval_days", "decay_percent")
        missing = [field for field in linear if not row[field]]
        if len(missing) == 1:
            fix = "Fill in both decay_interval_days and decay_percent, or leave both empty"
            yield RuleProblem(file, row.number, missing[0], "half of the linear decay is missing", fix)
        if row["half_life_days"] and len(missing) < 2:
            fix = "Keep the half-life, or decay_interval_days with decay_percent"
            yield RuleProblem(file, row.number, "half_life_days", "two kinds of decay at once", fix)


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
        yield from _band_problems(file, f"{entity} {dimension}", bands)


def _check_revenue_bands(rules: Rules) -> Iterator[RuleProblem]:
    bands: list[tuple[Decimal | None, Decimal | None, Row]] = []
    for row in rules.get("revenue_bands", []):
        lo, hi = (number_of(row[field]) if row[field] else None for field in ("lo", "hi"))
        if (row["lo"] and lo is None) or (row["hi"] and hi is None):
            return  # Said already, cell by cell.
        bands.append((lo, hi, row))
    if bands:
        yield from _band_problems("revenue_bands.csv", "revenue", bands)


def _band_problems(
    file: str, what: str, bands: list[tuple[Decimal | None, Decimal | None, Row]]
) -> Iterator[RuleProblem]:
    """Bands must touch, and the outer ones be open, so that every number has one."""
    bands = sorted(bands, key=lambda band: (band[0] is not None, band[0] or Decimal(0)))
    if bands[0][0] is not None:
        fix = "Leave lo of the lowest band empty, so that every number has a band"
        yield RuleProblem(file, bands[0][2].number, "lo", f"no {what} band below {bands[0][0]}", fix)
    if bands[-1][1] is not None:
        fix = "Leave hi of the highest band empty, so that every number has a band"
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


def _check_hot_grades(rules: Rules) -> Iterator[RuleProblem]:
    """The gate and the exclusions hold only if the grades they lead to are not hot."""
    grades = rules.get("grades", [])
    orders: dict[str, Row] = {}
    for row in grades:
        before = orders.setdefault(row["grade_order"], row)
        if before is not row and row["grade_order"]:
            problem = f"'{row['grade']}' stands where '{before['grade']}' does (row {before.number})"
            yield RuleProblem("grades.csv", row.number, "grade_order", problem, "Give each grade an order of its own")
    ordered = sorted((order, row.number, row) for row in grades if (order := number_of(row["grade_order"])) is not None)
    if ordered and ordered[-1][2]["is_hot"].lower() == "true":
        row = ordered[-1][2]
        fix = "Set it to false: the last grade is that of everybody who is excluded"
        yield RuleProblem("grades.csv", row.number, "is_hot", f"the last grade '{row['grade']}' is hot", fix)
    hot = {row["grade"] for row in grades if row["is_hot"].lower() == "true"}
    for row in rules.get("grade_matrix", []):
        if row["entity"] == "account" and row["grade_if_gate_fails"] in hot:
            problem = f"'{row['grade_if_gate_fails']}' is hot though nobody who decides is engaged"
            fix = "Use a grade that is not hot: an intern alone qualifies no account"
            yield RuleProblem("grade_matrix.csv", row.number, "grade_if_gate_fails", problem, fix)


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
    _check_overlaps,
    _check_attributes,
    _check_exclusions,
    _check_rule_ids,
    _check_domains,
    _check_signals,
    _check_signal_decay,
    _check_bands,
    _check_revenue_bands,
    _check_grades,
    _check_hot_grades,
    _check_committee,
)
