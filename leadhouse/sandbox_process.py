"""The sandbox CRM and the sample world as child processes: reached over HTTP and through files, never imported."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from leadhouse.settings import PROJECT_DIR

#: Seconds to wait for the ready line; the large world takes minutes to load.
READY_SECONDS = {"small": 60, "medium": 180, "large": 1800}


class SandboxError(Exception):
    """The sample world could not be made, or the sandbox did not start; holds what it said."""


@dataclass(frozen=True)
class RunningCrm:
    """A running sandbox CRM, whichever vendor's it is shaped like."""

    url: str
    pid: int

    def stats(self) -> dict[str, Any]:
        """What the sandbox counted: ``total`` and ``writes`` requests, ``by_path``."""
        with urllib.request.urlopen(f"{self.url}/sandbox/stats", timeout=30) as answer:
            counted: dict[str, Any] = json.load(answer)
        return counted

    def apply_day2(self) -> None:
        """Applies the world's second day to the portal."""
        request = urllib.request.Request(f"{self.url}/sandbox/day2", method="POST")
        with urllib.request.urlopen(request, timeout=300):
            return


@dataclass(frozen=True)
class Sandbox(RunningCrm):
    """A running sandbox shaped like HubSpot."""

    token: str


@dataclass(frozen=True)
class SalesforceSandbox(RunningCrm):
    """A running sandbox shaped like Salesforce, and what its client logs in with."""

    client_id: str
    client_secret: str = field(repr=False)
    username: str


@dataclass(frozen=True)
class World:
    """A sample world on disk."""

    folder: Path
    as_of: datetime
    facts: dict[str, Any]


def ensure_world(size: str, folder: Path, *, seed: int | None = None) -> tuple[World, float]:
    """Generates the sample world unless it is there already; returns it with the seconds that took (0: cached).

    Generated beside its place and moved when whole, so that an interrupted call leaves no half world.

    Raises:
        SandboxError: the generator failed.
    """
    started = time.monotonic()
    made = 0.0
    if not (folder / "world.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = folder.with_name(f".{folder.name}.unfinished")
        _remove(unfinished)
        command = [sys.executable, "-m", "sandbox.world", "--size", size, "--out", str(unfinished)]
        if seed is not None:
            command += ["--seed", str(seed)]
        finished = subprocess.run(command, cwd=PROJECT_DIR, env=_environment(), capture_output=True, text=True)
        if finished.returncode != 0:
            raise SandboxError(f"The sample world could not be generated.\n{_tail(finished.stderr)}")
        _remove(folder)
        unfinished.rename(folder)
        made = time.monotonic() - started
    facts = json.loads((folder / "world.json").read_text(encoding="utf-8"))
    return World(folder, datetime.fromisoformat(str(facts["as_of"]).replace("Z", "+00:00")), facts), made


@contextmanager
def running_sandbox(
    world: Path | None, database: Path, *, size: str = "small", port: int = 0, extra: Sequence[str] = ()
) -> Iterator[Sandbox]:
    """Starts the sandbox shaped like HubSpot on 127.0.0.1; stops it by its process id when the block ends.

    Args:
        world: folder of the sample world; None starts an empty portal.
        database: the sandbox's own SQLite file.
        size: how long to wait for the ready line.
        port: 0 takes a free one.
        extra: further arguments of ``python -m sandbox.server``.

    Raises:
        SandboxError: it ended, or did not get ready in time; holds its last words.
    """
    with _running("sandbox.server", world, database, size, port, extra) as said:
        yield Sandbox(url=said["url"], pid=int(said["pid"]), token=said["token"])


@contextmanager
def running_salesforce(
    world: Path | None, database: Path, *, size: str = "small", port: int = 0, extra: Sequence[str] = ()
) -> Iterator[SalesforceSandbox]:
    """The same for the sandbox shaped like Salesforce (``python -m sandbox.salesforce``)."""
    with _running("sandbox.salesforce", world, database, size, port, extra) as said:
        yield SalesforceSandbox(
            url=said["url"],
            pid=int(said["pid"]),
            client_id=said["client_id"],
            client_secret=said["client_secret"],
            username=said["username"],
        )


@contextmanager
def _running(
    module: str, world: Path | None, database: Path, size: str, port: int, extra: Sequence[str]
) -> Iterator[dict[str, Any]]:
    database.parent.mkdir(parents=True, exist_ok=True)
    log = database.with_suffix(".log")
    command = [sys.executable, "-m", module, "--port", str(port), "--db", str(database), *extra]
    if world is not None:
        command += ["--world", str(world)]
    with log.open("w", encoding="utf-8") as log_file:
        process = subprocess.Popen(
            command, cwd=PROJECT_DIR, env=_environment(), stdout=subprocess.PIPE, stderr=log_file, text=True
        )
        try:
            yield _wait_until_ready(process, log, READY_SECONDS.get(size, 60))
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[str], log: Path, seconds: float) -> dict[str, Any]:
    assert process.stdout is not None, "started with a pipe"
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        ready = bool(selector.select(timeout=seconds))
    line = process.stdout.readline() if ready else ""
    if not line.strip():
        # An end of file is the end of the process, though it may not be gone yet.
        why = "ended at once" if ready else f"did not get ready in {seconds:.0f} s"
        raise SandboxError(f"The sandbox CRM {why}. {_tail(log.read_text(encoding='utf-8'))}")
    said: dict[str, Any] = json.loads(line)
    return said


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _environment() -> dict[str, str]:
    """The child's environment: ours without the settings of this installation, secrets included."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEADHOUSE_")}


def _tail(text: str, lines: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
