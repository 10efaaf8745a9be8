"""The sample world's Parquet files, brought into an org's database.

Every record gets an id made of HubSpot's, so that two runs, and tests, agree on it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sandbox.common.world_files import World, batches, schema
from sandbox.salesforce import mapping
from sandbox.salesforce.fields import Stored
from sandbox.salesforce.ids import WORLD_POD, make_id
from sandbox.salesforce.records import data_type, history_name
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.setup import API_USER_ID, AUTOMATION_USER_ID, Filler, world_id
from sandbox.server.errors import SandboxError
from sandbox.server.storage import get_meta, set_meta

_RECORD_COLUMNS = ("id", "created_at", "updated_at", "archived", "archived_at")
#: One Contact in so many, of those that came in through a form, was a Lead once.
_CONVERTED_ONE_IN = 4
_RUN = 5_000
_HISTORY_TABLES = {"Contact": ("ContactHistory", "03S"), "Lead": ("LeadHistory", "00X"),
                   "Opportunity": ("OpportunityFieldHistory", "017"), "Account": ("AccountHistory", "017")}  # fmt: skip

Record = tuple[str, int, int, int | None, dict[str, Any]]


def load_world(db: sqlite3.Connection, org: Schema, world: World) -> None:
    """Fill an org from the world; a database that already holds this world is left as it is.

    Raises:
        SandboxError: the database holds something else, or a file cannot be used; the message names it.
    """
    loaded = get_meta(db, "world")
    if loaded == world.fingerprint:
        return
    if loaded is not None or db.execute("SELECT 1 FROM Lead UNION ALL SELECT 1 FROM Contact LIMIT 1").fetchone():
        why = "its loading was cut short" if loaded == "loading" else f"it does not hold the world in {world.root}"
        raise SandboxError(f"The sandbox's database cannot be used: {why}. Start with --reset, or with another --db")
    set_meta(db, "world", "loading")
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("BEGIN")
    try:
        Loader(db, org, world.root / "hubspot").load()
    except sqlite3.IntegrityError as error:
        raise SandboxError(f"{world.root / 'hubspot'}: an id appears twice ({error}); make the world again") from error
    set_meta(db, "world", world.fingerprint)
    db.execute("COMMIT")


class Links:
    """What is associated with what, by HubSpot's ids."""

    def __init__(self, path: Path) -> None:
        self.company_of: dict[str, str] = {}
        self.contacts_of: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.companies_of: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.deals_of: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.in_deals: set[str] = set()
        primary: set[str] = set()
        for values in batches(path, ["from_object", "from_id", "to_object", "to_id", "type_id"]):
            for source, from_id, target, to_id, type_id in zip(*values, strict=True):
                if source == "contacts":
                    if target == "companies" and from_id not in primary:
                        self.company_of[from_id] = to_id
                        if type_id == 1:
                            primary.add(from_id)
                    continue
                side = {"contacts": self.contacts_of, "companies": self.companies_of, "deals": self.deals_of}.get(
                    target
                )
                if side is not None and to_id not in side[(source, from_id)]:
                    side[(source, from_id)].append(to_id)
                if source == "deals" and target == "contacts":
                    self.in_deals.add(to_id)


