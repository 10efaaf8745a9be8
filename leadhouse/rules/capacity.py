"""What sales can take: how many people call new leads, how often, and what an MQL costs in calls."""

from __future__ import annotations

from collections.abc import Iterator

from leadhouse.rules.files import SETTING_FILE, Check, RuleProblem, Rules, Schema, number_of

SETTINGS: dict[str, tuple[str, ...]] = {"capacity": ("callers", "calls_per_caller_and_week", "calls_per_mql")}

SCHEMAS: dict[str, Schema] = {"capacity": SETTING_FILE}


def _check_capacity(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("capacity", []):
        value = number_of(row["value"])
        if value is not None and value <= 0:
            fix = "Write how much there is; without anybody who calls no lead can be handed over"
            yield RuleProblem("capacity.csv", row.number, "value", f"{row['value']} is not above 0", fix)


CHECKS: tuple[Check, ...] = (_check_capacity,)
