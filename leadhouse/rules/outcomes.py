"""Content, costs, targets and the health of scores: numbers that outcomes are read by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from leadhouse.rules.files import (
    AT_LEAST_0,
    BOOLEAN,
    ENTITY,
    PRIORITY,
    SETTING_FILE,
    TEXT,
    Check,
    Column,
    RuleProblem,
    Rules,
    Schema,
    known_rows,
    number_of,
    parts_of,
)
from leadhouse.rules.scoring import FIT_ATTRIBUTES

#: What ``int_profiles`` knows of an entity.
PROFILE_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "account": ("country", "size_band", "revenue_band", "industry_section", "first_channel"),
    "contact": (
        "buying_role",
        "seniority",
        "country",
        "language",
        "capture_method",
        "email_domain_kind",
        "first_channel",
        "industry_section",
        "size_band",
        "revenue_band",
    ),
}
#: Numbers that are put into bands.
BAND_MEASURES = (
    "employee_count",
    "annual_revenue",
    "engaged_people",
    "engaged_roles",
    "engaged_deciders",
    "coverage_pct",
)

SETTINGS: dict[str, tuple[str, ...]] = {
    "outcome_settings": (
        "lift_min_n",
        "lift_min_expected",
        "win_min_decided",
        "content_min_people",
        "objection_min_n",
        "objection_content_days",
        "coverage_window_days",
        "coverage_min_touches",
        "trend_min_z",
        "outcome_min_n",
        "review_every_days",
        "drift_recent_days",
        "drift_reference_days",
        "drift_min_n",
        "drift_watch_psi",
        "drift_alert_psi",
        "drift_empty_share",
    ),
}

SCHEMAS: dict[str, Schema] = {
    "outcome_settings": SETTING_FILE,
    "outcome_bands": Schema(
        {
            "measure": Column(choices=BAND_MEASURES),
            "band": TEXT,
            "band_order": PRIORITY,
            "lo": Column("number", required=False),
            "hi": Column("number", required=False),
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("measure", "band"),
    ),
    "profile_attributes": Schema(
        {
            "entity": ENTITY,
            "attribute": TEXT,
            "in_icp": BOOLEAN,
            "in_content": BOOLEAN,
            "in_objections": BOOLEAN,
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("entity", "attribute"),
    ),
    "content_touches": Schema({"touch_type": TEXT, "description": TEXT}, ("touch_type",)),
    "rule_reviews": Schema({"reviewed_on": Column("date"), "reviewed_by": TEXT, "note": TEXT}, ("reviewed_on",)),
    "enrichment_budget": Schema(
        {
            "provider": TEXT,
            "attributes": TEXT,
            "cost_per_call": AT_LEAST_0,
            "currency": TEXT,
            "monthly_budget": AT_LEAST_0,
            "cache_days": Column("integer", above=Decimal(0)),
            "gate_engagement_score": Column("number"),
        },
        ("provider",),
    ),
}


def _check_bands(rules: Rules) -> Iterator[RuleProblem]:
    """The bands of a measure touch, in their order, and the outer ones are open: no number is without a band."""
    by_measure = defaultdict(list)
    for row in rules.get("outcome_bands", []):
        bounds = [number_of(row[field]) for field in ("lo", "hi") if row[field]]
        if None in bounds or number_of(row["band_order"]) is None:
            return  # Said already, cell by cell.
        by_measure[row["measure"]].append(row)
    for measure, rows in by_measure.items():
        rows.sort(key=lambda row: number_of(row["band_order"]) or Decimal(0))
        first, last = rows[0], rows[-1]
        for row, field, word in ((first, "lo", "first"), (last, "hi", "last")):
            if row[field]:
                yield RuleProblem(
                    "outcome_bands.csv",
                    row.number,
                    field,
                    f"the {word} band of '{measure}' ends at {row[field]}, so that numbers beyond it have no band",
                    "Leave the cell empty",
                )
        for below, above in pairwise(rows):
            if not below["hi"] or not above["lo"] or number_of(below["hi"]) != number_of(above["lo"]):
                yield RuleProblem(
                    "outcome_bands.csv",
                    above.number,
                    "lo",
                    f"band '{above['band']}' of '{measure}' starts at {above['lo'] or 'nothing'}, "
                    f"the band below it ends at {below['hi'] or 'nothing'}",
                    "Let every band start where the one below it ends",
                )


def _check_attributes(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("profile_attributes", []):
        known = PROFILE_ATTRIBUTES.get(row["entity"])
        if known is not None and row["attribute"] and row["attribute"] not in known:
            yield RuleProblem(
                "profile_attributes.csv",
                row.number,
                "attribute",
                f"'{row['attribute']}' is not known of a {row['entity']}",
                f"Use one of: {', '.join(known)}",
            )
    yield from known_rows(rules, "content_touches", "touch_type", "touch_types", "touch_type")


def _check_enrichment(rules: Rules) -> Iterator[RuleProblem]:
    known = FIT_ATTRIBUTES["account"]
    for row in rules.get("enrichment_budget", []):
        for attribute in parts_of(row["attributes"]):
            if attribute not in known:
                yield RuleProblem(
                    "enrichment_budget.csv",
                    row.number,
                    "attributes",
                    f"'{attribute}' is no fact that a fit rule can ask of an account",
                    f"Use, joined by |: {', '.join(known)}",
                )
    yield from known_rows(rules, "enrichment_budget", "currency", "currency_rates", "currency")


def _check_drift(rules: Rules) -> Iterator[RuleProblem]:
    values = {row["setting"]: (row, number_of(row["value"])) for row in rules.get("outcome_settings", [])}
    watch, alert = values.get("drift_watch_psi"), values.get("drift_alert_psi")
    if watch and alert and watch[1] is not None and alert[1] is not None and watch[1] > alert[1]:
        yield RuleProblem(
            "outcome_settings.csv",
            watch[0].number,
            "value",
            f"'drift_watch_psi' ({watch[1]}) lies above 'drift_alert_psi' ({alert[1]})",
            "Let the alert be the larger one",
        )


CHECKS: tuple[Check, ...] = (_check_bands, _check_attributes, _check_enrichment, _check_drift)
