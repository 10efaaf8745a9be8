"""Lists and their memberships."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from sandbox.server.catalog import BY_CODE, ObjectType
from sandbox.server.clock import iso
from sandbox.server.errors import ApiError, not_found, validation_error
from sandbox.server.http import (
    answer,
    batch_inputs,
    json_body,
    json_object,
    listed,
    names_in,
    next_page,
    no_content,
    object_type_of,
    portal_of,
    whole,
)
from sandbox.server.portal import Portal
from sandbox.server.storage import placeholders, transaction
from sandbox.server.values import record_number

router = APIRouter()

PROCESSING_TYPES = ("MANUAL", "SNAPSHOT", "DYNAMIC")
MAX_SEARCH = 500
MAX_MEMBERS_PAGE = 250
MAX_CHANGES = 100_000

_COLUMNS = "list_id, name, object, processing_type, filter_branch, version, created, updated, deleted"


@router.post("/crm/lists")
async def create_list(request: Request) -> Response:
    """Create a list; its name must be free."""
    portal = portal_of(request)
    body = await json_object(request)
    name, type_ = body.get("name"), body.get("processingType")
    if not isinstance(name, str) or not name.strip():
        raise validation_error("A list needs a name")
    if type_ not in PROCESSING_TYPES:
        raise validation_error(f"processingType {type_!r} is not one of {', '.join(PROCESSING_TYPES)}")
    kind = object_type_of(str(body.get("objectTypeId")))
    _refuse_taken(portal, name)
    now = portal.clock.now_ms()
    branch = orjson.dumps(body["filterBranch"]).decode() if body.get("filterBranch") else None
    with transaction(portal.db):
        cursor = portal.db.execute(
            "INSERT INTO lists (name, object, processing_type, filter_branch, version, created, updated) "
            "VALUES (?, ?, ?, ?, 1, ?, ?)",
            (name, kind.code, type_, branch, now, now),
        )
    return answer({"list": _shown(portal, _find(portal, str(cursor.lastrowid)), filters=True)})


@router.get("/crm/lists")
async def read_lists(request: Request) -> Response:
    """Lists by id."""
    portal = portal_of(request)
    numbers = [record_number(text) for text in listed(request, "listIds") or []]
    ids = [number for number in numbers if number is not None]
    rows = portal.db.execute(
        f"SELECT {_COLUMNS} FROM lists WHERE deleted IS NULL AND list_id IN ({placeholders(len(ids))})", ids
    ).fetchall()
    return answer({"lists": [_shown(portal, row, _filters(request)) for row in rows]})


@router.post("/crm/lists/search")
async def search_lists(request: Request) -> Response:
    """Lists by name, processing type and object type, page by page (``offset``)."""
    portal = portal_of(request)
    body = await json_object(request)
    count, offset = body.get("count") or 20, body.get("offset") or 0
    if not isinstance(count, int) or not 0 < count <= MAX_SEARCH or not isinstance(offset, int) or offset < 0:
        raise validation_error(f"count is between 1 and {MAX_SEARCH}, offset is not negative")
    wanted = str(body.get("query") or "").lower()
    types, ids = names_in(body, "processingTypes") or PROCESSING_TYPES, set(names_in(body, "listIds") or [])
    kind = object_type_of(str(body["objectTypeId"])) if body.get("objectTypeId") else None
    found = [
        row
        for row in portal.db.execute(f"SELECT {_COLUMNS} FROM lists WHERE deleted IS NULL ORDER BY list_id")
        if wanted in row[1].lower()
        and row[3] in types
        and (not ids or str(row[0]) in ids)
        and (kind is None or row[2] == kind.code)
    ]
    shown = []
    for row in found[offset : offset + count]:
        one = _shown(portal, row, filters=False)
        one["additionalProperties"] = {"hs_list_size": str(one.pop("size"))}
        shown.append(one)
    end = offset + len(shown)
    return answer({"offset": end, "hasMore": end < len(found), "lists": shown, "total": len(found)})


@router.get("/crm/lists/object-type-id/{object_type}/name/{name:path}")
async def read_list_by_name(request: Request, object_type: str, name: str) -> Response:
    """One list by object type and name."""
    portal, kind = portal_of(request), object_type_of(object_type)
    row = portal.db.execute(
        f"SELECT {_COLUMNS} FROM lists WHERE deleted IS NULL AND object = ? AND name = ?", (kind.code, name)
    ).fetchone()
    if row is None:
        raise not_found(f"List does not exist with name {name}.")
    return answer({"list": _shown(portal, row, _filters(request))})


@router.get("/crm/lists/records/{object_type}/{record_id}/memberships")
async def record_memberships(request: Request, object_type: str, record_id: str) -> Response:
    """The lists one record is on."""
    portal, kind = portal_of(request), object_type_of(object_type)
    record = portal.records.one(kind, record_id, None)
    results = _lists_of(portal, kind, record.id)
    return answer({"results": results, "total": len(results)})


@router.post("/crm/lists/records/memberships/batch/read")
async def read_records_memberships(request: Request) -> Response:
    """The lists that up to 100 records are on; inputs are ``{objectTypeId, recordId}``."""
    portal = portal_of(request)
    started = portal.clock.now_ms()
    results = []
    for item in batch_inputs(await json_object(request)):
        kind = object_type_of(str(item.get("objectTypeId")))
        record_id = str(item.get("recordId"))
        found = _lists_of(portal, kind, portal.records.one(kind, record_id, None).id)
        results.append({"objectTypeId": kind.type_id, "recordId": record_id, "recordListMemberships": found})
    return answer(
        {
            "status": "COMPLETE",
            "results": results,
            "startedAt": iso(started),
            "completedAt": iso(portal.clock.now_ms()),
        }
    )


@router.get("/crm/lists/{list_id}")
async def read_list(request: Request, list_id: str) -> Response:
    """One list by id."""
    portal = portal_of(request)
    return answer({"list": _shown(portal, _find(portal, list_id), _filters(request))})


@router.delete("/crm/lists/{list_id}")
async def delete_list(request: Request, list_id: str) -> Response:
    """Delete a list; it can be restored."""
    portal = portal_of(request)
    row = _find(portal, list_id)
    with transaction(portal.db):
        portal.db.execute("UPDATE lists SET deleted = ? WHERE list_id = ?", (portal.clock.now_ms(), row[0]))
    return no_content()


@router.put("/crm/lists/{list_id}/restore")
async def restore_list(request: Request, list_id: str) -> Response:
    """Bring a deleted list back."""
    portal = portal_of(request)
    row = _find(portal, list_id, deleted=True)
    with transaction(portal.db):
        portal.db.execute("UPDATE lists SET deleted = NULL WHERE list_id = ?", (row[0],))
    return no_content()


@router.put("/crm/lists/{list_id}/update-list-name")
async def rename_list(request: Request, list_id: str) -> Response:
    """Give a list another name."""
    portal = portal_of(request)
    row = _find(portal, list_id)
    name = request.query_params.get("listName", "").strip()
    if not name:
        raise validation_error("listName is missing")
    if name != row[1]:
        _refuse_taken(portal, name)
    with transaction(portal.db):
        portal.db.execute(
            "UPDATE lists SET name = ?, version = version + 1, updated = ? WHERE list_id = ?",
            (name, portal.clock.now_ms(), row[0]),
        )
    return answer({"updatedList": _shown(portal, _find(portal, list_id), _filters(request))})


@router.put("/crm/lists/{list_id}/update-list-filters")
async def update_filters(request: Request, list_id: str) -> Response:
    """Give a dynamic list another filter branch (kept and shown; the sandbox does not evaluate it)."""
    portal = portal_of(request)
    row = _find(portal, list_id)
    branch = (await json_object(request)).get("filterBranch")
    if row[3] != "DYNAMIC" or not isinstance(branch, dict):
        raise validation_error("Only a DYNAMIC list has filters, and filterBranch must be an object")
    with transaction(portal.db):
        portal.db.execute(
            "UPDATE lists SET filter_branch = ?, version = version + 1, updated = ? WHERE list_id = ?",
            (orjson.dumps(branch).decode(), portal.clock.now_ms(), row[0]),
        )
    return answer({"updatedList": _shown(portal, _find(portal, list_id), filters=True)})


# Memberships ------------------------------------------------------------------------------------------------------


@router.get("/crm/lists/{list_id}/memberships")
async def list_members(request: Request, list_id: str) -> Response:
    """Members in id order, with the moment each was added."""
    return _members(request, list_id, "record_id")


@router.get("/crm/lists/{list_id}/memberships/join-order")
async def list_members_by_time(request: Request, list_id: str) -> Response:
    """Members in the order they were added."""
    return _members(request, list_id, "added, record_id")


@router.put("/crm/lists/{list_id}/memberships/add")
async def add_members(request: Request, list_id: str) -> Response:
    """Add records; the body is a list of record ids."""
    return _change(portal_of(request), list_id, add=await json_body(request), remove=[])


@router.put("/crm/lists/{list_id}/memberships/remove")
async def remove_members(request: Request, list_id: str) -> Response:
    """Remove records; the body is a list of record ids."""
    return _change(portal_of(request), list_id, add=[], remove=await json_body(request))


@router.put("/crm/lists/{list_id}/memberships/add-and-remove")
async def add_and_remove_members(request: Request, list_id: str) -> Response:
    """Add and remove in one call; a record named on both sides is refused."""
    body = await json_object(request)
    add, remove = body.get("recordIdsToAdd") or [], body.get("recordIdsToRemove") or []
    return _change(portal_of(request), list_id, add=add, remove=remove)


@router.put("/crm/lists/{list_id}/memberships/add-from/{source_list_id}")
async def add_members_from(request: Request, list_id: str, source_list_id: str) -> Response:
    """Add every member of another list."""
    portal = portal_of(request)
    source = _find(portal, source_list_id)
    ids = portal.db.execute("SELECT record_id FROM list_members WHERE list_id = ?", (source[0],)).fetchall()
    _change(portal, list_id, add=[str(row[0]) for row in ids], remove=[])
    return no_content()


@router.delete("/crm/lists/{list_id}/memberships")
async def clear_members(request: Request, list_id: str) -> Response:
    """Remove every member."""
    portal = portal_of(request)
    row = _writable(portal, list_id)
    with transaction(portal.db):
        portal.db.execute("DELETE FROM list_members WHERE list_id = ?", (row[0],))
    return no_content()


def _change(portal: Portal, list_id: str, *, add: Any, remove: Any) -> Response:
    row = _writable(portal, list_id)
    kind = BY_CODE[row[2]]
    to_add, to_remove = _record_ids(add), _record_ids(remove)
    both = set(to_add) & set(to_remove)
    if both:
        raise validation_error(f"Record {min(both)} is to be added and removed at once")
    live = portal.records.live(kind, to_add)
    missing = [id_ for id_ in to_add if id_ not in live]
    known = portal.records.fetch(kind, to_remove)
    missing += [id_ for id_ in to_remove if id_ not in known]
    now = portal.clock.now_ms()
    added, removed = [], []
    with transaction(portal.db):
        for id_ in to_add:
            if id_ in live:
                done = portal.db.execute(
                    "INSERT OR IGNORE INTO list_members VALUES (?, ?, ?)", (row[0], live[id_].id, now)
                )
                if done.rowcount:
                    added.append(str(live[id_].id))
        for id_ in to_remove:
            if id_ in known:
                done = portal.db.execute(
                    "DELETE FROM list_members WHERE list_id = ? AND record_id = ?", (row[0], known[id_].id)
                )
                if done.rowcount:
                    removed.append(str(known[id_].id))
        if added or removed:
            portal.db.execute("UPDATE lists SET updated = ? WHERE list_id = ?", (now, row[0]))
    # The vendor's schema spells it recordsIdsAdded; its guides say recordIdsAdded. Both are sent.
    return answer(
        {
            "recordIdsAdded": added,
            "recordsIdsAdded": added,
            "recordIdsRemoved": removed,
            "recordIdsMissing": [str(id_) for id_ in missing],
        }
    )


def _record_ids(ids: Any) -> list[int]:
    if not isinstance(ids, list):
        raise validation_error("Record ids must be a list")
    if len(ids) > MAX_CHANGES:
        raise validation_error(f"{len(ids)} record ids were sent, at most {MAX_CHANGES} are allowed")
    numbers: dict[int, None] = {}
    for id_ in ids:
        number = record_number(id_)
        if number is None:
            raise validation_error(f"{id_!r} is not a record id")
        numbers[number] = None
    return list(numbers)


def _members(request: Request, list_id: str, order: str) -> Response:
    portal = portal_of(request)
    row = _find(portal, list_id)
    limit = whole(request, "limit", 100, MAX_MEMBERS_PAGE)
    start = whole(request, "after", 0, 2**31, 0)
    members = portal.db.execute(
        f"SELECT record_id, added FROM list_members WHERE list_id = ? ORDER BY {order} LIMIT ? OFFSET ?",
        (row[0], limit + 1, start),
    ).fetchall()
    body: dict[str, Any] = {
        "results": [{"recordId": str(id_), "membershipTimestamp": iso(added)} for id_, added in members[:limit]],
        "total": _size(portal, row[0]),
    }
    if len(members) > limit:
        body["paging"] = next_page(request, str(start + limit))
    return answer(body)


def _lists_of(portal: Portal, kind: ObjectType, record_id: int) -> list[dict[str, Any]]:
    """The lists one record is on, as the API shows them."""
    rows = portal.db.execute(
        "SELECT m.list_id, m.added, l.version FROM list_members m JOIN lists l USING (list_id) "
        "WHERE m.record_id = ? AND l.object = ? AND l.deleted IS NULL ORDER BY m.list_id",
        (record_id, kind.code),
    ).fetchall()
    return [
        {
            "listId": str(list_id),
            "listVersion": version,
            "firstAddedTimestamp": iso(added),
            "lastAddedTimestamp": iso(added),
        }
        for list_id, added, version in rows
    ]


def _find(portal: Portal, list_id: str, deleted: bool = False) -> tuple[Any, ...]:
    row = portal.db.execute(f"SELECT {_COLUMNS} FROM lists WHERE list_id = ?", (record_number(list_id),)).fetchone()
    if row is None or (row[8] is not None) != deleted:
        raise not_found(f"List does not exist with ID {list_id}.", sub_category="ILS.LIST_NOT_FOUND")
    return tuple(row)


def _writable(portal: Portal, list_id: str) -> tuple[Any, ...]:
    row = _find(portal, list_id)
    if row[3] == "DYNAMIC":
        raise validation_error(
            f"List {list_id} is DYNAMIC: its members follow its filters and cannot be added or removed",
            sub_category="ILS.INVALID_LIST_PROCESSING_TYPE",
        )
    return row


def _refuse_taken(portal: Portal, name: str) -> None:
    if portal.db.execute("SELECT 1 FROM lists WHERE deleted IS NULL AND name = ?", (name,)).fetchone():
        raise ApiError(
            400, "VALIDATION_ERROR", f"A list named '{name}' already exists.", sub_category="ILS.DUPLICATE_LIST_NAMES"
        )


def _filters(request: Request) -> bool:
    return request.query_params.get("includeFilters", "false").lower() == "true"


def _size(portal: Portal, list_id: int) -> int:
    return int(portal.db.execute("SELECT count(*) FROM list_members WHERE list_id = ?", (list_id,)).fetchone()[0])


def _shown(portal: Portal, row: tuple[Any, ...], filters: bool) -> dict[str, Any]:
    list_id, name, object_code, type_, branch, version, created, updated, _ = row
    kind: ObjectType = BY_CODE[object_code]
    body: dict[str, Any] = {
        "listId": str(list_id),
        "listVersion": version,
        "name": name,
        "objectTypeId": kind.type_id,
        "processingStatus": "COMPLETE",
        "processingType": type_,
        "createdAt": iso(created),
        "updatedAt": iso(updated),
        "createdById": str(portal.options.app_id),
        "size": _size(portal, list_id),
    }
    if filters and branch:
        body["filterBranch"] = orjson.loads(branch)
    return body
