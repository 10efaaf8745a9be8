"""What no real org has: the second day, counts, a look at a record, a person's edit, conversions, faults on demand."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.conversion import convert_lead, merge
from sandbox.salesforce.day2 import apply_day2
from sandbox.salesforce.errors import ApiError, json_error
from sandbox.salesforce.fields import moment_text
from sandbox.salesforce.http import answer, json_object, org_of
from sandbox.salesforce.ids import normal_id
from sandbox.salesforce.org import Org
from sandbox.salesforce.records import Actor
from sandbox.salesforce.storage import quoted, transaction
from sandbox.server.clock import iso, parse_ms


async def stats(request: Request) -> Response:
    """Requests since the start, or the last reset."""
    return answer(request.app.state.stats.as_json())


async def reset_stats(request: Request) -> Response:
    """Count from zero again."""
    request.app.state.stats.reset()
    return answer(request.app.state.stats.as_json())


async def clock(request: Request) -> Response:
    """The org's present."""
    now = org_of(request).clock.now_ms()
    return answer({"now": iso(now), "now_ms": now})


async def move_clock(request: Request) -> Response:
    """Jump forward: ``{"to": "2026-11-02T06:00:00Z"}``."""
    body = await json_object(request)
    try:
        org_of(request).clock.move_to(parse_ms(str(body.get("to"))))
    except ValueError:
        raise json_error("to must be an ISO 8601 moment") from None
    return await clock(request)


async def day2(request: Request) -> Response:
    """Apply what the world's second day brings; a second call changes nothing."""
    org = org_of(request)
    if org.world is None:
        raise ApiError(404, "NOT_FOUND", "This org was started without --world: there is no second day")
    return answer(apply_day2(org))


async def converted(request: Request) -> Response:
    """Convert a Lead as a person would: ``contact_id``, ``account_id``, ``opportunity_name``, ``user_id``, if given."""
    org = org_of(request)
    lead_id = normal_id(request.path_params["id"])
    body = await json_object(request) if await request.body() else {}
    given = {name: normal_id(body[name]) if body.get(name) else None for name in ("contact_id", "account_id")}
    with transaction(org.db):
        found = convert_lead(
            org,
            lead_id or "",
            Actor(_person(org, body.get("user_id")), system=True),
            opportunity_name=body.get("opportunity_name"),
            **given,
        )
    return answer(found)


async def merged(request: Request) -> Response:
    """Merge records as a person would: ``{"object": "Contact", "survivor": "003...", "losers": ["003..."]}``."""
    org = org_of(request)
    body = await json_object(request)
    losers = body.get("losers")
    if not isinstance(losers, list) or not losers:
        raise json_error("losers must be a list of ids")
    ids = [normal_id(one) or "" for one in (body.get("survivor"), *losers)]
    with transaction(org.db):
        merge(org, str(body.get("object")), ids[0], ids[1:], Actor(_person(org, body.get("user_id")), system=True))
    return answer({"survivor": ids[0], "losers": ids[1:]})


async def read_object(request: Request) -> Response:
    """A record with every field, live or in the bin, and every change that its history keeps."""
    org, sobject, record_id = _record(request)
    return answer(_shown(org, sobject, record_id))


async def persons_edit(request: Request) -> Response:
    """Write as a person in the org's own screens would: ``{"fields": {...}, "user_id": "005..."}``.

    Without ``user_id`` the first active person edits. Read-only fields and converted leads can be written too.
    """
    org, sobject, record_id = _record(request)
    body = await json_object(request)
    fields = body.get("fields", body.get("properties"))
    if not isinstance(fields, dict):
        raise json_error("fields must be an object")
    actor = Actor(_person(org, body.get("user_id")), system=True)
    with transaction(org.db):
        (outcome,) = org.records.update(sobject, [(record_id, fields)], actor)
    if outcome.error is not None:
        raise outcome.error
    return answer(_shown(org, sobject, record_id))


async def persons_create(request: Request) -> Response:
    """A record made by a person: ``{"fields": {...}, "user_id": "005..."}``."""
    org = org_of(request)
    sobject = org.schema.sobject(request.path_params["name"])
    body = await json_object(request)
    actor = Actor(_person(org, body.get("user_id")), system=True)
    with transaction(org.db):
        (outcome,) = org.records.create(sobject, [body.get("fields", {})], actor)
    if outcome.error is not None or outcome.id is None:
        raise outcome.error or json_error("nothing was created")
    return answer(_shown(org, sobject, outcome.id), 201)


async def persons_delete(request: Request) -> Response:
    """Put a record into the bin as a person would."""
    org, sobject, record_id = _record(request)
    with transaction(org.db):
        (outcome,) = org.records.delete(sobject, [record_id], Actor(_person(org, None), system=True))
    if outcome.error is not None:
        raise outcome.error
    return answer(_shown(org, sobject, record_id))


