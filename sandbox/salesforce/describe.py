"""What describe tells of an object and its fields."""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.fields import NUMBERS, SOAP_TYPES, Field
from sandbox.salesforce.schema import Schema


def summary(sobject: SObject, version: str) -> dict[str, Any]:
    """An object as the list of all objects shows it."""
    base = f"/services/data/{version}/sobjects/{sobject.name}"
    return {
        "activateable": False,
        "createable": sobject.createable,
        "custom": sobject.name.endswith("__c"),
        "customSetting": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "keyPrefix": sobject.prefix or None,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "layoutable": sobject.createable,
        "mergeable": sobject.name in ("Account", "Contact", "Lead"),
        "mruEnabled": False,
        "name": sobject.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": sobject.name in ("Account", "Contact", "Lead", "Opportunity"),
        "triggerable": sobject.createable,
        "undeletable": False,
        "updateable": sobject.updateable,
        "urls": {
            "sobject": base,
            "describe": f"{base}/describe",
            "rowTemplate": f"{base}/{{ID}}",
        },
    }


def describe(schema: Schema, sobject: SObject, version: str) -> dict[str, Any]:
    """An object with the fields and relationships that the API's user may see."""
    fields = schema.visible(sobject)
    return summary(sobject, version) | {
        "childRelationships": [
            {
                "cascadeDelete": False,
                "childSObject": child.sobject,
                "deprecatedAndHidden": False,
                "field": child.field,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": child.name,
                "restrictedDelete": False,
            }
            for child in schema.children(sobject)
        ],
        "fields": [_field(sobject, field) for field in fields.values()],
        "recordTypeInfos": [],
        "supportedScopes": [{"label": f"All {sobject.plural}", "name": "everything"}],
    }


def _field(sobject: SObject, field: Field) -> dict[str, Any]:
    text = field.type not in SOAP_TYPES
    by_email = field.type == "email" and sobject.name in ("Lead", "Contact", "User")
    lookup = field.name in ("Id", "Name") or field.external_id or by_email
    return {
        "aggregatable": field.filterable,
        "autoNumber": False,
        "byteLength": field.length * 3 if text else field.length,
        "calculated": field.expression is not None,
        "calculatedFormula": None,
        "caseSensitive": False,
        "createable": field.createable and field.expression is None,
        "custom": field.custom,
        "defaultValue": bool(field.default) if field.type == "boolean" else field.default,
        "defaultedOnCreate": field.default is not None or field.name == "OwnerId" or field.type == "boolean",
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 0 if field.type != "int" else field.precision,
        "externalId": field.external_id,
        "filterable": field.filterable,
        "groupable": field.filterable and field.type not in NUMBERS - {"int"} and field.type != "datetime",
        "idLookup": lookup,
        "inlineHelpText": field.help,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name == "Name",
        "nillable": not field.required and field.type != "boolean" and field.name not in ("Id", "OwnerId"),
        "permissionable": field.custom,
        "picklistValues": [
            {"active": True, "defaultValue": value == field.default, "label": value, "validFor": None, "value": value}
            for value in field.values
        ],
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": field.precision,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.filterable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and field.expression is None,
        "writeRequiresMasterRead": False,
    }
