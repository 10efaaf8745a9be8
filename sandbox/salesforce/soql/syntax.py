"""What a SOQL query says, as the parser found it; positions are characters from the query's start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: What a written value is: its form decides whether it fits a field.
Form = Literal["string", "number", "boolean", "null", "date", "datetime", "span", "currency"]


@dataclass(frozen=True)
class Path:
    """``Account.Owner.Name``."""

    names: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True)
class Call:
    """``COUNT(Id)``, ``toLabel(Status)``, ``COUNT()``; with the alias that SELECT may give."""

    function: str
    path: Path | None
    at: int
    alias: str | None = None


@dataclass(frozen=True)
class AllFields:
    """``FIELDS(ALL | STANDARD | CUSTOM)``."""

    which: str
    at: int


@dataclass(frozen=True)
class Value:
    """A literal. ``value`` is text, a number, a bool or None; of a span, its name with its number behind a colon."""

    form: Form
    value: str | float | bool | None
    at: int
    #: A string as LIKE reads it: the escapes of ``%`` and ``_`` are still there.
    pattern: str = ""


@dataclass(frozen=True)
class Comparison:
    """``field operator value``; the value is a list after IN, NOT IN, INCLUDES, EXCLUDES, or a query."""

    left: Path | Call
    operator: str
    right: Value | tuple[Value, ...] | Query
    at: int


@dataclass(frozen=True)
class Not:
    """``NOT condition``."""

    condition: Condition


@dataclass(frozen=True)
class Both:
    """Conditions joined by AND or OR."""

    operator: Literal["AND", "OR"]
    conditions: tuple[Condition, ...]


Condition = Comparison | Not | Both


@dataclass(frozen=True)
class Order:
    """One member of ORDER BY; nulls come first unless said otherwise."""

    key: Path | Call
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True)
class Query:
    """A whole query, or one in parentheses."""

    select: tuple[Path | Call | AllFields | Query, ...]
    source: str
    source_at: int
    alias: str | None = None
    where: Condition | None = None
    group_by: tuple[Path | Call, ...] = ()
    having: Condition | None = None
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    all_rows: bool = False
    aliases: dict[int, str] = field(default_factory=dict)
