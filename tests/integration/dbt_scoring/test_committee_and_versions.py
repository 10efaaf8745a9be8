"""The whole chain with the shipped rules: who counts at an account, and what the version of a rule set stands for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from .conftest import Dbt


@pytest.fixture(scope="module")
def scored(warehouse: Path, dbt: Dbt) -> Path:
    """Three accounts of the same kind: ten hyperactive interns, three light deciders, one very active champion."""
    dbt("seed")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema marts")
        connection.execute("create schema if not exists intermediate")
        connection.execute(
            """
            create table marts.dim_accounts as
            select unnest(['interns', 'deciders', 'champion']) as account_id;

            create table marts.dim_contacts as
            select account_id || number as contact_id, account_id, buying_role, number || '@example.com' as email,
                'valid' as email_status, true as is_reachable, 'FR' as country, 'fr' as language,
                null::varchar as job_title, 'unknown' as seniority, 'form' as capture_method
            from (
                select 'interns' as account_id, 'intern' as buying_role, unnest(range(10)) as number
                union all select 'deciders', 'decision_maker', unnest(range(3))
                union all select 'champion', 'champion', 0
            );

            create table intermediate.int_contact_attributes as
            select contact_id, 'job_title' as field, 'declared' as value_source, timestamp '2026-10-01' as as_of,
                true as is_surviving
            from marts.dim_contacts;

            create table intermediate.int_clean_activity_codes as
            select '62.01Z' as code_raw, 'NAF' as system_raw, 'NAF' as code_system, '62.01Z' as code,
                '62.01' as nace_class, '6201' as isic_class, '62' as division, 'J' as section, 'valid' as code_status;

            create table intermediate.int_clean_domains as
            select 'example.com' as domain_raw, 'example.com' as domain, false as is_shared;

            create table intermediate.int_account_attributes as
            select account_id, field, value, qualifier, 'verified' as value_source, timestamp '2026-10-01' as as_of,
                true as is_surviving
            from marts.dim_accounts
            cross join (values ('employee_count', '800', null), ('activity_code', '62.01Z', 'NAF'))
                as facts (field, value, qualifier);

            create table intermediate.int_currency_rates as
            select 'EUR' as currency, date '2000-01-01' as valid_from, date '9999-12-31' as valid_to, 1.0 as rate;

            create table intermediate.int_page_views as
            select contact_id, timestamp '2026-10-31 10:00:00' as event_at, 'pricing' as page_kind, 600 as dwell_seconds
            from marts.dim_contacts
            cross join range(40)
            where account_id != 'deciders';

            create table marts.fct_touches as
            select contact_id, timestamp '2026-10-31 10:00:00' as touch_at, 'webinar_attended' as touch_type,
                null::varchar as signal_detail, 'webinar' as channel, null::varchar as campaign, false as is_machine,
                true as is_inbound, null::bigint as dwell_seconds
            from marts.dim_contacts
            cross join range(2)
            """
        )
    dbt("run", "--select", "int_as_of", "path:models/intermediate/scoring", "fct_account_scores", "fct_score_ledger")
    return warehouse


def rows(warehouse: Path, query: str) -> dict[str, tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {row[0]: row[1:] for row in connection.execute(query).fetchall()}


def test_three_light_deciders_beat_ten_hyperactive_interns(scored: Path) -> None:
    accounts = rows(
        scored, "select account_id, score, grade, gate_passed, engaged_contacts from marts.fct_account_scores"
    )
    interns, deciders, champion = accounts["interns"], accounts["deciders"], accounts["champion"]
    assert interns[3] == 10
    assert interns[2] is False
    assert deciders[2] is True
    assert deciders[0] > champion[0] > interns[0]  # type: ignore[operator]
    assert (interns[1], deciders[1]) == ("C", "A")


def test_interns_leave_no_points_on_the_ledger_of_their_account(scored: Path) -> None:
    lines = rows(
        scored,
        "select rule_id, points from marts.fct_score_ledger where entity_type = 'account' and entity_id = 'interns'",
    )
    assert lines == {"size_large": (Decimal(25),), "activity_software": (Decimal(15),)}


def test_version_is_that_of_the_content_not_of_its_order(scored: Path, dbt: Dbt) -> None:
    query = "select 'version', ruleset_version from intermediate.int_ruleset_version"
    shipped = rows(scored, query)
    with duckdb.connect(str(scored)) as connection:
        connection.execute("create table shuffled as select * from config.fit_rules order by hash(rule_id)")
        connection.execute("delete from config.fit_rules")
        connection.execute("insert into config.fit_rules select * from shuffled")
    dbt("run", "--select", "int_ruleset_version")
    assert rows(scored, query) == shipped
    with duckdb.connect(str(scored)) as connection:
        connection.execute("update config.fit_rules set points = points + 0.0001 where rule_id = 'size_mid'")
    dbt("run", "--select", "int_ruleset_version")
    changed = rows(scored, query)
    assert changed != shipped
    with duckdb.connect(str(scored)) as connection:
        connection.execute("update config.title_rules set seniority = 'other' where priority = 10")
        connection.execute("update config.page_kinds set page_kind = 'other' where priority = 10")
    dbt("run", "--select", "int_ruleset_version")
    assert rows(scored, query) not in (changed, shipped), "rules that decide what the inputs are count too"
