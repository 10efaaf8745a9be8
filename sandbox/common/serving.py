"""A sandbox as a process: a port of its own, one line on stdout when it answers, a clean end on SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from sandbox.server.errors import SandboxError

HOST = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one.

    Raises:
        SandboxError: the port cannot be used.
    """
    # Naming the protocol lets the event loop switch Nagle's algorithm off: without it every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        raise SandboxError(
            f"port {port} on {HOST} cannot be used ({error}); give another with --port, or --port 0 for a free one"
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address to reach it at."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def serve(app: ASGIApp, listener: socket.socket, ready: Mapping[str, object], *, tells_date: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; ``ready`` is printed as one JSON line once the server answers.

    ``tells_date``: the application sends a ``Date`` of its own, which is then the only one.
    """
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        date_header=not tells_date,
    )
    # The server re-raises the signal that stopped it; a requested end is a clean end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_serve(uvicorn.Server(config), listener, ready))
    except KeyboardInterrupt:
        return


async def _serve(server: uvicorn.Server, listener: socket.socket, ready: Mapping[str, object]) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if server.started:
        print(json.dumps(ready), flush=True)
    await serving


def remove_database(db: Path) -> None:
    """Delete a SQLite file and what stands beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{db}{suffix}").unlink(missing_ok=True)
