"""Forms and their submissions, marketing e-mails and their events."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from sandbox.server.clock import iso
from sandbox.server.errors import not_found, validation_error
from sandbox.server.http import answer, flag, next_page, portal_of, whole
from sandbox.server.portal import Portal

router = APIRouter()

_FORM = "id, name, form_type, field_names, archived, created, updated"
_EVENT = "id, type, created, recipient, campaign_id, url, is_machine, subscription_status"
_FIELD_TYPES = {"email": "email", "phone": "phone", "mobilephone": "mobile_phone", "message": "multi_line_text"}


@router.get("/marketing/forms")
async def list_forms(request: Request) -> Response:
    """Forms in id order."""
    portal = portal_of(request)
    limit = whole(request, "limit", 20, 500)
    after = request.query_params.get("after", "")
    rows = portal.db.execute(
        f"SELECT {_FORM} FROM forms WHERE archived = ? AND id >= ? ORDER BY id LIMIT ?",
        (int(flag(request, "archived")), after, limit + 1),
    ).fetchall()
    body: dict[str, Any] = {"results": [_form(row) for row in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = next_page(request, rows[limit][0])
    return answer(body)


@router.get("/marketing/forms/{form_id}")
async def read_form(request: Request, form_id: str) -> Response:
    """One form."""
    return answer(_form(_find_form(portal_of(request), form_id)))


@router.get("/form-submissions/{form_id}")
async def list_submissions(request: Request, form_id: str) -> Response:
    """A form's submissions, newest first, at most 50 a page."""
    portal = portal_of(request)
    form = _find_form(portal, form_id)
    limit = whole(request, "limit", 20, 50)
    at, last = _position(request.query_params.get("after"), (2**62, ""))
    rows = portal.db.execute(
        "SELECT id, submitted, email, page_url, answers FROM form_submissions "
        "WHERE form_id = ? AND (submitted, id) < (?, ?) ORDER BY submitted DESC, id DESC LIMIT ?",
        (form[0], at, last, limit + 1),
    ).fetchall()
    results = [
        {
            "conversionId": id_,
            "submittedAt": submitted,
            "values": [
                {"name": name, "value": value, "objectTypeId": "0-1"} for name, value in _answers(email, answers)
            ],
            "pageUrl": page_url,
        }
        for id_, submitted, email, page_url, answers in rows[:limit]
    ]
    body: dict[str, Any] = {"results": results}
    if len(rows) > limit:
        body["paging"] = next_page(request, _token(rows[limit - 1][1], rows[limit - 1][0]))
    return answer(body)


