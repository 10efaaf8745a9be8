"""Channels of visits, held to GA4's own cases by the project's models (R2)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from tests.integration.dbt_core.conftest import moment, page, write_raw
from tests.integration.dbt_core.test_dbt_shared_data import shared


def test_channels_are_those_of_ga4(tmp_path: Path, dbt_build: Callable[..., Any]) -> None:
    """Every case is the landing of a visitor of its own, from the raw table to the channel."""
    with (shared("channels") / "ga4_default_channel_grouping_cases.csv").open(newline="", encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    assert len(cases) == 30
    landings = [
        page(
            f"m{number}", f"visitor {number}", moment(number),
            utm_source=case["source"], utm_medium=case["medium"], utm_campaign=case["campaign"],
        )
        for number, case in enumerate(cases)
    ]  # fmt: skip
    path = write_raw(tmp_path / "warehouse.duckdb", {"raw_events.events": landings})
    dbt_build(path, "+int_traffic_channels", "channels", "--exclude", "resource_type:test", "resource_type:unit_test")
    with duckdb.connect(str(path), read_only=True) as connection:
        labels = dict(
            connection.execute(
                """
                select events.message_id, channels.label
                from intermediate.int_page_events as events
                inner join intermediate.int_session_landings as landings
                    on events.visitor_number = landings.visitor_number
                inner join intermediate.int_traffic_channels as traffic on landings.traffic_key = traffic.traffic_key
                inner join config.channels on traffic.channel = channels.channel
                """
            ).fetchall()
        )
    wrong = [
        (case, labels.get(f"m{n}")) for n, case in enumerate(cases) if labels.get(f"m{n}") != case["expected_channel"]
    ]
    assert wrong == []
