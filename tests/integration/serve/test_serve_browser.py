"""The pages in a browser: signing in, accessibility, the width of a phone, print, nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from served_world import JOAO, SCRIPT, TEXTILE, TOKEN, ZOE, Served

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")

LISTS = ("accounts", "people", "search?q=a", "accounts?q=nothing-is-called-so")
RECORDS = (f"accounts/{TEXTILE}", f"people/{JOAO}", f"people/{ZOE}", f"people/{SCRIPT}", "people/none")
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def signed_in(browser: Any, served: Served, width: int, **options: Any) -> tuple[Any, list[str]]:
    """A page after the form to sign in, and what the browser complains about from then on."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(served.url) else complaints.append(request.url))
    page.goto(f"{served.url}/en/accounts/{TEXTILE}")
    assert page.url.startswith(f"{served.url}/login")
    assert not violations(page)
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/en/accounts/{TEXTILE}")
    return page, complaints


def violations(page: Any) -> list[tuple[str, list[str]]]:
    found = axe.Axe().run(page).response["violations"]
    return [(rule["id"], [str(node["target"]) for node in rule["nodes"]]) for rule in found]


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_are_accessible_fit_and_load_nothing_from_elsewhere(
    browser: Any, served: Served, language: str, width: int
) -> None:
    page, complaints = signed_in(browser, served, width)
    for path in (*LISTS, *RECORDS):
        page.goto(f"{served.url}/{language}/{path}")
        assert not violations(page), path
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, path
    # The address of nobody is the only thing that fails to load, and icons of pages are data.
    assert [said for said in complaints if "404" not in said and not said.startswith("data:")] == []
    page.context.close()


def test_a_page_in_the_dark_and_on_paper(browser: Any, served: Served) -> None:
    page, _ = signed_in(browser, served, 1280, color_scheme="dark")
    assert not violations(page)
    page.emulate_media(media="print")
    for hidden in ("form.find", ".kinds", ".leave", "header.site"):
        assert page.locator(hidden).first.is_hidden(), hidden
    assert page.locator("table.ledger").is_visible()
    page.context.close()


def test_somebody_searches_reads_and_leaves(browser: Any, served: Served) -> None:
    page, complaints = signed_in(browser, served, 1280)
    page.fill("#q", "avila")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="João d'Ávila").click()
    page.wait_for_url(f"**/en/people/{JOAO}")
    page.get_by_role("link", name="Português").click()
    assert page.locator("html").get_attribute("lang") == "pt-BR"
    drawn = page.locator("svg path.score")
    assert drawn.is_visible()
    assert re.fullmatch(r"M[\d. L-]+", drawn.get_attribute("d"))
    page.get_by_role("button", name="Sair").click()
    page.wait_for_url("**/login")
    page.goto(f"{served.url}/pt/people/{JOAO}")
    assert "/login" in page.url
    assert not complaints
    page.context.close()


def test_a_link_in_another_site_finds_the_open_session(browser: Any, served: Served) -> None:
    page, _ = signed_in(browser, served, 1280)
    other = page.context.new_page()
    other.set_content(f'<a href="{served.url}/en/people/{JOAO}">in the CRM</a>')
    other.get_by_role("link").click()
    other.get_by_role("heading", name="João d'Ávila").wait_for(timeout=10_000)
    page.context.close()
    # Without a session it ends at the form, and does not go round for ever.
    stranger = browser.new_context().new_page()
    stranger.set_content(f'<a href="{served.url}/en/people/{JOAO}">in the CRM</a>')
    stranger.get_by_role("link").click()
    stranger.locator("#token").wait_for(timeout=10_000)
    stranger.context.close()
