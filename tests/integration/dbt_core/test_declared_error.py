"""The sample world's planted errors in what people declare come out of dbt as they were planted; checked values win."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.load_world import load_world
from leadhouse.rules.identity import SURVIVING_FIELDS

ROOT = Path(__file__).resolve().parents[3]
BUILD_ONLY = ("--exclude-resource-type", "test", "unit_test")
Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "small"
    subprocess.run(
        [sys.executable, "-m", "sandbox.world", "--size", "small", "--out", str(out)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def warehouse(world: Path, dbt_build: Build) -> Path:
    path = world.parent / "warehouse.duckdb"
    load_world(world, path)
    dbt_build(path, "+mart_declared_error", "+mart_committee", "+dim_accounts", *BUILD_ONLY)
    return path


def query(warehouse: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def wilson(successes: int, trials: int, z: float) -> tuple[float, float]:
    """The interval of the macro, written down a second time."""
    p = successes / trials
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    return centre - half, centre + half


def counted(world: Path, warehouse: Path, entity: str, source: str, field: str) -> list[tuple[Any, ...]]:
    """Provider, values compared, values that disagree."""
    if (entity, field) != ("contact", "country"):
        return query(
            warehouse,
            """
            select reference_provider, sum(n_compared), sum(n_disagree) from marts.mart_declared_error
            where entity = ? and declared_source = ? and field = ? group by all
            """,
            entity,
            source,
            field,
        )
    # Second records of a person are written with the right country: the planted rate is that of the first ones.
    return query(
        warehouse,
        """
        select reference_provider, count(*), sum(cast(disagrees as integer))
        from intermediate.int_declared_comparisons as comparisons
        inner join intermediate.int_contact_records as records on comparisons.record_key = records.record_key
        inner join read_parquet(?) as people
            on records.source = people.source and records.record_id = people.record_id
        where people.duplicate_kind = 'none' and entity = ? and declared_source = ? and field = ? group by all
        """,
        str(world / "truth" / "people.parquet"),
        entity,
        source,
        field,
    )


def test_counts_are_those_of_the_raw_answers_at_the_true_companies(world: Path, warehouse: Path) -> None:
    """What people declared, beside the newest answer of each provider about the company they are truly at: counted
    without any of the models. Who was put at another company by the models may shift a count a little."""
    expected = query(
        warehouse,
        """
        with people as (select * from read_parquet(?) where source = 'hubspot' and company_key is not null),
        companies as (select distinct company_key, domain from read_parquet(?)),
        answers as (
            select domain, provider, arg_max(cast(employee_count as double), enriched_at) as heads,
                arg_max(cast(annual_revenue as double), enriched_at) as money
            from raw_enrichment.companies group by all
        ),
        said as (
            select people.company_key, try_cast(property_numemployees as bigint) as heads,
                try_cast(property_annualrevenue as double) as money
            from raw_hubspot.contacts inner join people on contacts.id = people.record_id
            where not coalesce(contacts.archived, false)
        )
        select answers.provider, field, count(*), sum(cast(abs(declared - measured) > 0.2 * measured as integer))
        from said
        inner join companies using (company_key)
        inner join answers using (domain),
        lateral (values ('employee_count', said.heads, answers.heads), ('annual_revenue', said.money, answers.money))
            as facts (field, declared, measured)
        where declared is not null and measured is not null
        group by all
        """,
        str(world / "truth" / "people.parquet"),
        str(world / "truth" / "companies.parquet"),
    )
    assert len(expected) == 4
    found = {
        (provider, field): (compared, disagree)
        for provider, field, compared, disagree in query(
            warehouse,
            """
            select reference_provider, field, sum(n_compared), sum(n_disagree) from marts.mart_declared_error
            where entity = 'contact' and declared_source = 'hubspot' and field in ('employee_count', 'annual_revenue')
            group by all
            """,
        )
    }
    for provider, field, compared, disagree in expected:
        n, d = found[provider, field]
        assert compared >= 8
        assert abs(n - compared) <= 1 + compared // 20, (provider, field)
        assert abs(d - disagree) <= 1 + disagree // 20, (provider, field)


def test_planted_rates_lie_within_the_intervals(world: Path, warehouse: Path) -> None:
    """Every rate that the world states, at every provider, within 99.9 %; nearly all within the mart's own 95 %."""
    planted = json.loads((world / "truth" / "effects.json").read_text(encoding="utf-8"))["declared_errors"]
    assert {(row["entity"], row["field"]) for row in planted} >= {
        ("contact", "employee_count"), ("contact", "annual_revenue"), ("contact", "country"),
        ("account", "employee_count"), ("account", "annual_revenue"), ("account", "country"),
    }  # fmt: skip
    within = []
    for row in planted:
        counts = counted(world, warehouse, row["entity"], row["source"], row["field"])
        assert counts, row
        for provider, compared, disagree in counts:
            low, high = wilson(disagree, compared, 3.29)
            assert low <= row["rate"] <= high, (row, provider, compared, disagree)
            low, high = wilson(disagree, compared, 1.959964)
            within.append(low <= row["rate"] <= high)
    assert sum(within) >= 0.8 * len(within)


