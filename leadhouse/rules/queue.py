"""Who is called next and when, which leads are lost, what answering late costs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from leadhouse.rules.contract import minutes_of
from leadhouse.rules.files import (
    AT_LEAST_0,
    OPTIONAL,
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
    values_of,
)

CARE_KINDS = ("no_owner", "owner_inactive", "no_next_step", "overdue_step", "untouched")
#: Of :data:`CARE_KINDS`, those that need a number of days.
DATED_CARE_KINDS = ("overdue_step", "untouched")
QUEUE_CRITERIA = ("request_group", "due", "grade", "score", "waiting")
CLAIM_MEASURES = ("contact_odds_ratio", "qualify_odds_ratio", "contact_rate", "none")
ACTIVITY_TYPES = ("call", "meeting", "email", "task")

_RANK = Column("integer", above=Decimal(0))
_MINUTES = Column("integer", required=False, minimum=Decimal(0))

SETTINGS: dict[str, tuple[str, ...]] = {
    "queue_settings": (
        "queue_min_n",
        "response_min_attempts",
        "response_maturity_days",
        "response_qualify_days",
        "response_fit_max_hours",
        "response_fit_bin_minutes",
        "response_fit_half_life_min",
        "response_fit_half_life_max",
        "response_fit_half_life_steps",
        "response_fit_rate_steps",
        "best_hours_prior_n",
        "call_window_days_ahead",
        "adherence_max_attempts",
    ),
}

SCHEMAS: dict[str, Schema] = {
    "lead_care_rules": Schema(
        {
            "rule_id": TEXT,
            "priority": Column("integer"),
            "check_kind": Column(choices=CARE_KINDS),
            "stages": TEXT,
            "limit_days": Column("number", required=False, minimum=Decimal(0)),
            "description": TEXT,
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("rule_id",),
    ),
    "call_windows": Schema(
        {
            "window_id": TEXT,
            "country": TEXT,
            "weekdays": TEXT,
            "opens_at": TEXT,
            "closes_at": TEXT,
            "source": TEXT,
            "description": TEXT,
        },
        ("window_id",),
    ),
    "queue_order": Schema(
        {"rank": _RANK, "criterion": Column(choices=QUEUE_CRITERIA), "description": TEXT}, ("criterion",)
    ),
    "response_buckets": Schema(
        {
            "bucket": _RANK,
            "from_minutes": Column("integer", minimum=Decimal(0)),
            "to_minutes": Column("integer", required=False, above=Decimal(0)),
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("bucket",),
    ),
    "vendor_claims": Schema(
        {
            "claim_id": TEXT,
            "topic": TEXT,
            "claim": TEXT,
            "source": TEXT,
            "measure": Column(choices=CLAIM_MEASURES),
            "minutes": _MINUTES,
            "other_minutes": _MINUTES,
            "claimed_value": Column("number", required=False, minimum=Decimal(0)),
            "status": Column(choices=("to measure", "unproven")),
        },
        ("claim_id",),
    ),
    "handling_costs": Schema(
        {
            "activity_type": Column(choices=ACTIVITY_TYPES),
            "cost_per_activity": AT_LEAST_0,
            "cost_per_minute": AT_LEAST_0,
            "currency": TEXT,
            "description": OPTIONAL,
        },
        ("activity_type",),
    ),
    "mql_targets": Schema(
        {
            "valid_from": Column("date"),
            "segment": TEXT,
            "mqls_per_month": Column("integer", minimum=Decimal(0)),
            "description": OPTIONAL,
        },
        ("valid_from", "segment"),
    ),
    "queue_settings": SETTING_FILE,
}


def _check_care(rules: Rules) -> Iterator[RuleProblem]:
    file = "lead_care_rules.csv"
    stages = values_of(rules, "lifecycle_stages", "stage")
    for row in rules.get("lead_care_rules", []):
        for stage in parts_of(row["stages"]):
            if stages and stage not in stages:
                fix = f"Use one of: {', '.join(sorted(stages))}"
                yield RuleProblem(file, row.number, "stages", f"'{stage}' is no stage", fix)
        needs_days = row["check_kind"] in DATED_CARE_KINDS
        if needs_days and not row["limit_days"]:
            yield RuleProblem(
                file, row.number, "limit_days", f"a rule of kind {row['check_kind']} needs it", "Fill it in"
            )
        if not needs_days and row["check_kind"] in CARE_KINDS and row["limit_days"]:
            problem = f"a rule of kind {row['check_kind']} does not read it"
            yield RuleProblem(file, row.number, "limit_days", problem, "Empty the cell, or change the kind")


def _check_windows(rules: Rules) -> Iterator[RuleProblem]:
    file = "call_windows.csv"
    taken: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
    for row in rules.get("call_windows", []):
        if row["country"] and not re.fullmatch(r"\*|[A-Z]{2}", row["country"]):
            fix = "Write a two-letter country code such as BR, or * for all without windows of their own"
            yield RuleProblem(file, row.number, "country", f"'{row['country']}' is no country code", fix)
        days = parts_of(row["weekdays"])
        for day in days:
            if day not in "1234567" or len(day) != 1:
                fix = "Write days from 1 (Monday) to 7 with a bar between them: 1|2|3"
                yield RuleProblem(file, row.number, "weekdays", f"'{day}' is no day of the week", fix)
        opens, closes = minutes_of(row["opens_at"]), minutes_of(row["closes_at"])
        for field, minute in (("opens_at", opens), ("closes_at", closes)):
            if minute is None and row[field]:
                yield RuleProblem(file, row.number, field, f"'{row[field]}' is no time of day", "Write it as 07:30")
        if opens is None or closes is None:
            continue
        if closes <= opens:
            fix = "Let it close later than it opens"
            yield RuleProblem(
                file, row.number, "closes_at", f"it closes at {row['closes_at']}, not after it opens", fix
            )
            continue
        for day in days:
            for other_opens, other_closes, number in taken[row["country"], day]:
                if opens < other_closes and other_opens < closes:
                    fix = "Let windows of a day lie apart"
                    yield RuleProblem(file, row.number, "opens_at", f"it overlaps the window of row {number}", fix)
            taken[row["country"], day].append((opens, closes, row.number))
    if "call_windows" in rules and not any(row["country"] == "*" for row in rules["call_windows"]):
        fix = "Add a window with country *: it holds for every country without one"
        yield RuleProblem(file, None, "country", "no window holds for other countries", fix)


def _check_order(rules: Rules) -> Iterator[RuleProblem]:
    ranks: dict[str, int] = {}
    for row in rules.get("queue_order", []):
        if row["rank"] in ranks:
            problem = f"the rank {row['rank']} stands in row {ranks[row['rank']]} too"
            yield RuleProblem("queue_order.csv", row.number, "rank", problem, "Give each criterion a rank of its own")
        ranks.setdefault(row["rank"], row.number)
        number = number_of(row["rank"])
        if number is not None and number > len(QUEUE_CRITERIA):
            fix = f"Use ranks from 1 to {len(QUEUE_CRITERIA)}"
            yield RuleProblem("queue_order.csv", row.number, "rank", f"the rank {row['rank']} is never asked", fix)


def _check_buckets(rules: Rules) -> Iterator[RuleProblem]:
    file = "response_buckets.csv"
    bounds = [(number_of(row["from_minutes"]), number_of(row["to_minutes"]), row) for row in rules.get(file[:-4], [])]
    bounds.sort(key=lambda bound: (bound[0] is None, bound[0] or 0))
    before: Decimal | None = Decimal(0)
    for position, (low, high, row) in enumerate(bounds):
        if low is None:
            continue  # Said already, cell by cell.
        if before is None or low != before:
            expected = "nothing: the bucket before is open" if before is None else str(before)
            fix = "Let each bucket begin where the one before ends, the first one at 0"
            yield RuleProblem(file, row.number, "from_minutes", f"it begins at {low}, expected {expected}", fix)
        if high is not None and high <= low:
            yield RuleProblem(
                file, row.number, "to_minutes", f"it ends at {high}, not after {low}", "Write a later end"
            )
        if high is not None and position == len(bounds) - 1:
            fix = "Leave to_minutes of the last bucket empty"
            yield RuleProblem(file, row.number, "to_minutes", "later attempts have no bucket", fix)
        before = high


def _check_claims(rules: Rules) -> Iterator[RuleProblem]:
    needs = {"contact_odds_ratio": ("minutes", "other_minutes"), "qualify_odds_ratio": ("minutes", "other_minutes"),
             "contact_rate": ("minutes",)}  # fmt: skip
    for row in rules.get("vendor_claims", []):
        for field in needs.get(row["measure"], ()):
            if not row[field]:
                problem = f"a claim about {row['measure']} needs it"
                yield RuleProblem("vendor_claims.csv", row.number, field, problem, "Fill in the minutes it speaks of")


def _check_money(rules: Rules) -> Iterator[RuleProblem]:
    yield from known_rows(rules, "handling_costs", "currency", "currency_rates", "currency")
    for kind in sorted(set(ACTIVITY_TYPES) - values_of(rules, "handling_costs", "activity_type")):
        if "handling_costs" in rules:
            fix = "Add its row; 0 where it costs nothing"
            yield RuleProblem("handling_costs.csv", None, "activity_type", f"'{kind}' has no cost", fix)
    segments = values_of(rules, "sla_contracts", "segment") | {"*"}
    for row in rules.get("mql_targets", []):
        if row["segment"] and row["segment"] not in segments:
            fix = f"Use one of: {', '.join(sorted(segments))}"
            yield RuleProblem("mql_targets.csv", row.number, "segment", f"'{row['segment']}' is no segment", fix)


CHECKS: tuple[Check, ...] = (
    _check_care,
    _check_windows,
    _check_order,
    _check_buckets,
    _check_claims,
    _check_money,
)
