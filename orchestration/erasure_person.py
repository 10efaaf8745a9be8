"""Finding a person in the warehouse: every record, address, number, device and activity that is theirs.

The result is a :class:`Dossier`. It is personal data, kept in a file (``0600``) below the data folder from the first
step of an erasure to its last, so that an erasure which was killed goes on with what it knew, and deleted then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from hygiene import duckdb_plugin, patterns
from hygiene.phone import clean_phone
from orchestration.errors import OrchestrationError
from privacy.keys import canonical_email

#: Raw tables of people: the table, its record's id, the columns that hold an address (a list is split at ``;``), the
#: source's name and what write-back calls the object (None: no CRM).
_PEOPLE: tuple[tuple[str, str, tuple[str, ...], str, str | None], ...] = (
    ("raw_hubspot.contacts", "id", ("property_email", "property_hs_additional_emails"), "hubspot", "contacts"),
    ("raw_salesforce.contact", "id", ("email", "additional_emails_c"), "salesforce", "contacts"),
    ("raw_salesforce.lead", "id", ("email", "additional_emails_c"), "salesforce", "leads"),
    ("raw_files.contacts", "record_id", ("email",), "", None),
)
#: Raw columns that hold nothing but an address, beside those of ``_PEOPLE``.
_ADDRESSES: tuple[tuple[str, str], ...] = (
    ("raw_hubspot.form_submissions", "email"),
    ("raw_hubspot.email_events", "recipient"),
    ("raw_events.events", "email"),
    ("raw_events.events", "user_id"),
)
#: Activities by raw table: how they name the people they were with.
_ACTIVITIES = ("calls", "meetings", "emails", "tasks")


class ErasureRefused(OrchestrationError):
    """The erasure cannot be done as asked; the message says why and what to do. Nothing was removed."""


@dataclass
class Dossier:
    """What an erasure has to remove.

    ``records`` are (source, object or entity, record id); ``addresses`` every spelling met, in lower case, of mailboxes
    that are this person's alone; ``kept_addresses`` those that others use too (they stay); ``events`` the ids of
    tracker events, form submissions and e-mail events; ``names`` full names, ``single_names`` what they are made of.
    """

    email: str
    erasure_id: str = ""
    addresses: list[str] = field(default_factory=list)
    kept_addresses: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    single_names: list[str] = field(default_factory=list)
    has_namesake: bool = False
    contact_ids: list[str] = field(default_factory=list)
    record_keys: list[str] = field(default_factory=list)
    records: list[tuple[str, str, str]] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    shared_devices: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    activities: list[tuple[str, str]] = field(default_factory=list)
    shared_activities: list[tuple[str, str]] = field(default_factory=list)
    account_ids: list[str] = field(default_factory=list)
    owners: int = 0

    def ids_of(self, *sources: str) -> list[str]:
        """Record ids in the sources (all when none is named)."""
        return sorted({one[2] for one in self.records if not sources or one[0] in sources})

    @property
    def crm_records(self) -> list[tuple[str, str, str]]:
        """The records to delete in the CRMs: (destination, object, record id)."""
        return sorted((source, name, one) for source, name, one in self.records if source in ("hubspot", "salesforce"))

    def is_empty(self) -> bool:
        """Whether nothing of the person was found."""
        return not (self.records or self.addresses or self.devices)

    def merged(self, other: Dossier) -> Dossier:
        """Both: what an earlier, interrupted run knew and what is found now."""
        values: dict[str, Any] = {}
        for name, value in asdict(self).items():
            theirs = getattr(other, name)
            if isinstance(value, list):
                values[name] = sorted({_frozen(v) for v in (*value, *theirs)})
            else:
                values[name] = value or theirs
        values["addresses"] = [one for one in values["addresses"] if one not in values["kept_addresses"]]
        return Dossier(**values)

    def save(self, path: Path) -> None:
        """Keep it, readable for the owner only, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file)
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Dossier:
        """As it was saved."""
        values = json.loads(path.read_text(encoding="utf-8"))
        for name in ("records", "activities", "shared_activities"):
            values[name] = [tuple(one) for one in values[name]]
        return cls(**values)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def find_person(warehouse: Path, email: str, *, everyone: bool = False) -> Dossier:
    """Everything in the warehouse that is of the person with this address.

    Who is who is asked of the last build (``int_contact_records``, ``int_contact_clusters``): all records of the
    contact are found, whatever address they bear; what no build has seen yet is found by the address alone.

    Raises:
        ErasureRefused: the address is that of a user of the CRM, or several contacts share it (``everyone`` takes
            them all), or the warehouse cannot be opened.
    """
    target = canonical_email(email)
    if target is None or "@" not in target:
        raise ErasureRefused(f"{email!r} is no e-mail address; give the address of the person to erase")
    dossier = Dossier(email=email)
    if not warehouse.exists():
        dossier.addresses = sorted({email.strip().lower(), target})
        return dossier
    try:
        connection = duckdb.connect(str(warehouse), read_only=True)
    except duckdb.Error as error:
        raise ErasureRefused(
            f"{warehouse} cannot be opened ({str(error).splitlines()[0]}). The warehouse has one writer at a time: "
            "wait for the build or the load to end, then run again"
        ) from error
    try:
        connection.execute("set TimeZone = 'UTC'")
        # Views of the warehouse call these.
        duckdb_plugin.register(connection)
        patterns.register(connection)
        _find(_Tables(connection), dossier, target, everyone)
    finally:
        connection.close()
    return dossier


