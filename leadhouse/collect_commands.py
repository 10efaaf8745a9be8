"""``leadhouse collect`` and ``leadhouse keys``: taking events in, and who may send them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from leadhouse.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from instant.keys import KeyStore


def collect_command(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8780,
    host: Annotated[str, typer.Option(help="Address to listen on; a proxy that speaks TLS stands before it.")] = (
        "127.0.0.1"
    ),
    workers: Annotated[int, typer.Option(min=1, help="Processes; more than one need an inbox on PostgreSQL.")] = 1,
) -> None:
    """Take events of trackers and webhooks into the inbox until interrupted."""
    import uvicorn

    from instant.app import create_app
    from leadhouse.display import console

    settings = load_settings()
    if workers > 1 and settings.inbox_store_url.startswith("sqlite"):
        raise SettingsError(
            f"--workers {workers}: a SQLite inbox has one writer. Set LEADHOUSE_INBOX_URL=postgresql://... or use one."
        )
    console.print(f"Collecting at http://{host}:{port} into the inbox. Ctrl-C stops it.", soft_wrap=True)
    # How uvicorn runs is said twice, because its workers want the app's name and one process wants the app.
    if workers > 1:
        uvicorn.run(
            "instant.app:app_of_environment", factory=True, host=host, port=port, workers=workers,
            log_level="warning", access_log=False,
        )  # fmt: skip
    else:
        uvicorn.run(create_app(settings), host=host, port=port, log_level="warning", access_log=False)


def keys_add_command(
    name: Annotated[str, typer.Argument(help="Of the source, such as website.")],
    key: Annotated[
        str | None, typer.Option(help="An existing key to go on with (Snowplow: the app id); made up by default.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Web page origin that may use it, such as https://www.example.com; may be repeated."),
    ] = None,
    events_per_second: Annotated[int | None, typer.Option(min=1, help="Instead of the setting's.")] = None,
    max_body_bytes: Annotated[int | None, typer.Option(min=1_024, help="Instead of the setting's.")] = None,
) -> None:
    """Make a write key and show it, for the only time."""
    from leadhouse.display import console

    with _keys() as keys:
        made = keys.add(
            name, key=key, origins=origin or (), events_per_second=events_per_second, max_body_bytes=max_body_bytes
        )
    console.print(made, soft_wrap=True, markup=False, highlight=False)


def keys_list_command(
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON list.")] = False,
) -> None:
    """Show the write keys (not the keys themselves: only their first letters are known)."""
    from rich.table import Table

    from leadhouse.display import console

    with _keys() as keys:
        found = keys.all()
    if as_json:
        rows = [
            {
                "name": key.name, "hint": key.hint, "created_at": key.created_at.isoformat(timespec="seconds") + "Z",
                "revoked": key.revoked_at is not None, "origins": list(key.origins),
                "events_per_second": key.events_per_second, "max_body_bytes": key.max_body_bytes,
            }
            for key in found
        ]  # fmt: skip
        console.print_json(json.dumps(rows))
        return
    table = Table("Source", "Key", "Made", "State", "Origins", "Events/s", "Bytes")
    for key in found:
        table.add_row(
            key.name,
            f"{key.hint}...",
            f"{key.created_at:%Y-%m-%d}",
            "in use" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d}",
            ", ".join(key.origins) or "any",
            f"{key.events_per_second:,}" if key.events_per_second else "default",
            f"{key.max_body_bytes:,}" if key.max_body_bytes else "default",
        )
    console.print(table)


def keys_revoke_command(name: Annotated[str, typer.Argument(help="Of the source.")]) -> None:
    """Close a write key; running collectors know within seconds. Its events stay."""
    from leadhouse.display import console

    with _keys() as keys:
        keys.revoke(name)
    console.print(f"{name}: revoked.")


@contextmanager
def _keys() -> Iterator[KeyStore]:
    from instant.inbox import Inbox
    from instant.keys import KeyStore

    with Inbox(load_settings().inbox_store_url) as inbox:
        yield KeyStore(inbox)
