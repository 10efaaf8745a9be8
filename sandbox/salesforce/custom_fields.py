"""Custom fields from the Tooling API's metadata, and back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.errors import ApiError, json_error
from sandbox.salesforce.fields import Field, Stored
from sandbox.salesforce.schema import Schema

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_LONGEST_NAME = 43

#: Type of the metadata -> type of the field.
_TYPES = {
    "Text": "string", "TextArea": "textarea", "LongTextArea": "textarea", "Html": "textarea", "Number": "double",
    "Currency": "currency", "Percent": "percent", "Checkbox": "boolean", "Date": "date", "DateTime": "datetime",
    "Email": "email", "Phone": "phone", "Url": "url", "Picklist": "picklist", "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
}  # fmt: skip
#: What the metadata of a type must say.
_NEEDED = {
    "Text": ("length",), "LongTextArea": ("length", "visibleLines"), "Html": ("length", "visibleLines"),
    "Number": ("precision", "scale"), "Currency": ("precision", "scale"), "Percent": ("precision", "scale"),
    "Checkbox": ("defaultValue",), "Picklist": ("valueSet",), "MultiselectPicklist": ("valueSet", "visibleLines"),
    "Lookup": ("referenceTo", "relationshipName"),
}  # fmt: skip
_LENGTHS = {"TextArea": 255, "Email": 80, "Phone": 40, "Url": 255, "Picklist": 255, "MultiselectPicklist": 4099}
_MOST = {"Text": 255, "LongTextArea": 131_072, "Html": 131_072}
_MAY_BE_UNIQUE = ("Text", "Number", "Email")


def make_field(schema: Schema, body: dict[str, Any]) -> Field:
    """Make the field that a request asks for: ``{"FullName": "Lead.Score__c", "Metadata": {...}}``.

    Raises:
        ApiError: 400 saying what the metadata lacks, or that the field is there.
    """
    full_name, metadata = body.get("FullName"), body.get("Metadata")
    if not isinstance(full_name, str) or full_name.count(".") != 1 or not isinstance(metadata, dict):
        raise json_error("FullName must be Object.Field__c, Metadata an object")
    object_name, name = full_name.split(".")
    try:
        sobject = schema.sobject(object_name)
    except ApiError:
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", f"no object named {object_name} was found", []) from None
    if not sobject.custom_fields:
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", f"{sobject.name} takes no custom fields", ["FullName"])
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ApiError(
            400,
            "FIELD_INTEGRITY_EXCEPTION",
            f"The Field Name '{name}' can only contain underscores and alphanumeric characters, must begin with a "
            "letter, not end with an underscore, not contain two consecutive underscores, and end with __c (at most 40 "
            "before)",
            ["FullName"],
        )
    field = field_of(schema, name, metadata)
    schema.add_field(sobject, replace(field, definition_id=schema.new_definition_id()))
    return sobject.fields[field.name]


def change_field(schema: Schema, sobject: SObject, field: Field, body: dict[str, Any]) -> None:
    """Change what a request says of a field; its type stays.

    Raises:
        ApiError: 400.
    """
    metadata = body.get("Metadata")
    if not isinstance(metadata, dict):
        raise json_error("Metadata must be an object")
    changed = field_of(schema, field.name, metadata_of(field) | metadata)
    if changed.type != field.type:
        raise ApiError(
            400, "FIELD_INTEGRITY_EXCEPTION", f"{field.name}: a change of type is not supported here", ["type"]
        )
    schema.store_field(sobject, replace(changed, definition_id=field.definition_id))


def field_of(schema: Schema, name: str, metadata: dict[str, Any]) -> Field:
    """A field as its metadata defines it.

    Raises:
        ApiError: 400.
    """
    kind = metadata.get("type")
    if kind not in _TYPES:
        raise ApiError(
            400, "INVALID_FIELD", f"{name}: '{kind}' is not a type of custom field that is known here", ["type"]
        )
    if not metadata.get("label"):
        raise ApiError(400, "REQUIRED_FIELD_MISSING", f"{name}: Required fields are missing: [label]", ["label"])
    for needed in _NEEDED.get(kind, ()):
        if metadata.get(needed) is None:
            raise ApiError(
                400, "FIELD_INTEGRITY_EXCEPTION", f"Must specify '{needed}' for a CustomField of type {kind}", [needed]
            )
    unique, external = metadata.get("unique") is True, metadata.get("externalId") is True
    if (unique or external) and kind not in _MAY_BE_UNIQUE:
        raise ApiError(
            400,
            "FIELD_INTEGRITY_EXCEPTION",
            f"Can not specify 'unique' or 'externalId' for a CustomField of type {kind}",
        )
    values, restricted = _values(name, metadata)
    required = metadata.get("required") is True
    return Field(
        name,
        _TYPES[kind],
        str(metadata["label"]),
        length=_length(name, kind, metadata),
        precision=_number(name, metadata, "precision"),
        scale=_number(name, metadata, "scale"),
        required=required,
        unique=unique,
        external_id=external,
        tracked=metadata.get("trackHistory") is True,
        custom=True,
        default=_default(kind, metadata),
        values=values,
        restricted=restricted,
        reference_to=(schema.sobject(str(metadata["referenceTo"])).name,) if kind == "Lookup" else (),
        relationship=f"{metadata['relationshipName']}__r" if kind == "Lookup" else None,
        help=metadata.get("description") or metadata.get("inlineHelpText"),
        # What everybody must fill, everybody sees.
        granted=required,
    )


def metadata_of(field: Field) -> dict[str, Any]:
    """A field's definition as the Tooling API reads it."""
    kind = next(name for name, type_ in _TYPES.items() if type_ == field.type)
    if field.type == "textarea":
        kind = "TextArea" if field.length <= 255 else "LongTextArea"
    found: dict[str, Any] = {
        "type": kind,
        "label": field.label,
        "required": field.required,
        "trackHistory": field.tracked,
        "description": field.help,
    }
    if kind in ("Text", "LongTextArea"):
        found["length"] = field.length
    if kind in ("Number", "Currency", "Percent"):
        found |= {"precision": field.precision, "scale": field.scale}
    if kind in _MAY_BE_UNIQUE:
        found |= {"unique": field.unique, "externalId": field.external_id}
    if kind in ("LongTextArea", "MultiselectPicklist"):
        found["visibleLines"] = 4
    if kind == "Checkbox":
        found["defaultValue"] = "true" if field.default else "false"
    if field.values or kind in ("Picklist", "MultiselectPicklist"):
        listed = [{"valueName": one, "label": one, "default": one == field.default} for one in field.values]
        found["valueSet"] = {"restricted": field.restricted, "valueSetDefinition": {"value": listed, "sorted": False}}
    if kind == "Lookup":
        found |= {"referenceTo": field.reference_to[0], "relationshipName": str(field.relationship).removesuffix("__r")}
    return found


