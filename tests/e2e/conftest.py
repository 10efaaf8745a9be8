"""One run of the demo, shared by every end-to-end test; later tests go on from where it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from e2e_installation import Demo, Installation

from leadhouse.sandbox_process import Sandbox, ensure_world, running_sandbox
from leadhouse.settings import PROJECT_DIR


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test waits for the demo: minutes on a busy machine, and no sign that something hangs."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """``leadhouse demo --world small`` on folders of its own, once per test session."""
    root = tmp_path_factory.mktemp("demo")
    ensure_world("small", root / "data" / "world" / "small")
    caller = Installation(root / "data", root / "data" / "world" / "small", root / "target")
    environment = caller.environment()
    for name in ("OPS_URL", "EVENTS_DIR", "ADS_DIR", "ENRICHMENT_DIR"):
        del environment[f"LEADHOUSE_{name}"]
    done = subprocess.run(
        [sys.executable, "-m", "leadhouse.cli", "demo", "--world", "small"],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return Demo(
        installation=Installation(root / "data" / "demo" / "small", caller.world, caller.target),
        summary=json.loads((root / "data" / "demo_summary.json").read_text(encoding="utf-8")),
        output=done.stdout,
    )


@pytest.fixture
def sandbox_of_demo(demo: Demo) -> Iterator[Sandbox]:
    """The demo's portal, started again with everything that was written to it."""
    with running_sandbox(demo.installation.world, demo.sandbox_database) as sandbox:
        yield sandbox
