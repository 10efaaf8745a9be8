"""The command line. Thin: each command reads settings, calls one part, and shows what came back.

Exit codes: 0 done, 1 a step failed, 2 wrong usage or settings, 3 done but the CRM refused records. Imports are inside
the commands so that ``--help`` is quick.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadhouse.alert_commands import alerts_command
from leadhouse.audit_commands import audit_command, doctor_command
from leadhouse.collect_commands import collect_command, keys_add_command, keys_list_command, keys_revoke_command
from leadhouse.contract_commands import contract_command
from leadhouse.erase_commands import erase_command, erasures_command
from leadhouse.identity_commands import explain_command, review_command, train_command
from leadhouse.installation import own_or_last_demo
from leadhouse.plan_commands import plan_command, plan_diff_command, plan_show_command, plans_command
from leadhouse.replay_commands import check_rules_command, replay_command, whatif_command
from leadhouse.scoring_commands import explain_score_command
from leadhouse.serve_commands import serve_command
from leadhouse.settings import PROJECT_DIR, SettingsError, load_settings
from leadhouse.writeback_commands import apply_command, deadletters_command, retry_command

if TYPE_CHECKING:
    from orchestration.runs import RunReport

app = typer.Typer(
    help="Leadhouse: raw data in, scores and reasons out, CRM kept in step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
plan_app = typer.Typer(
    help="Plan every sync (no request is sent), show a stored plan, or compare two.", rich_markup_mode=None
)
app.add_typer(plan_app, name="plan")
identity_app = typer.Typer(help="Who is who: the matcher's weights and what it thinks.", rich_markup_mode=None)
app.add_typer(identity_app, name="identity")
keys_app = typer.Typer(help="Write keys: who may send events to the collector.", rich_markup_mode=None)
app.add_typer(keys_app, name="keys")

for _name, _value in {
    # Nothing phones home, whatever the shell says.
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DAGSTER_DISABLE_TELEMETRY": "true",
    "FASTAPI_OTEL_AUTO_CONFIGURE": "false",
    "OTEL_SDK_DISABLED": "true",
}.items():
    os.environ[_name] = _value


class World(StrEnum):
    """Sizes of the sample world."""

    small = "small"
    medium = "medium"
    large = "large"


class Crm(StrEnum):
    """CRMs that the sandbox can be shaped like."""

    hubspot = "hubspot"
    salesforce = "salesforce"


WorldOption = Annotated[World, typer.Option("--world", help="Size of the sample world.")]


def _our_errors() -> tuple[type[Exception], ...]:
    """The exceptions that are meant for the person at the terminal; only loaded packages can have raised one."""
    wanted = {
        "identity.errors": ("IdentityError",),
        "privacy.keys": ("PrivacyError",),
        "leadhouse.contract_page": ("ContractError",),
        "ingestion.errors": ("IngestionError",),
        "instant.errors": ("InstantError",),
        "orchestration.errors": ("OrchestrationError",),
        "reverse_etl.errors": ("WritebackError",),
        "reports.errors": ("PageError",),
        "leadhouse.sandbox_process": ("SandboxError",),
        "leadhouse.demo": ("DemoError",),
        "serve.errors": ("ServeError",),
    }
    return tuple(
        getattr(sys.modules[module], name)
        for module, names in wanted.items()
        if module in sys.modules
        for name in names
    )


def _told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Prints our own errors as one message without a traceback; others are bugs and keep theirs."""

    @wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _leave)
        try:
            return command(*args, **kwargs)
        except SettingsError as error:
            _print_error(error)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            _print_error("Stopped.")
            raise typer.Exit(130) from None
        except Exception as error:
            if isinstance(error, _our_errors()):
                _print_error(error)
                raise typer.Exit(1) from None
            raise

    return wrapper


def _leave(_number: int, _frame: object) -> None:
    """SIGTERM unwinds like any other end, so that whatever a command started is stopped too."""
    raise SystemExit(143)


