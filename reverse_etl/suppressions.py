"""Who must not be written: people who were erased, and people who opted out since the CRM was last read.

Rows of the operational store's table ``suppressions``, two kinds:

* ``erased``: a tombstone, for good. A CRM record by its id (which the CRM's deletion is queued by as well), a mailbox,
  a number or another identifier as a keyed hash (:mod:`privacy`).
* ``opted_out``: an opt-out that an apply found in the CRM and no read has brought yet. It holds for records read before
  ``created_at``; a later read knows better, also that somebody opted in again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from privacy import ErasureKey, KeyMissingError, Tombstones
from reverse_etl.store import Store, erasures, suppressions, utc_now, writes

ERASED = "erased"
OPTED_OUT = "opted_out"

#: Words for people, by kind.
REASONS = {ERASED: "erased", OPTED_OUT: "opted out since the CRM was last read"}

#: The name under which deletions of erased people stand in runs, ledger and dead letters.
ERASURE_SYNC = "erasure"

_FIELDS: list[tuple[str, pa.DataType]] = [
    *((name, pa.string()) for name in ("object", "record_id", "kind", "reason")), ("created_at", pa.timestamp("us"))
]  # fmt: skip
_RELATION = pa.schema(_FIELDS)
_CHUNK = 500


@dataclass(frozen=True)
class Deletion:
    """A CRM record of somebody erased that is still to be deleted there."""

    suppression_id: str
    destination: str
    object: str
    record_id: str


def relation(store: Store, destination: str) -> pa.Table:
    """What the planner registers as ``suppressions``: the suppressed records of one CRM.

    Columns ``object``, ``record_id``, ``kind``, ``reason``, ``created_at`` (UTC). ``erased`` always suppresses;
    ``opted_out`` does where ``created_at`` is later than the record's ``read_at``.
    """
    table = suppressions.c
    query = sa.select(table.object, table.record_id, table.kind, table.reason, table.created_at).where(
        table.destination == destination, table.record_id.is_not(None)
    )
    with store.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return pa.Table.from_pylist(rows, schema=_RELATION)


def erased_records(store: Store) -> dict[tuple[str, str], frozenset[str]]:
    """Ids of the CRM records of erased people by (destination, object)."""
    table = suppressions.c
    query = sa.select(table.destination, table.object, table.record_id).where(
        table.kind == ERASED, table.record_id.is_not(None)
    )
    found: dict[tuple[str, str], set[str]] = {}
    with store.engine.connect() as connection:
        row: Any
        for row in connection.execute(query):
            found.setdefault((row.destination, row.object), set()).add(row.record_id)
    return {scope: frozenset(ids) for scope, ids in found.items()}


def tombstones(store: Store, key: ErasureKey | None) -> Tombstones:
    """Everything that is known of erased people.

    Raises:
        KeyMissingError: there are hashes, and ``key`` is not the one they were made with. Going on would let erased
            people back in.
    """
    table = suppressions.c
    query = sa.select(table.email_hash, table.phone_hash, table.identifier_hash, table.key_id).where(
        table.kind == ERASED, table.record_id.is_(None)
    )
    with store.engine.connect() as connection:
        rows = list(connection.execute(query))
    made_with = {row.key_id for row in rows}
    if rows and (key is None or made_with != {key.key_id}):
        raise KeyMissingError(
            f"people were erased, and the key that recognises them is {'missing' if key is None else 'another one'}: "
            f"{store.shown_url} names key {', '.join(sorted(map(str, made_with)))}. Restore the file erasure.key of "
            "the data folder, or set LEADHOUSE_ERASURE_KEY; without it they would come back."
        )
    return Tombstones(
        key=key,
        emails=frozenset(row.email_hash for row in rows if row.email_hash),
        phones=frozenset(row.phone_hash for row in rows if row.phone_hash),
        identifiers=frozenset(row.identifier_hash for row in rows if row.identifier_hash),
        records=erased_records(store),
    )


def record_opt_outs(
    store: Store, destination: str, object_name: str, record_ids: Iterable[str], at: datetime | None = None
) -> None:
    """Keep opt-outs that an apply found. Recording one again renews its moment."""
    moment = at or utc_now()
    _keep(
        store,
        [
            {
                "kind": OPTED_OUT, "destination": destination, "object": object_name, "record_id": record_id,
                "reason": REASONS[OPTED_OUT], "created_at": moment,
            }
            for record_id in sorted(set(record_ids))
        ],
    )  # fmt: skip


def record_tombstones(
    store: Store,
    key: ErasureKey,
    erasure_id: str,
    *,
    emails: Iterable[str] = (),
    phones: Iterable[str] = (),
    identifiers: Iterable[tuple[str, str]] = (),
    records: Iterable[tuple[str, str, str]] = (),
) -> int:
    """Keep what will recognise somebody erased; returns how many marks that are.

    ``identifiers`` are (scope, value), ``records`` (destination, object, record id). Recording again changes nothing.
    """
    common = {"kind": ERASED, "erasure_id": erasure_id, "key_id": key.key_id, "reason": REASONS[ERASED],
              "created_at": utc_now()}  # fmt: skip
    rows = [{**common, "email_hash": hashed} for hashed in sorted({key.email(e) for e in emails} - {None}, key=str)]
    rows += [{**common, "phone_hash": hashed} for hashed in sorted({key.phone(p) for p in phones} - {None}, key=str)]
    rows += [
        {**common, "identifier_hash": hashed}
        for hashed in sorted({key.identifier(scope, value) for scope, value in identifiers})
    ]
    rows += [
        {**common, "destination": destination, "object": object_name, "record_id": record_id}
        for destination, object_name, record_id in sorted(set(records))
    ]
    _keep(store, rows, once=True)
    return len(rows)


def pending_deletions(store: Store) -> list[Deletion]:
    """CRM records of erased people that no acknowledged delete has removed yet, in a fixed order."""
    table = suppressions.c
    done = sa.select(writes.c.write_id).where(writes.c.action == "delete", writes.c.outcome == "written")
    query = (
        sa.select(table.suppression_id, table.destination, table.object, table.record_id)
        .where(
            table.kind == ERASED,
            table.record_id.is_not(None),
            (sa.literal("erase:") + table.suppression_id).not_in(done),
        )
        .order_by(table.destination, table.object, table.record_id)
    )
    with store.engine.connect() as connection:
        return [Deletion(*map(str, row)) for row in connection.execute(query)]


def start_erasure(store: Store, key: ErasureKey, email: str, reason: str | None, requested_by: str | None) -> str:
    """The id of the open erasure of this mailbox, made when there is none."""
    hashed = key.email(email)
    assert hashed is not None
    with store.engine.begin() as connection:
        table = erasures.c
        is_open = sa.select(table.erasure_id).where(table.email_hash == hashed, table.state == "open")
        found = connection.execute(is_open).scalar()
        if found is not None:
            return str(found)
        moment = utc_now()
        erasure_id = f"erasure_{moment:%Y%m%dT%H%M%S}_{hashlib.sha256(f'{hashed}{moment}'.encode()).hexdigest()[:6]}"
        connection.execute(
            erasures.insert().values(
                erasure_id=erasure_id, email_hash=hashed, key_id=key.key_id, reason=reason, requested_by=requested_by,
                requested_at=moment, state="open", counts="{}",
            )
        )  # fmt: skip
        return erasure_id


def update_erasure(store: Store, erasure_id: str, counts: str, *, finished: bool = False) -> None:
    """Keep what was removed so far (JSON: place -> rows); ``finished`` closes the erasure."""
    values: dict[str, Any] = {"counts": counts}
    if finished:
        values |= {"state": "done", "finished_at": utc_now()}
    with store.engine.begin() as connection:
        connection.execute(erasures.update().where(erasures.c.erasure_id == erasure_id).values(**values))


def erasure_rows(store: Store) -> list[dict[str, Any]]:
    """The proofs, oldest first."""
    query = sa.select(erasures).order_by(erasures.c.requested_at, erasures.c.erasure_id)
    with store.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _keep(store: Store, rows: list[dict[str, Any]], *, once: bool = False) -> None:
    """Rows under ids made of what they suppress. ``once``: a row that is there stays as it is."""
    values = [{**dict.fromkeys(suppressions.c.keys()), **row, "suppression_id": _id_of(row)} for row in rows]
    dialect = sqlite if store.dialect == "sqlite" else postgresql
    statement = dialect.insert(suppressions)
    key = [suppressions.c.suppression_id]
    changed = {name: statement.excluded[name] for name in ("created_at", "reason")}
    statement = (
        statement.on_conflict_do_nothing(index_elements=key)
        if once
        else statement.on_conflict_do_update(index_elements=key, set_=changed)
    )
    with store.engine.begin() as connection:
        for start in range(0, len(values), _CHUNK):
            connection.execute(statement, values[start : start + _CHUNK])


def _id_of(row: dict[str, Any]) -> str:
    names = ("kind", "destination", "object", "record_id", "email_hash", "phone_hash", "identifier_hash")
    return hashlib.sha256("\x1f".join(str(row.get(name) or "") for name in names).encode()).hexdigest()[:32]
