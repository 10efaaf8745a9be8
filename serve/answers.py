"""Pages that say something instead of showing data."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import Scope

from reports.languages import Language
from serve.gate import session_of
from serve.rendering import BY_CODE, preferred, render


def language_of(scope: Scope, path: str | None = None) -> Language:
    """The language of a page's address, else what the browser asks for."""
    code = (path or scope["path"]).split("/", 2)[1] if "/" in (path or scope["path"]) else ""
    return BY_CODE.get(code) or preferred(Headers(scope=scope).get("accept-language"))


def in_language(path: str, code: str) -> str:
    """The same page in another language; the list of accounts where the address names none."""
    _, first, *rest = path.split("/", 2)
    return f"/{code}/{rest[0]}" if first in BY_CODE and rest else f"/{code}/accounts"


def message_page(scope: Scope, kind: str, status: int, *, reference: str = "", is_led_on: bool = False) -> HTMLResponse:
    """A page with one message.

    Args:
        scope: the request.
        kind: of the message; ``<kind>`` and ``<kind>_text`` of ``serve/words.py``.
        status: HTTP status.
        reference: under which the log tells more.
        is_led_on: the browser asks for the same address again at once, as from a page of ours.
    """
    session = session_of(scope)
    body = render(
        "message.html",
        language_of(scope),
        address=lambda code: in_language(scope["path"], code),
        form_key=session.form_key if session else None,
        is_signed_in=session is not None,
        kind=kind,
        reference=reference,
        is_led_on=is_led_on,
    )
    return HTMLResponse(body, status)
