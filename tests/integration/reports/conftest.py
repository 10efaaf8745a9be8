"""One site from a made-up snapshot for all tests of the pages, and a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from report_browser import MISSING, Site, find_browser, running_browser, static_host
from report_snapshot import write_snapshot

from reports import build_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("reports")
    snapshot = write_snapshot(root / "snapshot.duckdb")
    pages = build_site(snapshot, root / "site")
    with static_host(root / "site") as address:
        yield Site(root / "site", address, snapshot, [*(page.name for page in pages), "definitions"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: while Playwright runs, no other of it may start in the process."""
    if find_browser() is None:
        pytest.skip(MISSING)
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of a desktop. Whatever goes wrong in a script fails the test."""
    window = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield window
    window.close()
    assert not errors