class Loader:
    def __init__(self, db: sqlite3.Connection, org: Schema, folder: Path) -> None:
        self.db = db
        self.org = org
        self.folder = folder
        self.fill = Filler(db)
        self.links = Links(folder / "associations.parquet")
        self.users = load_owners(db, folder / "owners.parquet")
        self.stages = stages(db)

    def load(self) -> None:
        for some in _runs(records(self.folder / "companies.parquet")):
            self.add("Account", "001", [(record, mapping.account(record[4])) for record in some])
        contacts: list[tuple[Record, mapping.Values]] = []
        leads: list[tuple[Record, mapping.Values]] = []
        converted: list[tuple[Record, mapping.Values]] = []
        for record in records(self.folder / "contacts.parquet"):
            number, _, _, _, properties = record
            if self.is_contact(number):
                company = self.links.company_of.get(number)
                account_id = world_id("001", company) if company else None
                contacts.append((record, mapping.contact(properties, account_id)))
                if int(number) % _CONVERTED_ONE_IN == 0 and properties.get("hs_object_source") == "FORM":
                    converted.append(self.converted_lead(record, account_id))
            else:
                leads.append((record, mapping.lead(properties)))
            if len(contacts) + len(leads) > 10_000:
                self.people(contacts, leads, converted)
        self.people(contacts, leads, converted)
        for record in records(self.folder / "deals.parquet"):
            self.deal(record)
        for name, (table, prefix, convert) in mapping.ACTIVITIES.items():
            for some in _runs(records(self.folder / f"{name}.parquet")):
                converted_rows = [(record, convert(record[4], record[2])) for record in some]
                self.activities(name, table, prefix, converted_rows)
        self.history()

    def is_contact(self, number: str) -> bool:
        """Whether a person of the world is a Contact here: associated with a company, or with a deal."""
        return number in self.links.company_of or number in self.links.in_deals

    def people(
        self,
        contacts: list[tuple[Record, mapping.Values]],
        leads: list[tuple[Record, mapping.Values]],
        converted: list[tuple[Record, mapping.Values]],
    ) -> None:
        self.add("Contact", "003", contacts)
        self.add("Lead", "00Q", [*leads, *converted])
        for table, prefix, people in (("Contact", "003", contacts), ("Lead", "00Q", leads)):
            merged = [one for record, values in people for one in merged_away(record, values, prefix)]
            self.add(table, prefix, merged)
        for people in (contacts, leads, converted):
            people.clear()

    def converted_lead(self, record: Record, account_id: str | None) -> tuple[Record, mapping.Values]:
        number, created, updated, archived, properties = record
        at = min(created + 86_400_000, updated)
        values = mapping.lead(properties) | {
            "Status": "Closed - Converted",
            "IsConverted": 1,
            "ConvertedDate": mapping.day_of(at),
            "ConvertedContactId": world_id("003", number),
            "ConvertedAccountId": account_id,
        }
        return (number, created, at, archived, properties), values

    def add(self, table: str, prefix: str, rows: Sequence[tuple[Record, mapping.Values]]) -> None:
        """Insert records with their values."""
        if not rows:
            return
        names = list(dict.fromkeys(name for _, values in rows for name in values))
        columns = ["Id", "External_Id__c", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById",
                   "SystemModstamp", "IsDeleted", *names]  # fmt: skip
        defaults = {name: field.default for name, field in self.org.objects[table].fields.items()}
        self.fill.insert(
            table,
            columns,
            (
                (
                    world_id(prefix, number), number, created, self.author(properties), archived or updated,
                    AUTOMATION_USER_ID, archived or updated, int(archived is not None),
                    *(values.get(name, defaults.get(name)) for name in names),
                )
                for (number, created, updated, archived, properties), values in rows
            ),
        )  # fmt: skip

    @staticmethod
    def author(properties: mapping.Properties) -> str:
        """Who made a record: the owner where somebody typed it in, else automation."""
        return mapping.owner(properties) if properties.get("hs_object_source") == "CRM_UI" else AUTOMATION_USER_ID

    def deal(self, record: Record) -> None:
        number, created, updated, _, properties = record
        companies = self.links.companies_of.get(("deals", number), [])
        people = self.links.contacts_of.get(("deals", number), [])
        contact_id = world_id("003", people[0]) if people else None
        account_id = world_id("001", companies[0]) if companies else None
        values = mapping.opportunity(properties, created, self.stages, account_id, contact_id)
        self.add("Opportunity", "006", [(record, values)])
        audit = (created, AUTOMATION_USER_ID, updated, AUTOMATION_USER_ID, updated)
        self.fill.insert(
            "OpportunityContactRole",
            ["Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
             "OpportunityId", "ContactId", "IsPrimary"],
            [
                (make_id("00K", self.fill.number("OpportunityContactRole"), WORLD_POD), *audit, world_id("006", number),
                 world_id("003", person), int(place == 0))
                for place, person in enumerate(people)
            ],
        )  # fmt: skip

    def activities(self, name: str, table: str, prefix: str, rows: Sequence[tuple[Record, mapping.Values]]) -> None:
        """Calls, e-mails, tasks or meetings, with whom and what they are about."""
        relation = f"{table}Relation"
        relation_prefix = self.org.objects[relation].prefix
        relations: list[tuple[Stored, ...]] = []
        for (number, created, updated, _, _), values in rows:
            people = [
                world_id("003" if self.is_contact(person) else "00Q", person)
                for person in self.links.contacts_of.get((name, number), [])
            ]
            things = [world_id("006", deal) for deal in self.links.deals_of.get((name, number), [])]
            things += [world_id("001", company) for company in self.links.companies_of.get((name, number), [])]
            # An activity of a Lead is about nothing else.
            what = things[0] if things and not (people and people[0].startswith("00Q")) else None
            values |= {"WhoId": people[0] if people else None, "WhatId": what}
            audit = (created, AUTOMATION_USER_ID, updated, AUTOMATION_USER_ID, updated)
            about = [(person, 0) for person in people] + ([(what, 1)] if what else [])
            relations += [
                (make_id(relation_prefix, self.fill.number(relation), WORLD_POD), *audit, world_id(prefix, number),
                 other, is_what)
                for other, is_what in about
            ]  # fmt: skip
        self.add(table, prefix, rows)
        self.fill.insert(
            relation,
            ["Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
             f"{table}Id", "RelationId", "IsWhat"],
            relations,
        )  # fmt: skip

    def history(self) -> None:
        """Property history, as changes from the value before."""
        path = self.folder / "property_history.parquet"
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        last: tuple[str, str, str] | None = None
        old: Stored = None
        for kind, number, name, value, at, user in history_rows(path):
            table = {"deals": "Opportunity", "companies": "Account"}.get(kind) or (
                "Contact" if self.is_contact(number) else "Lead"
            )
            key = (kind, number, name)
            before = old if key == last else None
            last, old = key, value
            rows[table].append(history_row(self, table, number, name, before, value, at, self.users.get(user)))
            if len(rows[table]) > 50_000:
                add_history(self.fill, table, rows.pop(table))
        for table, some in rows.items():
            add_history(self.fill, table, some)


