"""SOQL, search, and recent records."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.errors import malformed_query
from sandbox.salesforce.http import answer, org_of, version_of
from sandbox.salesforce.query import batch_size

_SEARCHED = ("Account", "Contact", "Lead", "Opportunity")
_FIND = re.compile(
    r"\s*FIND\s*\{(?P<text>.*?)\}(?:\s+IN\s+\w+\s+FIELDS)?(?:\s+RETURNING\s+(?P<objects>.*))?\s*", re.I | re.S
)
_ESCAPED = re.compile(r"\\(.)")


async def query(request: Request) -> Response:
    """The first page of a query's answer."""
    return _query(request, deleted=False)


async def query_all(request: Request) -> Response:
    """The same, the bin and merged records included."""
    return _query(request, deleted=True)


async def more(request: Request) -> Response:
    """A further page."""
    return answer(org_of(request).queries.more(request.path_params["locator"], version_of(request)))


async def search(request: Request) -> Response:
    """Records whose name or e-mail holds a text: ``FIND {text} IN ALL FIELDS RETURNING Lead(Id, Name)``."""
    match = _FIND.fullmatch(request.query_params.get("q", ""))
    if match is None:
        raise malformed_query("A search is FIND {text}, with IN ... FIELDS and RETURNING if you like")
    text = _ESCAPED.sub(r"\1", match.group("text")).strip(" *\"'").replace("\\", "\\\\").replace("'", "\\'")
    found: list[Any] = []
    for name, fields in _returning(match.group("objects")):
        email = f" OR Email LIKE '%{text}%'" if name in ("Contact", "Lead") else ""
        soql = f"SELECT {fields} FROM {name} WHERE Name LIKE '%{text}%'{email} LIMIT 200"
        found += org_of(request).queries.run(soql, deleted=False, batch=200, version=version_of(request))["records"]
    return answer({"searchRecords": found})


async def recent(request: Request) -> Response:
    """What was changed last."""
    limit = request.query_params.get("limit", "20")
    most = min(200, int(limit)) if limit.isdigit() else 20
    found: list[tuple[str, Any]] = []
    for name in _SEARCHED:
        soql = f"SELECT Id, Name, LastModifiedDate FROM {name} ORDER BY LastModifiedDate DESC LIMIT {most}"
        answered = org_of(request).queries.run(soql, deleted=False, batch=200, version=version_of(request))
        found += [(record.pop("LastModifiedDate"), record) for record in answered["records"]]
    found.sort(key=lambda one: one[0], reverse=True)
    return answer([record for _, record in found[:most]])


def _query(request: Request, *, deleted: bool) -> Response:
    text = request.query_params.get("q")
    if text is None:
        raise malformed_query("A query string has to be specified")
    batch = batch_size(request.headers.get("Sforce-Query-Options"))
    found = org_of(request).queries.run(text, deleted=deleted, batch=batch, version=version_of(request))
    return answer(found)


def _returning(text: str | None) -> list[tuple[str, str]]:
    if not text:
        return [(name, "Id") for name in _SEARCHED]
    return [
        (name, fields or "Id")
        for name, fields in re.findall(r"(\w+)\s*(?:\(\s*([^)]*?)\s*\))?\s*(?:,|$)", text)
        if name
    ]


routes = [
    Route("/query", query),
    Route("/queryAll", query_all),
    Route("/query/{locator}", more),
    Route("/queryAll/{locator}", more),
    Route("/tooling/query", query),
    Route("/tooling/query/{locator}", more),
    Route("/search", search),
    Route("/recent", recent),
]