def _print_error(message: object) -> None:
    from leadhouse.display import errors

    errors.print(f"[bold red]Error:[/] {_escaped(str(message))}", soft_wrap=True)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


app.command("check-rules")(_told(check_rules_command))
app.command("contract")(_told(contract_command))
app.command("explain")(_told(explain_score_command))
app.command("replay")(_told(replay_command))
app.command("whatif")(_told(whatif_command))
app.command("audit")(_told(audit_command))
app.command("alerts")(_told(alerts_command))
app.command("doctor")(_told(doctor_command))
app.command("erase")(_told(erase_command))
app.command("erasures")(_told(erasures_command))
app.command("apply")(_told(apply_command))
app.command("deadletters")(_told(deadletters_command))
app.command("retry")(_told(retry_command))
app.command("serve")(_told(serve_command))
plan_app.callback(invoke_without_command=True)(_told(plan_command))
plan_app.command("show")(_told(plan_show_command))
plan_app.command("diff")(_told(plan_diff_command))
app.command("plans")(_told(plans_command))
identity_app.command("train")(_told(train_command))
identity_app.command("explain")(_told(explain_command))
identity_app.command("review")(_told(review_command))
app.command("collect")(_told(collect_command))
keys_app.command("add")(_told(keys_add_command))
keys_app.command("list")(_told(keys_list_command))
keys_app.command("revoke")(_told(keys_revoke_command))


@app.command()
@_told
def demo(world: WorldOption = World.small) -> None:
    """Run the whole path twice on the sample world and the sandbox CRM."""
    from leadhouse.demo import run_demo

    run_demo(world.value)


@app.command("world")
@_told
def make_world(
    size: Annotated[World, typer.Option("--size", help="Size of the sample world.")] = World.small,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default data/world/<size>.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed gives another world.")] = None,
) -> None:
    """Generate the sample world (kept: a second call does nothing)."""
    from leadhouse.display import console
    from leadhouse.sandbox_process import ensure_world

    folder = out or load_settings().data_dir / "world" / size.value
    with console.status("Generating the sample world"):
        made, seconds = ensure_world(size.value, folder, seed=seed)
    console.print(f"{made.folder}: as of {made.as_of.isoformat()}, " + (f"{seconds:.1f} s" if seconds else "cached"))


@app.command()
@_told
def sandbox(
    world: WorldOption = World.small,
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8765,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was written to the sandbox.")] = False,
    crm: Annotated[Crm, typer.Option(help="Which CRM it is shaped like.")] = Crm.hubspot,
) -> None:
    """Serve the sandbox CRM with the sample world until interrupted."""
    from leadhouse.display import console
    from leadhouse.sandbox_process import ensure_world, running_salesforce, running_sandbox

    data_dir = load_settings().data_dir
    with console.status("Generating the sample world"):
        made, _ = ensure_world(world.value, data_dir / "world" / world.value)
    extra = ["--reset"] if reset else []
    if crm is Crm.salesforce:
        database = data_dir / "sandbox" / f"{world.value}-salesforce.sqlite"
        with running_salesforce(made.folder, database, size=world.value, port=port, extra=extra) as org:
            console.print(f"Sandbox CRM at {org.url} (process {org.pid}). To use it:", soft_wrap=True)
            console.print(f"  export LEADHOUSE_SALESFORCE_LOGIN_URL={org.url}", soft_wrap=True)
            console.print(f"  export LEADHOUSE_SALESFORCE_CLIENT_ID={org.client_id}", soft_wrap=True)
            console.print(f"  export LEADHOUSE_SALESFORCE_CLIENT_SECRET={org.client_secret}", soft_wrap=True)
            console.print("Ctrl-C stops it.")
            signal.pause()
        return
    database = data_dir / "sandbox" / f"{world.value}.sqlite"
    with running_sandbox(made.folder, database, size=world.value, port=port, extra=extra) as running:
        console.print(f"Sandbox CRM at {running.url} (process {running.pid}). To use it:", soft_wrap=True)
        console.print(f"  export LEADHOUSE_HUBSPOT_BASE_URL={running.url}", soft_wrap=True)
        console.print(f"  export LEADHOUSE_HUBSPOT_TOKEN={running.token}", soft_wrap=True)
        console.print("Ctrl-C stops it.")
        signal.pause()


