"""A PostgreSQL server of our own, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from collector_process import free_port


def programs() -> Path:
    """The folder of the newest server's programs, which Debian puts on no PATH; skips where there are none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    pytest.skip("no PostgreSQL server programs found (apt-get install postgresql)")


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The server's URL, as long as the block lasts."""
    binaries = programs()
    user: dict[str, object] = {}
    if os.geteuid() == 0:
        # The server refuses to run as root.
        user = {"user": "postgres"}
        for parent in (folder, *list(folder.parents)[:2]):
            parent.chmod(0o755)
        shutil.chown(folder, "postgres")
    port, data = free_port(), folder / "data"
    run = {"check": True, "capture_output": True, "cwd": folder, **user}
    initdb = [binaries / "initdb", "-D", data, "-U", "leadhouse", "-A", "trust", "--no-sync"]
    subprocess.run(initdb, **run)  # type: ignore[call-overload]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [binaries / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log", "-o", options, "start"]
    subprocess.run(control, **run)  # type: ignore[call-overload]
    try:
        yield f"postgresql://leadhouse@127.0.0.1:{port}/postgres"
    finally:
        # SIGQUIT to the server itself: it ends at once, its sessions with it.
        os.kill(int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0]), signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while (data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
