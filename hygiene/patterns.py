"""First match of many texts among many regular expressions, as a vectorised SQL function.

An engine compiles an expression that stands in a column once for every row, some 25 microseconds each: a hundred
thousand job titles against seventy rules take minutes. Here the expressions of a batch are compiled once and run over
whole Arrow columns by RE2, the library DuckDB matches with, so a rule means the same in both.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.func import FunctionNullHandling, PythonUDFType

#: Separates the expressions in one text; cannot occur in a seed's cell.
SEPARATOR = "\x1f"


def first_match(values: Any, patterns: Any) -> Any:
    """Number (from 1) of the first expression that each value holds a match of.

    Args:
        values: Arrow array of texts, null = unknown.
        patterns: Arrow array, for each value its expressions in order, joined by ``SEPARATOR``; null = none. Few
            different texts are expected.

    Returns:
        Arrow array of integers; null where the value is null or nothing matches.

    Raises:
        pyarrow.ArrowInvalid: an expression that RE2 does not read; the message holds it.
    """
    found: Any = pa.nulls(len(values), pa.int32())
    lists = patterns.dictionary_encode()
    for code, joined in enumerate(lists.dictionary.to_pylist()):
        mine: Any = pc.fill_null(pc.equal(lists.indices, pa.scalar(code, pa.int32())), False)
        # Backwards, so that the first of several matches is written last.
        for number, pattern in reversed(list(enumerate(joined.split(SEPARATOR), 1))):
            matched: Any = pc.match_substring_regex(values, pattern)
            found = pc.if_else(pc.and_(mine, pc.fill_null(matched, False)), pa.scalar(number, pa.int32()), found)
    return found


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Register ``lh_first_match(value, patterns)`` on the connection; doing it again changes nothing."""
    known = connection.execute(
        "select count(*) from duckdb_functions() where function_name = 'lh_first_match'"
    ).fetchone()
    if known is not None and known[0] == 0:
        connection.create_function(
            "lh_first_match",
            _one_chunk,
            ["VARCHAR", "VARCHAR"],
            "INTEGER",
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )


class Plugin(BasePlugin):
    """Named in ``profiles.yml``; dbt-duckdb calls ``configure_connection`` once per database."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register the function. Raises ``duckdb.Error`` if DuckDB refuses it."""
        register(conn)


def _one_chunk(values: Any, patterns: Any) -> Any:
    return first_match(_array(values), _array(patterns))


def _array(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
