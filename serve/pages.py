"""The pages, as addresses: ``/<language>/accounts``, ``/<language>/people``, ``/<language>/search`` and one of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response

from serve.answers import language_of
from serve.chart import score_chart
from serve.errors import NotFound
from serve.gate import session_of
from serve.profiles import account_page, contact_page, ledger_groups
from serve.rendering import BY_CODE, render
from serve.search import cleaned, grades, list_accounts, list_contacts, page_number
from serve.snapshot import Reading, Snapshots
from serve.timeline import KINDS

router = APIRouter()

Code = Literal["en", "pt"]
#: A value of an address. Nothing is refused: what makes no sense is taken for nothing.
Text = Annotated[str | None, Query()]

_HERE = Path(__file__).parent
_STATIC = {
    "style.css": _HERE.parent / "reports" / "static" / "style.css",
    "serve.css": _HERE / "static" / "serve.css",
}
#: Rows of each kind on the page of a search.
_RESULTS_SHOWN = 10


def _reading(request: Request) -> Iterator[Reading]:
    snapshots: Snapshots = request.app.state.snapshots
    with snapshots.reading() as reading:
        yield reading


FromSnapshot = Annotated[Reading, Depends(_reading)]


@router.get("/healthz")
async def healthz() -> Response:
    """That the server answers; says nothing about data."""
    return PlainTextResponse("ok")


@router.get("/static/{name}")
async def static_file(name: str) -> Response:
    """The style sheets."""
    path = _STATIC.get(name)
    if path is None or not path.is_file():
        raise NotFound
    return FileResponse(path, media_type="text/css")


@router.get("/")
async def first_page(request: Request) -> Response:
    """Leads to the list of accounts in the browser's language."""
    return RedirectResponse(f"/{language_of(request.scope).code}/accounts", 303)


@router.get("/{language}/accounts")
def accounts(
    request: Request, reading: FromSnapshot, language: Code, q: Text = None, grade: Text = None, page: Text = None
) -> Response:
    """Accounts by score, or by how well they meet a search."""
    return _listed(request, reading, language, "accounts", list_accounts, q, grade, page)


@router.get("/{language}/people")
def people(
    request: Request, reading: FromSnapshot, language: Code, q: Text = None, grade: Text = None, page: Text = None
) -> Response:
    """People likewise."""
    return _listed(request, reading, language, "people", list_contacts, q, grade, page)


@router.get("/{language}/search")
def search(request: Request, reading: FromSnapshot, language: Code, q: Text = None) -> Response:
    """The best accounts and people for what was typed."""
    asked = cleaned(q)
    if not asked:
        return RedirectResponse(f"/{language}/accounts", 303)
    return _page(
        request,
        reading,
        language,
        "search.html",
        "search",
        asked=asked,
        accounts=list_accounts(reading, asked, None, 1, _RESULTS_SHOWN),
        people=list_contacts(reading, asked, None, 1, _RESULTS_SHOWN),
    )


@router.get("/{language}/accounts/{account_id}")
def account(
    request: Request,
    reading: FromSnapshot,
    language: Code,
    account_id: str,
    people: Text = None,
    events: Text = None,
    kind: Text = None,
) -> Response:
    """One account."""
    chosen = _one_of(kind, KINDS)
    found = account_page(
        reading, account_id, language, people=page_number(people), events=page_number(events), kind=chosen
    )
    return _page(
        request,
        reading,
        language,
        "account.html",
        f"accounts/{account_id}",
        found=found,
        groups=ledger_groups(found.told),
        chart=score_chart(found.history),
        kind=chosen,
        kinds=KINDS,
    )


@router.get("/{language}/people/{contact_id}")
def contact(
    request: Request,
    reading: FromSnapshot,
    language: Code,
    contact_id: str,
    events: Text = None,
    kind: Text = None,
) -> Response:
    """One person."""
    chosen = _one_of(kind, KINDS)
    found = contact_page(reading, contact_id, language, events=page_number(events), kind=chosen)
    return _page(
        request,
        reading,
        language,
        "contact.html",
        f"people/{contact_id}",
        found=found,
        groups=ledger_groups(found.told),
        chart=score_chart(found.history),
        kind=chosen,
        kinds=KINDS,
    )


def _one_of(given: str | None, known: Any) -> str | None:
    return given if given in known else None


def _listed(
    request: Request,
    reading: Reading,
    language: Code,
    name: str,
    listing: Callable[[Reading, str, str | None, int], Any],
    asked: str | None,
    grade: str | None,
    number: str | None,
) -> Response:
    known = grades(reading)
    chosen, text = _one_of(grade, known), cleaned(asked)
    return _page(
        request,
        reading,
        language,
        f"{name}.html",
        name,
        asked=text,
        grade=chosen,
        grades=known,
        page=listing(reading, text, chosen, page_number(number)),
    )


def _page(
    request: Request, reading: Reading, language: Code, template: str, path: str, *, asked: str = "", **values: Any
) -> Response:
    session = session_of(request.scope)
    query = f"?{request.url.query}" if request.url.query else ""
    body = render(
        template,
        BY_CODE[language],
        address=lambda code: f"/{code}/{path}{query}",
        current=path,
        stamp=reading.stamp,
        terms={
            (row["kind"], row["code"]): row["label"]
            for row in reading.rows(
                f"select kind, code, label_{language} as label from marts.dim_score_terms where entity = ''"
            )
        },
        form_key=session.form_key if session else None,
        is_signed_in=True,
        asked=asked,
        **values,
    )
    return HTMLResponse(body)
