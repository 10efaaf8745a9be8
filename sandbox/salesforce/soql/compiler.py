"""A parsed query becomes SQLite: which rows, in which order, and how a row becomes the vendor's JSON or CSV.

Rows and values are two statements: the first finds the rows of the whole answer, the second reads a page of them. So a
page of a long answer is a look-up, whatever was written in between.

A comparison with a missing value is false, and ``NOT`` of it true: SOQL knows no third truth value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.fields import NUMBERS, TEXTS, Field, csv_shower_of, shower_of
from sandbox.salesforce.ids import normal_id
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.soql.parser import complaint, unescaped
from sandbox.salesforce.soql.spans import span
from sandbox.salesforce.soql.syntax import AllFields, Both, Call, Comparison, Condition, Not, Order, Path, Query, Value
from sandbox.salesforce.storage import quoted

MAX_OFFSET = 2_000
MAX_FIELDS_ROWS = 200
MAX_AGGREGATE_ROWS = 2_000
MAX_PARENTS = 5

_DAY_MS = 86_400_000
_NAME_FIELDS = ("Name", "FirstName", "LastName", "Email", "Phone", "Title", "OwnerId", "IsActive")


@dataclass
class Node:
    """One record of an answer, or a parent within one: where its values stand in a row."""

    type: str
    #: Place of the id; of a parent, a missing id is a missing parent. Place of the type where it varies.
    id_at: int
    type_at: int | None = None
    items: list[tuple[str, int, Callable[[Any], Any] | None] | tuple[str, Node]] = field(default_factory=list)

    def build(self, row: tuple[Any, ...], version: str) -> dict[str, Any] | None:
        """The JSON of a row."""
        record_id = row[self.id_at]
        if record_id is None:
            return None
        type_ = self.type if self.type_at is None else row[self.type_at]
        record: dict[str, Any] = {
            "attributes": {"type": type_, "url": f"/services/data/{version}/sobjects/{type_}/{record_id}"}
        }
        for item in self.items:
            if len(item) == 3:
                name, at, shower = item
                record[name] = row[at] if shower is None else shower(row[at])
            else:
                record[item[0]] = item[1].build(row, version)
        return record

    def columns(self, prefix: str = "") -> Iterator[tuple[str, int, Callable[[Any], Any] | None]]:
        """The values of a row by their dotted names, parents' included."""
        for item in self.items:
            if len(item) == 3:
                yield (prefix + item[0], item[1], item[2])
            else:
                yield from item[1].columns(f"{prefix}{item[0]}.")


@dataclass
class ChildPlan:
    """A query in SELECT: one object's records by the parent they point to."""

    name: str
    plan: Plan
    limit: int | None


@dataclass
class Plan:
    """What to ask SQLite. ``kind``: ``rows``, ``count``, or ``aggregate`` (``names`` of its values)."""

    kind: str
    sobject: SObject
    rows_sql: str
    rows_params: list[Any]
    page_sql: str = ""
    root: Node | None = None
    names: list[tuple[str, Callable[[Any], Any] | None]] = field(default_factory=list)
    children: list[ChildPlan] = field(default_factory=list)
    csv_types: list[str] = field(default_factory=list)

    def page(self, rows: list[int]) -> tuple[str, list[int]]:
        """The statement that reads these rows (``_row`` first), in no order."""
        return self.page_sql.format(rows=",".join("?" * len(rows))), rows

    def header(self) -> list[tuple[str, int, Callable[[Any], str]]]:
        """Columns of a bulk result: dotted name, place, how it is written."""
        assert self.root is not None
        return [(name, at, csv_shower_of(self.csv_types[at])) for name, at, _ in self.root.columns()]


def compile_query(query: Query, text: str, schema: Schema, now_ms: int, *, deleted: bool, bulk: bool = False) -> Plan:
    """What a query asks SQLite; ``deleted`` includes the bin (queryAll).

    Raises:
        ApiError: 400 INVALID_TYPE, INVALID_FIELD, MALFORMED_QUERY and their like, with the position.
    """
    return _Compiler(query, text, schema, now_ms, deleted or query.all_rows).plan(bulk)


