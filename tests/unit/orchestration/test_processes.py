"""What a command starts, it stops: on success, on failure and on SIGTERM."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from leadhouse.sandbox_process import running_sandbox
from leadhouse.settings import PROJECT_DIR

#: `leadhouse sandbox` without the sample world.
SERVE_AN_EMPTY_PORTAL = """
from types import SimpleNamespace
from leadhouse import cli, sandbox_process
sandbox_process.ensure_world = lambda size, folder: (SimpleNamespace(folder=None), 0.0)
cli.app(["sandbox", "--port", "0"])
"""


def test_the_sandbox_is_stopped_when_the_block_fails(own_settings: Path) -> None:
    pids = []

    def fail_while_it_runs() -> None:
        with running_sandbox(None, own_settings / "sandbox.sqlite") as sandbox:
            pids.append(sandbox.pid)
            assert sandbox.stats()["total"] == 0
            raise ValueError("something else")

    with pytest.raises(ValueError, match="something else"):
        fail_while_it_runs()
    assert not psutil.pid_exists(pids[0])


def test_sigterm_stops_the_sandbox_too(own_settings: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE_AN_EMPTY_PORTAL],
        cwd=PROJECT_DIR,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = None
    while found is None:
        line = process.stdout.readline()
        assert line, "the sandbox did not start"
        found = re.search(r"process (\d+)", line)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    process.stdout.close()
    assert not psutil.pid_exists(int(found.group(1)))
