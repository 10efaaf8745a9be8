"""Writing records as the platform does: checks by field, references, unique values, history, what follows from a write.

Every call takes a list and answers one :class:`Outcome` a record, in the list's order; a bad record leaves the others
alone. Callers open the transaction, and undo it where one bad record is to undo all.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.errors import ApiError, no_such_column, not_found
from sandbox.salesforce.faults import RecordFaults
from sandbox.salesforce.fields import TEXTS, Field, Parser, Stored, moment_text, parser_of
from sandbox.salesforce.ids import make_id, normal_id
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.storage import last_row, quoted
from sandbox.server.clock import PortalClock
from sandbox.server.storage import placeholders

_CHUNK = 5_000

#: What goes into the bin with a record: object and the field that points to it.
_CASCADES = {
    "Account": [("Contact", "AccountId"), ("Opportunity", "AccountId")],
    "Contact": [("CampaignMember", "ContactId"), ("OpportunityContactRole", "ContactId")],
    "Lead": [("CampaignMember", "LeadId")],
    "Opportunity": [("OpportunityContactRole", "OpportunityId")],
    "Campaign": [("CampaignMember", "CampaignId")],
    "Task": [("TaskRelation", "TaskId")],
    "Event": [("EventRelation", "EventId")],
    "PermissionSet": [("FieldPermissions", "ParentId"), ("PermissionSetAssignment", "PermissionSetId")],
}
#: Fields that together are unique.
_PAIRS = {
    "FieldPermissions": ("ParentId", "Field"),
    "PermissionSetAssignment": ("PermissionSetId", "AssigneeId"),
}
_PERMISSIONS = frozenset({"PermissionSet", "PermissionSetAssignment", "FieldPermissions"})


@dataclass(slots=True)
class Outcome:
    """What became of one record."""

    id: str | None = None
    created: bool = False
    error: ApiError | None = None


@dataclass(frozen=True)
class Actor:
    """Who writes. ``system`` may write what the API's user may not: a person in the org's screens, the platform."""

    user_id: str
    system: bool = False
    #: ``Sforce-Duplicate-Rule-Header: allowSave=true``.
    allow_duplicates: bool = False


Values = dict[str, Stored]


class Records:
    """The records of an org."""

    def __init__(self, db: sqlite3.Connection, clock: PortalClock, schema: Schema, faults: RecordFaults) -> None:
        self.db = db
        self.clock = clock
        self.schema = schema
        self.faults = faults
        #: Whether a new Lead or Contact with the e-mail of another is refused (the org's duplicate rule).
        self.blocks_duplicates = False
        self._known_rules: dict[tuple[str, int], tuple[list[tuple[str, Stored]], list[str]]] = {}
        self._stages: dict[str, tuple[int, int, float]] | None = None

    # Reading ------------------------------------------------------------------------------------------------------

    def find(self, sobject: SObject, ids: Iterable[str], columns: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        """``(_row, IsDeleted, *columns)`` by id, the bin included; ids that are not there are left out."""
        wanted = list(dict.fromkeys(ids))
        listed = "".join(f", {quoted(name)}" for name in columns)
        found: dict[str, tuple[Any, ...]] = {}
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            for row in self.db.execute(
                f"SELECT Id, _row, IsDeleted{listed} FROM {quoted(sobject.name)} "
                f"WHERE Id IN ({placeholders(len(some))})",
                some,
            ):
                found[row[0]] = row[1:]
        return found

    def by_value(self, sobject: SObject, field: Field, values: Iterable[Stored]) -> dict[Stored, list[str]]:
        """Ids of live records by a field's value (text in lower case)."""
        wanted = [value for value in dict.fromkeys(values) if value is not None]
        found: dict[Stored, list[str]] = defaultdict(list)
        for start in range(0, len(wanted), _CHUNK):
            some = wanted[start : start + _CHUNK]
            for record_id, value in self.db.execute(
                f"SELECT Id, {quoted(field.name)} FROM {quoted(sobject.name)} "
                f"WHERE IsDeleted = 0 AND {quoted(field.name)} IN ({placeholders(len(some))})",
                some,
            ):
                found[value_key(value)].append(record_id)
        return found

    # Creating -----------------------------------------------------------------------------------------------------

    def create(self, sobject: SObject, rows: Sequence[dict[str, Any]], actor: Actor) -> list[Outcome]:
        """New records of these values."""
        if not (sobject.createable or actor.system):
            return [Outcome(error=_not_allowed(sobject, "create"))] * len(rows)
        outcomes = [Outcome() for _ in rows]
        parsed: list[tuple[int, Values]] = []
        known = self._names(sobject, actor)
        for place, row in enumerate(rows):
            try:
                values = self._parse(sobject, row, known, creating=True, actor=actor)
                self._complete(sobject, values, actor)
                if self.faults.records:
                    self.faults.check(sobject.name, "create", str(row), None)
                parsed.append((place, values))
            except ApiError as error:
                outcomes[place].error = error
        parsed = self._check(sobject, parsed, outcomes, {}, actor)
        self._insert(sobject, parsed, outcomes, actor)
        return outcomes

    def _complete(self, sobject: SObject, values: Values, actor: Actor) -> None:
        """Defaults, the owner, and a refusal of what lacks a required value."""
        defaults, required = self._rules(sobject)
        for name, default in defaults:
            if values.get(name) is None:
                values[name] = default
        if "OwnerId" in sobject.fields and values.get("OwnerId") is None:
            values["OwnerId"] = actor.user_id
        missing = [name for name in required if values.get(name) is None]
        if missing:
            raise _missing(missing)
        _special_checks(sobject, values)

    def _rules(self, sobject: SObject) -> tuple[list[tuple[str, Stored]], list[str]]:
        """Defaults by field, and the required fields, of an object as it stands."""
        key = (sobject.name, self.schema.version)
        found = self._known_rules.get(key)
        if found is None:
            fields = sobject.fields.values()
            found = (
                [(field.name, field.default) for field in fields if field.default is not None],
                [field.name for field in fields if field.required],
            )
            self._known_rules[key] = found
        return found

    def _insert(
        self, sobject: SObject, parsed: Sequence[tuple[int, Values]], outcomes: list[Outcome], actor: Actor
    ) -> None:
        now = self.clock.now_ms()
        number = last_row(self.db, sobject.name) + 1
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        made: list[tuple[str, Values]] = []
        for place, values in parsed:
            record_id = make_id(sobject.prefix, number)
            self._derive(sobject, values, None, now)
            audit = (number, record_id, now, actor.user_id, now, actor.user_id, now)
            groups[tuple(values)].append((*audit, *values.values()))
            outcomes[place].id, outcomes[place].created = record_id, True
            made.append((record_id, values))
            number += 1
        for names, rows in groups.items():
            columns = ["_row", "Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById",
                       "SystemModstamp", *names]  # fmt: skip
            if "IsDeleted" not in names:
                columns.append("IsDeleted")
                rows = [(*row, 0) for row in rows]
            self.db.executemany(
                f"INSERT INTO {quoted(sobject.name)} ({', '.join(map(quoted, columns))}) "
                f"VALUES ({placeholders(len(columns))})",
                rows,
            )
        if sobject.history is not None:
            self.log(sobject, [(record_id, "created", None, None, "Text") for record_id, _ in made], actor.user_id, now)
        self._after(sobject, made, actor)

    # Updating -----------------------------------------------------------------------------------------------------

    def update(self, sobject: SObject, rows: Sequence[tuple[str, dict[str, Any]]], actor: Actor) -> list[Outcome]:
        """Write these values to records by id."""
        if not (sobject.updateable or actor.system):
            return [Outcome(error=_not_allowed(sobject, "update"))] * len(rows)
        outcomes = [Outcome() for _ in rows]
        known = self._names(sobject, actor)
        parsed: list[tuple[int, Values]] = []
        ids: dict[int, str] = {}
        for place, (text, row) in enumerate(rows):
            try:
                ids[place] = self.id_of(sobject, text)
                outcomes[place].id = ids[place]
                values = self._parse(sobject, row, known, creating=False, actor=actor)
                self.faults.check(sobject.name, "update", ids[place], ids[place])
                parsed.append((place, values))
            except ApiError as error:
                outcomes[place].error = error
        columns = list(dict.fromkeys(name for _, values in parsed for name in values))
        extra = [name for name in ("IsConverted",) if name in sobject.fields and name not in columns]
        stored = self.find(sobject, (ids[place] for place, _ in parsed), [*columns, *extra])
        at = {name: place + 2 for place, name in enumerate([*columns, *extra])}
        parsed = [
            (place, values)
            for place, values in parsed
            if self._may_change(sobject, stored.get(ids[place]), at, outcomes[place], actor)
        ]
        parsed = self._check(sobject, parsed, outcomes, ids, actor)
        self._write(sobject, parsed, ids, stored, at, actor)
        return outcomes

    @staticmethod
    def _may_change(
        sobject: SObject, row: tuple[Any, ...] | None, at: dict[str, int], outcome: Outcome, actor: Actor
    ) -> bool:
        if row is None:
            outcome.error = ApiError(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        elif row[1]:
            outcome.error = ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        elif sobject.name == "Lead" and row[at["IsConverted"]] and not actor.system:
            outcome.error = ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
        return outcome.error is None

    def _write(
        self,
        sobject: SObject,
        parsed: Sequence[tuple[int, Values]],
        ids: dict[int, str],
        stored: dict[str, tuple[Any, ...]],
        at: dict[str, int],
        actor: Actor,
    ) -> None:
        now = self.clock.now_ms()
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        changes: list[tuple[str, str, Any, Any, str]] = []
        tracked = {name for name, field in sobject.fields.items() if field.tracked} if sobject.history else set()
        for place, values in parsed:
            record_id = ids[place]
            row = stored[record_id]
            for name in values.keys() & tracked:
                old, new = row[at[name]], values[name]
                if old != new:
                    changes.append((record_id, name, old, new, sobject.fields[name].type))
            self._derive(sobject, values, record_id, now)
            groups[tuple(values)].append((*values.values(), now, actor.user_id, now, row[0]))
        for names, rows in groups.items():
            assigned = "".join(f"{quoted(name)} = ?, " for name in names)
            self.db.executemany(
                f"UPDATE {quoted(sobject.name)} SET {assigned}LastModifiedDate = ?, LastModifiedById = ?, "
                "SystemModstamp = ? WHERE _row = ?",
                rows,
            )
        if changes:
            self.log(sobject, changes, actor.user_id, now)
        self._after(sobject, [(ids[place], values) for place, values in parsed], actor)

    def upsert(
        self, sobject: SObject, field: Field, rows: Sequence[tuple[Stored, dict[str, Any]]], actor: Actor
    ) -> list[Outcome]:
        """Update the record that has the key, or create one with it."""
        outcomes: list[Outcome | None] = [None] * len(rows)
        parse = parser_of(field)
        keys: list[Stored] = []
        for place, (raw, _) in enumerate(rows):
            try:
                keys.append(parse(raw))
            except ApiError as error:
                keys.append(None)
                outcomes[place] = Outcome(error=error)
        times = Counter(value_key(key) for key in keys if key is not None)
        found = self.by_value(sobject, field, keys)
        fresh: list[int] = []
        known: list[int] = []
        for place, key in enumerate(keys):
            if outcomes[place] is not None:
                continue
            matches = found.get(value_key(key), [])
            if key is None:
                outcomes[place] = Outcome(error=ApiError(400, "MISSING_ARGUMENT", f"{field.name} not specified", []))
            elif times[value_key(key)] > 1:
                outcomes[place] = Outcome(
                    error=ApiError(400, "DUPLICATE_VALUE", f"Duplicate external id specified: {key}", [field.name])
                )
            elif len(matches) > 1:
                outcomes[place] = Outcome(
                    error=ApiError(
                        300,
                        "DUPLICATE_EXTERNAL_ID",
                        f"{field.label}: more than one record found for external id field: [{', '.join(matches)}]",
                        [field.name],
                    )
                )
            else:
                (known if matches else fresh).append(place)
        updated = self.update(
            sobject, [(found[value_key(keys[place])][0], _without(rows[place][1], field)) for place in known], actor
        )
        created = self.create(
            sobject, [_without(rows[place][1], field) | {field.name: keys[place]} for place in fresh], actor
        )
        for place, outcome in [*zip(known, updated, strict=True), *zip(fresh, created, strict=True)]:
            outcomes[place] = outcome
        return [outcome or Outcome() for outcome in outcomes]

    # Deleting -----------------------------------------------------------------------------------------------------

    def delete(self, sobject: SObject, ids: Sequence[str], actor: Actor, *, hard: bool = False) -> list[Outcome]:
        """Put records into the bin, or delete them for good."""
        if not (sobject.deletable or actor.system):
            return [Outcome(error=_not_allowed(sobject, "delete"))] * len(ids)
        outcomes = [Outcome() for _ in ids]
        wanted: list[tuple[int, str]] = []
        for place, text in enumerate(ids):
            try:
                record_id = self.id_of(sobject, text)
                outcomes[place].id = record_id
                self.faults.check(sobject.name, "delete", record_id, record_id)
                wanted.append((place, record_id))
            except ApiError as error:
                outcomes[place].error = error
        stored = self.find(sobject, (record_id for _, record_id in wanted), [])
        gone = []
        for place, record_id in wanted:
            row = stored.get(record_id)
            if row is None or (row[1] and not hard):
                code, message = ("ENTITY_IS_DELETED", "entity is deleted") if row else _MISSING_ID
                outcomes[place].error = ApiError(404, code, message, [])
            else:
                gone.append(record_id)
        self.discard(sobject, gone, actor, hard=hard)
        return outcomes

    def discard(self, sobject: SObject, ids: Sequence[str], actor: Actor, *, hard: bool = False) -> None:
        """Put live records into the bin with what belongs to them."""
        now = self.clock.now_ms()
        if hard:
            self.db.executemany(f"DELETE FROM {quoted(sobject.name)} WHERE Id = ?", [(one,) for one in ids])
        else:
            self.db.executemany(
                f"UPDATE {quoted(sobject.name)} SET IsDeleted = 1, LastModifiedDate = ?, LastModifiedById = ?, "
                "SystemModstamp = ? WHERE Id = ?",
                [(now, actor.user_id, now, one) for one in ids],
            )
        for name, field in _CASCADES.get(sobject.name, ()):
            child = self.schema.objects[name]
            for start in range(0, len(ids), _CHUNK):
                some = list(ids[start : start + _CHUNK])
                rows = self.db.execute(
                    f"SELECT Id FROM {quoted(name)} WHERE IsDeleted = 0 "
                    f"AND {quoted(field)} IN ({placeholders(len(some))})",
                    some,
                ).fetchall()
                if rows:
                    self.discard(child, [row[0] for row in rows], actor, hard=hard)
        if sobject.name in _PERMISSIONS:
            self.schema.forget_access()

    # History ------------------------------------------------------------------------------------------------------

    def log(
        self, sobject: SObject, changes: Sequence[tuple[str, str, Any, Any, str]], user_id: str, at_ms: int
    ) -> None:
        """Keep changes ``(record id, field, old, new, type)`` in the object's history."""
        assert sobject.history is not None
        table, parent = sobject.history
        history = self.schema.objects[table]
        number = last_row(self.db, table) + 1
        rows = []
        for offset, (record_id, name, old, new, type_) in enumerate(changes):
            row_id = make_id(history.prefix, number + offset)
            shown = history_name(name)
            rows.append((number + offset, row_id, record_id, user_id, at_ms, shown, data_type(type_),
                         history_text(type_, old), history_text(type_, new)))  # fmt: skip
        self.db.executemany(
            f"INSERT INTO {quoted(table)} (_row, Id, IsDeleted, {quoted(parent)}, CreatedById, CreatedDate, Field, "
            "DataType, OldValue, NewValue) VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    # Checks -------------------------------------------------------------------------------------------------------

    def id_of(self, sobject: SObject, text: object) -> str:
        """The id of a path or body.

        Raises:
            ApiError: 400 MALFORMED_ID; 404 when it is another object's.
        """
        found = normal_id(text)
        if found is None:
            raise ApiError(400, "MALFORMED_ID", f"{sobject.label} ID: id value of incorrect type: {text}", ["Id"])
        if not found.startswith(sobject.prefix):
            raise ApiError(400, "INVALID_ID_FIELD", f"{sobject.label} ID: id value of incorrect type: {text}", ["Id"])
        return found

    def _names(self, sobject: SObject, actor: Actor) -> dict[str, tuple[Field, Parser]]:
        fields = (
            {name.lower(): field for name, field in sobject.fields.items()}
            if actor.system
            else self.schema.visible(sobject)
        )
        return {name: (field, parser_of(field)) for name, field in fields.items()}

    def _parse(
        self,
        sobject: SObject,
        row: dict[str, Any],
        known: dict[str, tuple[Field, Parser]],
        *,
        creating: bool,
        actor: Actor,
    ) -> Values:
        values: Values = {}
        barred: list[str] = []
        for name, raw in row.items():
            found = known.get(name) or known.get(name.lower())
            if found is None:
                key, value = self._by_relationship(sobject, name, raw, known)
                values[key.name] = value
                continue
            # The next row finds the name at once, however it is spelt.
            known[name] = found
            field, parse = found
            if field.expression is not None or not (
                actor.system or (field.createable if creating else field.updateable)
            ):
                barred.append(field.name)
                continue
            value = parse(raw)
            if value is None:
                if field.required and not creating:
                    raise _missing([field.name])
                if field.type == "boolean":
                    value = 0
            values[field.name] = value
        if barred:
            if creating and "Id" in barred:
                raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
            raise ApiError(
                400,
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(barred)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set.",
                barred,
            )
        return values

    def _by_relationship(
        self, sobject: SObject, name: str, raw: Any, known: dict[str, tuple[Field, Parser]]
    ) -> tuple[Field, Stored]:
        """A parent named by its external id: ``{"Account": {"External_Id__c": "x"}}``, or a column of that path."""
        relation, _, external = name.partition(".")
        key = next(
            (
                field
                for field, _ in known.values()
                if field.relationship and field.relationship.lower() == relation.lower()
            ),
            None,
        )
        if key is None or (not external and not isinstance(raw, dict)):
            raise no_such_column(name, sobject.name)
        if not external:
            named = {one: value for one, value in raw.items() if one != "attributes"}
            if len(named) != 1:
                raise ApiError(400, "INVALID_FIELD", f"{name} takes one external id field", [name])
            ((external, raw),) = named.items()
        if raw is None or raw == "":
            return key, None
        parent = self.schema.objects[key.reference_to[0]]
        field = self.schema.visible(parent).get(external.lower())
        if field is None or not (field.external_id or field.name == "Id"):
            raise ApiError(
                400,
                "INVALID_FIELD",
                f"Field name provided, {external} is not an External ID or indexed field for {parent.name}",
            )
        matches = self.by_value(parent, field, [parser_of(field)(raw)])
        if not matches:
            raise ApiError(
                400,
                "INVALID_FIELD",
                f"Foreign key external ID: {str(raw).lower()} not found for field {field.name} in entity {parent.name}",
                [],
            )
        return key, next(iter(matches.values()))[0]

    def _check(
        self,
        sobject: SObject,
        parsed: list[tuple[int, Values]],
        outcomes: list[Outcome],
        ids: dict[int, str],
        actor: Actor,
    ) -> list[tuple[int, Values]]:
        """Drop records whose references lead nowhere or whose unique values are another's."""
        self._check_references(sobject, parsed, outcomes, actor)
        for field in sobject.fields.values():
            if field.unique:
                self._check_unique(sobject, field, parsed, outcomes, ids)
        if sobject.name == "CampaignMember" and not ids:
            self._check_members(parsed, outcomes)
        if sobject.name in _PAIRS and not ids:
            self._check_pairs(sobject, _PAIRS[sobject.name], parsed, outcomes)
        if self.blocks_duplicates and not ids and sobject.name in ("Lead", "Contact") and not actor.allow_duplicates:
            self._check_duplicates(parsed, outcomes)
        return [one for one in parsed if outcomes[one[0]].error is None]

    def _check_references(
        self, sobject: SObject, parsed: list[tuple[int, Values]], outcomes: list[Outcome], actor: Actor
    ) -> None:
        wanted: dict[str, set[str]] = defaultdict(set)
        uses: list[tuple[int, Field, str]] = []
        references = {name: field for name, field in sobject.fields.items() if field.type == "reference"}
        for place, values in parsed:
            for name in values.keys() & references.keys():
                value = values[name]
                if value is not None:
                    uses.append((place, references[name], str(value)))
                    wanted[str(value)[:3]].add(str(value))
        there: set[str] = set()
        converted: set[str] = set()
        for prefix, some in wanted.items():
            target = self.schema.of_id(prefix)
            if target is not None:
                columns = ["IsConverted"] if target.name == "Lead" else []
                found = {one: row for one, row in self.find(target, some, columns).items() if not row[1]}
                there |= found.keys()
                converted |= {one for one, row in found.items() if columns and row[2]}
        for place, field, value in uses:
            parent = self.schema.of_id(value)
            if parent is None or parent.name not in field.reference_to:
                outcomes[place].error = ApiError(
                    400,
                    "FIELD_INTEGRITY_EXCEPTION",
                    f"{field.label}: id value of incorrect type: {value}",
                    [field.name],
                )
            elif value not in there:
                outcomes[place].error = ApiError(
                    400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name]
                )
            elif value in converted and not actor.system:
                outcomes[place].error = ApiError(
                    400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [field.name]
                )

    def _check_unique(
        self,
        sobject: SObject,
        field: Field,
        parsed: list[tuple[int, Values]],
        outcomes: list[Outcome],
        ids: dict[int, str],
    ) -> None:
        using = [(place, values[field.name]) for place, values in parsed if values.get(field.name) is not None]
        if not using:
            return
        found = self.by_value(sobject, field, (value for _, value in using))
        taken: dict[Stored, str] = {}
        for place, value in using:
            if outcomes[place].error is not None:
                continue
            key = value_key(value)
            other = next((one for one in found.get(key, ()) if one != ids.get(place)), None) or taken.get(key)
            if other is not None:
                outcomes[place].error = ApiError(
                    400,
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {field.name} duplicates value on record with id: {other}",
                    [],
                )
            else:
                taken[key] = ids.get(place, "<unknown>")

    def _check_members(self, parsed: list[tuple[int, Values]], outcomes: list[Outcome]) -> None:
        campaigns = list({values["CampaignId"] for _, values in parsed})
        people = list({values.get("LeadId") or values.get("ContactId") for _, values in parsed})
        there: set[tuple[Any, Any]] = set()
        for campaign in campaigns:
            for start in range(0, len(people), _CHUNK):
                some = people[start : start + _CHUNK]
                for column in ("LeadId", "ContactId"):
                    there |= {
                        (campaign, row[0])
                        for row in self.db.execute(
                            f"SELECT {column} FROM CampaignMember WHERE CampaignId = ? AND IsDeleted = 0 "
                            f"AND {column} IN ({placeholders(len(some))})",
                            [campaign, *some],
                        )
                    }
        for place, values in parsed:
            key = (values["CampaignId"], values.get("LeadId") or values.get("ContactId"))
            if outcomes[place].error is None and key in there:
                outcomes[place].error = ApiError(400, "DUPLICATE_VALUE", "Already a campaign member.", [])
            there.add(key)

    def _check_pairs(
        self,
        sobject: SObject,
        pair: tuple[str, str],
        parsed: list[tuple[int, Values]],
        outcomes: list[Outcome],
    ) -> None:
        """Two fields that together are unique."""
        columns = " AND ".join(f"{quoted(name)} = ?" for name in pair)
        seen: set[tuple[Stored, Stored]] = set()
        for place, values in parsed:
            key = (value_key(values.get(pair[0])), value_key(values.get(pair[1])))
            row = self.db.execute(
                f"SELECT Id FROM {quoted(sobject.name)} WHERE IsDeleted = 0 AND {columns}",
                [values.get(name) for name in pair],
            ).fetchone()
            if outcomes[place].error is None and (row or key in seen):
                other = row[0] if row else "<unknown>"
                outcomes[place].error = ApiError(
                    400,
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {', '.join(pair)} duplicates value on record with id: {other}",
                    [],
                )
            seen.add(key)

    def _check_duplicates(self, parsed: list[tuple[int, Values]], outcomes: list[Outcome]) -> None:
        emails = [(place, values.get("Email")) for place, values in parsed]
        taken: set[Stored] = set()
        for name in ("Lead", "Contact"):
            other = self.schema.objects[name]
            taken |= set(self.by_value(other, other.fields["Email"], (email for _, email in emails)))
        for place, email in emails:
            if email is not None and value_key(email) in taken and outcomes[place].error is None:
                outcomes[place].error = ApiError(400, "DUPLICATES_DETECTED", "Use one of these records?", [])

    # What follows from a write ------------------------------------------------------------------------------------

    def _derive(self, sobject: SObject, values: Values, record_id: str | None, now: int) -> None:
        """Values that the platform sets itself."""
        if sobject.name == "Opportunity" and "StageName" in values:
            closed, won, probability = self._stage(values["StageName"])
            values |= {"IsClosed": closed, "IsWon": won}
            values.setdefault("Probability", probability)
        elif sobject.name == "Task" and "Status" in values:
            closed = values["Status"] == "Completed"
            values["IsClosed"] = int(closed)
            values["CompletedDateTime"] = (values.get("CompletedDateTime") or now) if closed else None
        elif sobject.name == "CampaignMember" and "Status" in values:
            campaign = (
                values.get("CampaignId")
                or (
                    self.db.execute("SELECT CampaignId FROM CampaignMember WHERE Id = ?", (record_id,)).fetchone()
                    or [None]
                )[0]
            )
            row = self.db.execute(
                "SELECT HasResponded FROM CampaignMemberStatus WHERE CampaignId = ? AND Label = ? AND IsDeleted = 0",
                (campaign, values["Status"]),
            ).fetchone()
            values["HasResponded"] = int(row[0]) if row else 0

    def _stage(self, name: Stored) -> tuple[int, int, float]:
        if self._stages is None:
            self._stages = {
                row[0]: row[1:]
                for row in self.db.execute("SELECT ApiName, IsClosed, IsWon, DefaultProbability FROM OpportunityStage")
            }
        return self._stages.get(str(name), (0, 0, 0.0))

    def _after(self, sobject: SObject, written: Sequence[tuple[str, Values]], actor: Actor) -> None:
        """Records that the platform makes of a write."""
        if sobject.name in _PERMISSIONS and written:
            self.schema.forget_access()
        elif sobject.name == "Campaign":
            fresh = [record_id for record_id, _ in written if not self._has_statuses(record_id)]
            self.create(
                self.schema.objects["CampaignMemberStatus"],
                [
                    {"CampaignId": record_id, "Label": label, "HasResponded": responded, "IsDefault": not responded,
                     "SortOrder": order}
                    for record_id in fresh
                    for order, (label, responded) in enumerate((("Sent", False), ("Responded", True)), 1)
                ],
                Actor(actor.user_id, system=True),
            )  # fmt: skip
        elif sobject.name in ("Task", "Event"):
            relation = self.schema.objects[f"{sobject.name}Relation"]
            rows = [
                {f"{sobject.name}Id": record_id, "RelationId": values[name], "IsWhat": name == "WhatId"}
                for record_id, values in written
                for name in ("WhoId", "WhatId")
                if values.get(name) is not None
            ]
            for row in rows:
                self.db.execute(
                    f"UPDATE {relation.name} SET IsDeleted = 1 WHERE {sobject.name}Id = ? AND IsWhat = ?",
                    (row[f"{sobject.name}Id"], row["IsWhat"]),
                )
            self.create(relation, rows, Actor(actor.user_id, system=True))

    def _has_statuses(self, campaign_id: str) -> bool:
        found = self.db.execute("SELECT 1 FROM CampaignMemberStatus WHERE CampaignId = ? LIMIT 1", (campaign_id,))
        return found.fetchone() is not None


_MISSING_ID = ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def value_key(value: Stored) -> Stored:
    """A value as unique fields compare it: text without regard to case."""
    return value.lower() if isinstance(value, str) else value


def history_name(name: str) -> str:
    """How history calls a field: references without their ``Id``."""
    return {"OwnerId": "Owner", "AccountId": "Account", "ParentId": "Parent"}.get(name, name)


def data_type(type_: str) -> str:
    """How history words a field's type."""
    if type_ in TEXTS:
        return "Text" if type_ in ("string", "textarea", "phone", "url", "email") else "DynamicEnum"
    return {"reference": "EntityId", "boolean": "Boolean", "datetime": "DateTime", "date": "DateOnly",
            "currency": "Currency"}.get(type_, "Double")  # fmt: skip


def history_text(type_: str, value: Any) -> str | None:
    """A stored value as history shows it."""
    if value is None:
        return None
    if type_ == "boolean":
        return "true" if value else "false"
    if type_ == "datetime":
        return moment_text(value)
    return str(value)[:255]


def by_object(records: Sequence[tuple[SObject, Any]]) -> Iterator[tuple[SObject, list[Any]]]:
    """Runs of records of one object, in order: a collection is worked off in such chunks."""
    run: list[Any] = []
    current: SObject | None = None
    for sobject, record in records:
        if current is not None and sobject.name != current.name:
            yield current, run
            run = []
        current = sobject
        run.append(record)
    if current is not None:
        yield current, run


def _without(row: dict[str, Any], field: Field) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name.lower() != field.name.lower()}


