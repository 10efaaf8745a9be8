"""Our custom fields: made by the Tooling API, granted to the integration user through a permission set of their own.

A field made by an API call is seen by nobody until a permission set or profile grants it, and one that is not granted
is not even in the object's description. So: make what is missing, grant what is not seen, look again, and say what is
of another type or still closed. The permission set (``Leadhouse``) can be given to whoever is to see the scores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reverse_etl.connectors.salesforce_api import SalesforceApi, refusal_of
from reverse_etl.connectors.salesforce_errors import read_errors
from reverse_etl.connectors.salesforce_values import soql_text
from reverse_etl.errors import ConnectorError, PermissionDeniedError
from reverse_etl.manifest import FieldSpec, GroupSpec

#: Describe types that hold a value of a sync's type.
_FITTING = {
    "string": {"string", "textarea", "picklist", "url", "email", "phone", "combobox", "id", "reference"},
    "phone_number": {"phone", "string"},
    "number": {"double", "int", "long", "currency", "percent"},
    "bool": {"boolean"},
    "date": {"date"},
    "datetime": {"datetime"},
    "enumeration": {"picklist", "multipicklist"},
}
_TEXT_LENGTH = 255
_LONG_TEXT_LENGTH = 32_768
_COLLECTION_ROWS = 200


def ensure_fields(api: SalesforceApi, sobject: str, group: GroupSpec, fields: Sequence[FieldSpec]) -> list[str]:
    """Make the custom fields that are missing and grant those that are closed; returns the names made.

    Raises:
        ConnectorError: a field is of another type, or is none that can be made.
        PermissionDeniedError: our user may not make, grant or change a field. Names the fields and what to grant.
    """
    made: list[str] = []
    unseen = [field for field in fields if field.property not in api.fields(sobject)]
    closed = [f for f in fields if f.property in api.fields(sobject) and not _may_edit(api, sobject, f)]
    if unseen:
        _refuse_standard(sobject, unseen)
        there = _custom_fields(api, sobject)
        for field in unseen:
            if field.property.removesuffix("__c") not in there and _make(api, sobject, field):
                made.append(field.property)
    # Standard fields are granted by people: what we may see of them is theirs to say.
    to_grant = [field.property for field in unseen + closed if field.property.endswith("__c")]
    if to_grant:
        _grant(api, sobject, group, to_grant)
        api.forget_fields(sobject)
    _check(api, sobject, fields)
    return made


def field_metadata(field: FieldSpec) -> dict[str, Any]:
    """The definition of a custom field, as the Tooling API takes it."""
    metadata: dict[str, Any] = {"label": field.label, "description": field.description, "required": False}
    if field.type == "number":
        return metadata | {"type": "Number", "precision": 18, "scale": 2}
    if field.type == "bool":
        return metadata | {"type": "Checkbox", "defaultValue": "false"}
    if field.type in ("date", "datetime"):
        return metadata | {"type": "Date" if field.type == "date" else "DateTime"}
    if field.type == "phone_number":
        return metadata | {"type": "Phone"}
    if field.type == "enumeration":
        values = [{"fullName": o.value, "label": o.label, "default": False} for o in field.options]
        value_set = {"restricted": True, "valueSetDefinition": {"sorted": False, "value": values}}
        if field.is_multiple:
            return metadata | {"type": "MultiselectPicklist", "visibleLines": 4, "valueSet": value_set}
        return metadata | {"type": "Picklist", "valueSet": value_set}
    if field.field_type == "textarea":
        return metadata | {"type": "LongTextArea", "length": _LONG_TEXT_LENGTH, "visibleLines": 3}
    unique = {"unique": True, "externalId": True, "caseSensitive": False} if field.unique else {}
    return metadata | {"type": "Text", "length": _TEXT_LENGTH} | unique


def _may_edit(api: SalesforceApi, sobject: str, field: FieldSpec) -> bool:
    return api.fields(sobject)[field.property].get("updateable") is not False


def _refuse_standard(sobject: str, fields: Sequence[FieldSpec]) -> None:
    for field in fields:
        if field.standard or not field.property.endswith("__c"):
            raise PermissionDeniedError(
                f"{sobject}.{field.property} is not among the fields that the integration user sees: grant it read and "
                "edit access to it (permission set or profile), or correct property in config.meta.sync.fields"
            )


def _custom_fields(api: SalesforceApi, sobject: str) -> set[str]:
    """Developer names (without ``__c``) of the object's custom fields, also of those that our user does not see."""
    soql = f"SELECT DeveloperName FROM CustomField WHERE TableEnumOrId = {soql_text(sobject)}"
    return {str(r["DeveloperName"]) for r in api.query(soql, f"list the custom fields of {sobject}", tooling=True)}