class _Tables:
    """The warehouse, whatever of it has been built yet."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.columns: dict[str, set[str]] = {}
        for schema, table, column in connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall():
            self.columns.setdefault(f"{schema}.{table}", set()).add(column)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.connection.execute(sql, list(parameters)).fetchall()
        return found

    def has(self, table: str, *columns: str) -> bool:
        return set(columns) <= self.columns.get(table, set()) and table in self.columns


def _find(tables: _Tables, dossier: Dossier, target: str, everyone: bool) -> None:
    records: set[tuple[str, str, str]] = set()
    spellings = {dossier.email.strip().lower(), target}
    for table, key, columns, source, name in _PEOPLE:
        if tables.has(table, key, *columns):
            for source_name, record_id, spelling in _by_address(tables, table, key, columns, source, {target}):
                records.add((source_name, name or "contacts", record_id))
                spellings.add(spelling)
    for table, column in _ADDRESSES:
        if tables.has(table, column):
            spellings |= set(_spellings(tables, table, column, {target}))
    if tables.has("intermediate.int_contact_clusters", "record_key", "contact_id"):
        _by_contact(tables, dossier, records, spellings, target, everyone)
    dossier.records = sorted(records)
    dossier.addresses = sorted(spellings - set(dossier.kept_addresses))
    if tables.has("raw_hubspot.owners", "email"):
        wanted = [target, dossier.email.strip().lower()]
        found = tables.rows(
            "select count(*) from raw_hubspot.owners where lower(email) in (select unnest(?))", [wanted]
        )
        dossier.owners = int(found[0][0])
    _devices(tables, dossier)
    _activities(tables, dossier)


def _by_address(
    tables: _Tables, table: str, key: str, columns: tuple[str, ...], source: str, targets: set[str]
) -> list[tuple[str, str, str]]:
    """(source, record id, address as written, in lower case) of the records of a raw table that bear a mailbox."""
    source_sql = f"'{source}'" if source else "source"
    found = []
    for column in columns:
        listed = f"unnest(string_split({column}, ';'))"
        rows = tables.rows(f"select {source_sql}, {key}, {listed} from {table} where {_near(column, targets)}")
        for source_name, record_id, spelling in rows:
            if canonical_email(spelling) in targets:
                found.append((str(source_name), str(record_id), str(spelling).strip().lower()))
    return found


def _spellings(tables: _Tables, table: str, column: str, targets: set[str]) -> list[str]:
    rows = tables.rows(f"select distinct lower(trim({column})) from {table} where {_near(column, targets)}")
    return [str(row[0]) for row in rows if canonical_email(row[0]) in targets]


def _near(column: str, targets: Iterable[str]) -> str:
    """A coarse condition that keeps every spelling of the mailboxes: their local part without dots is in it."""
    parts = [target.partition("@")[0].replace(".", "").replace("'", "''") for target in targets]
    return "(" + " or ".join(f"contains(replace(lower({column}), '.', ''), '{part}')" for part in parts) + ")"


def _by_contact(
    tables: _Tables,
    dossier: Dossier,
    records: set[tuple[str, str, str]],
    spellings: set[str],
    target: str,
    everyone: bool,
) -> None:
    """All records of the contact that the address leads to, and what stands on them."""
    found = tables.rows(
        """
        select clusters.contact_id, records.source, records.record_id
        from intermediate.int_contact_records as records
        join intermediate.int_contact_clusters as clusters on clusters.record_key = records.record_key
        where records.email_canonical = ? or lower(trim(records.email_raw)) in (select unnest(?::varchar[]))
        """,
        [target, sorted(spellings)],
    )
    contact_ids = {str(row[0]) for row in found}
    if len(contact_ids) > 1 and not everyone:
        raise ErasureRefused(
            f"{dossier.email} stands on records of {len(contact_ids)} different contacts "
            f"({', '.join(sorted(contact_ids))}): a mailbox that several people use, or one person whose records are "
            "not linked. See `leadhouse identity explain`; to erase all of them, add --everyone"
        )
    ids = sorted(contact_ids)
    members = tables.rows(
        """
        select
            records.record_key, records.source, records.record_id, records.email_raw, records.additional_emails_raw,
            records.phone_raw, records.phone_e164, records.first_name, records.last_name, records.merged_record_ids,
            records.user_id, records.first_name_raw, records.last_name_raw
        from intermediate.int_contact_records as records
        join intermediate.int_contact_clusters as clusters on clusters.record_key = records.record_key
        where clusters.contact_id in (select unnest(?::varchar[]))
        """,
        [ids],
    )
    phones: set[str] = set()
    names: set[str] = set()
    for key, source, record_id, email, more, phone, e164, first, last, merged, user_id, raw_first, raw_last in members:
        dossier.record_keys.append(str(key))
        for one in [record_id, *(str(merged).split(";") if merged else [])]:
            if str(one).strip():
                records.add((str(source), _object_of(tables, str(source), str(one).strip()), str(one).strip()))
        if user_id:
            records.add(("events", "people", str(user_id)))
        for address in [email, *(str(more).split(";") if more else [])]:
            if address and "@" in str(address):
                spellings |= {str(address).strip().lower(), canonical_email(str(address)) or ""} - {""}
        phones |= {str(one) for one in (phone, e164) if one}
        for given, family in ((first, last), (raw_first, raw_last)):
            if given and family:
                names |= {f"{given} {family}", f"{family} {given}", f"{family}, {given}"}
        dossier.single_names += [str(one) for one in (first, last, raw_first, raw_last) if one]
    dossier.contact_ids = ids
    if tables.has("intermediate.int_contact_memberships", "previous_contact_id"):
        rows = tables.rows(
            "select contact_id, previous_contact_id from intermediate.int_contact_memberships "
            "where record_key in (select unnest(?::varchar[]))",
            [dossier.record_keys],
        )
        known = {str(one) for row in rows for one in row if one}
        lived_on = tables.rows(
            "select distinct contact_id from intermediate.int_contact_clusters where contact_id in "
            "(select unnest(?::varchar[])) and record_key not in (select unnest(?::varchar[]))",
            [sorted(known), dossier.record_keys],
        )
        # An id that records of others bear by now is theirs.
        dossier.contact_ids = sorted({*ids, *known} - {str(row[0]) for row in lived_on})
    _leave_others(tables, dossier, spellings, phones, names)
    if tables.has("marts.dim_contacts", "contact_id", "account_id"):
        rows = tables.rows(
            "select distinct account_id from marts.dim_contacts "
            "where contact_id in (select unnest(?::varchar[])) and account_id is not null",
            [ids],
        )
        dossier.account_ids = sorted(str(row[0]) for row in rows)


def _object_of(tables: _Tables, source: str, record_id: str) -> str:
    if source != "salesforce":
        return {"hubspot": "contacts", "events": "people", "hubspot_forms": "people"}.get(source, "contacts")
    is_lead = tables.has("raw_salesforce.lead", "id") and tables.rows(
        "select 1 from raw_salesforce.lead where id = ? limit 1", [record_id]
    )
    # Ids of leads begin with 00Q, in every org.
    return "leads" if is_lead or record_id.startswith("00Q") else "contacts"


def _leave_others(tables: _Tables, dossier: Dossier, spellings: set[str], phones: set[str], names: set[str]) -> None:
    """Addresses and numbers that records of others bear too are theirs as well: they stay."""
    others = """
        from intermediate.int_contact_records as records
        where records.record_key not in (select unnest(?::varchar[]))
    """
    mailboxes = {canonical_email(one): one for one in spellings}
    rows = tables.rows(
        f"select distinct email_canonical {others} and email_canonical in (select unnest(?::varchar[]))",
        [dossier.record_keys, sorted(one for one in mailboxes if one)],
    )
    shared = {str(row[0]) for row in rows}
    dossier.kept_addresses = sorted(one for one in spellings if canonical_email(one) in shared)
    rows = tables.rows(
        f"select distinct phone_e164 {others} and phone_e164 in (select unnest(?::varchar[]))",
        [dossier.record_keys, sorted(phones)],
    )
    kept = {str(row[0]) for row in rows}
    dossier.phones = sorted(one for one in phones if one not in kept and clean_phone(one).e164 not in kept)
    dossier.names = sorted(names)
    rows = tables.rows(
        f"select 1 {others} and lower(first_name || ' ' || last_name) in (select unnest(?::varchar[])) limit 1",
        [dossier.record_keys, sorted(one.lower() for one in names)],
    )
    dossier.has_namesake = bool(rows)
    dossier.single_names = sorted(set(dossier.single_names))


def _devices(tables: _Tables, dossier: Dossier) -> None:
    """Browsers and devices that named this person, and what was recorded of them; a device that named others too is
    shared and keeps what is not this person's."""
    if not tables.has("raw_events.events", "anonymous_id", "user_id", "email"):
        return
    people = sorted({*dossier.addresses, *dossier.ids_of()})
    named = """
        select anonymous_id, bool_or(not is_person) as is_shared
        from (
            select
                anonymous_id,
                coalesce(user_id in (select unnest($people)), false)
                or coalesce(lower(trim(email)) in (select unnest($people)), false) as is_person
            from raw_events.events
            where anonymous_id is not null and (user_id is not null or email is not null)
        )
        group by anonymous_id
        having bool_or(is_person)
    """
    rows = tables.connection.execute(named, {"people": people}).fetchall()
    dossier.devices = sorted(str(row[0]) for row in rows if not row[1])
    dossier.shared_devices = sorted(str(row[0]) for row in rows if row[1])
    found = tables.rows(
        "select message_id from raw_events.events where anonymous_id in (select unnest(?::varchar[])) "
        "or user_id in (select unnest(?::varchar[])) or lower(trim(email)) in (select unnest(?::varchar[]))",
        [dossier.devices, people, people],
    )
    for table, key, column in (("form_submissions", "submission_id", "email"), ("email_events", "id", "recipient")):
        if tables.has(f"raw_hubspot.{table}", key, column):
            found += tables.rows(
                f"select {key} from raw_hubspot.{table} where lower(trim({column})) in (select unnest(?::varchar[]))",
                [dossier.addresses],
            )
    dossier.events = sorted({str(row[0]) for row in found if row[0]})


