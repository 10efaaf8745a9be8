"""Channels, touches, models of attribution, money."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from leadhouse.rules.files import (
    AT_LEAST_0,
    BOOLEAN,
    OPTIONAL,
    OPTIONAL_PATTERN,
    PATTERN,
    PRIORITY,
    SETTING_FILE,
    SHARE,
    TEXT,
    Check,
    Column,
    RuleProblem,
    Rules,
    Schema,
    known_rows,
    number_of,
)

CREDIT_SHARES = (
    "first_touch",
    "lead_creation",
    "opportunity_creation",
    "customer_close",
    "last_touch",
    "middle",
    "every_touch",
)
#: Single numbers of these files that models read by name (macro ``setting``).
SETTINGS: dict[str, tuple[str, ...]] = {
    "reporting_settings": ("roi_window_days", "declared_error_min_n", "committee_window_days"),
}

SCHEMAS: dict[str, Schema] = {
    "attribution_models": Schema(
        {
            "model": TEXT,
            **dict.fromkeys(CREDIT_SHARES, SHARE),
            "credit_until": Column(choices=("conversion", "opportunity_creation")),
            "definition": TEXT,
        },
        ("model",),
    ),
    "attribution_conversions": Schema(
        {
            "conversion_kind": Column(choices=("opportunity", "won")),
            "lookback_days": Column("integer", above=Decimal(0)),
            "definition": TEXT,
        },
        ("conversion_kind",),
    ),
    "session_rules": Schema({"rule_id": TEXT, "value": AT_LEAST_0, "unit": TEXT, "description": TEXT}, ("rule_id",)),
    "page_kinds": Schema({"priority": PRIORITY, "path_pattern": PATTERN, "page_kind": TEXT}, ("priority",)),
    "form_kinds": Schema({"priority": PRIORITY, "name_pattern": PATTERN, "form_kind": TEXT}, ("priority",)),
    "event_kinds": Schema(
        {"priority": PRIORITY, "name_pattern": PATTERN, "touch_type": OPTIONAL, "detail_member": OPTIONAL},
        ("priority",),
    ),
    "touch_types": Schema(
        {
            "touch_type": TEXT,
            "phase": TEXT,
            "default_channel": TEXT,
            "is_inbound": BOOLEAN,
            "is_attributable": BOOLEAN,
            "description": TEXT,
        },
        ("touch_type",),
    ),
    "channels": Schema(
        {"channel": TEXT, "label": TEXT, "channel_group": TEXT, "is_paid": BOOLEAN, "is_direct": BOOLEAN}, ("channel",)
    ),
    "traffic_sources": Schema(
        {"priority": PRIORITY, "source_pattern": PATTERN, "source_category": TEXT}, ("priority",)
    ),
    "channel_rules": Schema(
        {
            "priority": PRIORITY,
            "channel": TEXT,
            "source_category": OPTIONAL,
            "source_pattern": OPTIONAL_PATTERN,
            "medium_pattern": OPTIONAL_PATTERN,
            "campaign_pattern": OPTIONAL_PATTERN,
            "referrer_category": OPTIONAL,
            "click_id_pattern": OPTIONAL_PATTERN,
            "needs": OPTIONAL,
            "description": OPTIONAL,
        },
        ("priority",),
    ),
    "spend_channel_rules": Schema(
        {
            "priority": PRIORITY,
            "platform_pattern": OPTIONAL_PATTERN,
            "channel_pattern": OPTIONAL_PATTERN,
            "campaign_pattern": OPTIONAL_PATTERN,
            "channel": TEXT,
        },
        ("priority",),
    ),
    "product_aliases": Schema({"alias": TEXT, "product": TEXT}, ("alias",)),
    "reporting_currency": Schema({"currency": TEXT}, ("currency",)),
    "currency_rates": Schema(
        {"currency": TEXT, "valid_from": Column("date"), "rate": Column("number", above=Decimal(0))},
        ("currency", "valid_from"),
    ),
    "activity_outcomes": Schema(
        {
            "activity_type": TEXT,
            "source_value": TEXT,
            "outcome": TEXT,
            "outcome_class": TEXT,
            "is_human_contact": BOOLEAN,
        },
        ("activity_type", "source_value"),
    ),
    "automation_sources": Schema({"object_source": TEXT, "description": TEXT}, ("object_source",)),
    "consent_rules": Schema(
        {
            "write": Column(choices=("create", "list_add", "update", "associate")),
            "is_suppressed": BOOLEAN,
            "reason": TEXT,
        },
        ("write",),
    ),
    "capture_methods": Schema(
        {"source": TEXT, "object_source": TEXT, "capture_method": TEXT}, ("source", "object_source")
    ),
    "reporting_settings": SETTING_FILE,
}


def _check_attribution(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("attribution_models", []):
        shares = [number_of(row[field]) for field in CREDIT_SHARES if row[field]]
        if any(share is None for share in shares):
            continue  # Said already, cell by cell.
        total = sum((share for share in shares if share is not None), Decimal(0))
        if total != 1:
            fix = "Let the shares of the row add up to 1"
            yield RuleProblem(
                "attribution_models.csv", row.number, "model", f"the shares of '{row['model']}' add up to {total}", fix
            )


def _check_channels(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "channel_rules", "channel", "channels", "channel")
    yield from known_rows(rules, "spend_channel_rules", "channel", "channels", "channel")
    yield from known_rows(rules, "touch_types", "default_channel", "channels", "channel")
    yield from known_rows(rules, "event_kinds", "touch_type", "touch_types", "touch_type")


def _check_currency(rules: Rules) -> Iterator[RuleProblem]:
    rows = rules.get("reporting_currency")
    if rows is None:
        return
    if len(rows) != 1:
        problem = f"{len(rows)} reporting currencies"
        yield RuleProblem("reporting_currency.csv", None, "currency", problem, "Keep exactly one row")
    yield from known_rows(rules, "reporting_currency", "currency", "currency_rates", "currency")


CHECKS: tuple[Check, ...] = (
    _check_attribution,
    _check_channels,
    _check_currency,
)
