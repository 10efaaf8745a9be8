from __future__ import annotations

import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from leadhouse import cli
from leadhouse.settings import PROJECT_DIR, SettingsError, load_settings
from orchestration.publish import publish
from reverse_etl.plan import Plan

runner = CliRunner()


def said(result: object) -> str:
    """Both streams, without line breaks."""
    return " ".join((result.stdout + result.stderr).split())  # type: ignore[attr-defined]


def test_every_command_has_help() -> None:
    for command in cli.app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        result = runner.invoke(cli.app, [name, "--help"])
        assert result.exit_code == 0, name
        assert "Usage" in result.stdout


def test_help_does_not_load_the_engines() -> None:
    code = "import sys, leadhouse.cli; print([m for m in ('dagster', 'dbt', 'dlt', 'duckdb') if m in sys.modules])"
    started = time.monotonic()
    loaded = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
    assert time.monotonic() - started < 5


def test_a_bad_setting_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_BURST_LIMIT", "many")
    result = runner.invoke(cli.app, ["clock"])
    assert result.exit_code == 2
    assert "LEADHOUSE_BURST_LIMIT" in said(result)
    assert "Traceback" not in said(result)


def test_no_source_configured() -> None:
    result = runner.invoke(cli.app, ["ingest"])
    assert result.exit_code == 2
    assert "No source is configured" in said(result)


def test_unknown_source() -> None:
    result = runner.invoke(cli.app, ["ingest", "--source", "salesfarce"])
    assert result.exit_code == 2
    assert "--source salesfarce: no such source. Known: hubspot" in said(result)


@pytest.mark.parametrize("arguments", [[], ["--source", "hubspot"]])
def test_a_portal_without_its_token(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_HUBSPOT_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("LEADHOUSE_HUBSPOT_TOKEN", raising=False)
    result = runner.invoke(cli.app, ["ingest", *arguments])
    assert result.exit_code == 2
    assert "its token is not" in said(result)


def test_a_mapping_whose_name_holds_a_comma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADHOUSE_MAPPINGS", "")
    read: list[Path] = []

    def stop(*_: object, **__: object) -> None:
        read.extend(load_settings().mappings)
        raise SettingsError("stopped by the test")

    monkeypatch.setattr("orchestration.runs.run_job", stop)
    mapping = tmp_path / "a, b.yml"
    assert runner.invoke(cli.app, ["ingest", "--mapping", str(mapping)]).exit_code == 2
    assert read == [mapping.resolve()]


def test_apply_without_a_portal() -> None:
    result = runner.invoke(cli.app, ["apply", "latest"])
    assert result.exit_code == 2
    assert "No CRM is connected" in said(result)


def test_plan_before_anything_is_published() -> None:
    result = runner.invoke(cli.app, ["plan"])
    assert result.exit_code == 1
    assert "Nothing is published" in said(result)
    assert "leadhouse build" in said(result)


@pytest.mark.parametrize(("days", "is_told"), [(0, False), (50, True)])
def test_a_plan_of_a_past_day_says_so(
    days: int, is_told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    as_of = now - timedelta(days=days)
    with duckdb.connect(str(tmp_path / "wh.duckdb")) as connection:
        connection.execute("create schema marts; create schema intermediate; create table marts.numbers as select 1")
        connection.execute("create table intermediate.int_as_of as select ?::timestamp as as_of_at", [as_of])
    publish(tmp_path / "wh.duckdb", tmp_path / "data" / "published")
    plan = Plan("plan_1", now, now, None, None, "current.duckdb", "b1.duckdb", ())
    monkeypatch.setattr("orchestration.syncing.make_plan", lambda *_: plan)
    result = runner.invoke(cli.app, ["plan"])
    assert result.exit_code == 0
    assert (f"These marts are of {as_of:%Y-%m-%d}" in said(result)) is is_told


def test_clock_is_pinned_and_released() -> None:
    assert "2026-11-01T06:00:00Z (pinned)" in said(runner.invoke(cli.app, ["clock", "--as-of", "2026-11-01T06:00:00Z"]))
    assert "pinned" in said(runner.invoke(cli.app, ["clock"]))
    assert "live" in said(runner.invoke(cli.app, ["clock", "--live"]))
    assert runner.invoke(cli.app, ["clock", "--as-of", "yesterday"]).exit_code == 2


def test_dagster_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = runner.invoke(cli.app, ["dagster", "--port", str(port)])
    assert result.exit_code == 2
    assert f"Port {port} on 127.0.0.1 is in use" in said(result)


def test_sandbox_port_in_use(own_settings: Path) -> None:
    from leadhouse.sandbox_process import SandboxError, running_sandbox

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(SandboxError, match=f"(?s)ended at once.*{port}"),
            running_sandbox(None, own_settings / "sandbox.sqlite", port=port),
        ):
            pass


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("leadhouse.demo.run_demo", lambda size: broken())
    result = runner.invoke(cli.app, ["demo"])
    assert isinstance(result.exception, ZeroDivisionError)
