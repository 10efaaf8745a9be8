"""Rows of the warehouse in, tables for it out."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from attribution.errors import AttributionError
from attribution.warehouse import effects_table, intervals_table
from tests.unit.attribution.journeys import TEXTBOOK, moves_of

SETTINGS = {
    "shapley_exact_channels": Decimal("15.0000"),
    "shapley_sampled_orders": Decimal("2000.0000"),
    "shapley_seed": Decimal("7.0000"),
    "bootstrap_resamples": Decimal("1000.0000"),
    "bootstrap_seed": Decimal("7.0000"),
}


def test_effects_of_each_kind() -> None:
    moves = [("won", *move) for move in moves_of(TEXTBOOK)] + [("mql", *move) for move in moves_of([(["g"], True)])]
    table = effects_table(moves, SETTINGS).to_pylist()
    assert [(row["conversion_kind"], row["method"], row["channel"]) for row in table] == [
        ("mql", "markov", "g"), ("mql", "shapley", "g"),
        ("won", "markov", "g"), ("won", "markov", "m"), ("won", "shapley", "g"), ("won", "shapley", "m"),
    ]  # fmt: skip
    assert [row["conversions"] for row in table[2:4]] == [Decimal("2.400000000000"), Decimal("1.600000000000")]
    assert effects_table(reversed(moves), SETTINGS).to_pylist() == table
    assert effects_table([], SETTINGS).num_rows == 0


def test_what_is_missing_or_wrong_is_named() -> None:
    with pytest.raises(AttributionError, match=r"attribution_settings.csv.*'shapley_seed'"):
        effects_table([], SETTINGS | {"shapley_seed": None})
    with pytest.raises(AttributionError, match="kind 'won': 1 journeys start and 0 end"):
        effects_table([("won", "(start)", "g", 1)], SETTINGS)


def test_intervals_of_each_kind_and_model() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table credits as
            select kind as conversion_kind, n as conversion_number, model, channel, number - 1 as column_number,
                cast(1 as decimal(18, 12)) as credit
            from
                (
                    values ('won', 'first', 'a', 1), ('won', 'first', 'b', 2), ('won', 'last', 'b', 3),
                        ('it''s', 'last', 'a', 1)
                ) as names (kind, model, channel, number),
                range(100) as numbers (n)
            where (kind = 'won' and (model = 'last' or (channel = 'a') = (n < 30))) or (kind != 'won' and n < 2)
            """
        )
        table = intervals_table(connection.table("credits"), SETTINGS).to_pylist()
        empty = intervals_table(connection.table("credits").filter("false"), SETTINGS)
    assert [(row["conversion_kind"], row["model"], row["channel"], float(row["share"])) for row in table] == [
        ("it's", "last", "a", 1), ("won", "first", "a", 0.3), ("won", "first", "b", 0.7), ("won", "last", "b", 1),
    ]  # fmt: skip
    first = table[1]
    assert (first["resamples"], first["conversions_n"]) == (1000, 100)
    assert 0.18 < first["share_lo"] < 0.25 < 0.35 < first["share_hi"] < 0.42
    assert (table[3]["share_lo"], table[3]["share_hi"]) == (1, 1)
    assert empty.num_rows == 0
