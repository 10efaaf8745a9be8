"""The collector as an app of its own: trackers' addresses, ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from instant.collector import Collector
from instant.routes import collector_router
from leadhouse.settings import Settings, load_settings


def create_app(settings: Settings) -> FastAPI:
    """The app of an installation; its inbox is open as long as the app lives.

    Raises:
        InboxError: the inbox cannot be opened.
    """
    collector = Collector.of(settings)

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            collector.close()

    app = FastAPI(title="Leadhouse collector", lifespan=living, docs_url=None, redoc_url=None)
    app.state.collector = collector
    app.include_router(collector_router(collector))

    @app.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @app.get("/readyz")
    async def readyz() -> Response:
        """Events can be kept (200), or cannot (503) and why."""
        is_ready, state = await collector.readiness()
        return JSONResponse({"ready": is_ready, **state}, status_code=200 if is_ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Numbers of this process, for Prometheus."""
        return PlainTextResponse(collector.metrics_text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


def app_of_environment() -> FastAPI:
    """For uvicorn's workers: each makes its own app of the settings."""
    return create_app(load_settings())
