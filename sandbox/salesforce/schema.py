"""The org's schema as it stands: standard objects, custom fields added later, and what the API's user may see of it.

Field-level security as in a real org: a custom field made through the API is invisible until a permission set that the
user holds grants it (``FieldPermissions``). What the org comes with is granted to everybody; such a grant can be taken
away from the outside (``restrict``).
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass, replace

import orjson

from sandbox.salesforce.catalog import SObject, label_of, standard_objects
from sandbox.salesforce.errors import ApiError, no_such_resource, unknown_type
from sandbox.salesforce.fields import Field
from sandbox.salesforce.ids import make_id
from sandbox.salesforce.storage import column_of, create_tables, create_unique_indexes, quoted
from sandbox.server.storage import get_meta, set_meta

#: Ids above this number are those of custom fields made through the API.
_OWN_DEFINITIONS = 10_000


@dataclass(frozen=True)
class Child:
    """A relationship seen from the parent: ``Contacts`` of an Account."""

    name: str
    sobject: str
    field: str


#: Relationship names that are not the plural of the child.
_CHILD_NAMES = {
    ("CampaignMember", "CampaignId"): "CampaignMembers",
    ("Contact", "AccountId"): "Contacts",
    ("Opportunity", "AccountId"): "Opportunities",
    ("OpportunityContactRole", "OpportunityId"): "OpportunityContactRoles",
    ("OpportunityContactRole", "ContactId"): "OpportunityContactRoles",
    ("Account", "ParentId"): "ChildAccounts",
    ("Campaign", "ParentId"): "ChildCampaigns",
    ("CampaignMember", "LeadId"): "CampaignMembers",
    ("CampaignMember", "ContactId"): "CampaignMembers",
    ("Task", "WhoId"): "Tasks",
    ("Task", "WhatId"): "Tasks",
    ("Event", "WhoId"): "Events",
    ("Event", "WhatId"): "Events",
    ("TaskRelation", "TaskId"): "TaskRelations",
    ("EventRelation", "EventId"): "EventRelations",
    ("FieldPermissions", "ParentId"): "FieldPerms",
    ("PermissionSetAssignment", "PermissionSetId"): "Assignments",
    ("LeadHistory", "LeadId"): "Histories",
    ("ContactHistory", "ContactId"): "Histories",
    ("AccountHistory", "AccountId"): "Histories",
    ("OpportunityFieldHistory", "OpportunityId"): "Histories",
}


class Schema:
    """Objects and fields by name, in any case."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.objects = standard_objects()
        create_tables(db, self.objects)
        for name, body in db.execute("SELECT object, body FROM custom_fields ORDER BY object, name").fetchall():
            field = _field_of(orjson.loads(body))
            self.objects[name].fields[field.name] = field
        self._define()
        #: (object, field) -> may be read, may be changed; what is not in it follows the permission sets.
        self.restricted: dict[tuple[str, str], tuple[bool, bool]] = {}
        self.user_id = ""
        #: Grows with every change of fields or permissions.
        self.version = 0
        self._by_lower = {name.lower(): sobject for name, sobject in self.objects.items()}
        self._by_prefix = {
            sobject.prefix: sobject
            for sobject in reversed(self.objects.values())
            if sobject.prefix and not sobject.name.endswith("History")
        }
        self._visible: dict[str, dict[str, Field]] = {}
        self._grants: dict[tuple[str, str], tuple[bool, bool]] | None = None

    def sobject(self, name: str) -> SObject:
        """The object of a path.

        Raises:
            ApiError: 404, there is none.
        """
        found = self._by_lower.get(name.lower())
        if found is None:
            raise no_such_resource()
        return found

    def queried(self, name: str) -> SObject:
        """The object of a query's FROM.

        Raises:
            ApiError: 400 INVALID_TYPE.
        """
        found = self._by_lower.get(name.lower())
        if found is None:
            raise unknown_type(name)
        return found

    def of_id(self, record_id: str) -> SObject | None:
        """The object that an id's key prefix names."""
        return self._by_prefix.get(record_id[:3])

    def visible(self, sobject: SObject) -> dict[str, Field]:
        """Fields that the API's user may read, by their name in lower case."""
        found = self._visible.get(sobject.name)
        if found is None:
            found = {}
            for field in sobject.fields.values():
                read, edit = self._access(sobject, field)
                if read:
                    found[field.name.lower()] = field.with_access(edit)
            self._visible[sobject.name] = found
        return found

    def children(self, sobject: SObject) -> list[Child]:
        """The relationships that lead from other objects to this one."""
        return [
            Child(_CHILD_NAMES[(other.name, field.name)], other.name, field.name)
            for other in self.objects.values()
            for field in other.fields.values()
            if sobject.name in field.reference_to and (other.name, field.name) in _CHILD_NAMES
        ]

    def new_definition_id(self) -> str:
        """The id of the next custom field."""
        number = int(get_meta(self.db, "custom_fields_made") or 0) + 1
        set_meta(self.db, "custom_fields_made", str(number))
        return make_id("00N", _OWN_DEFINITIONS + number)

    def _define(self) -> None:
        """Give the custom fields that the org comes with an id too."""
        number = 0
        for sobject in self.objects.values():
            for field in list(sobject.fields.values()):
                if field.custom and field.definition_id is None:
                    number += 1
                    sobject.fields[field.name] = replace(field, definition_id=make_id("00N", number))

    def forget_access(self) -> None:
        """Look permissions up again: a permission set, an assignment or a restriction changed."""
        self.version += 1
        self._visible.clear()
        self._grants = None

    def restrict(self, sobject: SObject, name: str, read: bool, edit: bool) -> None:
        """Set what the API's user may do with a field, whatever permission sets say.

        Raises:
            ApiError: 400, the object has no such field.
        """
        field = next((one for one in sobject.fields.values() if one.name.lower() == name.lower()), None)
        if field is None:
            raise ApiError(400, "INVALID_FIELD", f"{sobject.name} has no field {name}")
        self.restricted[(sobject.name, field.name)] = (read, read and edit)
        self.forget_access()

    def add_field(self, sobject: SObject, field: Field) -> None:
        """Make a custom field: a column, a definition.

        Raises:
            ApiError: 400 DUPLICATE_DEVELOPER_NAME.
        """
        if any(field.name.lower() == name.lower() for name in sobject.fields):
            raise ApiError(
                400,
                "DUPLICATE_DEVELOPER_NAME",
                f"There is already a field named {field.name.removesuffix('__c')} on {sobject.label}.",
                ["FullName"],
            )
        self.db.execute(f"ALTER TABLE {quoted(sobject.name)} ADD COLUMN {column_of(field)}")
        if field.default is not None:
            self.db.execute(f"UPDATE {quoted(sobject.name)} SET {quoted(field.name)} = ?", (field.default,))
        self.store_field(sobject, field)
        create_unique_indexes(self.db, sobject)

    def store_field(self, sobject: SObject, field: Field) -> None:
        """Keep a custom field's definition, new or changed."""
        sobject.fields[field.name] = field
        self.db.execute(
            "INSERT OR REPLACE INTO custom_fields VALUES (?, ?, ?)",
            (sobject.name, field.name, orjson.dumps(asdict(field)).decode()),
        )
        self.forget_access()

    def remove_field(self, sobject: SObject, field: Field) -> None:
        """Delete a custom field with its values."""
        self.db.execute(f"DROP INDEX IF EXISTS {quoted(f'{sobject.name}_{field.name}')}")
        self.db.execute(f"ALTER TABLE {quoted(sobject.name)} DROP COLUMN {quoted(field.name)}")
        self.db.execute("DELETE FROM custom_fields WHERE object = ? AND name = ?", (sobject.name, field.name))
        del sobject.fields[field.name]
        self.forget_access()

    def fill_definitions(self) -> None:
        """Write what EntityDefinition, FieldDefinition and CustomField answer."""
        for table in ("EntityDefinition", "FieldDefinition", "CustomField"):
            self.db.execute(f"DELETE FROM {quoted(table)}")
        own = ("EntityDefinition", "FieldDefinition", "CustomField")
        entities, definitions, custom = [], [], []
        for sobject in self.objects.values():
            if sobject.name in own:
                continue
            entities.append((sobject.name, sobject.name, sobject.name, sobject.name, sobject.label, sobject.prefix))
            # Custom fields are listed whether our user sees them or not.
            custom += [
                (field.definition_id, field.name.removesuffix("__c"), sobject.name, f"{sobject.name}.{field.name}")
                for field in sobject.fields.values()
                if field.custom
            ]
            for field in self.visible(sobject).values():
                durable = f"{sobject.name}.{(field.definition_id or field.name)[:15]}"
                definitions.append(
                    (durable, durable, sobject.name, field.name, field.name.removesuffix("__c"), field.label,
                     data_type(field), field.length, field.precision, field.scale, int(not field.required),
                     int(field.tracked), field.help)
                )  # fmt: skip
        self.db.executemany(
            "INSERT INTO EntityDefinition (Id, DurableId, QualifiedApiName, DeveloperName, Label, KeyPrefix, "
            "IsDeleted) VALUES (?, ?, ?, ?, ?, ?, 0)",
            entities,
        )
        self.db.executemany(
            "INSERT INTO FieldDefinition (Id, DurableId, EntityDefinitionId, QualifiedApiName, DeveloperName, Label, "
            "DataType, Length, Precision, Scale, IsNillable, IsFieldHistoryTracked, Description, IsDeleted) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            definitions,
        )

        self.db.executemany(
            "INSERT INTO CustomField (Id, DeveloperName, TableEnumOrId, FullName, IsDeleted) VALUES (?, ?, ?, ?, 0)",
            custom,
        )

    def _access(self, sobject: SObject, field: Field) -> tuple[bool, bool]:
        restricted = self.restricted.get((sobject.name, field.name))
        if restricted is not None:
            return restricted
        if field.granted:
            return True, True
        if self._grants is None:
            self._grants = self._read_grants()
        return self._grants.get((sobject.name.lower(), f"{sobject.name}.{field.name}".lower()), (False, False))

    def _read_grants(self) -> dict[tuple[str, str], tuple[bool, bool]]:
        """What the permission sets of the API's user grant, the one of its profile included."""
        rows = self.db.execute(
            "SELECT lower(p.SobjectType), lower(p.Field), max(p.PermissionsRead), max(p.PermissionsEdit) "
            "FROM FieldPermissions p WHERE p.IsDeleted = 0 AND p.ParentId IN ("
            " SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = ? AND IsDeleted = 0"
            ' UNION SELECT s.Id FROM PermissionSet s JOIN "User" u ON u.ProfileId = s.ProfileId'
            " WHERE u.Id = ? AND s.IsOwnedByProfile = 1) GROUP BY 1, 2",
            (self.user_id, self.user_id),
        ).fetchall()
        return {(sobject, name): (bool(read), bool(read and edit)) for sobject, name, read, edit in rows}


def data_type(field: Field) -> str:
    """The type as FieldDefinition words it."""
    if field.type in ("string", "textarea"):
        return f"Text({field.length})" if field.type == "string" else f"Long Text Area({field.length})"
    if field.type in ("double", "int", "currency", "percent"):
        name = {"double": "Number", "int": "Number", "currency": "Currency", "percent": "Percent"}[field.type]
        return f"{name}({field.precision - field.scale}, {field.scale})"
    if field.type == "reference":
        return f"Lookup({','.join(field.reference_to)})"
    return {"boolean": "Checkbox", "datetime": "Date/Time", "picklist": "Picklist", "url": "URL"}.get(
        field.type, label_of(field.type.title())
    )


def _field_of(body: dict[str, object]) -> Field:
    field = Field(**body)  # type: ignore[arg-type]
    return replace(field, values=tuple(field.values), reference_to=tuple(field.reference_to))
