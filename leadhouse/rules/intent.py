"""What states an intent, a budget, a date; how ready a request is: the rule files of intent."""

from __future__ import annotations

from collections.abc import Iterator

from leadhouse.rules.files import (
    BOOLEAN,
    OPTIONAL,
    OPTIONAL_PATTERN,
    PRIORITY,
    TEXT,
    Check,
    Column,
    Row,
    RuleProblem,
    Rules,
    Schema,
    parts_of,
    values_of,
)

SETTINGS: dict[str, tuple[str, ...]] = {}

BANT_DIMENSIONS = ("budget", "authority", "need", "timeline")
#: Fields of a deal that ``int_stated_values`` reads.
DEAL_FIELDS = ("amount", "expected_close_at", "product")

SCHEMAS: dict[str, Schema] = {
    "intent_rules": Schema(
        {
            "priority": PRIORITY,
            "rule_id": TEXT,
            "intent_kind": TEXT,
            "is_buying_intent": BOOLEAN,
            "evidence_kind": Column(
                choices=("touch", "sales_activity", "opportunity", "bant", "form_answer", "contact_property")
            ),
            "evidence_values": TEXT,
            "evidence_details": OPTIONAL,
            "value_pattern": OPTIONAL_PATTERN,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("rule_id",),
    ),
    "bant_rules": Schema(
        {
            "priority": PRIORITY,
            "rule_id": TEXT,
            "dimension": Column(choices=BANT_DIMENSIONS),
            "source_kind": Column(choices=("form_answer", "contact_property", "deal_field")),
            "field": TEXT,
            "value_pattern": OPTIONAL_PATTERN,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("rule_id",),
    ),
    "request_groups": Schema(
        {
            "priority": PRIORITY,
            "rule_id": TEXT,
            "form_kinds": TEXT,
            "answer_field": OPTIONAL,
            "answer_pattern": OPTIONAL_PATTERN,
            "request_group": Column(choices=("A", "B", "C")),
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("rule_id",),
    ),
}


def _check_priorities(rules: Rules) -> Iterator[RuleProblem]:
    for name in SCHEMAS:
        first: dict[str, Row] = {}
        for row in rules.get(name, []):
            before = first.setdefault(row["priority"], row)
            if before is not row and row["priority"]:
                problem = f"'{row['rule_id']}' has the priority of '{before['rule_id']}' (row {before.number})"
                fix = "Give each rule a priority of its own: the lower one counts first"
                yield RuleProblem(f"{name}.csv", row.number, "priority", problem, fix)


def _check_intent(rules: Rules) -> Iterator[RuleProblem]:
    file = "intent_rules.csv"
    kinds: dict[str, Row] = {}
    for row in rules.get("intent_rules", []):
        first = kinds.setdefault(row["intent_kind"], row)
        if row["is_buying_intent"].lower() != first["is_buying_intent"].lower():
            problem = f"'{row['intent_kind']}' is a buying intent in one row and none in another (row {first.number})"
            fix = "Say the same of one intent_kind everywhere, or name another kind"
            yield RuleProblem(file, row.number, "is_buying_intent", problem, fix)
        values = parts_of(row["evidence_values"])
        if row["intent_kind"] == "contact_request" and row["is_buying_intent"].lower() == "true":
            fix = "Set it to false: a contact request alone makes no sales qualified lead; the curious ask too"
            problem = "a contact request is taken for a buying intent"
            yield RuleProblem(file, row.number, "is_buying_intent", problem, fix)
        allowed = _values_of_kind(rules, row["evidence_kind"])
        for value in values:
            if allowed and value not in allowed:
                fix = f"Use one of: {', '.join(sorted(allowed))}"
                yield RuleProblem(file, row.number, "evidence_values", f"'{value}' never happens there", fix)
        if row["value_pattern"] and row["evidence_kind"] not in ("form_answer", "contact_property"):
            fix = "Leave it empty; only what people or the CRM state in words has a pattern"
            problem = f"a pattern on evidence of kind {row['evidence_kind']}"
            yield RuleProblem(file, row.number, "value_pattern", problem, fix)
        details = set()
        if row["evidence_kind"] == "form_answer" or values == ["form_submission"]:
            details = _form_kinds(rules)
        for detail in parts_of(row["evidence_details"]):
            if details and detail not in details:
                fix = f"Use one of: {', '.join(sorted(details))}"
                yield RuleProblem(file, row.number, "evidence_details", f"there is no form kind '{detail}'", fix)


def _values_of_kind(rules: Rules, kind: str) -> set[str]:
    """What evidence of a kind can be called; nothing where any name will do."""
    match kind:
        case "touch":
            return values_of(rules, "touch_types", "touch_type")
        case "sales_activity":
            return values_of(rules, "activity_outcomes", "activity_type") | {"email_reply", "meeting_booked"}
        case "opportunity":
            return {"created"}
        case "bant":
            return set(BANT_DIMENSIONS)
    return set()


def _check_bant(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("bant_rules", []):
        if row["source_kind"] == "deal_field" and row["field"] and row["field"] not in DEAL_FIELDS:
            fix = f"Use one of: {', '.join(DEAL_FIELDS)}"
            yield RuleProblem("bant_rules.csv", row.number, "field", f"'{row['field']}' of a deal is not read", fix)


def _check_groups(rules: Rules) -> Iterator[RuleProblem]:
    file = "request_groups.csv"
    kinds = _form_kinds(rules)
    for row in rules.get("request_groups", []):
        if row["answer_pattern"] and not row["answer_field"]:
            fix = "Say which answer of the form the pattern reads, for example message"
            yield RuleProblem(file, row.number, "answer_field", "a pattern without an answer", fix)
        for kind in parts_of(row["form_kinds"]):
            if kinds and kind not in kinds:
                fix = f"Use one of: {', '.join(sorted(kinds))}"
                yield RuleProblem(file, row.number, "form_kinds", f"there is no form kind '{kind}'", fix)


def _form_kinds(rules: Rules) -> set[str]:
    kinds = values_of(rules, "form_kinds", "form_kind")
    return kinds | {"other"} if kinds else kinds


CHECKS: tuple[Check, ...] = (_check_priorities, _check_intent, _check_bant, _check_groups)
