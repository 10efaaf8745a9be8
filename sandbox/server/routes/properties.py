"""Property definitions and groups."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.server.clock import iso
from sandbox.server.errors import ApiError, validation_error
from sandbox.server.http import (
    answer,
    batch_inputs,
    flag,
    json_object,
    no_content,
    object_type_of,
    optional_text,
    portal_of,
)
from sandbox.server.storage import transaction

router = APIRouter()

_BASE = "/crm/properties/{object_type}"


@router.get(_BASE)
async def list_properties(request: Request, object_type: str) -> Response:
    """All live properties, or all archived ones."""
    portal, kind = portal_of(request), object_type_of(object_type)
    shown = portal.definitions.archived(kind) if flag(request, "archived") else portal.definitions.of(kind)
    return answer({"results": [definition.body for _, definition in sorted(shown.items())]})


@router.post(_BASE)
async def create_property(request: Request, object_type: str) -> Response:
    """Add a custom property."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    with transaction(portal.db):
        made = portal.definitions.create(kind, body, portal.clock.now_ms())
    return answer(made.body, 201)


@router.get(_BASE + "/groups")
async def list_groups(request: Request, object_type: str) -> Response:
    """All property groups."""
    portal, kind = portal_of(request), object_type_of(object_type)
    return answer({"results": list(portal.definitions.groups(kind).values())})


@router.post(_BASE + "/groups")
async def create_group(request: Request, object_type: str) -> Response:
    """Add a property group."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    with transaction(portal.db):
        made = portal.definitions.create_group(kind, body)
    return answer(made, 201)


@router.get(_BASE + "/groups/{name}")
async def read_group(request: Request, object_type: str, name: str) -> Response:
    """One property group."""
    return answer(portal_of(request).definitions.group(object_type_of(object_type), name))


@router.patch(_BASE + "/groups/{name}")
async def update_group(request: Request, object_type: str, name: str) -> Response:
    """Relabel or reorder a group."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    with transaction(portal.db):
        changed = portal.definitions.update_group(kind, name, body)
    return answer(changed)


@router.delete(_BASE + "/groups/{name}")
async def delete_group(request: Request, object_type: str, name: str) -> Response:
    """Delete an empty group."""
    portal, kind = portal_of(request), object_type_of(object_type)
    with transaction(portal.db):
        portal.definitions.delete_group(kind, name)
    return no_content()


@router.post(_BASE + "/batch/read")
async def read_batch(request: Request, object_type: str) -> Response:
    """Properties by name; unknown ones are errors of a 207 answer."""
    portal, kind = portal_of(request), object_type_of(object_type)
    return await _batch(request, lambda item: portal.definitions.get(kind, str(item.get("name"))).body)


@router.post(_BASE + "/batch/create")
async def create_batch(request: Request, object_type: str) -> Response:
    """Add custom properties; those refused are errors of a 207 answer."""
    portal, kind = portal_of(request), object_type_of(object_type)
    now = portal.clock.now_ms()
    return await _batch(request, lambda item: portal.definitions.create(kind, item, now).body, 201)


@router.post(_BASE + "/batch/archive")
async def archive_batch(request: Request, object_type: str) -> Response:
    """Archive custom properties; unknown ones are ignored."""
    portal, kind = portal_of(request), object_type_of(object_type)
    inputs = batch_inputs(await json_object(request))
    with transaction(portal.db):
        for item in inputs:
            name = optional_text(item, "name")
            if name in portal.definitions.of(kind):
                portal.definitions.archive(kind, str(name))
    return no_content()


@router.get(_BASE + "/{name}")
async def read_property(request: Request, object_type: str, name: str) -> Response:
    """One property."""
    portal, kind = portal_of(request), object_type_of(object_type)
    if flag(request, "archived") and name in portal.definitions.archived(kind):
        return answer(portal.definitions.archived(kind)[name].body)
    return answer(portal.definitions.get(kind, name).body)


@router.patch(_BASE + "/{name}")
async def update_property(request: Request, object_type: str, name: str) -> Response:
    """Change a property's label, description, group or options."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    with transaction(portal.db):
        changed = portal.definitions.update(kind, name, body, portal.clock.now_ms())
    return answer(changed.body)


@router.delete(_BASE + "/{name}")
async def archive_property(request: Request, object_type: str, name: str) -> Response:
    """Archive a custom property."""
    portal, kind = portal_of(request), object_type_of(object_type)
    with transaction(portal.db):
        portal.definitions.archive(kind, name)
    return no_content()


@router.get("/legacy/properties/{object_type}/properties")
async def list_legacy(request: Request, object_type: str) -> Response:
    """The older address of the same list: a bare array."""
    portal, kind = portal_of(request), object_type_of(object_type)
    return answer([definition.body for _, definition in sorted(portal.definitions.of(kind).items())])


async def _batch(request: Request, do: Any, success: int = 200) -> Response:
    portal = portal_of(request)
    started = portal.clock.now_ms()
    inputs = batch_inputs(await json_object(request))
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    with transaction(portal.db):
        for item in inputs:
            if not isinstance(item.get("name"), str):
                raise validation_error("Every input needs a name")
            try:
                results.append(do(item))
            except ApiError as error:
                errors.append(error.item({"name": [item["name"]]}))
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(started),
        "completedAt": iso(portal.clock.now_ms()),
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return answer(body, 207 if errors else success)
