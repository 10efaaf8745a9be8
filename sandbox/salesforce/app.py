"""The application: routes, error answers, and the gate in front of them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.salesforce.errors import ApiError, no_such_resource
from sandbox.salesforce.gate import Gate, SalesforceStats
from sandbox.salesforce.http import answer
from sandbox.salesforce.org import Org
from sandbox.salesforce.routes import bulk, collections, composite, login, queries, sandbox_only, sobjects, tooling


def create_app(org: Org, *, latency_ms: int = 0) -> ASGIApp:
    """The whole server as an ASGI application; ``latency_ms`` is added to every API request."""
    modules = (sandbox_only, login, queries, bulk, tooling, composite, collections, sobjects)
    app = Starlette(
        routes=[route for module in modules for route in module.routes],
        exception_handlers={ApiError: _refused, HTTPException: _no_route, Exception: _failed},
    )
    app.router.redirect_slashes = False
    app.state.org = org
    app.state.stats = SalesforceStats()
    return Gate(app, org, app.state.stats, latency_ms)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError), "registered for it"
    return answer(error.body(), error.status, error.headers)


async def _no_route(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        refused = ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed.")
        return answer(refused.body(), 405)
    return answer(no_such_resource().body(), 404)


async def _failed(_: Request, error: Exception) -> Response:
    refused = ApiError(500, "UNKNOWN_EXCEPTION", f"An unexpected error occurred in the sandbox: {error!r}")
    return answer(refused.body(), 500)
