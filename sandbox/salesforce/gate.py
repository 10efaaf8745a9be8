"""What every API request passes through before its route: version, token, daily limit, faults, latency, counting."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.common.damage import carry_out, hang_up, read_whole, send_damaged
from sandbox.salesforce.errors import ApiError, no_such_resource
from sandbox.salesforce.org import Org
from sandbox.server.stats import RequestStats

_log = logging.getLogger("sandbox")

#: Paths of the sandbox itself: no token, no limits, not counted.
_OPEN = "/sandbox/"
#: Calls that need no token.
_TOKENLESS = ("/services/oauth2/token", "/services/oauth2/revoke", "/services/data")
_VERSIONED = re.compile(r"/services/data/v(\d\d)\.0(?=/|$)")
_OLDEST, NEWEST = 45, 68

_ID = re.compile(r"(?=[A-Za-z0-9]*\d)[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_KEYED = re.compile(r"(/sobjects/[^/]+/[^/]+__c)/.+")
_LOCATOR = re.compile(r"(/query(?:All)?)/[^/]+")


class SalesforceStats(RequestStats):
    """Counts requests by path without its version, records, jobs and locators filled in as ``{id}``."""

    @staticmethod
    def is_write(method: str, path: str) -> bool:
        """Whether a call changes anything: logging in and asking do not."""
        if path.startswith(("/services/oauth2/", "/jobs/query")):
            return False
        if method == "POST" and re.fullmatch(r"/composite/sobjects/[^/]+", path):
            return False
        return RequestStats.is_write(method, path)


class Gate:
    """ASGI wrapper around the routes, which see paths without their version."""

    def __init__(self, app: ASGIApp, org: Org, stats: RequestStats, latency_ms: int = 0) -> None:
        self._app = app
        self._org = org
        self._stats = stats
        self._latency_ms = latency_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"].startswith(_OPEN):
            await self._pass(scope, receive, send)
            return
        method: str = scope["method"]
        path, version = canonical(scope["path"])
        counted = path in _TOKENLESS[:2]
        headers: dict[str, str] = {}
        body, connection = b"", receive

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._stats.count(method, template(path), version or "-", message["status"])
                # Loads bound what they read by the server's time: it must be the org's, not the machine's.
                headers["Date"] = format_datetime(datetime.fromtimestamp(self._org.clock.now_ms() // 1000, UTC), True)
                extra = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        try:
            if self._org.faults.requests.look_at_bodies:
                body, receive = await read_whole(receive)
            fault = self._org.faults.requests.take(method, path, body)
            if self._latency_ms:
                await asyncio.sleep(self._latency_ms / 1000)
            if fault is not None and not fault.after:
                await asyncio.sleep(fault.latency_ms / 1000)
            if not counted:
                if path not in _TOKENLESS:
                    self._check_token(scope)
                try:
                    self._org.usage.take()
                finally:
                    headers["Sforce-Limit-Info"] = self._org.usage.header()
            error = None if fault is None else self._org.faults.error_of(fault)
            if error is not None and fault is not None and not fault.after:
                raise error
            if version is not None and not _OLDEST <= int(version[1:3]) <= NEWEST:
                raise no_such_resource()
        except ApiError as error:
            await refuse(error, answer)
            return
        inner: dict[str, Any] = dict(scope)
        inner["path"] = path
        inner["raw_path"] = path.encode()
        inner["sandbox"] = {"version": version or f"v{NEWEST}.0"}
        if fault is None or not (fault.effect or fault.after):
            await self._pass(inner, receive, answer)
            return
        if fault.effect == "reset" and not fault.after:
            self._stats.count(method, template(path), version or "-", 0)
            await hang_up(connection)
            return
        start, content = await carry_out(self._pass, inner, receive)
        if fault.after:
            await asyncio.sleep(fault.latency_ms / 1000)
        if fault.effect == "reset":
            self._stats.count(method, template(path), version or "-", 0)
            await hang_up(connection)
        elif error is not None:
            await refuse(error, answer)
        else:
            await send_damaged(fault, start, content, answer)
            if fault.effect == "truncate":
                await hang_up(connection)

    def _check_token(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"authorization":
                kind, _, token = value.decode("latin-1").partition(" ")
                if kind.lower() in ("bearer", "oauth") and self._org.sessions.valid(token.strip()):
                    return
        raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - answered with 500 already; the connection must live on for the next request
            _log.exception("%s %s failed", scope.get("method"), scope.get("path"))


async def refuse(error: ApiError, send: Send) -> None:
    """Answer with an error from outside the routes."""
    body = orjson.dumps(error.body())
    headers = {"content-type": "application/json;charset=UTF-8", "content-length": str(len(body)), **error.headers}
    await send(
        {
            "type": "http.response.start",
            "status": error.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


def template(path: str) -> str:
    """A path without the records it names: one entry a kind of call."""
    path = _KEYED.sub(r"\1/{value}", path)
    path = _LOCATOR.sub(r"\1/{locator}", path)
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in path.split("/"))


def canonical(path: str) -> tuple[str, str | None]:
    """The path without ``/services/data/vNN.0`` and a slash at its end, and the version."""
    match = _VERSIONED.match(path)
    version = f"v{match.group(1)}.0" if match else None
    rest = path[match.end() :] if match else path
    return rest.rstrip("/") or ("/" if match else ""), version
