"""Records of Salesforce: read since the last change seen, compared by number with what the org has.

``SystemModstamp`` moves with every change, a deletion, a merge and a conversion included, so reading what changed
brings those too (``queryAll`` shows records in the bin). History rows have no such stamp and are never changed: they
are read by ``CreatedDate``. What leaves no trace, a record deleted for good or one that a new permission shows, is
found by counting: when the org's number of live records differs from ours, ids are compared, or everything is read
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from ingestion.erased import in_force
from ingestion.errors import RecordRefused
from ingestion.grouped import Batch, Expected, Handed, NewState, Noted, Row, to_arrow
from ingestion.loading import State
from ingestion.salesforce.client import QueryTimedOut
from ingestion.salesforce.convert import Converter, field_row, table
from ingestion.salesforce.queries import Query, count, run
from ingestion.salesforce.reading import OVERLAP, Reading, soql_moment
from ingestion.schemas import SALESFORCE_FIELDS
from ingestion.warehouse import opened

#: Rows that belong to a person's record and leave no line in the quarantine when the person was erased.
_HANGS_ON_PEOPLE = frozenset({"CampaignMember", "OpportunityContactRole", "TaskRelation", "EventRelation"})


@dataclass(frozen=True)
class Comparison:
    """What counting an object's live records brought: sentences, and whether the org has some that we have not."""

    notes: tuple[str, ...] = ()
    missing: int = 0


def read_object(reading: Reading, name: str, state: State, *, everything: bool = False) -> Iterator[Handed]:
    """Reads what changed of one object since the state, or all of it.

    All of it: on the first load, when ``everything`` is set, and when the user may read fields that were not there or
    hidden before (their values came without a change of the records).
    """
    raw = table(name)
    described = reading.readable(name)
    if described is None:
        if state.get("absent") is not True:
            yield Noted(
                raw.name, f"the org has no {name}, or hides it from the integration user: the table stays empty"
            )
        yield NewState({"absent": True})
        return
    lacking = sorted(set(SALESFORCE_FIELDS[name]) - set(described))
    if lacking and lacking != state.get("lacking"):
        yield Noted(raw.name, f"the org has no {', '.join(lacking)} (or hides them): null")
    gained = sorted(set(described) - set(state.get("fields") or described))
    since = None if everything or gained else _cursor(state)
    if gained:
        yield Noted(raw.name, f"read from the start, for fields that were not there before: {', '.join(gained)}")
    stamp = "SystemModstamp" if "SystemModstamp" in described else "CreatedDate"
    after = None if since is None else since - OVERLAP
    known = _known(reading, name, after)
    conditions = [f"{stamp} < {soql_moment(reading.until)}"]
    if after is not None:
        conditions.append(f"{stamp} >= {soql_moment(after)}")
    rows = run(reading.api(raw.name), Query(name, list(described), conditions), bulk_from=reading.bulk_from)
    yield Expected(raw.name, rows.total if after is None else None)
    converter, collector, latest = Converter(name, described), reading.collector(name), since
    for page in rows.pages:
        for record in page:
            record_id = str(record.get("Id") or "")
            collector.saw(record_id)
            try:
                row = converter.row(record)
            except RecordRefused as error:
                collector.refuse(error, record, record_id or None)
                continue
            latest = max(latest or row["system_modstamp"], row["system_modstamp"])
            if known.get(record_id) != (row["system_modstamp"], row["is_deleted"]):
                collector.add(row)
        yield from collector.full()
    yield from collector.rest()
    yield NewState(
        {
            **({"read_up_to": min(latest, reading.until).isoformat()} if latest else {}),
            "fields": sorted(described),
            "lacking": lacking,
        }
    )


def read_whole(reading: Reading, name: str, state: State) -> Iterator[Handed]:
    """A small object that shows no deleted records, as it is now: nothing if the warehouse holds exactly that."""
    raw = table(name)
    yield Expected(raw.name, None)
    described = reading.readable(name)
    if described is None:
        yield Noted(raw.name, _absent(name))
    else:
        converter = Converter(name, described)
        found = run(reading.api(raw.name), Query(name, list(described)), bulk_from=reading.bulk_from)
        rows = [converter.row(record) for page in found.pages for record in page]
        yield from _whole_table(reading, name, rows)
    yield NewState(state)


