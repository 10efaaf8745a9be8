"""A Chromium for tests of the pages, and a static host to open them from."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

#: Names under which Debian and others install it.
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING = f"no browser found ({', '.join(NAMES)}): apt-get install chromium"
#: The script of a page has drawn everything, or there is nothing to draw.
READY = "() => performance.getEntriesByName('all-charts').length > 0 || !document.getElementById('report')"


def find_browser() -> str | None:
    """The path of an installed Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@dataclass(frozen=True)
class Site:
    """A built site: its folder, its address, the snapshot it shows and its pages (stems, definitions included)."""

    folder: Path
    address: str
    snapshot: Path
    pages: list[str]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """The installed Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser())
        yield browser
        browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""


@contextmanager
def static_host(site: Path) -> Iterator[str]:
    """``site`` on 127.0.0.1; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def open_page(page: Page, address: str) -> Page:
    """Open an address and wait until the page has drawn itself."""
    page.goto(address)
    page.wait_for_function(READY)
    return page


def shown_table(page: Page, source: str) -> list[list[str]]:
    """The text of every row of a table, head and foot included."""
    rows = page.locator(f'table[data-source="{source}"]').first.evaluate(
        "(table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return [[str(cell) for cell in row] for row in rows]
