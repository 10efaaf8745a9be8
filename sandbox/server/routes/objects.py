"""CRM objects: single, batch, list, search, merge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from sandbox.server.catalog import ObjectType, find_object_type
from sandbox.server.errors import ApiError, missing_objects, validation_error
from sandbox.server.http import (
    answer,
    batch_answer,
    batch_inputs,
    flag,
    json_object,
    listed,
    names_in,
    next_page,
    no_content,
    object_type_of,
    optional_text,
    portal_of,
    version_of,
    whole,
)
from sandbox.server.links import LinkType
from sandbox.server.portal import Portal
from sandbox.server.records import Changes, Row, render
from sandbox.server.storage import transaction
from sandbox.server.values import record_number

router = APIRouter()

MAX_PAGE = 100
MAX_PAGE_WITH_HISTORY = 50


# Reading ----------------------------------------------------------------------------------------------------------


@router.get("/crm/objects/{object_type}")
async def list_objects(request: Request, object_type: str) -> Response:
    """A page of records in id order."""
    portal, kind = portal_of(request), object_type_of(object_type)
    histories = listed(request, "propertiesWithHistory")
    limit = whole(request, "limit", 10, MAX_PAGE_WITH_HISTORY if histories else MAX_PAGE)
    after = whole(request, "after", 0, 2**63 - 1, 0)
    state = "IS NOT NULL" if flag(request, "archived") else "IS NULL"
    rows = [
        Row(*row)
        for row in portal.db.execute(
            f"SELECT id, created, updated, archived, properties FROM {kind.table} "
            f"WHERE id >= ? AND archived {state} ORDER BY id LIMIT ?",
            (after, limit + 1),
        )
    ]
    shown = rows[:limit]
    results = _shown(portal, kind, shown, listed(request, "properties"), histories)
    _add_associations(portal, kind, shown, results, listed(request, "associations"))
    body: dict[str, Any] = {"results": results}
    if len(rows) > limit:
        body["paging"] = next_page(request, str(rows[limit].id))
    return answer(body)


@router.get("/crm/objects/{object_type}/{object_id}")
async def read_object(request: Request, object_type: str, object_id: str) -> Response:
    """One record by id, or by a unique property with ``idProperty``."""
    portal, kind = portal_of(request), object_type_of(object_type)
    archived = flag(request, "archived")
    row = portal.records.one(kind, object_id, request.query_params.get("idProperty"), archived)
    results = _shown(portal, kind, [row], listed(request, "properties"), listed(request, "propertiesWithHistory"))
    _add_associations(portal, kind, [row], results, listed(request, "associations"))
    return answer(results[0])


@router.post("/crm/objects/{object_type}/batch/read")
async def read_batch(request: Request, object_type: str) -> Response:
    """Up to 100 records by id or unique property; those not found are errors of a 207 answer."""
    portal, kind = portal_of(request), object_type_of(object_type)
    started = portal.clock.now_ms()
    body = await json_object(request)
    texts = [_text_id(item) for item in batch_inputs(body)]
    ids = portal.records.ids_of(kind, texts, optional_text(body, "idProperty"))
    rows = portal.records.fetch(kind, ids.values())
    archived = flag(request, "archived")
    found: dict[int, Row] = {}
    lost = []
    for text in dict.fromkeys(texts):
        row = rows.get(ids.get(text, -1))
        if row is None or (row.archived is not None) != archived:
            lost.append(text)
        else:
            found[row.id] = row
    results = _shown(
        portal, kind, list(found.values()), names_in(body, "properties"), names_in(body, "propertiesWithHistory")
    )
    errors = [missing_objects(kind.singular, lost).item()] if lost else []
    return batch_answer(portal, started, results, errors)


@router.post("/crm/objects/{object_type}/search")
async def search(request: Request, object_type: str) -> Response:
    """Filtered and sorted records, at most 10,000 results a search."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    page = portal.searcher.page(kind, body)
    properties = names_in(body, "properties")
    found: dict[str, Any] = {"total": page.total, "results": _shown(portal, kind, page.rows, properties, None)}
    if page.after is not None:
        found["paging"] = {"next": {"after": str(page.after)}}
    return answer(found)


# Writing ----------------------------------------------------------------------------------------------------------


@router.post("/crm/objects/{object_type}")
async def create_object(request: Request, object_type: str) -> Response:
    """Create one record."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    with transaction(portal.db):
        row, names = _create(portal, kind, body, version_of(request))
    return answer(_written(portal, kind, row, names, body), 201)


@router.patch("/crm/objects/{object_type}/{object_id}")
async def update_object(request: Request, object_type: str, object_id: str) -> Response:
    """Change one record, named by id or by a unique property."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    with transaction(portal.db):
        row = portal.records.one(kind, object_id, request.query_params.get("idProperty"))
        values = portal.records.checked(kind, body.get("properties"))
        portal.required.check(kind, orjson.loads(row.properties), values, version_of(request))
        row = portal.records.update(kind, [(row.id, values)])[row.id]
    return answer(_written(portal, kind, row, list(values), body))


