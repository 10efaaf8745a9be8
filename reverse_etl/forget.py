"""Blanking what the operational store says of a person. Rows stay, so that counts and runs stay true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from privacy.tombstones import ERASED as MARK
from reverse_etl.errors import StoreError
from reverse_etl.plan_rows import PlanRow, blanked, plan_rows
from reverse_etl.store import SENDING, Store, dead_letters, plan_parts, plans, sync_runs, utc_now, writes
from reverse_etl.suppressions import ERASED, REASONS

_CHUNK = 400


def forget(
    store: Store,
    *,
    records: Iterable[tuple[str, str, str]],
    contact_ids: Iterable[str],
    addresses: Iterable[str],
    names: Iterable[str] = (),
) -> dict[str, int]:
    """Empty what plans, writes and dead letters hold of a person, and write the file anew (SQLite, PostgreSQL).

    ``records`` are (destination, object, record id). A change of theirs that a plan had yet to send becomes
    ``suppressed``. Returns the rows concerned by table. Doing it again changes nothing.

    Raises:
        StoreError: the store is in use by something that does not let go.
    """
    ids = sorted({record_id for _, _, record_id in records})
    keys = sorted(set(contact_ids))
    needles = [one for one in (*addresses, *names) if len(one) >= _SHORTEST]
    counts: dict[str, int] = {}
    with store.engine.begin() as connection:
        counts["plan_parts"] = _changes(connection, ids, keys, needles)
        counts["writes"] = _ledger(connection, writes, ids, keys, needles)
        counts["dead_letters"] = _ledger(connection, dead_letters, ids, keys, needles)
        counts["plans"] = _summaries(connection, [*needles, *keys])
        counts["sync_runs"] = _messages(connection, needles)
    _compact(store)
    return {f"ops.{name}": rows for name, rows in counts.items() if rows}


_SHORTEST = 6


def _of_person(table: sa.Table, ids: Sequence[str], keys: Sequence[str]) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions, by chunks: a query takes only so many values."""
    for start in range(0, len(ids), _CHUNK):
        yield table.c.record_id.in_(ids[start : start + _CHUNK])
    for key in keys:
        # A second record of a contact has its id behind the contact's.
        yield sa.or_(table.c.sync_key == key, table.c.sync_key.like(f"{key}:%"))


def _naming(columns: Sequence[Any], needles: Sequence[str]) -> Iterator[sa.ColumnElement[bool]]:
    for needle in needles:
        yield sa.or_(*(sa.func.lower(column).contains(needle.lower(), autoescape=True) for column in columns))
        # JSON text may hold a name's accents as escapes.
        escaped = json.dumps(needle)[1:-1]
        if escaped != needle:
            yield sa.or_(*(column.contains(escaped, autoescape=True) for column in columns))