class _Scope:
    """Tables of one statement: the source and the parents that its fields lead to."""

    def __init__(self, compiler: _Compiler, alias: str) -> None:
        self.compiler = compiler
        self.alias = alias
        self.joins: list[str] = []
        self.parents: dict[tuple[str, ...], tuple[str, SObject | None, dict[str, Field], Field]] = {}

    def column(self, path: Path) -> tuple[str, Field]:
        """SQL and field of a path."""
        alias, sobject, fields = self.table(path)
        name = path.names[-1]
        found = fields.get(name.lower())
        if found is None:
            raise self.compiler.no_column(name, sobject, path.at)
        return expression(found, alias), found

    def table(self, path: Path) -> tuple[str, SObject | None, dict[str, Field]]:
        """Alias and fields of the table that a path's last name is looked up in."""
        names = list(path.names[:-1])
        compiler = self.compiler
        source_names = (compiler.sobject.name.lower(), (compiler.query.alias or "").lower())
        if names and names[0].lower() in source_names and not compiler.relation(compiler.fields, names[0]):
            names.pop(0)
        alias, sobject, fields = self.alias, compiler.sobject, compiler.fields
        found: SObject | None = sobject
        if len(names) > MAX_PARENTS:
            raise complaint(compiler.text, path.at, f"more than {MAX_PARENTS} levels of parents: '{path.text}'")
        walked: tuple[str, ...] = ()
        for name in names:
            walked += (name.lower(),)
            known = self.parents.get(walked)
            if known is None:
                known = self._join(walked, alias, fields, name, path)
            alias, found, fields, _ = known
        return alias, found, fields

    def _join(
        self,
        walked: tuple[str, ...],
        alias: str,
        fields: dict[str, Field],
        name: str,
        path: Path,
    ) -> tuple[str, SObject | None, dict[str, Field], Field]:
        compiler = self.compiler
        key = compiler.relation(fields, name)
        if key is None:
            raise complaint(
                compiler.text,
                path.at,
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
                "relationship, be sure to append the '__r' after the custom relationship name. Please reference your "
                "WSDL or the describe call for the appropriate names.",
                "INVALID_FIELD",
            )
        new = compiler.new_alias()
        if len(key.reference_to) == 1:
            parent = compiler.schema.objects[key.reference_to[0]]
            table, parent_fields = quoted(parent.name), compiler.schema.visible(parent)
            found: SObject | None = parent
        else:
            table, parent_fields = _name_table(compiler.schema, key)
            found = None
        self.joins.append(f"LEFT JOIN {table} AS {new} ON {new}.Id = {expression(key, alias)}")
        self.parents[walked] = (new, found, parent_fields, key)
        return self.parents[walked]

    def source(self) -> str:
        return " ".join([f"FROM {quoted(self.compiler.sobject.name)} AS {self.alias}", *self.joins])


