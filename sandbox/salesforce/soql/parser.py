"""A recursive-descent parser of SOQL; every refusal says the row and column, as the vendor's does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sandbox.salesforce.errors import ApiError, malformed_query
from sandbox.salesforce.fields import moment_ms
from sandbox.salesforce.soql.syntax import (
    AllFields,
    Both,
    Call,
    Comparison,
    Condition,
    Not,
    Order,
    Path,
    Query,
    Value,
)

MAX_LENGTH = 100_000

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>'(?:[^'\\]|\\.)*')
      | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|z|[+-]\d\d:?\d\d))
      | (?P<date>\d{4}-\d\d-\d\d(?![\dT]))
      | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w]))
      | (?P<currency>[A-Za-z]{3}\d+(?:\.\d+)?(?![\w.]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<symbol><=|>=|!=|<>|=|<|>|\(|\)|,|:)""",
    re.VERBOSE | re.DOTALL,
)

_ESCAPES = {"n": "\n", "N": "\n", "r": "\r", "R": "\r", "t": "\t", "T": "\t", "b": "\b", "B": "\b", "f": "\f",
            "F": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}  # fmt: skip
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)

#: Moments named relative to now; the second set takes a number: ``LAST_N_DAYS:30``.
SPANS = frozenset(
    [
        "TODAY",
        "YESTERDAY",
        "TOMORROW",
        "THIS_WEEK",
        "LAST_WEEK",
        "NEXT_WEEK",
        "THIS_MONTH",
        "LAST_MONTH",
        "NEXT_MONTH",
        "THIS_QUARTER",
        "LAST_QUARTER",
        "NEXT_QUARTER",
        "THIS_YEAR",
        "LAST_YEAR",
        "NEXT_YEAR",
        "LAST_90_DAYS",
        "NEXT_90_DAYS",
    ]
)
NUMBERED_SPANS = frozenset(
    form.format(unit)
    for unit in ("DAYS", "WEEKS", "MONTHS", "YEARS")
    for form in ("LAST_N_{}", "NEXT_N_{}", "N_{}_AGO")
)

_AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG"})
_FUNCTIONS = _AGGREGATES | {"TOLABEL", "FORMAT", "CONVERTCURRENCY", "FIELDS", "DAY_ONLY", "CALENDAR_YEAR",
                            "CALENDAR_MONTH", "DAY_IN_MONTH"}  # fmt: skip
_CLAUSES = frozenset({"FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL", "USING"})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "name" else self.text


def parse(text: str) -> Query:
    """The query that a text holds.

    Raises:
        ApiError: 400 MALFORMED_QUERY with the position.
    """
    if len(text) > MAX_LENGTH:
        raise malformed_query(f"SOQL statements cannot be longer than {MAX_LENGTH} characters")
    parser = _Parser(text)
    query = parser.query()
    parser.end()
    return query


