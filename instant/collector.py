"""The collector: requests of trackers and webhooks in, events into the inbox, an answer when they are on disk.

What is answered (docs/instant.md says what each client makes of it):

======  ================================================================================================
200     every event, or at least one, is kept (or was before); the bad ones are named in the answer
400     not one event could be taken; each is in the quarantine with its reason
401     no write key, or one that is not in use; nothing is kept
403     the key may not be used from this web page
413     larger than the key allows (422 for Snowplow's trackers, which would send a 413 again for ever)
429     more than the key allows; ``Retry-After`` says when
503     the inbox does not take it: send it again
======  ================================================================================================
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from fastapi import Request as HttpRequest
from fastapi import Response
from starlette.requests import ClientDisconnect

from ingestion.errors import RecordRefused
from ingestion.events.http import Request, decode_body, is_pixel, messages_in, messages_of
from instant.errors import InboxUnavailable
from instant.hubspot_webhooks import notice_of, verify
from instant.inbox import HUBSPOT, Inbox, NewEvent, utc_now
from instant.keys import KeyRing, KeyStore, WriteKey
from instant.limits import RateLimits
from instant.metrics import SIZE_BOUNDS, Metrics
from instant.receiving import Sorted, presented_key, refuse, sort_events
from leadhouse.settings import Settings

_log = logging.getLogger(__name__)

#: A transparent image of one pixel.
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
#: Seconds after which a client should try again what the inbox did not take.
RETRY_AFTER = 5
#: Seconds after which a commit that has not come is called off as an answer (the events may still be kept).
PATIENCE = 30.0
#: Seconds for which a failed append counts when nothing has come since.
FAILED_SECONDS = 30.0


@dataclass(frozen=True)
class Limits:
    """What the settings allow a key that has no limits of its own."""

    max_body_bytes: int = 1_048_576
    max_event_bytes: int = 65_536
    events_per_second: int = 5_000


class _Refusal(Exception):
    """The request as a whole is answered with ``status``."""

    def __init__(self, status: int, code: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason, self.retry_after = status, code, reason, retry_after


class Collector:
    """Takes requests for one inbox. :meth:`close` it.

    Args:
        url: of the inbox (see :class:`Inbox`).
        limits: of keys without their own.
        hubspot_secret: client secret of the app whose webhooks are taken; None: none are.
        public_url: the collector's address as the world knows it; None: the one that was called.

    Raises:
        InboxError: the inbox cannot be opened.
        InboxUnavailable: the inbox cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        limits: Limits | None = None,
        hubspot_secret: str | None = None,
        public_url: str | None = None,
    ) -> None:
        self.metrics = Metrics()
        _describe(self.metrics)
        self.inbox = Inbox(url, on_commit=self._committed)
        self.keys = KeyRing(KeyStore(self.inbox))
        self.limits = limits or Limits()
        self._rates = RateLimits()
        self._hubspot_secret = hubspot_secret
        self._public_url = public_url.rstrip("/") if public_url else None

    @classmethod
    def of(cls, settings: Settings) -> Collector:
        """The collector of an installation."""
        secret = settings.hubspot_webhook_secret
        return cls(
            settings.inbox_store_url,
            limits=Limits(
                settings.collect_max_body_bytes, settings.collect_max_event_bytes, settings.collect_events_per_second
            ),
            hubspot_secret=(secret.get_secret_value() or None) if secret else None,
            public_url=str(settings.collect_public_url) if settings.collect_public_url else None,
        )

    def close(self) -> None:
        """Commits what waits and closes the inbox."""
        self.inbox.close()

    # -- trackers ----------------------------------------------------------------------------------------------------

    async def take(self, http: HttpRequest, endpoint: str) -> Response:
        """Takes a request of a tracker. ``endpoint``: ``segment``, ``snowplow``, ``pixel``, ``posthog``, ``jitsu``."""
        started = time.monotonic()
        try:
            response = await self._take(http, endpoint)
        except _Refusal as refusal:
            response = _refused(refusal, endpoint)
        except InboxUnavailable as error:
            response = _unavailable(error, endpoint)
        response.headers.update(cross_origin(http))
        self.metrics.count("leadhouse_collect_requests_total", endpoint=endpoint, status=str(response.status_code))
        self.metrics.observe("leadhouse_collect_seconds", time.monotonic() - started, endpoint=endpoint)
        return response

    async def _take(self, http: HttpRequest, endpoint: str) -> Response:
        await self._refresh_keys()
        raw_key = presented_key(_request(http, b""))
        known = self.keys.find(raw_key) if raw_key else None
        most = self._most_bytes(known) if known else self._most_anywhere()
        request = _request(http, await _read(http, most))
        received_at = utc_now()
        body: Any = None
        broken: RecordRefused | None = None
        try:
            if not is_pixel(request):
                body = decode_body(request.body, most)
        except RecordRefused as error:
            broken = error
        key = self._authorised(http, request, body)
        if (broken is not None and broken.reason_code == "body_too_large") or len(request.body) > self._most_bytes(key):
            raise _Refusal(413, "body_too_large", f"at most {self._most_bytes(key)} bytes are taken")
        found = Sorted()
        if broken is None:
            try:
                messages = messages_of(request) if is_pixel(request) else messages_in(request, body)
                self._keep_to_rate(key, len(messages))
                found = sort_events(key.name, messages, received_at, self.limits.max_event_bytes)
            except RecordRefused as error:
                broken = error
        if broken is not None:
            self._keep_to_rate(key, 1)
            refuse(found, key.name, broken, request.body, received_at)
        duplicates = await self._keep(key.name, found)
        return _answer(endpoint, found, duplicates)

    async def _refresh_keys(self) -> None:
        if self.keys.is_stale:
            await asyncio.to_thread(self.keys.refresh)

    def _authorised(self, http: HttpRequest, request: Request, body: object) -> WriteKey:
        presented = presented_key(request, body)
        if presented is None:
            raise _Refusal(
                401, "missing_write_key", "no write key: name it in Basic authentication, X-Write-Key or writeKey"
            )
        key = self.keys.find(presented)
        if key is None:
            raise _Refusal(401, "unknown_write_key", "this write key is not in use")
        origin = http.headers.get("origin")
        if key.origins and origin is not None and origin not in key.origins:
            raise _Refusal(403, "origin_not_allowed", f"this write key may not be used by pages of {origin[:200]}")
        return key

    def _most_bytes(self, key: WriteKey) -> int:
        return key.max_body_bytes or self.limits.max_body_bytes

    def _most_anywhere(self) -> int:
        """Whose request it is may stand in its body."""
        return max([self.limits.max_body_bytes, *(self._most_bytes(key) for key in self.keys.keys)])

    def _keep_to_rate(self, key: WriteKey, events: int) -> None:
        wait = self._rates.take(key.name, events, key.events_per_second or self.limits.events_per_second)
        if wait:
            raise _Refusal(429, "too_many_events", f"{key.name} sends more than its key allows", wait)

    async def _keep(self, source: str, found: Sorted) -> int:
        future = self.inbox.submit(found.events, found.refused)
        try:
            appended = await asyncio.wait_for(asyncio.wrap_future(future), PATIENCE)
        except TimeoutError as error:
            raise InboxUnavailable(f"the inbox has not committed within {PATIENCE:.0f} seconds") from error
        outcomes = {
            "accepted": appended.accepted,
            "duplicate": appended.duplicates,
            "refused": len(found.refused),
        }
        for outcome, number in outcomes.items():
            if number:
                self.metrics.count("leadhouse_collect_events_total", number, source=source, outcome=outcome)
        return appended.duplicates

    # -- HubSpot -----------------------------------------------------------------------------------------------------

    async def take_webhook(self, http: HttpRequest) -> Response:
        """Takes a call of HubSpot's webhooks, once its signature holds."""
        try:
            response = await self._take_webhook(http)
        except _Refusal as refusal:
            response = _refused(refusal, HUBSPOT)
        except InboxUnavailable as error:
            response = _unavailable(error, HUBSPOT)
        self.metrics.count("leadhouse_collect_requests_total", endpoint=HUBSPOT, status=str(response.status_code))
        return response

    async def _take_webhook(self, http: HttpRequest) -> Response:
        if self._hubspot_secret is None:
            raise _Refusal(
                404, "not_configured", "no webhooks are taken here: LEADHOUSE_HUBSPOT_WEBHOOK_SECRET is not set"
            )
        body = await _read(http, self.limits.max_body_bytes)
        request = _request(http, body)
        base = self._public_url or f"{http.url.scheme}://{http.url.netloc}"
        received_at = utc_now()
        why = verify(
            self._hubspot_secret, http.method, base + request.path, body, _lowered(request.headers), received_at
        )
        if why is not None:
            raise _Refusal(401, "bad_signature", why)
        found = Sorted()
        try:
            notices = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            refuse(found, HUBSPOT, RecordRefused("body", "invalid_json", f"is not JSON: {error}"), body, received_at)
            notices = []
        for number, one in enumerate(notices if isinstance(notices, list) else [notices], start=1):
            try:
                notice = notice_of(one)
            except RecordRefused as refused:
                refuse(found, HUBSPOT, refused, one, received_at, number=number)
            else:
                content = orjson.dumps(notice)
                found.events.append(NewEvent(HUBSPOT, HUBSPOT, notice["noticeId"], received_at, content))
        duplicates = await self._keep(HUBSPOT, found)
        return _answer(HUBSPOT, found, duplicates)

    async def library_settings(self, http: HttpRequest, write_key: str) -> Response:
        """What Segment's browser library needs to know to send here."""
        await self._refresh_keys()
        if self.keys.find(write_key) is None:
            return _refused(_Refusal(404, "unknown_write_key", "this write key is not in use"), "segment")
        scheme, host = host_of(http, self._public_url)
        segment = {"apiKey": write_key, "apiHost": f"{host}/v1", "protocol": scheme}
        content = {"integrations": {"Segment.io": segment}, "plan": {}, "metrics": {"sampleRate": 0}}
        return Response(orjson.dumps(content), media_type="application/json", headers=cross_origin(http))

    # -- how it stands -----------------------------------------------------------------------------------------------

    async def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Whether events can be kept now (a row is written to see), and what is known of the inbox."""
        state: dict[str, Any] = {"inbox": "ok", "waiting": self.inbox.waiting}
        try:
            await asyncio.wait_for(asyncio.wrap_future(self.inbox.probe()), PATIENCE)
            await self._refresh_keys()
        except InboxUnavailable as error:
            state["inbox"] = str(error)
        except TimeoutError:
            state["inbox"] = f"has not committed within {PATIENCE:.0f} seconds"
        failure = self.inbox.recent_failure(FAILED_SECONDS)
        if failure is not None and state["inbox"] == "ok":
            state["inbox"] = failure
        state["write_keys"] = len(self.keys.keys)
        state["hubspot_webhooks"] = self._hubspot_secret is not None
        return state["inbox"] == "ok", state

    def metrics_text(self) -> str:
        """The numbers of this process, for Prometheus."""
        self.metrics.set("leadhouse_inbox_waiting_events", self.inbox.waiting)
        return self.metrics.text()

    def _committed(self, seconds: float, events: int) -> None:
        self.metrics.observe("leadhouse_inbox_commit_seconds", seconds)
        self.metrics.observe("leadhouse_inbox_commit_events", events, SIZE_BOUNDS)


def cross_origin(http: HttpRequest) -> dict[str, str]:
    """Headers by which a browser lets a page of another origin send here. Nothing is read by cookie, so any may.

    Snowplow's tracker sends with credentials: the origin has to be named, ``*`` would not do.
    """
    origin = http.headers.get("origin")
    if origin is None:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}


def preflight(http: HttpRequest) -> Response:
    """The answer to a browser that asks before it sends."""
    asked = http.headers.get("access-control-request-headers")
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": asked or "Content-Type, Authorization, X-Write-Key, SP-Anonymous",
        "Access-Control-Max-Age": "7200",
    }
    return Response(status_code=204, headers={**cross_origin(http), **allowed})


def _answer(endpoint: str, found: Sorted, duplicates: int) -> Response:
    status = 200 if found.events or not found.refused else 400
    if endpoint == "pixel" and status == 200:
        return Response(PIXEL, media_type="image/gif", headers={"Cache-Control": "no-store"})
    content: dict[str, Any] = {"success": status == 200}
    if status == 400:
        first = found.told[0]
        content |= {"code": first["code"], "message": f"no event could be taken; the first: {first['reason']}"}
    if endpoint == "posthog":
        content["status"] = int(status == 200)
    if found.refused or duplicates:
        content |= {"accepted": len(found.events) - duplicates, "duplicates": duplicates, "refused": found.told[:100]}
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def _unavailable(error: InboxUnavailable, endpoint: str) -> Response:
    # Where the inbox is and what ails it is for the log and for /readyz, not for whoever sends.
    _log.warning("503: %s", error)
    words = "events cannot be kept at the moment; send them again"
    return _refused(_Refusal(503, "inbox_unavailable", words, RETRY_AFTER), endpoint)


def _refused(refusal: _Refusal, endpoint: str) -> Response:
    # Code and message are what Segment's libraries show of an answer that is no success.
    content = {"success": False, "code": refusal.code, "message": refusal.reason}
    headers = {} if refusal.retry_after is None else {"Retry-After": str(max(1, round(refusal.retry_after + 0.5)))}
    status = 422 if refusal.status == 413 and endpoint in ("snowplow", "pixel") else refusal.status
    return Response(orjson.dumps(content), status_code=status, media_type="application/json", headers=headers)


async def _read(http: HttpRequest, most: int) -> bytes:
    """The body, as long as it is not too large: not a byte more is held in memory."""
    too_large = _Refusal(413, "body_too_large", f"at most {most} bytes are taken")
    length = http.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and len(length) < 20 and int(length) > most:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async for part in http.stream():
            size += len(part)
            if size > most:
                raise too_large
            parts.append(part)
    except ClientDisconnect as error:
        raise _Refusal(400, "disconnected", "the client went away before it had sent everything") from error
    return b"".join(parts)


def _request(http: HttpRequest, body: bytes) -> Request:
    """As the parsers take it. The path is as it came: a signature is over that."""
    raw = http.scope.get("raw_path") or http.url.path.encode()
    query = http.scope.get("query_string", b"")
    path = raw.split(b"?")[0].decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    return Request(http.method, path, dict(http.headers), body)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def host_of(http: HttpRequest, public_url: str | None) -> tuple[str, str]:
    """Scheme and host under which browsers reach the collector."""
    if public_url:
        where = urlsplit(public_url)
        return where.scheme, where.netloc + where.path.rstrip("/")
    return http.headers.get("x-forwarded-proto", http.url.scheme), http.url.netloc


def _describe(metrics: Metrics) -> None:
    metrics.describe("leadhouse_collect_requests_total", "counter", "Requests by endpoint and status.")
    metrics.describe(
        "leadhouse_collect_events_total", "counter", "Events by source and outcome (accepted, duplicate, refused)."
    )
    metrics.describe("leadhouse_collect_seconds", "histogram", "Seconds from a request to its answer.")
    metrics.describe("leadhouse_inbox_commit_seconds", "histogram", "Seconds that a commit of the inbox took.")
    metrics.describe("leadhouse_inbox_commit_events", "histogram", "Events of one commit.")
    metrics.describe("leadhouse_inbox_waiting_events", "gauge", "Events that wait for their commit.")
