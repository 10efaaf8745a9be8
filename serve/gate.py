"""What stands in front of every page: who may pass, which headers go out, and what is logged.

Open without a token are the form to sign in, the style sheets and ``/healthz``. Everything else needs a session, or the
token as ``Authorization: Bearer``. A link with ``?token=`` opens a session and leads to the same address without it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.sessions import SESSION_SECONDS, Attempts, Session, Sessions, Token

log = logging.getLogger("leadhouse.serve")

SESSION_COOKIE = "leadhouse_session"
#: Proves, together with a field of the form, that the form to sign in came from here.
FORM_COOKIE = "leadhouse_form"
_OPEN_PATHS = ("/login", "/logout", "/healthz")
_OPEN_FOLDERS = ("/static/",)
_POSTED_TO = ("/login", "/logout")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}

#: Answers a refused request in the look of the pages: scope, status, seconds to wait (429 alone).
Refusal = Callable[[Scope, int, int], Response]


@dataclass
class Door:
    """What decides who may pass; shared by the gate and the form to sign in.

    ``hosts``: names under which the server may be called (without port), lower case; empty = any.
    ``failure_seconds``: how long the answer to a wrong token is held back.
    """

    token: Token
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    hosts: frozenset[str] = frozenset()
    failure_seconds: float = 0.4
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    async def is_opened_by(self, scope: Scope, offered: str) -> bool:
        """Whether the token that a client offers is right. While a client has to wait, no token is."""
        if self.waits(scope):
            return False
        address = client_address(scope)
        if self.token.is_right(offered):
            self.attempts.succeeded(address)
            return True
        self.attempts.failed(address)
        log.warning("wrong token")
        await asyncio.sleep(self.failure_seconds)
        return False

    def waits(self, scope: Scope) -> int:
        """Whole seconds that the client has to wait before its next try."""
        return math.ceil(self.attempts.wait_seconds(client_address(scope)))

    def form_key(self, nonce: str) -> str:
        """What the form's hidden field holds when its cookie holds ``nonce``."""
        return hmac.new(self._secret, nonce.encode(), hashlib.sha256).hexdigest()

    def is_own_form(self, scope: Scope, offered: str) -> bool:
        """Whether a form to sign in came from a page of this server, in this browser."""
        nonce = cookie(scope, FORM_COOKIE)
        return (
            bool(nonce)
            and is_same_origin(scope)
            and hmac.compare_digest(self.form_key(nonce or "").encode(), offered.encode())
        )


class Gate:
    """The application behind the door."""

    def __init__(self, app: ASGIApp, door: Door, refuse: Refusal) -> None:
        self._app = app
        self._door = door
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        asked_by = scope["method"]
        # The server itself leaves the body out of an answer to HEAD.
        scope = {**scope, "method": "GET" if asked_by == "HEAD" else asked_by}

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                if scope["path"].startswith(_OPEN_FOLDERS) and status == 200:
                    headers["Cache-Control"] = "public, max-age=300"
            await send(message)

        try:
            handler = await self._judge(scope)
            await (handler or self._app)(scope, receive, send_with_headers)
        finally:
            milliseconds = 1000 * (time.perf_counter() - started)
            log.info("%s %s %d %.0f ms", asked_by, _shape(scope), status, milliseconds)

    async def _judge(self, scope: Scope) -> Response | None:
        """The answer to a request that goes no further, or None."""
        if not self._is_called_rightly(scope):
            return PlainTextResponse("This server does not go by that name.", 421)
        path, method = scope["path"], scope["method"]
        scope["door"] = self._door
        if method != "GET" and not (method == "POST" and path in _POSTED_TO):
            return self._refuse(scope, 405, 0)
        scope["session"] = self._door.sessions.find(cookie(scope, SESSION_COOKIE))
        if path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS):
            return None
        if scope["session"] is not None:
            return RedirectResponse(_without_token(scope), 303) if _token_of_link(scope) is not None else None
        offered = _bearer(scope)
        if offered is not None:
            return None if await self._door.is_opened_by(scope, offered) else self._refused(scope)
        linked = _token_of_link(scope)
        if linked is not None:
            if not await self._door.is_opened_by(scope, linked):
                return self._refused(scope)
            response = RedirectResponse(_without_token(scope), 303)
            set_session(scope, response, self._door.sessions.start())
            return response
        if _fetch_site(scope) == "cross-site" and Headers(scope=scope).get("sec-fetch-mode") == "navigate":
            # A link in the CRM or in a mail: browsers keep a SameSite=Strict cookie back on such a request, and send it
            # on the next, which is our own.
            return self._refuse(scope, 200, 0)
        return RedirectResponse(f"/login?{urlencode({'next': _address(scope)})}", 303)

    def _refused(self, scope: Scope) -> Response:
        seconds = self._door.waits(scope)
        response = self._refuse(scope, 429 if seconds else 401, seconds)
        if seconds:
            response.headers["Retry-After"] = str(seconds)
        else:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _is_called_rightly(self, scope: Scope) -> bool:
        """Refuses names that somebody else's DNS points here."""
        host = Headers(scope=scope).get("host", "").lower()
        name = host.rsplit("]", 1)[0] + "]" if host.startswith("[") else host.split(":", 1)[0]
        return not self._door.hosts or name in self._door.hosts


def client_address(scope: Scope) -> str:
    """Address of the client, as the server sees it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def cookie(scope: Scope, name: str) -> str | None:
    """Value of a cookie that the request bears."""
    # As browsers do, and not as the standard library does, which gives up at the first odd cookie: those of every other
    # program on this machine's name come along.
    for header in Headers(scope=scope).getlist("cookie"):
        found = cookie_parser(header).get(name)
        if found is not None:
            return found
    return None


def set_session(scope: Scope, response: Response, session_id: str) -> None:
    """Gives a browser its session: no script and no other site can read or send it."""
    response.set_cookie(
        SESSION_COOKIE,
        session_id,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        secure=scope["scheme"] == "https",
        path="/",
    )


def end_session(scope: Scope, response: Response) -> None:
    """Takes it back."""
    response.delete_cookie(
        SESSION_COOKIE, httponly=True, samesite="strict", secure=scope["scheme"] == "https", path="/"
    )


def is_same_origin(scope: Scope) -> bool:
    """Whether a page of this server sent the request, as far as the browser tells."""
    return _fetch_site(scope) in (None, "same-origin", "none")


def own_path(address: str) -> str:
    """``address`` if it leads to a page of this server, else the first page."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/login", "/logout")) and address.isprintable()
    return quote(address, safe="/?&=%:+,;@!$'()*~-._") if is_ours and "\\" not in address else "/"


def session_of(scope: Scope) -> Session | None:
    """The session that the gate has found."""
    found: Session | None = scope.get("session")
    return found


def _bearer(scope: Scope) -> str | None:
    kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _token_of_link(scope: Scope) -> str | None:
    return next((value for name, value in _query(scope) if name == "token"), None)


def _without_token(scope: Scope) -> str:
    rest = [(name, value) for name, value in _query(scope) if name != "token"]
    return own_path(quote(scope["path"]) + (f"?{urlencode(rest)}" if rest else ""))


def _address(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def _fetch_site(scope: Scope) -> str | None:
    return Headers(scope=scope).get("sec-fetch-site")


def _shape(scope: Scope) -> str:
    """The route that answered, such as ``/{language}/accounts/{account_id}``: never the id or what was searched for."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if isinstance(path, str):
        return path
    asked = str(scope["path"])
    return asked if asked in ("/", *_OPEN_PATHS) else "(other)"
