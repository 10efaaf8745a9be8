"""Associations: of one record, in batches, and the types there are."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.server.catalog import ASSOCIATION_TYPES, ObjectType
from sandbox.server.errors import ApiError, not_found, validation_error
from sandbox.server.http import (
    answer,
    batch_answer,
    batch_inputs,
    json_body,
    json_object,
    next_page,
    no_content,
    object_type_of,
    portal_of,
    version_of,
    whole,
)
from sandbox.server.links import LinkType
from sandbox.server.portal import Portal
from sandbox.server.routes.objects import association_name
from sandbox.server.storage import transaction
from sandbox.server.values import record_number

router = APIRouter()

MAX_READ = 1_000
MAX_WRITE = 2_000
MAX_PAGE = 500

_OBJECT = "/crm/objects/{object_type}/{object_id}/associations"
_BATCH = "/crm/associations/{object_type}/{to_object_type}/batch"


@router.get(_OBJECT + "/{to_object_type}")
async def list_associations(request: Request, object_type: str, object_id: str, to_object_type: str) -> Response:
    """What one record is linked to, in id order."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    record = portal.records.one(source, object_id, None)
    limit = whole(request, "limit", MAX_PAGE, MAX_PAGE)
    after = whole(request, "after", 0, 2**63 - 1, 0)
    linked = portal.links.of(source, [record.id], target).get(record.id, {})
    ids = [to_id for to_id in linked if to_id >= after]
    results: list[dict[str, Any]]
    if version_of(request) == "v3":
        results = [
            {"id": str(id_), "type": association_name(source, target, kind["typeId"], kind["label"])}
            for id_ in ids[:limit]
            for kind in linked[id_]
        ]
    else:
        results = [{"toObjectId": str(id_), "associationTypes": linked[id_]} for id_ in ids[:limit]]
    body: dict[str, Any] = {"results": results}
    if len(ids) > limit:
        body["paging"] = next_page(request, str(ids[limit]))
    return answer(body)


@router.put(_OBJECT + "/default/{to_object_type}/{to_object_id}")
async def associate_default(
    request: Request, object_type: str, object_id: str, to_object_type: str, to_object_id: str
) -> Response:
    """Link two records without a label."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    started = portal.clock.now_ms()
    with transaction(portal.db):
        made = _link_default(portal, source, object_id, target, to_object_id)
    return batch_answer(portal, started, made, [])


@router.put(_OBJECT + "/{to_object_type}/{to_object_id}")
async def associate(
    request: Request, object_type: str, object_id: str, to_object_type: str, to_object_id: str
) -> Response:
    """Link two records with the types of the body."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    types = _types(portal, source, target, await json_body(request))
    with transaction(portal.db):
        made = _link(portal, source, object_id, target, to_object_id, types)
    return answer(made, 201)


@router.delete(_OBJECT + "/{to_object_type}/{to_object_id}")
async def dissociate(
    request: Request, object_type: str, object_id: str, to_object_type: str, to_object_id: str
) -> Response:
    """Remove every link between two records."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    with transaction(portal.db):
        portal.links.unlink(source, _number(object_id), target, _number(to_object_id))
    return no_content()


@router.post(_BATCH + "/read")
async def read_batch(request: Request, object_type: str, to_object_type: str) -> Response:
    """Links of up to 1,000 records; a record without any is an error of a 207 answer."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    started = portal.clock.now_ms()
    inputs = batch_inputs(await json_object(request), MAX_READ)
    asked = {_number(item.get("id")): _number(item.get("after") or 0) for item in inputs}
    survivors = portal.records.survivors(source, list(asked)) if asked else {}
    linked = portal.links.of(source, [survivors.get(id_, id_) for id_ in asked], target)
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for id_, after in asked.items():
        to_ids = [to_id for to_id in linked.get(survivors.get(id_, id_), {}) if to_id >= after]
        if not to_ids:
            errors.append(_none_found(source, id_, target).item())
            continue
        links = linked[survivors.get(id_, id_)]
        shown: list[dict[str, Any]]
        if version_of(request) == "v3":
            shown = [
                {"id": str(to_id), "type": association_name(source, target, kind["typeId"], kind["label"])}
                for to_id in to_ids[:MAX_PAGE]
                for kind in links[to_id]
            ]
        else:
            shown = [{"toObjectId": str(to_id), "associationTypes": links[to_id]} for to_id in to_ids[:MAX_PAGE]]
        entry: dict[str, Any] = {"from": {"id": str(id_)}, "to": shown}
        if len(to_ids) > MAX_PAGE:
            entry["paging"] = {"next": {"after": str(to_ids[MAX_PAGE])}}
        results.append(entry)
    return batch_answer(portal, started, results, errors)


