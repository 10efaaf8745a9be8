"""Our properties in HubSpot: made where they are missing, kept as the model's YAML says.

Ours is what lies in our group. There, a label, a description or an option that differs is brought in line, and options
that people added are left. What lies elsewhere is used as it is: it must have the right type and know our options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reverse_etl.connectors.hubspot_answers import kind_of_error, refusal_text
from reverse_etl.connectors.transport import Answer
from reverse_etl.errors import ConnectorError
from reverse_etl.manifest import FieldSpec, GroupSpec

#: Definitions per request.
_BATCH = 100
#: Types that hold the same values.
_ALIKE = {"string", "phone_number"}

Json = Mapping[str, Any]


class Portal(Protocol):
    """What is asked of the connector."""

    def ask(self, method: str, path: str, body: Json | None = None) -> Answer:
        """One repeatable request."""
        ...

    def ok(self, answer: Answer, what: str) -> dict[str, Any]:
        """The body of an answer that is no refusal."""
        ...


def ensure_properties(
    portal: Portal, root: str, object_name: str, group: GroupSpec, fields: Sequence[FieldSpec]
) -> list[str]:
    """Make what is missing below ``root`` and bring our definitions in line; returns the names made or changed.

    Raises:
        ConnectorError: a property exists with another type, is read-only, is HubSpot's own although we are to own it,
            or belongs to somebody else and lacks an option of ours.
    """
    found = portal.ok(portal.ask("GET", root), "read properties").get("results", [])
    present = {str(p["name"]): p for p in found}
    missing = [field for field in fields if field.property not in present]
    changes: list[tuple[str, dict[str, Any]]] = []
    for field in fields:
        if field.property in present:
            _check(object_name, field, group, present[field.property])
            if _is_ours(present[field.property], group):
                changes.append((field.property, _drift(field, present[field.property])))
        elif field.standard:
            raise ConnectorError(
                f"HubSpot has no property {field.property!r} of {object_name}, which the sync says HubSpot defines"
            )
    if missing:
        _make_group(portal, root, group)
    for start in range(0, len(missing), _BATCH):
        _make(portal, root, object_name, [_definition(f, group) for f in missing[start : start + _BATCH]])
    drifted = [(name, change) for name, change in changes if change]
    for name, change in drifted:
        portal.ok(portal.ask("PATCH", f"{root}/{name}", change), f"change property {name} of {object_name}")
    return [field.property for field in missing] + [name for name, _ in drifted]


def _make_group(portal: Portal, root: str, group: GroupSpec) -> None:
    groups = portal.ok(portal.ask("GET", f"{root}/groups"), "read property groups").get("results", [])
    if group.name in {g.get("name") for g in groups}:
        return
    body = {"name": group.name, "label": group.label, "displayOrder": -1}
    answer = portal.ask("POST", f"{root}/groups", body)
    if answer.status != 409:
        portal.ok(answer, f"make property group {group.name}")


def _make(portal: Portal, root: str, object_name: str, definitions: Sequence[dict[str, Any]]) -> None:
    answer = portal.ask("POST", f"{root}/batch/create", {"inputs": list(definitions)})
    errors = [e for e in answer.members.get("errors", []) if isinstance(e, dict)]
    refused = [e for e in errors if kind_of_error(e) != "conflict" and "already exists" not in str(e.get("message"))]
    if answer.status == 207 and refused:
        raise ConnectorError(f"HubSpot refused a property of {object_name}: {refusal_text(refused[0])}")
    if answer.status not in (207, 409):
        portal.ok(answer, f"make properties of {object_name}")
        return
    # Somebody (or an earlier try of this very request) made one meanwhile: make the others one by one.
    for definition in definitions:
        one = portal.ask("POST", root, definition)
        if one.status != 409:
            portal.ok(one, f"make property {definition['name']} of {object_name}")


def _is_ours(present: Json, group: GroupSpec) -> bool:
    fixed = present.get("modificationMetadata") or {}
    return (
        present.get("groupName") == group.name
        and not present.get("hubspotDefined")
        and not fixed.get("readOnlyDefinition")
    )


def _check(object_name: str, field: FieldSpec, group: GroupSpec, present: Json) -> None:
    name = f"property {field.property} of {object_name}"
    there = str(present.get("type"))
    if there != field.type and {there, field.type} != _ALIKE:
        raise ConnectorError(
            f"{name} exists in HubSpot as {there}, the sync says {field.type}: "
            "rename ours, or correct type in config.meta.sync.fields"
        )
    if present.get("hubspotDefined") and (field.policy == "ours" or field.clears):
        raise ConnectorError(
            f"{name} is HubSpot's own, so policy {field.policy!r} would overwrite what people enter: "
            "use fill_empty, human_wins or forward_only, or a property of our own"
        )
    if (present.get("modificationMetadata") or {}).get("readOnlyValue") or present.get("calculated"):
        raise ConnectorError(f"{name} is filled by HubSpot itself and cannot be written: remove it from the sync")
    if field.unique and not present.get("hasUniqueValue"):
        raise ConnectorError(
            f"{name} exists in HubSpot without unique values, so that no record can be looked up by it, and that "
            "cannot be changed: rename ours"
        )
    if field.type == "enumeration" and not _is_ours(present, group) and not present.get("externalOptions"):
        known = {str(option.get("value")) for option in present.get("options", [])}
        unknown = [option.value for option in field.options if option.value not in known]
        if unknown:
            raise ConnectorError(
                f"{name} has no option {', '.join(unknown)} and is not in our group {group.name!r}: add it in "
                "HubSpot, or correct options in config.meta.sync.fields"
            )


def _drift(field: FieldSpec, present: Json) -> dict[str, Any]:
    """What has to change in a definition of ours. Options are replaced as a whole, so people's own are sent along."""
    change: dict[str, Any] = {}
    if present.get("label") != field.label:
        change["label"] = field.label
    # Without words of ours the description is left to people.
    if field.description and present.get("description") != field.description:
        change["description"] = field.description
    if field.type == "enumeration":
        there = [dict(option) for option in present.get("options", [])]
        by_value = {str(option.get("value")): option for option in there}
        for option in field.options:
            known = by_value.get(option.value)
            if known is None:
                there.append({"value": option.value, "label": option.label, "hidden": False})
            else:
                known["label"], known["hidden"] = option.label, False
        after = [{**option, "displayOrder": place} for place, option in enumerate(there)]
        if [_shown(o) for o in after] != [_shown(o) for o in present.get("options", [])]:
            change["options"] = after
    return change


def _shown(option: Json) -> tuple[str, str, bool]:
    return str(option.get("value")), str(option.get("label")), bool(option.get("hidden"))


def _definition(field: FieldSpec, group: GroupSpec) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": field.property,
        "label": field.label,
        "type": field.type,
        "fieldType": field.field_type,
        "groupName": group.name,
        "description": field.description,
        "formField": False,
    }
    if field.unique:
        body["hasUniqueValue"] = True
    if field.type == "bool":
        body["options"] = [
            {"label": label, "value": value, "displayOrder": place, "hidden": False}
            for place, (label, value) in enumerate((("Yes", "true"), ("No", "false")))
        ]
    elif field.options:
        body["options"] = [
            {"label": o.label, "value": o.value, "displayOrder": i, "hidden": False}
            for i, o in enumerate(field.options)
        ]
    return body
