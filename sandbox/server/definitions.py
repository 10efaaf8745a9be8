"""Property definitions and groups of the portal: the vendor's own, and those clients add."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.server.catalog import (
    OBJECT_TYPES,
    DefaultProperty,
    ObjectType,
    default_group,
    default_properties,
)
from sandbox.server.clock import iso
from sandbox.server.errors import ApiError, not_found, validation_error
from sandbox.server.values import Parser, parser_for

#: Field types that each property type may have.
FIELD_TYPES: dict[str, frozenset[str]] = {
    "string": frozenset({"text", "textarea", "file", "html", "phonenumber", "calculation_equation"}),
    "number": frozenset({"number", "calculation_equation"}),
    "bool": frozenset({"booleancheckbox", "calculation_equation"}),
    "enumeration": frozenset({"select", "radio", "checkbox", "booleancheckbox", "calculation_equation"}),
    "date": frozenset({"date"}),
    "datetime": frozenset({"date"}),
    "phone_number": frozenset({"phonenumber"}),
}
MAX_UNIQUE = 10
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


@dataclass
class PropertyDefinition:
    """One property of one object type; ``body`` is its JSON as the API shows it."""

    body: dict[str, Any]
    parse: Parser = field(repr=False)
    type: str
    read_only: bool
    unique: bool

    @classmethod
    def of(cls, body: dict[str, Any]) -> PropertyDefinition:
        """Build the fast form of a definition from its JSON."""
        options = frozenset(option["value"] for option in body["options"])
        return cls(
            body=body,
            parse=parser_for(body["type"], options, body["name"]),
            type=body["type"],
            read_only=body["modificationMetadata"]["readOnlyValue"],
            unique=body["hasUniqueValue"] or body["name"] == "email",
        )


class Definitions:
    """All definitions of the portal, in memory and in SQLite."""

    def __init__(self, db: sqlite3.Connection, now_ms: int) -> None:
        """Read the definitions kept in ``db``, adding the vendor's own where they are missing."""
        self._db = db
        self._properties: dict[int, dict[str, PropertyDefinition]] = {kind.code: {} for kind in OBJECT_TYPES}
        self._archived: dict[int, dict[str, PropertyDefinition]] = {kind.code: {} for kind in OBJECT_TYPES}
        self._groups: dict[int, dict[str, dict[str, Any]]] = {kind.code: {} for kind in OBJECT_TYPES}
        for object_type in OBJECT_TYPES:
            name, label = default_group(object_type)
            self._groups[object_type.code][name] = _group(name, label, -1)
            for default in default_properties(object_type):
                body = _vendor_body(default, name, now_ms)
                self._properties[object_type.code][default.name] = PropertyDefinition.of(body)
        for code, name, body, archived in db.execute("SELECT object, name, body, archived FROM property_definitions"):
            self._properties[code].pop(name, None)
            (self._archived if archived else self._properties)[code][name] = PropertyDefinition.of(orjson.loads(body))
        for code, name, body in db.execute("SELECT object, name, body FROM property_groups"):
            self._groups[code][name] = orjson.loads(body)

    def of(self, object_type: ObjectType) -> dict[str, PropertyDefinition]:
        """The live properties of an object type, by name."""
        return self._properties[object_type.code]

    def archived(self, object_type: ObjectType) -> dict[str, PropertyDefinition]:
        """The archived properties of an object type, by name."""
        return self._archived[object_type.code]

    def get(self, object_type: ObjectType, name: str) -> PropertyDefinition:
        """One live property.

        Raises:
            ApiError: 404, no such property.
        """
        found = self._properties[object_type.code].get(name)
        if found is None:
            raise not_found(f"Property {name} does not exist")
        return found

    def create(self, object_type: ObjectType, wanted: dict[str, Any], now_ms: int) -> PropertyDefinition:
        """Add a custom property.

        Raises:
            ApiError: 400 bad definition, 409 the name is taken.
        """
        body = self._custom_body(object_type, wanted, now_ms)
        name = body["name"]
        if name in self._properties[object_type.code]:
            raise ApiError(
                409,
                "OBJECT_ALREADY_EXISTS",
                f"A property named '{name}' already exists.",
                sub_category="Properties.PROPERTY_EXISTS",
                context={"propertyName": [name]},
            )
        uniques = [p for p in self.of(object_type).values() if p.unique and p.body["name"] != "email"]
        if body["hasUniqueValue"] and len(uniques) >= MAX_UNIQUE:
            raise validation_error(f"{object_type.name} already have {MAX_UNIQUE} unique value properties")
        return self._keep(object_type, body)

    def update(self, object_type: ObjectType, name: str, changes: dict[str, Any], now_ms: int) -> PropertyDefinition:
        """Change label, description, group, options or display settings of a property."""
        current = self.get(object_type, name).body
        fixed = current["modificationMetadata"]
        for key, is_fixed in (("options", fixed["readOnlyOptions"]), ("label", fixed["readOnlyDefinition"])):
            if is_fixed and key in changes and changes[key] != current[key]:
                raise validation_error(
                    f"Property {name}: its {key} cannot be changed", sub_category="Properties.READ_ONLY_DEFINITION"
                )
        allowed = {
            "label", "description", "groupName", "options", "displayOrder", "hidden", "formField", "type", "fieldType",
        }  # fmt: skip
        merged = current | {key: value for key, value in changes.items() if key in allowed}
        self._check(object_type, merged)
        merged["options"] = _options(merged["options"])
        merged["updatedAt"] = iso(now_ms)
        return self._keep(object_type, merged)

    def archive(self, object_type: ObjectType, name: str) -> None:
        """Archive a custom property; the vendor's own cannot be."""
        definition = self.get(object_type, name)
        if definition.body["hubspotDefined"]:
            raise validation_error(f"Property {name} is defined by HubSpot and cannot be archived")
        definition.body["archived"] = True
        del self._properties[object_type.code][name]
        self._archived[object_type.code][name] = definition
        self._db.execute(
            "INSERT OR REPLACE INTO property_definitions VALUES (?, ?, ?, 1)",
            (object_type.code, name, orjson.dumps(definition.body).decode()),
        )

    def ensure_text(self, object_type: ObjectType, name: str, now_ms: int) -> None:
        """Make sure a property found in loaded data exists, as a text property if it is new."""
        if name in self._properties[object_type.code]:
            return
        group = default_group(object_type)[0]
        label = name.replace("_", " ").capitalize()
        default = DefaultProperty(name, "string", "text", label)
        self._keep(object_type, _vendor_body(default, group, now_ms, vendor=False))

    def groups(self, object_type: ObjectType) -> dict[str, dict[str, Any]]:
        """Property groups of an object type, by name."""
        return self._groups[object_type.code]

    def group(self, object_type: ObjectType, name: str) -> dict[str, Any]:
        """One group, or 404."""
        found = self._groups[object_type.code].get(name)
        if found is None:
            raise not_found(f"Property group {name} does not exist")
        return found

    def create_group(self, object_type: ObjectType, wanted: dict[str, Any]) -> dict[str, Any]:
        """Add a property group: 400 for a bad name, 409 for a taken one."""
        name, label = wanted.get("name"), wanted.get("label")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise validation_error(
                f"Group name {name!r}: lower-case letters, digits and _ only, starting with a letter"
            )
        if not isinstance(label, str) or not label:
            raise validation_error("Group label is required")
        if name in self._groups[object_type.code]:
            raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"A property group named '{name}' already exists.")
        return self._keep_group(object_type, _group(name, label, wanted.get("displayOrder", -1)))

    def update_group(self, object_type: ObjectType, name: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change a group's label or order."""
        current = self.group(object_type, name)
        allowed = {key: value for key, value in changes.items() if key in ("label", "displayOrder")}
        return self._keep_group(object_type, current | allowed)

    def delete_group(self, object_type: ObjectType, name: str) -> None:
        """Delete an empty group."""
        self.group(object_type, name)
        holds = [p.body["name"] for p in self.of(object_type).values() if p.body["groupName"] == name]
        if holds:
            raise validation_error(f"Group {name} still holds properties: {', '.join(holds[:5])}")
        del self._groups[object_type.code][name]
        self._db.execute("DELETE FROM property_groups WHERE object = ? AND name = ?", (object_type.code, name))

    def _keep(self, object_type: ObjectType, body: dict[str, Any]) -> PropertyDefinition:
        definition = PropertyDefinition.of(body)
        self._properties[object_type.code][body["name"]] = definition
        self._archived[object_type.code].pop(body["name"], None)
        self._db.execute(
            "INSERT OR REPLACE INTO property_definitions VALUES (?, ?, ?, 0)",
            (object_type.code, body["name"], orjson.dumps(body).decode()),
        )
        return definition

    def _keep_group(self, object_type: ObjectType, body: dict[str, Any]) -> dict[str, Any]:
        self._groups[object_type.code][body["name"]] = body
        self._db.execute(
            "INSERT OR REPLACE INTO property_groups VALUES (?, ?, ?)",
            (object_type.code, body["name"], orjson.dumps(body).decode()),
        )
        return body

    def _custom_body(self, object_type: ObjectType, wanted: dict[str, Any], now_ms: int) -> dict[str, Any]:
        missing = [key for key in ("name", "label", "type", "fieldType", "groupName") if not wanted.get(key)]
        if missing:
            raise validation_error(
                f"Property definition lacks {', '.join(missing)}", context={"missingFields": missing}
            )
        self._check(object_type, wanted)
        moment = iso(now_ms)
        return {
            "name": wanted["name"],
            "label": wanted["label"],
            "type": wanted["type"],
            "fieldType": wanted["fieldType"],
            "groupName": wanted["groupName"],
            "description": wanted.get("description") or "",
            "options": _options(wanted.get("options") or []),
            "displayOrder": wanted.get("displayOrder", -1),
            "calculated": False,
            "externalOptions": bool(wanted.get("externalOptions", False)),
            "hasUniqueValue": bool(wanted.get("hasUniqueValue", False)),
            "hidden": bool(wanted.get("hidden", False)),
            "hubspotDefined": False,
            "formField": bool(wanted.get("formField", False)),
            "archived": False,
            "dataSensitivity": "non_sensitive",
            "createdAt": moment,
            "updatedAt": moment,
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": False,
                "readOnlyValue": False,
                "readOnlyOptions": False,
            },
        }

    def _check(self, object_type: ObjectType, body: dict[str, Any]) -> None:
        name, type_, field_type = body["name"], body["type"], body["fieldType"]
        for key in ("type", "fieldType", "groupName", "label"):
            if not isinstance(body[key], str):
                raise validation_error(f"Property {name}: {key} must be a text, not {body[key]!r}")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise validation_error(
                f"Property name {name!r}: lower-case letters, digits and _ only, starting with a letter, at most 100"
            )
        if type_ not in FIELD_TYPES:
            raise validation_error(f"Property {name}: type {type_!r} is not one of {sorted(FIELD_TYPES)}")
        if field_type not in FIELD_TYPES[type_]:
            raise validation_error(
                f"Property {name}: fieldType {field_type!r} does not go with type {type_!r}; "
                f"use one of {sorted(FIELD_TYPES[type_])}"
            )
        if body["groupName"] not in self._groups[object_type.code]:
            raise validation_error(
                f"Property {name}: group {body['groupName']!r} does not exist; create it first",
                sub_category="Properties.GROUP_DOES_NOT_EXIST",
            )
        if type_ == "enumeration" and not body.get("options") and not body.get("externalOptions", False):
            raise validation_error(f"Property {name}: an enumeration needs options")


