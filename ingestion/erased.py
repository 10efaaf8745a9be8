"""Nobody who was erased comes back in: rows of theirs are turned away by every loader, before they are loaded.

The tombstones (:mod:`privacy`) hold no personal data, so a row is recognised by what it bears: a CRM record's id, an
address, a device, an activity's id. A record that is turned away leaves a line in the quarantine with reason ``erased``
and nothing that says who it was, so that raw = kept + merged + quarantined + erased; what only hangs on a record (an
association, a property's history, a membership) leaves none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.schemas import RawTable
from privacy import NO_TOMBSTONES, Tombstones

#: ``reason_code`` of quarantine lines of erased people.
REASON_CODE = "erased"
REASON = "the person was erased"

_IN_FORCE: ContextVar[Tombstones] = ContextVar("leadhouse_tombstones", default=NO_TOMBSTONES)


def in_force() -> Tombstones:
    """The tombstones that loads of this context go by."""
    return _IN_FORCE.get()


@contextmanager
def turning_away(tombstones: Tombstones) -> Iterator[None]:
    """Every load inside the block turns erased people away."""
    token = _IN_FORCE.set(tombstones)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


#: A test of one column: given the tombstones, the rows and the column's values, which rows are of somebody erased.
Test = Callable[[Tombstones, pa.Table, Any], Any]


@dataclass(frozen=True)
class _Rule:
    """How rows of one raw table are recognised (any column is enough), and whether they leave a quarantine line."""

    tests: tuple[tuple[str, Test], ...] = ()
    is_record: bool = True
    #: Columns that point to a person and are emptied; columns of text from which addresses go.
    references: tuple[tuple[str, Test], ...] = ()
    texts: tuple[str, ...] = ()


def _distinct(values: Any, is_erased: Callable[[str], bool]) -> Any:
    """One question a distinct value: columns repeat themselves."""
    distinct = [one for one in pc.unique(values).to_pylist() if one]
    erased = [one for one in distinct if is_erased(one)]
    return pc.is_in(values, value_set=pa.array(erased, pa.string()))


def _email(tombstones: Tombstones, _rows: pa.Table, values: Any) -> Any:
    return _distinct(values, lambda one: "@" in one and any(map(tombstones.has_email, one.split(";"))))


def _record(destination: str, object_name: str) -> Test:
    def test(tombstones: Tombstones, _rows: pa.Table, values: Any) -> Any:
        known = sorted(tombstones.records_of(destination, object_name))
        return pc.is_in(values, value_set=pa.array(known, pa.string()))

    return test


def _any_record(destination: str) -> Test:
    """Of a CRM whose ids tell the object themselves."""

    def test(tombstones: Tombstones, _rows: pa.Table, values: Any) -> Any:
        known = sorted(one for (name, _), ids in tombstones.records.items() if name == destination for one in ids)
        return pc.is_in(values, value_set=pa.array(known, pa.string()))

    return test


def _identifier(scope: str) -> Test:
    def test(tombstones: Tombstones, _rows: pa.Table, values: Any) -> Any:
        return _distinct(values, lambda one: tombstones.has_identifier(scope, one))

    return test


def _only_where(column: str, value: str, test: Test) -> Test:
    def narrowed(tombstones: Tombstones, rows: pa.Table, values: Any) -> Any:
        is_meant: Any = pc.is_in(rows.column(column), value_set=pa.array([value], pa.string()))
        return pc.and_(test(tombstones, rows, values), is_meant)

    return narrowed


def _file_record(tombstones: Tombstones, rows: pa.Table, values: Any) -> Any:
    """A record of an export is known by its source and its key."""
    sources = rows.column("source").to_pylist()
    found = [
        tombstones.has_identifier(f"files.{source}", one)
        for source, one in zip(sources, values.to_pylist(), strict=True)
    ]
    return pa.array(found, pa.bool_())


_HUBSPOT = _record("hubspot", "contacts")
_SALESFORCE = _any_record("salesforce")
_ACTIVITY_TEXTS = {
    "calls": ("property_hs_call_title", "properties"),
    "meetings": ("property_hs_meeting_title", "properties"),
    "emails": ("property_hs_email_subject", "properties"),
    "tasks": ("property_hs_task_subject", "properties"),
}

_RULES: dict[str, _Rule] = {
    "raw_hubspot.contacts": _Rule(
        (("id", _HUBSPOT), ("property_email", _email), ("property_hs_additional_emails", _email))
    ),
    "raw_hubspot.associations": _Rule(
        (
            ("from_id", _only_where("from_object", "contacts", _HUBSPOT)),
            ("to_id", _only_where("to_object", "contacts", _HUBSPOT)),
            *(
                ("from_id", _only_where("from_object", name, _identifier(f"raw_hubspot.{name}")))
                for name in _ACTIVITY_TEXTS
            ),
        ),
        is_record=False,
    ),
    "raw_hubspot.property_history": _Rule(
        (("object_id", _only_where("object_type", "contacts", _HUBSPOT)),), is_record=False
    ),
    "raw_hubspot.list_memberships": _Rule((("record_id", _HUBSPOT),), is_record=False),
    "raw_hubspot.form_submissions": _Rule((("email", _email),)),
    "raw_hubspot.email_events": _Rule((("recipient", _email),)),
    **{
        f"raw_hubspot.{name}": _Rule((("id", _identifier(f"raw_hubspot.{name}")),), texts=texts)
        for name, texts in _ACTIVITY_TEXTS.items()
    },
    "raw_hubspot.deals": _Rule(texts=("property_dealname", "properties")),
    "raw_events.events": _Rule(
        (
            ("email", _email),
            ("user_id", _email),
            ("user_id", _identifier("events.user_id")),
            ("anonymous_id", _identifier("events.anonymous_id")),
        )
    ),
    "raw_files.contacts": _Rule((("email", _email), ("record_id", _file_record))),
    "raw_files.opportunities": _Rule(references=(("contact_ref", _file_record),), texts=("name", "extra")),
    "raw_salesforce.contact": _Rule((("id", _SALESFORCE), ("email", _email))),
    "raw_salesforce.lead": _Rule((("id", _SALESFORCE), ("email", _email))),
    "raw_salesforce.contacthistory": _Rule((("contact_id", _SALESFORCE),), is_record=False),
    "raw_salesforce.leadhistory": _Rule((("lead_id", _SALESFORCE),), is_record=False),
    "raw_salesforce.campaignmember": _Rule((("lead_id", _SALESFORCE), ("contact_id", _SALESFORCE)), is_record=False),
    "raw_salesforce.opportunitycontactrole": _Rule((("contact_id", _SALESFORCE),), is_record=False),
    "raw_salesforce.opportunity": _Rule(references=(("contact_id", _SALESFORCE),), texts=("name", "properties")),
    **{
        f"raw_salesforce.{name}": _Rule(
            (("id", _identifier(f"raw_salesforce.{name}")),),
            references=(("who_id", _SALESFORCE),),
            texts=("subject", "properties"),
        )
        for name in ("task", "event")
    },
    **{
        f"raw_salesforce.{name}relation": _Rule(
            (("relation_id", _SALESFORCE), (f"{name}_id", _identifier(f"raw_salesforce.{name}"))), is_record=False
        )
        for name in ("task", "event")
    },
}  # fmt: skip


@dataclass
class TurnedAway:
    """What one load turned away: rows by raw table, and the quarantine lines they leave."""

    tombstones: Tombstones
    rows: Counter[str] = field(default_factory=Counter)
    lines: list[dict[str, object]] = field(default_factory=list)

    def sift(self, table: RawTable, rows: pa.Table) -> pa.Table:
        """The rows without those of erased people (and without their addresses in texts of others)."""
        rule = _RULES.get(table.qualified)
        if rule is None or not self.tombstones or not len(rows):
            return rows
        erased = self._matching(rows, rule.tests)
        if erased is not None:
            gone = rows.filter(erased)
            self.rows[table.qualified] += len(gone)
            if rule.is_record:
                self.lines += [_line(table, one) for one in gone.to_pylist()]
            rows = rows.filter(pc.invert(erased))
        for column, test in rule.references:
            rows = self._without(rows, column, test)
        for column in rule.texts:
            rows = self._cleaned(rows, column)
        return rows

    def lost(self, qualified: str) -> int:
        """Rows of a table that were turned away."""
        return self.rows[qualified]

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Writes the quarantine lines, in the place of those that earlier reads of the same records left."""
        from ingestion.quarantine import TABLE, forget_records
        from ingestion.warehouse import insert_rows

        by_place: dict[tuple[str, str], list[str]] = {}
        for line in self.lines:
            if line["file"] is None and line["record_id"] is not None:
                by_place.setdefault((str(line["source"]), str(line["entity"])), []).append(str(line["record_id"]))
        for (source, entity), record_ids in by_place.items():
            forget_records(connection, source, entity, record_ids)
        insert_rows(connection, TABLE, self.lines)

    def _matching(self, rows: pa.Table, tests: Sequence[tuple[str, Test]]) -> Any:
        found: Any = None
        for column, test in tests:
            if column in rows.column_names:
                mask = pc.fill_null(test(self.tombstones, rows, rows.column(column)), False)
                found = mask if found is None else pc.or_(found, mask)
        if found is None or not pc.any(found).as_py():
            return None
        return found

    def _without(self, rows: pa.Table, column: str, test: Test) -> pa.Table:
        mask = self._matching(rows, [(column, test)])
        if mask is None:
            return rows
        emptied = pc.if_else(mask, pa.scalar(None, pa.string()), rows.column(column))
        return rows.set_column(rows.column_names.index(column), rows.schema.field(column), emptied)

    def _cleaned(self, rows: pa.Table, column: str) -> pa.Table:
        if column not in rows.column_names:
            return rows
        values = rows.column(column)
        if not pc.any(pc.match_substring(values, "@")).as_py():
            return rows
        cleaned = pa.array([self.tombstones.clean_text(one) for one in values.to_pylist()], pa.string())
        return rows.set_column(rows.column_names.index(column), rows.schema.field(column), cleaned)


def _line(table: RawTable, row: dict[str, Any]) -> dict[str, object]:
    source = row.get("source") or table.dataset.removeprefix("raw_")
    # Ids that a CRM gave say nothing by themselves; a key of an export or of a tracker may be an address.
    is_crm = table.dataset in ("raw_hubspot", "raw_salesforce")
    record_id = (row.get("id") or row.get("submission_id")) if is_crm else None
    return {
        "source": source,
        "entity": table.qualified,
        "record_id": record_id,
        "file": row.get("_source_file"),
        "row_number": row.get("_source_row"),
        "field": None,
        "reason_code": REASON_CODE,
        "reason": REASON,
        "record": None,
        "_loaded_at": row.get("_loaded_at"),
    }
