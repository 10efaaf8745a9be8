"""What no real portal has: the second day, counts, a look at a record, a human's edit, faults on demand."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from sandbox.server.clock import iso
from sandbox.server.errors import ApiError, validation_error
from sandbox.server.http import answer, json_body, json_object, object_type_of, portal_of
from sandbox.server.records import WriteSource, system_values
from sandbox.server.storage import transaction
from sandbox.server.world import apply_day2

router = APIRouter(prefix="/sandbox")


@router.get("/stats")
async def stats(request: Request) -> Response:
    """Requests since the start, or the last reset."""
    return answer(request.app.state.stats.as_json())


@router.post("/reset-stats")
async def reset_stats(request: Request) -> Response:
    """Count from zero again."""
    request.app.state.stats.reset()
    return answer(request.app.state.stats.as_json())


@router.get("/clock")
async def clock(request: Request) -> Response:
    """The portal's present."""
    now = portal_of(request).clock.now_ms()
    return answer({"now": iso(now), "now_ms": now})


@router.post("/day2")
async def day2(request: Request) -> Response:
    """Apply what the world's second day brings; a second call changes nothing."""
    portal = portal_of(request)
    if portal.world is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", "This portal was started without --world: there is no second day")
    return answer(apply_day2(portal))


@router.get("/objects/{object_type}/{object_id}")
async def read_object(request: Request, object_type: str, object_id: str) -> Response:
    """A record with every property, live or archived, and every value its properties took."""
    portal, kind = portal_of(request), object_type_of(object_type)
    try:
        row = portal.records.one(kind, object_id, None)
    except ApiError:
        row = portal.records.one(kind, object_id, None, archived=True)
    stored: dict[str, str] = orjson.loads(row.properties)
    properties = stored | system_values(kind, row, stored)
    history = portal.records.history(kind, [row], sorted(stored))[row.id]
    return answer(
        {
            "id": str(row.id),
            "properties": dict(sorted(properties.items())),
            "createdAt": iso(row.created),
            "updatedAt": iso(row.updated),
            "archived": row.archived is not None,
            "propertiesWithHistory": history,
        }
    )


@router.patch("/objects/{object_type}/{object_id}")
async def human_edit(request: Request, object_type: str, object_id: str) -> Response:
    """Write as a person in the CRM's own screens would: ``{"properties": {...}, "user_id": 77}``."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    properties, user_id = body.get("properties"), body.get("user_id", 1)
    if not isinstance(properties, dict) or not isinstance(user_id, int):
        raise validation_error("properties must be an object, user_id a whole number")
    values = portal.records.checked(kind, properties, read_only_too=True)
    with transaction(portal.db):
        row = portal.records.one(kind, object_id, None)
        source = WriteSource("CRM_UI", f"userId:{user_id}", user_id)
        portal.records.update(kind, [(row.id, values)], source)
    return await read_object(request, object_type, object_id)


@router.put("/required/{object_type}")
async def set_required(request: Request, object_type: str) -> Response:
    """Replace what an administrator made required (``sandbox.server.required``)."""
    portal, kind = portal_of(request), object_type_of(object_type)
    body = await json_object(request)
    with transaction(portal.db):
        kept = portal.required.set(kind, body)
    return answer(kept)


@router.get("/faults")
async def list_faults(request: Request) -> Response:
    """Faults in force."""
    return answer([fault.as_json() for fault in request.app.state.faults.active])


@router.post("/faults")
async def set_faults(request: Request) -> Response:
    """Replace the faults in force; ``[]`` clears them (fields: ``sandbox.server.faults.Fault``)."""
    wanted: Any = await json_body(request)
    return answer([fault.as_json() for fault in request.app.state.faults.set(wanted)])