def _options(options: Any) -> list[dict[str, Any]]:
    if not isinstance(options, list):
        raise validation_error(f"options must be a list, not {options!r}")
    kept = []
    for order, option in enumerate(options):
        if not isinstance(option, dict) or "value" not in option:
            raise validation_error(f"Option {order}: an option is an object with label and value")
        kept.append(
            {
                "label": option.get("label", option["value"]),
                "value": str(option["value"]),
                "displayOrder": option.get("displayOrder", order),
                "hidden": bool(option.get("hidden", False)),
            }
        )
    return kept


def _group(name: str, label: str, order: int) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": order, "archived": False}


def _vendor_body(default: DefaultProperty, group: str, now_ms: int, vendor: bool = True) -> dict[str, Any]:
    moment = iso(now_ms)
    options = [{"label": value, "value": value} for value in default.options]
    return {
        "name": default.name,
        "label": default.label,
        "type": default.type,
        "fieldType": default.field_type,
        "groupName": group,
        "description": "",
        "options": _options(options),
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": default.type == "enumeration" and not default.options,
        "hasUniqueValue": False,
        "hidden": False,
        "hubspotDefined": vendor,
        "formField": not default.read_only,
        "archived": False,
        "dataSensitivity": "non_sensitive",
        "createdAt": moment,
        "updatedAt": moment,
        "modificationMetadata": {
            "archivable": not vendor,
            "readOnlyDefinition": vendor,
            "readOnlyValue": default.read_only,
            "readOnlyOptions": vendor,
        },
    }
