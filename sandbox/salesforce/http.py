"""Small helpers that every route uses: reading a request, answering."""

from __future__ import annotations

import gzip
import zlib
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.salesforce.errors import ApiError, json_error
from sandbox.salesforce.org import Org
from sandbox.salesforce.records import Actor

MAX_BODY = 160 * 1024 * 1024


def org_of(request: Request) -> Org:
    """The org behind the application."""
    return cast(Org, request.app.state.org)


def version_of(request: Request) -> str:
    """The version of the path the client used: ``v62.0``."""
    return cast(str, request.scope["sandbox"]["version"])


def actor_of(request: Request) -> Actor:
    """Who writes: the API's user, and whether it may save duplicates."""
    rule = request.headers.get("Sforce-Duplicate-Rule-Header", "").lower().replace(" ", "")
    return Actor(org_of(request).sessions.user_id, allow_duplicates="allowsave=true" in rule)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json;charset=UTF-8")


def no_content() -> Response:
    """204."""
    return Response(status_code=204)


async def body_of(request: Request) -> bytes:
    """The request's body, unpacked where it was sent packed."""
    raw = await request.body()
    if request.headers.get("Content-Encoding", "").lower() == "gzip":
        try:
            return gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ApiError(400, "BAD_REQUEST", f"The body is not gzip: {error}") from None
    return raw


async def json_object(request: Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        ApiError: 400 JSON_PARSER_ERROR.
    """
    try:
        body = orjson.loads(await body_of(request))
    except orjson.JSONDecodeError as error:
        raise json_error(f"The HTTP entity body is required, but this one is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise json_error("The HTTP entity body must be a JSON object")
    return body


def instance_url(request: Request) -> str:
    """The org's address as the client reached it."""
    return f"http://{request.headers.get('host', request.url.netloc)}"


def names_of(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