def _length(name: str, kind: str, metadata: dict[str, Any]) -> int:
    if kind == "Lookup":
        return 18
    if kind in _LENGTHS:
        return _LENGTHS[kind]
    length = _number(name, metadata, "length")
    if kind in _MOST and not 1 <= length <= _MOST[kind]:
        raise ApiError(
            400,
            "FIELD_INTEGRITY_EXCEPTION",
            f"{name}: length of {kind} must be from 1 to {_MOST[kind]}, not {length}",
            ["length"],
        )
    return length


def _number(name: str, metadata: dict[str, Any], key: str) -> int:
    value: object = metadata.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", f"{name}: {key} must be a whole number, not {value!r}", [key])
    if key == "precision" and value > 18:
        raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", f"{name}: precision is at most 18, not {value}", [key])
    return value


def _default(kind: str, metadata: dict[str, Any]) -> Stored:
    value = metadata.get("defaultValue")
    if kind == "Checkbox":
        return int(str(value).lower() == "true")
    if kind in ("Picklist", "MultiselectPicklist"):
        return next((_value_name(one) for one in _listed(metadata) if one.get("default")), None)
    return None


def _values(name: str, metadata: dict[str, Any]) -> tuple[tuple[str, ...], bool]:
    if metadata.get("valueSet") is None:
        return (), False
    try:
        values = tuple(_value_name(one) for one in _listed(metadata))
    except (AttributeError, KeyError, TypeError):
        raise ApiError(
            400,
            "FIELD_INTEGRITY_EXCEPTION",
            f"{name}: valueSet needs valueSetDefinition.value, a list of values",
            ["valueSet"],
        ) from None
    return values, metadata["valueSet"].get("restricted") is True


def _listed(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = metadata["valueSet"]["valueSetDefinition"]["value"]
    return listed


def _value_name(value: dict[str, Any]) -> str:
    """REST knows ``valueName``; the name in the metadata itself is ``fullName``."""
    return str(value.get("valueName") or value["fullName"])
