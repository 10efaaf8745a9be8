"""What sales can take (people who call, calls a week, calls an MQL costs), and what the audit calls worth a look."""

from __future__ import annotations

from collections.abc import Iterator

from leadhouse.rules.files import SETTING_FILE, Check, RuleProblem, Rules, Schema, number_of

SETTINGS: dict[str, tuple[str, ...]] = {
    "capacity": ("callers", "calls_per_caller_and_week", "calls_per_mql"),
    "audit_settings": (
        "grade_max_share",
        "auc_min",
        "overlap_min_share",
        "overlap_min_people",
        "rule_max_points_share",
        "build_fresh_hours",
        "quarantine_max_share",
        "unassigned_max_share",
    ),
}

SCHEMAS: dict[str, Schema] = {"capacity": SETTING_FILE, "audit_settings": SETTING_FILE}


def _check_capacity(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("capacity", []):
        value = number_of(row["value"])
        if value is not None and value <= 0:
            fix = "Write how much there is; without anybody who calls no lead can be handed over"
            yield RuleProblem("capacity.csv", row.number, "value", f"{row['value']} is not above 0", fix)


CHECKS: tuple[Check, ...] = (_check_capacity,)
