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
    values_of,
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
    "attribution_settings": (
        "collapse_minutes",
        "shapley_exact_channels",
        "shapley_sampled_orders",
        "shapley_seed",
        "bootstrap_resamples",
        "bootstrap_seed",
    ),
    "reporting_settings": (
        "roi_window_days",
        "declared_error_min_n",
        "committee_window_days",
        "gross_margin",
        "deal_months",
        "sales_cost_per_month",
        "cohort_maturity_days",
        "cohort_min_moves",
        "score_bucket_points",
    ),
}
#: Lowest and highest value of a setting (inclusive) and whether it is a whole number.
_BOUNDS: dict[str, tuple[int, int | None, bool]] = {
    "collapse_minutes": (0, None, False),
    # Every coalition of the channels is solved: twice as many with each further channel.
    "shapley_exact_channels": (0, 16, True),
    "shapley_sampled_orders": (1, None, True),
    "shapley_seed": (0, None, True),
    "bootstrap_resamples": (100, None, True),
    "bootstrap_seed": (0, None, True),
    "roi_window_days": (1, None, True),
    "cohort_maturity_days": (0, None, True),
    "cohort_min_moves": (1, None, True),
    # A width of nought would divide by nought.
    "score_bucket_points": (1, None, False),
    "gross_margin": (0, 1, False),
    "sales_cost_per_month": (0, None, False),
}
#: Conversions that are no stage.
_DEAL_KINDS = ("opportunity", "won")

SCHEMAS: dict[str, Schema] = {
    "attribution_models": Schema(
        {
            "model": TEXT,
            "model_order": PRIORITY,
            "method": Column(choices=("weights", "time_decay", "markov", "shapley")),
            "label_en": TEXT,
            "label_pt": TEXT,
            **dict.fromkeys(CREDIT_SHARES, SHARE),
            "half_life_days": Column("number", required=False, above=Decimal(0)),
            "skips_direct": BOOLEAN,
            "credit_until": Column(choices=("conversion", "opportunity_creation")),
            "definition": TEXT,
            "definition_pt": TEXT,
        },
        ("model",),
    ),
    "attribution_conversions": Schema(
        {
            "conversion_kind": TEXT,
            "kind_order": PRIORITY,
            "journey_level": Column(choices=("contact", "account")),
            "lookback_days": Column("integer", above=Decimal(0)),
            "label_en": TEXT,
            "label_pt": TEXT,
            "definition": TEXT,
            "definition_pt": TEXT,
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
    "attribution_settings": SETTING_FILE,
    "reporting_settings": SETTING_FILE,
}


def _check_models(rules: Rules) -> Iterator[RuleProblem]:
    file = "attribution_models.csv"
    orders: dict[str, str] = {}
    for row in rules.get("attribution_models", []):
        shares = [number_of(row[field]) for field in CREDIT_SHARES if row[field]]
        total = sum((share for share in shares if share is not None), Decimal(0))
        is_weighted = row["method"] == "weights"
        # A share that is no number was said already, cell by cell.
        if is_weighted and total != 1 and None not in shares:
            fix = "Let the shares of the row add up to 1"
            yield RuleProblem(file, row.number, "model", f"the shares of '{row['model']}' add up to {total}", fix)
        if not is_weighted and shares:
            fix = "Empty first_touch to every_touch, or let the method be weights"
            yield RuleProblem(file, row.number, "method", f"method '{row['method']}' takes no shares", fix)
        if (row["method"] == "time_decay") != bool(row["half_life_days"]):
            fix = "Models of method time_decay have a half-life in days, the others none"
            yield RuleProblem(
                file, row.number, "half_life_days", f"'{row['half_life_days']}' under {row['method']}", fix
            )
        if row["method"] in ("markov", "shapley"):
            if row["credit_until"] == "opportunity_creation":
                fix = "Say conversion: effects are measured over whole journeys"
                yield RuleProblem(file, row.number, "credit_until", f"method '{row['method']}' credits a part", fix)
            if row["skips_direct"] == "true":
                fix = "Say false: effects are measured over whole journeys"
                yield RuleProblem(file, row.number, "skips_direct", f"method '{row['method']}' skips a channel", fix)
        if row["model_order"] and orders.setdefault(row["model_order"], row["model"]) != row["model"]:
            fix = "Give each model a place of its own"
            same = f"'{orders[row['model_order']]}' has place {row['model_order']} too"
            yield RuleProblem(file, row.number, "model_order", same, fix)


def _check_conversions(rules: Rules) -> Iterator[RuleProblem]:
    if "lifecycle_stages" not in rules:
        return
    known = values_of(rules, "lifecycle_stages", "stage") | set(_DEAL_KINDS)
    for row in rules.get("attribution_conversions", []):
        if row["conversion_kind"] and row["conversion_kind"] not in known:
            fix = f"Name a stage of lifecycle_stages.csv, or one of {', '.join(_DEAL_KINDS)}"
            problem = f"'{row['conversion_kind']}' is no kind of conversion"
            yield RuleProblem("attribution_conversions.csv", row.number, "conversion_kind", problem, fix)


def _check_settings(rules: Rules) -> Iterator[RuleProblem]:
    for name in SETTINGS:
        for row in rules.get(name, []):
            value = number_of(row["value"])
            if value is None or row["setting"] not in _BOUNDS:
                continue
            low, high, is_whole = _BOUNDS[row["setting"]]
            if value < low or (high is not None and value > high) or (is_whole and value % 1):
                limits = f"at least {low}" if high is None else f"from {low} to {high}"
                fix = f"Give {'a whole number' if is_whole else 'a number'}, {limits}"
                yield RuleProblem(f"{name}.csv", row.number, "value", f"{row['setting']} cannot be {value}", fix)
    for row in rules.get("reporting_settings", []):
        months = number_of(row["value"])
        if row["setting"] == "deal_months" and months is not None and months <= 0:
            problem = "a deal cannot pay for no time at all"
            yield RuleProblem("reporting_settings.csv", row.number, "value", problem, "Give a number above 0")


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
    _check_models,
    _check_conversions,
    _check_settings,
    _check_channels,
    _check_currency,
)