def _changes(connection: sa.Connection, ids: Sequence[str], keys: Sequence[str], needles: Sequence[str]) -> int:
    """Blank the person's rows in every kept plan; those that were still to be sent become parts of their own, which
    send nothing. Numbers of rows stay as they are: the ledger names them."""
    texts = [one.lower() for one in needles] + [json.dumps(one)[1:-1].lower() for one in needles]
    records, contacts = set(ids), set(keys)

    def is_persons(row: PlanRow) -> bool:
        if row.record_id in records:
            return True
        if row.sync_key is not None and (row.sync_key in contacts or row.sync_key.partition(":")[0] in contacts):
            return True
        told = "\n".join(one for one in (row.match_value, row.fields, row.previous) if one).lower()
        return any(one in told for one in texts)

    table = plan_parts.c
    found = 0
    numbers: list[Any] = list(connection.execute(sa.select(table.plan_id, table.part, table.sync, table.outcome)))
    for plan_id, number, sync, outcome in numbers:
        this = (table.plan_id == plan_id) & (table.part == number)
        row: Any = connection.execute(sa.select(table.first_seq, table.content).where(this)).one()
        theirs = {r.seq for r in plan_rows(row.content, row.first_seq) if is_persons(r) and r.is_told}
        if not theirs:
            continue
        found += len(theirs)
        own = [f"{plan_id}:{seq}" for seq in sorted(theirs)]
        sent: set[str] = set()
        for start in range(0, len(own), _CHUNK):
            chunk = own[start : start + _CHUNK]
            sent |= set(connection.execute(sa.select(writes.c.write_id).where(writes.c.write_id.in_(chunk))).scalars())
        unsent = {seq for seq in theirs if f"{plan_id}:{seq}" not in sent} if outcome in SENDING else set()
        connection.execute(plan_parts.delete().where(this))
        parts = blanked(sync, outcome, row.content, row.first_seq, theirs, unsent, REASONS[ERASED])
        last = connection.execute(sa.select(sa.func.max(table.part)).where(table.plan_id == plan_id)).scalar() or 0
        for place, (first_seq, part) in enumerate(parts, max(last, number) + 1):
            connection.execute(
                plan_parts.insert().values(
                    plan_id=plan_id, part=place, sync=sync, outcome=part.outcome, first_seq=first_seq, rows=part.rows,
                    content=part.content,
                )
            )  # fmt: skip
    return found


def _ledger(
    connection: sa.Connection, table: sa.Table, ids: Sequence[str], keys: Sequence[str], needles: Sequence[str]
) -> int:
    names = [n for n in ("fields", "previous", "error_message") if n in table.c]
    text = [table.c[name] for name in names]
    filled = [column for column in text if column.nullable]
    told = sa.or_(*(column.is_not(None) for column in [*filled, table.c.sync_key]))
    values: dict[str, Any] = {name: None if table.c[name].nullable else MARK for name in names}
    values["sync_key"] = None
    found = 0
    for condition in (*_of_person(table, ids, keys), *_naming(text, needles)):
        blanked = table.update().where(condition, told, table.c.action != "delete")
        found += connection.execute(blanked.values(**values)).rowcount
        if "state" in table.c:
            closed = table.update().where(condition, table.c.state.in_(("open", "retry")), table.c.action != "delete")
            connection.execute(closed.values(state="resolved", resolved_at=utc_now()))
    return found


def _summaries(connection: sa.Connection, needles: Sequence[str]) -> int:
    """A plan's examples show values of a few records: those of the person go."""
    found = 0
    row: Any
    for row in connection.execute(sa.select(plans.c.plan_id, plans.c.summary)).fetchall():
        syncs = json.loads(row.summary)
        is_changed = False
        for sync in syncs:
            kept = [one for one in sync["examples"] if not _names(json.dumps(one, ensure_ascii=False), needles)]
            is_changed |= len(kept) < len(sync["examples"])
            sync["examples"] = kept
        if is_changed:
            connection.execute(plans.update().where(plans.c.plan_id == row.plan_id).values(summary=json.dumps(syncs)))
            found += 1
    return found


def _messages(connection: sa.Connection, needles: Sequence[str]) -> int:
    found = 0
    for condition in _naming([sync_runs.c.message], needles):
        found += connection.execute(sync_runs.update().where(condition).values(message=MARK)).rowcount
    return found


def _names(text: str, needles: Sequence[str]) -> bool:
    return any(re.search(re.escape(needle), text, re.IGNORECASE) for needle in needles)


def _compact(store: Store) -> None:
    """Give deleted values' bytes up: SQLite keeps them in free pages and in its log, PostgreSQL in dead rows."""
    try:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if store.dialect == "sqlite":
                connection.exec_driver_sql("vacuum")
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
            else:
                for table in ("plan_parts", "writes", "dead_letters", "plans", "sync_runs"):
                    connection.exec_driver_sql(f"vacuum full {table}")
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StoreError(
            f"{store.shown_url} is in use ({reason}), so blanked values could not be removed from its file; "
            "let what uses it end, then run the erasure again"
        ) from error
