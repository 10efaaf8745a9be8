"""One tiny world and one server over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sandbox_harness import UNLIMITED, Sandbox, running, write_world


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def server(tiny_world: Path) -> Iterator[Sandbox]:
    """A server over the tiny world. Modules that count or change records bring their own under the same name."""
    with running("--world", str(tiny_world), *UNLIMITED) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def api(server: Sandbox) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client
