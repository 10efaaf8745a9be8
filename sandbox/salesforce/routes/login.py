"""Tokens, identity, and what the API has to offer: versions, resources, limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.salesforce.errors import OAuthError, no_such_resource
from sandbox.salesforce.fields import moment_text
from sandbox.salesforce.gate import NEWEST
from sandbox.salesforce.http import answer, instance_url, org_of, version_of

_RESOURCES = ("tooling", "query", "queryAll", "search", "sobjects", "limits", "composite", "jobs", "recent")
_SEASONS = ("Spring", "Summer", "Winter")


async def token(request: Request) -> Response:
    """A token, for client credentials or a signed assertion."""
    org = org_of(request)
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"))) | dict(request.query_params)
    try:
        return answer(org.sessions.token(form, request.headers.get("Authorization"), instance_url(request)))
    except OAuthError as error:
        return answer({"error": error.error, "error_description": error.description}, error.status)


async def revoke(request: Request) -> Response:
    """End a session."""
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"))) | dict(request.query_params)
    org_of(request).sessions.revoke(form.get("token", ""))
    return Response(status_code=200)


async def userinfo(request: Request) -> Response:
    """Who the token is for."""
    return answer(_identity(request))


async def identity(request: Request) -> Response:
    """The same, at the address that a token's answer names."""
    sessions = org_of(request).sessions
    if (request.path_params["org"], request.path_params["user"]) != (sessions.org_id, sessions.user_id):
        raise no_such_resource()
    return answer(_identity(request))


async def versions(_: Request) -> Response:
    """Every version of the API."""
    return answer(
        [
            {
                "label": f"{_SEASONS[(number - 50) % 3]} '{21 + (number - 50 + 2) // 3}",
                "url": f"/services/data/v{number}.0",
                "version": f"{number}.0",
            }
            for number in range(45, NEWEST + 1)
        ]
    )


async def resources(request: Request) -> Response:
    """What a version offers."""
    base = f"/services/data/{version_of(request)}"
    org = org_of(request)
    identity_url = f"{instance_url(request)}/id/{org.sessions.org_id}/{org.sessions.user_id}"
    return answer({name: f"{base}/{name}" for name in _RESOURCES} | {"identity": identity_url})


async def limits(request: Request) -> Response:
    """The org's limits and what is left of them."""
    org = org_of(request)
    usage = org.usage
    left = max(0, usage.most - usage.used)
    found: dict[str, Any] = {
        "DailyApiRequests": {"Max": usage.most, "Remaining": left},
        "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
        "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000 - org.jobs.made("query")},
        "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
        "HourlySyncReportRuns": {"Max": 500, "Remaining": 500},
        "DataStorageMB": {"Max": 1024, "Remaining": 1000},
    }
    return answer(found)


def _identity(request: Request) -> dict[str, Any]:
    org = org_of(request)
    sessions = org.sessions
    base = instance_url(request)
    return {
        "sub": f"{base}/id/{sessions.org_id}/{sessions.user_id}",
        "id": f"{base}/id/{sessions.org_id}/{sessions.user_id}",
        "user_id": sessions.user_id,
        "organization_id": sessions.org_id,
        "username": sessions.client.username,
        "preferred_username": sessions.client.username,
        "nickname": "integration",
        "name": "Integration User",
        "email": sessions.client.username,
        "email_verified": True,
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "updated_at": moment_text(org.clock.now_ms()),
        "urls": {"rest": f"{base}/services/data/v{{version}}/", "query": f"{base}/services/data/v{{version}}/query/"},
    }


routes = [
    Route("/services/oauth2/token", token, methods=["POST"]),
    Route("/services/oauth2/revoke", revoke, methods=["GET", "POST"]),
    Route("/services/oauth2/userinfo", userinfo),
    Route("/id/{org}/{user}", identity),
    Route("/services/data", versions),
    Route("/", resources),
    Route("/limits", limits),
]
