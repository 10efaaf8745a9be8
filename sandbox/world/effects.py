"""The causes planted in the world, so that every estimator can be held against what was really there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.world.catalogue import CURRENCY_PER_EUR


@dataclass(frozen=True)
class Effects:
    """Planted parameters; written to ``truth/effects.json`` as they are.

    A worked request is answered with probability ``answer_floor + answer_span * 2 ** (-hours / half life)``, the hours
    being those between request and first attempt. An answered request of a buying account becomes an opportunity with
    ``qualify_base * channel_effect``; an opportunity is won with ``win_base * channel_effect * committee * profile``
    (each clipped to 0.97), where the channel is that of the first visit of the account's main contact. The
    ``declared_`` rates are those of wrong answers about the company; of the wrong employee counts,
    ``declared_repeated_digits_rate`` is one digit repeated; where revenue is wrong too,
    ``declared_impossible_pair_rate`` is one employee with a thousand millions. The ``crm_`` rates are those of wrong
    values on CRM companies.
    """

    channel_effect: dict[str, float] = field(
        default_factory=lambda: {
            "direct": 1.0,
            "organic_search": 1.15,
            "paid_search": 1.0,
            "organic_social": 0.75,
            "paid_social": 0.55,
            "email": 1.1,
            "referral": 1.6,
            "display": 0.35,
            "affiliates": 0.8,
        }
    )
    answer_floor: float = 0.20
    answer_span: float = 0.72
    answer_half_life_hours: float = 14.0
    first_attempt_median_hours: float = 3.0
    first_attempt_log_sigma: float = 1.5
    accept_rate: float = 0.82
    qualify_base: float = 0.75
    win_base: float = 0.45
    committee_three_or_more: float = 1.5
    committee_two: float = 1.1
    committee_one: float = 0.7
    profile_match: float = 1.25
    profile_mismatch: float = 0.6
    declared_employees_error_rate: float = 0.20
    declared_revenue_error_rate: float = 0.35
    declared_country_error_rate: float = 0.05
    declared_repeated_digits_rate: float = 0.10
    declared_impossible_pair_rate: float = 0.20
    crm_employees_error_rate: float = 0.12
    crm_revenue_error_rate: float = 0.18
    crm_country_error_rate: float = 0.03
    crm_industry_error_rate: float = 0.06
    enrichment_disagreement_rate: float = 0.10
    machine_open_rate: float = 0.30
    bounce_rate: float = 0.012
    unsubscribe_rate: float = 0.0025
    currency_per_eur: dict[str, float] = field(default_factory=lambda: dict(CURRENCY_PER_EUR))


EFFECTS = Effects()


NUMBER_RULE = "the declared number lies outside plus or minus 20 % of the enriched one"


def declared_errors(effects: Effects) -> list[dict[str, Any]]:
    """How often what is declared disagrees with what a provider says, by entity, source and field.

    ``rate`` counts every declared value that is a number (or a readable country) at a company the provider knows,
    whichever provider is asked: a wrong declaration and a wrong measurement are independent, and the two kinds of error
    never agree by chance. ``rate_without_junk`` leaves out the planted answers that are none (one digit repeated, one
    employee with a thousand millions).
    """
    far = effects.enrichment_disagreement_rate
    heads, money = effects.declared_employees_error_rate, effects.declared_revenue_error_rate
    pair = heads * money * effects.declared_impossible_pair_rate
    digits = (heads - pair) * effects.declared_repeated_digits_rate

    def either(wrong: float) -> float:
        return round(1 - (1 - wrong) * (1 - far), 6)

    def without(wrong: float, junk: float) -> float:
        return either((wrong - junk) / (1 - junk))

    rows: list[dict[str, Any]] = []
    for source in ("hubspot", "hubspot_forms"):
        rows += [
            _row("contact", source, "employee_count", either(heads), without(heads, pair + digits), NUMBER_RULE),
            _row("contact", source, "annual_revenue", either(money), without(money, pair), NUMBER_RULE),
        ]
    said = effects.declared_country_error_rate
    rows.append(_row("contact", "hubspot", "country", said, said, "another country"))
    for name, wrong in (
        ("employee_count", effects.crm_employees_error_rate),
        ("annual_revenue", effects.crm_revenue_error_rate),
    ):
        rows.append(_row("account", "hubspot", name, either(wrong), either(wrong), NUMBER_RULE))
    for name, wrong, rule in (
        ("country", effects.crm_country_error_rate, "another country"),
        ("industry", effects.crm_industry_error_rate, "an industry whose activity code is another one"),
    ):
        rows.append(_row("account", "hubspot", name, wrong, wrong, rule))
    return rows


def _row(entity: str, source: str, name: str, rate: float, without_junk: float, rule: str) -> dict[str, Any]:
    return {
        "entity": entity,
        "source": source,
        "field": name,
        "rate": rate,
        "rate_without_junk": without_junk,
        "disagreement": rule,
    }
