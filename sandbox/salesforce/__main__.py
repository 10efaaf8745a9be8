"""``python -m sandbox.salesforce``: start the local Salesforce."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.common.serving import bind, remove_database, serve, url_of
from sandbox.salesforce.app import create_app
from sandbox.salesforce.org import OrgOptions, open_org
from sandbox.server.errors import SandboxError


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the process's exit code: 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        listener = bind(options.port)
        if options.reset and options.db is not None:
            remove_database(options.db)
        org = open_org(
            options.db,
            options.world,
            OrgOptions(
                daily=options.daily,
                token_seconds=options.token_seconds,
                certificate=_read(options.certificate),
                bulk_delay=options.bulk_delay_ms / 1000,
                bulk_page=options.bulk_page,
            ),
        )
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    client = org.sessions.client
    ready = {
        "url": url_of(listener),
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "username": client.username,
        "pid": os.getpid(),
    }
    try:
        serve(create_app(org, latency_ms=options.latency_ms), listener, ready, tells_date=True)
    finally:
        org.db.close()
    return 0


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise SandboxError(f"{path}: the certificate cannot be read ({error.strerror})") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.salesforce",
        description="A local CRM that answers Salesforce's API. Prints one JSON line (url, client_id, client_secret, "
        "username, pid) when ready.",
    )
    parser.add_argument("--world", type=Path, help="folder of a sample world; without it the org starts empty")
    parser.add_argument("--db", type=Path, help="SQLite file to keep the org in; without it, memory only")
    parser.add_argument("--reset", action="store_true", help="build the database again from the world")
    parser.add_argument("--port", type=int, default=8792, help="0 picks a free one (default %(default)s)")
    parser.add_argument("--latency-ms", type=int, default=0, help="added to every API request")
    parser.add_argument("--daily", type=int, default=100_000, help="API requests a UTC day, 0 = no limit")
    parser.add_argument("--token-seconds", type=float, default=7_200, help="how long a token lasts")
    parser.add_argument("--certificate", type=Path, help="PEM certificate or public key that signs JWT assertions")
    parser.add_argument("--bulk-delay-ms", type=int, default=0, help="how long a bulk job waits before it runs")
    parser.add_argument("--bulk-page", type=int, default=50_000, help="records of a page of a query job's result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
