"""Runs the application until it is interrupted."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from serve.app import create_app
from serve.errors import ServeError
from serve.gate import Door
from serve.sessions import Token
from serve.snapshot import Snapshots

_LOG_FORMAT = "%(asctime)s %(message)s"


@dataclass(frozen=True)
class Listening:
    """Where to listen. ``names``: host names that are answered, empty = any. ``behind_proxy``: believe X-Forwarded-*
    of a proxy on this machine. ``certificate`` and ``key``: PEM files; None = plain HTTP."""

    host: str
    port: int
    names: frozenset[str] = frozenset()
    behind_proxy: bool = False
    certificate: Path | None = None
    key: Path | None = None


def run(where: Listening, token: str, link: Path, *, memory_limit: str | None, ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        where: to listen.
        token: that opens the pages.
        link: the published snapshot's link.
        memory_limit: most memory of the statements.
        ready: told the server's address once it answers.

    Raises:
        ServeError: the port is taken or the address is not this machine's.
    """
    # Log lines hold the shape of an address, never what it names.
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    listener = _listener(where)
    port = listener.getsockname()[1]
    scheme = "https" if where.certificate else "http"
    host = f"[{where.host}]" if ":" in where.host else where.host
    app = create_app(Snapshots(link, memory_limit=memory_limit), Door(Token(token), hosts=where.names))
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=where.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        ssl_certfile=where.certificate,
        ssl_keyfile=where.key,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32_768,
    )
    server = _Server(config, lambda: ready(f"{scheme}://{host}:{port}"))
    with listener:
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.should_exit:
            self._ready()


def _listener(where: Listening) -> socket.socket:
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise ServeError(
            f"Cannot listen on {where.host}:{where.port}: {error.strerror or error}. Choose another --host or --port."
        ) from None
    return listener
