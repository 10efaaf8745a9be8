"""HTTP requests of trackers, parsed by content: pure, bytes in, rows and rejects out.

Libraries do not agree on how they send: browsers send JSON as ``text/plain`` to avoid a preflight, some send gzip named
as a form. So neither ``Content-Type`` nor ``Content-Encoding`` is trusted; the bytes decide.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson

from ingestion.errors import RecordRefused
from ingestion.events import posthog, segment, snowplow
from ingestion.events.rows import Parsed, Row, mapping, reject_of, text

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
    where = urlsplit(request.path)
    path = where.path.rstrip("/") or "/"
    parsed = Parsed()
    try:
        if path.endswith("/i") and not request.body and "e=" in where.query:
            pixel = dict(parse_qsl(where.query))
            _take(parsed, [pixel], lambda one: snowplow.parse_event(one, received_at=received_at))
            return parsed
        body = decode_body(request.body)
    except RecordRefused as refused:
        parsed.rejects.append(reject_of(refused, request.body))
        return parsed
    agent = {name.lower(): value for name, value in request.headers.items()}.get("user-agent")
    _dispatch(parsed, path, body, received_at)
    for row in parsed.rows:
        # Server-side libraries name themselves in the header: only a browser's agent says something on the visitor.
        if row.get("user_agent") is None and agent and agent.startswith("Mozilla/"):
            row["user_agent"] = agent
    return parsed


def _dispatch(parsed: Parsed, path: str, body: Any, received_at: datetime | None) -> None:
    envelope = mapping(body)
    if path.endswith("/tp2") or str(envelope.get("schema", "")).startswith("iglu:com.snowplowanalytics"):
        events = envelope.get("data")
        _take(parsed, events, lambda one: snowplow.parse_event(one, received_at=received_at), body)
    elif _is_posthog(path, body):
        sent_at = envelope.get("sent_at") or envelope.get("sentAt")
        events = envelope.get("batch") if "batch" in envelope else body
        _take(parsed, events, lambda one: posthog.parse_event(one, sent_at=sent_at, received_at=received_at), body)
    else:
        hint = _SEGMENT_TYPES.get(path.rsplit("/", 1)[-1])
        sent_at = (envelope.get("sentAt") or envelope.get("timestamp")) if "batch" in envelope else None
        events = envelope.get("batch") if "batch" in envelope else body

        def parse(one: Any) -> Row:
            return segment.parse_message(one, type_hint=hint, sent_at=sent_at, received_at=received_at)

        _take(parsed, events, parse, body)


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


def _take(parsed: Parsed, events: Any, parse: Callable[[Any], Row], body: Any = None) -> None:
    """Parses each event of a list (or a single one); the others of a batch survive a bad one."""
    if events is None or (isinstance(events, list) and not events):
        refused = RecordRefused("batch", "empty_batch", "the request holds no event")
        parsed.rejects.append(reject_of(refused, body))
        return
    for number, event in enumerate(events if isinstance(events, list) else [events], start=1):
        try:
            parsed.rows.append({**parse(event), "_source_row": number})
        except RecordRefused as refused:
            fields = mapping(event)
            record_id = text(fields.get("messageId")) or text(fields.get("eid")) or text(fields.get("uuid"))
            parsed.rejects.append(reject_of(refused, event, number, record_id))


def decode_body(body: bytes) -> Any:
    """The JSON of a request body: unpacked if it is gzip, taken out of a form field ``data`` if it is a form.

    Raises:
        RecordRefused: ``invalid_gzip``, ``body_too_large``, ``invalid_json``.
    """
    if body[:2] == b"\x1f\x8b":
        body = _gunzip(body)
    stripped = body.strip()
    if stripped.startswith((b"data=", b"compression=")):
        try:
            stripped = parse_qs(stripped.decode("ascii"))["data"][0].encode()
        except (UnicodeDecodeError, KeyError) as error:
            raise RecordRefused("body", "invalid_json", "a form without a readable field called data") from error
    if stripped[:1] not in (b"{", b"[", b"") and not stripped[:1].isspace():
        try:
            unwrapped = base64.b64decode(stripped, validate=True)
            stripped = _gunzip(unwrapped) if unwrapped[:2] == b"\x1f\x8b" else unwrapped
        except binascii.Error:
            pass  # not base64: the JSON parser below says what is wrong with the text itself
    try:
        return orjson.loads(stripped)
    except orjson.JSONDecodeError as error:
        raise RecordRefused("body", "invalid_json", f"is not JSON: {error}") from error


def _gunzip(packed: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(packed, MAX_BODY_BYTES)
        if unpacker.unconsumed_tail:
            raise RecordRefused("body", "body_too_large", f"unpacks to more than {MAX_BODY_BYTES} bytes")
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