@router.delete("/crm/objects/{object_type}/{object_id}")
async def archive_object(request: Request, object_type: str, object_id: str) -> Response:
    """Put one record in the recycle bin."""
    portal, kind = portal_of(request), object_type_of(object_type)
    with transaction(portal.db):
        ids = portal.records.ids_of(kind, [object_id], None).values()
        portal.records.archive(kind, [row.id for row in portal.records.live(kind, ids).values()])
    return no_content()


@router.post("/crm/objects/{object_type}/batch/create")
async def create_batch(request: Request, object_type: str) -> Response:
    """Create up to 100 records.

    One bad input refuses the whole batch, unless every input carries an ``objectWriteTraceId``: then the good ones are
    kept and the bad ones are errors of a 207 answer.
    """
    portal, kind = portal_of(request), object_type_of(object_type)
    started = portal.clock.now_ms()
    inputs = batch_inputs(await json_object(request))
    traces = _traces(inputs)

    def create(item: dict[str, Any]) -> dict[str, Any]:
        row, names = _create(portal, kind, item, version_of(request))
        return _written(portal, kind, row, names, item)

    results, errors = _each(portal, inputs, create, apart=traces is not None)
    return batch_answer(portal, started, results, errors, 201)


@router.post("/crm/objects/{object_type}/batch/update")
async def update_batch(request: Request, object_type: str) -> Response:
    """Change up to 100 records by id (or a custom unique property).

    An unknown id is an error of a 207 answer; a bad property refuses the whole batch, unless every input carries an
    ``objectWriteTraceId``.
    """
    portal, kind = portal_of(request), object_type_of(object_type)
    started = portal.clock.now_ms()
    inputs = batch_inputs(await json_object(request))
    traces = _traces(inputs)
    records = portal.records
    texts = [_text_id(item) for item in inputs]
    _refuse_repeated(texts)
    ids = _target_ids(portal, kind, inputs, texts)
    rows = records.live(kind, ids.values())
    work: list[tuple[dict[str, Any], int, Changes]] = []
    lost: list[str] = []
    errors: list[dict[str, Any]] = []
    for item, text in zip(inputs, texts, strict=True):
        row = rows.get(ids.get(text, -1))
        if row is None:
            lost.append(text)
            continue
        try:
            values = records.checked(kind, item.get("properties"))
            if portal.required.has_rules(kind):
                portal.required.check(kind, orjson.loads(row.properties), values, version_of(request))
            work.append((item, row.id, values))
        except ApiError as error:
            if traces is None:
                raise
            errors.append(error.item(_trace_context(item)))
    results: list[dict[str, Any]] = []
    try:
        with transaction(portal.db):
            after = records.update(kind, [(record_id, values) for _, record_id, values in work])
        results = [_written(portal, kind, after[id_], list(values), item) for item, id_, values in work]
    except ApiError:
        if traces is None:
            raise
        # One of the unique values is taken: write one by one, so that only that input fails.

        def write(one: tuple[dict[str, Any], int, Changes]) -> dict[str, Any]:
            item, record_id, values = one
            row = records.update(kind, [(record_id, values)])[record_id]
            return _written(portal, kind, row, list(values), item)

        results, more = _each(portal, work, write, apart=True, context=lambda one: _trace_context(one[0]))
        errors += more
    if lost:
        by_text = dict(zip(texts, inputs, strict=True))
        trace_ids = [trace for text in lost for trace in _trace_context(by_text[text]).get("objectWriteTraceId", [])]
        context = {"objectWriteTraceId": trace_ids} if trace_ids else {}
        errors.append(missing_objects(kind.singular, lost).item(context))
    return batch_answer(portal, started, results, errors)


