"""Blanking what the inbox says of a person. Rows stay, so that an event that is sent again is still a duplicate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from ingestion.errors import RecordRefused
from ingestion.events.messages import TRACKERS, row_of
from instant.errors import InboxUnavailable
from instant.inbox import ERASED, Inbox, events_table, refused_table, utc_now
from privacy.tombstones import ERASED as MARK

#: Texts to look for in one statement.
_CHUNK = 50
_SHORTEST = 6


def forget(
    inbox: Inbox,
    *,
    addresses: Iterable[str],
    user_ids: Iterable[str] = (),
    devices: Iterable[str] = (),
    message_ids: Iterable[str] = (),
) -> dict[str, int]:
    """Empties the person's events and refusals, takes their addresses out of others', and writes the file anew.

    Args:
        inbox: the inbox; collectors may go on, events they take meanwhile wait for the end of it.
        addresses: e-mail addresses, in lower case.
        user_ids: what trackers call the person.
        devices: anonymous ids that are this person's alone.
        message_ids: of events known to be the person's.

    Returns the rows concerned by table. Doing it again changes nothing.

    Raises:
        InboxUnavailable: the inbox is in use by something that does not let go.
    """
    mails, users = {one.lower() for one in addresses}, set(user_ids)
    own_devices, own_messages = set(devices), set(message_ids)
    words = sorted({*mails, *users, *own_devices, *own_messages} - {""})
    pattern = re.compile("|".join(re.escape(one) for one in sorted(mails, key=len, reverse=True)), re.IGNORECASE)
    counts = {"events": 0, "refused": 0}
    try:
        with inbox.engine.begin() as connection:
            table = events_table.c
            for sequence, tracker, event in _naming(connection, events_table, "event", words):
                told = orjson.loads(event)
                if tracker in TRACKERS and _is_persons(tracker, told, mails, users, own_devices, own_messages):
                    values = {"tracker": ERASED, "event": "{}"}
                elif mails and pattern.search(event):
                    values = {"event": pattern.sub(MARK, event)}
                else:
                    continue
                counts["events"] += 1
                connection.execute(events_table.update().where(table.sequence == sequence).values(**values))
            blank = {"record": "", "record_id": None, "field": "", "reason_code": "erased"}
            for sequence, _, _ in _naming(
                connection, refused_table, "record", [w for w in words if len(w) >= _SHORTEST]
            ):
                counts["refused"] += 1
                gone = refused_table.update().where(refused_table.c.sequence == sequence)
                connection.execute(gone.values(**blank, reason="the person was erased"))
        _compact(inbox)
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise InboxUnavailable(f"{inbox.shown_url} cannot be rid of a person: {reason}; run it again") from error
    return {f"inbox.{name}": rows for name, rows in counts.items() if rows}


def _naming(
    connection: sa.Connection, table: sa.Table, column: str, words: Sequence[str]
) -> Iterator[tuple[int, str, str]]:
    """Rows whose text holds one of the words, once each: sequence, tracker (empty for refusals), text."""
    text = table.c[column]
    tracker = table.c.tracker if "tracker" in table.c else sa.literal("")
    seen: set[int] = set()
    for start in range(0, len(words), _CHUNK):
        needles = [_as_json(word).lower() for word in words[start : start + _CHUNK]]
        holds = sa.or_(*(sa.func.lower(text).contains(needle, autoescape=True) for needle in needles))
        rows: list[Any] = list(connection.execute(sa.select(table.c.sequence, tracker, text).where(holds)))
        for sequence, kind, content in rows:
            if sequence not in seen:
                seen.add(sequence)
                yield sequence, kind, content


def _as_json(word: str) -> str:
    """As it stands inside JSON text."""
    return orjson.dumps(word).decode()[1:-1]


def _is_persons(
    tracker: str, event: object, mails: set[str], users: set[str], devices: set[str], messages: set[str]
) -> bool:
    try:
        row = row_of(tracker, event, utc_now())
    except RecordRefused:
        # Taken by an older conversion; it names the person somewhere, and nobody reads it any more.
        return True
    return (
        str(row["email"] or "").strip().lower() in mails
        or str(row["user_id"] or "").strip().lower() in mails
        or row["user_id"] in users
        or row["anonymous_id"] in devices
        or row["message_id"] in messages
    )


def _compact(inbox: Inbox) -> None:
    """Gives the bytes up: SQLite keeps them in free pages and in its log, PostgreSQL in dead rows."""
    with inbox.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if inbox.dialect == "sqlite":
            connection.exec_driver_sql("vacuum")
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
        else:
            for table in (events_table.name, refused_table.name):
                connection.exec_driver_sql(f"vacuum full {table}")