def _missing(names: Sequence[str]) -> ApiError:
    return ApiError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", list(names))


def _not_allowed(sobject: SObject, action: str) -> ApiError:
    return ApiError(
        400,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" if action != "delete" else "INSUFFICIENT_ACCESS_OR_READONLY",
        f"entity type {sobject.name} does not support {action}",
        [],
    )


def _special_checks(sobject: SObject, values: Values) -> None:
    if sobject.name == "CampaignMember" and bool(values.get("LeadId")) == bool(values.get("ContactId")):
        raise ApiError(
            400,
            "FIELD_INTEGRITY_EXCEPTION",
            "A campaign member is a Lead or a Contact: give one of LeadId and ContactId",
            ["LeadId"],
        )
    if sobject.name == "FieldPermissions" and values.get("PermissionsEdit") and not values.get("PermissionsRead"):
        raise ApiError(
            400, "FIELD_INTEGRITY_EXCEPTION", "Field-level read is needed for field-level edit", ["PermissionsRead"]
        )
    if sobject.name == "Event" and values.get("StartDateTime") is not None:
        values.setdefault("ActivityDateTime", values["StartDateTime"])


def missing_record() -> ApiError:
    """404 of a path with an id that is nobody's."""
    return not_found("Provided external ID field does not exist or is not accessible: Id")
