"""What the queries of a page returned, and how it travels to the script of the page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import duckdb

from reports.languages import Language
from reports.pagefile import Block

#: Campaigns and contents are what others wrote into addresses; a person's e-mail address in one stays off the pages.
_ADDRESS = re.compile(r"[^\s@/?&=:;,<>\"']+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
HIDDEN_ADDRESS = "(e-mail)"

#: Decimals that credits are sent with; money and counts have fewer.
_DECIMALS = 6


@dataclass(frozen=True)
class Rows:
    """Rows under named columns, in the query's order."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    def sample(self, column: str) -> Any:
        """The first known value of a column; None when there is none."""
        place = self.columns.index(column)
        return next((row[place] for row in self.rows if row[place] is not None), None)

    def records(self) -> list[dict[str, Any]]:
        """Each row as a mapping."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def spoken(self, language: Language) -> Rows:
        """The rows in one language.

        Of columns in pairs, ``<name>_en`` or ``<name>`` with ``<name>_pt``, that of the language is kept and called
        ``<name>``.
        """
        kept: dict[str, int] = {}
        for place, column in enumerate(self.columns):
            base, _, code = column.rpartition("_")
            if code == "pt" and (f"{base}_en" in self.columns or base in self.columns):
                if language.code == "pt":
                    kept[base] = place
            elif code == "en" and f"{base}_pt" in self.columns:
                kept.setdefault(base, place)
            else:
                kept.setdefault(column, place)
        places = list(kept.values())
        if tuple(kept) == self.columns:
            return self
        return Rows(tuple(kept), [tuple(row[place] for place in places) for row in self.rows])

    @cached_property
    def compact(self) -> dict[str, Any]:
        """Columns for the script: numbers as they are, anything else as places in a list of its distinct values."""
        return {
            "count": len(self.rows),
            "columns": {
                column: _compact([row[place] for row in self.rows]) for place, column in enumerate(self.columns)
            },
        }


def run_query(block: Block, connection: duckdb.DuckDBPyConnection) -> Rows:
    """Run a SQL block, e-mail addresses in its texts hidden.

    Raises ``PageError`` with file, line and what DuckDB said.
    """
    try:
        result = connection.execute(block.text)
        columns = tuple(str(column[0]) for column in result.description or [])
        rows = [tuple(map(_without_addresses, row)) for row in result.fetchall()]
    except duckdb.Error as error:
        raise block.place.error(f"query {block.name}: {error}") from error
    if len(set(columns)) != len(columns):
        raise block.place.error(f"query {block.name}: two columns have the same name: {', '.join(columns)}")
    return Rows(columns, rows)


def _without_addresses(value: Any) -> Any:
    if isinstance(value, str) and ("@" in value or "%40" in value):
        return _ADDRESS.sub(HIDDEN_ADDRESS, value)
    return value


def plain(value: Any) -> Any:
    """A value as JSON holds it: dates in ISO 8601, decimals as numbers."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else round(float(value), _DECIMALS)
        case float():
            return round(value, _DECIMALS)
        case dt.datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case dt.date():
            return value.isoformat()
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


def _compact(values: list[Any]) -> Any:
    """Numbers as a list; others as distinct values and each row's place among them, one place if all are alike."""
    if any(isinstance(value, str | dt.date) for value in values):
        places: dict[Any, int] = {}
        at = [places.setdefault(value, len(places)) for value in map(plain, values)]
        return {"values": list(places), "at": at if len(places) > 1 else 0}
    return [plain(value) for value in values]


def by_name(blocks: Sequence[Block], kind: str) -> Mapping[str, Block]:
    """Blocks of one kind by their name."""
    return {block.name: block for block in blocks if block.kind == kind}