@app.command()
@_told
def ingest(
    source: Annotated[
        list[str] | None,
        typer.Option(help="Only this source (hubspot, salesforce, events, inbox, ads, enrichment, files, ops)."),
    ] = None,
    mapping: Annotated[
        list[Path] | None, typer.Option(help="Mapping file of another CSV or Parquet export; may be repeated.")
    ] = None,
) -> None:
    """Load every configured source into the raw schemas."""
    if mapping:
        # As JSON: a comma is a character of file names too.
        os.environ["LEADHOUSE_MAPPINGS"] = json.dumps([str(path.resolve()) for path in mapping])
        source = [*(source or []), "files"]
    from leadhouse.display import console, live_progress
    from orchestration.loading import SOURCES
    from orchestration.runs import run_job

    settings = load_settings()
    for name in source or []:
        if name not in SOURCES:
            raise SettingsError(f"--source {name}: no such source. Known: {', '.join(SOURCES)}.")
        if not SOURCES[name].is_configured(settings):
            raise SettingsError(
                f"--source {name}: not configured. Set LEADHOUSE_{SOURCES[name].setting.upper()} (docs/interfaces.md)."
            )
    if not source and not any(found.is_configured(settings) for name, found in SOURCES.items() if name != "ops"):
        raise SettingsError(
            "No source is configured. Set LEADHOUSE_HUBSPOT_BASE_URL and LEADHOUSE_HUBSPOT_TOKEN, "
            "LEADHOUSE_SALESFORCE_LOGIN_URL and its credentials (docs/salesforce.md), "
            "LEADHOUSE_EVENTS_DIR, LEADHOUSE_ADS_DIR, LEADHOUSE_ENRICHMENT_DIR or LEADHOUSE_MAPPINGS, "
            "or try `leadhouse demo`."
        )
    if (source is None or "hubspot" in source) and SOURCES["hubspot"].is_configured(settings):
        # A missing token is told before anything runs, and as wrong settings.
        settings.hubspot_access()
    if (source is None or "salesforce" in source) and SOURCES["salesforce"].is_configured(settings):
        settings.salesforce_access()
    with live_progress() as progress:
        report = run_job("ingest", progress, groups=[f"ingest_{name}" for name in source] if source else None)
    _tell_loads(report)
    for failed in report.checks_failed:
        console.print(f"  [yellow]not passed:[/] {_escaped(failed)}", soft_wrap=True)


@app.command()
@_told
def refresh() -> None:
    """Ingest, build and publish in one go: what the nightly schedule runs."""
    from leadhouse.display import live_progress
    from orchestration.runs import run_job

    with live_progress() as progress:
        report = run_job("ingest_and_build", progress)
    _tell_loads(report)
    _tell_build(report)


def _tell_loads(report: RunReport) -> None:
    from leadhouse.display import console, loads_table

    loads_table(report.metadata)
    for note, tables in _notes(report.metadata).items():
        console.print(f"  {note} ({', '.join(tables)})", style="yellow", soft_wrap=True)


def _tell_build(report: RunReport) -> None:
    from leadhouse.display import console

    done = report.metadata["published/snapshot"]
    console.print(
        f"Published {done['build_id']} as of {done['as_of_at']} UTC in {report.seconds:.1f} s; "
        f"{report.checks_passed:,} checks passed, {len(report.checks_failed):,} did not."
    )
    for failed in report.checks_failed:
        console.print(f"  [yellow]not passed:[/] {_escaped(failed)}", soft_wrap=True)


