"""Objects and single records."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.describe import describe, summary
from sandbox.salesforce.errors import ApiError, no_such_resource, not_found
from sandbox.salesforce.fields import Field, moment_ms, moment_text
from sandbox.salesforce.http import actor_of, answer, json_object, names_of, no_content, org_of, version_of
from sandbox.salesforce.ids import normal_id
from sandbox.salesforce.org import Org
from sandbox.salesforce.records import Outcome
from sandbox.salesforce.storage import transaction


async def all_objects(request: Request) -> Response:
    """Every object."""
    schema = org_of(request).schema
    listed = [summary(sobject, version_of(request)) for sobject in schema.objects.values()]
    return answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


async def one_object(request: Request) -> Response:
    """An object in short, and its latest records."""
    org, sobject = _named(request)
    columns = "Id, Name" if "Name" in sobject.fields else "Id"
    recent = org.queries.run(
        f"SELECT {columns} FROM {sobject.name} LIMIT 5", deleted=False, batch=200, version=version_of(request)
    )
    return answer({"objectDescribe": summary(sobject, version_of(request)), "recentItems": recent["records"]})


async def described(request: Request) -> Response:
    """An object with its fields."""
    org, sobject = _named(request)
    return answer(describe(org.schema, sobject, version_of(request)))


async def create(request: Request) -> Response:
    """A new record: 201 with its id."""
    org, sobject = _named(request)
    body = await json_object(request)
    with transaction(org.db):
        (outcome,) = org.records.create(sobject, [_values(body)], actor_of(request))
    if outcome.error is not None:
        raise _as_request(outcome.error)
    return answer({"id": outcome.id, "success": True, "errors": []}, 201)


async def read(request: Request) -> Response:
    """A record by its id; ``fields`` names what to show."""
    org, sobject = _named(request)
    return _record(request, org, sobject, _known_id(org, sobject, request.path_params["id"]))


async def update(request: Request) -> Response:
    """Write to a record: 204."""
    org, sobject = _named(request)
    record_id = _known_id(org, sobject, request.path_params["id"])
    body = await json_object(request)
    with transaction(org.db):
        (outcome,) = org.records.update(sobject, [(record_id, _values(body))], actor_of(request))
    if outcome.error is not None:
        raise _as_request(outcome.error)
    return no_content()


async def delete(request: Request) -> Response:
    """Put a record into the bin: 204."""
    org, sobject = _named(request)
    record_id = _known_id(org, sobject, request.path_params["id"])
    with transaction(org.db):
        (outcome,) = org.records.delete(sobject, [record_id], actor_of(request))
    if outcome.error is not None:
        raise _as_request(outcome.error)
    return no_content()


async def read_by_key(request: Request) -> Response:
    """A record by an external id; several matches are answered 300 with their addresses."""
    org, sobject, field, value = _keyed(request)
    return _record(request, org, sobject, _match(request, org, sobject, field, value))


async def upsert(request: Request) -> Response:
    """Update the record with this external id (200), or create it (201)."""
    org, sobject, field, value = _keyed(request)
    body = await json_object(request)
    _refuse_several(request, org, sobject, field, value)
    with transaction(org.db):
        (outcome,) = org.records.upsert(sobject, field, [(value, _values(body))], actor_of(request))
    if outcome.error is not None:
        raise _as_request(outcome.error)
    status = 201 if outcome.created else 200
    return answer({"id": outcome.id, "success": True, "errors": [], "created": outcome.created}, status)


async def delete_by_key(request: Request) -> Response:
    """Put the record with this external id into the bin."""
    org, sobject, field, value = _keyed(request)
    record_id = _match(request, org, sobject, field, value)
    with transaction(org.db):
        (outcome,) = org.records.delete(sobject, [record_id], actor_of(request))
    if outcome.error is not None:
        raise _as_request(outcome.error)
    return no_content()


async def deleted(request: Request) -> Response:
    """Ids put into the bin between two moments."""
    org, sobject = _named(request)
    start, end = _window(request)
    rows = org.db.execute(
        f'SELECT Id, SystemModstamp FROM "{sobject.name}" WHERE IsDeleted = 1 AND SystemModstamp BETWEEN ? AND ?',
        (start, end),
    ).fetchall()
    return answer(
        {
            "deletedRecords": [{"id": row[0], "deletedDate": moment_text(row[1])} for row in rows],
            "earliestDateAvailable": moment_text(start),
            "latestDateCovered": moment_text(end),
        }
    )


async def updated(request: Request) -> Response:
    """Ids written between two moments."""
    org, sobject = _named(request)
    start, end = _window(request)
    rows = org.db.execute(
        f'SELECT Id FROM "{sobject.name}" WHERE IsDeleted = 0 AND SystemModstamp BETWEEN ? AND ?', (start, end)
    ).fetchall()
    return answer({"ids": [row[0] for row in rows], "latestDateCovered": moment_text(end)})


def _named(request: Request) -> tuple[Org, SObject]:
    org = org_of(request)
    return org, org.schema.sobject(request.path_params["name"])


def _values(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "attributes"}


def _known_id(org: Org, sobject: SObject, text: str) -> str:
    """The id of a path, of a record that is there and not in the bin."""
    record_id = normal_id(text)
    if record_id is None:
        raise not_found("Provided external ID field does not exist or is not accessible: " + text)
    if not record_id.startswith(sobject.prefix):
        raise not_found("The requested resource does not exist")
    row = org.records.find(sobject, [record_id], []).get(record_id)
    if row is None:
        raise not_found("The requested resource does not exist")
    if row[1]:
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
    return record_id


def _record(request: Request, org: Org, sobject: SObject, record_id: str) -> Response:
    wanted = request.query_params.get("fields")
    names = names_of(wanted) if wanted else [field.name for field in org.schema.visible(sobject).values()]
    soql = f"SELECT {', '.join(names)} FROM {sobject.name} WHERE Id = '{record_id}'"
    records = org.queries.run(soql, deleted=False, batch=200, version=version_of(request))["records"]
    if not records:
        raise not_found("The requested resource does not exist")
    return answer(records[0])


def _keyed(request: Request) -> tuple[Org, SObject, Field, str]:
    org, sobject = _named(request)
    name, value = request.path_params["field"], unquote(request.path_params["value"])
    field = org.schema.visible(sobject).get(name.lower())
    if field is None or not (field.external_id or field.name == "Id"):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return org, sobject, field, value


def _matches(org: Org, sobject: SObject, field: Field, value: str) -> list[str]:
    return [one for ids in org.records.by_value(sobject, field, [value]).values() for one in ids]


def _refuse_several(request: Request, org: Org, sobject: SObject, field: Field, value: str) -> None:
    matches = _matches(org, sobject, field, value)
    if len(matches) > 1:
        base = f"/services/data/{version_of(request)}/sobjects/{sobject.name}"
        raise ApiError(300, "MULTIPLE_CHOICES", "More than one record", body=[f"{base}/{one}" for one in matches])


def _match(request: Request, org: Org, sobject: SObject, field: Field, value: str) -> str:
    _refuse_several(request, org, sobject, field, value)
    matches = _matches(org, sobject, field, value)
    if not matches:
        raise not_found("The requested resource does not exist")
    return matches[0]


def _window(request: Request) -> tuple[int, int]:
    # A plus that was not encoded arrives as a blank.
    start, end = (moment_ms(request.query_params.get(name, "").replace(" ", "+")) for name in ("start", "end"))
    if start is None or end is None:
        raise ApiError(400, "MISSING_ARGUMENT", "start and end must be moments such as 2026-01-31T10:00:00+00:00")
    if end < start:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "endDate before startDate")
    return start, end


def _as_request(error: ApiError) -> ApiError:
    """A refused record as a refused request: what no id leads to is not found."""
    if error.code == "INVALID_CROSS_REFERENCE_KEY" and error.status == 404:
        return no_such_resource()
    return error


def outcome_json(outcome: Outcome, *, upsert: bool = False) -> dict[str, Any]:
    """An entry of a collection's answer."""
    if outcome.error is not None:
        body: dict[str, Any] = {"success": False, "errors": [outcome.error.item()]}
        if outcome.id is not None:
            body = {"id": outcome.id, **body}
        return body | ({"created": False} if upsert else {})
    body = {"id": outcome.id, "success": True, "errors": []}
    return body | ({"created": outcome.created} if upsert else {})


routes = [
    Route("/sobjects", all_objects),
    Route("/sobjects/{name}", one_object),
    Route("/sobjects/{name}", create, methods=["POST"]),
    Route("/sobjects/{name}/describe", described),
    Route("/sobjects/{name}/deleted", deleted),
    Route("/sobjects/{name}/updated", updated),
    Route("/sobjects/{name}/{id}", read),
    Route("/sobjects/{name}/{id}", update, methods=["PATCH"]),
    Route("/sobjects/{name}/{id}", delete, methods=["DELETE"]),
    Route("/sobjects/{name}/{field}/{value:path}", read_by_key),
    Route("/sobjects/{name}/{field}/{value:path}", upsert, methods=["PATCH"]),
    Route("/sobjects/{name}/{field}/{value:path}", delete_by_key, methods=["DELETE"]),
]
