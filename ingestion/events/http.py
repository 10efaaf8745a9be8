"""HTTP requests of trackers, parsed by content: pure, bytes in, rows and rejects out.

Libraries do not agree on how they send: browsers send JSON as ``text/plain`` to avoid a preflight, some send gzip named
as a form. So neither ``Content-Type`` nor ``Content-Encoding`` is trusted; the bytes decide.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson

from ingestion.errors import RecordRefused
from ingestion.events.messages import Message, complete, message_id_of, row_of
from ingestion.events.rows import Parsed, mapping, reject_of, text

#: An unpacked body may not be larger than this (bytes): a small gzip bomb must not fill the memory.
MAX_BODY_BYTES = 64 * 1024 * 1024
_SEGMENT_TYPES = {
    "t": "track", "i": "identify", "p": "page", "g": "group", "s": "screen", "a": "alias",
    "track": "track", "identify": "identify", "page": "page", "group": "group", "screen": "screen", "alias": "alias",
}  # fmt: skip
_POSTHOG_PATHS = ("/batch", "/capture", "/e", "/i/v0/e", "/track", "/engage")


@dataclass(frozen=True)
class Request:
    """A tracker's request. ``path`` carries the query string; ``body`` is what came, packed or not."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def parse_request(request: Request, received_at: datetime | None = None) -> Parsed:
    """Every event of one request, of whichever tracker; one bad event never costs the good ones beside it.

    Args:
        request: as it came.
        received_at: when it came (UTC, without a zone); None for a replayed capture without that knowledge.
    """
    parsed = Parsed()
    try:
        messages = messages_of(request)
    except RecordRefused as refused:
        parsed.rejects.append(reject_of(refused, request.body))
        return parsed
    for message in messages:
        try:
            row = row_of(message.tracker, message.event, received_at)
        except RecordRefused as refused:
            record_id = message_id_of(message.tracker, mapping(message.event))
            parsed.rejects.append(reject_of(refused, message.event, message.number, record_id))
        else:
            parsed.rows.append({**row, "_source_row": message.number})
    return parsed


def messages_of(request: Request, max_bytes: int = MAX_BODY_BYTES) -> list[Message]:
    """The events of one request, each complete in itself, not yet checked.

    Args:
        request: as it came.
        max_bytes: an unpacked body may not be larger.

    Raises:
        RecordRefused: ``empty_batch``, and those of :func:`decode_body`.
    """
    if is_pixel(request):
        fields = dict(parse_qsl(urlsplit(request.path).query))
        return [Message("snowplow", complete("snowplow", fields, user_agent=_agent_of(request)), 1)]
    return messages_in(request, decode_body(request.body, max_bytes))


def is_pixel(request: Request) -> bool:
    """Whether the event is in the address (Snowplow's ``GET /i``)."""
    where = urlsplit(request.path)
    return where.path.rstrip("/").endswith("/i") and not request.body and "e=" in where.query


def messages_in(request: Request, body: Any) -> list[Message]:
    """The events of a request whose body is decoded.

    Raises:
        RecordRefused: ``empty_batch``.
    """
    path = urlsplit(request.path).path.rstrip("/") or "/"
    envelope = mapping(body)
    events = envelope.get("batch") if "batch" in envelope else body
    hints: dict[str, Any] = {"user_agent": _agent_of(request)}
    if path.endswith("/tp2") or str(envelope.get("schema", "")).startswith("iglu:com.snowplowanalytics"):
        tracker, events = "snowplow", envelope.get("data")
    elif _is_posthog(path, body):
        tracker = "posthog"
        hints["sent_at"] = envelope.get("sent_at") or envelope.get("sentAt")
    else:
        tracker = "segment"
        hints["kind"] = _SEGMENT_TYPES.get(path.rsplit("/", 1)[-1])
        hints["sent_at"] = (envelope.get("sentAt") or envelope.get("timestamp")) if "batch" in envelope else None
    if events is None or (isinstance(events, list) and not events):
        raise RecordRefused("batch", "empty_batch", "the request holds no event")
    return [
        Message(tracker, complete(tracker, event, **hints), number)
        for number, event in enumerate(events if isinstance(events, list) else [events], start=1)
    ]


def _agent_of(request: Request) -> str | None:
    return next((value for name, value in request.headers.items() if name.lower() == "user-agent"), None)


def _is_posthog(path: str, body: Any) -> bool:
    events = mapping(body).get("batch", body)
    first = mapping(events[0] if isinstance(events, list) and events else events)
    if first.get("messageId") or text(first.get("type")) in segment_types():
        return False
    return (
        "distinct_id" in first
        or "distinct_id" in mapping(first.get("properties"))
        or (path in _POSTHOG_PATHS and "api_key" in mapping(body))
    )


def segment_types() -> frozenset[str]:
    """The message types of the Segment spec."""
    return frozenset(_SEGMENT_TYPES.values())


def decode_body(body: bytes, max_bytes: int = MAX_BODY_BYTES) -> Any:
    """The JSON of a request body: unpacked if it is gzip, taken out of a form field ``data`` if it is a form.

    Raises:
        RecordRefused: ``invalid_gzip``, ``body_too_large``, ``invalid_json``.
    """
    if body[:2] == b"\x1f\x8b":
        body = _gunzip(body, max_bytes)
    stripped = body.strip()
    if stripped.startswith((b"data=", b"compression=")):
        try:
            stripped = parse_qs(stripped.decode("ascii"))["data"][0].encode()
        except (UnicodeDecodeError, KeyError) as error:
            raise RecordRefused("body", "invalid_json", "a form without a readable field called data") from error
    if stripped[:1] not in (b"{", b"[", b"") and not stripped[:1].isspace():
        try:
            unwrapped = base64.b64decode(stripped, validate=True)
            stripped = _gunzip(unwrapped, max_bytes) if unwrapped[:2] == b"\x1f\x8b" else unwrapped
        except binascii.Error:
            pass  # not base64: the JSON parser below says what is wrong with the text itself
    try:
        return orjson.loads(stripped)
    except orjson.JSONDecodeError as error:
        raise RecordRefused("body", "invalid_json", f"is not JSON: {error}") from error


def _gunzip(packed: bytes, max_bytes: int) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(packed, max_bytes)
        if unpacker.unconsumed_tail:
            raise RecordRefused("body", "body_too_large", f"unpacks to more than {max_bytes} bytes")
        if not unpacker.eof:
            raise RecordRefused("body", "invalid_gzip", "the gzip data stops before its end")
        return data
    except (zlib.error, gzip.BadGzipFile) as error:
        raise RecordRefused("body", "invalid_gzip", f"is not gzip: {error}") from error


def captured_request(capture: Mapping[str, Any]) -> Request:
    """A request kept as JSON: ``{"method", "path", "headers", "body"}``, ``body`` being text or the decoded JSON.

    Raises:
        RecordRefused: ``not_a_capture``: a key is missing.
    """
    if not isinstance(capture.get("path"), str) or not isinstance(capture.get("method"), str):
        raise RecordRefused("path", "not_a_capture", "a captured request has the keys method, path, headers and body")
    body = capture.get("body")
    if body is None:
        data = b""
    elif isinstance(body, str):
        data = body.encode()
    else:
        data = orjson.dumps(body)
    return Request(capture["method"], capture["path"], dict(mapping(capture.get("headers"))), data)
