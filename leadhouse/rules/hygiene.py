"""Lists and tables that values are cleaned by."""

from __future__ import annotations

from decimal import Decimal

from leadhouse.rules.files import BOOLEAN, PATTERN, PRIORITY, TEXT, WHOLE_AT_LEAST_0, Check, Column, Schema

#: Single numbers of these files that models read by name (macro ``setting``).
SETTINGS: dict[str, tuple[str, ...]] = {
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

SCHEMAS: dict[str, Schema] = {
    "role_mailboxes": Schema({"local_part": TEXT}, ("local_part",)),
    "disposable_domains": Schema({"domain": TEXT}, ("domain",)),
    "free_mail_domains": Schema({"domain": TEXT}, ("domain",)),
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


CHECKS: tuple[Check, ...] = ()
