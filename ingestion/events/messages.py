"""One event of any tracker, complete in itself, and the one conversion of it into a row.

What only the request around an event tells (the type that its address implies, when it was sent, the browser) is put
into the event by :func:`complete`. So an event that is kept for later, in the inbox, becomes the same row as one that
is converted at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from ingestion.errors import RecordRefused
from ingestion.events import posthog, segment, snowplow
from ingestion.events.rows import Row, derived_id, encoded, mapping, text

#: The spec that an event is written in. Segment's is spoken by RudderStack and Jitsu too.
TRACKERS = ("segment", "snowplow", "posthog")
#: Where an event says its own id, first one first.
_IDS = {"segment": ("messageId",), "snowplow": ("eid",), "posthog": ("uuid",)}


@dataclass(frozen=True)
class Message:
    """One event of a request. ``event`` is an object when it is well-formed, whatever was sent otherwise; ``number`` is
    its place in the request, from 1."""

    tracker: str
    event: object
    number: int


def row_of(tracker: str, event: object, received_at: datetime | None = None) -> Row:
    """An event as a row of ``raw_events.events`` (without lineage): what files, captured requests and the inbox share.

    Args:
        tracker: one of ``TRACKERS``.
        event: as it came, or as :func:`complete` made it; the row is the same but for what only the request told.
        received_at: when our endpoint took it (UTC, without a zone).

    Raises:
        RecordRefused: see ``parse_message`` and ``parse_event`` of the tracker's module.
    """
    if tracker == "segment":
        return segment.parse_message(event, received_at=received_at)
    if tracker == "snowplow":
        return snowplow.parse_event(event, received_at=received_at)
    return posthog.parse_event(event, received_at=received_at)


def message_id_of(tracker: str, event: Mapping[str, Any]) -> str | None:
    """The id that an event bears itself; PostHog's older libraries put it into the properties."""
    found = next((text(event[name]) for name in _IDS[tracker] if text(event.get(name))), None)
    if found is None and tracker == "posthog":
        return text(mapping(event.get("properties")).get("$insert_id"))
    return found


def complete(
    tracker: str, event: object, *, kind: str | None = None, sent_at: object = None, user_agent: str | None = None
) -> object:
    """The event with an id, and with what the request said of it; as it came when it is no object.

    Args:
        tracker: one of ``TRACKERS``.
        event: as it came.
        kind: the type that the request's address implies.
        sent_at: when the request says it was sent.
        user_agent: the request's header. Server-side libraries name themselves there: only a browser's says something
            about the visitor.
    """
    if not isinstance(event, Mapping):
        return event
    whole = dict(event)
    agent = user_agent if user_agent and user_agent.startswith("Mozilla/") else None
    if message_id_of(tracker, whole) is None:
        # Segment's by the message as it came, the others' by its fields in their order: as their modules do.
        option = None if tracker == "segment" else orjson.OPT_SORT_KEYS
        try:
            whole[_IDS[tracker][0]] = derived_id(encoded(whole, option))
        except RecordRefused:
            return whole  # nested too deeply: the conversion refuses it with this reason
    if tracker == "segment":
        if kind and not text(whole.get("type")):
            whole["type"] = kind
        if sent_at and not (whole.get("timestamp") or whole.get("originalTimestamp") or whole.get("sentAt")):
            whole["timestamp"] = sent_at
        context = mapping(whole.get("context"))
        if agent and text(context.get("userAgent")) is None:
            whole["context"] = {**context, "userAgent": agent}
    elif tracker == "snowplow":
        if agent and text(whole.get("ua")) is None:
            whole["ua"] = agent
    else:
        properties = mapping(whole.get("properties"))
        if sent_at and not (whole.get("timestamp") or properties.get("$sent_at")):
            whole["timestamp"] = sent_at
        if agent and not (text(properties.get("$raw_user_agent")) or text(properties.get("$user_agent"))):
            whole["$user_agent"] = agent
    return whole
