"""Small helpers that every route uses: reading a request, answering, paging."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

import orjson
from fastapi import Request, Response

from sandbox.server.catalog import ObjectType, find_object_type
from sandbox.server.clock import iso
from sandbox.server.errors import unknown_object_type, validation_error
from sandbox.server.portal import Portal

MAX_BATCH = 100


def portal_of(request: Request) -> Portal:
    """The portal behind the application."""
    return cast(Portal, request.app.state.portal)


def object_type_of(name: str) -> ObjectType:
    """The object type of a path segment, or 400."""
    found = find_object_type(name)
    if found is None:
        raise unknown_object_type(name)
    return found


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json;charset=utf-8")


def no_content() -> Response:
    """204."""
    return Response(status_code=204)


async def json_body(request: Request) -> Any:
    """The request's JSON.

    Raises:
        ApiError: 400, the body is not JSON.
    """
    raw = await request.body()
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise validation_error(f"Invalid input JSON: {error}") from None


async def json_object(request: Request) -> dict[str, Any]:
    """The request's JSON object, or 400."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise validation_error("The request's body must be a JSON object")
    return body


def optional_text(body: dict[str, Any], key: str) -> str | None:
    """A text member of a body, None when absent, or 400."""
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise validation_error(f"{key} must be a text, not {value!r}")
    return value


def names_in(body: dict[str, Any], key: str) -> list[str] | None:
    """A member that lists names; None when absent or empty, or 400."""
    value = body.get(key)
    if value is not None and not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        raise validation_error(f"{key} must be a list of names")
    return value or None


def batch_inputs(body: dict[str, Any], most: int = MAX_BATCH) -> list[dict[str, Any]]:
    """The ``inputs`` of a batch call.

    Raises:
        ApiError: 400, not a list of objects, empty, or more than ``most``.
    """
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
        raise validation_error("inputs must be a list of objects")
    if not inputs:
        raise validation_error("inputs is empty: send at least one")
    if len(inputs) > most:
        raise validation_error(
            f"Maximum number of inputs exceeded: {len(inputs)} were sent, at most {most} are allowed",
            context={"numInputs": [str(len(inputs))], "maxInputs": [str(most)]},
        )
    return inputs


def listed(request: Request, name: str) -> list[str] | None:
    """A query parameter that holds names: repeated, comma-separated, or both; None when absent."""
    values = request.query_params.getlist(name)
    if not values:
        return None
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


def flag(request: Request, name: str) -> bool:
    """A query parameter that is ``true`` or not."""
    return request.query_params.get(name, "false").lower() == "true"


def whole(request: Request, name: str, default: int, most: int, least: int = 1) -> int:
    """A whole number in the query, between ``least`` and ``most``, or 400."""
    raw = request.query_params.get(name)
    if raw is None or raw == "":
        return default
    try:
        number = int(raw)
    except ValueError:
        raise validation_error(f"{name} must be a whole number, not {raw!r}") from None
    if not least <= number <= most:
        raise validation_error(f"{name} {number} is not between {least} and {most}")
    return number


def next_page(request: Request, after: str) -> dict[str, Any]:
    """The ``paging`` member: the token, and the full address of the next page under the path the client used."""
    query = [(key, value) for key, value in request.query_params.multi_items() if key != "after"]
    path = request.scope["sandbox"]["path"]
    link = f"{request.url.scheme}://{request.url.netloc}{path}?{urlencode([*query, ('after', after)])}"
    return {"next": {"after": after, "link": link}}


def version_of(request: Request) -> str:
    """The version of the path the client used: ``v3``, ``v4`` or a date."""
    return cast(str, request.scope["sandbox"]["version"])


def batch_answer(
    portal: Portal,
    started: int,
    results: list[dict[str, Any]],
    errors: list[dict[str, Any]],
    success: int = 200,
) -> Response:
    """What a batch call answers: the good results, and 207 with the errors counted where some inputs failed."""
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(started),
        "completedAt": iso(portal.clock.now_ms()),
    }
    if errors:
        body["numErrors"] = len(errors)
        body["errors"] = errors
    return answer(body, 207 if errors else success)
