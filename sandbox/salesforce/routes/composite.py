"""Several requests in one: ``composite`` (later ones may use what earlier ones answered) and ``composite/batch``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from sandbox.salesforce.errors import ApiError, json_error
from sandbox.salesforce.gate import canonical
from sandbox.salesforce.http import answer, json_object, org_of, version_of
from sandbox.salesforce.storage import transaction

_MOST = 25
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_HALTED = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]


class _Undo(Exception):
    """One part of an all-or-none request failed."""


async def composite(request: Request) -> Response:
    """Up to 25 requests in order; with ``allOrNone`` one that fails undoes them all."""
    body = await json_object(request)
    parts = _parts(body.get("compositeRequest"))
    done: list[dict[str, Any]] = []
    try:
        with transaction(org_of(request).db):
            await _work_off(request, parts, done)
            if body.get("allOrNone") is True and any(part["httpStatusCode"] >= 400 for part in done):
                raise _Undo
    except _Undo:
        org_of(request).schema.forget_access()
        for part in done:
            if part["httpStatusCode"] < 400:
                part |= {"body": _HALTED, "httpStatusCode": 400, "httpHeaders": {}}
    return answer({"compositeResponse": done})


async def _work_off(request: Request, parts: list[dict[str, Any]], done: list[dict[str, Any]]) -> None:
    answers: dict[str, Any] = {}
    for part in parts:
        reference = str(part.get("referenceId", ""))
        try:
            url, sent = _filled(part.get("url"), answers), _filled(part.get("body"), answers)
            status, headers, body = await _ask(request, str(part.get("method")), str(url), sent)
        except ApiError as error:
            status, headers, body = error.status, {}, error.body()
        if status < 400:
            answers[reference] = body
        location = {"Location": headers["location"]} if "location" in headers else {}
        done.append({"body": body, "httpHeaders": location, "httpStatusCode": status, "referenceId": reference})


async def batch(request: Request) -> Response:
    """Up to 25 requests that know nothing of each other."""
    body = await json_object(request)
    results = []
    for part in _parts(body.get("batchRequests")):
        url = f"/services/data/{str(part.get('url')).lstrip('/')}"
        status, _, found = await _ask(request, str(part.get("method")), url, part.get("richInput"))
        results.append({"statusCode": status, "result": found})
    return answer({"hasErrors": any(one["statusCode"] >= 400 for one in results), "results": results})


async def _ask(request: Request, method: str, url: str, body: Any) -> tuple[int, dict[str, str], Any]:
    """One part, answered by the routes themselves: status, headers, JSON."""
    split = urlsplit(url)
    path, version = canonical(split.path)
    if path.startswith("/composite") and not path.startswith("/composite/sobjects"):
        raise json_error(f"{url} cannot be part of a composite request")
    content = b"" if body is None else orjson.dumps(body)
    scope = {
        **request.scope,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": split.query.encode(),
        "sandbox": {"version": version or version_of(request)},
    }
    for name in ("path_params", "endpoint", "route", "starlette.exception_handlers"):
        scope.pop(name, None)
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await request.app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    raw = b"".join(message.get("body", b"") for message in messages[1:])
    return int(messages[0]["status"]), headers, orjson.loads(raw) if raw else None


def _parts(wanted: Any) -> list[dict[str, Any]]:
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
        raise json_error("a list of requests is needed")
    if len(wanted) > _MOST:
        raise ApiError(400, "LIMIT_EXCEEDED", f"at most {_MOST} requests, not {len(wanted)}")
    return wanted


def _filled(value: Any, answers: dict[str, Any]) -> Any:
    """A value with the references in it replaced by what they name."""
    if isinstance(value, dict):
        return {name: _filled(one, answers) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers) for one in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(lambda match: _named(match.group(1), match.group(2), answers), value)


def _named(reference: str, path: str, answers: dict[str, Any]) -> str:
    found = answers.get(reference)
    for name, place in _STEP.findall(path):
        try:
            found = found[int(place)] if place else found[name]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            found = None
        if found is None:
            break
    if found is None:
        raise ApiError(400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {reference}{path} found")
    return str(found)


routes = [
    Route("/composite", composite, methods=["POST"]),
    Route("/composite/batch", batch, methods=["POST"]),
]