@router.post(_BATCH + "/create")
async def create_batch(request: Request, object_type: str, to_object_type: str) -> Response:
    """Link up to 2,000 pairs with the types given."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    started = portal.clock.now_ms()
    inputs = batch_inputs(await json_object(request), MAX_WRITE)
    results, errors = [], []
    with transaction(portal.db):
        for item in inputs:
            types = item.get("types")
            if types is None and "type" in item:
                types = [{"associationTypeId": portal.links.default_type(source, target).type_id}]
            try:
                made = _link(
                    portal, source, _end(item, "from"), target, _end(item, "to"), _types(portal, source, target, types)
                )
            except ApiError as error:
                if error.status == 400:
                    raise
                errors.append(error.item())
            else:
                results.append(made)
    return batch_answer(portal, started, results, errors, 201)


@router.post(_BATCH + "/associate/default")
async def associate_default_batch(request: Request, object_type: str, to_object_type: str) -> Response:
    """Link up to 2,000 pairs without a label."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    started = portal.clock.now_ms()
    inputs = batch_inputs(await json_object(request), MAX_WRITE)
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    with transaction(portal.db):
        for item in inputs:
            try:
                results += _link_default(portal, source, _end(item, "from"), target, _end(item, "to"))
            except ApiError as error:
                if error.status == 400:
                    raise
                errors.append(error.item())
    return batch_answer(portal, started, results, errors)


@router.post(_BATCH + "/archive")
async def archive_batch(request: Request, object_type: str, to_object_type: str) -> Response:
    """Remove every link between the pairs given."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    inputs = batch_inputs(await json_object(request), MAX_WRITE)
    with transaction(portal.db):
        for item in inputs:
            ends = item.get("to")
            for end in ends if isinstance(ends, list) else [ends]:
                to_id = end.get("id") if isinstance(end, dict) else None
                portal.links.unlink(source, _number(_end(item, "from")), target, _number(to_id))
    return no_content()


@router.post(_BATCH + "/labels/archive")
async def archive_labels(request: Request, object_type: str, to_object_type: str) -> Response:
    """Remove only the types given from the pairs given."""
    portal, source, target = portal_of(request), object_type_of(object_type), object_type_of(to_object_type)
    inputs = batch_inputs(await json_object(request), MAX_WRITE)
    with transaction(portal.db):
        for item in inputs:
            types = _types(portal, source, target, item.get("types"))
            portal.links.unlink(source, _number(_end(item, "from")), target, _number(_end(item, "to")), types)
    return no_content()


@router.get("/crm/associations/{object_type}/{to_object_type}/labels")
@router.get("/crm/associations/{object_type}/{to_object_type}/types")
async def association_types(request: Request, object_type: str, to_object_type: str) -> Response:
    """The types there are between two object types."""
    source, target = object_type_of(object_type), object_type_of(to_object_type)
    kinds = [kind for kind in ASSOCIATION_TYPES if (kind.from_code, kind.to_code) == (source.code, target.code)]
    if version_of(request) == "v3":
        return answer(
            {
                "results": [
                    {"id": str(kind.type_id), "name": association_name(source, target, kind.type_id, kind.label)}
                    for kind in kinds
                ]
            }
        )
    return answer(
        {"results": [{"category": kind.category, "typeId": kind.type_id, "label": kind.label} for kind in kinds]}
    )


def _link(
    portal: Portal, source: ObjectType, from_id: str, target: ObjectType, to_id: str, types: list[LinkType]
) -> dict[str, Any]:
    start, end = portal.links.link(source, _number(from_id), target, _number(to_id), types)
    labels = [link["label"] for link in portal.links.of(source, [start], target)[start][end] if link["label"]]
    return {
        "fromObjectTypeId": source.type_id,
        "fromObjectId": str(start),
        "toObjectTypeId": target.type_id,
        "toObjectId": str(end),
        "labels": labels,
    }


def _link_default(
    portal: Portal, source: ObjectType, from_id: str, target: ObjectType, to_id: str
) -> list[dict[str, Any]]:
    start, end = portal.links.link(source, _number(from_id), target, _number(to_id), [])
    there, back = portal.links.default_type(source, target), portal.links.default_type(target, source)
    return [
        {
            "from": {"id": str(a)},
            "to": {"id": str(b)},
            "associationSpec": {"associationCategory": kind.category, "associationTypeId": kind.type_id},
        }
        for a, b, kind in ((start, end, there), (end, start, back))
    ]


def _types(portal: Portal, source: ObjectType, target: ObjectType, wanted: Any) -> list[LinkType]:
    if not isinstance(wanted, list):
        raise validation_error("types must be a list of {associationCategory, associationTypeId}")
    return [portal.links.known_type(source, target, one) for one in wanted]


def _end(item: dict[str, Any], key: str) -> str:
    end = item.get(key)
    if not isinstance(end, dict) or "id" not in end:
        raise validation_error(f"Every input needs {key}: {{id}}")
    return str(end["id"])


def _number(text: Any) -> int:
    number = record_number(text)
    if number is None:
        raise validation_error(f"{text!r} is not a record id")
    return number


def _none_found(source: ObjectType, id_: int, target: ObjectType) -> ApiError:
    return not_found(
        f"No {target.singular} is associated with {source.singular} {id_}.",
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={
            "fromObjectId": [str(id_)],
            "fromObjectType": [source.singular],
            "toObjectType": [target.singular],
        },
    )
