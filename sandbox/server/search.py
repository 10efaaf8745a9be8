"""The search endpoint: filter groups, sorts and free text, turned into SQL."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox.server.catalog import ObjectType, find_object_type
from sandbox.server.clock import PortalClock, parse_ms
from sandbox.server.definitions import Definitions
from sandbox.server.errors import validation_error
from sandbox.server.records import Records, Row, unique_key
from sandbox.server.storage import placeholders
from sandbox.server.values import record_number

MAX_PAGE = 200
MAX_RESULTS = 10_000
MAX_GROUPS = 5
MAX_FILTERS = 18
MAX_FILTERS_PER_GROUP = 6
MAX_QUERY = 3_000

_COMPARE = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_OPERATORS = {
    *_COMPARE, "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
}  # fmt: skip


@dataclass(frozen=True)
class SearchPage:
    """One page of results; ``total`` counts all matches, ``after`` is the next offset or None."""

    total: int
    rows: list[Row]
    after: int | None


@dataclass(frozen=True)
class _Sql:
    """A condition and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


class Searcher:
    """Runs searches over one portal; ``lag_ms`` hides what was written less than that long ago."""

    def __init__(
        self, db: sqlite3.Connection, clock: PortalClock, definitions: Definitions, records: Records, lag_ms: int = 0
    ) -> None:
        self._db = db
        self._clock = clock
        self._definitions = definitions
        self._records = records
        self.lag_ms = lag_ms
        self._totals: dict[tuple[Any, ...], int] = {}

    def page(self, object_type: ObjectType, body: dict[str, Any]) -> SearchPage:
        """Answer one search request.

        Raises:
            ApiError: 400 for an unknown property or operator, a bad value, a limit over 200, or a page that ends
                beyond the 10,000th result.
        """
        limit, after = _page_bounds(body)
        condition = self._condition(object_type, body)
        order = self._order(object_type, body.get("sorts") or [])
        version = self._records.versions.get(object_type.code, 0)
        key = (object_type.code, version, condition)
        total = self._totals.get(key)
        if total is None:
            if len(self._totals) > 1_000:
                self._totals.clear()
            total = int(
                self._db.execute(
                    f"SELECT count(*) FROM {object_type.table} WHERE {condition.text}", condition.parameters
                ).fetchone()[0]
            )
            if not self.lag_ms:
                self._totals[key] = total
        if after + limit > MAX_RESULTS:
            raise validation_error(
                f"Paging beyond {MAX_RESULTS} results is not supported: after {after} with limit {limit}",
                context={"after": [str(after)], "total": [str(total)]},
            )
        # Ids first, from an index where there is one; then the records of this page only.
        ids = [
            row[0]
            for row in self._db.execute(
                f"SELECT id FROM {object_type.table} WHERE {condition.text} ORDER BY {order.text} LIMIT ? OFFSET ?",
                (*condition.parameters, *order.parameters, limit, after),
            )
        ]
        rows = self._records.fetch(object_type, ids)
        end = after + len(ids)
        return SearchPage(total, [rows[id_] for id_ in ids], end if end < total else None)

    # Conditions ---------------------------------------------------------------------------------------------------

    def _condition(self, object_type: ObjectType, body: dict[str, Any]) -> _Sql:
        parts = [_Sql("archived IS NULL")]
        if self.lag_ms:
            parts.append(_Sql("updated <= ?", (self._clock.now_ms() - self.lag_ms,)))
        groups = _list_of_objects(body, "filterGroups")
        if body.get("filters"):
            groups = [*groups, {"filters": body["filters"]}]
        if (
            len(groups) > MAX_GROUPS + 1
            or sum(len(_list_of_objects(group, "filters")) for group in groups) > MAX_FILTERS
        ):
            raise validation_error(f"At most {MAX_GROUPS} filterGroups with {MAX_FILTERS} filters in all are allowed")
        alternatives = []
        for group in groups:
            filters = _list_of_objects(group, "filters")
            if len(filters) > MAX_FILTERS_PER_GROUP:
                raise validation_error(f"At most {MAX_FILTERS_PER_GROUP} filters a group are allowed")
            if filters:
                alternatives.append(_join(" AND ", [self._filter(object_type, one) for one in filters]))
        if alternatives:
            parts.append(_join(" OR ", alternatives))
        parts += self._free_text(object_type, body.get("query"))
        return _join(" AND ", parts)

    def _filter(self, object_type: ObjectType, wanted: dict[str, Any]) -> _Sql:
        name, operator = wanted.get("propertyName"), wanted.get("operator")
        if not isinstance(name, str) or not isinstance(operator, str):
            raise validation_error("A filter needs propertyName and operator")
        if operator not in _OPERATORS:
            raise validation_error(
                f"Filter on {name}: operator {operator} is not one of {', '.join(sorted(_OPERATORS))}"
            )
        if name.startswith("associations."):
            return self._associated(object_type, name, operator, wanted)
        column, kind = self._column(object_type, name)
        if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
            return _Sql(f"{column} IS {'NOT ' if operator == 'HAS_PROPERTY' else ''}NULL")
        if operator == "BETWEEN":
            low, high = self._value(wanted, "value", kind), self._value(wanted, "highValue", kind)
            return _Sql(f"{column} BETWEEN ? AND ?", (low, high))
        if operator in ("IN", "NOT_IN"):
            values = wanted.get("values")
            if not isinstance(values, list) or not values:
                raise validation_error(f"Filter on {name}: {operator} needs values, a list that is not empty")
            parsed = [self._value({**wanted, "value": value}, "value", kind) for value in values]
            negate = "NOT " if operator == "NOT_IN" else ""
            condition = _Sql(f"{column} {negate}IN ({placeholders(len(parsed))})", tuple(parsed))
            return self._by_index(object_type, name, values, condition) if operator == "IN" else condition
        if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
            token = str(wanted.get("value") or "").strip().lower().replace("[", "[[]")
            negate = "NOT " if operator == "NOT_CONTAINS_TOKEN" else ""
            return _Sql(f"{negate}has_token({column}, ?)", (token,))
        condition = _Sql(f"{column} {_COMPARE[operator]} ?", (self._value(wanted, "value", kind),))
        return self._by_index(object_type, name, [wanted["value"]], condition) if operator == "EQ" else condition

    def _by_index(self, object_type: ObjectType, name: str, values: list[Any], condition: _Sql) -> _Sql:
        """Narrow a condition on a unique property to the records that its index names."""
        if name in object_type.system or not self._definitions.of(object_type)[name].unique:
            return condition
        keys = [unique_key(name, str(value)) for value in values]
        ids = sorted(self._records.holders(object_type, name, keys).values())
        return _join(" AND ", [_Sql(f"id IN ({placeholders(len(ids))})", tuple(ids)), condition])

    def _associated(self, object_type: ObjectType, name: str, operator: str, wanted: dict[str, Any]) -> _Sql:
        target = find_object_type(name.partition(".")[2])
        values = wanted.get("values") if operator == "IN" else [wanted.get("value")]
        if target is None or operator not in ("EQ", "IN") or not isinstance(values, list):
            raise validation_error(f"Filter on {name}: use EQ with value, or IN with values, and a known object type")
        ids = [record_number(value) for value in values]
        return _Sql(
            "id IN (SELECT to_id FROM associations WHERE from_object = ? AND to_object = ? AND from_id IN "
            f"({placeholders(len(ids))}))",
            (target.code, object_type.code, *ids),
        )

    def _column(self, object_type: ObjectType, name: str) -> tuple[str, str]:
        """The SQL that yields a property, and what kind of value it is compared with."""
        if name == "hs_object_id":
            return "id", "id"
        if name == object_type.modified:
            return "updated", "moment"
        if name == object_type.created:
            return "created", "moment"
        definition = self._definitions.of(object_type).get(name)
        if definition is None:
            raise validation_error(
                f"There was a problem with the request: property {name} does not exist",
                errors=[{"message": f'Property "{name}" does not exist', "code": "PROPERTY_DOESNT_EXIST",
                         "context": {"propertyName": [name]}}],
            )  # fmt: skip
        stored = f"json_extract(properties, '$.\"{name}\"')"
        if definition.type == "number":
            return f"CAST({stored} AS REAL)", "number"
        if definition.type in ("date", "datetime"):
            return f"to_ms({stored})", "moment"
        return f"fold({stored})", "text"

    def _value(self, wanted: dict[str, Any], key: str, kind: str) -> Any:
        raw = wanted.get(key)
        if raw is None:
            raise validation_error(f"Filter on {wanted['propertyName']}: {wanted['operator']} needs {key}")
        text = str(raw).strip()
        try:
            if kind == "moment":
                return _within_int64(parse_ms(text))
            if kind == "id":
                return _within_int64(int(text))
            return float(text) if kind == "number" else text.lower()
        except ValueError:
            raise validation_error(f"Filter on {wanted['propertyName']}: {text} is not a valid value") from None

    def _free_text(self, object_type: ObjectType, query: Any) -> list[_Sql]:
        if query is None or not str(query).strip():
            return []
        if len(str(query)) > MAX_QUERY:
            raise validation_error(f"query is {len(str(query))} characters long, at most {MAX_QUERY} are allowed")
        fields = " || ' ' || ".join(
            f"coalesce(fold(json_extract(properties, '$.\"{name}\"')), '')" for name in object_type.searched
        )
        return [_Sql(f"instr({fields}, ?) > 0", (word,)) for word in str(query).lower().split()]

    def _order(self, object_type: ObjectType, sorts: Any) -> _Sql:
        """Without sorts, oldest record first."""
        if not isinstance(sorts, list) or len(sorts) > 1:
            raise validation_error("sorts takes a list of at most one sort")
        if not sorts:
            return _Sql("id")
        sort = sorts[0]
        if isinstance(sort, str):
            name, descending = sort.removeprefix("-"), sort.startswith("-")
        elif isinstance(sort, dict) and isinstance(sort.get("propertyName"), str):
            name, descending = sort["propertyName"], sort.get("direction", "ASCENDING") == "DESCENDING"
        else:
            raise validation_error("A sort is a property name, or {propertyName, direction}")
        column, _ = self._column(object_type, name)
        if column == "id":
            return _Sql("id DESC" if descending else "id")
        return _Sql(f"{column} {'DESC' if descending else 'ASC'}, id")


def _page_bounds(body: dict[str, Any]) -> tuple[int, int]:
    try:
        limit = int(body.get("limit") or 10)
        after = int(body.get("after") or 0)
    except (TypeError, ValueError):
        raise validation_error("limit and after must be whole numbers") from None
    if not 0 < limit <= MAX_PAGE:
        raise validation_error(f"limit {limit} is not between 1 and {MAX_PAGE}")
    if after < 0:
        raise validation_error(f"after {after} is negative")
    return limit, after


def _within_int64(number: int) -> int:
    """SQLite's integers have 64 bits; beyond them, comparing with the largest one gives the same answer."""
    return max(-(2**63), min(number, 2**63 - 1))


def _list_of_objects(body: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise validation_error(f"{key} must be a list of objects")
    return value


def _join(operator: str, parts: list[_Sql]) -> _Sql:
    return _Sql(
        operator.join(f"({part.text})" for part in parts),
        tuple(parameter for part in parts for parameter in part.parameters),
    )
