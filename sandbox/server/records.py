"""CRM records: read, check, create, update, archive, merge, and the history of their properties.

Everything here works on an open transaction; routes decide what one request's unit of work is. A row is
``(id, created, updated, archived, properties)`` with times in ms and properties as JSON text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from sandbox.server.catalog import ObjectType
from sandbox.server.clock import PortalClock, iso
from sandbox.server.definitions import Definitions
from sandbox.server.errors import ApiError, invalid_properties, not_found, validation_error
from sandbox.server.storage import placeholders
from sandbox.server.values import InvalidValueError, record_number, same_value

#: SQLite takes 32,766 parameters a statement; look-ups are cut well below.
_CHUNK = 5_000


class Row(NamedTuple):
    """One record as stored; ``archived`` is None for a live one."""

    id: int
    created: int
    updated: int
    archived: int | None
    properties: str


@dataclass(frozen=True)
class WriteSource:
    """Who writes, as property history shows it."""

    type: str
    id: str | None = None
    user_id: int | None = None


#: The app whose token the sandbox accepts: ``sourceId`` of every value written through the API.
API_SOURCE = WriteSource("INTEGRATION", "1000001")
ASSOCIATION_SOURCE = WriteSource("ASSOCIATIONS")
MERGE_SOURCE = WriteSource("MERGE_OBJECTS")

Changes = Mapping[str, str | None]


class Records:
    """The record store of one portal."""

    def __init__(self, db: sqlite3.Connection, clock: PortalClock, definitions: Definitions, portal_id: int) -> None:
        self._db = db
        self._clock = clock
        self._definitions = definitions
        self._portal_id = portal_id
        #: Written types and how often: tells a search whether a count it kept is still true.
        self.versions: dict[int, int] = {}
        self._last_ids: dict[int, int] = {}
        self._stages: dict[str, tuple[str, bool, bool]] | None = None
        self._blocked = {row[0] for row in db.execute("SELECT email FROM blocked_emails")}

    # Reading ------------------------------------------------------------------------------------------------------

    def fetch(self, object_type: ObjectType, ids: Iterable[int]) -> dict[int, Row]:
        """Records by the ids asked for, archived ones included; a merged id yields its survivor."""
        wanted = list(dict.fromkeys(ids))
        found = self._rows(object_type, wanted)
        lost = [id_ for id_ in wanted if id_ not in found]
        if lost:
            survivors = self.survivors(object_type, lost)
            rows = self._rows(object_type, list(set(survivors.values())))
            found |= {old: rows[new] for old, new in survivors.items() if new in rows}
        return found

    def live(self, object_type: ObjectType, ids: Iterable[int]) -> dict[int, Row]:
        """Like :meth:`fetch`, without archived records."""
        return {id_: row for id_, row in self.fetch(object_type, ids).items() if row.archived is None}

    def one(self, object_type: ObjectType, text_id: str, id_property: str | None, archived: bool = False) -> Row:
        """The record a path names.

        Raises:
            ApiError: 404, no such record (or, with ``archived``, no such archived record).
        """
        record_id = self.ids_of(object_type, [text_id], id_property).get(text_id)
        row = self.fetch(object_type, [record_id]).get(record_id) if record_id is not None else None
        if row is None or (row.archived is not None) != archived:
            raise not_found(context={"ids": [text_id]})
        return row

    def ids_of(self, object_type: ObjectType, texts: Sequence[str], id_property: str | None) -> dict[str, int]:
        """Record ids by the texts a client named them with: ids, or values of a unique property.

        Raises:
            ApiError: 400, ``id_property`` is unknown or its values are not unique.
        """
        if id_property is None or id_property == "hs_object_id":
            return {text: number for text in texts if (number := record_number(text)) is not None}
        definition = self._definitions.of(object_type).get(id_property)
        if definition is None:
            raise invalid_properties([unknown_property(id_property)], self._portal_id)
        if not definition.unique:
            raise validation_error(
                f"Unable to read or write by non-unique {object_type.type_id} property {id_property}"
            )
        keys = {text: unique_key(id_property, text) for text in texts}
        holders = self.holders(object_type, id_property, keys.values())
        return {text: holders[key] for text, key in keys.items() if key in holders}

    def holders(self, object_type: ObjectType, name: str, values: Iterable[str]) -> dict[str, int]:
        """Which record holds which value of a unique property."""
        found: dict[str, int] = {}
        wanted = list(values)
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            found |= dict(
                self._db.execute(
                    "SELECT value, record_id FROM unique_values WHERE object = ? AND property = ? "
                    f"AND value IN ({placeholders(len(part))})",
                    (object_type.code, name, *part),
                )
            )
        return found

    def survivors(self, object_type: ObjectType, ids: Sequence[int]) -> dict[int, int]:
        """Merged ids and the ids of the records they went into."""
        return dict(
            self._db.execute(
                "SELECT merged_id, survivor_id FROM merged_records WHERE object = ? "
                f"AND merged_id IN ({placeholders(len(ids))})",
                (object_type.code, *ids),
            )
        )

    def history(self, object_type: ObjectType, rows: Iterable[Row], names: Sequence[str]) -> dict[int, dict[str, Any]]:
        """Every value the named properties took, newest first, by record id and property."""
        by_id = {row.id: row for row in rows}
        log: dict[int, list[tuple[Any, ...]]] = {}
        for entry in self._db.execute(
            "SELECT record_id, at, source_type, source_id, user_id, after, before FROM change_log "
            f"WHERE object = ? AND record_id IN ({placeholders(len(by_id))}) ORDER BY at DESC, seq DESC",
            (object_type.code, *by_id),
        ):
            log.setdefault(entry[0], []).append((*entry[1:5], orjson.loads(entry[5]), orjson.loads(entry[6] or "{}")))
        return {
            id_: {name: values for name in names if (values := _values_taken(object_type, row, log.get(id_, []), name))}
            for id_, row in by_id.items()
        }

    # Checking -----------------------------------------------------------------------------------------------------

    def checked(self, object_type: ObjectType, wanted: Any, *, read_only_too: bool = False) -> dict[str, str | None]:
        """The values of a request in stored form; ``read_only_too`` allows what the API cannot set.

        Raises:
            ApiError: 400 naming every property that is unknown, read-only or has a bad value.
        """
        if not isinstance(wanted, dict):
            raise validation_error("properties must be an object of property names and values")
        definitions = self._definitions.of(object_type)
        kept: dict[str, str | None] = {}
        problems: list[tuple[str, str, str]] = []
        for name, value in wanted.items():
            definition = definitions.get(name)
            if definition is None:
                problems.append(unknown_property(name))
            elif name in object_type.system or (definition.read_only and not read_only_too):
                problems.append(
                    (name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
                )
            elif value is None or value == "":
                kept[name] = None
            else:
                try:
                    kept[name] = definition.parse(value)
                except InvalidValueError as error:
                    problems.append((name, error.code, f"{name}: {error}"))
        stage = kept.get("dealstage") if object_type.name == "deals" else None
        if stage is not None and self.stages() and stage not in self.stages():
            problems.append(("dealstage", "INVALID_OPTION", f"dealstage: {stage} was not one of the pipelines' stages"))
        if problems:
            raise invalid_properties(problems, self._portal_id)
        return kept

    def stages(self) -> dict[str, tuple[str, bool, bool]]:
        """Deal stages: id -> (pipeline id, is closed, is won)."""
        if self._stages is None:
            rows = self._db.execute(
                "SELECT stage_id, pipeline_id, is_closed, probability FROM pipeline_stages WHERE object = 3"
            ).fetchall()
            self._stages = {
                stage: (pipeline, closed == "true", closed == "true" and _is_one(probability))
                for stage, pipeline, closed, probability in rows
            }
        return self._stages

    def forget_stages(self) -> None:
        """Read the stages again at next use."""
        self._stages = None

    def _check_unique(
        self, object_type: ObjectType, record_id: int | None, changes: Changes
    ) -> list[tuple[str, str, str]]:
        """Unique values among ``changes`` as (property, key, value); ``record_id`` is None for a new record.

        Raises:
            ApiError: another record holds the value: 409 for a contact's e-mail, 400 for other properties.
        """
        definitions = self._definitions.of(object_type)
        kept = []
        for name, value in changes.items():
            if value is None or not definitions[name].unique:
                continue
            key = unique_key(name, value)
            holder = self.holders(object_type, name, [key]).get(key)
            if holder is not None and holder != record_id:
                if name == object_type.unique:
                    raise ApiError(
                        409, "CONFLICT", f"{object_type.singular.capitalize()} already exists. Existing ID: {holder}"
                    )
                raise validation_error(
                    f"Cannot set PropertyValueCoordinates{{portalId={self._portal_id}, objectTypeId="
                    f"{object_type.type_id}, propertyName={name}, value={value}}} on {record_id or 'a new record'}. "
                    f"{holder} already has that value.",
                    errors=[
                        {
                            "message": f"{name}: {holder} already has the value {value}",
                            "code": "CONFLICTING_UNIQUE_VALUE",
                            "context": {"propertyName": [name], "existingId": [str(holder)]},
                        }
                    ],
                )
            kept.append((name, key, value))
        return kept

    # Writing ------------------------------------------------------------------------------------------------------

    def create(self, object_type: ObjectType, values: Changes, source: WriteSource = API_SOURCE) -> Row:
        """Add a record with checked values."""
        uniques = self._check_unique(object_type, None, values)
        self._refuse_blocked(object_type, values.get("email"))
        now = self._clock.now_ms()
        properties = {name: value for name, value in values.items() if value is not None}
        properties["hs_object_source"] = source.type
        if source.id is not None:
            properties["hs_object_source_id"] = source.id
        if object_type.name == "deals":
            self._follow_stage(properties)
        cursor = self._db.execute(
            f"INSERT INTO {object_type.table} (id, created, updated, archived, properties) VALUES (?, ?, ?, NULL, ?)",
            (self._next_id(object_type), now, now, text := orjson.dumps(properties).decode()),
        )
        record_id = int(cursor.lastrowid or 0)
        self._db.executemany(
            "INSERT OR REPLACE INTO unique_values VALUES (?, ?, ?, ?)",
            [(object_type.code, name, key, record_id) for name, key, _ in uniques],
        )
        self.wrote(object_type)
        return Row(record_id, now, now, None, text)

    def update(
        self, object_type: ObjectType, items: Sequence[tuple[int, Changes]], source: WriteSource = API_SOURCE
    ) -> dict[int, Row]:
        """Write checked values to live records; a value a record already has leaves it untouched.

        ``items`` are (record id, values) of records that exist. Returns the rows after the write, by id.
        """
        rows = self._rows(object_type, [record_id for record_id, _ in items])
        definitions = self._definitions.of(object_type)
        unique_names = {name for name, definition in definitions.items() if definition.unique}
        now = self._clock.now_ms()
        updates: list[tuple[Any, ...]] = []
        log: list[tuple[Any, ...]] = []
        for record_id, values in items:
            row = rows[record_id]
            properties: dict[str, str] = orjson.loads(row.properties)
            before: dict[str, str | None] = {}
            for name, value in values.items():
                old = properties.get(name)
                if name == "lifecyclestage" and source is API_SOURCE and self._moves_back(object_type, old, value):
                    continue
                if value == old or (
                    value is not None and old is not None and same_value(definitions[name].type, old, value)
                ):
                    continue
                before[name] = old
                if value is None:
                    del properties[name]
                else:
                    properties[name] = value
            if not before:
                continue
            if not unique_names.isdisjoint(before):
                self._move_unique(object_type, record_id, {name: values[name] for name in before}, before)
            if "dealstage" in before and object_type.name == "deals":
                before |= self._follow_stage(properties)
            text = orjson.dumps(properties).decode()
            stamp = max(now, row.updated)
            rows[record_id] = Row(record_id, row.created, stamp, row.archived, text)
            updates.append((stamp, text, record_id))
            after = {name: properties.get(name) for name in before}
            log.append(
                (object_type.code, record_id, stamp, source.type, source.id, source.user_id,
                 orjson.dumps(after).decode(), orjson.dumps(before).decode())
            )  # fmt: skip
        if updates:
            self._db.executemany(f"UPDATE {object_type.table} SET updated = ?, properties = ? WHERE id = ?", updates)
            self._db.executemany(
                "INSERT INTO change_log (object, record_id, at, source_type, source_id, user_id, after, before) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                log,
            )
            self.wrote(object_type)
        return rows

    def touch(self, object_type: ObjectType, ids: Iterable[int]) -> None:
        """Mark records as modified now (their links changed, and with them the vendor's roll-up properties)."""
        now = self._clock.now_ms()
        self._db.executemany(
            f"UPDATE {object_type.table} SET updated = max(updated, ?) WHERE id = ?", [(now, id_) for id_ in set(ids)]
        )
        self.wrote(object_type)

    def archive(self, object_type: ObjectType, ids: Iterable[int]) -> None:
        """Put records in the recycle bin; their unique values become free, their links and list places go."""
        now = self._clock.now_ms()
        for record_id in ids:
            changed = self._db.execute(
                f"UPDATE {object_type.table} SET archived = ?, updated = max(updated, ?) "
                "WHERE id = ? AND archived IS NULL",
                (now, now, record_id),
            )
            if not changed.rowcount:
                continue
            row = self._rows(object_type, [record_id])[record_id]
            properties = orjson.loads(row.properties)
            self._db.executemany(
                "DELETE FROM unique_values WHERE object = ? AND property = ? AND value = ? AND record_id = ?",
                [
                    (object_type.code, name, key, record_id)
                    for name, key in unique_keys(self._definitions, object_type, properties)
                ],
            )
            key = (object_type.code, record_id)
            self._db.execute("DELETE FROM associations WHERE from_object = ? AND from_id = ?", key)
            self._db.execute("DELETE FROM associations WHERE to_object = ? AND to_id = ?", key)
            self._db.execute(
                "DELETE FROM list_members WHERE record_id = ? AND list_id IN "
                "(SELECT list_id FROM lists WHERE object = ?)",
                (record_id, object_type.code),
            )
        self.wrote(object_type)

    def erase(self, object_type: ObjectType, record_id: int) -> None:
        """Remove a record for good, with its history and every id merged into it; its addresses are blocked."""
        row = self._rows(object_type, [record_id])[record_id]
        properties: dict[str, str] = orjson.loads(row.properties)
        for name, value in unique_keys(self._definitions, object_type, properties):
            if name == "email":
                self.block_email(value)
        self.archive(object_type, [record_id])
        key = (object_type.code, record_id)
        self._db.execute(f"DELETE FROM {object_type.table} WHERE id = ?", (record_id,))
        self._db.execute("DELETE FROM change_log WHERE object = ? AND record_id = ?", key)
        self._db.execute("DELETE FROM unique_values WHERE object = ? AND record_id = ?", key)
        self._db.execute("DELETE FROM merged_records WHERE object = ? AND survivor_id = ?", key)

    def block_email(self, email: str) -> None:
        """Keep an address from being used again."""
        self._db.execute("INSERT OR IGNORE INTO blocked_emails VALUES (?)", (unique_key("email", email),))
        self._blocked.add(unique_key("email", email))

    def merge(self, object_type: ObjectType, primary_id: int, other_id: int, source: WriteSource = MERGE_SOURCE) -> Row:
        """Fold ``other_id`` into ``primary_id``: the primary's values win, its gaps are filled, links are moved.

        The survivor lists the merged ids and keeps the other's e-mail as an additional one; from then on the merged
        id leads to the survivor.
        """
        rows = self.live(object_type, [primary_id, other_id])
        if primary_id not in rows or other_id not in rows:
            lost = [str(id_) for id_ in (primary_id, other_id) if id_ not in rows]
            raise not_found(f"Cannot merge: no live {object_type.singular} {', '.join(lost)}", context={"ids": lost})
        primary, other = rows[primary_id], rows[other_id]
        if primary.id == other.id:
            raise validation_error(f"Cannot merge {object_type.singular} {primary.id} into itself")
        mine: dict[str, str] = orjson.loads(primary.properties)
        theirs: dict[str, str] = orjson.loads(other.properties)
        changes: dict[str, str | None] = {
            name: value
            for name, value in theirs.items()
            if name not in mine and name not in ("hs_merged_object_ids", "hs_additional_emails")
        }
        ids = _split(mine.get("hs_merged_object_ids")) + _split(theirs.get("hs_merged_object_ids")) + [str(other.id)]
        changes["hs_merged_object_ids"] = ";".join(dict.fromkeys(ids))
        if object_type.name == "contacts":
            emails = _split(mine.get("hs_additional_emails")) + _split(theirs.get("hs_additional_emails"))
            if "email" in mine and theirs.get("email"):
                emails.append(theirs["email"])
            if emails:
                changes["hs_additional_emails"] = ";".join(dict.fromkeys(emails))
            stamps = _split(mine.get("hs_calculated_merged_vids"))
            changes["hs_calculated_merged_vids"] = ";".join([*stamps, f"{other.id}:{self._clock.now_ms()}"])
        self.absorb(object_type, primary.id, other.id)
        return self.update(object_type, [(primary.id, changes)], source)[primary.id]

    def absorb(self, object_type: ObjectType, survivor_id: int, merged_id: int) -> None:
        """Move everything that names ``merged_id`` to ``survivor_id`` and drop the merged record."""
        code = object_type.code
        db = self._db
        db.execute(
            "UPDATE merged_records SET survivor_id = ? WHERE object = ? AND survivor_id = ?",
            (survivor_id, code, merged_id),
        )
        db.execute("INSERT OR REPLACE INTO merged_records VALUES (?, ?, ?)", (code, merged_id, survivor_id))
        db.execute(
            "UPDATE unique_values SET record_id = ? WHERE object = ? AND record_id = ?", (survivor_id, code, merged_id)
        )
        for side in ("from", "to"):
            db.execute(
                f"UPDATE OR IGNORE associations SET {side}_id = ? WHERE {side}_object = ? AND {side}_id = ?",
                (survivor_id, code, merged_id),
            )
            db.execute(f"DELETE FROM associations WHERE {side}_object = ? AND {side}_id = ?", (code, merged_id))
        db.execute(
            "DELETE FROM associations WHERE from_object = ? AND to_object = ? AND from_id = ? AND to_id = ?",
            (code, code, survivor_id, survivor_id),
        )
        own_lists = "list_id IN (SELECT list_id FROM lists WHERE object = ?)"
        db.execute(
            f"UPDATE OR IGNORE list_members SET record_id = ? WHERE record_id = ? AND {own_lists}",
            (survivor_id, merged_id, code),
        )
        db.execute(f"DELETE FROM list_members WHERE record_id = ? AND {own_lists}", (merged_id, code))
        db.execute(f"DELETE FROM {object_type.table} WHERE id = ?", (merged_id,))
        self.wrote(object_type)

    def wrote(self, object_type: ObjectType) -> None:
        """Count a write."""
        self.versions[object_type.code] = self.versions.get(object_type.code, 0) + 1

    # Helpers ------------------------------------------------------------------------------------------------------

    def _refuse_blocked(self, object_type: ObjectType, email: str | None) -> None:
        if object_type.name == "contacts" and email is not None and unique_key("email", email) in self._blocked:
            text = f"{email} was permanently deleted and is blocked from being used again."
            raise invalid_properties([("email", "GDPR_BLOCKLISTED", text)], self._portal_id)

    def _rows(self, object_type: ObjectType, ids: Sequence[int]) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for start in range(0, len(ids), _CHUNK):
            part = ids[start : start + _CHUNK]
            for row in self._db.execute(
                f"SELECT id, created, updated, archived, properties FROM {object_type.table} "
                f"WHERE id IN ({placeholders(len(part))})",
                part,
            ):
                found[row[0]] = Row(*row)
        return found

    def _moves_back(self, object_type: ObjectType, old: str | None, new: str | None) -> bool:
        """Whether a write would set the lifecycle stage back: the vendor ignores that unless it is cleared first."""
        if old is None or new is None:
            return False
        options = self._definitions.of(object_type)["lifecyclestage"].body["options"]
        order = [option["value"] for option in options]
        return old in order and new in order and order.index(new) < order.index(old)

    def _next_id(self, object_type: ObjectType) -> int:
        """One above every id that is, or was, in use."""
        row = self._db.execute(
            f"SELECT max(coalesce((SELECT max(id) FROM {object_type.table}), 0), "
            "coalesce((SELECT max(merged_id) FROM merged_records WHERE object = ?), 0))",
            (object_type.code,),
        ).fetchone()
        self._last_ids[object_type.code] = max(int(row[0]), self._last_ids.get(object_type.code, 0)) + 1
        return self._last_ids[object_type.code]

    def _move_unique(self, object_type: ObjectType, record_id: int, changes: Changes, before: Changes) -> None:
        taken = self._check_unique(object_type, record_id, changes)
        definitions = self._definitions.of(object_type)
        for name, old in before.items():
            if old is not None and definitions[name].unique:
                self._db.execute(
                    "DELETE FROM unique_values WHERE object = ? AND property = ? AND value = ? AND record_id = ?",
                    (object_type.code, name, unique_key(name, old), record_id),
                )
        self._db.executemany(
            "INSERT OR REPLACE INTO unique_values VALUES (?, ?, ?, ?)",
            [(object_type.code, name, key, record_id) for name, key, _ in taken],
        )

    def _follow_stage(self, properties: dict[str, str]) -> dict[str, str | None]:
        """Set what the vendor derives from a deal's stage; returns the values before."""
        known = self.stages().get(properties.get("dealstage", ""))
        if known is None:
            return {}
        pipeline, closed, won = known
        derived = {
            "pipeline": properties.get("pipeline", pipeline),
            "hs_is_closed": "true" if closed else "false",
            "hs_is_closed_won": "true" if won else "false",
        }
        before = {name: properties.get(name) for name, value in derived.items() if properties.get(name) != value}
        properties.update(derived)
        return before


def render(
    object_type: ObjectType, row: Row, names: Sequence[str] | None = None, *, explicit_nulls: bool = False
) -> dict[str, Any]:
    """A record as the API shows it, with the named properties (None: the type's default ones).

    Unset properties are left out, as the vendor's schema says (text values only); ``explicit_nulls`` sends them as
    null, as its servers do.
    """
    stored: dict[str, str] = orjson.loads(row.properties)
    shown: dict[str, str | None] = {}
    for name in object_type.defaults if names is None else names:
        value = stored.get(name)
        if value is not None or explicit_nulls:
            shown[name] = value
    shown.update(system_values(object_type, row, stored))
    body: dict[str, Any] = {
        "id": str(row.id),
        "properties": shown,
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
        "archived": row.archived is not None,
    }
    if row.archived is not None:
        body["archivedAt"] = iso(row.archived)
    return body


def system_values(object_type: ObjectType, row: Row, stored: Mapping[str, str]) -> dict[str, str]:
    """The properties that mirror the record's own columns."""
    return {
        object_type.created: stored.get(object_type.created) or iso(row.created),
        object_type.modified: iso(row.updated),
        "hs_object_id": str(row.id),
    }


def unknown_property(name: str) -> tuple[str, str, str]:
    """The problem of a property that does not exist."""
    return name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'


def unique_key(name: str, value: str) -> str:
    """The form in which a unique value is compared: e-mail without regard to case."""
    return value.strip().lower() if name == "email" else value


def unique_keys(
    definitions: Definitions, object_type: ObjectType, properties: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The unique values a record holds as (property, key), a contact's additional e-mails included."""
    known = definitions.of(object_type)
    keys = [
        (name, unique_key(name, value)) for name, value in properties.items() if name in known and known[name].unique
    ]
    if object_type.name == "contacts":
        keys += [("email", unique_key("email", mail)) for mail in _split(properties.get("hs_additional_emails"))]
    return keys


def _values_taken(object_type: ObjectType, row: Row, log: list[tuple[Any, ...]], name: str) -> list[dict[str, Any]]:
    stored: dict[str, str] = orjson.loads(row.properties)
    if name in system_values(object_type, row, stored) and name not in stored:
        at = row.created if name != object_type.modified else row.updated
        return [_taken(system_values(object_type, row, stored)[name], at, "CRM_UI", None, None)]
    entries = []
    first: str | None = stored.get(name)
    for at, source_type, source_id, user_id, after, before in log:
        if name in after:
            entries.append(_taken(after[name] or "", at, source_type, source_id, user_id))
            first = before.get(name)
    if first is not None:
        source = stored.get("hs_object_source", "CRM_UI")
        entries.append(_taken(first, row.created, source, stored.get("hs_object_source_id"), None))
    return entries


def _taken(value: str, at: int, source_type: str, source_id: str | None, user_id: int | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"value": value, "timestamp": iso(at), "sourceType": source_type}
    if source_id is not None:
        entry["sourceId"] = source_id
    if user_id is not None:
        entry["updatedByUserId"] = user_id
    return entry


def _split(value: str | None) -> list[str]:
    return [part for part in (value or "").split(";") if part]


def _is_one(probability: str | None) -> bool:
    try:
        return float(probability or 0) == 1
    except ValueError:
        return False