@router.post("/crm/objects/{object_type}/batch/upsert")
async def upsert_batch(request: Request, object_type: str) -> Response:
    """Create or change up to 100 records by a unique property.

    By a custom unique property bad inputs fail alone (207) when every input carries an ``objectWriteTraceId``; by
    e-mail the batch succeeds or fails as a whole.
    """
    portal, kind = portal_of(request), object_type_of(object_type)
    started = portal.clock.now_ms()
    inputs = batch_inputs(await json_object(request))
    texts = [_text_id(item) for item in inputs]
    _refuse_repeated(texts)
    names = {optional_text(item, "idProperty") for item in inputs}
    if len(names) != 1:
        raise validation_error("All inputs of an upsert must have the same idProperty")
    name = names.pop()
    known = portal.definitions.of(kind).get(name) if name else None
    if name is not None and name != "hs_object_id" and (known is None or not known.unique):
        raise validation_error(f"Unable to perform update/upsert by non-unique {kind.type_id} property {name}")

    def upsert(item: dict[str, Any]) -> dict[str, Any]:
        text = _text_id(item)
        properties = item.get("properties")
        if not isinstance(properties, dict):
            raise validation_error("properties must be an object of property names and values")
        record_id = portal.records.ids_of(kind, [text], name).get(text)
        row = portal.records.live(kind, [record_id]).get(record_id) if record_id is not None else None
        if row is None and name in (None, "hs_object_id"):
            raise missing_objects(kind.singular, [text])
        if row is None:
            row, written = _create(portal, kind, {"properties": {name: text, **properties}}, version_of(request))
            return _written(portal, kind, row, written, item) | {"new": True}
        values = portal.records.checked(kind, properties)
        portal.required.check(kind, orjson.loads(row.properties), values, version_of(request))
        row = portal.records.update(kind, [(row.id, values)])[row.id]
        return _written(portal, kind, row, list(values), item) | {"new": False}

    apart = _traces(inputs) is not None and name != "email"
    results, errors = _each(portal, inputs, upsert, apart=apart)
    return batch_answer(portal, started, results, errors)


@router.post("/crm/objects/{object_type}/batch/archive")
async def archive_batch(request: Request, object_type: str) -> Response:
    """Put up to 100 records in the recycle bin; unknown ids are ignored."""
    portal, kind = portal_of(request), object_type_of(object_type)
    texts = [_text_id(item) for item in batch_inputs(await json_object(request))]
    with transaction(portal.db):
        ids = portal.records.ids_of(kind, texts, None).values()
        portal.records.archive(kind, [row.id for row in portal.records.live(kind, ids).values()])
    return no_content()


@router.post("/crm/objects/{object_type}/merge")
async def merge(request: Request, object_type: str) -> Response:
    """Merge ``objectIdToMerge`` into ``primaryObjectId``; both ids lead to the survivor afterwards."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    ids = []
    for key in ("primaryObjectId", "objectIdToMerge"):
        number = record_number(body.get(key))
        if number is None:
            raise validation_error(f"{key} must be a record id, not {body.get(key)!r}")
        ids.append(number)
    with transaction(portal.db):
        row = portal.records.merge(kind, ids[0], ids[1])
    return answer(_shown(portal, kind, [row], None, None)[0])


@router.post("/crm/objects/{object_type}/gdpr-delete")
async def gdpr_delete(request: Request, object_type: str) -> Response:
    """Erase a contact for good, named by id or e-mail: the record, its history, links and list places.

    Its addresses (and an address that nobody has) are blocked from then on.
    """
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    if kind.name != "contacts":
        raise validation_error("Only contacts can be deleted for good")
    text, id_property = str(body.get("objectId") or ""), optional_text(body, "idProperty")
    if not text:
        raise validation_error("objectId is required")
    record_id = portal.records.ids_of(kind, [text], id_property).get(text)
    with transaction(portal.db):
        if record_id is None and id_property == "email":
            portal.records.block_email(text)
        for row in portal.records.fetch(kind, [record_id] if record_id is not None else []).values():
            portal.records.erase(kind, row.id)
    return no_content()


# Helpers ----------------------------------------------------------------------------------------------------------


def _create(portal: Portal, kind: ObjectType, item: dict[str, Any], version: str) -> tuple[Row, list[str]]:
    values = portal.records.checked(kind, item.get("properties"))
    portal.required.check(kind, None, values, version)
    row = portal.records.create(kind, values)
    associations = item.get("associations") or []
    if not isinstance(associations, list):
        raise validation_error("associations must be a list of {to, types}")
    for association in associations:
        to_id, types = _association(association)
        for one in types:
            portal.links.link(kind, row.id, portal.links.target_of(kind, one.type_id), to_id, [one])
    if associations:
        row = portal.records.fetch(kind, [row.id])[row.id]
    return row, [*values, "hs_object_source"]


def _association(wanted: Any) -> tuple[int, list[LinkType]]:
    """Record id and types of one ``{to: {id}, types: [{associationTypeId}]}``, or 400."""
    end = wanted.get("to") if isinstance(wanted, dict) else None
    to_id = record_number(end.get("id")) if isinstance(end, dict) else None
    types = wanted.get("types") if isinstance(wanted, dict) else None
    ids = [one.get("associationTypeId") for one in types if isinstance(one, dict)] if isinstance(types, list) else []
    numbers = [type_id for type_id in ids if isinstance(type_id, int)]
    if to_id is None or not numbers or len(numbers) != len(ids):
        raise validation_error("An association is {to: {id}, types: [{associationCategory, associationTypeId}]}")
    return to_id, [LinkType("HUBSPOT_DEFINED", number) for number in numbers]


def _each(
    portal: Portal,
    inputs: Sequence[Any],
    write: Callable[[Any], dict[str, Any]],
    *,
    apart: bool,
    context: Callable[[Any], dict[str, list[str]]] | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Write each input: all or nothing, or each ``apart`` with the errors gathered."""
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    with transaction(portal.db):
        for one in inputs:
            if not apart:
                results.append(write(one))
                continue
            portal.db.execute("SAVEPOINT one")
            try:
                results.append(write(one))
            except ApiError as error:
                portal.db.execute("ROLLBACK TO one")
                errors.append(error.item((context or _trace_context)(one)))
            portal.db.execute("RELEASE one")
    return results, errors


