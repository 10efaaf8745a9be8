"""A published snapshot for tests of the pages, written in a second and without the warehouse.

Every mart that has a contract is there with exactly the columns and types of its YAML, so that a page that reads a
column which no mart has fails here as it would on real data. Rows are made up, from one seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import yaml
from funnel_rows import STAGES, funnel_rows

PROJECT = Path(__file__).parents[3]
MONTHS = [f"2026-{month:02d}-01" for month in range(3, 11)]
CHANNELS = ["direct", "organic_search", "paid_search", "paid_social", "email", "unattributed"]
PAID = ["paid_search", "paid_social"]
#: Nobody of these may be found on a page.
PEOPLE = [
    {
        "contact_id": "c1",
        "full_name": "Quirina Zephyrstone",
        "email": "quirina@zephyr.example",
        "phone_e164": "+5511987650001",
    },
    {
        "contact_id": "c2",
        "full_name": "Ozias Wolkenberg",
        "email": "ozias@wolken.example",
        "phone_e164": "+351912340002",
    },
]


def write_snapshot(path: Path) -> Path:
    """Write the snapshot to ``path`` and return it."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        contracts = read_contracts()
        for table, columns in contracts.items():
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f'create table marts."{table}" ({listed})')
        connection.execute(
            "create table marts.published_build as select '20261101T060000Z-abc123' as build_id, "
            "timestamp '2026-11-01 06:00:00' as as_of_at, timestamp '2026-11-01 06:10:00' as published_at, "
            "'0123456789abcdef' as ruleset_version"
        )
        chance = random.Random(20261101)
        for table, rows in (_rows(chance) | funnel_rows(chance)).items():
            _insert(connection, table, contracts[table], rows)
    return path


