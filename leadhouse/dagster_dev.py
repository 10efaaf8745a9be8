"""``leadhouse dagster``: ``dg dev`` on 127.0.0.1, on this installation or on the state of a demo."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from leadhouse.demo import SIZES, demo_settings, use_sandbox
from leadhouse.display import console
from leadhouse.sandbox_process import running_sandbox
from leadhouse.settings import PROJECT_DIR, Settings, SettingsError, load_settings
from orchestration.instance import prepare_dagster_home

#: Seconds Dagster gets to stop its own servers.
_STOP_SECONDS = 20


def last_demo(settings: Settings) -> str | None:
    """The size of the demo that ran last, if its state is still there."""
    found = [
        (warehouse.stat().st_mtime, size)
        for size in SIZES
        if (warehouse := settings.data_dir / "demo" / size / "warehouse.duckdb").exists()
    ]
    return max(found)[1] if found else None


def is_configured(settings: Settings) -> bool:
    """Whether any source of this installation's own is switched on."""
    return bool(
        settings.hubspot_base_url
        or settings.salesforce_login_url
        or settings.events_dir
        or settings.ads_dir
        or settings.enrichment_dir
        or settings.mappings
    )


def run_dagster(port: int, demo: str | None) -> None:
    """Serves Dagster until interrupted.

    Raises:
        SettingsError: the port is taken, or there is no such demo.
    """
    settings = load_settings()
    _refuse_taken_port(port)
    size = demo or (None if is_configured(settings) else last_demo(settings))
    with ExitStack() as stack:
        if size is not None:
            state = settings.data_dir / "demo" / size
            if not (state / "warehouse.duckdb").exists():
                raise SettingsError(f"There is no {size} demo yet. Run `make demo WORLD={size}` first.")
            os.environ.update(demo_settings(size, settings))
            world = settings.data_dir / "world" / size
            sandbox = stack.enter_context(running_sandbox(world, state / "sandbox.sqlite", size=size))
            use_sandbox(sandbox)
            console.print(f"On the {size} demo, sandbox CRM at {sandbox.url}.")
        settings = load_settings()
        os.environ.update(settings.as_environment())
        prepare_dagster_home(settings.dagster_home)
        console.print(f"Dagster at http://127.0.0.1:{port} (Ctrl-C stops it)")
        command = [str(Path(sys.executable).with_name("dg")), "dev", "--host", "127.0.0.1", "--port", str(port)]
        _serve(command)


def _serve(command: list[str]) -> None:
    """Runs the server until it ends or we are told to (Ctrl-C, SIGTERM).

    It has a process group of its own, which is stopped as a whole: ``dg`` starts servers that outlive it otherwise.
    """
    process = subprocess.Popen(command, cwd=PROJECT_DIR, start_new_session=True)
    try:
        process.wait()
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            if _is_gone(process):
                break


def _is_gone(process: subprocess.Popen[bytes]) -> bool:
    """Waits for every process of the group to end; False when some have not after a while."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise SettingsError(
                f"Port {port} on 127.0.0.1 is in use. Stop what listens there, or choose another: "
                f"leadhouse dagster --port {port + 1}"
            ) from None