class _Compiler:
    def __init__(
        self, query: Query, text: str, schema: Schema, now_ms: int, deleted: bool, aliases: Iterator[int] | None = None
    ) -> None:
        self.query = query
        self.text = text
        self.schema = schema
        self.now_ms = now_ms
        self.deleted = deleted
        self.aliases = aliases or iter(range(1_000_000))
        try:
            self.sobject = schema.queried(query.source)
        except ApiError as error:
            raise complaint(text, query.source_at, error.message, error.code) from None
        self.fields = schema.visible(self.sobject)
        self.params: list[Any] = []

    def new_alias(self) -> str:
        return f"t{next(self.aliases)}"

    def relation(self, fields: dict[str, Field], name: str) -> Field | None:
        """The reference field behind a relationship's name."""
        lower = name.lower()
        for one in fields.values():
            if one.relationship is not None and one.relationship.lower() == lower:
                return one
        return None

    def no_column(self, name: str, sobject: SObject | None, at: int) -> ApiError:
        entity = "Name" if sobject is None else sobject.name
        return complaint(
            self.text,
            at,
            f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
            "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
            "appropriate names.",
            "INVALID_FIELD",
        )

    # Kinds of queries ---------------------------------------------------------------------------------------------

    def plan(self, bulk: bool = False) -> Plan:
        query = self.query
        if query.offset > MAX_OFFSET:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        counts = [item for item in query.select if isinstance(item, Call) and item.path is None]
        if counts and len(query.select) == 1 and not query.group_by and 0 not in query.aliases:
            scope = _Scope(self, self.new_alias())
            where = self.where(scope)
            sql = f"SELECT 1 {scope.source()} {where}{self.bounds()}"
            return Plan("count", self.sobject, f"SELECT count(*) FROM ({sql})", self.params)
        if query.group_by or any(isinstance(item, Call) and _aggregates(item) for item in query.select):
            return self.aggregate()
        return self.rows(bulk)

    def rows(self, bulk: bool) -> Plan:
        query = self.query
        if query.having is not None:
            raise complaint(self.text, query.source_at, "HAVING needs GROUP BY")
        scope = _Scope(self, self.new_alias())
        where = self.where(scope)
        order = self.order(scope)
        rows_sql = f"SELECT {scope.alias}._row {scope.source()} {where}{order}{self.bounds()}"
        page_scope = _Scope(self, self.new_alias())
        columns = [f"{page_scope.alias}._row", f"{page_scope.alias}.Id"]
        types = ["int", "id"]
        root = Node(self.sobject.name, 1)
        children: list[ChildPlan] = []
        for item in self.selected():
            if isinstance(item, Query):
                if bulk:
                    raise ApiError(
                        400, "FEATURENOTENABLED", "Bulk API doesn't support a query in SELECT (parent to child)"
                    )
                children.append(self.child(item))
                continue
            path = item if isinstance(item, Path) else item.path
            assert path is not None, "COUNT() was dealt with"
            self.add_leaf(path, page_scope, root, columns, types)
        page_sql = f"SELECT {', '.join(columns)} {page_scope.source()} WHERE {page_scope.alias}._row IN ({{rows}})"
        return Plan("rows", self.sobject, rows_sql, self.params, page_sql, root, children=children, csv_types=types)

    def selected(self) -> Iterator[Path | Call | Query]:
        """SELECT's items, FIELDS() spelt out."""
        seen: set[str] = set()
        for item in self.query.select:
            if isinstance(item, AllFields):
                if item.which != "STANDARD" and (self.query.limit is None or self.query.limit > MAX_FIELDS_ROWS):
                    raise complaint(
                        self.text,
                        item.at,
                        "The SOQL FIELDS function must have a LIMIT of at most 200",
                        "MALFORMED_QUERY",
                    )
                for one in self.fields.values():
                    if item.which == "ALL" or one.custom == (item.which == "CUSTOM"):
                        yield Path((one.name,), item.at)
                continue
            if isinstance(item, Path):
                if item.text.lower() in seen:
                    raise complaint(self.text, item.at, f"duplicate field selected: {item.text}", "INVALID_FIELD")
                seen.add(item.text.lower())
            yield item

    def add_leaf(self, path: Path, scope: _Scope, root: Node, columns: list[str], types: list[str]) -> None:
        sql, found = scope.column(path)
        node = root
        names = list(path.names[:-1])
        source_names = (self.sobject.name.lower(), (self.query.alias or "").lower())
        if names and names[0].lower() in source_names and not self.relation(self.fields, names[0]):
            names.pop(0)
        walked: tuple[str, ...] = ()
        for name in names:
            walked += (name.lower(),)
            alias, sobject, _, key = scope.parents[walked]
            display = str(key.relationship)
            inner = next((item[1] for item in node.items if len(item) == 2 and item[0] == display), None)
            if inner is None:
                columns.append(f"{alias}.Id")
                types.append("id")
                inner = Node("Name" if sobject is None else sobject.name, len(columns) - 1)
                if sobject is None:
                    columns.append(f"{alias}.Type")
                    types.append("string")
                    inner.type_at = len(columns) - 1
                node.items.append((display, inner))
            node = inner
        if any(len(item) == 3 and item[0] == found.name for item in node.items):
            return
        columns.append(sql)
        types.append(found.type)
        node.items.append((found.name, len(columns) - 1, shower_of(found.type)))

    def child(self, query: Query) -> ChildPlan:
        child = next(
            (one for one in self.schema.children(self.sobject) if one.name.lower() == query.source.lower()), None
        )
        if child is None:
            raise complaint(
                self.text,
                query.source_at,
                f"Didn't understand relationship '{query.source}' in FROM part of query call. If you are attempting to "
                "use a custom relationship, be sure to append the '__r' after the custom relationship name.",
                "INVALID_TYPE",
            )
        inner = Query(query.select, child.sobject, query.source_at, query.alias, query.where, order_by=query.order_by)
        compiler = _Compiler(inner, self.text, self.schema, self.now_ms, self.deleted, self.aliases)
        plan = compiler.rows(bulk=False)
        table, key = quoted(child.sobject), quoted(child.field)
        # Rows of many parents at once: the parent's id stands behind the row.
        plan.rows_sql = (
            f"SELECT r._row, c.{key} FROM (SELECT _row, row_number() OVER () AS n FROM ({plan.rows_sql})) r "
            f"JOIN {table} c ON c._row = r._row WHERE c.{key} IN ({{parents}}) ORDER BY r.n"
        )
        return ChildPlan(child.name, plan, query.limit)

    def aggregate(self) -> Plan:
        query = self.query
        scope = _Scope(self, self.new_alias())
        keys = [self.expression(key, scope)[0] for key in query.group_by]
        columns: list[str] = []
        names: list[tuple[str, Callable[[Any], Any] | None]] = []
        unnamed = 0
        for place, item in enumerate(query.select):
            if isinstance(item, Query | AllFields):
                raise complaint(self.text, query.source_at, "an aggregate query selects fields and aggregates only")
            sql, type_ = self.expression(item, scope)
            if isinstance(item, Path) and sql not in keys:
                raise complaint(self.text, item.at, f"Field must be grouped or aggregated: {item.names[-1]}")
            alias = query.aliases.get(place)
            if alias is None and isinstance(item, Call):
                alias, unnamed = f"expr{unnamed}", unnamed + 1
            columns.append(sql)
            names.append((alias or str(item.names[-1] if isinstance(item, Path) else ""), shower_of(type_)))
        where = self.where(scope)
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        having = f" HAVING {self.condition(query.having, scope)}" if query.having is not None else ""
        order = self.order(scope, default=False)
        sql = f"SELECT {', '.join(columns)} {scope.source()} {where}{group}{having}{order}{self.bounds()}"
        return Plan("aggregate", self.sobject, sql, self.params, names=names)

    # Clauses ------------------------------------------------------------------------------------------------------

    def where(self, scope: _Scope) -> str:
        conditions = []
        if not self.deleted:
            conditions.append(f"{scope.alias}.IsDeleted = 0")
        if self.query.where is not None:
            conditions.append(self.condition(self.query.where, scope))
        return f"WHERE {' AND '.join(conditions)}" if conditions else ""

    def order(self, scope: _Scope, default: bool = True) -> str:
        orders = [self.one_order(order, scope) for order in self.query.order_by]
        if default:
            orders.append(f"{scope.alias}._row")
        return f" ORDER BY {', '.join(orders)}" if orders else ""

    def one_order(self, order: Order, scope: _Scope) -> str:
        sql, _ = self.expression(order.key, scope)
        return f"{sql} {'DESC' if order.descending else 'ASC'} NULLS {'LAST' if order.nulls_last else 'FIRST'}"

    def bounds(self) -> str:
        query = self.query
        if query.limit is None and not query.offset:
            return ""
        return f" LIMIT {-1 if query.limit is None else query.limit} OFFSET {query.offset}"

    def expression(self, item: Path | Call, scope: _Scope) -> tuple[str, str]:
        """SQL and type of a field or a function of one."""
        if isinstance(item, Path):
            sql, found = scope.column(item)
            if not found.filterable:
                raise complaint(
                    self.text, item.at, f"field '{found.name}' can not be grouped or sorted in a query call",
                    "INVALID_FIELD",
                )  # fmt: skip
            return sql, found.type
        if item.path is None:
            return "count(*)", "int"
        sql, found = scope.column(item.path)
        if item.function in ("COUNT", "COUNT_DISTINCT"):
            return f"count({'DISTINCT ' if item.function == 'COUNT_DISTINCT' else ''}{sql})", "int"
        if item.function in ("MIN", "MAX"):
            return f"{item.function.lower()}({sql})", found.type
        if item.function in ("SUM", "AVG"):
            if found.type not in NUMBERS:
                raise complaint(
                    self.text, item.at, f"field {found.name} does not support aggregate operator {item.function}"
                )
            return f"{item.function.lower()}({sql})", "double"
        if item.function in ("TOLABEL", "FORMAT", "CONVERTCURRENCY"):
            return sql, found.type
        if found.type not in ("date", "datetime"):
            raise complaint(self.text, item.at, f"{item.function} takes a date or a date and time, not {found.name}")
        day = sql if found.type == "date" else f"strftime('%Y-%m-%d', {sql} / 1000, 'unixepoch')"
        if item.function == "DAY_ONLY":
            return day, "date"
        part = {"CALENDAR_YEAR": "%Y", "CALENDAR_MONTH": "%m", "DAY_IN_MONTH": "%d"}[item.function]
        return f"CAST(strftime('{part}', {day}) AS INTEGER)", "int"

    # Conditions ---------------------------------------------------------------------------------------------------

    def condition(self, node: Condition, scope: _Scope) -> str:
        if isinstance(node, Not):
            return f"(({self.condition(node.condition, scope)}) IS NOT TRUE)"
        if isinstance(node, Both):
            return "(" + f" {node.operator} ".join(self.condition(one, scope) for one in node.conditions) + ")"
        return self.comparison(node, scope)

    def comparison(self, node: Comparison, scope: _Scope) -> str:
        if isinstance(node.left, Path):
            sql, found = scope.column(node.left)
            if not found.filterable:
                raise complaint(
                    self.text, node.at, f"field '{found.name}' can not be filtered in a query call", "INVALID_FIELD"
                )
        else:
            sql, type_ = self.expression(node.left, scope)
            found = Field(node.left.function, type_, node.left.function)
        if isinstance(node.right, Query):
            return self.semi_join(node, sql, node.right)
        if isinstance(node.right, tuple):
            if node.operator in ("INCLUDES", "EXCLUDES"):
                return self.includes(node, sql, found, node.right)
            return self.in_list(node, sql, found, node.right)
        if node.operator == "LIKE":
            return self.like(node, sql, found, node.right)
        return self.compare(node, sql, found, node.right)

    def compare(self, node: Comparison, sql: str, found: Field, value: Value) -> str:
        operator = node.operator
        if value.form == "span":
            return self.compare_span(operator, sql, found, value)
        wanted = self.literal(found, value)
        if wanted is None:
            if operator not in ("=", "!="):
                raise complaint(
                    self.text, value.at, f"null takes = and !=, not {operator}", "INVALID_QUERY_FILTER_OPERATOR"
                )
            return f"{sql} IS {'NOT ' if operator == '!=' else ''}NULL"
        if found.type == "boolean" and operator not in ("=", "!="):
            raise self.bad_operator(node, found)
        sql, wanted = _folded(sql, found, wanted)
        self.params.append(wanted)
        return f"{sql} IS NOT ?" if operator == "!=" else f"{sql} {operator} ?"

    def compare_span(self, operator: str, sql: str, found: Field, value: Value) -> str:
        if found.type not in ("date", "datetime"):
            raise self.wrong_type(found, value)
        today = datetime.fromtimestamp(self.now_ms / 1000, UTC).date()
        first, end = (_stored_day(found, day) for day in span(str(value.value), today))
        if operator in ("=", "!="):
            self.params += [first, end]
            inside = f"({sql} >= ? AND {sql} < ?)"
            return inside if operator == "=" else f"({inside} IS NOT TRUE)"
        # Before the first day, or up to the end of the last: a span is compared as a whole.
        self.params.append({"<": first, ">=": first, "<=": end, ">": end}[operator])
        return f"{sql} {({'<=': '<', '>': '>='}).get(operator, operator)} ?"

    def in_list(self, node: Comparison, sql: str, found: Field, values: tuple[Value, ...]) -> str:
        wanted = [self.literal(found, value) for value in values]
        plain = [one for one in wanted if one is not None and not _needs_fold(found, one)]
        folded = [str(one).lower() for one in wanted if one is not None and _needs_fold(found, one)]
        parts = []
        if plain:
            self.params += plain
            parts.append(f"{sql} IN ({','.join('?' * len(plain))})")
        if folded:
            self.params += folded
            parts.append(f"fold({sql}) IN ({','.join('?' * len(folded))})")
        if None in wanted:
            parts.append(f"{sql} IS NULL")
        inside = f"({' OR '.join(parts)})"
        return inside if node.operator == "IN" else f"({inside} IS NOT TRUE)"

    def includes(self, node: Comparison, sql: str, found: Field, values: tuple[Value, ...]) -> str:
        if found.type != "multipicklist":
            raise self.bad_operator(node, found)
        parts = []
        for value in values:
            every = []
            for one in str(self.literal(found, value)).split(";"):
                self.params.append(f";{one};".lower())
                every.append(f"instr(lower(';' || {sql} || ';'), ?) > 0")
            parts.append(f"({' AND '.join(every)})")
        inside = f"({' OR '.join(parts)})"
        return inside if node.operator == "INCLUDES" else f"({inside} IS NOT TRUE)"

    def like(self, node: Comparison, sql: str, found: Field, value: Value) -> str:
        if found.type not in TEXTS or found.type == "multipicklist":
            raise self.bad_operator(node, found)
        if value.form != "string":
            raise self.wrong_type(found, value)
        pattern = _like_pattern(value.pattern)
        if not pattern.isascii():
            sql, pattern = f"fold({sql})", pattern.lower()
        self.params.append(pattern)
        return f"{sql} LIKE ? ESCAPE '\\'"

    def semi_join(self, node: Comparison, sql: str, query: Query) -> str:
        if len(query.select) != 1 or not isinstance(query.select[0], Path):
            raise complaint(self.text, query.source_at, "a query after IN selects one field")
        inner = _Compiler(query, self.text, self.schema, self.now_ms, self.deleted, self.aliases)
        scope = _Scope(inner, inner.new_alias())
        column, found = scope.column(query.select[0])
        if found.type not in ("id", "reference"):
            raise complaint(self.text, query.select[0].at, f"a query after IN selects an id, which {found.name} is not")
        where = inner.where(scope)
        order = inner.order(scope) if query.limit is not None else ""
        self.params += inner.params
        rows = f"SELECT {column} {scope.source()} {where or 'WHERE 1'} AND {column} IS NOT NULL{order}{inner.bounds()}"
        inside = f"{sql} IN ({rows})"
        return inside if node.operator == "IN" else f"({inside} IS NOT TRUE)"

    def literal(self, found: Field, value: Value) -> Any:
        """A written value as it is stored, or a refusal."""
        if value.form == "null":
            return None
        kind = found.type
        if kind in ("id", "reference"):
            if value.form != "string":
                raise self.wrong_type(found, value)
            if value.value == "":
                return None
            return self.id_literal(value)
        fits = {
            "boolean": ("boolean",),
            "date": ("date",),
            "datetime": ("datetime",),
            **dict.fromkeys(NUMBERS, ("number", "currency")),
        }.get(kind, ("string",))
        if value.form not in fits:
            raise self.wrong_type(found, value)
        if kind == "boolean":
            return int(bool(value.value))
        return value.value or None if value.form == "string" else value.value

    def id_literal(self, value: Value) -> str:
        wanted = normal_id(value.value)
        if wanted is None:
            raise complaint(self.text, value.at, f"invalid ID field: {value.value}", "INVALID_QUERY_FILTER_OPERATOR")
        return wanted

    def wrong_type(self, found: Field, value: Value) -> ApiError:
        if found.type in TEXTS or found.type in ("id", "reference"):
            how = f"must be of type {'string' if found.type in TEXTS else 'ID'} and should be enclosed in quotes"
        else:
            kind = {"datetime": "dateTime"}.get(found.type, found.type)
            how = f"must be of type {kind} and should not be enclosed in quotes"
        return complaint(
            self.text, value.at, f"value of filter criterion for field '{found.name}' {how}", "INVALID_FIELD"
        )

    def bad_operator(self, node: Comparison, found: Field) -> ApiError:
        return complaint(
            self.text,
            node.at,
            f"invalid operator {node.operator} on {found.type} field {found.name}",
            "INVALID_QUERY_FILTER_OPERATOR",
        )


