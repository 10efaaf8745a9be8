"""Questions of forms: what they ask, and when asking is not worth it."""

from __future__ import annotations

from leadhouse.rules.files import OPTIONAL, SETTING_FILE, TEXT, Check, Column, Schema

#: Single numbers of these files that models read by name (macro ``setting``).
SETTINGS: dict[str, tuple[str, ...]] = {
    "form_settings": (
        "question_min_n",
        "redundant_from_pct",
        "enrichment_min_coverage_pct",
        "enrichment_min_agreement_pct",
        "question_cost_min_forms",
    ),
}
SCHEMAS: dict[str, Schema] = {
    "form_questions": Schema(
        {
            "question": TEXT,
            "kind": Column(choices=("identifier", "fact", "free_text")),
            "contact_field": OPTIONAL,
            "account_field": OPTIONAL,
            "label_en": TEXT,
            "label_pt": TEXT,
        },
        ("question",),
    ),
    "form_settings": SETTING_FILE,
}
CHECKS: tuple[Check, ...] = ()
