"""Rule files of what is written back to the CRM."""

from __future__ import annotations

from collections.abc import Iterator

from leadhouse.rules.files import SETTING_FILE, Check, RuleProblem, Rules, Schema, number_of

SETTINGS: dict[str, tuple[str, ...]] = {"crm_link_settings": ("contact_company_min_confidence",)}

SCHEMAS: dict[str, Schema] = {"crm_link_settings": SETTING_FILE}


def _check_confidence(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("crm_link_settings", []):
        confidence = number_of(row["value"])
        if confidence is not None and not 0 < confidence <= 1:
            problem = f"'{row['value']}' is no confidence"
            fix = "Write a number above 0, at most 1 (1: only what is certain)"
            yield RuleProblem("crm_link_settings.csv", row.number, "value", problem, fix)


CHECKS: tuple[Check, ...] = (_check_confidence,)
