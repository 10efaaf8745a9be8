"""The form to sign in and the button to sign out."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from serve.answers import in_language, language_of
from serve.gate import (
    FORM_COOKIE,
    SESSION_COOKIE,
    Door,
    cookie,
    end_session,
    is_same_origin,
    own_path,
    session_of,
    set_session,
)
from serve.rendering import render

router = APIRouter()

_MOST_FORM_BYTES = 8_192
_FORM_SECONDS = 900


@router.get("/login")
async def show_form(request: Request, leads_to: Annotated[str, Query(alias="next")] = "/") -> Response:
    """The form; who is signed in is led on."""
    if session_of(request.scope) is not None:
        return RedirectResponse(own_path(leads_to), 303)
    return form(request.scope, 200, None, leads_to=leads_to)


@router.post("/login")
async def sign_in(request: Request) -> Response:
    """Judges the token of the form, and opens a session."""
    door: Door = request.scope["door"]
    given = await _fields(request)
    leads_to = given.get("next", "/")
    if not door.is_own_form(request.scope, given.get("form_key", "")):
        return form(request.scope, 403, "form_old", leads_to=leads_to)
    if not await door.is_opened_by(request.scope, given.get("token", "").strip()):
        seconds = door.waits(request.scope)
        response = form(
            request.scope,
            429 if seconds else 401,
            "wait" if seconds else "wrong_token",
            seconds=seconds,
            leads_to=leads_to,
        )
        if seconds:
            response.headers["Retry-After"] = str(seconds)
        return response
    done = RedirectResponse(own_path(leads_to), 303)
    set_session(request.scope, done, door.sessions.start())
    done.delete_cookie(FORM_COOKIE, path="/login", httponly=True, samesite="strict")
    return done


@router.post("/logout")
async def sign_out(request: Request) -> Response:
    """Closes the session, if the button of one of its own pages was pressed."""
    door: Door = request.scope["door"]
    session = session_of(request.scope)
    given = await _fields(request)
    offered = given.get("form_key", "").encode()
    if (
        session is None
        or not is_same_origin(request.scope)
        or not hmac.compare_digest(session.form_key.encode(), offered)
    ):
        return RedirectResponse("/", 303)
    door.sessions.end(cookie(request.scope, SESSION_COOKIE))
    done = RedirectResponse("/login", 303)
    end_session(request.scope, done)
    return done


def form(scope: Scope, status: int, problem: str | None, *, seconds: int = 0, leads_to: str | None = None) -> Response:
    """The form to sign in.

    Args:
        scope: the request, which has passed the gate's first look.
        status: HTTP status.
        problem: word that says why it is shown again.
        seconds: to wait, for the problem ``wait``.
        leads_to: the address that was asked for; the request's own path when None.
    """
    door: Door = scope["door"]
    nonce = secrets.token_urlsafe(16)
    target = own_path(leads_to if leads_to is not None else scope["path"])
    language = language_of(scope, target if scope["path"] in ("/login", "/logout") else None)
    body = render(
        "login.html",
        language,
        address=lambda code: f"/login?{urlencode({'next': in_language(target, code)})}",
        problem=problem,
        seconds=seconds,
        leads_to=target,
        login_key=door.form_key(nonce),
    )
    response = HTMLResponse(body, status)
    response.set_cookie(
        FORM_COOKIE,
        nonce,
        max_age=_FORM_SECONDS,
        httponly=True,
        samesite="strict",
        secure=scope["scheme"] == "https",
        path="/login",
    )
    return response


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a small form; none of a large one."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_FORM_BYTES:
            return {}
    found = parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in found.items()}
