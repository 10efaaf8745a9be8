"""``leadhouse serve``: accounts and people by name, for who has the token."""

from __future__ import annotations

import ipaddress
import secrets
from pathlib import Path
from typing import Annotated

import typer

from leadhouse.installation import own_or_last_demo
from leadhouse.settings import Settings, SettingsError

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on; others than this machine's own need a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8766,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="Host name by which browsers call it; may be repeated. Requests for other names are refused."
        ),
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy on this machine says who asks, and whether by https.")
    ] = False,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate, a PEM file.", show_default=False)] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, a PEM file.", show_default=False)] = None,
) -> None:
    """Serve accounts and people by name from the published snapshot, behind a token (LEADHOUSE_SERVE_TOKEN)."""
    from leadhouse.display import console
    from serve.server import Listening, run

    settings = own_or_last_demo()
    is_local = _is_loopback(host)
    token = serve_token(settings, is_local=is_local)
    if (certificate is None) != (key is None):
        raise SettingsError("--certificate and --key belong together: name both, or neither.")
    for path in (certificate, key):
        if path is not None and not path.is_file():
            raise SettingsError(f"{path}: no such file.")
    is_made_up = token is None
    opened_by = token or secrets.token_urlsafe(24)

    def ready(url: str) -> None:
        # The token stands in the link only when it was made for this one run.
        link = f"{url}/?token={opened_by}" if is_made_up else f"{url}/"
        console.print(f"Accounts and people at {link}", soft_wrap=True, markup=False)
        if not is_local and certificate is None and not behind_proxy:
            console.print("  Without TLS: the token and the pages can be read on the way.", style="yellow")
        console.print("Ctrl-C stops it.")

    run(
        Listening(
            host=host,
            port=port,
            names=frozenset(one.lower() for one in name) if name else _LOOPBACK_NAMES if is_local else frozenset(),
            behind_proxy=behind_proxy,
            certificate=certificate,
            key=key,
        ),
        opened_by,
        settings.current_snapshot,
        memory_limit=settings.memory_limit,
        ready=ready,
    )


def serve_token(settings: Settings, *, is_local: bool) -> str | None:
    """The token of the environment; None where none is set and only this machine can ask.

    Raises:
        SettingsError: it is too short, or there is none and other machines can ask.
    """
    from serve.sessions import SHORTEST_TOKEN

    token = settings.serve_token.get_secret_value().strip() if settings.serve_token is not None else ""
    if not token and is_local:
        return None
    if not token:
        raise SettingsError(
            "Other machines could ask for people's data. Set LEADHOUSE_SERVE_TOKEN in the environment to at least "
            f"{SHORTEST_TOKEN} characters that nobody can guess (python -c 'import secrets; "
            "print(secrets.token_urlsafe(24))'), or listen on 127.0.0.1."
        )
    if len(token) < SHORTEST_TOKEN:
        raise SettingsError(
            f"LEADHOUSE_SERVE_TOKEN has {len(token)} characters; it needs at least {SHORTEST_TOKEN}, so that nobody "
            "can guess it."
        )
    return token


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
