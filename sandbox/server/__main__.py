"""``python -m sandbox.server``: start the local CRM."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from sandbox.server.app import ServerOptions, create_app
from sandbox.server.errors import SandboxError
from sandbox.server.portal import DEFAULT_TOKEN, PortalOptions, open_portal

_HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the process's exit code: 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        listener = _bind(options.port)
        if options.reset and options.db is not None:
            _remove(options.db)
        portal = open_portal(
            options.db,
            options.world,
            PortalOptions(explicit_nulls=options.explicit_nulls, search_lag_ms=options.search_lag_ms),
        )
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    token = options.token or (portal.world.token if portal.world else None) or DEFAULT_TOKEN
    app = create_app(
        portal,
        ServerOptions(
            token=token,
            burst=options.burst,
            daily=options.daily,
            searches=options.searches,
            latency_ms=options.latency_ms,
        ),
    )
    config = uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    ready = {"url": f"http://{_HOST}:{listener.getsockname()[1]}", "token": token, "pid": os.getpid()}
    # The server re-raises the signal that stopped it; a requested end is a clean end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_serve(uvicorn.Server(config), listener, ready))
    except KeyboardInterrupt:
        return 0
    finally:
        portal.db.close()
    return 0


async def _serve(server: uvicorn.Server, listener: socket.socket, ready: dict[str, object]) -> None:
    """Run the server; say on stdout when it answers."""
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if server.started:
        print(json.dumps(ready), flush=True)
    await serving


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.server",
        description="A local CRM that answers HubSpot's API. Prints one JSON line (url, token, pid) when ready.",
    )
    parser.add_argument("--world", type=Path, help="folder of a sample world; without it the portal starts empty")
    parser.add_argument("--db", type=Path, help="SQLite file to keep the portal in; without it, memory only")
    parser.add_argument("--reset", action="store_true", help="build the database again from the world")
    parser.add_argument("--port", type=int, default=8791, help="0 picks a free one (default %(default)s)")
    parser.add_argument("--token", help="bearer token to accept (default: the world's, or sandbox-token)")
    parser.add_argument("--latency-ms", type=int, default=0, help="added to every API request")
    parser.add_argument("--burst", type=int, default=190, help="requests in ten rolling seconds, 0 = no limit")
    parser.add_argument("--daily", type=int, default=250_000, help="requests a UTC day, 0 = no limit")
    parser.add_argument("--searches", type=int, default=5, help="searches a second, 0 = no limit")
    parser.add_argument("--search-lag-ms", type=int, default=0, help="how long a write stays hidden from searches")
    parser.add_argument(
        "--explicit-nulls",
        action="store_true",
        help="send requested but unset properties as null (strict client models refuse it)",
    )
    return parser


def _bind(port: int) -> socket.socket:
    # Naming the protocol lets the event loop switch Nagle's algorithm off: without it every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        raise SandboxError(
            f"port {port} on {_HOST} cannot be used ({error}); give another with --port, or --port 0 for a free one"
        ) from error
    return listener


def _remove(db: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{db}{suffix}").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