def test_the_interval_is_wilson_s(warehouse: Path) -> None:
    rows = query(warehouse, "select n_disagree, n_compared, lo_pct, hi_pct from marts.mart_declared_error")
    assert rows
    for disagree, compared, low, high in rows:
        expected = wilson(disagree, compared, 1.959964)
        assert float(low) == pytest.approx(100 * expected[0], abs=0.001)
        assert float(high) == pytest.approx(100 * expected[1], abs=0.001)


@pytest.mark.parametrize("entity", ["contact", "account"])
def test_rules_may_name_every_field_that_survives(warehouse: Path, entity: str) -> None:
    fields = {
        field for (field,) in query(warehouse, f"select distinct field from intermediate.int_{entity}_attributes")
    }
    assert fields == set(SURVIVING_FIELDS[entity])


def test_a_person_of_several_records_counts_once_in_the_committee(warehouse: Path) -> None:
    rows = query(
        warehouse,
        """
        select committee.account_id, committee.people, contacts.people, contacts.records
        from (select account_id, sum(people) as people from marts.mart_committee group by account_id) as committee
        inner join (
            select account_id, count(*) as people, sum(source_record_count) as records
            from marts.dim_contacts where account_id is not null group by account_id
        ) as contacts using (account_id)
        """,
    )
    assert any(records > people for _, _, people, records in rows), "some people have several records"
    assert all(committee == people for _, committee, people, _ in rows)


def test_a_checked_value_wins_and_becomes_a_reference(warehouse: Path, dbt_build: Build) -> None:
    """R20, from the seed to dim_contacts and dim_accounts; the losing values stay."""
    contact_id, record_id, old = query(
        warehouse,
        """
        select contact_id, record_id, value from intermediate.int_contact_attributes
        where field = 'job_title' and source = 'hubspot' and is_surviving order by contact_id limit 1
        """,
    )[0]
    account_id, domain = query(
        warehouse, "select account_id, domain from marts.dim_accounts where domain is not null order by 1 limit 1"
    )[0]
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """
            insert into config.verified_values values
            ('contact', 'hubspot', $record, null, 'job_title', 'Chief Checked Officer', null, 'b', date '2020-01-01'),
            ('contact', 'hubspot', $record, null, 'email', 'checked@firm.example', null, 'b', date '2020-01-01'),
            ('account', null, null, $domain, 'employee_count', '4321', null, 'b', date '2020-01-01')
            """,
            {"record": record_id, "domain": domain},
        )
    dbt_build(
        warehouse, "int_verified_contact_values", "int_verified_account_values", "int_contact_attributes",
        "int_account_attributes", "int_job_titles", "int_declared_comparisons", "mart_declared_error",
        "dim_contacts", "dim_accounts",
        command="run",
    )  # fmt: skip
    title, email, status, role = query(
        warehouse,
        "select job_title, email, email_status, buying_role from marts.dim_contacts where contact_id = ?",
        contact_id,
    )[0]
    assert (title, email, status) == ("Chief Checked Officer", "checked@firm.example", "valid")
    assert role == "decision_maker"
    lost = query(
        warehouse,
        """
        select value, lost_because from intermediate.int_contact_attributes
        where contact_id = ? and field = 'job_title' and record_id = ? and value_source = 'declared'
        """,
        contact_id,
        record_id,
    )
    assert lost == [(old, "precedence")]
    assert query(warehouse, "select employee_count from marts.dim_accounts where account_id = ?", account_id) == [
        (4321,)
    ]
    references = query(
        warehouse,
        "select distinct entity, field from marts.mart_declared_error where reference_source = 'verified' order by all",
    )
    assert ("contact", "job_title") in references
    assert ("contact", "email") in references
