"""Channels of visits, held to GA4's own cases, and spend, from four platforms' own exports, by the project's models."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.ads import load_ads
from tests.integration.dbt_core.conftest import moment, page, write_raw
from tests.integration.dbt_core.test_dbt_shared_data import shared

NO_TESTS = ("--exclude", "resource_type:test", "resource_type:unit_test")


def cases() -> list[dict[str, str]]:
    path = shared("channels") / "ga4_default_channel_grouping_cases.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., Any]) -> Path:
    """Every case is the landing of a visitor of its own; beside them, the exports of the ad platforms."""
    landings = [
        page(
            f"m{number}", f"visitor {number}", moment(number),
            utm_source=case["source"], utm_medium=case["medium"], utm_campaign=case["campaign"],
        )
        for number, case in enumerate(cases())
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("channels")
    path = write_raw(folder / "warehouse.duckdb", {"raw_events.events": landings})
    load_ads(path, shared("crm_shapes") / "ads", pipelines_dir=folder / "pipelines")
    dbt_build(path, "+int_traffic_channels", "channels", "+int_ad_spend", *NO_TESTS)
    return path


def read(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_channels_are_those_of_ga4(warehouse: Path) -> None:
    labels = dict(
        read(
            warehouse,
            """
            select events.message_id, channels.label
            from intermediate.int_page_events as events
            inner join intermediate.int_session_landings as landings
                on events.visitor_number = landings.visitor_number
            inner join intermediate.int_traffic_channels as traffic on landings.traffic_key = traffic.traffic_key
            inner join config.channels on traffic.channel = channels.channel
            """,
        )
    )
    wanted = {f"m{number}": case["expected_channel"] for number, case in enumerate(cases())}
    assert len(wanted) == 30
    assert labels == wanted


def test_spend_of_four_platforms(warehouse: Path, dbt_build: Callable[..., Any]) -> None:
    """Whoever does not tell the currency waits for a line of ad_accounts.csv; then every cent is spend."""
    reports = (
        "select platform, count(*), count(quarantine_reason) from intermediate.int_ad_reports group by 1 order by 1"
    )
    assert read(warehouse, reports) == [
        ("google_ads", 16, 16),
        ("linkedin_ads", 20, 20),
        ("meta_ads", 10, 10),
        ("microsoft_ads", 2630, 0),
    ]
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "insert into config.ad_accounts (platform, account_id, currency) values "
            "('google_ads', '2121450128', 'BRL'), ('linkedin_ads', null, 'USD'), ('linkedin_ads', '507515057', 'EUR'), "
            "('meta_ads', null, 'EUR')"
        )
    dbt_build(warehouse, "int_ad_reports", "int_ad_spend", *NO_TESTS)
    spend = read(
        warehouse,
        "select platform, currency, channel, sum(spend), count(distinct campaign), bool_or(campaign is null)"
        " from intermediate.int_ad_spend group by 1, 2, 3 order by 1, 2, 3",
    )
    assert [row for row in spend if row[0] != "microsoft_ads"] == [
        ("google_ads", "BRL", "paid_search", Decimal("231.33"), 1, False),
        # The stats have neither account nor name: the history tells both, and so the account's currency, not the
        # platform's. Its four campaigns have two names.
        ("linkedin_ads", "EUR", "paid_social", Decimal("530.62"), 2, False),
        ("meta_ads", "EUR", "paid_social", Decimal("643.63"), 0, True),
    ]
    assert sum(row[3] for row in spend if row[0] == "microsoft_ads") == Decimal("946.34")
    assert {row[2] for row in spend if row[0] == "microsoft_ads"} == {"display", "paid_search"}
    [(name,)] = read(warehouse, "select distinct campaign from intermediate.int_ad_spend where platform = 'google_ads'")
    assert name == "Zj9yTjsXtiWREoWWkz3kww=="
    [(kept, counted)] = read(
        warehouse,
        "select (select sum(spend) from intermediate.int_ad_spend), (select sum(spend) from raw_ads.spend)",
    )
    assert kept == counted, "one file a platform: nothing is superseded"
