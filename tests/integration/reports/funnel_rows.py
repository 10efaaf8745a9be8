"""Made-up rows for the pages on the funnel, the contract, scores, data quality and sync health."""

from __future__ import annotations

import itertools
import random
from typing import Any

Rows = dict[str, list[dict[str, Any]]]

#: Months of entry; the last two are immature.
COHORTS = [f"2026-{month:02d}-01" for month in range(4, 11)]
STAGES = ("inquiry", "mql", "sal", "sql", "customer")
SEGMENTS = ("all", "Asked to be contacted")


def funnel_rows(chance: random.Random) -> Rows:
    """Rows by mart: what the five pages read, with something in every chart."""
    return _funnel(chance) | _contract(chance) | _scores(chance) | _quality_and_sync(chance)


def _share(part: int, whole: int) -> dict[str, Any]:
    """A rate in percent with bounds around it."""
    rate = 100 * part / whole
    return {"rate": round(rate, 3), "lo": round(rate / 2, 3), "hi": round(min(100, rate * 1.5), 3)}


def _funnel(chance: random.Random) -> Rows:
    cohorts = []
    for place, origin in enumerate(STAGES):
        for step, arrival in enumerate(STAGES[place + 1 :]):
            for cohort in COHORTS:
                entered = chance.randint(20, 90)
                converted = chance.randint(0, entered // 2)
                is_immature = cohort >= COHORTS[-2]
                share = _share(converted, entered)
                pending = chance.randint(1, entered - converted) if is_immature else 0
                cohorts.append(
                    {
                        "cohort_on": cohort,
                        "from_stage": origin,
                        "to_stage": arrival,
                        "is_next_step": step == 0,
                        "entered": entered,
                        "converted": converted,
                        "pending": pending,
                        "conversion_pct": share["rate"],
                        "lo_pct": share["lo"],
                        "hi_pct": share["hi"],
                        "possible_pct": round(100 * (converted + pending) / entered, 3),
                        "median_days": 12.5,
                        "p90_days": 31.25,
                        "maturity_days": 32,
                        "is_immature": is_immature,
                        "benchmark_lo_pct": 40 if origin == "mql" and arrival == "sal" else None,
                        "benchmark_hi_pct": 60 if origin == "mql" and arrival == "sal" else None,
                        "benchmark_status": "unsourced" if origin == "mql" and arrival == "sal" else None,
                    }
                )
    return {
        "mart_funnel_cohorts": cohorts,
        "mart_stage_velocity": [
            {
                "from_stage": origin,
                "to_stage": arrival,
                "from_order": place,
                "to_order": place + 1,
                "move_kind": "onward",
                "moves": 40 - place,
                "contacts": 38 - place,
                "median_days": 3.5 + place,
                "p90_days": 20.25 + place,
                "is_enough": place < 2,
            }
            for place, (origin, arrival) in enumerate(itertools.pairwise(STAGES), start=1)
        ],
        "mart_stage_ageing": [
            {
                "stage": stage,
                "stage_order": place,
                "contacts_now": 30 - place,
                "median_days": 9.5,
                "p90_days": 80,
                "usual_days": 21.5,
                "contacts_overdue": 4,
                "overdue_pct": 13.8,
            }
            for place, stage in enumerate(STAGES, start=1)
        ],
        "mart_sales_velocity": [
            {
                "period": period,
                "month_on": month,
                "opportunities": 9,
                "mean_open": 4.25,
                "decided": 6,
                "won": 2,
                "win_rate_pct": 33.333,
                "win_rate_lo_pct": 9.677,
                "win_rate_hi_pct": 70.001,
                "median_amount": 12000,
                "median_cycle_days": 40,
                "velocity_per_day": 425,
                "revenue": 24000,
                "revenue_per_day": 260.87,
                "currency": "EUR",
                "is_enough": False,
                "is_complete": month != "2026-10-01",
            }
            for period, months in (("month", ["2026-09-01", "2026-10-01"]), ("quarter", ["2026-07-01", "2026-10-01"]))
            for month in months
        ],
    }


def _contract(chance: random.Random) -> Rows:
    cohorts = []
    for segment in SEGMENTS:
        for month in COHORTS:
            judged = chance.randint(10, 40)
            accepted = chance.randint(1, judged - 3)
            share = _share(accepted, judged)
            cohorts.append(
                {
                    "cohort_id": f"{segment} {month}",
                    "cohort_kind": "month",
                    "cohort_on": month,
                    "segment": segment,
                    "handoffs": judged + 2,
                    "accepted": accepted,
                    "worked_and_rejected": judged - accepted - 3,
                    "late": 2,
                    "too_few_tries": 1,
                    "pending": 2,
                    "judged": judged,
                    "sal_mql_pct": share["rate"],
                    "sal_mql_lo_pct": share["lo"],
                    "sal_mql_hi_pct": share["hi"],
                    "accepted_without_handoff": 1,
                    "is_mature": month < COHORTS[-2],
                }
            )
    speed: dict[str, Any] = {
        "handoffs": 40,
        "answered": 22,
        "median_clock_seconds": 5400.0,
        "median_business_seconds": 3600.0,
        "p90_business_seconds": 36000.0,
        "median_system_business_seconds": 600.0,
        "median_human_business_seconds": 3000.0,
        "within_target_pct": 12.5,
        "contract_judged": 40,
        "within_contract_pct": 55,
        "within_contract_lo_pct": 39.8,
        "within_contract_hi_pct": 69.3,
    }
    kept: dict[str, Any] = {"handoffs": 40, "met": 30, "breached": 8, "pending": 2, "judged": 38, "met_pct": 78.947}
    kept |= {"met_lo_pct": 63.7, "met_hi_pct": 88.9, "check_name": "first_contact", "label_en": "First contact in time"}
    kept |= {"label_pt": "Primeiro contato no prazo"}
    months = [("all", None), *(("month", month) for month in COHORTS)]
    return {
        "mart_sal_mql": cohorts,
        "mart_speed_to_lead": [
            speed | {"speed_id": f"{segment} {month}", "period": period, "month_on": month, "segment": segment}
            for segment in SEGMENTS
            for period, month in months
        ],
        "mart_sla_attainment": [
            kept | {"attainment_id": f"{segment} {month}", "period": period, "month_on": month, "segment": segment}
            for segment in SEGMENTS
            for period, month in months
        ],
        "fct_handoff_verdicts": [
            {
                "handoff_id": f"h{number}",
                "contact_id": "c1",
                "owner_id": "Quirina Zephyrstone",
                "segment": SEGMENTS[1],
                "verdict": "accepted" if number % 2 else "late",
                "reason_en": "Sales accepted the lead" if number % 2 else "First tried after the agreed time",
                "reason_pt": "Vendas aceitou o lead" if number % 2 else "Primeira tentativa depois do prazo",
                "is_rejected_by_sales": False,
                "is_mature": True,
            }
            for number in range(9)
        ],
        "mart_lost_leads_by_owner": [
            {
                "owner_id": owner,
                "rule_id": "any",
                "reason": "Any of them",
                "reason_pt": "Qualquer um deles",
                "leads": 4,
                "watched_leads": 9,
                "oldest_days": 31.5,
            }
            for owner in ("Quirina Zephyrstone", "Ozias Wolkenberg")
        ],
        "mart_target_attainment": [
            {
                "month_on": month,
                "segment": "*",
                "mqls": 8,
                "target": 10,
                "target_to_date": 10,
                "attainment": 0.8,
                "is_complete": True,
            }
            for month in COHORTS
        ],
    }


def _scores(chance: random.Random) -> Rows:
    return {
        "mart_score_distribution": [
            {
                "entity": entity,
                "dimension": dimension,
                "points_from": bar * 10,
                "points_to": bar * 10 + 10,
                "entities": chance.randint(1, 40),
                "excluded": 0,
                "share_pct": 10,
            }
            for entity in ("contact", "account")
            for dimension in ("fit", "engagement", "total")
            for bar in range(-1, 9)
        ],
        "mart_score_vs_outcome": [
            {
                "dimension": dimension,
                "value": value,
                "handovers": 20,
                "not_worked": 2,
                "still_open": 1,
                "judged": 17,
                "score_min": 40,
                "score_max": 90,
                "accepted": 9,
                "accepted_pct": 52.941,
                "accepted_lo_pct": 30.9,
                "accepted_hi_pct": 73.8,
                "won": 3,
                "won_pct": 17.647,
                "won_lo_pct": 6.2,
                "won_hi_pct": 41,
                "is_enough": False,
                "accepted_auc": 0.61 if dimension == "all" else None,
                "won_auc": 0.58 if dimension == "all" else None,
            }
            for dimension, value in [("all", "all"), *(("decile", str(number)) for number in range(1, 11))]
        ],
        "mart_ruleset_age": [
            {
                "change_number": 1,
                "ruleset_version": "0123456789ab",
                "code_version": "ba9876543210",
                "change_kind": "first",
                "since_at": "2026-09-01 06:00:00",
                "days_in_force": 61,
                "is_current": True,
                "reviews": 1,
                "last_reviewed_on": "2026-09-15",
                "days_since_review": 47.25,
                "review_status": "ok",
                "is_changed_since_review": False,
                "worst_drift_psi": 0.12,
                "drift_status": "watch",
            }
        ],
        "mart_score_drift": [
            {
                "population": "captured",
                "dimension": "fit",
                "band": band,
                "band_order": place,
                "label_en": f"{band.title()} fit",
                "label_pt": f"Perfil {band}",
                "recent_n": 30,
                "reference_n": 40,
                "recent_pct": 33.333,
                "reference_pct": 33.333,
                "psi_part": 0,
            }
            for place, band in enumerate(("low", "medium", "high"), start=1)
        ],
    }


def _quality_and_sync(chance: random.Random) -> Rows:
    return {
        "mart_match_rate": [
            {
                "month_on": month,
                "touch_type": touch_type,
                "channel": "email",
                "touches": 900,
                "touches_with_contact": chance.randint(400, 900),
                "touches_with_crm_contact": chance.randint(100, 400),
            }
            for month in COHORTS
            for touch_type in ("web_session", "email_click")
        ],
        "mart_sync_health": [
            {
                "sync": "sync_hubspot_contacts",
                "kind": "sync",
                "destination": "hubspot",
                "object": "contacts",
                "changes_waiting": 7,
                "is_held_by_guard": True,
                "runs": 5,
                "failed_runs": 1,
                "writes": 1234,
                "rejected": 6,
                "rejected_validation": 6,
                "open_dead_letters": 4,
                "delay_p50_seconds": 40,
                "delay_p95_seconds": 95.5,
            }
        ],
    }