# Pieces that the second day shares --------------------------------------------------------------------------------


def history_row(
    loader: Any, table: str, number: str, name: str, old: Stored, new: Stored, at: int, user: str | None
) -> tuple[Any, ...]:
    """One row of a history table, without its id."""
    field = mapping.HISTORY_FIELDS[name]
    type_ = loader.org.objects[table].fields[field].type
    if name == "hubspot_owner_id":
        old, new = (world_id("005", str(value)) if value else None for value in (old, new))
    prefix = {"Contact": "003", "Lead": "00Q", "Opportunity": "006", "Account": "001"}[table]
    return (world_id(prefix, number), user or AUTOMATION_USER_ID, at, history_name(field), data_type(type_), old, new)


def add_history(fill: Filler, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of :func:`history_row`."""
    history, prefix = _HISTORY_TABLES[table]
    fill.insert(
        history,
        ["Id", f"{table}Id", "CreatedById", "CreatedDate", "Field", "DataType", "OldValue", "NewValue"],
        ((make_id(prefix, fill.number(history), WORLD_POD), *row) for row in rows),
    )


def history_rows(path: Path) -> Iterator[tuple[str, str, str, Stored, int, str | None]]:
    """Object, id, property, value, moment (ms), user; by object and property, in the order of the changes."""
    if not path.exists():
        return
    table = pq.read_table(
        path, columns=["object_type", "object_id", "property", "value", "changed_at", "updated_by_user_id"]
    ).sort_by([(name, "ascending") for name in ("object_type", "object_id", "property", "changed_at")])
    for batch in table.to_batches(20_000):
        columns = batch.to_pydict()
        for kind, number, name, value, at, user in zip(*columns.values(), strict=True):
            if name in mapping.HISTORY_FIELDS:
                yield kind, number, name, value, _ms(at), user


def merged_away(record: Record, values: mapping.Values, prefix: str) -> list[tuple[Record, mapping.Values]]:
    """The records that were merged into this one: in the bin, with the survivor's id and the address they brought."""
    _, created, updated, _, properties = record
    losers = [old for old in str(properties.get("hs_merged_object_ids") or "").split(";") if old.isdigit()]
    addresses = [one for one in str(properties.get("hs_additional_emails") or "").split(";") if one]
    rows: list[tuple[Record, mapping.Values]] = []
    for place, loser in enumerate(losers):
        email = addresses[place] if place < len(addresses) else None
        changed = values | {"Email": email, "Additional_Emails__c": None, "MasterRecordId": world_id(prefix, record[0])}
        rows.append(((loser, created, updated, updated, properties), changed))
    return rows


def load_owners(db: sqlite3.Connection, path: Path) -> dict[str | None, str]:
    """Owners as users; returns the user's id by HubSpot's user id (which history names)."""
    fill = Filler(db)
    profile = db.execute("SELECT Id FROM Profile WHERE Name = 'Standard User'").fetchone()[0]
    users: dict[str | None, str] = {}
    names = ["id", "email", "first_name", "last_name", "user_id", "archived", "created_at", "updated_at"]
    for values in batches(path, names):
        for number, email, first, last, user, archived, created, updated in zip(*values, strict=True):
            record_id = world_id("005", number)
            users[str(user)] = record_id
            if db.execute('SELECT 1 FROM "User" WHERE Id = ?', (record_id,)).fetchone():
                continue
            fill.insert(
                "User",
                ["Id", "External_Id__c", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById",
                 "SystemModstamp", "Username", "LastName", "FirstName", "Email", "Alias", "IsActive", "UserType",
                 "ProfileId"],
                [(record_id, number, created, API_USER_ID, updated, API_USER_ID, updated, email,
                  last or mapping.NOT_PROVIDED, first, email, (first or "user")[:8], int(not archived), "Standard",
                  profile)],
            )  # fmt: skip
    return users


def stages(db: sqlite3.Connection) -> dict[str, tuple[str, int, int, float]]:
    """Label, closed, won, percent of every stage, by its value."""
    return {
        row[0]: row[1:]
        for row in db.execute("SELECT ApiName, MasterLabel, IsClosed, IsWon, DefaultProbability FROM OpportunityStage")
    }


def _runs(rows: Iterator[Record]) -> Iterator[list[Record]]:
    """Records some thousand at a time."""
    while some := list(islice(rows, _RUN)):
        yield some


def records(path: Path) -> Iterator[Record]:
    """Records of an object file: HubSpot's id, created, updated, archived at (or None), properties."""
    if not path.exists():
        return
    names = [name for name in schema(path).names if name not in _RECORD_COLUMNS]
    for columns in batches(path, [*_RECORD_COLUMNS, *names]):
        ids, created, updated, archived, archived_at = columns[:5]
        for place, values in enumerate(zip(*columns[5:], strict=True)):
            properties = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            gone = (archived_at[place] or updated[place]) if archived[place] else None
            if not str(ids[place]).isdigit():
                raise SandboxError(f"{path}: {ids[place]!r} is not a record id (a whole number)")
            yield str(ids[place]), created[place], updated[place], gone, properties


def _ms(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)
