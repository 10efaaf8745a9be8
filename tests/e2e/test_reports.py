"""The pages of the demo's own snapshot: every page opens in both languages and names nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from e2e_installation import Demo

from orchestration.publish import current_snapshot
from reports import build_site
from reports.languages import LANGUAGES

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
READY = "() => performance.getEntriesByName('all-charts').length > 0 || !document.getElementById('report')"


@pytest.fixture(scope="module")
def site(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(current_snapshot(demo.installation.published.parent), folder)
    return folder


def test_nobody_is_named_on_the_public_pages(demo: Demo, site: Path) -> None:
    with duckdb.connect(str(current_snapshot(demo.installation.published.parent)), read_only=True) as connection:
        people = connection.execute("select full_name, email, phone_e164 from marts.dim_contacts").fetchall()
    known = {str(value) for person in people for value in person if value and len(str(value)) > 5}
    assert len(known) > 300
    named = {
        path.relative_to(site).as_posix(): sorted(value for value in known if value in text)
        for path in site.rglob("*.html")
        for text in [path.read_text(encoding="utf-8")]
        if any(value in text for value in known)
    }
    assert not named


def test_every_page_opens_and_draws_in_both_languages(site: Path) -> None:
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip(f"no browser found ({', '.join(BROWSERS)}): apt-get install chromium")
    from playwright.sync_api import sync_playwright

    errors: list[str] = []
    drawn: dict[str, int] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        for language in LANGUAGES:
            for path in sorted((site / language.code).glob("*.html")):
                page.goto(path.as_uri())
                page.wait_for_function(READY)
                assert page.locator("html").get_attribute("lang") == language.tag
                drawn[f"{language.code}/{path.stem}"] = page.locator(".plot svg").count()
        browser.close()
    assert not errors
    assert drawn["en/channels"] == drawn["pt/channels"] >= 6
    assert sum(drawn.values()) > 20