def read_fields(reading: Reading, state: State) -> Iterator[Handed]:
    """The fields of every object we read."""
    yield Expected("fields", None)
    rows = [
        field_row(name, one)
        for name, described in zip(
            SALESFORCE_FIELDS, reading.api("fields").map(reading.fields, SALESFORCE_FIELDS), strict=True
        )
        for one in described or []
    ]
    yield from _whole_table(reading, "fields", rows)
    yield NewState(state)


def compare(reading: Reading, name: str) -> Comparison:
    """Compares the number of an object's live records in the org with ours, and marks those that are gone.

    Records created after ``reading.until`` count on neither side; whatever changed since does not disturb.
    """
    raw = table(name)
    described = reading.readable(name)
    if described is None or "IsDeleted" not in described:
        return Comparison()
    api, until = reading.api(raw.name), reading.until
    live = ["IsDeleted = false", f"CreatedDate < {soql_moment(until)}"]
    try:
        theirs = count(api, name, live)
    except QueryTimedOut:
        return Comparison((f"not compared by number: counting {name} took Salesforce too long",))
    [(ours,)] = reading.query(f"select count(*) from {raw.qualified} where not is_deleted and created_at < ?", [until])
    assert isinstance(ours, int)
    [(held,)] = reading.query(
        "select count(distinct record_id) from raw_quarantine.records where entity = ?", [raw.qualified]
    )
    assert isinstance(held, int)
    if ours > theirs:
        found = run(api, Query(name, ["Id"], live), bulk_from=reading.bulk_from)
        ids = pa.chunked_array(
            [pa.array([str(record["Id"]) for record in page], pa.string()) for page in found.pages], pa.string()
        )
        gone = _mark_gone(reading, name, pa.table({"id": ids}), until)
        return Comparison((f"{gone} {name} are no longer in the org, nor in its bin: marked as deleted",))
    if in_force() and name in _HANGS_ON_PEOPLE:
        # What hangs on an erased person is turned away without a trace: fewer here is as it should be.
        return Comparison()
    return Comparison(missing=max(0, theirs - ours - held))


def _absent(name: str) -> str:
    return f"the org has no {name}, or hides it from the integration user: nothing is read"


def _mark_gone(reading: Reading, name: str, live: pa.Table, until: datetime) -> int:
    qualified = table(name).qualified
    with opened(reading.warehouse_path) as connection:
        connection.register("_live", live)
        row = connection.execute(
            f"""
            update {qualified} set is_deleted = true, deleted_at = ?, _loaded_at = ?
            where not is_deleted and created_at < ? and id not in (select id from _live)
            """,
            [until, reading.loaded_at, until],
        ).fetchone()
        connection.unregister("_live")
    return int(row[0]) if row else 0


def _whole_table(reading: Reading, name: str, rows: list[Row]) -> Iterator[Batch]:
    raw = table(name)
    arrow = to_arrow(raw, rows, reading.loaded_at)
    columns = [column for column in raw.columns.names if column != "_loaded_at"]
    now = set(zip(*(arrow.column(column).to_pylist() for column in columns), strict=True)) if rows else set()
    if now != set(reading.query(f"select {', '.join(columns)} from {raw.qualified}", [])):
        yield Batch(raw.name, arrow, len(rows))


def _known(reading: Reading, name: str, after: datetime | None) -> Mapping[str, tuple[object, object]]:
    """What the warehouse holds of the records changed since: stamp and deletion by id."""
    if after is None:
        return {}
    rows = reading.query(
        f"select id, system_modstamp, is_deleted from {table(name).qualified} where system_modstamp >= ?", [after]
    )
    return {str(record_id): (stamp, is_deleted) for record_id, stamp, is_deleted in rows}


def _cursor(state: State) -> datetime | None:
    value = state.get("read_up_to")
    return datetime.fromisoformat(str(value)) if value else None
