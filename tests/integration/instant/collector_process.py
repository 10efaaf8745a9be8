"""A collector as a process of its own, on 127.0.0.1, with an inbox."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from instant.inbox import Inbox, InboxEvent
from instant.keys import KeyStore

ROOT = Path(__file__).parents[3]
HUBSPOT_SECRET = "a-secret-of-tests"


@dataclass
class Collecting:
    """A running collector and its inbox."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    inbox_url: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, path: str, body: Any, *, key: str | None = "wk_web", **more: Any) -> requests.Response:
        """Raw bytes as they are, anything else as JSON; the key in Basic authentication."""
        given = {"data": body} if isinstance(body, bytes | str) else {"json": body}
        auth = (key, "") if key else None
        return requests.post(self.url + path, auth=auth, timeout=30, **given, **more)

    def kept(self, source: str | None = None) -> list[InboxEvent]:
        """What the inbox holds, by its order."""
        with Inbox(self.inbox_url) as inbox:
            found = inbox.since(0, 1_000_000)
        return [event for event in found if source in (None, event.source)]

    def until_known(self, key: str) -> None:
        """Waits until the collector has read its keys again."""
        deadline = time.monotonic() + 30
        while not requests.get(f"{self.url}/v1/projects/{key}/settings", timeout=10).ok:
            assert time.monotonic() < deadline, f"{key} is not known after half a minute"
            time.sleep(0.1)

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"the collector ended: {(self.folder / 'log').read_text()}")
            try:
                if requests.get(f"{self.url}/healthz", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        pytest.fail("the collector did not answer within a minute")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start(folder: Path, inbox_url: str | None = None, *arguments: str, **environment: str) -> Collecting:
    """`leadhouse collect` over the folder's inbox."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith("LEADHOUSE_")}
    own |= {"LEADHOUSE_DATA_DIR": str(folder), "LEADHOUSE_HUBSPOT_WEBHOOK_SECRET": HUBSPOT_SECRET, **environment}
    url = inbox_url or f"sqlite:///{folder / 'inbox.db'}"
    port = free_port()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "leadhouse.cli", "collect", "--port", str(port), *arguments],
            cwd=ROOT,
            env={**own, "LEADHOUSE_INBOX_URL": url},
            stdout=log,
            stderr=log,
        )
    running = Collecting(folder, port, process, url)
    running.wait()
    return running


def stop(running: Collecting, number: int = signal.SIGTERM) -> None:
    if running.process.poll() is None:
        running.process.send_signal(number)
    running.process.wait(30)


def add_keys(inbox_url: str, **keys: str) -> None:
    """Keys by source."""
    with Inbox(inbox_url) as inbox:
        store = KeyStore(inbox)
        for source, key in keys.items():
            store.add(source, key=key)
