"""Exports of ad platforms: which file is which, which field is which, what an account pays in."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from leadhouse.rules.files import (
    BOOLEAN,
    OPTIONAL,
    PATTERN,
    PRIORITY,
    TEXT,
    Check,
    Column,
    RuleProblem,
    Rules,
    Schema,
    known_rows,
)

#: What must be read of a line, by the content of the file.
NEEDED = {"spend": ("spend_on", "spend"), "campaigns": ("campaign_id", "campaign")}
TARGETS = {
    "spend": (
        "spend_on", "platform", "account_id", "channel", "campaign_id", "campaign", "currency", "spend", "impressions",
        "clicks",
    ),
    "campaigns": ("campaign_id", "account_id", "channel", "campaign", "updated_at"),
}  # fmt: skip

SETTINGS: dict[str, tuple[str, ...]] = {}
SCHEMAS: dict[str, Schema] = {
    "ad_reports": Schema(
        {
            "priority": PRIORITY,
            "report": TEXT,
            "platform": OPTIONAL,
            "file_pattern": PATTERN,
            "content": Column(choices=("spend", "campaigns", "ignored")),
            "description": OPTIONAL,
        },
        ("report",),
    ),
    "ad_fields": Schema(
        {
            "report": TEXT,
            "field": TEXT,
            "target": Column(choices=tuple(sorted({*TARGETS["spend"], *TARGETS["campaigns"]}))),
            "is_required": BOOLEAN,
            "unit_factor": Column("number", required=False, above=Decimal(0)),
            "date_format": OPTIONAL,
        },
        ("report", "field"),
    ),
    "ad_accounts": Schema(
        {"platform": TEXT, "account_id": OPTIONAL, "currency": TEXT, "description": OPTIONAL},
        ("platform", "account_id"),
    ),
}


def _check_targets(rules: Rules) -> Iterator[RuleProblem]:
    fields = rules.get("ad_fields")
    if fields is None:
        return
    content = {row["report"]: row["content"] for row in rules.get("ad_reports", [])}
    for row in fields:
        targets = TARGETS.get(content.get(row["report"], ""))
        if targets is not None and row["target"] in {t for all_of in TARGETS.values() for t in all_of} - {*targets}:
            problem = f"'{row['target']}' is nothing that a file of {content[row['report']]} tells"
            yield RuleProblem("ad_fields.csv", row.number, "target", problem, f"Use one of: {', '.join(targets)}")
        if row["unit_factor"] and row["target"] != "spend":
            problem = f"a factor for '{row['target']}'"
            yield RuleProblem("ad_fields.csv", row.number, "unit_factor", problem, "Only spend has a unit; empty it")
        if row["date_format"] and row["target"] not in ("spend_on", "updated_at"):
            problem = f"a date format for '{row['target']}'"
            yield RuleProblem("ad_fields.csv", row.number, "date_format", problem, "Empty it")
    for report in rules.get("ad_reports", []):
        told = {row["target"] for row in fields if row["report"] == report["report"]}
        for target in NEEDED.get(report["content"], ()):
            if target not in told:
                problem = f"no field of '{report['report']}' is its {target}"
                yield RuleProblem("ad_fields.csv", None, "target", problem, "Add the line to ad_fields.csv")


def _check_references(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "ad_fields", "report", "ad_reports", "report")
    yield from known_rows(rules, "ad_accounts", "currency", "currency_rates", "currency")


CHECKS: tuple[Check, ...] = (_check_targets, _check_references)