def complaint(text: str, at: int, message: str, code: str = "MALFORMED_QUERY") -> ApiError:
    """400 for one place of a query: the line, a caret below the place, row and column, the sentence."""
    row = text.count("\n", 0, at) + 1
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].split("\n", 1)[0]
    column = at - start
    shown, caret = line, column
    if len(line) > 120:
        cut = max(0, column - 60)
        shown, caret = line[cut : cut + 120], column - cut
    return ApiError(400, code, f"\n{shown}\n{' ' * caret}^\nERROR at Row:{row}:Column:{column + 1}\n{message}")


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if text[at] == "'":
                raise complaint(text, at, "unexpected token: '<EOF>' (a string is not closed)")
            raise complaint(text, at, f"unexpected character: '{text[at]}'")
        kind = str(match.lastgroup)
        if kind != "space":
            found = match.group()
            tokens.append(_Token(kind, re.sub(r"\s*\.\s*", ".", found) if kind == "name" else found, at))
        at = match.end()
    tokens.append(_Token("end", "<EOF>", len(text)))
    return tokens


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0

    # Tokens -------------------------------------------------------------------------------------------------------

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def take(self) -> _Token:
        token = self.tokens[self.place]
        self.place += token.kind != "end"
        return token

    def unexpected(self) -> ApiError:
        return complaint(self.text, self.next.at, f"unexpected token: '{self.next.text}'")

    def at(self, *words: str) -> bool:
        return all(self.tokens[min(self.place + i, len(self.tokens) - 1)].word == word for i, word in enumerate(words))

    def skip(self, *words: str) -> bool:
        if not self.at(*words):
            return False
        self.place += len(words)
        return True

    def need(self, *words: str) -> None:
        for word in words:
            if self.next.word != word:
                raise self.unexpected()
            self.take()

    def end(self) -> None:
        if self.next.kind != "end":
            raise self.unexpected()

    def name(self) -> _Token:
        if self.next.kind != "name":
            raise self.unexpected()
        return self.take()

    def whole(self, what: str) -> int:
        token = self.next
        if token.kind != "number" or not token.text.isdigit():
            raise complaint(self.text, token.at, f"{what} takes a whole number, not '{token.text}'")
        return int(self.take().text)

    # Clauses ------------------------------------------------------------------------------------------------------

    def query(self) -> Query:
        self.need("SELECT")
        select: list[Path | Call | AllFields | Query] = []
        aliases: dict[int, str] = {}
        while True:
            item = self.select_item()
            if self.next.kind == "name" and self.next.word not in _CLAUSES:
                aliases[len(select)] = self.take().text
            select.append(item)
            if not self.skip(","):
                break
        self.need("FROM")
        source = self.name()
        alias = None
        self.skip("AS")
        if self.next.kind == "name" and self.next.word not in _CLAUSES:
            alias = self.take().text
        if self.skip("USING", "SCOPE"):
            self.name()
        where = self.conditions() if self.skip("WHERE") else None
        # SECURITY_ENFORCED, USER_MODE, SYSTEM_MODE: the field-level security of the user holds anyway.
        if self.skip("WITH"):
            self.name()
        group_by, having = self.grouping()
        order_by = self.ordering()
        limit = self.whole("LIMIT") if self.skip("LIMIT") else None
        offset = self.whole("OFFSET") if self.skip("OFFSET") else 0
        if self.skip("FOR") and not any(self.skip(word) for word in ("VIEW", "REFERENCE", "UPDATE")):
            raise self.unexpected()
        return Query(
            tuple(select), source.text, source.at, alias, where, group_by, having, order_by, limit, offset,
            self.skip("ALL", "ROWS"), aliases,
        )  # fmt: skip

    def select_item(self) -> Path | Call | AllFields | Query:
        if self.skip("("):
            query = self.query()
            self.need(")")
            return query
        if self.next.word == "FROM":
            raise self.unexpected()
        token = self.name()
        if self.next.text != "(":
            return _path(token)
        if token.word not in _FUNCTIONS:
            raise complaint(self.text, token.at, f"unexpected token: '{token.text}'")
        if token.word == "FIELDS":
            self.need("(")
            which = self.name()
            if which.word not in ("ALL", "STANDARD", "CUSTOM"):
                raise complaint(self.text, which.at, f"FIELDS takes ALL, STANDARD or CUSTOM, not '{which.text}'")
            self.need(")")
            return AllFields(which.word, token.at)
        return self.call(token)

    def call(self, token: _Token) -> Call:
        self.need("(")
        path = None if self.at(")") else _path(self.name())
        self.need(")")
        if path is None and token.word != "COUNT":
            raise complaint(self.text, token.at, f"{token.text} needs a field")
        return Call(token.word, path, token.at)

    def key(self) -> Path | Call:
        token = self.name()
        if self.next.text != "(":
            return _path(token)
        if token.word not in _FUNCTIONS:
            raise complaint(self.text, token.at, f"unexpected token: '{token.text}'")
        return self.call(token)

    def grouping(self) -> tuple[tuple[Path | Call, ...], Condition | None]:
        if not self.skip("GROUP", "BY"):
            return (), None
        keys = [self.key()]
        while self.skip(","):
            keys.append(self.key())
        return tuple(keys), self.conditions() if self.skip("HAVING") else None

    def ordering(self) -> tuple[Order, ...]:
        if not self.skip("ORDER", "BY"):
            return ()
        orders = [self.order()]
        while self.skip(","):
            orders.append(self.order())
        return tuple(orders)

    def order(self) -> Order:
        key = self.key()
        descending = self.skip("DESC")
        if not descending:
            self.skip("ASC")
        nulls_last = False
        if self.skip("NULLS"):
            nulls_last = self.skip("LAST")
            if not nulls_last:
                self.need("FIRST")
        return Order(key, descending, nulls_last)

    # Conditions ---------------------------------------------------------------------------------------------------

    def conditions(self) -> Condition:
        """Conditions joined by AND, or by OR: a mix needs parentheses, as the vendor demands."""
        found = [self.condition()]
        operator: Literal["AND", "OR"] | None = None
        while self.next.word in ("AND", "OR"):
            joined: Literal["AND", "OR"] = "AND" if self.next.word == "AND" else "OR"
            if operator is not None and joined != operator:
                raise self.unexpected()
            operator = joined
            self.take()
            found.append(self.condition())
        return found[0] if operator is None else Both(operator, tuple(found))

    def condition(self) -> Condition:
        if self.skip("NOT"):
            return Not(self.condition())
        if self.skip("("):
            inner = self.conditions()
            self.need(")")
            return inner
        left = self.key()
        token = self.take()
        operator = {"<>": "!="}.get(token.word, token.word)
        if operator in ("=", "!=", "<", "<=", ">", ">=", "LIKE"):
            return Comparison(left, operator, self.value(), left.at)
        if operator == "NOT":
            self.need("IN")
            return Comparison(left, "NOT IN", self.values(), left.at)
        if operator == "IN":
            return Comparison(left, "IN", self.values(), left.at)
        if operator in ("INCLUDES", "EXCLUDES"):
            right = self.values()
            if isinstance(right, Query):
                raise complaint(self.text, token.at, f"{operator} takes a list of values")
            return Comparison(left, operator, right, left.at)
        raise complaint(self.text, token.at, f"unexpected token: '{token.text}'")

    def values(self) -> tuple[Value, ...] | Query:
        self.need("(")
        if self.at("SELECT"):
            query = self.query()
            self.need(")")
            return query
        found = [self.value()]
        while self.skip(","):
            found.append(self.value())
        self.need(")")
        return tuple(found)

    def value(self) -> Value:
        token = self.take()
        if token.kind == "string":
            return Value("string", unescaped(token.text[1:-1]), token.at, token.text[1:-1])
        if token.kind == "number":
            return Value("number", float(token.text) if not _is_whole(token.text) else int(token.text), token.at)
        if token.kind == "currency":
            return Value("currency", float(token.text[3:]), token.at)
        if token.kind == "datetime":
            ms = moment_ms(token.text.replace("z", "Z"))
            if ms is None:
                raise complaint(self.text, token.at, f"'{token.text}' is not a date and time")
            return Value("datetime", ms, token.at)
        if token.kind == "date":
            try:
                return Value("date", date.fromisoformat(token.text).isoformat(), token.at)
            except ValueError:
                raise complaint(self.text, token.at, f"'{token.text}' is not a date") from None
        return self.word(token)

    def word(self, token: _Token) -> Value:
        if token.word in ("TRUE", "FALSE"):
            return Value("boolean", token.word == "TRUE", token.at)
        if token.word == "NULL":
            return Value("null", None, token.at)
        if token.word in SPANS:
            return Value("span", token.word, token.at)
        if token.word in NUMBERED_SPANS:
            self.need(":")
            return Value("span", f"{token.word}:{self.whole(token.text)}", token.at)
        raise complaint(self.text, token.at, f"unexpected token: '{token.text}'")


def _path(token: _Token) -> Path:
    return Path(tuple(token.text.split(".")), token.at)


def _is_whole(text: str) -> bool:
    return text.lstrip("+-").isdigit()


def unescaped(raw: str) -> str:
    """The text of a string literal; raises 400 MALFORMED_QUERY on an escape that SOQL does not know."""

    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        known = _ESCAPES.get(code)
        if known is None:
            raise malformed_query(
                f"Invalid string literal '{raw}'. Illegal character sequence '\\{code}' in string literal."
            )
        return known

    return _ESCAPE.sub(one, raw)
