"""HubSpot's JSON as rows of the raw tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from ingestion.errors import RecordRefused
from ingestion.grouped import Json, Row, derived_id
from ingestion.schemas import HUBSPOT_PROPERTIES, RAW_TABLES, RawTable
from ingestion.values import moment, optional_moment


def table(name: str) -> RawTable:
    """A raw table of HubSpot."""
    return RAW_TABLES[f"raw_hubspot.{name}"]


def text(value: Any) -> str | None:
    """A value as text; None stays None."""
    return None if value is None else value if isinstance(value, str) else str(value)


def crm_object(object_type: str, record: Json) -> Row:
    """One CRM record as a row of its raw table.

    Properties without a value are left out of the ``properties`` JSON (a property it lacks is empty or unknown).

    Raises:
        RecordRefused: ``missing_id``, ``invalid_timestamp``.
    """
    properties = record.get("properties") or {}
    record_id = text(record.get("id"))
    if not record_id:
        raise RecordRefused("id", "missing_id", "the CRM sent a record without an id")
    archived = bool(record.get("archived"))
    row: Row = {
        "id": record_id,
        "created_at": moment(record["createdAt"], "createdAt") if record.get("createdAt") else None,
        "updated_at": moment(record["updatedAt"], "updatedAt") if record.get("updatedAt") else None,
        "archived": archived,
        "archived_at": optional_moment(record.get("archivedAt")),
        "properties": orjson.dumps(
            {name: value for name, value in properties.items() if value is not None}, option=orjson.OPT_SORT_KEYS
        ).decode(),
    }
    for name in HUBSPOT_PROPERTIES[object_type]:
        row[f"property_{name}"] = text(properties.get(name))
    return row


def history(object_type: str, record: Json) -> list[Row]:
    """Every value that the tracked properties of one record took, as HubSpot still knows them."""
    rows: list[Row] = []
    for name, versions in (record.get("propertiesWithHistory") or {}).items():
        for version in versions or []:
            changed_at = optional_moment(version.get("timestamp"))
            if changed_at is None:
                continue
            rows.append(
                {
                    "object_type": object_type,
                    "object_id": text(record.get("id")),
                    "property": name,
                    # An emptied property is an empty text in HubSpot's own history.
                    "value": text(version.get("value")) or "",
                    "changed_at": changed_at,
                    "source_type": text(version.get("sourceType")),
                    "source_id": text(version.get("sourceId")),
                    "updated_by_user_id": text(version.get("updatedByUserId")),
                }
            )
    return rows


def associations(from_object: str, to_object: str, results: Iterable[Json], asked: Iterable[str]) -> list[Row]:
    """Associations of the records asked for; one with none gets a row whose ``to_id`` is null."""
    rows: list[Row] = []
    left = dict.fromkeys(asked)
    for result in results:
        from_id = text((result.get("from") or {}).get("id"))
        for to in result.get("to") or []:
            to_id = text(to.get("toObjectId") or to.get("id"))
            if from_id is None or to_id is None:
                continue
            left.pop(from_id, None)
            for kind in to.get("associationTypes") or [{}]:
                rows.append(
                    {
                        "from_object": from_object,
                        "from_id": from_id,
                        "to_object": to_object,
                        "to_id": to_id,
                        "type_id": kind.get("typeId"),
                        "category": text(kind.get("category")),
                        "label": text(kind.get("label")),
                    }
                )
    rows += [{"from_object": from_object, "from_id": from_id, "to_object": to_object} for from_id in left]
    return rows


def owner(record: Json) -> Row:
    """One owner."""
    return {
        "id": text(record.get("id")),
        "email": text(record.get("email")),
        "first_name": text(record.get("firstName")),
        "last_name": text(record.get("lastName")),
        "user_id": text(record.get("userId") or record.get("userIdIncludingInactive")),
        "archived": bool(record.get("archived")),
        "created_at": optional_moment(record.get("createdAt")),
        "updated_at": optional_moment(record.get("updatedAt")),
    }


def deal_stages(pipeline: Json) -> list[Row]:
    """The stages of one deal pipeline."""
    return [
        {
            "pipeline_id": text(pipeline.get("id")),
            "pipeline_label": text(pipeline.get("label")),
            "stage_id": text(stage.get("id")),
            "stage_label": text(stage.get("label")),
            "display_order": stage.get("displayOrder"),
            "probability": text((stage.get("metadata") or {}).get("probability")),
            "is_closed": text((stage.get("metadata") or {}).get("isClosed")),
            "archived": bool(stage.get("archived")),
        }
        for stage in pipeline.get("stages") or []
    ]


def property_definition(object_type: str, record: Json) -> Row:
    """One property of an object type."""
    return {
        "object_type": object_type,
        "name": text(record.get("name")),
        "label": text(record.get("label")),
        "type": text(record.get("type")),
        "field_type": text(record.get("fieldType")),
        "group_name": text(record.get("groupName")),
        "hubspot_defined": record.get("hubspotDefined"),
    }


def form(record: Json) -> Row:
    """One form; ``field_names`` in the order in which the form asks, separated by ``;`` as HubSpot does."""
    names = [
        field.get("name")
        for group in record.get("fieldGroups") or []
        for field in group.get("fields") or []
        if field.get("name")
    ]
    return {
        "id": text(record.get("id")),
        "name": text(record.get("name")),
        "form_type": text(record.get("formType")),
        "field_names": ";".join(names),
        "archived": bool(record.get("archived")),
        "created_at": optional_moment(record.get("createdAt")),
        "updated_at": optional_moment(record.get("updatedAt")),
    }


def form_submission(form_id: str, record: Json) -> Row:
    """One submission; ``answers`` is a JSON object, a question answered more than once holds a list.

    Raises:
        RecordRefused: ``missing_timestamp``, ``invalid_timestamp``.
    """
    if record.get("submittedAt") is None:
        raise RecordRefused("submittedAt", "missing_timestamp", "the submission does not say when it was sent")
    answers: dict[str, Any] = {}
    for value in record.get("values") or []:
        name = str(value.get("name"))
        if name in answers:
            before = answers[name]
            answers[name] = [*(before if isinstance(before, list) else [before]), value.get("value")]
        else:
            answers[name] = value.get("value")
    email = answers.get("email")
    return {
        "submission_id": text(record.get("conversionId")) or _submission_id(form_id, record),
        "form_id": form_id,
        "submitted_at": moment(record["submittedAt"], "submittedAt"),
        "email": text(email[0] if isinstance(email, list) else email),
        "page_url": text(record.get("pageUrl")),
        "answers": orjson.dumps(answers, default=str).decode(),
    }


def _submission_id(form_id: str, record: Json) -> str:
    """HubSpot gives older submissions no id: the same submission always gets the same derived one."""
    content = orjson.dumps([form_id, record.get("submittedAt"), record.get("values")], option=orjson.OPT_SORT_KEYS)
    return derived_id(content)


def email_campaign(record: Json) -> Row:
    """One e-mail campaign, with its details."""
    return {
        "id": text(record.get("id")),
        "app_id": text(record.get("appId")),
        "name": text(record.get("name")),
        "subject": text(record.get("subject")),
        "type": text(record.get("type")),
    }


def email_event(record: Json) -> Row:
    """One marketing e-mail event.

    Raises:
        RecordRefused: ``missing_id``, ``missing_timestamp``, ``invalid_timestamp``.
    """
    if not record.get("id"):
        raise RecordRefused("id", "missing_id", "the CRM sent an e-mail event without an id")
    if record.get("created") is None:
        raise RecordRefused("created", "missing_timestamp", "the e-mail event does not say when it happened")
    return {
        "id": text(record.get("id")),
        "type": text(record.get("type")),
        "created_at": moment(record["created"], "created"),
        "recipient": text(record.get("recipient")),
        "campaign_id": text(record.get("emailCampaignId")),
        "url": text(record.get("url")),
        "is_machine": bool(record.get("filteredEvent")),
        "portal_subscription_status": text(record.get("portalSubscriptionStatus")),
    }


def crm_list(record: Json) -> Row:
    """One list."""
    size = record.get("size")
    if size is None:
        size = (record.get("additionalProperties") or {}).get("hs_list_size")
    return {
        "list_id": text(record.get("listId")),
        "name": text(record.get("name")),
        "object_type_id": text(record.get("objectTypeId")),
        "processing_type": text(record.get("processingType")),
        "size": int(str(size)) if str(size or "").isdigit() else None,
        "created_at": optional_moment(record.get("createdAt")),
        "updated_at": optional_moment(record.get("updatedAt")),
    }


def membership(list_id: str, record: Json) -> Row:
    """One record's membership of one list."""
    return {
        "list_id": list_id,
        "record_id": text(record.get("recordId")),
        "added_at": optional_moment(record.get("membershipTimestamp")),
    }
