"""``leadhouse audit``: what the scores say and what the rules do. ``leadhouse doctor``: is everything set up."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from leadhouse.settings import PROJECT_DIR, SettingsError, load_settings

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


def audit_command(
    as_json: JsonOption = False,
    out: Annotated[Path | None, typer.Option(help="Also write the report to this Markdown file.")] = None,
) -> None:
    """Audit the scoring system: distribution, lift, dead and overlapping rules, decay, age, drift; what to do first."""
    import duckdb

    from leadhouse.display import console
    from orchestration.audit import AuditRefused, audit, to_markdown
    from orchestration.replay import reading

    settings = load_settings()
    with reading(settings.warehouse) as connection:
        try:
            found = audit(connection, rules_changed_on=rules_changed_on(PROJECT_DIR))
        except (AuditRefused, duckdb.CatalogException) as refused:
            raise SettingsError(str(refused)) from None
    text = to_markdown(found)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=1, default=str))
        return
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        typer.echo(text, nl=False)


def doctor_command(as_json: JsonOption = False) -> None:
    """Check the set-up: sources, clock, contract, owners, capacity, rates, last build, quarantine; what to do."""
    from leadhouse.display import console, table
    from orchestration.doctor import examine

    checks = examine(load_settings())
    missing = [check for check in checks if check.status == "missing"]
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        table(
            "Set-up",
            ("check", "", "found", "what to do"),
            [(check.name, check.status, check.found, check.to_do) for check in checks],
        )
        look = sum(check.status == "look" for check in checks)
        console.print(f"{len(checks)} checks: {len(missing)} missing, {look} to look at.")
    if missing:
        raise typer.Exit(1)


def rules_changed_on(project: Path) -> date | None:
    """The day of the last commit that touched a rule file; None without a history."""
    try:
        done = subprocess.run(
            ["git", "log", "-1", "--format=%cs", "--", "seeds/*.csv", "presets/*.csv"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return date.fromisoformat(done.stdout.strip()) if done.returncode == 0 and done.stdout.strip() else None