def _activities(tables: _Tables, dossier: Dossier) -> None:
    """Calls, meetings, e-mails and tasks with this person: alone (they go), or with others too (they stay, unnamed)."""
    alone: set[tuple[str, str]] = set()
    shared: set[tuple[str, str]] = set()
    hubspot = dossier.ids_of("hubspot")
    if hubspot and tables.has("raw_hubspot.associations", "from_object", "from_id", "to_id"):
        rows = tables.rows(
            """
            select from_object, from_id, bool_or(to_id not in (select unnest(?::varchar[]))) as is_shared
            from raw_hubspot.associations
            where from_object in (select unnest(?::varchar[])) and to_object = 'contacts' and to_id is not null
            group by from_object, from_id
            having bool_or(to_id in (select unnest(?::varchar[])))
            """,
            [hubspot, list(_ACTIVITIES), hubspot],
        )
        for name, one, is_shared in rows:
            (shared if is_shared else alone).add((f"raw_hubspot.{name}", str(one)))
    salesforce = dossier.ids_of("salesforce")
    for name in ("task", "event"):
        if not salesforce or not tables.has(f"raw_salesforce.{name}", "id", "who_id"):
            continue
        related, relation = "", f"raw_salesforce.{name}relation"
        if tables.has(relation, f"{name}_id", "relation_id", "is_what"):
            related = f"union all select {name}_id, relation_id from {relation} where coalesce(is_what, '') <> 'true'"
        rows = tables.rows(
            f"""
            select id, bool_or(who_id not in (select unnest(?::varchar[]))) as is_shared
            from (select id, who_id from raw_salesforce.{name} where who_id is not null {related}) as named (id, who_id)
            group by id
            having bool_or(who_id in (select unnest(?::varchar[])))
            """,
            [salesforce, salesforce],
        )
        for one, is_shared in rows:
            (shared if is_shared else alone).add((f"raw_salesforce.{name}", str(one)))
    dossier.activities = sorted(alone)
    dossier.shared_activities = sorted(shared)
