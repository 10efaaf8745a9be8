"""Sandbox portals, and the helpers shared with the unit tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

for _folder in (Path(__file__).parent, Path(__file__).resolve().parents[2] / "unit" / "reverse_etl"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from writeback_portal import Portal, Project  # noqa: E402


@pytest.fixture(scope="session")
def start_portal() -> Iterator[Callable[..., Portal]]:
    """Starts empty portals without limits, which real time would set to tests whose clock is not real; all end with
    the session."""
    running: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Portal:
        no_limits = ("--burst", "0", "--daily", "0", "--searches", "0")
        command = [sys.executable, "-m", "sandbox.server", "--port", "0", *no_limits, *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        return Portal(told["url"], told["token"])

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def shared_portal(start_portal: Callable[..., Portal]) -> Portal:
    """One portal for all the tests of a module; they bring their own records."""
    return start_portal()


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    """The shared portal, its counters at zero and without faults."""
    shared_portal.call("POST", "/sandbox/faults", [])
    shared_portal.call("POST", "/sandbox/reset-stats")
    return shared_portal


@pytest.fixture
def project(tmp_path: Path, portal: Portal) -> Project:
    return Project(tmp_path, portal)
