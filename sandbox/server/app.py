"""The application: routes, error answers, and the gate in front of them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from sandbox.server.errors import ApiError
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.http import answer
from sandbox.server.limits import RateLimits
from sandbox.server.portal import Portal
from sandbox.server.routes import associations, crm_settings, lists, marketing, objects, properties, sandbox_only
from sandbox.server.stats import RequestStats


@dataclass(frozen=True)
class ServerOptions:
    """What a client meets: the token, limits (0 = none) and the time added to every API request, in ms."""

    token: str
    burst: int = 190
    daily: int = 250_000
    searches: int = 5
    latency_ms: int = 0


def create_app(portal: Portal, options: ServerOptions) -> ASGIApp:
    """The whole server as an ASGI application."""
    app = FastAPI(title="Leadhouse sandbox CRM", docs_url="/docs", redoc_url=None, redirect_slashes=False)
    app.state.portal = portal
    app.state.stats = RequestStats()
    app.state.faults = Faults()
    # Associations first: their paths are longer forms of an object's.
    for module in (sandbox_only, associations, objects, properties, lists, crm_settings, marketing):
        app.include_router(module.router)

    @app.exception_handler(ApiError)
    async def refused(request: Request, error: ApiError) -> Response:
        response = answer(error.body(_correlation_id(request)), error.status)
        response.headers.update(error.headers)
        return response

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        category = "OBJECT_NOT_FOUND" if error.status_code == 404 else "METHOD_NOT_ALLOWED"
        message = f"{request.method} {request.url.path}: {error.detail}"
        return answer(ApiError(error.status_code, category, message).body(_correlation_id(request)), error.status_code)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        body = ApiError(500, "INTERNAL_ERROR", f"internal error: {error}").body(_correlation_id(request))
        return answer(body, 500)

    return Gate(
        app,
        token=options.token,
        limits=RateLimits(options.burst, options.daily, options.searches),
        faults=app.state.faults,
        stats=app.state.stats,
        latency_ms=options.latency_ms,
    )


def _correlation_id(request: Request) -> str:
    found: str = request.scope.get("sandbox", {}).get("correlation_id", "sandbox")
    return found
