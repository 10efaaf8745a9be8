"""Checks the rule files in ``seeds/`` before a build, so that a bad cell is named instead of being scored.

:data:`SCHEMAS` declares every rule file in one place: its columns, what a cell may hold, its key. What goes beyond one
cell (bands that overlap, a trigger of the wrong stage, shares that do not add up) is a function below. A problem names
the file, the row as a spreadsheet counts it (the header is row 1), the field, what is wrong and what to do. Nothing is
written.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Literal

#: Facts that a fit rule may ask for: those of ``int_contact_fit_facts`` and ``int_account_fit_facts``.
FIT_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "contact": (
        "buying_role",
        "seniority",
        "job_title",
        "country",
        "language",
        "capture_method",
        "email_status",
        "email_domain_kind",
        "is_reachable",
    ),
    "account": ("country", "industry", "employee_count", "activity_code", "annual_revenue"),
}
#: Fields of ``int_contact_attributes`` and ``int_account_attributes``: those whose surviving value is decided by rules.
SURVIVING_FIELDS: dict[str, tuple[str, ...]] = {
    "contact": (
        "email",
        "phone",
        "first_name",
        "last_name",
        "job_title",
        "company_name",
        "country",
        "language",
        "city",
        "state",
        "lifecycle_stage",
        "lead_status",
        "owner_id",
        "employee_count",
        "annual_revenue",
    ),
    "account": (
        "name",
        "domain",
        "country",
        "industry",
        "activity_code",
        "employee_count",
        "annual_revenue",
        "owner_id",
    ),
}
#: Fields whose answers ``int_declared_quality`` and ``int_impossible_pairs`` look at (R18).
JUDGED_FIELDS: dict[str, tuple[str, ...]] = {
    "contact": ("first_name", "last_name", "job_title", "company_name", "city", "employee_count", "annual_revenue"),
    "account": ("name", "employee_count", "annual_revenue"),
}
SURVIVORSHIP_CRITERIA = ("validity", "live", "precedence", "leading", "recency", "completeness")
COMPARISON_KINDS = ("exact", "text", "company", "number", "band", "code", "industry")
VALUE_SOURCES = ("declared", "enriched", "verified")
#: Fields whose value means nothing without a qualifier, and what it is.
QUALIFIED_FIELDS = {"annual_revenue": "currency", "activity_code": "code system"}
NUMERIC_ATTRIBUTES = ("employee_count", "annual_revenue")
FIT_OPERATORS = ("=", "in", "between", "like", "code_under", "is_known")
EVIDENCE_KINDS = (
    "capture",
    "touch",
    "sales_activity",
    "lead_status",
    "lifecycle_stage",
    "score_line",
    "opportunity",
)
#: Single numbers that models read by name (macro ``setting``).
SETTINGS: dict[str, tuple[str, ...]] = {
    "scoring_settings": ("engaged_min_score", "gate_min_engaged_deciders"),
    "identity_settings": (
        "accept_match_weight",
        "review_match_weight",
        "max_block_records",
        "name_conflict_similarity",
        "same_domain_name_similarity",
        "guard_min_identities",
        "guard_min_support",
        "max_pair_cluster_records",
    ),
    "reporting_settings": ("roi_window_days", "declared_error_min_n", "committee_window_days"),
    "account_match_settings": (
        "agreement_share",
        "disagreement_share",
        "assign_min_confidence",
        "review_below_confidence",
        "name_country_min_characters",
        "name_only_min_characters",
        "learned_name_min_contacts",
        "learned_domain_min_contacts",
        "learned_domain_min_share",
    ),
    "hygiene_settings": (
        "mailbox_typo_edits",
        "mailbox_typo_min_letters",
        "company_typo_min_letters",
        "company_typo_ratio",
        "company_typo_known_ratio",
        "company_typo_max_addresses",
        "swapped_name_min_uses",
        "swapped_name_ratio",
    ),
}
CREDIT_SHARES = (
    "first_touch",
    "lead_creation",
    "opportunity_creation",
    "customer_close",
    "last_touch",
    "middle",
    "every_touch",
)

CellKind = Literal["text", "number", "integer", "boolean", "date", "pattern"]


@dataclass(frozen=True)
class RuleProblem:
    """One thing wrong in a rule file.

    ``row`` counts lines as a spreadsheet does (1 is the header); it is None where the whole file is meant, as ``field``
    is.
    """

    file: str
    row: int | None
    field: str | None
    problem: str
    fix: str

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.field is not None:
            place += f", field {self.field}"
        return f"{place}: {self.problem}. {self.fix}"


@dataclass(frozen=True)
class Column:
    """What a cell of one column may hold. An empty cell is refused when ``required``; bounds are inclusive."""

    kind: CellKind = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    above: Decimal | None = None


@dataclass(frozen=True)
class Schema:
    """Columns of one rule file and the columns that together name a row."""

    columns: dict[str, Column]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One row of a rule file; cells are trimmed text, the empty text where there is nothing."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, field: str) -> str:
        return self.cells.get(field, "")


TEXT = Column()
OPTIONAL = Column(required=False)
NUMBER = Column("number")
BOOLEAN = Column("boolean")
PRIORITY = Column("integer")
PATTERN = Column("pattern")
OPTIONAL_PATTERN = Column("pattern", required=False)
AT_LEAST_0 = Column("number", minimum=Decimal(0))
WHOLE_AT_LEAST_0 = Column("integer", minimum=Decimal(0))
SHARE = Column("number", required=False, minimum=Decimal(0), maximum=Decimal(1))
ENTITY = Column(choices=("contact", "account"))

SCHEMAS: dict[str, Schema] = {
    "fit_rules": Schema(
        {
            "rule_id": TEXT,
            "entity": ENTITY,
            "attribute": TEXT,
            "operator": Column(choices=FIT_OPERATORS),
            "value": TEXT,
            "points": NUMBER,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("rule_id",),
    ),
    "engagement_signals": Schema(
        {
            "signal_id": TEXT,
            "score_kind": Column(choices=("engagement", "intent", "negative")),
            "touch_type": TEXT,
            "detail_field": Column(required=False, choices=("signal_detail", "channel", "campaign", "direction")),
            "detail_values": OPTIONAL,
            "measure": Column(choices=("event", "dwell_minute")),
            "max_measure": Column("number", required=False, above=Decimal(0)),
            "points": NUMBER,
            "half_life_days": Column("number", required=False, above=Decimal(0)),
            "cap": Column("number", required=False),
            "counts_machine": BOOLEAN,
            "reason_en": TEXT,
            "reason_pt": TEXT,
        },
        ("signal_id",),
    ),
    "scoring_settings": Schema({"setting": TEXT, "value": NUMBER, "unit": TEXT, "description": TEXT}, ("setting",)),
    "reporting_settings": Schema({"setting": TEXT, "value": NUMBER, "unit": TEXT, "description": TEXT}, ("setting",)),
    "score_bands": Schema(
        {
            "entity": ENTITY,
            "dimension": Column(choices=("fit", "engagement")),
            "band": TEXT,
            "lo": Column("number", required=False),
            "hi": Column("number", required=False),
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("entity", "dimension", "band"),
    ),
    "grades": Schema(
        {"grade": TEXT, "grade_order": PRIORITY, "is_hot": BOOLEAN, "label_en": TEXT, "label_pt": TEXT}, ("grade",)
    ),
    "grade_matrix": Schema(
        {"entity": ENTITY, "fit_band": TEXT, "engagement_band": TEXT, "grade": TEXT, "grade_if_gate_fails": TEXT},
        ("entity", "fit_band", "engagement_band"),
    ),
    "committee_roles": Schema(
        {
            "buying_role": TEXT,
            "weight": Column("number", minimum=Decimal(0), maximum=Decimal(100)),
            "need_count": WHOLE_AT_LEAST_0,
            "coverage_points": AT_LEAST_0,
            "depth_cap": AT_LEAST_0,
            "is_decision": BOOLEAN,
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("buying_role",),
    ),
    "lifecycle_stages": Schema(
        {
            "stage": TEXT,
            "stage_order": PRIORITY,
            "kind": Column(choices=("start", "stage", "end", "out")),
            "creates_in_crm": BOOLEAN,
            "label_en": TEXT,
            "label_pt": TEXT,
            "definition": TEXT,
        },
        ("stage",),
    ),
    "lifecycle_transitions": Schema(
        {
            "from_stage": OPTIONAL,
            "to_stage": TEXT,
            "direction": Column(choices=("forward", "out", "back")),
            "trigger": OPTIONAL,
            "reason": TEXT,
        },
        ("from_stage", "to_stage", "trigger"),
    ),
    "stage_thresholds": Schema(
        {
            "line_id": TEXT,
            "stage": TEXT,
            "min_fit_score": NUMBER,
            "min_engagement_score": NUMBER,
            "description": TEXT,
        },
        ("line_id",),
    ),
    "stage_triggers": Schema(
        {
            "trigger": TEXT,
            "stage": TEXT,
            "evidence_kind": Column(choices=EVIDENCE_KINDS),
            "evidence_values": OPTIONAL,
            "evidence_details": OPTIONAL,
            "must_follow": BOOLEAN,
            "description": TEXT,
        },
        ("trigger",),
    ),
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
    "identifier_rules": Schema(
        {
            "identifier_type": TEXT,
            "is_trusted": BOOLEAN,
            "max_records": Column("integer", required=False, above=Decimal(0)),
            "rank": Column("integer", above=Decimal(0)),
            "names_must_agree": BOOLEAN,
            "description": TEXT,
        },
        ("identifier_type",),
    ),
    "identity_settings": Schema({"setting": TEXT, "value": NUMBER, "unit": TEXT, "description": TEXT}, ("setting",)),
    "identity_term_frequencies": Schema(
        {
            "column_name": TEXT,
            "value": TEXT,
            "frequency": Column("number", above=Decimal(0), maximum=Decimal(1)),
        },
        ("column_name", "value"),
    ),
    "identity_decisions": Schema(
        {
            "decision_id": TEXT,
            "decision": Column(choices=("force", "forbid")),
            "source_a": TEXT,
            "record_id_a": TEXT,
            "source_b": TEXT,
            "record_id_b": TEXT,
            "decided_by": OPTIONAL,
            "decided_on": Column("date"),
            "note": OPTIONAL,
        },
        ("decision_id",),
    ),
    "source_precedence": Schema(
        {
            "entity": ENTITY,
            "field": TEXT,
            "value_source": Column(choices=VALUE_SOURCES),
            "source": TEXT,
            "precedence": PRIORITY,
        },
        ("entity", "field", "value_source", "source"),
    ),
    "survivorship_rules": Schema(
        {
            "entity": ENTITY,
            "field": TEXT,
            "step": Column("integer", minimum=Decimal(1), maximum=Decimal(6)),
            "criterion": Column(choices=SURVIVORSHIP_CRITERIA),
        },
        ("entity", "field", "step"),
    ),
    "value_quality": Schema(
        {
            "entity": Column(choices=("contact", "account", "*")),
            "field": TEXT,
            "status": TEXT,
            "quality": WHOLE_AT_LEAST_0,
            "description": TEXT,
        },
        ("entity", "field", "status"),
    ),
    "verified_values": Schema(
        {
            "entity": ENTITY,
            "source": OPTIONAL,
            "record_id": OPTIONAL,
            "domain": OPTIONAL,
            "field": TEXT,
            "value": TEXT,
            "qualifier": OPTIONAL,
            "verified_by": TEXT,
            "verified_on": Column("date"),
        },
        ("entity", "source", "record_id", "domain", "field"),
    ),
    "declared_quality_rules": Schema(
        {
            "rule_id": TEXT,
            "entity": ENTITY,
            "fields": TEXT,
            "kind": Column(
                choices=("listed", "pattern", "repeated_character", "below", "above", "same_as", "ratio_above")
            ),
            "pattern": OPTIONAL_PATTERN,
            "other_field": OPTIONAL,
            "limit_value": Column("number", required=False),
            "reason_code": TEXT,
            "description": TEXT,
        },
        ("rule_id",),
    ),
    "comparison_rules": Schema(
        {
            "entity": ENTITY,
            "field": TEXT,
            "source": TEXT,
            "reference_entity": ENTITY,
            "reference_field": TEXT,
            "kind": Column(choices=COMPARISON_KINDS),
            "tolerance": Column("number", required=False, minimum=Decimal(0)),
            "bands": OPTIONAL,
            "currency": Column(required=False, choices=("typed", "converted")),
            "definition": TEXT,
        },
        ("entity", "field", "source", "reference_entity", "reference_field"),
    ),
    "industry_divisions": Schema({"industry": TEXT, "divisions": TEXT}, ("industry",)),
    "account_match_rules": Schema(
        {
            "match_method": Column(
                choices=(
                    "decision",
                    "association_primary",
                    "association",
                    "reference",
                    "parent_chain",
                    "domain",
                    "domain_slip",
                    "name_country",
                    "name_only",
                )
            ),
            "rank": PRIORITY,
            "evidence_kind": Column(choices=("decision", "crm", "domain", "name")),
            "confidence": Column("number", minimum=Decimal(0), maximum=Decimal(1)),
            "description": TEXT,
        },
        ("match_method",),
    ),
    "account_tie_breakers": Schema(
        {
            "rank": PRIORITY,
            "criterion": Column(
                choices=(
                    "live_record",
                    "method_rank",
                    "name_agrees",
                    "agreeing_kinds",
                    "main_address",
                    "recent_evidence",
                    "known_in_crm",
                    "open_deal",
                    "oldest_account",
                )
            ),
            "direction": Column(choices=("highest", "lowest")),
            "is_reviewed": BOOLEAN,
            "description": TEXT,
        },
        ("criterion",),
    ),
    "account_match_settings": Schema(
        {"setting": TEXT, "value": AT_LEAST_0, "unit": TEXT, "description": TEXT}, ("setting",)
    ),
    "account_decisions": Schema(
        {
            "decision": Column(choices=("force", "forbid")),
            "contact_source": TEXT,
            "contact_record_id": TEXT,
            "account_source": TEXT,
            "account_record_id": TEXT,
            "decided_by": TEXT,
            "decided_on": Column("date"),
            "reason": TEXT,
        },
        ("contact_source", "contact_record_id", "account_source", "account_record_id"),
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
    "role_mailboxes": Schema({"local_part": TEXT}, ("local_part",)),
    "disposable_domains": Schema({"domain": TEXT}, ("domain",)),
    "free_mail_domains": Schema({"domain": TEXT}, ("domain",)),
    "deal_stage_rules": Schema(
        {
            "priority": PRIORITY,
            "source": TEXT,
            "pipeline_pattern": OPTIONAL_PATTERN,
            "stage_pattern": OPTIONAL_PATTERN,
            "stage_kind": Column(choices=("open", "won", "lost")),
            "lifecycle_stage": TEXT,
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
        {"activity_type": TEXT, "source_value": TEXT, "outcome": TEXT, "is_human_contact": BOOLEAN},
        ("activity_type", "source_value"),
    ),
    "automation_sources": Schema({"object_source": TEXT, "description": TEXT}, ("object_source",)),
    "capture_methods": Schema(
        {"source": TEXT, "object_source": TEXT, "capture_method": TEXT}, ("source", "object_source")
    ),
    "country_aliases": Schema({"alias": TEXT, "country_code": TEXT}, ("alias",)),
    "language_aliases": Schema({"alias": TEXT, "language_code": TEXT}, ("alias",)),
    "name_words": Schema(
        {"word": TEXT, "kind": Column(choices=("particle", "honorific", "suffix")), "language": TEXT}, ("word", "kind")
    ),
    "nicknames": Schema({"language": TEXT, "nickname": TEXT, "name": TEXT}, ("language", "nickname", "name")),
    "placeholder_values": Schema(
        {
            "field": Column(choices=("*", "email", "phone", "name", "company", "job_title", "country", "language")),
            "value": TEXT,
            "kind": TEXT,
        },
        ("field", "value"),
    ),
    "legal_forms": Schema(
        {"legal_form": TEXT, "position": Column(choices=("end", "both", "connector")), "country": TEXT},
        ("legal_form", "position"),
    ),
    "mailbox_domains": Schema({"domain": TEXT}, ("domain",)),
    "mail_domain_typos": Schema({"typo": TEXT, "domain": TEXT}, ("typo",)),
    "mail_domain_checks": Schema({"domain": TEXT, "accepts_mail": BOOLEAN, "checked_on": Column("date")}, ("domain",)),
    "hygiene_settings": Schema(
        {"setting": TEXT, "value": WHOLE_AT_LEAST_0, "unit": TEXT, "description": TEXT}, ("setting",)
    ),
    "activity_code_systems": Schema(
        {
            "alias": TEXT,
            "system": TEXT,
            "version": TEXT,
            "code_table": Column(choices=("NACE", "CNAE", "ISIC")),
            "pattern": PATTERN,
            "description": TEXT,
        },
        ("alias",),
    ),
    "activity_codes": Schema(
        {"code_table": Column(choices=("NACE", "CNAE", "ISIC")), "class_code": TEXT, "isic_class": TEXT},
        ("code_table", "class_code"),
    ),
    "activity_classes": Schema({"isic_class": TEXT, "label": TEXT}, ("isic_class",)),
    "activity_divisions": Schema({"division": TEXT, "section": TEXT, "label": TEXT}, ("division",)),
    "hygiene_reasons": Schema(
        {"field": TEXT, "reason": TEXT, "description": TEXT, "what_to_do": TEXT}, ("field", "reason")
    ),
    "title_rules": Schema(
        {
            "priority": PRIORITY,
            "language": TEXT,
            "pattern": PATTERN,
            "buying_role": TEXT,
            "seniority": Column(
                choices=("c_level", "vp", "director", "manager", "senior", "individual", "intern", "student", "unknown")
            ),
            "confidence": Column("number", above=Decimal(0), maximum=Decimal(1)),
        },
        ("priority",),
    ),
}

Rules = dict[str, list[Row]]


def check_rules(seeds_dir: Path) -> list[RuleProblem]:
    """Check every rule file of a folder.

    Args:
        seeds_dir: folder that holds the CSV files of ``SCHEMAS`` (``seeds/``, or a changed copy of it).

    Returns:
        What is wrong, in the order of files and rows; an empty list when the rules can be built.

    Files that no schema names are left alone: a team may keep seeds of its own.
    """
    problems: list[RuleProblem] = []
    rules: Rules = {}
    for name, schema in SCHEMAS.items():
        rows, found = _read(seeds_dir / f"{name}.csv", schema)
        problems += found
        if rows is None:
            continue
        rules[name] = rows
        for row in rows:
            problems += _check_cells(name, schema, row)
        problems += _check_key(name, schema, rows)
    for check in _CHECKS:
        problems += check(rules)
    order = {f"{name}.csv": position for position, name in enumerate(SCHEMAS)}
    return sorted(problems, key=lambda problem: (order[problem.file], problem.row or 0))


def _read(path: Path, schema: Schema) -> tuple[list[Row] | None, list[RuleProblem]]:
    """Rows of one file, or None with the reason why they cannot be used."""
    expected = ", ".join(schema.columns)
    if not path.is_file():
        return None, [
            RuleProblem(path.name, None, None, "the file is missing", f"Restore it with the columns {expected}")
        ]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, line) for line in reader]
    except UnicodeDecodeError as error:
        fix = "Save it as CSV UTF-8 (in Excel: 'CSV UTF-8 (comma delimited)')"
        return None, [RuleProblem(path.name, None, None, f"the file is not UTF-8 text (byte {error.start})", fix)]
    except csv.Error as error:
        return None, [RuleProblem(path.name, None, None, f"the file is not CSV: {error}", "Check its quotes")]
    if not lines:
        return None, [RuleProblem(path.name, None, None, "the file is empty", f"Give it the header {expected}")]
    header = [name.strip() for name in lines[0][1]]
    problems = [
        RuleProblem(path.name, 1, name, f"unknown column '{name}'", f"Remove or rename it; the columns are {expected}")
        for name in header
        if name not in schema.columns
    ]
    problems += [
        RuleProblem(path.name, 1, name, f"the column '{name}' is missing", f"Add it; the columns are {expected}")
        for name in schema.columns
        if name not in header
    ]
    problems += [
        RuleProblem(path.name, 1, name, f"the column '{name}' stands twice", "Keep one of them")
        for name, count in Counter(header).items()
        if count > 1
    ]
    rows = []
    for number, line in lines[1:]:
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(header):
            problems.append(
                RuleProblem(
                    path.name,
                    number,
                    None,
                    f"{len(line)} cells where the header has {len(header)}",
                    "A cell that holds a comma stands in double quotes",
                )
            )
            continue
        rows.append(Row(number, dict(zip(header, (cell.strip() for cell in line), strict=True))))
    # Rows under a wrong header would only repeat its problem in every line.
    return (None if problems else rows), problems


def _check_cells(name: str, schema: Schema, row: Row) -> Iterator[RuleProblem]:
    for field, column in schema.columns.items():
        problem = _cell_problem(row[field], column)
        if problem is not None:
            yield RuleProblem(f"{name}.csv", row.number, field, *problem)


def _cell_problem(value: str, column: Column) -> tuple[str, str] | None:
    """What is wrong with a cell and what to do, or None."""
    if not value:
        return ("the cell is empty", "Fill it in") if column.required else None
    if column.choices and value not in column.choices:
        return f"'{value}' is not known", f"Use one of: {', '.join(column.choices)}"
    match column.kind:
        case "number" | "integer":
            number = _number(value)
            if number is None:
                return f"'{value}' is not a number", "Write it with a point as decimal mark and nothing else"
            if column.kind == "integer" and number != number.to_integral_value():
                return f"{value} is not a whole number", "Write a whole number"
            if column.above is not None and number <= column.above:
                return f"{value} is not above {column.above}", f"Use a number above {column.above}"
            if column.minimum is not None and number < column.minimum:
                return f"{value} is below {column.minimum}", f"Use at least {column.minimum}"
            if column.maximum is not None and number > column.maximum:
                return f"{value} is above {column.maximum}", f"Use at most {column.maximum}"
        case "boolean":
            if value.lower() not in ("true", "false"):
                return f"'{value}' is neither true nor false", "Write true or false"
        case "date":
            try:
                date.fromisoformat(value)
            except ValueError:
                return f"'{value}' is not a date", "Write it as 2026-11-30"
        case "pattern":
            try:
                re.compile(value)
            except re.error as error:
                return f"'{value}' is not a regular expression ({error})", "Correct the expression"
            if re.search(r"\(\?<?[=!]|\\[1-9]", value):
                fix = "Write it without look-around and back references: the warehouse's engine has neither"
                return f"'{value}' cannot be matched", fix
        case "text":
            pass
    return None


def _check_key(name: str, schema: Schema, rows: list[Row]) -> Iterator[RuleProblem]:
    first: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row[field] for field in schema.key)
        if key in first:
            label = ", ".join(part for part in key if part)
            yield RuleProblem(
                f"{name}.csv",
                row.number,
                schema.key[-1] if len(schema.key) == 1 else "+".join(schema.key),
                f"'{label}' already stands in row {first[key]}",
                "Give one of the two another name, or remove it",
            )
        else:
            first[key] = row.number


def _number(value: str) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _values(rules: Rules, name: str, field: str) -> set[str]:
    return {row[field] for row in rules.get(name, []) if row[field]}


def _known(rules: Rules, name: str, field: str, target: str, target_field: str) -> Iterator[RuleProblem]:
    """Cells that must name a row of another file."""
    if target not in rules:
        return
    known = _values(rules, target, target_field)
    for row in rules.get(name, []):
        value = row[field]
        if value and value not in known:
            yield RuleProblem(
                f"{name}.csv",
                row.number,
                field,
                f"'{value}' does not stand in {target}.csv",
                f"Use one of: {', '.join(sorted(known))}; or add it to {target}.csv",
            )


def _check_fit_rules(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("fit_rules", []):
        attributes = FIT_ATTRIBUTES.get(row["entity"])
        if attributes is not None and row["attribute"] and row["attribute"] not in attributes:
            yield RuleProblem(
                "fit_rules.csv",
                row.number,
                "attribute",
                f"rule '{row['rule_id']}' asks for '{row['attribute']}', which is not known of a {row['entity']}",
                f"Use one of: {', '.join(attributes)}",
            )
        problem = _fit_value_problem(row)
        if problem is not None:
            yield RuleProblem("fit_rules.csv", row.number, "value", *problem)


def _fit_value_problem(row: Row) -> tuple[str, str] | None:
    value, operator = row["value"], row["operator"]
    if not value:
        return None
    if operator == "between":
        parts = value.split("..")
        numbers = [_number(part) if part else None for part in parts]
        bad = [part for part, number in zip(parts, numbers, strict=True) if part and number is None]
        if len(parts) != 2 or bad or not any(parts):
            return f"'{value}' is not a range", "Write low..high, for example 50..250; one side may be left open"
        if numbers[0] is not None and numbers[1] is not None and numbers[0] >= numbers[1]:
            return (
                f"the range '{value}' holds nothing",
                "Write the lower number first; the upper one does not belong to it",
            )
        if row["attribute"] not in NUMERIC_ATTRIBUTES:
            return f"'{row['attribute']}' is not a number", "Use `=`, `in` or `like`"
    if operator == "code_under":
        if row["attribute"] != "activity_code":
            return f"'{row['attribute']}' is not an activity code", "Use `code_under` with attribute activity_code"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*:[0-9A-Za-z./-]+", value):
            return f"'{value}' is not a code with its system", "Write SYSTEM:prefix, for example NAF:62 or CNAE:6201"
    if operator == "is_known" and value.lower() not in ("true", "false"):
        return f"'{value}' is neither true nor false", "Write true (the fact is known) or false (it is not)"
    if operator == "in" and not _parts(value):
        return "the list is empty", "Write the values with a bar between them: one|two"
    return None


def _check_signals(rules: Rules) -> Iterator[RuleProblem]:
    file = "engagement_signals.csv"
    touch_types = _values(rules, "touch_types", "touch_type") | {"page_view"}
    details = {
        "page_view": _values(rules, "page_kinds", "page_kind") | {"other"},
        "form_submission": _values(rules, "form_kinds", "form_kind") | {"other"},
    }
    outcomes: dict[str, set[str]] = defaultdict(set)
    for row in rules.get("activity_outcomes", []):
        outcomes[row["activity_type"]].add(row["outcome"])
    for kind in ("call", "meeting", "task"):
        if outcomes[kind]:
            details[kind] = outcomes[kind] | {"unknown"}
    channels = _values(rules, "channels", "channel")
    for row in rules.get("engagement_signals", []):
        if "touch_types" in rules and row["touch_type"] and row["touch_type"] not in touch_types:
            fix = f"Use one of: {', '.join(sorted(touch_types))}"
            yield RuleProblem(file, row.number, "touch_type", f"unknown signal '{row['touch_type']}'", fix)
        if bool(row["detail_field"]) != bool(row["detail_values"]):
            field = "detail_field" if row["detail_values"] else "detail_values"
            fix = "Fill in both detail_field and detail_values, or leave both empty"
            yield RuleProblem(file, row.number, field, "half of the detail is missing", fix)
        known: set[str] = set()
        if row["detail_field"] == "signal_detail":
            known = details.get(row["touch_type"], set())
        elif row["detail_field"] == "channel":
            known = channels
        elif row["detail_field"] == "direction":
            known = {"inbound", "outbound"}
        for part in _parts(row["detail_values"]):
            if known and part not in known:
                fix = f"Use one of: {', '.join(sorted(known))}"
                yield RuleProblem(file, row.number, "detail_values", f"'{part}' never happens there", fix)
        points, cap = _number(row["points"]), _number(row["cap"])
        if points is not None and (points < 0) != (row["score_kind"] == "negative") and points != 0:
            fix = "Negative points go with score_kind negative, positive ones with engagement or intent"
            yield RuleProblem(file, row.number, "points", f"{row['points']} points do not fit the score_kind", fix)
        if points is not None and cap is not None and points * cap < 0:
            fix = "Give the cap the sign of the points: it bounds their sum"
            yield RuleProblem(file, row.number, "cap", f"a cap of {row['cap']} on {row['points']} points", fix)
        if row["measure"] == "dwell_minute" and not row["max_measure"]:
            fix = "Say how many minutes of one page view count at most"
            yield RuleProblem(file, row.number, "max_measure", "dwell_minute has no clip", fix)
    fit_ids = _values(rules, "fit_rules", "rule_id")
    for row in rules.get("engagement_signals", []):
        if row["signal_id"] in fit_ids:
            fix = "Give one of them another id: both stand on the ledger"
            yield RuleProblem(
                file, row.number, "signal_id", f"'{row['signal_id']}' is a rule of fit_rules.csv too", fix
            )


def _check_settings(rules: Rules) -> Iterator[RuleProblem]:
    for name, settings in SETTINGS.items():
        if name not in rules:
            continue
        for row in rules[name]:
            if row["setting"] and row["setting"] not in settings:
                fix = f"Remove it; the settings are {', '.join(settings)}"
                yield RuleProblem(f"{name}.csv", row.number, "setting", f"no rule reads '{row['setting']}'", fix)
        for setting in sorted(set(settings) - _values(rules, name, "setting")):
            yield RuleProblem(f"{name}.csv", None, "setting", f"'{setting}' is missing", "Add its row")


def _check_identity(rules: Rules) -> Iterator[RuleProblem]:
    settings = {row["setting"]: (row, _number(row["value"])) for row in rules.get("identity_settings", [])}
    for name in ("name_conflict_similarity", "same_domain_name_similarity", "guard_min_support"):
        row, value = settings.get(name, (None, None))
        if row is not None and value is not None and not 0 <= value <= 1:
            yield RuleProblem(
                "identity_settings.csv", row.number, "value", f"'{name}' is {value}", "Use a number from 0 to 1"
            )
    row, accept = settings.get("accept_match_weight", (None, None))
    _, review = settings.get("review_match_weight", (None, None))
    if row is not None and accept is not None and review is not None and accept < review:
        yield RuleProblem(
            "identity_settings.csv",
            row.number,
            "value",
            f"'accept_match_weight' {accept} lies below 'review_match_weight' {review}",
            "Pairs are accepted from a weight on that is at least the one they are reviewed from",
        )
    decided: dict[tuple[tuple[str, str], ...], Row] = {}
    for row in rules.get("identity_decisions", []):
        ends = tuple(sorted([(row["source_a"], row["record_id_a"]), (row["source_b"], row["record_id_b"])]))
        if ends[0] == ends[1]:
            yield RuleProblem(
                "identity_decisions.csv", row.number, "record_id_b", "both records are the same one", "Name two records"
            )
            continue
        first = decided.setdefault(ends, row)
        if first["decision"] != row["decision"]:
            yield RuleProblem(
                "identity_decisions.csv",
                row.number,
                "decision",
                f"the two records are kept {_together(row)} here and {_together(first)} in row {first.number}",
                "Remove one of the two lines",
            )


def _together(row: Row) -> str:
    return "together" if row["decision"] == "force" else "apart"


def _check_bands(rules: Rules) -> Iterator[RuleProblem]:
    groups: dict[tuple[str, str], list[tuple[Decimal | None, Decimal | None, Row]]] = defaultdict(list)
    for row in rules.get("score_bands", []):
        bounds = [(_number(row[field]) if row[field] else None) for field in ("lo", "hi")]
        if any(row[field] and bound is None for field, bound in zip(("lo", "hi"), bounds, strict=True)):
            return  # Said already, cell by cell.
        groups[row["entity"], row["dimension"]].append((bounds[0], bounds[1], row))
    file = "score_bands.csv"
    if "score_bands" in rules:
        for entity in ("contact", "account"):
            for dimension in ("fit", "engagement"):
                if (entity, dimension) not in groups:
                    problem = f"there are no {dimension} bands for {entity}"
                    yield RuleProblem(file, None, "dimension", problem, "Add at least one band, open on both sides")
    for (entity, dimension), bands in groups.items():
        bands.sort(key=lambda band: (band[0] is not None, band[0] or Decimal(0)))
        what = f"{entity} {dimension}"
        if bands[0][0] is not None:
            fix = "Leave lo of the lowest band empty, so that every score has a band"
            yield RuleProblem(file, bands[0][2].number, "lo", f"no {what} band below {bands[0][0]}", fix)
        if bands[-1][1] is not None:
            fix = "Leave hi of the highest band empty, so that every score has a band"
            yield RuleProblem(file, bands[-1][2].number, "hi", f"no {what} band from {bands[-1][1]} on", fix)
        for (_, hi, before), (lo, _, row) in pairwise(bands):
            if hi is None or lo is None or lo < hi:
                fix = f"Let '{row['band']}' begin where '{before['band']}' ends"
                yield RuleProblem(
                    file, row.number, "lo", f"the {what} band '{row['band']}' overlaps '{before['band']}'", fix
                )
            elif lo > hi:
                fix = f"Let '{row['band']}' begin at {hi}, where '{before['band']}' ends"
                yield RuleProblem(file, row.number, "lo", f"a gap between {hi} and {lo} in the {what} bands", fix)


def _check_grades(rules: Rules) -> Iterator[RuleProblem]:
    yield from _known(rules, "grade_matrix", "grade", "grades", "grade")
    yield from _known(rules, "grade_matrix", "grade_if_gate_fails", "grades", "grade")
    if "score_bands" not in rules or "grade_matrix" not in rules:
        return
    bands = {(row["entity"], row["dimension"], row["band"]) for row in rules["score_bands"]}
    cells = {(row["entity"], row["fit_band"], row["engagement_band"]) for row in rules["grade_matrix"]}
    for row in rules["grade_matrix"]:
        for field, dimension in (("fit_band", "fit"), ("engagement_band", "engagement")):
            if row[field] and (row["entity"], dimension, row[field]) not in bands:
                problem = f"there is no {dimension} band '{row[field]}' for {row['entity']}"
                yield RuleProblem("grade_matrix.csv", row.number, field, problem, "Use a band of score_bands.csv")
    for entity, dimension, fit_band in sorted(bands):
        if dimension != "fit":
            continue
        for other_entity, other_dimension, engagement_band in sorted(bands):
            if other_entity != entity or other_dimension != "engagement":
                continue
            if (entity, fit_band, engagement_band) not in cells:
                problem = f"no grade for a {entity} with fit {fit_band} and engagement {engagement_band}"
                yield RuleProblem("grade_matrix.csv", None, "grade", problem, "Add the row")


def _check_committee(rules: Rules) -> Iterator[RuleProblem]:
    if "committee_roles" not in rules:
        return
    file = "committee_roles.csv"
    roles = _values(rules, file.removesuffix(".csv"), "buying_role")
    if "unknown" not in roles:
        fix = "Add a row for the people whose title says nothing"
        yield RuleProblem(file, None, "buying_role", "the role 'unknown' is missing", fix)
    if not any(row["is_decision"].lower() == "true" for row in rules["committee_roles"]):
        yield RuleProblem(file, None, "is_decision", "no role decides", "Set is_decision to true for at least one role")
    titles = _values(rules, "title_rules", "buying_role") | {"unknown"}
    for row in rules["committee_roles"]:
        if "title_rules" in rules and row["buying_role"] and row["buying_role"] not in titles:
            fix = f"Use one of: {', '.join(sorted(titles))}; or add titles for it to title_rules.csv"
            yield RuleProblem(file, row.number, "buying_role", f"no title gives the role '{row['buying_role']}'", fix)
    yield from _known(rules, "title_rules", "buying_role", "committee_roles", "buying_role")


def _check_survivorship(rules: Rules) -> Iterator[RuleProblem]:
    for name in ("source_precedence", "survivorship_rules", "value_quality", "verified_values"):
        for row in rules.get(name, []):
            if row["field"] == "*" and name != "verified_values":
                continue
            entities = (row["entity"],) if row["entity"] != "*" else tuple(SURVIVING_FIELDS)
            known = sorted({field for entity in entities for field in SURVIVING_FIELDS.get(entity, ())})
            if known and row["field"] and row["field"] not in known:
                problem = f"a {row['entity']} has no field '{row['field']}'"
                yield RuleProblem(f"{name}.csv", row.number, "field", problem, f"Use one of: {', '.join(known)}")
    if "survivorship_rules" in rules:
        file = "survivorship_rules.csv"
        orders: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rules["survivorship_rules"]:
            orders[row["entity"], row["field"]].append(row)
        for entity in SURVIVING_FIELDS:
            if (entity, "*") not in orders:
                fix = "Add its criteria with the field *: every field without lines of its own is decided by them"
                yield RuleProblem(file, None, "field", f"no criteria for the other fields of a {entity}", fix)
        for (entity, field), steps in orders.items():
            label = f"the field '{field}' of a {entity}"
            if not any(row["criterion"] == "precedence" for row in steps):
                fix = "Add the criterion precedence: without it a checked value may lose to one that was not"
                yield RuleProblem(file, steps[0].number, "criterion", f"{label} ignores where values come from", fix)
            named: dict[str, int] = {}
            for row in steps:
                if row["criterion"] in named:
                    problem = f"{label} has '{row['criterion']}' in row {named[row['criterion']]} already"
                    yield RuleProblem(file, row.number, "criterion", problem, "Remove one of the two")
                named.setdefault(row["criterion"], row.number)
    if "value_quality" in rules and not any(
        row["entity"] == row["field"] == row["status"] == "*" for row in rules["value_quality"]
    ):
        fix = "Add a line with * in entity, field and status"
        yield RuleProblem("value_quality.csv", None, "status", "other statuses have no quality", fix)


def _check_verified_values(rules: Rules) -> Iterator[RuleProblem]:
    file = "verified_values.csv"
    for row in rules.get("verified_values", []):
        by_record = bool(row["source"] or row["record_id"])
        if bool(row["source"]) != bool(row["record_id"]):
            field = "record_id" if row["source"] else "source"
            fix = "Name both the source and the record's id in it"
            yield RuleProblem(file, row.number, field, "half of the record's name is missing", fix)
        if row["entity"] == "contact" and row["domain"]:
            fix = "Leave domain empty and name the person's record by source and record_id"
            yield RuleProblem(file, row.number, "domain", "a person has no domain", fix)
        if by_record == bool(row["domain"]) and not (row["entity"] == "contact" and row["domain"]):
            fix = "Name either a record (source, record_id) or, for an account, a domain"
            yield RuleProblem(file, row.number, "record_id", "it does not say whose value this is", fix)
        field, value = row["field"], row["value"]
        if field in NUMERIC_ATTRIBUTES and value:
            number = _number(value)
            if number is None or number < 0:
                fix = "Write it with a point as decimal mark and nothing else"
                yield RuleProblem(file, row.number, "value", f"'{value}' is not a number of at least 0", fix)
        if field == "email" and value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            yield RuleProblem(file, row.number, "value", f"'{value}' is not an e-mail address", "Correct it")
        if field == "phone" and value and not re.fullmatch(r"\+[0-9 ().-]{6,}", value):
            fix = "Write it in the international form: +55 11 98765 4321"
            yield RuleProblem(file, row.number, "value", f"'{value}' is not an international number", fix)
        countries = _values(rules, "country_aliases", "alias")
        if field == "country" and value and countries and value.lower() not in countries:
            fix = "Use a name or code of country_aliases.csv, or add it there"
            yield RuleProblem(file, row.number, "value", f"'{value}' is no country that is known", fix)
        if row["entity"] == "account" and field in QUALIFIED_FIELDS and not row["qualifier"]:
            fix = f"Fill in the {QUALIFIED_FIELDS[field]}"
            yield RuleProblem(file, row.number, "qualifier", f"the {QUALIFIED_FIELDS[field]} is missing", fix)


def _check_declared_quality(rules: Rules) -> Iterator[RuleProblem]:
    file = "declared_quality_rules.csv"
    needs: dict[str, tuple[str, ...]] = {
        "listed": (),
        "pattern": ("pattern",),
        "repeated_character": ("limit_value",),
        "below": ("limit_value",),
        "above": ("limit_value",),
        "same_as": ("other_field",),
        "ratio_above": ("other_field", "limit_value"),
    }
    for row in rules.get("declared_quality_rules", []):
        known = JUDGED_FIELDS.get(row["entity"])
        if known is None or row["kind"] not in needs:
            continue  # Said already, cell by cell.
        for column in ("fields", "other_field"):
            for part in _parts(row[column]):
                if part not in known:
                    problem = f"no answer of a {row['entity']} is called '{part}'"
                    yield RuleProblem(file, row.number, column, problem, f"Use one of: {', '.join(known)}")
        for column in ("pattern", "other_field", "limit_value"):
            if column in needs[row["kind"]] and not row[column]:
                yield RuleProblem(file, row.number, column, f"a rule of kind {row['kind']} needs it", "Fill it in")
            elif row[column] and column not in needs[row["kind"]]:
                problem = f"a rule of kind {row['kind']} does not read it"
                yield RuleProblem(file, row.number, column, problem, "Empty the cell, or change the kind")
        numeric = ("below", "above", "ratio_above")
        if row["kind"] in numeric:
            for part in _parts(row["fields"]):
                if part in known and part not in NUMERIC_ATTRIBUTES:
                    problem = f"'{part}' is not a number"
                    yield RuleProblem(file, row.number, "fields", problem, f"Use {' or '.join(NUMERIC_ATTRIBUTES)}")


def _check_comparisons(rules: Rules) -> Iterator[RuleProblem]:
    file = "comparison_rules.csv"
    reads = {"number": "tolerance", "code": "tolerance", "industry": "tolerance", "band": "bands"}
    for row in rules.get("comparison_rules", []):
        for entity_field, field in (("entity", "field"), ("reference_entity", "reference_field")):
            known = SURVIVING_FIELDS.get(row[entity_field], ())
            if known and row[field] and row[field] not in known:
                problem = f"a {row[entity_field]} has no field '{row[field]}'"
                yield RuleProblem(file, row.number, field, problem, f"Use one of: {', '.join(known)}")
        if row["entity"] == "account" and row["reference_entity"] == "contact":
            fix = "Measure what an account declares by a reference of the account"
            yield RuleProblem(file, row.number, "reference_entity", "an account is not one contact", fix)
        kind = row["kind"]
        if kind not in COMPARISON_KINDS:
            continue  # Said already, cell by cell.
        for column in ("tolerance", "bands"):
            if reads.get(kind) == column and not row[column]:
                yield RuleProblem(file, row.number, column, f"the kind {kind} needs it", "Fill it in")
            elif row[column] and reads.get(kind) != column:
                problem = f"the kind {kind} does not read it"
                yield RuleProblem(file, row.number, column, problem, "Empty the cell, or change the kind")
        if kind in ("number", "band") and row["field"] not in NUMERIC_ATTRIBUTES:
            fix = f"Use this kind for {' or '.join(NUMERIC_ATTRIBUTES)}"
            yield RuleProblem(file, row.number, "kind", f"'{row['field']}' is not a number", fix)
        edges = [_number(part) for part in _parts(row["bands"])]
        if None in edges or any(high <= low for low, high in pairwise(edge for edge in edges if edge is not None)):
            fix = "Write the edges from low to high with a bar between them: 10|50|250"
            yield RuleProblem(file, row.number, "bands", f"'{row['bands']}' are no edges of bands", fix)
        if kind in ("code", "industry"):
            digits = _number(row["tolerance"])
            if digits is not None and (digits < 1 or digits != digits.to_integral_value()):
                fix = "Write how many digits of the codes must agree, 2 for the division"
                yield RuleProblem(file, row.number, "tolerance", f"{row['tolerance']} is no number of digits", fix)
            if kind == "industry" and digits is not None and digits != 2:
                fix = "Write 2: industry_divisions.csv knows divisions"
                yield RuleProblem(file, row.number, "tolerance", "industries are compared by division", fix)
    for row in rules.get("industry_divisions", []):
        bad = [part for part in _parts(row["divisions"]) if not re.fullmatch("[0-9]{2}", part)]
        if bad:
            fix = "Write divisions with two digits and a bar between them: 62|63"
            yield RuleProblem("industry_divisions.csv", row.number, "divisions", f"'{bad[0]}' is no division", fix)
        if row["industry"] != row["industry"].lower().replace(" ", "_"):
            fix = "Write it in lower case with _ between words, as it is compared"
            yield RuleProblem("industry_divisions.csv", row.number, "industry", "it would never match", fix)


def _check_lifecycle(rules: Rules) -> Iterator[RuleProblem]:
    yield from _known(rules, "lifecycle_transitions", "from_stage", "lifecycle_stages", "stage")
    yield from _known(rules, "lifecycle_transitions", "to_stage", "lifecycle_stages", "stage")
    yield from _known(rules, "lifecycle_transitions", "trigger", "stage_triggers", "trigger")
    yield from _known(rules, "stage_triggers", "stage", "lifecycle_stages", "stage")
    yield from _known(rules, "stage_thresholds", "stage", "lifecycle_stages", "stage")
    yield from _known(rules, "deal_stage_rules", "lifecycle_stage", "lifecycle_stages", "stage")
    if not {"lifecycle_stages", "lifecycle_transitions", "stage_triggers"} <= rules.keys():
        return
    yield from _check_transitions(rules)
    yield from _check_stage_graph(rules)
    yield from _check_triggers(rules)


def _check_transitions(rules: Rules) -> Iterator[RuleProblem]:
    file = "lifecycle_transitions.csv"
    stages = {row["stage"]: row for row in rules["lifecycle_stages"]}
    stage_of_trigger = {row["trigger"]: row["stage"] for row in rules["stage_triggers"]}
    for row in rules["lifecycle_transitions"]:
        before, after = stages.get(row["from_stage"]), stages.get(row["to_stage"])
        if after is None:
            continue
        if row["trigger"] in stage_of_trigger and stage_of_trigger[row["trigger"]] != row["to_stage"]:
            problem = f"the trigger '{row['trigger']}' is evidence for '{stage_of_trigger[row['trigger']]}'"
            yield RuleProblem(file, row.number, "trigger", problem, f"Use a trigger of the stage '{row['to_stage']}'")
        if (after["kind"] == "out") != (row["direction"] == "out"):
            fix = "Direction out leads to stages of kind out, and only there"
            yield RuleProblem(
                file, row.number, "direction", f"'{row['direction']}' to a stage of kind {after['kind']}", fix
            )
        if row["from_stage"] == row["to_stage"]:
            yield RuleProblem(file, row.number, "to_stage", "a stage that leads to itself", "Remove the row")
        orders = [_number(stage["stage_order"]) for stage in (before, after) if stage is not None]
        if (
            before is not None
            and before["kind"] != "out"
            and row["direction"] == "forward"
            and orders[0] is not None
            and orders[1] is not None
            and orders[1] <= orders[0]
        ):
            fix = "Forward goes to a higher stage_order; use direction back"
            yield RuleProblem(
                file, row.number, "direction", f"forward from '{row['from_stage']}' to '{row['to_stage']}'", fix
            )


def _check_stage_graph(rules: Rules) -> Iterator[RuleProblem]:
    file = "lifecycle_stages.csv"
    rows = rules["lifecycle_stages"]
    starts = {row["to_stage"] for row in rules["lifecycle_transitions"] if not row["from_stage"]}
    kinds = [row["stage"] for row in rows if row["kind"] == "start"]
    if len(kinds) != 1:
        yield RuleProblem(
            file, None, "kind", f"{len(kinds)} stages of kind start", "Let exactly one stage be the start"
        )
    if starts != set(kinds):
        fix = "Give the start stage one transition with an empty from_stage, and no other stage"
        yield RuleProblem(
            "lifecycle_transitions.csv",
            None,
            "from_stage",
            f"journeys begin at {', '.join(sorted(starts)) or 'nothing'}",
            fix,
        )
    moves: dict[str, set[str]] = defaultdict(set)
    for row in rules["lifecycle_transitions"]:
        if row["from_stage"]:
            moves[row["from_stage"]].add(row["to_stage"])
    reached, waiting = set(starts), list(starts)
    while waiting:
        for stage in moves[waiting.pop()] - reached:
            reached.add(stage)
            waiting.append(stage)
    for row in rows:
        if row["stage"] not in reached:
            fix = "Add a transition that leads to it, or remove the stage"
            yield RuleProblem(file, row.number, "stage", f"nothing leads to '{row['stage']}'", fix)
        if row["kind"] in ("start", "stage") and not moves[row["stage"]]:
            fix = "Add a transition that leaves it, or give it the kind end or out"
            yield RuleProblem(file, row.number, "stage", f"'{row['stage']}' is a dead end", fix)


def _check_triggers(rules: Rules) -> Iterator[RuleProblem]:
    file = "stage_triggers.csv"
    triggered = _values(rules, "stage_triggers", "stage")
    for row in rules["lifecycle_stages"]:
        if row["stage"] and row["stage"] not in triggered:
            fix = "Add a row for it to stage_triggers.csv"
            yield RuleProblem(
                "lifecycle_stages.csv", row.number, "stage", f"nothing is evidence for '{row['stage']}'", fix
            )
    known: dict[str, set[str]] = {
        "touch": _values(rules, "touch_types", "touch_type"),
        "sales_activity": {"call", "meeting", "email", "email_reply", "task"},
        "opportunity": {"created", "won", "lost"},
        "score_line": _values(rules, "stage_thresholds", "line_id"),
        "capture": {"record", "form_submission"},
    }
    for row in rules["stage_triggers"]:
        if row["evidence_kind"] == "touch" and not row["evidence_values"]:
            fix = "Name the touch types that count"
            yield RuleProblem(file, row.number, "evidence_values", "any touch at all would count", fix)
        allowed = known.get(row["evidence_kind"], set())
        for part in _parts(row["evidence_values"]):
            if allowed and part not in allowed:
                fix = f"Use one of: {', '.join(sorted(allowed))}"
                yield RuleProblem(
                    file, row.number, "evidence_values", f"'{part}' is no {row['evidence_kind']} that is recorded", fix
                )


def _check_attribution(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("attribution_models", []):
        shares = [_number(row[field]) for field in CREDIT_SHARES if row[field]]
        if any(share is None for share in shares):
            continue  # Said already, cell by cell.
        total = sum((share for share in shares if share is not None), Decimal(0))
        if total != 1:
            fix = "Let the shares of the row add up to 1"
            yield RuleProblem(
                "attribution_models.csv", row.number, "model", f"the shares of '{row['model']}' add up to {total}", fix
            )


def _check_channels(rules: Rules) -> Iterator[RuleProblem]:
    yield from _known(rules, "channel_rules", "channel", "channels", "channel")
    yield from _known(rules, "spend_channel_rules", "channel", "channels", "channel")
    yield from _known(rules, "touch_types", "default_channel", "channels", "channel")
    yield from _known(rules, "event_kinds", "touch_type", "touch_types", "touch_type")


def _check_currency(rules: Rules) -> Iterator[RuleProblem]:
    rows = rules.get("reporting_currency")
    if rows is None:
        return
    if len(rows) != 1:
        problem = f"{len(rows)} reporting currencies"
        yield RuleProblem("reporting_currency.csv", None, "currency", problem, "Keep exactly one row")
    yield from _known(rules, "reporting_currency", "currency", "currency_rates", "currency")


_CHECKS: tuple[Callable[[Rules], Iterator[RuleProblem]], ...] = (
    _check_fit_rules,
    _check_signals,
    _check_settings,
    _check_identity,
    _check_bands,
    _check_grades,
    _check_committee,
    _check_survivorship,
    _check_verified_values,
    _check_declared_quality,
    _check_comparisons,
    _check_lifecycle,
    _check_attribution,
    _check_channels,
    _check_currency,
)
