"""Up to 200 records a call: every record's own result in a 200 answer, in the order they were sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.errors import ApiError, json_error
from sandbox.salesforce.http import actor_of, answer, json_object, names_of, org_of, version_of
from sandbox.salesforce.ids import normal_id
from sandbox.salesforce.org import Org
from sandbox.salesforce.records import Actor, Outcome, by_object
from sandbox.salesforce.routes.sobjects import outcome_json
from sandbox.salesforce.storage import transaction

MOST = 200
MOST_READ = 2_000
_MOST_CHUNKS = 10

Work = Callable[[SObject, list[Any]], list[Outcome]]


class _Undo(Exception):
    """One record of an all-or-none call failed."""


async def create(request: Request) -> Response:
    """New records."""
    org, actor = org_of(request), actor_of(request)
    body = await json_object(request)
    return answer(create_all(org, actor, body))


async def update(request: Request) -> Response:
    """Write to records by id."""
    org, actor = org_of(request), actor_of(request)
    body = await json_object(request)
    return answer(update_all(org, actor, body))


async def upsert(request: Request) -> Response:
    """Update or create by an external id, one object a call."""
    org, actor = org_of(request), actor_of(request)
    body = await json_object(request)
    return answer(upsert_all(org, actor, body, request.path_params["name"], request.path_params["field"]))


async def delete(request: Request) -> Response:
    """Put records into the bin: ``?ids=a,b&allOrNone=true``."""
    all_or_none = request.query_params.get("allOrNone", "false").lower() == "true"
    ids = names_of(request.query_params.get("ids", ""))
    return answer(delete_all(org_of(request), actor_of(request), ids, all_or_none))


async def read(request: Request) -> Response:
    """Records by id: ``?ids=a,b&fields=Id,Name``; null stands for one that is not there."""
    params = request.query_params
    return _read(request, names_of(params.get("ids", "")), names_of(params.get("fields", "")))


async def read_posted(request: Request) -> Response:
    """The same for long lists."""
    body = await json_object(request)
    ids, fields = body.get("ids"), body.get("fields")
    if not isinstance(ids, list) or not isinstance(fields, list):
        raise json_error("ids and fields must be lists")
    return _read(request, [str(one) for one in ids], [str(one) for one in fields])


def create_all(org: Org, actor: Actor, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What a create call answers."""
    records = [(_object_of(org, record), _values(record)) for record in _records(body)]
    outcomes = _work(org, body, records, lambda sobject, rows: org.records.create(sobject, rows, actor))
    return [outcome_json(outcome) for outcome in outcomes]


def update_all(org: Org, actor: Actor, body: dict[str, Any]) -> list[dict[str, Any]]:
    """What an update call answers."""
    records = []
    for record in _records(body):
        values = _values(record)
        record_id = next((values.pop(name) for name in list(values) if name.lower() == "id"), None)
        records.append((_object_of(org, record), (record_id or "", values)))
    outcomes = _work(org, body, records, lambda sobject, rows: org.records.update(sobject, rows, actor))
    return [outcome_json(outcome) for outcome in outcomes]


def upsert_all(org: Org, actor: Actor, body: dict[str, Any], name: str, field_name: str) -> list[dict[str, Any]]:
    """What an upsert call answers."""
    sobject = org.schema.sobject(name)
    field = org.schema.visible(sobject).get(field_name.lower())
    if field is None or not field.external_id:
        raise ApiError(
            400,
            "INVALID_FIELD",
            f"Field name provided, {field_name} is not an External ID or indexed field for {sobject.name}",
            [field_name],
        )
    records = []
    for record in _records(body):
        if _object_of(org, record).name != sobject.name:
            raise ApiError(400, "INVALID_TYPE", f"This call takes records of {sobject.name} only")
        values = _values(record)
        key = next((value for one, value in values.items() if one.lower() == field.name.lower()), None)
        records.append((sobject, (key, values)))
    outcomes = _work(org, body, records, lambda _, rows: org.records.upsert(sobject, field, rows, actor))
    return [outcome_json(outcome, upsert=True) for outcome in outcomes]


