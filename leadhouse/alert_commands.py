"""``leadhouse alerts``: what of the write-back needs a person, and telling them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from leadhouse.settings import load_settings


def alerts_command(
    send: Annotated[bool, typer.Option(help="Tell the webhook and the addresses of the settings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Show what of the write-back needs a person: guards, refusals, stalled or failed syncs (exit code 1 if any).

    With --send those who are not told yet are told; an open alert is told again after `repeat_hours`.
    """
    from leadhouse.display import console, table
    from orchestration.alerts import tell

    told = tell(load_settings(), send=send)
    found = [*told.opened, *told.repeated, *told.quiet]
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "alerts": [asdict(alert) for alert in found],
                    "sent": [alert.key for alert in (*told.opened, *told.repeated)] if send else [],
                    "closed": [row["alert_key"] for row in told.closed] if send else [],
                }
            )
        )
    elif found:
        table("Alerts", ("kind", "what", "what to do"), [(one.kind, one.message, one.what_to_do) for one in found])
    else:
        console.print("Nothing needs a person.")
    if found:
        raise typer.Exit(1)
