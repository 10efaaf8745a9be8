"""What a request holds, before anything is kept: the key it presents, its good events and its bad ones. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ingestion.errors import RecordRefused
from ingestion.events.http import Request
from ingestion.events.messages import Message, message_id_of, row_of
from ingestion.events.rows import encoded, mapping, reject_of, text
from instant.inbox import NewEvent, RefusedEvent

#: Where libraries put the key into the body.
_KEY_FIELDS = ("writeKey", "api_key", "token")


@dataclass
class Sorted:
    """The events of one request. ``told`` says of each refused one, to its sender, which it was and why."""

    events: list[NewEvent] = field(default_factory=list)
    refused: list[RefusedEvent] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)


def presented_key(request: Request, body: object = None) -> str | None:
    """The write key of a request: ``X-Write-Key``, Basic authentication (the user's name), ``?writeKey=``, the body's
    ``writeKey`` or ``api_key``, its first event's, or Snowplow's app id (``aid``); the first that is there.

    Snowplow's trackers know no write key: their app id takes its place.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = parse_qs(urlsplit(request.path).query)
    envelope = mapping(body)
    events = envelope.get("batch") or envelope.get("data") or body
    first = mapping(events[0] if isinstance(events, list) and events else events)
    found = [
        headers.get("x-write-key"),
        _basic_user(headers.get("authorization", "")),
        next(iter(query.get("writeKey", [])), None),
        *(text(envelope.get(name)) for name in _KEY_FIELDS),
        *(text(first.get(name)) for name in _KEY_FIELDS),
        text(first.get("aid")),
        next(iter(query.get("aid", [])), None),
    ]
    return next((key for key in found if key), None)


def _basic_user(header: str) -> str | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace").partition(":")[0] or None
    except (binascii.Error, ValueError):
        return None


def sort_events(source: str, messages: Sequence[Message], received_at: datetime, max_event_bytes: int) -> Sorted:
    """Each event checked by the conversion that ingestion will use; a bad one never costs the good ones beside it."""
    found = Sorted()
    for message in messages:
        try:
            row = row_of(message.tracker, message.event, received_at)
            # The conversion takes objects only. The key has done its work and is nobody's data.
            content = encoded({name: value for name, value in mapping(message.event).items() if name != "writeKey"})
            if len(content) > max_event_bytes:
                raise RecordRefused(
                    "", "event_too_large", f"the event has {len(content)} bytes; at most {max_event_bytes} are taken"
                )
        except RecordRefused as refused:
            record_id = message_id_of(message.tracker, mapping(message.event))
            refuse(found, source, refused, message.event, received_at, number=message.number, record_id=record_id)
        else:
            found.events.append(NewEvent(source, message.tracker, row["message_id"], received_at, content))
    return found


def refuse(
    found: Sorted,
    source: str,
    refused: RecordRefused,
    record: object,
    received_at: datetime,
    *,
    number: int | None = None,
    record_id: str | None = None,
) -> None:
    """Sets one event apart, and says so to its sender."""
    reject = reject_of(refused, record, number, record_id)
    found.refused.append(
        RefusedEvent(
            source, received_at, reject.field, reject.reason_code, reject.reason, reject.record, reject.record_id
        )
    )
    where: Mapping[str, Any] = {} if number is None else {"index": number - 1, "messageId": record_id}
    found.told.append({**where, "field": reject.field, "code": reject.reason_code, "reason": reject.reason[:500]})
