"""Who an event is of: the deterministic part of identity on the published snapshot and the new events.

What a build would decide by probability, or by joining contacts that exist, is not guessed here: such a person is told
as undecided, with the reason, and waits for the build. The rules are those of docs/matching.md: a record of an event is
a login, or an address where there is none; it joins the contact that bears the same mailbox or login; a contact is
named after its oldest record; free mail and throw-away domains make no company.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import orjson

from hygiene.domain import registrable_domain
from hygiene.email import clean_email
from ingestion.events.rows import Row
from instant.leaves import SCHEMA

#: The source's name of records that events tell of.
SOURCE = "events"


@dataclass(frozen=True)
class Person:
    """A person whom new events name.

    Attributes:
        record_id: the login, or the address in lower case.
        record_key: the key the batch gives the record.
        contact_id: the contact it belongs to, or will be named; None while undecided.
        account_id: the contact's account; for a new contact that of the address's domain; None if there is none yet.
        is_new: no build knows the contact.
        undecided: why only a build can tell who it is.
    """

    record_id: str
    record_key: str
    contact_id: str | None
    account_id: str | None
    is_new: bool
    undecided: str | None = None


@dataclass(frozen=True)
class _Told:
    """What the new events say of one person."""

    record_id: str
    user_id: str | None
    email: str | None
    first_name: str | None
    last_name: str | None
    created_at: datetime


def hash_key(*values: str) -> str:
    """The key that ``macros/hash_key.sql`` makes of the same values."""
    return hashlib.md5("|".join(values).encode(), usedforsecurity=False).hexdigest()


def identify(cursor: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> tuple[Person, ...]:
    """Everybody whom the rows name, by ``record_id``.

    Args:
        cursor: on the snapshot.
        rows: rows of ``raw_events.events``.
    """
    told = _told(rows)
    known = _known(cursor, told)
    found: dict[str, Person] = {}
    mailboxes: dict[tuple[str, str], str] = {}
    # Oldest first: a contact is named after its oldest record.
    for person in sorted(told, key=lambda one: (one.created_at, one.record_id)):
        key = hash_key(SOURCE, person.record_id)
        identifiers = _identifiers(cursor, person)
        if person.record_id in known:
            contact_id, account_id = known[person.record_id]
            others = {contact for contact, _ in _bearers(cursor, identifiers)} - {contact_id}
            why = "it joins contacts that are apart so far" if others else None
            found[person.record_id] = Person(person.record_id, key, contact_id, account_id, False, why)
            continue
        bearers = _bearers(cursor, identifiers)
        earlier = {mailboxes[one] for one in identifiers if one in mailboxes}
        if bearers:
            found[person.record_id] = _joined(cursor, person, key, bearers)
        elif earlier:
            first = found[min(earlier, key=lambda one: (found[one].contact_id or "", one))]
            found[person.record_id] = Person(person.record_id, key, first.contact_id, first.account_id, True)
        else:
            contact_id = hash_key("contact", key)
            found[person.record_id] = Person(person.record_id, key, contact_id, _account_of(cursor, person), True)
        for one in identifiers:
            mailboxes.setdefault(one, person.record_id)
    return tuple(found[name] for name in sorted(found))


def _told(rows: Sequence[Row]) -> list[_Told]:
    """As int_event_people makes records of events: the newest address and the newest traits win."""
    people: dict[str, list[Row]] = {}
    for row in rows:
        name = person_of(row)
        if name:
            people.setdefault(name, []).append(row)
    told = []
    for name, events in people.items():
        newest = sorted(events, key=lambda row: (row["event_at"], str(row["message_id"])), reverse=True)
        traits = next((found for row in newest if (found := _traits(row))), {})
        told.append(
            _Told(
                record_id=name,
                user_id=next((row["user_id"] for row in newest if row.get("user_id")), None),
                email=next((row["email"] for row in newest if row.get("email")), None),
                first_name=_text(traits.get("firstName") or traits.get("first_name")),
                last_name=_text(traits.get("lastName") or traits.get("last_name")),
                created_at=newest[-1]["event_at"],
            )
        )
    return told


def person_of(row: Row) -> str | None:
    """Whom an event names: a login before an address."""
    email = row.get("email")
    return row.get("user_id") or (email.lower() if email else None)


def visitor_of(row: Row) -> str | None:
    """Whose browsing an event belongs to."""
    return row.get("anonymous_id") or person_of(row)


def _traits(row: Row) -> Mapping[str, Any]:
    if row.get("type") != "identify" or not row.get("traits"):
        return {}
    loaded = orjson.loads(row["traits"])
    return loaded if isinstance(loaded, dict) else {}


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _known(cursor: duckdb.DuckDBPyConnection, told: Sequence[_Told]) -> dict[str, tuple[str, str | None]]:
    rows = cursor.execute(
        f"select records.record_id, records.contact_id, contacts.account_id from {SCHEMA}.records "
        f"left join {SCHEMA}.contacts on records.contact_id = contacts.contact_id "
        "where records.source = ? and records.record_id in (select unnest(cast(? as varchar[])))",
        [SOURCE, [person.record_id for person in told]],
    ).fetchall()
    return {record_id: (contact_id, account_id) for record_id, contact_id, account_id in rows}


def _identifiers(cursor: duckdb.DuckDBPyConnection, person: _Told) -> list[tuple[str, str]]:
    """Type and value of what a record can be recognised by."""
    found: list[tuple[str, str]] = []
    email = clean_email(person.email)
    if email.canonical and email.status == "valid":
        local = (email.address or "").partition("@")[0].partition("+")[0]
        role = cursor.execute(f"select 1 from {SCHEMA}.role_mailboxes where local_part = ?", [local]).fetchone()
        found.append(("email_role" if role else "email", email.canonical))
    if person.user_id:
        found += [("user_id", person.user_id), ("crm_user_id", person.user_id)]
    return found


def _bearers(cursor: duckdb.DuckDBPyConnection, identifiers: Sequence[tuple[str, str]]) -> list[tuple[str, bool]]:
    """Contacts that bear one of the identifiers, and whether it may link one record more."""
    found: dict[str, bool] = {}
    for kind, value in identifiers:
        for contact_id, contacts, may_link in cursor.execute(
            "select identifiers.contact_id, identifiers.contact_count, rules.is_trusted and "
            f"identifiers.record_count < rules.max_records from {SCHEMA}.identifiers "
            f"inner join {SCHEMA}.identifier_rules as rules on identifiers.identifier_type = rules.identifier_type "
            "where identifiers.identifier_type = ? and identifiers.identifier_value = ?",
            [kind, value],
        ).fetchall():
            found[contact_id] = found.get(contact_id, True) and bool(may_link) and contacts == 1
    return sorted(found.items())


def _joined(cursor: duckdb.DuckDBPyConnection, person: _Told, key: str, bearers: Sequence[tuple[str, bool]]) -> Person:
    """A new record of a contact that is known, where no build has to decide."""
    contact_id, may_link = bearers[0]
    row = cursor.execute(
        f"select account_id, first_name, last_name, oldest_at from {SCHEMA}.contacts where contact_id = ?", [contact_id]
    ).fetchone()
    why = None
    if len(bearers) > 1:
        why = "it joins contacts that are apart so far"
    elif not may_link or row is None:
        why = "its mailbox or login is borne by too many records, or by several contacts"
    elif row[3] is not None and person.created_at < row[3]:
        why = "it is older than every record of its contact, which is named after the oldest"
    elif any(
        mine and theirs and mine.lower() != theirs
        for mine, theirs in ((person.first_name, row[1]), (person.last_name, row[2]))
    ):
        why = "its name is another than that of whoever bears the mailbox"
    if why is not None or row is None:
        return Person(person.record_id, key, None, None, False, why)
    return Person(person.record_id, key, contact_id, row[0], False)


def _account_of(cursor: duckdb.DuckDBPyConnection, person: _Told) -> str | None:
    """The account of the domain that a new person writes from; free mail is nobody's."""
    email = clean_email(person.email)
    domain = registrable_domain(email.domain) if email.domain else None
    if domain is None:
        return None
    row = cursor.execute(
        f"select account_id from {SCHEMA}.domains where domain = ? "
        f"and not exists (select 1 from {SCHEMA}.companyless_domains where domain in (?, ?))",
        [domain, domain, email.domain],
    ).fetchone()
    return row[0] if row else None
