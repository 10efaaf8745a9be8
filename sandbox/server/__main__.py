"""``python -m sandbox.server``: start the local CRM."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.common.serving import bind, remove_database, serve, url_of
from sandbox.server.app import ServerOptions, create_app
from sandbox.server.errors import SandboxError
from sandbox.server.portal import DEFAULT_TOKEN, PortalOptions, open_portal


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the process's exit code: 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        listener = bind(options.port)
        if options.reset and options.db is not None:
            remove_database(options.db)
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
    try:
        serve(app, listener, {"url": url_of(listener), "token": token, "pid": os.getpid()})
    finally:
        portal.db.close()
    return 0


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


if __name__ == "__main__":
    sys.exit(main())
