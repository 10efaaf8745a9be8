"""Views: sums, ratios and shares of queries for what the reader has selected.

A view is computed here for the selection that a page opens with, and by ``static/report.js`` for every other; both do
the same four things: keep the rows of the selection, add up by the view's columns, divide sums by sums (never average
ratios), and order.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reports.data import Rows
from reports.pagefile import Block, Filter

_RATIO = re.compile(r"\(?(?P<over>[\w\s+-]+?)\)?\s*/\s*(?P<by>\w+)")
_TERM = re.compile(r"([+-]?)\s*([a-z]\w*)")


@dataclass(frozen=True)
class Ratio:
    """``sum(over) / sum(by)``: ``over`` are columns with their sign.

    Null where ``by`` adds up to nothing, or where one of the sums is unknown.
    """

    over: tuple[tuple[int, str], ...]
    by: str

    def of(self, sums: Mapping[str, Decimal | None]) -> Decimal | None:
        """The ratio of sums."""
        below = sums[self.by]
        above = [(sign, sums[column]) for sign, column in self.over]
        if not below or any(value is None for _, value in above):
            return None
        return sum((sign * value for sign, value in above if value is not None), Decimal(0)) / below


@dataclass(frozen=True)
class View:
    """Sums of queries by columns, with ratios and shares of them.

    ``sums`` are summed columns by query; ``ratios`` and ``shares`` are by the name of the new column, a share being
    the part of its column's total. ``order`` is a column and whether it descends. ``columns`` is everything, in order.
    ``described_by`` is the mart whose descriptions the new columns have.
    """

    name: str
    sums: Mapping[str, tuple[str, ...]]
    by: tuple[str, ...]
    ratios: Mapping[str, Ratio]
    shares: Mapping[str, str]
    order: tuple[str, bool] | None
    described_by: str | None
    columns: tuple[str, ...]

    @property
    def has_total(self) -> bool:
        """Whether the rows are parts of a whole: those of a view by something other than time."""
        return bool(self.by) and "month_on" not in self.by

    def for_client(self) -> dict[str, Any]:
        """The view as the script needs it."""
        return {
            "sums": {query: list(columns) for query, columns in self.sums.items()},
            "by": self.by,
            "ratios": {name: {"over": ratio.over, "by": ratio.by} for name, ratio in self.ratios.items()},
            "shares": dict(self.shares),
            "order": self.order,
            "total": self.has_total,
            "columns": self.columns,
        }


@dataclass(frozen=True)
class Selection:
    """What is selected: a value by filter, a pair (from, to) for ranges, and what is compared with."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def keeper(self, filters: Sequence[Filter], columns: Sequence[str]) -> Callable[[Sequence[Any]], bool]:
        """A test of rows with these columns: whether a row belongs to the selection.

        Filters whose column is not among them do not concern these rows.
        """
        tests = [
            (list(columns).index(chosen.column), chosen.is_range, self.values[chosen.name])
            for chosen in filters
            if chosen.column in columns and self.values.get(chosen.name) is not None
        ]

        def keeps(row: Sequence[Any]) -> bool:
            for place, is_range, wanted in tests:
                value = row[place]
                if value is None:
                    return False
                if is_range:
                    if not wanted[0] <= _day(value) <= wanted[1]:
                        return False
                elif str(value) != wanted:
                    return False
            return True

        return keeps


def read_view(block: Block, queries: Mapping[str, Rows]) -> View:
    """Read a view block. Raises ``PageError`` with file and line for unknown queries, columns and keys."""
    given = block.yaml()
    known = {"from", "by", "ratios", "shares", "order", "columns", "described_by"}
    if not isinstance(given, dict) or "from" not in given or not set(given) <= known:
        raise block.place.error(f"a view has `from` and may have {', '.join(sorted(known - {'from'}))}")
    sums: dict[str, tuple[str, ...]] = {}
    summed: list[str] = []
    for query, columns in given["from"].items():
        if query not in queries:
            raise block.line_of(str(query)).error(f"view {block.name}: no query is called {query}")
        for column in columns:
            if column not in queries[query].columns:
                raise block.line_of(column).error(f"view {block.name}: query {query} has no column {column}")
            if column in summed:
                raise block.line_of(column).error(f"view {block.name}: {column} is summed twice")
            summed.append(column)
        sums[query] = tuple(columns)
    by = _names(given.get("by"))
    for column in by:
        if not any(column in queries[query].columns for query in sums):
            raise block.line_of(column).error(f"view {block.name}: no query of this view has a column {column}")
    ratios = {name: _ratio(block, name, text, summed) for name, text in (given.get("ratios") or {}).items()}
    shares = dict(given.get("shares") or {})
    for name, column in shares.items():
        if column not in summed:
            raise block.line_of(name).error(f"view {block.name}: {column} is not summed, so it has no shares")
    everything = [*by, *summed, *ratios, *shares]
    columns = tuple(_names(given.get("columns")) or everything)
    for column in columns:
        if column not in everything:
            raise block.line_of(column).error(f"view {block.name}: it has no column {column}")
    order = _order(block, given.get("order"), everything)
    return View(block.name, sums, tuple(by), ratios, shares, order, given.get("described_by"), columns)


