"""What sales can take (people who call, calls a week, calls an MQL costs), what the audit calls worth a look, and from
where on the write-back alerts somebody."""

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
    "alert_settings": ("reject_max_share", "reject_min_rows", "stalled_hours", "repeat_hours"),
}

SCHEMAS: dict[str, Schema] = {
    "capacity": SETTING_FILE,
    "audit_settings": SETTING_FILE,
    "alert_settings": SETTING_FILE,
}


def _check_capacity(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("capacity", []):
        value = number_of(row["value"])
        if value is not None and value <= 0:
            fix = "Write how much there is; without anybody who calls no lead can be handed over"
            yield RuleProblem("capacity.csv", row.number, "value", f"{row['value']} is not above 0", fix)


def _check_alerts(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("alert_settings", []):
        value = number_of(row["value"])
        if value is None:
            continue
        if value <= 0:
            fix = "Write a number above 0"
            yield RuleProblem("alert_settings.csv", row.number, "value", f"{row['value']} is not above 0", fix)
        elif row["setting"].endswith("_share") and value > 1:
            fix = "Write a share from 0 to 1"
            yield RuleProblem("alert_settings.csv", row.number, "value", f"{row['value']} is more than all", fix)


CHECKS: tuple[Check, ...] = (_check_capacity, _check_alerts)
