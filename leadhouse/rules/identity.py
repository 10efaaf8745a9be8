"""Who is who: identifiers, matching, accounts, which value survives, what was checked or declared without thought."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from leadhouse.rules.files import (
    AT_LEAST_0,
    BOOLEAN,
    ENTITY,
    NUMERIC_ATTRIBUTES,
    OPTIONAL,
    OPTIONAL_PATTERN,
    PRIORITY,
    SETTING_FILE,
    TEXT,
    WHOLE_AT_LEAST_0,
    Check,
    Column,
    Row,
    RuleProblem,
    Rules,
    Schema,
    number_of,
    parts_of,
    values_of,
)

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
#: Single numbers of these files that models read by name (macro ``setting``).
SETTINGS: dict[str, tuple[str, ...]] = {
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
        "account_layer",
    ),
}

SCHEMAS: dict[str, Schema] = {
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
    "identity_settings": SETTING_FILE,
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
}


def _check_identity(rules: Rules) -> Iterator[RuleProblem]:
    settings = {row["setting"]: (row, number_of(row["value"])) for row in rules.get("identity_settings", [])}
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
            number = number_of(value)
            if number is None or number < 0:
                fix = "Write it with a point as decimal mark and nothing else"
                yield RuleProblem(file, row.number, "value", f"'{value}' is not a number of at least 0", fix)
        if field == "email" and value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            yield RuleProblem(file, row.number, "value", f"'{value}' is not an e-mail address", "Correct it")
        if field == "phone" and value and not re.fullmatch(r"\+[0-9 ().-]{6,}", value):
            fix = "Write it in the international form: +55 11 98765 4321"
            yield RuleProblem(file, row.number, "value", f"'{value}' is not an international number", fix)
        countries = values_of(rules, "country_aliases", "alias")
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
            for part in parts_of(row[column]):
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
            for part in parts_of(row["fields"]):
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
        edges = [number_of(part) for part in parts_of(row["bands"])]
        if None in edges or any(high <= low for low, high in pairwise(edge for edge in edges if edge is not None)):
            fix = "Write the edges from low to high with a bar between them: 10|50|250"
            yield RuleProblem(file, row.number, "bands", f"'{row['bands']}' are no edges of bands", fix)
        if kind in ("code", "industry"):
            digits = number_of(row["tolerance"])
            if digits is not None and (digits < 1 or digits != digits.to_integral_value()):
                fix = "Write how many digits of the codes must agree, 2 for the division"
                yield RuleProblem(file, row.number, "tolerance", f"{row['tolerance']} is no number of digits", fix)
            if kind == "industry" and digits is not None and digits != 2:
                fix = "Write 2: industry_divisions.csv knows divisions"
                yield RuleProblem(file, row.number, "tolerance", "industries are compared by division", fix)
    for row in rules.get("industry_divisions", []):
        bad = [part for part in parts_of(row["divisions"]) if not re.fullmatch("[0-9]{2}", part)]
        if bad:
            fix = "Write divisions with two digits and a bar between them: 62|63"
            yield RuleProblem("industry_divisions.csv", row.number, "divisions", f"'{bad[0]}' is no division", fix)
        if row["industry"] != row["industry"].lower().replace(" ", "_"):
            fix = "Write it in lower case with _ between words, as it is compared"
            yield RuleProblem("industry_divisions.csv", row.number, "industry", "it would never match", fix)


def _check_account_layer(rules: Rules) -> Iterator[RuleProblem]:
    for row in rules.get("account_match_settings", []):
        if row["setting"] == "account_layer" and number_of(row["value"]) not in (0, 1):
            problem = f"'{row['value']}' is neither 1 nor 0"
            fix = "1: people belong to companies; 0: there are no accounts"
            yield RuleProblem("account_match_settings.csv", row.number, "value", problem, fix)


CHECKS: tuple[Check, ...] = (
    _check_account_layer,
    _check_identity,
    _check_survivorship,
    _check_verified_values,
    _check_declared_quality,
    _check_comparisons,
)
