"""The report pages: how long they take to build, and how fast and how heavy they are in a browser.

``python -m benchmarks.reports [--world medium | --snapshot PATH] [--json]``: builds the site several times (median),
serves it with gzip as static hosts do, and opens it in headless Chromium with an empty cache: time to the first chart
and bytes transferred on the page of channels, the time a switch of model takes until everything is redrawn, requests
that leave the host, and what axe finds on every page in every language.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import run_measured
from leadhouse.settings import PROJECT_DIR, load_settings
from reports import build_site
from reports.languages import LANGUAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROI_PAGE = "channels"
RUNS = 5
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
#: What is aimed at: every measure must be at or below its limit.
LIMITS = {
    "build_seconds": 10.0,
    "first_chart_ms": 1000.0,
    "transferred_kb": 500.0,
    "external_requests": 0,
    "switch_ms": 150.0,
    "axe_violations": 0,
}
_READY = "() => performance.getEntriesByName('all-charts').length > 0 || !document.getElementById('report')"


@dataclass(frozen=True)
class Measures:
    """What was measured. Times are medians; ``transferred_kb`` is gzip of everything that the page asks for."""

    snapshot_mb: float
    pages: int
    charts: int
    build_seconds: float
    build_peak_mb: float
    first_chart_ms: float
    transferred_kb: float
    external_requests: int
    switch_ms: float
    switch_worst_ms: float
    axe_violations: int
    axe_pages: int


class BenchmarkError(Exception):
    """What is missing for the benchmark to run."""


class _GzipHandler(SimpleHTTPRequestHandler):
    """A static host: every file compressed, as hosts do for text."""

    sent = 0

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        type(self).sent += len(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""


@contextmanager
def static_host(site: Path) -> Iterator[str]:
    """``site`` on 127.0.0.1, compressed; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_GzipHandler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def measure(snapshot: Path, folder: Path) -> Measures:
    """Build the site into ``folder`` and open it. Raises ``BenchmarkError`` where no browser is installed."""
    from playwright.sync_api import sync_playwright

    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        raise BenchmarkError(f"no browser found ({', '.join(BROWSERS)}): apt-get install chromium")
    site = folder / "site"
    seconds, peak = _build(snapshot, folder)
    pages = build_site(snapshot, site)
    names = [*(page.name for page in pages), "definitions"]
    with static_host(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        first, kilobytes = _first_chart(browser, address)
        switches = _switches(browser, address)
        outside, violations = _every_page(browser, address, names)
        browser.close()
    return Measures(
        snapshot_mb=round(snapshot.stat().st_size / 1e6, 1),
        pages=len(pages),
        charts=sum(page.charts for page in pages),
        build_seconds=round(seconds, 2),
        build_peak_mb=round(peak / 1e6, 1),
        first_chart_ms=round(first, 1),
        transferred_kb=round(kilobytes, 1),
        external_requests=outside,
        switch_ms=round(statistics.median(switches), 1),
        switch_worst_ms=round(max(switches), 1),
        axe_violations=violations,
        axe_pages=len(names) * len(LANGUAGES),
    )


def _build(snapshot: Path, folder: Path) -> tuple[float, int]:
    """Median seconds of the build in a process of its own, start and imports included, and its peak memory."""
    code = "import sys; from pathlib import Path; from reports import build_site; build_site(*map(Path, sys.argv[1:]))"
    environment = {"PYTHONPATH": str(PROJECT_DIR), "PATH": "/usr/bin:/bin"}
    runs = []
    for _ in range(RUNS):
        log = folder / "build.log"
        command = [sys.executable, "-c", code, str(snapshot), str(folder / "measured")]
        run = run_measured(command, environment, folder, log)
        if run.exit_code:
            raise BenchmarkError(log.read_text(encoding="utf-8"))
        runs.append(run)
    return statistics.median(run.seconds for run in runs), max(run.peak_bytes() for run in runs)


def _first_chart(browser: Browser, address: str) -> tuple[float, float]:
    """Median milliseconds from the start of navigation to the first chart, and kilobytes that came over the line."""
    times, sizes = [], []
    for _ in range(RUNS):
        context = browser.new_context()
        page = context.new_page()
        before = _GzipHandler.sent
        page.goto(f"{address}/en/{ROI_PAGE}.html")
        page.wait_for_function(_READY)
        times.append(page.evaluate("performance.getEntriesByName('first-chart')[0].startTime"))
        sizes.append((_GzipHandler.sent - before) / 1000)
        context.close()
    return statistics.median(times), max(sizes)


def _switches(browser: Browser, address: str) -> list[float]:
    """Milliseconds from choosing a model until every table and chart shows it, for every model."""
    page = browser.new_page()
    page.goto(f"{address}/en/{ROI_PAGE}.html")
    page.wait_for_function(_READY)
    models = page.locator('select[name="model"] option').evaluate_all("(all) => all.map((option) => option.value)")
    for done, model in enumerate(models[::-1] + models, start=1):
        page.select_option('select[name="model"]', model)
        page.wait_for_function(f"() => performance.getEntriesByName('switch').length >= {done}")
    times = page.evaluate("performance.getEntriesByName('switch').map((entry) => entry.duration)")
    page.close()
    return [float(milliseconds) for milliseconds in times]


def _every_page(browser: Browser, address: str, names: Sequence[str]) -> tuple[int, int]:
    """Requests that left the host, and violations that axe found, over every page and language."""
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    violations = 0
    for language in LANGUAGES:
        for name in names:
            page.goto(f"{address}/{language.code}/{name}.html")
            page.wait_for_function(_READY)
            violations += len(Axe().run(page).response["violations"])
    page.close()
    return sum(not url.startswith((address, "data:", "blob:")) for url in asked), violations


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and, with ``--json``, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=("small", "medium", "large"), default="small", help="the demo's snapshot")
    parser.add_argument("--snapshot", type=Path, help="another published snapshot")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    snapshot = options.snapshot or PROJECT_DIR / "data/demo" / options.world / "published/current.duckdb"
    bench = load_settings().data_dir / "bench"
    bench.mkdir(parents=True, exist_ok=True)
    if not snapshot.exists():
        print(f"no snapshot at {snapshot}: run leadhouse demo --world {options.world}", file=sys.stderr)
        return 1
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=bench, prefix="reports-") as folder:
        try:
            measured = measure(snapshot.resolve(), Path(folder))
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    for name, value in asdict(measured).items():
        limit = LIMITS.get(name)
        judged = "" if limit is None else f"  {'ok' if value <= limit else 'TOO MUCH'} (at most {limit:g})"
        print(f"{name:<18} {value:>10,}{judged}")
    print(f"{time.monotonic() - started:.0f} s in all")
    if options.json:
        print(json.dumps(asdict(measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
