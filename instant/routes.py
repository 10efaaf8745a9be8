"""The collector's addresses, as a router for any FastAPI app."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from instant.collector import Collector, cross_origin, preflight

#: Segment's types, the browser's letters for them, and batches.
SEGMENT_NAMES = (
    "batch", "track", "identify", "page", "screen", "group", "alias", "import",
    "b", "t", "i", "p", "s", "g", "a",
)  # fmt: skip
JITSU_NAMES = ("track", "identify", "page", "group", "event")
POSTHOG_PATHS = ("/batch", "/capture", "/e", "/i/v0/e")
SNOWPLOW_POST, SNOWPLOW_GET = "/com.snowplowanalytics.snowplow/tp2", "/i"
HUBSPOT_PATH = "/hubspot/webhooks"


def collector_router(collector: Collector) -> APIRouter:
    """Every address that trackers and HubSpot send to. The app closes the collector."""
    router = APIRouter(tags=["collector"])

    def accept(path: str, endpoint: str, method: str = "POST") -> None:
        async def take(request: Request) -> Response:
            return await collector.take(request, endpoint)

        async def ask(request: Request) -> Response:
            return preflight(request)

        name = f"{endpoint}_{path.strip('/').replace('/', '_').replace('.', '_')}"
        shown = not path.endswith("/")
        router.add_api_route(path, take, methods=[method], name=name, include_in_schema=shown)
        router.add_api_route(path, ask, methods=["OPTIONS"], name=f"{name}_preflight", include_in_schema=False)

    for name in SEGMENT_NAMES:
        accept(f"/v1/{name}", "segment")
    for name in JITSU_NAMES:
        accept(f"/api/s/{name}", "jitsu")
    for path in POSTHOG_PATHS:
        accept(path, "posthog")
        accept(f"{path}/", "posthog")
    accept(SNOWPLOW_POST, "snowplow")
    accept(SNOWPLOW_GET, "pixel", "GET")

    async def own_metrics(request: Request) -> Response:
        """Segment's browser library reports on itself here: read to the end, not kept."""
        return JSONResponse({"success": True}, headers=cross_origin(request))

    async def library_settings(request: Request, write_key: str) -> Response:
        """What Segment's browser library asks for before it starts (``cdnURL`` of its snippet)."""
        return await collector.library_settings(request, write_key)

    async def hubspot(request: Request) -> Response:
        """HubSpot's webhooks, signature version 3."""
        return await collector.take_webhook(request)

    router.add_api_route("/v1/m", own_metrics, methods=["POST"])
    router.add_api_route("/v1/m", preflight_of, methods=["OPTIONS"], include_in_schema=False)
    router.add_api_route("/v1/projects/{write_key}/settings", library_settings, methods=["GET"])
    router.add_api_route(HUBSPOT_PATH, hubspot, methods=["POST"])
    return router


async def preflight_of(request: Request) -> Response:
    """The answer to a browser that asks before it sends."""
    return preflight(request)