def delete_all(org: Org, actor: Actor, ids: Sequence[str], all_or_none: bool) -> list[dict[str, Any]]:
    """What a delete call answers."""
    if not ids:
        raise ApiError(400, "MISSING_ARGUMENT", "ids is missing")
    _check_count(len(ids), MOST)
    records: list[tuple[SObject, str]] = []
    outcomes: dict[int, Outcome] = {}
    for place, text in enumerate(ids):
        record_id = normal_id(text)
        sobject = org.schema.of_id(record_id) if record_id else None
        if record_id is None or sobject is None:
            outcomes[place] = Outcome(error=ApiError(400, "MALFORMED_ID", f"malformed id {text}", []))
        else:
            records.append((sobject, record_id))
    done = iter(
        _work(
            org,
            {"allOrNone": all_or_none},
            records,
            lambda one, rows: org.records.delete(one, rows, actor),
            failed=bool(outcomes),
        )
    )
    return [outcome_json(outcomes[place] if place in outcomes else next(done)) for place in range(len(ids))]


def _work(
    org: Org, body: dict[str, Any], records: Sequence[tuple[SObject, Any]], work: Work, *, failed: bool = False
) -> list[Outcome]:
    """Run a call's chunks; where one record fails an all-or-none call, undo them all and say so."""
    chunks = list(by_object(records))
    if len(chunks) > _MOST_CHUNKS:
        raise ApiError(
            400, "LIMIT_EXCEEDED", f"A collection has at most {_MOST_CHUNKS} chunks of one object each: sort by object"
        )
    all_or_none = body.get("allOrNone") is True
    outcomes: list[Outcome] = []
    try:
        with transaction(org.db):
            for sobject, rows in chunks:
                outcomes += work(sobject, rows)
            if all_or_none and (failed or any(outcome.error for outcome in outcomes)):
                raise _Undo
    except _Undo:
        org.schema.forget_access()
        for outcome in outcomes:
            if outcome.error is None:
                outcome.error = ApiError(
                    400,
                    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                    "Record rolled back because not all records were valid and the request was using AllOrNone header",
                    [],
                )
                outcome.id = None if outcome.created else outcome.id
    return outcomes


def _read(request: Request, ids: list[str], fields: list[str]) -> Response:
    org = org_of(request)
    sobject = org.schema.sobject(request.path_params["name"])
    if not ids or not fields:
        raise ApiError(400, "MISSING_ARGUMENT", "ids and fields are needed")
    _check_count(len(ids), MOST_READ)
    wanted = [normal_id(one) for one in ids]
    listed = ",".join(f"'{one}'" for one in wanted if one)
    names = list(dict.fromkeys(["Id", *("Id" if name.lower() == "id" else name for name in fields)]))
    found: dict[str, Any] = {}
    if listed:
        soql = f"SELECT {', '.join(names)} FROM {sobject.name} WHERE Id IN ({listed})"
        answered = org.queries.run(soql, deleted=False, batch=MOST_READ, version=version_of(request))
        found = {record["Id"]: record for record in answered["records"]}
    return answer([found.get(one) if one else None for one in wanted])


def _records(body: dict[str, Any]) -> list[dict[str, Any]]:
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise json_error("records must be a list of objects")
    if not records:
        raise ApiError(400, "MISSING_ARGUMENT", "records is empty: send at least one")
    _check_count(len(records), MOST)
    return records


def _check_count(count: int, most: int) -> None:
    if count > most:
        raise ApiError(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records into this call"
        )


def _object_of(org: Org, record: dict[str, Any]) -> SObject:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise ApiError(400, "INVALID_TYPE", "every record needs attributes with its type")
    try:
        return org.schema.sobject(name)
    except ApiError:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.") from None


def _values(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "attributes"}


routes = [
    Route("/composite/sobjects", create, methods=["POST"]),
    Route("/composite/sobjects", update, methods=["PATCH"]),
    Route("/composite/sobjects", delete, methods=["DELETE"]),
    Route("/composite/sobjects/{name}", read, methods=["GET"]),
    Route("/composite/sobjects/{name}", read_posted, methods=["POST"]),
    Route("/composite/sobjects/{name}/{field}", upsert, methods=["PATCH"]),
]
