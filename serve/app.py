"""The application: the gate, the routes, and the answers to what cannot be shown."""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve import pages, sign_in
from serve.answers import message_page
from serve.errors import NotFound, NotPublished
from serve.gate import Door, Gate
from serve.snapshot import Snapshots

log = logging.getLogger("leadhouse.serve")

#: Seconds between two looks at the link while nobody asks for a page.
_LOOK_SECONDS = 5.0
#: Innermost calls of a bug that the log names.
_FRAMES_LOGGED = 8


def create_app(snapshots: Snapshots, door: Door, *, look_seconds: float = _LOOK_SECONDS) -> ASGIApp:
    """The whole server as an ASGI application.

    Args:
        snapshots: what pages are read from.
        door: who may look.
        look_seconds: how long a file that was replaced may stay open when nobody asks for a page.
    """

    @asynccontextmanager
    async def looking(_: FastAPI) -> AsyncIterator[None]:
        looks = asyncio.create_task(_keep_looking(snapshots, look_seconds))
        try:
            yield
        finally:
            looks.cancel()
            await run_in_threadpool(snapshots.close)

    app = FastAPI(title="Leadhouse", docs_url=None, redoc_url=None, openapi_url=None, lifespan=looking)
    app.state.snapshots = snapshots
    # The form's paths first: `/login` has the shape of a language's folder.
    app.include_router(sign_in.router)
    app.include_router(pages.router)
    app.add_middleware(_Caught)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(NotPublished, _not_published)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(RequestValidationError, _not_found)
    return Gate(app, door, _refusal)


class _Caught:
    """A bug ends in a page and in the log: where it happened, not what the values were, which may be people's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if scope["type"] != "http" or has_begun:
                raise
            reference = secrets.token_hex(4)
            frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_LOGGED:]
            places = "\n".join(f"  {frame.filename}, line {frame.lineno}, in {frame.name}" for frame in frames)
            log.error("%s: %s\n%s", reference, type(error).__name__, places)
            await message_page(scope, "failed", 500, reference=reference)(scope, receive, send)


async def _keep_looking(snapshots: Snapshots, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await run_in_threadpool(snapshots.refresh)


async def _not_found(request: Request, _: Exception) -> Response:
    return message_page(request.scope, "not_found", 404)


async def _not_published(request: Request, error: Exception) -> Response:
    # The message names folders of this machine: the log is told, the page says what to do.
    log.warning("%s", error)
    return message_page(request.scope, "unavailable", 503)


def _refusal(scope: Scope, status: int, wait: int) -> Response:
    if status == 405:
        response = message_page(scope, "not_allowed", 405)
        response.headers["Allow"] = "GET, HEAD"
        return response
    if status == 200:
        return message_page(scope, "again", 200, is_led_on=True)
    return sign_in.form(scope, status, "wait" if wait else "wrong_token", seconds=wait)