def read_contracts() -> dict[str, dict[str, str]]:
    """Column types by column, by mart, for every mart with a contract."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted((PROJECT / "models" / "marts").rglob("*.yml")):
        for model in (yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}).get("models") or []:
            columns = {column["name"]: column.get("data_type") for column in model.get("columns") or []}
            if columns and all(columns.values()):
                found[model["name"]] = columns
    return found


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]
) -> None:
    rows = list(rows)
    names = list(rows[0])
    assert set(names) <= set(columns), f"{table} has no {set(names) - set(columns)}"
    batch = pyarrow.Table.from_pylist(rows)
    connection.register("batch", batch)
    connection.execute(f'insert into marts."{table}" by name select * from batch')
    connection.unregister("batch")


def _seed(name: str) -> list[dict[str, str | None]]:
    relation = duckdb.read_csv(str(PROJECT / "seeds" / f"{name}.csv"), header=True, all_varchar=True)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _rows(chance: random.Random) -> dict[str, list[dict[str, Any]]]:
    models = [
        {
            "model": row["model"],
            "model_order": row["model_order"],
            "method": row["method"],
            "label_en": row["label_en"],
            "label_pt": row["label_pt"],
            "definition": row["definition"],
            "definition_pt": row["definition_pt"],
        }
        for row in _seed("attribution_models")
    ]
    kinds = [
        {
            "conversion_kind": row["conversion_kind"],
            "kind_order": place,
            "label_en": row["label_en"],
            "label_pt": row["label_pt"],
            "definition": row["definition"],
            "journey_level": row["journey_level"],
            "lookback_days": 90,
        }
        for place, row in enumerate(_seed("attribution_conversions"))
    ]
    channels = [
        {"channel": row["channel"], "label": row["label"], "channel_group": row["channel_group"]}
        for row in _seed("channels")
    ]
    credits: list[dict[str, Any]] = []
    campaigns: list[dict[str, Any]] = []
    contents: list[dict[str, Any]] = []
    intervals: list[dict[str, Any]] = []
    for kind in kinds:
        is_account = kind["journey_level"] == "account"
        for model in models:
            names = {"model": model["model"], "conversion_kind": kind["conversion_kind"]}
            for month in MONTHS:
                for channel in CHANNELS:
                    conversions = round(chance.uniform(0, 4), 6)
                    revenue = round(chance.uniform(0, 20_000), 2) if is_account else 0
                    row = names | {"month_on": month, "conversions": conversions, "revenue": revenue, "currency": "EUR"}
                    # Some channel always has no credit under some model.
                    if (model["model"], channel) != ("last", "email"):
                        credits.append(row | {"channel": channel})
                    campaign = f"=Campaign; {channel}" if channel in PAID else "(none)"
                    campaigns.append(row | {"channel": channel, "campaign": campaign})
                    contents.append(row | {"content": f"Guide {channel}", "touch_type": "web_session"})
            for channel in CHANNELS:
                share = chance.uniform(0.05, 0.3)
                interval = {"channel": channel, "share": share, "share_lo": share / 2, "share_hi": share * 1.5}
                intervals.append(names | interval | {"resamples": 500, "conversions_n": 80})
    spending = [
        {"month_on": month, "channel": channel, "spend": round(chance.uniform(500, 3000), 2), "currency": "EUR"}
        for month in MONTHS
        for channel in PAID
    ]
    return {
        "dim_contacts": PEOPLE,
        "dim_attribution_models": models,
        "dim_conversion_kinds": kinds,
        "dim_channels": channels,
        "mart_channel_credits": credits,
        "mart_campaign_credits": campaigns,
        "mart_content_credits": contents,
        "mart_channel_share_intervals": intervals,
        "mart_channel_spend": spending,
        "mart_campaign_spend": [row | {"campaign": f"=Campaign; {row['channel']}"} for row in spending],
        "mart_channel_rank_stability": [
            {
                "conversion_kind": kind["conversion_kind"],
                "channel": channel,
                "best_rank": place,
                "worst_rank": place + 2,
                "median_rank": place + 1,
            }
            for kind in kinds
            for place, channel in enumerate(CHANNELS, start=1)
        ],
        "mart_model_agreement": [
            {
                "conversion_kind": kind["conversion_kind"],
                "model_a": one["model"],
                "model_b": other["model"],
                "rank_correlation": round(chance.uniform(0, 1), 6),
                "channels": len(CHANNELS),
            }
            for kind in kinds
            for one in models
            for other in models
        ],
        "mart_channel_effects": [
            {
                "conversion_kind": kind["conversion_kind"],
                "method": method,
                "channel": channel,
                "effect": round(chance.uniform(0, 0.5), 6),
                "conversions": round(chance.uniform(0, 9), 6),
                "share": round(chance.uniform(0, 0.4), 6),
            }
            for kind in kinds
            for method in ("markov", "shapley")
            for channel in CHANNELS
        ],
        "mart_channel_roi": [
            {
                "channel": channel,
                "model": model["model"],
                "spend": 1000,
                "cost_per_mql": 80.5,
                "cost_per_sal": 120,
                "cost_per_sql": 200,
                "cac": 1500,
                "payback_months": 7.5,
                "currency": "EUR",
            }
            for model in models
            for channel in PAID
        ],
        "mart_spend_coverage": [
            {
                "platform": "google_ads",
                "month_on": month,
                "spend": 100,
                "spend_on_known_channel": 90,
                "spend_with_campaign": 80,
                "days_with_spend": 28,
                "days_in_month": 30,
                "currency": "EUR",
            }
            for month in MONTHS
        ],
        "mart_funnel": [
            {
                "stage": stage,
                "stage_order": place,
                "kind": "stage",
                "label_en": stage.upper(),
                "label_pt": stage.upper(),
                "contacts_reached": 1000 // place,
                "contacts_now": 100,
            }
            for place, stage in enumerate(STAGES, start=1)
        ],
        "fct_account_scores": [{"account_id": f"a{number}", "grade": "ABCD"[number % 4]} for number in range(10)],
        "mart_channel_quality": [
            {
                "month_on": month,
                "channel": channel,
                "campaign": "(none)",
                "leads": 20,
                "mqls": 12,
                "sals": 8,
                "sqls": 5,
                "customers": 1,
            }
            for month in MONTHS
            for channel in CHANNELS
        ],
        "mart_sal_mql": [
            {
                "cohort_kind": "month",
                "cohort_on": month,
                "segment": "all",
                "handoffs": 40,
                "judged": 30,
                "accepted": 21,
                "sal_mql_pct": 70,
                "sal_mql_lo_pct": 52.1,
                "sal_mql_hi_pct": 83.3,
                "is_mature": month != MONTHS[-1],
            }
            for month in MONTHS
        ],
        "mart_record_conservation": [
            {
                "source": "hubspot",
                "entity": "contacts",
                "raw_records": 12345,
                "kept": 12000,
                "merged": 300,
                "quarantined": 45,
                "erased": 0,
            }
        ],
    }
