"""A page in a real browser sends to a collector of another origin, as the vendors' browser libraries do."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from collector_process import Collecting, add_keys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
#: Segment's library: text/plain, kept alive when the page is left. Jitsu's: a header of its own, which the browser asks
#: about before. Snowplow's: JSON with credentials. Snowplow's pixel: an image. Last what a page sends as it goes.
SEND = """
async ([url]) => {
  const common = { type: 'track', event: 'Form Submitted', anonymousId: 'browser', timestamp: '2026-11-01T08:30:00Z' }
  const event = id => ({ ...common, messageId: id })
  const answers = []
  const post = async (path, body, more) => {
    const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body), ...more })
    answers.push([answer.status, await answer.json()])
  }
  await post('/v1/t', { ...event('segment'), writeKey: 'wk_page' }, {
    keepalive: true, headers: { 'Content-Type': 'text/plain' }
  })
  await post('/api/s/track', event('jitsu'), {
    headers: { 'Content-Type': 'application/json', 'X-Write-Key': 'wk_page' }
  })
  await post('/com.snowplowanalytics.snowplow/tp2', {
    schema: 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4',
    data: [{ e: 'pv', url: location.href, eid: 'snowplow', duid: 'browser', aid: 'wk_page', dtm: '1795316950798' }]
  }, { credentials: 'include', headers: { 'Content-Type': 'application/json; charset=UTF-8' } })
  answers.push(await new Promise(done => {
    const image = new Image()
    image.onload = () => done([200, image.width])
    image.onerror = () => done([0, 'no image'])
    const fields = { e: 'pv', eid: 'pixel', duid: 'browser', aid: 'wk_page', dtm: '1795316950798', url: location.href }
    image.src = url + '/i?' + new URLSearchParams(fields)
  }))
  navigator.sendBeacon(url + '/v1/batch?writeKey=wk_page', JSON.stringify({ batch: [event('beacon')] }))
  return answers
}
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""


@pytest.fixture
def page_url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text("<title>A page</title>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()
        thread.join()


def test_a_real_browser_may_send_from_another_origin(collector: Collecting, page_url: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser found ({', '.join(NAMES)}): apt-get install chromium")
    add_keys(collector.inbox_url, page="wk_page")
    collector.until_known("wk_page")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found)
        page = browser.new_page()
        page.goto(page_url)
        answers = page.evaluate(SEND, [collector.url])
        page.goto("about:blank")
        page.wait_for_timeout(300)
        browser.close()
    assert answers == [[200, {"success": True}]] * 3 + [[200, 1]]
    rows = {event.message_id: event.row() for event in collector.kept("page")}
    assert sorted(rows) == ["beacon", "jitsu", "pixel", "segment", "snowplow"]
    assert {row["anonymous_id"] for row in rows.values()} == {"browser"}
    assert all("Chrome" in row["user_agent"] for row in rows.values())
    assert rows["pixel"]["page_path"] == "/index.html"