def _make(api: SalesforceApi, sobject: str, field: FieldSpec) -> bool:
    """Whether it had to be made: somebody may have done so meanwhile."""
    name = f"{sobject}.{field.property}"
    metadata = field_metadata(field)
    answer = api.send("POST", "/tooling/sobjects/CustomField", {"FullName": name, "Metadata": metadata})
    if answer.status < 400:
        return True
    refusal = refusal_of(answer)
    if refusal.code == "DUPLICATE_DEVELOPER_NAME":
        return False
    if answer.status == 403 or refusal.kind == "permission":
        raise PermissionDeniedError(
            f"cannot make the field {name} ({refusal.message}): make it by hand as {metadata['type']}, or give "
            "the integration user the permission Customize Application for the first apply"
        )
    raise ConnectorError(f"cannot make the field {name}: Salesforce answered {answer.status}: {refusal.text}")


def _grant(api: SalesforceApi, sobject: str, group: GroupSpec, names: Sequence[str]) -> None:
    """Read and edit access for the integration user, through the permission set named like the sync's group."""
    set_id = _permission_set(api, group)
    soql = (
        "SELECT Id, Field, PermissionsRead, PermissionsEdit FROM FieldPermissions "
        f"WHERE ParentId = {soql_text(set_id)} AND SobjectType = {soql_text(sobject)}"
    )
    present = {str(r["Field"]): r for r in api.query(soql, "read field permissions")}
    to_make, to_change = [], []
    for name in names:
        field = f"{sobject}.{name}"
        wanted = {"attributes": {"type": "FieldPermissions"}, "PermissionsRead": True, "PermissionsEdit": True}
        held = present.get(field)
        if held is None:
            to_make.append({**wanted, "ParentId": set_id, "SobjectType": sobject, "Field": field})
        elif not (held.get("PermissionsRead") and held.get("PermissionsEdit")):
            to_change.append({**wanted, "Id": held["Id"]})
    for method, records in (("POST", to_make), ("PATCH", to_change)):
        for start in range(0, len(records), _COLLECTION_ROWS):
            _send_grants(api, method, records[start : start + _COLLECTION_ROWS])


def _send_grants(api: SalesforceApi, method: str, records: Sequence[Mapping[str, Any]]) -> None:
    what = "grant access to our fields"
    for item in api.ok(api.collection(method, records), what).items:
        # A grant that is there already is what was wanted.
        if not item.get("success") and (refusal := read_errors(item.get("errors") or ())).kind != "conflict":
            raise PermissionDeniedError(f"cannot {what}: {refusal.text}")


def _permission_set(api: SalesforceApi, group: GroupSpec) -> str:
    """The permission set, made and assigned to us where that is missing."""
    name = re.sub(r"\W+", "_", group.label).strip("_") or "Leadhouse"
    set_id = api.find_one("PermissionSet", {"Name": name}, "find our permission set")
    if set_id is None:
        body = {"Name": name, "Label": group.label, "Description": "Fields that Leadhouse keeps in step"}
        answer = api.send("POST", "/sobjects/PermissionSet", body)
        # Refused because an earlier try, whose answer was lost, has made it?
        set_id = (
            api.find_one("PermissionSet", {"Name": name}, "find our permission set") if answer.status >= 400 else None
        )
        if set_id is None:
            set_id = str(api.ok(answer, f"make the permission set {name}").members["id"])
    assigned = {"PermissionSetId": set_id, "AssigneeId": api.user_id()}
    if api.find_one("PermissionSetAssignment", assigned, "read who has our permission set") is None:
        answer = api.send("POST", "/sobjects/PermissionSetAssignment", assigned)
        if answer.status >= 400 and refusal_of(answer).kind != "conflict":
            api.ok(answer, f"assign the permission set {name} to the integration user")
    return set_id


def _check(api: SalesforceApi, sobject: str, fields: Sequence[FieldSpec]) -> None:
    present = api.fields(sobject)
    closed = [f.property for f in fields if f.property not in present or not _may_edit(api, sobject, f)]
    if closed:
        raise PermissionDeniedError(
            f"the integration user may not change {', '.join(f'{sobject}.{name}' for name in closed)}: grant it read "
            "and edit access to these fields (permission set or profile)"
        )
    for field in fields:
        kind = str(present[field.property].get("type"))
        if kind not in _FITTING[field.type]:
            raise ConnectorError(
                f"field {sobject}.{field.property} exists in Salesforce as {kind}, the sync says {field.type}: rename "
                "ours, or correct type in config.meta.sync.fields"
            )
        if kind == "picklist" and field.type == "string" and present[field.property].get("restrictedPicklist"):
            raise ConnectorError(
                f"field {sobject}.{field.property} is a restricted picklist: name its options (type enumeration)"
            )