def _notes(metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Each sentence a loader had to say, once, with the raw tables it is about; what it refused is told by checks."""
    from ingestion.results import REFUSED

    found: dict[str, list[str]] = {}
    for asset, values in metadata.items():
        for line in str(values.get("notes") or "").splitlines():
            note = line.removeprefix("- ")
            if not note.startswith(REFUSED):
                found.setdefault(note, []).append(asset.replace("/", "."))
    return found


@app.command()
@_told
def clock(
    as_of: Annotated[str | None, typer.Option(help="Pin the models' moment (UTC, ISO 8601).")] = None,
    live: Annotated[bool, typer.Option("--live", help="Unpin: each build takes the present.")] = False,
) -> None:
    """Show, pin or unpin the moment for which models are computed."""
    from ingestion.clock import read_clock, set_clock
    from leadhouse.display import console

    settings = load_settings()
    if as_of and live:
        raise SettingsError("Either --as-of or --live, not both.")
    if as_of:
        try:
            moment = datetime.fromisoformat(as_of.replace("Z", "+00:00"))
        except ValueError:
            raise SettingsError(f"--as-of {as_of}: not an ISO 8601 time such as 2026-11-01T06:00:00Z.") from None
        set_clock(settings.warehouse, moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    elif live:
        set_clock(settings.warehouse, None)
    shown, pinned = read_clock(settings.warehouse)
    console.print(f"{shown:%Y-%m-%dT%H:%M:%SZ} ({'pinned' if pinned else 'live: the next build takes the present'})")


@app.command()
@_told
def build() -> None:
    """Check the rules, build and test every model, and publish the marts."""
    from leadhouse.display import live_progress
    from orchestration.runs import run_job

    with live_progress() as progress:
        report = run_job("build", progress)
    _tell_build(report)


@app.command()
@_told
def publish() -> None:
    """Publish the marts of the last build again, without building."""
    from leadhouse.display import console, live_progress
    from orchestration.runs import run_job

    with live_progress() as progress:
        report = run_job("publish", progress)
    done = report.metadata["published/snapshot"]
    console.print(f"Published {done['build_id']}: {done['path']}", soft_wrap=True)


@app.command()
@_told
def reports(
    out: Annotated[Path | None, typer.Option(help="Folder of the static site. Default: the setting site_dir.")] = None,
) -> None:
    """Build the report pages from the published snapshot."""
    from leadhouse.display import console
    from orchestration.publish import current_snapshot
    from reports.build import build_site

    settings = own_or_last_demo()
    folder = out or settings.site_dir
    pages = build_site(current_snapshot(settings.published), folder)
    console.print(f"{len(pages)} pages: {folder / 'index.html'}", soft_wrap=True)


@app.command()
@_told
def docs(
    out: Annotated[Path, typer.Option(help="Folder of the pages.")] = PROJECT_DIR / "site" / "docs",
) -> None:
    """Write the data dictionary and the lineage of every model; columns' types come from the last build, if any."""
    from leadhouse.display import console
    from orchestration.documentation import generated_docs
    from reports.dictionary import write_dictionary

    own_or_last_demo()
    with generated_docs() as generated:
        tables = write_dictionary(json.loads(generated.manifest.read_bytes()), out)
        # dbt's page tells the folder of the project on this machine, which is nobody's business where it is shown.
        lineage = generated.page.read_text(encoding="utf-8").replace(str(PROJECT_DIR), ".")
        (out / "lineage.html").write_text(lineage, encoding="utf-8")
    console.print(f"{tables} tables: {out / 'index.html'}", soft_wrap=True)


@app.command()
@_told
def dagster(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
    demo_world: Annotated[
        World | None, typer.Option("--demo", help="Open on the state of this demo, with its sandbox CRM running.")
    ] = None,
) -> None:
    """Open Dagster in the browser. Opens on the last demo when nothing else is configured."""
    from leadhouse.dagster_dev import run_dagster

    run_dagster(port, demo_world.value if demo_world else None)


if __name__ == "__main__":
    app()
