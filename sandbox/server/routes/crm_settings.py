"""Owners, pipelines, object schemas: what a portal's administrator set up, read only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.server.catalog import ASSOCIATION_TYPES, ObjectType
from sandbox.server.clock import iso
from sandbox.server.errors import not_found
from sandbox.server.http import answer, flag, next_page, object_type_of, portal_of, whole
from sandbox.server.portal import Portal
from sandbox.server.values import record_number

router = APIRouter()

_OWNER = "id, email, first_name, last_name, user_id, archived, created, updated"


@router.get("/crm/owners")
async def list_owners(request: Request) -> Response:
    """Owners in id order, optionally by e-mail."""
    portal = portal_of(request)
    limit = whole(request, "limit", 100, 500)
    after = whole(request, "after", 0, 2**63 - 1, 0)
    email = request.query_params.get("email")
    rows = portal.db.execute(
        f"SELECT {_OWNER} FROM owners WHERE archived = ? AND id >= ? AND (? IS NULL OR lower(email) = lower(?)) "
        "ORDER BY id LIMIT ?",
        (int(flag(request, "archived")), after, email, email, limit + 1),
    ).fetchall()
    body: dict[str, Any] = {"results": [_owner(row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = next_page(request, str(rows[limit][0]))
    return answer(body)


@router.get("/crm/owners/{owner_id}")
async def read_owner(request: Request, owner_id: str) -> Response:
    """One owner by id, or by user id with ``idProperty=userId``."""
    portal = portal_of(request)
    column = "user_id" if request.query_params.get("idProperty") == "userId" else "id"
    row = portal.db.execute(
        f"SELECT {_OWNER} FROM owners WHERE {column} = ? AND archived = ?",
        (record_number(owner_id), int(flag(request, "archived"))),
    ).fetchone()
    if row is None:
        raise not_found(f"No owner with {column} {owner_id}")
    return answer(_owner(row))


@router.get("/crm/pipelines/{object_type}")
async def list_pipelines(request: Request, object_type: str) -> Response:
    """Pipelines with their stages."""
    portal, kind = portal_of(request), object_type_of(object_type)
    return answer({"results": _pipelines(portal, kind)})


@router.get("/crm/pipelines/{object_type}/{pipeline_id}")
async def read_pipeline(request: Request, object_type: str, pipeline_id: str) -> Response:
    """One pipeline."""
    return answer(_pipeline(portal_of(request), object_type_of(object_type), pipeline_id))


@router.get("/crm/pipelines/{object_type}/{pipeline_id}/stages")
async def list_stages(request: Request, object_type: str, pipeline_id: str) -> Response:
    """The stages of one pipeline."""
    return answer({"results": _pipeline(portal_of(request), object_type_of(object_type), pipeline_id)["stages"]})


@router.get("/crm/pipelines/{object_type}/{pipeline_id}/stages/{stage_id}")
async def read_stage(request: Request, object_type: str, pipeline_id: str, stage_id: str) -> Response:
    """One stage."""
    for stage in _pipeline(portal_of(request), object_type_of(object_type), pipeline_id)["stages"]:
        if stage["id"] == stage_id:
            return answer(stage)
    raise not_found(f"Pipeline {pipeline_id} has no stage {stage_id}")


@router.get("/crm/schemas")
async def list_schemas() -> Response:
    """Custom object types: this portal has none."""
    return answer({"results": []})


@router.get("/crm/schemas/{object_type}")
async def read_schema(request: Request, object_type: str) -> Response:
    """The schema of one object type."""
    portal, kind = portal_of(request), object_type_of(object_type)
    properties = [definition.body for _, definition in sorted(portal.definitions.of(kind).items())]
    return answer(
        {
            "id": kind.type_id,
            "objectTypeId": kind.type_id,
            "name": kind.singular,
            "fullyQualifiedName": kind.singular.upper(),
            "labels": {"singular": kind.singular.capitalize(), "plural": kind.name.capitalize()},
            "primaryDisplayProperty": (kind.searched or ("hs_object_id",))[0],
            "requiredProperties": portal.required.on_create(kind),
            "searchableProperties": list(kind.searched),
            "secondaryDisplayProperties": [],
            "allowsSensitiveProperties": False,
            "archived": False,
            "properties": properties,
            "associations": [
                {
                    "id": str(one.type_id),
                    "fromObjectTypeId": f"0-{one.from_code}",
                    "toObjectTypeId": f"0-{one.to_code}",
                }
                for one in ASSOCIATION_TYPES
                if one.from_code == kind.code
            ],
        }
    )


def _owner(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, email, first, last, user_id, archived, created, updated = row
    return {
        "id": str(id_),
        "email": email,
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userId": None if archived else user_id,
        "userIdIncludingInactive": user_id,
        "createdAt": iso(created),
        "updatedAt": iso(updated),
        "archived": bool(archived),
        "teams": [],
    }


def _pipeline(portal: Portal, kind: ObjectType, pipeline_id: str) -> dict[str, Any]:
    for pipeline in _pipelines(portal, kind):
        if pipeline["id"] == pipeline_id:
            return pipeline
    raise not_found(f"{kind.name} have no pipeline {pipeline_id}")


def _pipelines(portal: Portal, kind: ObjectType) -> list[dict[str, Any]]:
    moment = iso(portal.world.created_ms if portal.world else 1_577_836_800_000)
    pipelines: dict[str, dict[str, Any]] = {}
    rows = portal.db.execute(
        "SELECT pipeline_id, pipeline_label, stage_id, stage_label, display_order, probability, is_closed, archived "
        "FROM pipeline_stages WHERE object = ? ORDER BY pipeline_id, display_order",
        (kind.code,),
    )
    for pipeline_id, label, stage_id, stage_label, order, probability, closed, archived in rows:
        pipeline = pipelines.setdefault(
            pipeline_id,
            {
                "id": pipeline_id,
                "label": label,
                "displayOrder": len(pipelines),
                "archived": False,
                "createdAt": moment,
                "updatedAt": moment,
                "stages": [],
            },
        )
        pipeline["stages"].append(
            {
                "id": stage_id,
                "label": stage_label,
                "displayOrder": order,
                "metadata": {"isClosed": closed or "false", "probability": probability or "0.0"},
                "archived": bool(archived),
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                "createdAt": moment,
                "updatedAt": moment,
            }
        )
    return list(pipelines.values())
