"""The first of several expressions: the same answer as DuckDB's own matching, row by row."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hygiene.patterns import SEPARATOR, first_match, register


def match(values: list[str | None], patterns: list[list[str] | None]) -> list[int | None]:
    joined = [None if one is None else SEPARATOR.join(one) for one in patterns]
    found: list[int | None] = first_match(pa.array(values, pa.string()), pa.array(joined, pa.string())).to_pylist()
    return found


def test_the_first_expression_wins_and_lists_may_differ_by_row() -> None:
    values = ["assistant to the ceo", "ceo", "wizard", None, "ceo", "ceo"]
    titles = [r"\bassistant to\b", r"\bceo\b"]
    patterns = [titles, titles, titles, titles, ["^x", "^c", "^ce"], None]
    assert match(values, patterns) == [1, 2, None, None, 2, None]


def test_an_expression_that_cannot_be_read_is_named() -> None:
    with pytest.raises(pa.ArrowInvalid, match="unclosed"):
        match(["a"], [["(unclosed"]])


def test_nothing_in_nothing_out() -> None:
    assert match([], []) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="abcéñ 1", max_size=6), max_size=30))
def test_it_agrees_with_the_engine(values: list[str]) -> None:
    patterns = [r"\ba", "b{2,}", "é|ñ", r"^[^a]*1$", r"\s"]
    connection = duckdb.connect()
    register(connection)
    register(connection)  # Doing it again changes nothing.
    connection.execute("create table given_values (n integer, v varchar)")
    if values:
        connection.executemany("insert into given_values values (?, ?)", list(enumerate(values)))
    whens = " ".join(f"when regexp_matches(v, '{pattern}') then {i}" for i, pattern in enumerate(patterns, 1))
    rows = connection.execute(
        f"select lh_first_match(v, ?), case {whens} end from given_values order by n", [SEPARATOR.join(patterns)]
    ).fetchall()
    assert all(found == expected for found, expected in rows)
