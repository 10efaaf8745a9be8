"""Collectors, and requests captured from real trackers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from collector_process import ROOT, Collecting, add_keys, start, stop

SHARED = Path(os.environ.get("LEADHOUSE_SHARED_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    """One for all that only send to it, with the key ``wk_web`` of the source ``web``."""
    folder = tmp_path_factory.mktemp("collector")
    add_keys(f"sqlite:///{folder / 'inbox.db'}", web="wk_web")
    running = start(folder)
    yield running
    stop(running)


@pytest.fixture
def collecting() -> Iterator[Callable[..., Collecting]]:
    """Starts collectors; ends them."""
    started: list[Collecting] = []

    def begin(*arguments: Any, **environment: str) -> Collecting:
        started.append(start(*arguments, **environment))
        return started[-1]

    yield begin
    for running in started:
        stop(running, signal.SIGKILL)


@pytest.fixture(scope="session")
def payloads() -> Path:
    """Requests captured from the vendors' own libraries; they are not part of the project."""
    folder = SHARED / "tracker_payloads"
    if not folder.is_dir():
        pytest.skip(f"no tracker_payloads in {SHARED}; name its parent in LEADHOUSE_SHARED_DATA")
    return folder
