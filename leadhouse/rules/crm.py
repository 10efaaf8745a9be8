"""How a CRM's own words and users are read: what picklist values mean, and which users are no people."""

from __future__ import annotations

from collections.abc import Iterator

from leadhouse.rules.files import TEXT, Check, Column, RuleProblem, Rules, Schema

SETTINGS: dict[str, tuple[str, ...]] = {}

_CRM = Column(choices=("hubspot", "salesforce"))
#: What a value of these fields may mean; None: any word of the rules it stands for.
_MEANINGS: dict[tuple[str, str], tuple[str, ...] | None] = {
    ("contacts", "lead_status"): None,
    ("companies", "industry"): None,
    ("tasks", "subtype"): ("call", "email", "task"),
}

SCHEMAS: dict[str, Schema] = {
    "crm_values": Schema(
        {"source": _CRM, "entity": TEXT, "field": TEXT, "value": TEXT, "means": TEXT},
        ("source", "entity", "field", "value"),
    ),
    "crm_machine_users": Schema(
        {
            "source": _CRM,
            "user_pattern": Column("pattern"),
            "kind": Column(choices=("own", "automation")),
            "description": TEXT,
        },
        ("source", "user_pattern"),
    ),
}


def _check_values(rules: Rules) -> Iterator[RuleProblem]:
    industries = {row["industry"] for row in rules.get("industry_divisions", [])}
    for row in rules.get("crm_values", []):
        name, place = (row["entity"], row["field"]), ("crm_values.csv", row.number)
        if name not in _MEANINGS:
            known = ", ".join(f"{entity}.{field}" for entity, field in _MEANINGS)
            yield RuleProblem(*place, "field", f"no model reads {'.'.join(name)}", f"Write one of {known}")
            continue
        if row["value"] != row["value"].lower():
            fix = f"Write {row['value'].lower()}: values are compared in lower case"
            yield RuleProblem(*place, "value", f"{row['value']} is never met", fix)
        allowed = _MEANINGS[name]
        if allowed is not None and row["means"] not in allowed:
            yield RuleProblem(*place, "means", f"{row['means']} is no meaning", f"Write one of {', '.join(allowed)}")
        if name == ("companies", "industry") and industries and row["means"] not in industries:
            fix = "Write an industry of industry_divisions.csv, or add it there"
            yield RuleProblem(*place, "means", f"{row['means']} has no divisions", fix)
        if name == ("contacts", "lead_status") and row["means"] != row["means"].upper():
            fix = f"Write {row['means'].upper()}, as stage_triggers.csv does"
            yield RuleProblem(*place, "means", f"{row['means']} is no status", fix)


CHECKS: tuple[Check, ...] = (_check_values,)