@router.get("/email/events")
async def list_email_events(request: Request) -> Response:
    """Marketing e-mail events between two moments (ms, both included), newest first, at most 1,000 a page."""
    portal = portal_of(request)
    limit = whole(request, "limit", 100, 1_000)
    start = whole(request, "startTimestamp", 0, 2**62, 0)
    end = whole(request, "endTimestamp", 2**62, 2**62, 0)
    at, last = _position(request.query_params.get("offset"), (2**62, ""))
    where = ["created BETWEEN ? AND ?", "(created, id) < (?, ?)"]
    values: list[Any] = [start, end, at, last]
    for parameter, column in (("eventType", "type"), ("recipient", "recipient"), ("campaignId", "campaign_id")):
        wanted = request.query_params.get(parameter)
        if wanted:
            where.append(f"{column} = ?")
            values.append(wanted)
    rows = portal.db.execute(
        f"SELECT {_EVENT} FROM email_events WHERE {' AND '.join(where)} ORDER BY created DESC, id DESC LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    shown = rows[:limit]
    apps = _apps(portal, {row[4] for row in shown if row[4]})
    token = _token(shown[-1][2], shown[-1][0]) if shown else ""
    return answer(
        {
            "hasMore": len(rows) > limit,
            "offset": token,
            "events": [_event(portal, row, apps.get(row[4])) for row in shown],
        }
    )


@router.get("/email/campaigns")
@router.get("/email/campaigns/by-id")
async def list_campaigns(request: Request) -> Response:
    """Ids of e-mail campaigns; details are read one by one."""
    portal = portal_of(request)
    limit = whole(request, "limit", 100, 1_000)
    after = request.query_params.get("offset", "")
    rows = portal.db.execute(
        "SELECT id, app_id, name FROM email_campaigns WHERE id > ? ORDER BY id LIMIT ?", (after, limit + 1)
    ).fetchall()
    shown = rows[:limit]
    return answer(
        {
            "hasMore": len(rows) > limit,
            "offset": shown[-1][0] if shown else "",
            "campaigns": [
                {"id": _as_number(id_), "appId": _as_number(app), "appName": "Batch"} for id_, app, _ in shown
            ],
        }
    )


@router.get("/email/campaigns/{campaign_id}")
async def read_campaign(request: Request, campaign_id: str) -> Response:
    """One e-mail campaign."""
    portal = portal_of(request)
    row = portal.db.execute(
        "SELECT id, app_id, name, subject, type FROM email_campaigns WHERE id = ?", (campaign_id,)
    ).fetchone()
    if row is None:
        raise not_found(f"No e-mail campaign {campaign_id}")
    counters = {
        type_.lower(): count
        for type_, count in portal.db.execute(
            "SELECT type, count(*) FROM email_events WHERE campaign_id = ? GROUP BY type", (campaign_id,)
        )
    }
    id_, app_id, name, subject, type_ = row
    return answer(
        {
            "id": _as_number(id_),
            "appId": _as_number(app_id),
            "name": name,
            "subject": subject,
            "type": type_,
            "counters": counters,
        }
    )


def _find_form(portal: Portal, form_id: str) -> tuple[Any, ...]:
    row = portal.db.execute(f"SELECT {_FORM} FROM forms WHERE id = ?", (form_id,)).fetchone()
    if row is None:
        raise not_found(f"No form with id {form_id}")
    return tuple(row)


def _form(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, name, form_type, field_names, archived, created, updated = row
    return {
        "id": id_,
        "name": name,
        "formType": form_type,
        "createdAt": iso(created),
        "updatedAt": iso(updated),
        "archived": bool(archived),
        "fieldGroups": [
            {"groupType": "default_group", "richTextType": "text", "fields": [_field(field)]}
            for field in orjson.loads(field_names)
        ],
        "configuration": {
            "language": "en",
            "createNewContactForNewEmail": True,
            "editable": True,
            "cloneable": True,
            "archivable": True,
            "allowLinkToResetKnownValues": False,
            "prePopulateKnownValues": True,
            "recaptchaEnabled": False,
            "notifyContactOwner": False,
            "notifyRecipients": [],
            "postSubmitAction": {"type": "thank_you", "value": "Thank you"},
            "lifecycleStages": [],
        },
        "displayOptions": {
            "renderRawHtml": False,
            "theme": "default_style",
            "submitButtonText": "Submit",
            "style": {
                "fontFamily": "arial, helvetica, sans-serif",
                "backgroundWidth": "100%",
                "labelTextColor": "#33475b",
                "labelTextSize": "14px",
                "helpTextColor": "#7C98B6",
                "helpTextSize": "11px",
                "legalConsentTextColor": "#33475b",
                "legalConsentTextSize": "14px",
                "submitColor": "#ff7a59",
                "submitAlignment": "left",
                "submitFontColor": "#ffffff",
                "submitSize": "12px",
            },
        },
        "legalConsentOptions": {"type": "none"},
    }


def _field(name: str) -> dict[str, Any]:
    type_ = _FIELD_TYPES.get(name, "single_line_text")
    field: dict[str, Any] = {
        "objectTypeId": "0-1",
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "required": name == "email",
        "hidden": False,
        "fieldType": type_,
        "dependentFields": [],
    }
    if type_ == "email":
        field["validation"] = {"blockedEmailDomains": [], "useDefaultBlockList": False}
    elif type_ in ("phone", "mobile_phone"):
        field["useCountryCodeSelect"] = False
        field["validation"] = {"minAllowedDigits": 7, "maxAllowedDigits": 20}
    return field


def _answers(email: str | None, answers: str | None) -> list[tuple[str, str]]:
    given: dict[str, Any] = orjson.loads(answers) if answers else {}
    if email is not None and "email" not in given:
        given = {"email": email, **given}
    return [(name, str(value)) for name, value in given.items() if value is not None]


def _event(portal: Portal, row: tuple[Any, ...], app_id: str | None) -> dict[str, Any]:
    id_, type_, created, recipient, campaign_id, url, machine, status = row
    event: dict[str, Any] = {
        "id": id_,
        "type": type_,
        "created": created,
        "recipient": recipient,
        "portalId": portal.options.portal_id,
    }
    if campaign_id is not None:
        event["emailCampaignId"] = _as_number(campaign_id)
        event["appId"] = _as_number(app_id) if app_id is not None else 0
    if type_ in ("OPEN", "CLICK"):
        event["filteredEvent"] = bool(machine)
    if url is not None:
        event["url"] = url
    if status is not None:
        event["portalSubscriptionStatus"] = status
        event["source"] = "SOURCE_RECIPIENT"
    return event


def _apps(portal: Portal, campaign_ids: set[str]) -> dict[str, str]:
    marks = ",".join("?" * len(campaign_ids))
    return dict(portal.db.execute(f"SELECT id, app_id FROM email_campaigns WHERE id IN ({marks})", tuple(campaign_ids)))


def _as_number(text: str | None) -> int | str | None:
    """Ids of this older API are numbers in its JSON."""
    return int(text) if text is not None and text.isdigit() else text


def _token(at: int, last: str) -> str:
    return base64.urlsafe_b64encode(f"{at}:{last}".encode()).decode()


def _position(token: str | None, start: tuple[int, str]) -> tuple[int, str]:
    if not token:
        return start
    try:
        at, _, last = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        return int(at), last
    except (ValueError, binascii.Error):
        raise validation_error(f"{token!r} is not a page token of this endpoint") from None