def aggregate(
    view: View, queries: Mapping[str, Rows], filters: Sequence[Filter], selection: Selection
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The view's rows for a selection, and its total.

    Sums are DECIMAL. A group that a query lacks adds nothing (0); one whose values are all null is unknown (None).
    """
    groups: dict[tuple[Any, ...], _Sums] = {}
    summed = [column for columns in view.sums.values() for column in columns]
    total = _Sums(summed)
    for query, columns in view.sums.items():
        data = queries[query]
        at = {column: place for place, column in enumerate(data.columns)}
        keeps = selection.keeper(filters, data.columns)
        for row in filter(keeps, data.rows):
            key = tuple(row[at[name]] if name in at else None for name in view.by)
            if key not in groups:
                groups[key] = _Sums(summed)
            for column in columns:
                groups[key].add(column, row[at[column]])
                total.add(column, row[at[column]])
    if not view.by:
        groups.setdefault((), _Sums(summed))
    whole = total.values()
    records = [
        {**dict(zip(view.by, key, strict=True)), **_derived(view, sums.values(), whole)} for key, sums in groups.items()
    ]
    if view.order:
        column, descends = view.order
        records.sort(key=lambda record: str(record[view.by[0]]) if view.by else "")
        records.sort(key=lambda record: _sortable(record[column]), reverse=descends)
    return records, _derived(view, whole, whole)


class _Sums:
    """Sums of columns; unknown where every value that was added is null."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._sums: dict[str, Decimal | None] = dict.fromkeys(columns, Decimal(0))
        self._is_known = dict.fromkeys(columns, False)

    def add(self, column: str, value: Any) -> None:
        if value is None:
            if not self._is_known[column]:
                self._sums[column] = None
            return
        self._is_known[column] = True
        self._sums[column] = (self._sums[column] or Decimal(0)) + (
            value if isinstance(value, Decimal) else Decimal(str(value))
        )

    def values(self) -> dict[str, Decimal | None]:
        return self._sums


def _derived(view: View, sums: Mapping[str, Decimal | None], total: Mapping[str, Decimal | None]) -> dict[str, Any]:
    return {
        **sums,
        **{name: ratio.of(sums) for name, ratio in view.ratios.items()},
        **{name: _share(sums[column], total[column]) for name, column in view.shares.items()},
    }


def _share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part / whole if part is not None and whole else None


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def _day(value: Any) -> str:
    return value.isoformat()[:10] if isinstance(value, dt.date) else str(value)[:10]


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]


def _ratio(block: Block, name: str, text: Any, summed: Sequence[str]) -> Ratio:
    found = _RATIO.fullmatch(str(text).strip())
    if not found:
        raise block.line_of(name).error(f"view {block.name}: a ratio is `a / b` or `(a - b) / c`: {text}")
    over = tuple((-1 if sign == "-" else 1, column) for sign, column in _TERM.findall(found["over"]))
    for column in (*(column for _, column in over), found["by"]):
        if column not in summed:
            raise block.line_of(name).error(f"view {block.name}: {name} needs {column}, which is not summed")
    return Ratio(over, found["by"])


def _order(block: Block, text: Any, columns: Sequence[str]) -> tuple[str, bool] | None:
    if text is None:
        return None
    column, _, direction = str(text).partition(" ")
    if column not in columns or direction not in ("", "asc", "desc"):
        raise block.line_of("order").error(f"view {block.name}: `order` is a column, then desc or nothing: {text}")
    return column, direction == "desc"
