"""One spelling per value, the same in SQL and in Python."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_etl.values import canonical, canonical_sql, column_text_sql


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("set TimeZone = 'UTC'; set threads = 1")
        yield opened


def in_sql(connection: duckdb.DuckDBPyConnection, text: str | None, kind: str, is_multiple: bool = False) -> str | None:
    query = f"select {canonical_sql('v', kind, is_multiple=is_multiple)} from (select cast($1 as varchar) as v)"
    row = connection.execute(query, [text]).fetchone()
    assert row is not None
    found: str | None = row[0]
    return found


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("number", "72.50", "72.5"),
        ("number", "72.5", "72.5"),
        ("number", "100", "100"),
        ("number", "100.000", "100"),
        ("number", "-0.0", "0"),
        ("number", "+7", "7"),
        ("number", ".5", "0.5"),
        ("number", "1e3", "1000"),
        ("number", "-2.5E-05", "-0.000025"),
        ("number", "5e-12", "0"),
        ("number", "007", "7"),
        ("number", "", None),
        ("number", None, None),
        ("number", "seven", "seven"),
        ("bool", "TRUE", "true"),
        ("bool", "0", "false"),
        ("bool", "", None),
        ("bool", "perhaps", "perhaps"),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "1769817600000", "2026-01-31"),
        ("date", "2026-01-31T00:00:00Z", "2026-01-31"),
        ("date", "soon", "soon"),
        ("datetime", "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("datetime", "2026-01-02T05:04:05.678+02:00", "2026-01-02T03:04:05.678Z"),
        ("datetime", "1769817600000", "2026-01-31T00:00:00.000Z"),
        ("string", "", None),
        ("string", " kept as it is ", " kept as it is "),
    ],
)
def test_spelling(connection: duckdb.DuckDBPyConnection, kind: str, text: str | None, expected: str | None) -> None:
    assert canonical(text, kind) == expected
    assert in_sql(connection, text, kind) == expected


def test_a_set_of_options_has_no_order(connection: duckdb.DuckDBPyConnection) -> None:
    for text in ("b;a;", "a;b"):
        assert canonical(text, "enumeration", is_multiple=True) == "a;b"
        assert in_sql(connection, text, "enumeration", is_multiple=True) == "a;b"


@pytest.mark.parametrize(
    ("expression", "kind", "expected"),
    [
        ("cast(72.50 as decimal(18, 2))", "number", "72.5"),
        ("cast(3 as integer)", "number", "3"),
        ("true", "bool", "true"),
        ("date '2026-01-31'", "date", "2026-01-31"),
        ("timestamp '2026-01-31 10:20:30.5'", "datetime", "2026-01-31T10:20:30.500Z"),
        ("timestamptz '2026-01-31 10:20:30+02:00'", "datetime", "2026-01-31T08:20:30.000Z"),
    ],
)
def test_typed_columns_are_spelled_as_the_crm_spells_them(
    connection: duckdb.DuckDBPyConnection, expression: str, kind: str, expected: str
) -> None:
    row = connection.execute(
        f"select {canonical_sql(column_text_sql('v', kind), kind)} from (select {expression} as v)"
    )
    assert row.fetchone() == (expected,)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
@settings(max_examples=60, deadline=None)
def test_equal_numbers_are_equal_text(connection: duckdb.DuckDBPyConnection, number: object) -> None:
    plain = f"{number:.4f}"
    for text in (plain, plain + "0", f" {plain} "):
        assert canonical(text, "number") == canonical(plain, "number") == in_sql(connection, text, "number")


@given(st.text(alphabet="0123456789.-+ x", max_size=12))
@settings(max_examples=150, deadline=None)
def test_sql_and_python_agree_on_odd_numbers(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert in_sql(connection, text, "number") == canonical(text, "number")
