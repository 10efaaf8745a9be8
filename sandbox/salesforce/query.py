"""Queries answered: pages of records with a locator for the next, counts, aggregates, and rows for bulk results."""

from __future__ import annotations

import itertools
import sqlite3
from array import array
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import make_id
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.soql.compiler import MAX_AGGREGATE_ROWS, ChildPlan, Plan, compile_query
from sandbox.salesforce.soql.parser import parse
from sandbox.server.clock import PortalClock
from sandbox.server.storage import placeholders

BATCH = 2_000
_LEAST_BATCH = 200
#: Answers that can be paged at a time; the oldest goes first.
_CURSORS = 50


@dataclass
class Cursor:
    """A query's whole answer: its rows, read page by page."""

    plan: Plan
    rows: array[int]
    batch: int


class Queries:
    """SOQL over the org."""

    def __init__(self, db: sqlite3.Connection, clock: PortalClock, schema: Schema) -> None:
        self._db = db
        self._clock = clock
        self._schema = schema
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._numbers = itertools.count(1)

    def compile(self, text: str, *, deleted: bool, bulk: bool = False) -> Plan:
        """What a query asks; raises :class:`ApiError` where it cannot be answered."""
        query = parse(text)
        if query.source.lower() in ("entitydefinition", "fielddefinition", "customfield"):
            self._schema.fill_definitions()
        return compile_query(query, text, self._schema, self._clock.now_ms(), deleted=deleted, bulk=bulk)

    def run(self, text: str, *, deleted: bool, batch: int, version: str) -> dict[str, Any]:
        """The first page of a query's answer."""
        plan = self.compile(text, deleted=deleted)
        if plan.kind == "count":
            return {"totalSize": self._db.execute(plan.rows_sql, plan.rows_params).fetchone()[0], "done": True,
                    "records": []}  # fmt: skip
        if plan.kind == "aggregate":
            return self._aggregates(plan)
        cursor = Cursor(plan, self.rows(plan), batch)
        name = make_id("0r8", next(self._numbers))
        return self._page(name, cursor, 0, version)

    def more(self, locator: str, version: str) -> dict[str, Any]:
        """The page that a locator stands for.

        Raises:
            ApiError: 400 INVALID_QUERY_LOCATOR.
        """
        name, _, start = locator.partition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not start.isdigit() or int(start) >= len(cursor.rows):
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        self._cursors.move_to_end(name)
        return self._page(name, cursor, int(start), version)

    def rows(self, plan: Plan) -> array[int]:
        """The rows of a plan's whole answer, in order."""
        return array("q", (row[0] for row in self._db.execute(plan.rows_sql, plan.rows_params)))

    def values(self, plan: Plan, rows: list[int]) -> Iterator[tuple[Any, ...]]:
        """The values of these rows, in their order; rows deleted for good in between are left out."""
        sql, params = plan.page(rows)
        found = {row[0]: row for row in self._db.execute(sql, params)}
        return (found[row] for row in rows if row in found)

    def _page(self, name: str, cursor: Cursor, start: int, version: str) -> dict[str, Any]:
        plan = cursor.plan
        assert plan.root is not None, "a plan of rows"
        rows = cursor.rows[start : start + cursor.batch].tolist()
        found = list(self.values(plan, rows))
        records = [plan.root.build(row, version) for row in found]
        for child in plan.children:
            answers = self._children(child, [row[1] for row in found], version)
            for row, record in zip(found, records, strict=True):
                if record is not None:
                    record[child.name] = answers.get(row[1])
        end = start + cursor.batch
        done = end >= len(cursor.rows)
        body: dict[str, Any] = {"totalSize": len(cursor.rows), "done": done}
        if not done:
            self._cursors[name] = cursor
            while len(self._cursors) > _CURSORS:
                self._cursors.popitem(last=False)
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{end}"
        body["records"] = records
        return body

    def _children(self, child: ChildPlan, parents: list[str], version: str) -> dict[str, dict[str, Any]]:
        """Records of a query in SELECT, by the parent's id; a parent without any is left out."""
        if not parents:
            return {}
        plan = child.plan
        assert plan.root is not None, "a plan of rows"
        sql = plan.rows_sql.format(parents=placeholders(len(parents)))
        parent_of: dict[int, str] = dict(self._db.execute(sql, [*plan.rows_params, *parents]).fetchall())
        grouped: dict[str, list[dict[str, Any] | None]] = defaultdict(list)
        for row in self.values(plan, list(parent_of)):
            listed = grouped[parent_of[row[0]]]
            if child.limit is None or len(listed) < child.limit:
                listed.append(plan.root.build(row, version))
        return {
            parent: {"totalSize": len(records), "done": True, "records": records} for parent, records in grouped.items()
        }

    def _aggregates(self, plan: Plan) -> dict[str, Any]:
        rows = self._db.execute(plan.rows_sql, plan.rows_params).fetchmany(MAX_AGGREGATE_ROWS + 1)
        if len(rows) > MAX_AGGREGATE_ROWS:
            raise ApiError(
                400,
                "EXCEEDED_ID_LIMIT",
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
            )
        records = []
        for row in rows:
            record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
            for (name, shower), value in zip(plan.names, row, strict=True):
                record[name] = value if shower is None else shower(value)
            records.append(record)
        return {"totalSize": len(records), "done": True, "records": records}


def batch_size(options: str | None) -> int:
    """Records a page, from ``Sforce-Query-Options: batchSize=500``: 200 to 2,000."""
    for part in (options or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "batchsize" and value.strip().isdigit():
            return min(BATCH, max(_LEAST_BATCH, int(value)))
    return BATCH