def expression(found: Field, alias: str) -> str:
    """SQL of a field: a column, or its formula."""
    if found.expression is None:
        return f"{alias}.{quoted(found.name)}"
    sql = found.expression.replace("{t}", alias)
    return f"({sql}) COLLATE NOCASE" if found.type in TEXTS else f"({sql})"


def _name_table(schema: Schema, key: Field) -> tuple[str, dict[str, Field]]:
    """Parents of several kinds as one table: the fields that names have in common."""
    parts = []
    for name in key.reference_to:
        sobject = schema.objects[name]
        columns = ["p.Id", f"'{name}' AS Type"]
        for one in _NAME_FIELDS:
            found = sobject.fields.get(one)
            columns.append(f"{'NULL' if found is None else expression(found, 'p')} AS {quoted(one)}")
        parts.append(f"SELECT {', '.join(columns)} FROM {quoted(name)} AS p")
    fields = {
        "id": Field("Id", "id", "Id"),
        "type": Field("Type", "string", "Type"),
        **{one.lower(): Field(one, "boolean" if one == "IsActive" else "string", one) for one in _NAME_FIELDS},
    }
    return f"({' UNION ALL '.join(parts)})", fields


def _aggregates(call: Call) -> bool:
    return call.function in ("COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG")


def _needs_fold(found: Field, wanted: Any) -> bool:
    """SQLite's own case rule knows ASCII only."""
    return found.type in TEXTS and isinstance(wanted, str) and not wanted.isascii()


def _folded(sql: str, found: Field, wanted: Any) -> tuple[str, Any]:
    return (f"fold({sql})", str(wanted).lower()) if _needs_fold(found, wanted) else (sql, wanted)


def _stored_day(found: Field, day: date) -> str | int:
    return day.isoformat() if found.type == "date" else (day - date(1970, 1, 1)).days * _DAY_MS


def _like_pattern(raw: str) -> str:
    """A LIKE pattern of SQLite (escape character ``\\``) from a SOQL string as it was written."""
    pieces = []
    at = 0
    while at < len(raw):
        char = raw[at]
        if char != "\\":
            pieces.append(char)
            at += 1
            continue
        code = raw[at + 1 : at + 6] if raw[at + 1 : at + 2] == "u" else raw[at + 1]
        text = unescaped(f"\\{code}")
        pieces.append(f"\\{text}" if text in ("%", "_", "\\") else text)
        at += 1 + len(code)
    return "".join(pieces)