async def restrict_field(request: Request) -> Response:
    """Field-level security from outside: ``{"object": "Lead", "field": "Title", "read": true, "edit": false}``."""
    org = org_of(request)
    body = await json_object(request)
    read, edit = body.get("read", True), body.get("edit", True)
    if not isinstance(read, bool) or not isinstance(edit, bool):
        raise json_error("read and edit must be true or false")
    org.schema.restrict(org.schema.sobject(str(body.get("object"))), str(body.get("field")), read, edit)
    return answer({"object": body.get("object"), "field": body.get("field"), "read": read, "edit": read and edit})


async def rules(request: Request) -> Response:
    """The org's duplicate rule: ``{"duplicates": "block" | "allow"}``."""
    body = await json_object(request)
    if body.get("duplicates") not in ("block", "allow"):
        raise json_error("duplicates must be block or allow")
    org_of(request).records.blocks_duplicates = body["duplicates"] == "block"
    return answer(body)


async def end_sessions(request: Request) -> Response:
    """Make every token invalid at once."""
    org_of(request).sessions.revoke()
    return answer({"sessions": 0})


async def certificate(request: Request) -> Response:
    """Accept assertions signed with this certificate's or public key's private half (PEM in the body)."""
    try:
        org_of(request).sessions.register(await request.body())
    except ValueError as error:
        raise ApiError(400, "BAD_REQUEST", f"not a PEM certificate or public key: {error}") from None
    return answer({"registered": True})


async def list_faults(request: Request) -> Response:
    """Faults in force."""
    return answer(org_of(request).faults.as_json())


async def set_faults(request: Request) -> Response:
    """Replace the faults in force; ``[]`` clears them (fields: ``sandbox.salesforce.faults``)."""
    try:
        wanted: Any = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise json_error(f"not JSON: {error}") from None
    return answer(org_of(request).faults.set(wanted))


def _record(request: Request) -> tuple[Org, SObject, str]:
    org = org_of(request)
    sobject = org.schema.sobject(request.path_params["name"])
    record_id = normal_id(request.path_params["id"])
    if record_id is None or not org.records.find(sobject, [record_id], []):
        raise ApiError(404, "NOT_FOUND", f"{sobject.name} has no record {request.path_params['id']}")
    return org, sobject, record_id


def _person(org: Org, user_id: object) -> str:
    if user_id is not None:
        found = normal_id(user_id)
        if found is None or not org.records.find(org.schema.objects["User"], [found], []):
            raise ApiError(404, "NOT_FOUND", f"User has no record {user_id}")
        return found
    row = org.db.execute(
        "SELECT Id FROM \"User\" WHERE IsActive = 1 AND UserType = 'Standard' AND Id <> ? ORDER BY _row LIMIT 1",
        (org.sessions.user_id,),
    ).fetchone()
    return str(row[0]) if row else org.sessions.user_id


def _shown(org: Org, sobject: SObject, record_id: str) -> dict[str, Any]:
    stored = [field for field in sobject.fields.values() if field.expression is None]
    columns = ", ".join(quoted(field.name) for field in stored)
    row = org.db.execute(f"SELECT {columns} FROM {quoted(sobject.name)} WHERE Id = ?", (record_id,)).fetchone()
    fields: dict[str, Any] = {}
    for field, value in zip(stored, row, strict=True):
        if field.type == "boolean":
            value = bool(value)
        elif field.type == "datetime" and value is not None:
            value = moment_text(value)
        fields[field.name] = value
    history = []
    if sobject.history is not None:
        table, parent = sobject.history
        history = [
            {"field": name, "old": old, "new": new, "created_by_id": user, "created_at": moment_text(at)}
            for name, old, new, user, at in org.db.execute(
                f"SELECT Field, OldValue, NewValue, CreatedById, CreatedDate FROM {quoted(table)} "
                f"WHERE {quoted(parent)} = ? ORDER BY CreatedDate, _row",
                (record_id,),
            )
        ]
    return {"id": record_id, "type": sobject.name, "fields": fields, "history": history}


routes = [
    Route("/sandbox/stats", stats),
    Route("/sandbox/reset-stats", reset_stats, methods=["POST"]),
    Route("/sandbox/clock", clock),
    Route("/sandbox/clock", move_clock, methods=["POST"]),
    Route("/sandbox/day2", day2, methods=["POST"]),
    Route("/sandbox/convert-lead/{id}", converted, methods=["POST"]),
    Route("/sandbox/merge", merged, methods=["POST"]),
    Route("/sandbox/objects/{name}", persons_create, methods=["POST"]),
    Route("/sandbox/objects/{name}/{id}", read_object),
    Route("/sandbox/objects/{name}/{id}", persons_edit, methods=["PATCH"]),
    Route("/sandbox/objects/{name}/{id}", persons_delete, methods=["DELETE"]),
    Route("/sandbox/field-security", restrict_field, methods=["POST"]),
    Route("/sandbox/rules", rules, methods=["POST"]),
    Route("/sandbox/end-sessions", end_sessions, methods=["POST"]),
    Route("/sandbox/certificate", certificate, methods=["POST"]),
    Route("/sandbox/faults", list_faults),
    Route("/sandbox/faults", set_faults, methods=["POST"]),
]
