"""Data nobody here wrote: a CRM export dirty on purpose, and requests as trackers send them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.events import load_events
from ingestion.files import load_mapping
from tests.integration.dbt_core.conftest import ROOT, write_raw

SHARED = Path(os.environ.get("LEADHOUSE_SHARED_DATA", ROOT.parent / "shared" / "data"))


def shared(folder: str) -> Path:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"{folder} is not in {SHARED}: set LEADHOUSE_SHARED_DATA to the folder that holds it")
    return SHARED / folder


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., Any]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both in one warehouse, next to an empty CRM."""
    folder = tmp_path_factory.mktemp("shared")
    path = write_raw(folder / "shared.duckdb", {})
    mapping = ROOT / "docs" / "examples" / "maven_crm.yml"
    load_mapping(path, mapping, pipelines_dir=folder / "pipelines", root=shared("maven_crm"))
    load_events(path, shared("tracker_payloads"), pipelines_dir=folder / "pipelines")
    dbt_build(path, "+path:models/marts/core", "+path:models/marts/quality", "--exclude", "resource_type:test")
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def test_a_crm_export_brought_by_a_mapping_file(built: duckdb.DuckDBPyConnection) -> None:
    def row(query: str) -> tuple[Any, ...]:
        found = built.execute(query).fetchone()
        assert found is not None
        return found

    families = "select count(*), count(distinct root_account_id) from marts.dim_accounts where source = 'maven_crm'"
    assert row(families) == (85, 70)
    assert row(
        "select account_count, won_amount, currency from marts.mart_account_rollup"
        " where root_account_name = 'Acme Corporation'"
    ) == (5, 519_349, "USD")
    assert row(
        "select sum(won_amount), sum(won_count), sum(won_count + lost_count),"
        " round(100.0 * sum(won_count) / sum(won_count + lost_count), 2) from marts.mart_account_rollup"
    ) == (10_005_534, 4_238, 6_711, 63.15)
    assert row("select count(*), count(distinct opportunity_id) from marts.mart_unmatched_opportunities") == (
        1_425,
        1_425,
    )
    assert row("select count(*) from marts.fct_opportunities") == (8_800,)
    products = dict(built.execute("select product, count(*) from marts.fct_opportunities group by 1").fetchall())
    assert len(products) == 7
    assert "GTXPro" not in products
    assert built.execute(
        "select entity, kept from marts.mart_record_conservation where source = 'maven_crm'"
    ).fetchall()


def test_requests_of_real_trackers_become_touches_of_the_right_people(built: duckdb.DuckDBPyConnection) -> None:
    people = dict(built.execute("select coalesce(email, '-'), contact_id from marts.dim_contacts").fetchall())
    assert set(people) == {"ada@example.com", "-"}, (
        "every library's user u1 is Ada; u2 sent one event without an address"
    )
    ada = people["ada@example.com"]
    touches = built.execute("select touch_type, signal_detail, contact_id from marts.fct_touches").fetchall()
    demos = [who for kind, detail, who in touches if (kind, detail) == ("form_submission", "demo_request")]
    assert len(demos) >= 7
    assert set(demos) == {ada}
    assert {who for _, detail, who in touches if detail == "Gz"} == {people["-"]}
    assert {who for kind, _, who in touches if kind == "web_session"} == {ada, None}
    assert not [detail for _, detail, _ in touches if detail == "page_ping"], "a heartbeat is no touch"
