"""The numbers at the end of a demo, read from the published snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

_SOURCES = """
    select source || ' ' || replace(entity, '_', ' '), raw_records, kept, merged, quarantined
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
    group by channel, model
    order by channel, model
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
            "sources": [
                dict(zip(("source", "raw", "kept", "merged", "quarantined"), row, strict=True))
                for row in connection.execute(_SOURCES).fetchall()
            ],
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
        }


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from marts.{table}").fetchone()
    return int(row[0]) if row else 0
