"""The causes planted in the world, so that every estimator can be held against what was really there."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.world.catalogue import CURRENCY_PER_EUR


@dataclass(frozen=True)
class Effects:
    """Planted parameters; written to ``truth/effects.json`` as they are.

    A worked request is answered with probability ``answer_floor + answer_span * 2 ** (-hours / half life)``, the hours
    being those between request and first attempt. An answered request of a buying account becomes an opportunity with
    ``qualify_base * channel_effect``; an opportunity is won with ``win_base * channel_effect * committee * profile``
    (each clipped to 0.97), where the channel is that of the first visit of the account's main contact.
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
    enrichment_disagreement_rate: float = 0.10
    machine_open_rate: float = 0.30
    bounce_rate: float = 0.012
    unsubscribe_rate: float = 0.0025
    currency_per_eur: dict[str, float] = field(default_factory=lambda: dict(CURRENCY_PER_EUR))


EFFECTS = Effects()
