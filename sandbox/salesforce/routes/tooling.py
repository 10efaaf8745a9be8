"""The Tooling API's custom fields."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.custom_fields import change_field, make_field, metadata_of
from sandbox.salesforce.describe import summary
from sandbox.salesforce.errors import not_found
from sandbox.salesforce.fields import Field
from sandbox.salesforce.http import answer, json_object, no_content, org_of, version_of
from sandbox.salesforce.ids import normal_id
from sandbox.salesforce.org import Org
from sandbox.salesforce.storage import transaction


async def objects(request: Request) -> Response:
    """Objects that tooling queries know."""
    schema = org_of(request).schema
    listed = [summary(one, version_of(request)) for one in schema.objects.values() if one.tooling]
    return answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


async def create(request: Request) -> Response:
    """A new custom field; nobody sees it before a permission set grants it."""
    org = org_of(request)
    body = await json_object(request)
    with transaction(org.db):
        field = make_field(org.schema, body)
    return answer({"id": field.definition_id, "success": True, "errors": [], "warnings": [], "infos": []}, 201)


async def read(request: Request) -> Response:
    """A custom field's definition."""
    _, sobject, field = _field(request)
    url = f"/services/data/{version_of(request)}/tooling/sobjects/CustomField/{field.definition_id}"
    return answer(
        {
            "attributes": {"type": "CustomField", "url": url},
            "Id": field.definition_id,
            "TableEnumOrId": sobject.name,
            "DeveloperName": field.name.removesuffix("__c"),
            "FullName": f"{sobject.name}.{field.name}",
            "Metadata": metadata_of(field),
        }
    )


async def update(request: Request) -> Response:
    """Change a custom field: 204."""
    org, sobject, field = _field(request)
    body = await json_object(request)
    with transaction(org.db):
        change_field(org.schema, sobject, field, body)
    return no_content()


async def delete(request: Request) -> Response:
    """Delete a custom field with its values: 204."""
    org, sobject, field = _field(request)
    with transaction(org.db):
        org.schema.remove_field(sobject, field)
    return no_content()


def _field(request: Request) -> tuple[Org, SObject, Field]:
    org = org_of(request)
    wanted = normal_id(request.path_params["id"])
    for sobject in org.schema.objects.values():
        for field in sobject.fields.values():
            if wanted is not None and field.definition_id == wanted:
                return org, sobject, field
    raise not_found("The requested resource does not exist")


routes = [
    Route("/tooling/sobjects", objects),
    Route("/tooling/sobjects/CustomField", create, methods=["POST"]),
    Route("/tooling/sobjects/CustomField/{id}", read),
    Route("/tooling/sobjects/CustomField/{id}", update, methods=["PATCH"]),
    Route("/tooling/sobjects/CustomField/{id}", delete, methods=["DELETE"]),
]
