"""Segment-spec messages: Segment's own libraries, RudderStack and Jitsu (which speak the same spec).

Spec: https://segment.com/docs/connections/spec/ (common fields, track, identify, page, screen, group, alias).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingestion.errors import RecordRefused
from ingestion.events.rows import Row, derived_id, encoded, finished, json_text, mapping, text, whole_seconds
from ingestion.values import moment, optional_moment


def tracker_of(message: Mapping[str, Any], library: str | None) -> str:
    """Which tracker sent a Segment-spec message, by its library's name (RudderStack's messages carry ``channel``)."""
    name = (library or "").lower()
    if "jitsu" in name:
        return "jitsu"
    if (
        "rudder" in name
        or (message.get("channel") and "originalTimestamp" in message)
        or (name == "analytics-python" and message.get("channel"))
    ):
        return "rudderstack"
    return "segment"


def parse_message(
    message: object,
    *,
    type_hint: str | None = None,
    sent_at: object = None,
    received_at: datetime | None = None,
    content: bytes | None = None,
) -> Row:
    """One Segment-spec message as a row of ``raw_events.events`` (without lineage).

    Args:
        message: the decoded JSON object.
        type_hint: the type that the address of the request implies, for a message without one.
        sent_at: the batch's own ``timestamp`` or ``sentAt``, for a message without a moment of its own.
        received_at: when our endpoint took it (UTC, without a zone); also the last resort for the event's moment.
        content: the message's bytes if at hand, for a derived id when ``messageId`` is missing.

    Raises:
        RecordRefused: ``malformed_json``, ``invalid_timestamp``, and those of ``rows.finished``.
    """
    if not isinstance(message, Mapping):
        raise RecordRefused("", "malformed_json", f"a message is a JSON object, not {type(message).__name__}")
    context = mapping(message.get("context"))
    page = mapping(context.get("page"))
    campaign = mapping(context.get("campaign"))
    properties = mapping(message.get("properties"))
    traits = mapping(message.get("traits")) or mapping(context.get("traits"))
    kind = text(message.get("type")) or type_hint
    when = message.get("timestamp") or message.get("originalTimestamp") or message.get("sentAt") or sent_at
    on_page = properties if kind == "page" else page
    kept = properties
    if kind in ("page", "screen"):
        named = {key: message[key] for key in ("name", "category") if message.get(key) and key not in properties}
        kept = {**properties, **named} if named else properties
    anonymous_id = text(message.get("anonymousId"))
    if kind == "alias":
        anonymous_id = anonymous_id or text(message.get("previousId"))
    user_id = text(message.get("userId"))
    row: Row = {
        "message_id": text(message.get("messageId")) or derived_id(content or encoded(message)),
        "type": kind,
        "event": text(message.get("event")),
        "user_id": user_id,
        "anonymous_id": anonymous_id,
        "group_id": text(message.get("groupId")) or text(context.get("groupId")),
        "email": text(traits.get("email")) or text(properties.get("email")) or _if_email(user_id),
        "event_at": moment(when, "timestamp") if when else received_at,
        "received_at": optional_moment(message.get("receivedAt")) or received_at,
        "page_url": text(on_page.get("url")) or text(page.get("url")),
        "page_path": text(on_page.get("path")) or text(page.get("path")),
        "page_title": text(on_page.get("title")) or text(page.get("title")),
        "referrer": text(on_page.get("referrer")) or text(page.get("referrer")),
        "utm_source": text(campaign.get("source")),
        "utm_medium": text(campaign.get("medium")),
        "utm_campaign": text(campaign.get("name")) or text(campaign.get("campaign")),
        "utm_content": text(campaign.get("content")),
        "utm_term": text(campaign.get("term")),
        "click_id_kind": None,
        "dwell_seconds": whole_seconds(properties.get("dwell_seconds")),
        "user_agent": text(context.get("userAgent")),
        "ip": text(context.get("ip")),
        "locale": text(context.get("locale")),
        "tracker": tracker_of(message, text(mapping(context.get("library")).get("name"))),
        "properties": json_text(kept),
        "traits": json_text(traits),
    }
    return finished(row)


def _if_email(user_id: str | None) -> str | None:
    """Many sites use the e-mail address as the user's id."""
    return user_id if user_id and "@" in user_id and " " not in user_id else None
