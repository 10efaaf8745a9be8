"""What every API request passes through before its route: path family, token, limits, faults, latency, counting."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.common.damage import carry_out, hang_up, read_whole, send_damaged
from sandbox.server.errors import ApiError, not_found, unauthenticated
from sandbox.server.faults import Faults
from sandbox.server.limits import RateLimits
from sandbox.server.paths import canonical
from sandbox.server.stats import RequestStats

_log = logging.getLogger("sandbox")

#: Paths of the sandbox itself: no token, no limits, not counted.
_OPEN = ("/sandbox/", "/docs", "/openapi.json")


class Gate:
    """ASGI wrapper around the routes."""

    def __init__(
        self, app: ASGIApp, *, token: str, limits: RateLimits, faults: Faults, stats: RequestStats, latency_ms: int = 0
    ) -> None:
        self._app = app
        self._authorization = f"Bearer {token}".encode()
        self._limits = limits
        self._faults = faults
        self._stats = stats
        self._latency_ms = latency_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["path"].startswith(_OPEN):
            await self._pass(scope, receive, send)
            return
        correlation_id = _correlation_id()
        method: str = scope["method"]
        found = canonical(scope["path"])
        version = found.version if found else "unknown"
        inner: dict[str, Any] = dict(scope)
        headers: dict[str, str] = {}
        body, connection = b"", receive

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._stats.count(method, _template(inner, found.path if found else None), version, message["status"])
                extra = {"X-HubSpot-Correlation-Id": correlation_id, **headers}
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in extra.items()),
                ]
            await send(message)

        try:
            if self._token(scope) != self._authorization:
                raise unauthenticated()
            if found is None:
                raise not_found(f"No such path: {scope['path']}")
            headers = self._limits.take(found.path.endswith("/search") and found.path.startswith("/crm/objects/"))
            if self._faults.look_at_bodies:
                body, receive = await read_whole(receive)
            fault = self._faults.take(method, found.path, body)
            if self._latency_ms:
                await asyncio.sleep(self._latency_ms / 1000)
            if fault is not None and not fault.after:
                await asyncio.sleep(fault.latency_ms / 1000)
                error = fault.error()
                if error is not None:
                    raise error
        except ApiError as error:
            await refuse(error, correlation_id, answer)
            return
        inner["path"] = found.path
        inner["raw_path"] = found.path.encode()
        inner["sandbox"] = {"correlation_id": correlation_id, "path": scope["path"], "version": found.version}
        if fault is None or not (fault.effect or fault.after):
            await self._pass(inner, receive, answer)
            return
        if fault.effect == "reset" and not fault.after:
            self._stats.count(method, _template(inner, found.path), version, 0)
            await hang_up(connection)
            return
        start, content = await carry_out(self._pass, inner, receive)
        if fault.after:
            await asyncio.sleep(fault.latency_ms / 1000)
        refusal = fault.error()
        if fault.effect == "reset":
            self._stats.count(method, _template(inner, found.path), version, 0)
            await hang_up(connection)
        elif refusal is not None:
            await refuse(refusal, correlation_id, answer)
        else:
            await send_damaged(fault, start, content, answer)
            if fault.effect == "truncate":
                await hang_up(connection)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - answered with 500 already; the connection must live on for the next request
            _log.exception("%s %s failed", scope.get("method"), scope.get("path"))

    @staticmethod
    def _token(scope: Scope) -> bytes | None:
        for name, value in scope["headers"]:
            if name == b"authorization":
                return bytes(value)
        return None


async def refuse(error: ApiError, correlation_id: str, send: Send) -> None:
    """Answer with an error from outside the routes."""
    body = orjson.dumps(error.body(correlation_id))
    headers = {"content-type": "application/json;charset=utf-8", "content-length": str(len(body)), **error.headers}
    await send(
        {
            "type": "http.response.start",
            "status": error.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


def _template(scope: Scope, path: str | None) -> str:
    """The route's path with the object type filled in: one entry a kind of call, not one a record."""
    route = scope.get("route")
    if route is None:
        return "(refused)" if path is None else path
    template: str = route.path
    for name in ("object_type", "to_object_type"):
        value = scope.get("path_params", {}).get(name)
        if value is not None:
            template = template.replace(f"{{{name}}}", str(value))
    return template


def _correlation_id() -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
