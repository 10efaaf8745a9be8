"""The numbers at the end of a demo, read from the published snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

_SOURCES = """
    select source || ' ' || replace(entity, '_', ' '), raw_records, kept, merged, quarantined + erased
    from marts.mart_record_conservation
    order by raw_records desc, source, entity
"""

_TOP_ACCOUNTS = """
    select
        dim_accounts.account_name,
        fct_account_scores.grade,
        round(fct_account_scores.score, 2)::double,
        fct_account_scores.committee,
        fct_account_scores.reason_1,
        fct_account_scores.reason_2,
        fct_account_scores.reason_3
    from marts.fct_account_scores
    inner join marts.dim_accounts on fct_account_scores.account_id = dim_accounts.account_id
    order by fct_account_scores.grade, fct_account_scores.score desc, dim_accounts.account_name
    limit ?
"""

_CHANNELS = """
    select
        channel,
        model,
        round(max(spend), 2)::double as spend,
        round(sum(conversions), 2)::double as conversions,
        round(sum(revenue), 2)::double as revenue,
        round(max(roi), 2)::double as roi,
        max(currency) as currency
    from marts.mart_channel_roi
    inner join marts.dim_attribution_models using (model)
    group by channel, model, model_order
    order by channel, model_order
"""

_VERDICTS = """
    select verdict, count(*)
    from marts.fct_handoff_verdicts
    group by verdict
    order by 2 desc, verdict
"""

#: Of all mature months together: sums, never an average of rates.
_SAL_MQL = """
    select sum(handoffs), sum(accepted), sum(judged), sum(pending)
    from marts.mart_sal_mql
    where cohort_kind = 'month' and segment = 'all'
"""

_SPEED = """
    select segment, handoffs, answered, median_clock_seconds, median_business_seconds, within_contract_pct::double
    from marts.mart_speed_to_lead
    where period = 'all'
    order by handoffs desc, segment
"""

_RESPONSE = """
    select requests, half_life_hours::double, half_life_lo::double, half_life_hi::double, is_enough
    from marts.mart_response_fit
"""

_ROUTES = """
    select route, count(*)
    from marts.fct_routing
    where is_current
    group by route
    order by 2 desc, route
"""

_GATE = """
    select coalesce(reason_code, 'passed'), count(*)
    from marts.fct_handoff_gate
    group by reason_code
    order by 2 desc, 1
"""

_LISTS = """
    select label, members, purpose
    from marts.dim_lists
    order by label
"""

_ACTIONS = """
    select actor, channel, message_key, count(*), min(action_at)
    from marts.mart_next_action
    group by actor, channel, message_key
    order by 4 desc, actor, channel, message_key
"""


def read_summary(snapshot: Path, *, top: int = 10) -> dict[str, Any]:
    """Sources, contacts, accounts, best accounts and channels of one published snapshot.

    Money is in the reporting currency (key ``currency``); credit is a number of conversions.
    """
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        channels: dict[str, dict[str, Any]] = {}
        currency = None
        for channel, model, spend, conversions, revenue, roi, currency_code in connection.execute(_CHANNELS).fetchall():
            entry = channels.setdefault(
                channel, {"channel": channel, "spend": spend, "credit": {}, "revenue": {}, "roi": {}}
            )
            entry["credit"][model] = conversions
            entry["revenue"][model] = revenue
            entry["roi"][model] = roi
            currency = currency_code or currency
        return {
            "sources": _named(connection, _SOURCES, "source", "raw", "kept", "merged", "quarantined"),
            "contacts": _count(connection, "dim_contacts"),
            "accounts": _count(connection, "dim_accounts"),
            "top_accounts": [
                {
                    "account": name,
                    "grade": grade,
                    "score": score,
                    "committee": committee,
                    "reasons": [reason for reason in reasons if reason],
                }
                for name, grade, score, committee, *reasons in connection.execute(_TOP_ACCOUNTS, [top]).fetchall()
            ],
            "channels": list(channels.values()),
            "currency": currency,
            "contract": _contract(connection),
            "routes": _named(connection, _ROUTES, "route", "contacts"),
            "gate": _named(connection, _GATE, "reason", "contacts"),
            "lists": _named(connection, _LISTS, "list", "members", "purpose"),
            "next_actions": [
                entry | {"first_at": entry["first_at"] and entry["first_at"].isoformat(timespec="minutes")}
                for entry in _named(connection, _ACTIONS, "actor", "channel", "message", "contacts", "first_at")
            ],
        }


def _contract(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What became of the hand-overs, how fast they were answered, and what waiting costs (times in seconds, hours)."""
    handoffs, accepted, judged, pending = connection.execute(_SAL_MQL).fetchone() or (0, 0, 0, 0)
    response = _named(connection, _RESPONSE, "requests", "half_life_hours", "half_life_lo", "half_life_hi", "is_enough")
    return {
        "handoffs": int(handoffs or 0),
        "accepted": int(accepted or 0),
        "judged": int(judged or 0),
        "pending": int(pending or 0),
        "verdicts": dict(connection.execute(_VERDICTS).fetchall()),
        "speed": _named(
            connection, _SPEED, "segment", "handoffs", "answered", "median_seconds", "median_business_seconds",
            "within_contract_pct",
        ),
        "response": response[0] if response else {},
    }  # fmt: skip


def _named(connection: duckdb.DuckDBPyConnection, query: str, *names: str) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in connection.execute(query).fetchall()]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from marts.{table}").fetchone()
    return int(row[0]) if row else 0
