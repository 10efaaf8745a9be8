"""The functions as SQL sees them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from hygiene.duckdb_plugin import PART, register


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        register(connection)
        yield connection


def test_registering_again_changes_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    register(connection)
    assert connection.execute("select lh_domain('www.acme.com')").fetchone() == ("acme.com",)


def test_nulls_and_more_rows_than_one_vector(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        "select count(*), count(distinct lh_email(address)) from (select"
        " case when i % 2 = 0 then 'a' || i || '@acme.com' end as address from range(10000) as t(i))"
    ).fetchone()
    assert rows == (10_000, 5_001)


def test_parts_come_in_order(connection: duckdb.DuckDBPyConnection) -> None:
    email, phone, host = connection.execute(
        "select lh_email('A.b+c@Gmail.com'), lh_phone('(11) 98765-4321', 'BR'), lh_host('x@acme.com.br')"
    ).fetchone()
    assert email.split(PART) == ["a.b+c@gmail.com", "ab@gmail.com", "gmail.com", "valid", "", "", ""]
    assert phone.split(PART) == ["+5511987654321", "valid", "", "mobile"]
    assert host.split(PART) == ["acme.com.br", "acme", "com.br", "y"]


def test_rules_reach_every_row(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        "select distinct lh_company_key(name, rules) from (select 'Acme SA' as name, rules from range(5000),"
        " (values ('end|s.a.'), ('end|ltda')) as seeds(rules)) order by 1"
    ).fetchall()
    assert rows == [("acme",), ("acme sa",)]


def test_the_version_is_one_text_and_lasts(connection: duckdb.DuckDBPyConnection) -> None:
    versions = connection.execute("select distinct lh_hygiene_version() from range(3000)").fetchall()
    assert len(versions) == 1
    assert len(versions[0][0]) == 32