def _target_ids(portal: Portal, kind: ObjectType, inputs: list[dict[str, Any]], texts: list[str]) -> dict[str, int]:
    """Record ids of an update's inputs."""
    by_name: dict[str | None, list[str]] = {}
    for item, text in zip(inputs, texts, strict=True):
        by_name.setdefault(optional_text(item, "idProperty"), []).append(text)
    ids: dict[str, int] = {}
    for name, named in by_name.items():
        definition = portal.definitions.of(kind).get(name) if name else None
        if name not in (None, "hs_object_id") and (definition is None or not definition.unique or name == "email"):
            raise validation_error(f"Unable to perform update/upsert by non-unique {kind.type_id} property {name}")
        ids |= portal.records.ids_of(kind, named, name)
    return ids


def _text_id(item: dict[str, Any]) -> str:
    text = item.get("id")
    if not isinstance(text, str | int) or isinstance(text, bool) or text == "":
        raise validation_error(f"Every input needs an id, not {text!r}")
    return str(text)


def _refuse_repeated(texts: list[str]) -> None:
    if len(set(texts)) == len(texts):
        return
    repeated = sorted({text for text in texts if texts.count(text) > 1})
    raise validation_error(f"Duplicate IDs found in batch input: [{', '.join(repeated)}]", context={"ids": repeated})


def _traces(inputs: list[dict[str, Any]]) -> list[str] | None:
    """The trace ids of a batch, when every input has one: that asks for multi-status errors.

    Raises:
        ApiError: 400, they are not unique.
    """
    traces = [item.get("objectWriteTraceId") for item in inputs]
    if not all(isinstance(trace, str) and trace for trace in traces):
        return None
    if len(set(traces)) != len(traces):
        raise validation_error("objectWriteTraceId must be unique in a batch")
    return [str(trace) for trace in traces]


def _trace_context(item: dict[str, Any]) -> dict[str, list[str]]:
    trace = item.get("objectWriteTraceId")
    return {"objectWriteTraceId": [trace]} if isinstance(trace, str) else {}


def _written(portal: Portal, kind: ObjectType, row: Row, names: list[str], item: dict[str, Any]) -> dict[str, Any]:
    body = render(kind, row, names, explicit_nulls=portal.options.explicit_nulls)
    trace = item.get("objectWriteTraceId")
    if trace is not None:
        body["objectWriteTraceId"] = str(trace)
    return body


def _shown(
    portal: Portal,
    kind: ObjectType,
    rows: list[Row],
    names: list[str] | None,
    histories: list[str] | None,
) -> list[dict[str, Any]]:
    if names is not None and portal.options.explicit_nulls:
        names = [name for name in names if name in portal.definitions.of(kind)]
    shown = [render(kind, row, names, explicit_nulls=portal.options.explicit_nulls) for row in rows]
    if histories and rows:
        taken = portal.records.history(kind, rows, histories)
        for row, body in zip(rows, shown, strict=True):
            body["propertiesWithHistory"] = taken[row.id]
    return shown


def _add_associations(
    portal: Portal, kind: ObjectType, rows: list[Row], results: list[dict[str, Any]], names: list[str] | None
) -> None:
    for name in names or []:
        target = find_object_type(name)
        if target is None or not rows:
            continue
        links = portal.links.of(kind, [row.id for row in rows], target)
        for row, body in zip(rows, results, strict=True):
            linked = links.get(row.id)
            if linked:
                body.setdefault("associations", {})[target.name] = {
                    "results": [
                        {"id": str(to_id), "type": association_name(kind, target, link["typeId"], link["label"])}
                        for to_id, types in linked.items()
                        for link in types
                    ]
                }


def association_name(source: ObjectType, target: ObjectType, type_id: int, label: str | None) -> str:
    """The name older answers give a link's type, such as ``contact_to_company``."""
    name = f"{source.singular}_to_{target.singular}"
    if label is None:
        return name if type_id in (3, 4) else f"{name}_unlabeled"
    return name if label == "Primary" else f"{label.split()[0].lower()}_{name}"
