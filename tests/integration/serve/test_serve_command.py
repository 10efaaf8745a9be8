"""``leadhouse serve`` as a person starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from served_world import JOAO, TOKEN, made_world, publish
from typer.testing import CliRunner

from leadhouse.cli import app
from leadhouse.settings import PROJECT_DIR


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADHOUSE_")}
    return kept | {"LEADHOUSE_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"} | more


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "leadhouse.cli", "serve", *options]


@contextmanager
def started(folder: Path, *options: str, **more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        command("--port", "0", *options), cwd=PROJECT_DIR, env=environment(folder, **more), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"https?://\S+", line)
        assert found, line
        yield found.group(0), process
    finally:
        process.kill()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def test_it_serves_behind_the_token_of_the_environment_and_ends_when_told(tmp_path: Path) -> None:
    publish(made_world(), tmp_path / "published")
    with started(tmp_path, LEADHOUSE_SERVE_TOKEN=TOKEN) as (url, process):
        assert TOKEN not in url
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        shown = httpx.get(f"{url}en/people/{JOAO}", headers=bearer)
        assert shown.status_code == 200
        assert "server" not in shown.headers
        assert httpx.get(f"{url}en/accounts?token={TOKEN}").status_code == 303
        assert httpx.get(f"{url}en/accounts").status_code == 303
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        said = process.stdout.read()
        process.wait(30)
    assert "GET /{language}/people/{contact_id} 200" in said
    assert TOKEN not in said
    assert JOAO not in said
    assert "Traceback" not in said


def test_on_this_machine_a_token_is_made_up_and_stands_in_the_link(tmp_path: Path) -> None:
    publish(made_world(), tmp_path / "published")
    with started(tmp_path) as (link, _), httpx.Client(follow_redirects=True) as client:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=\S{32}", link)
        assert client.get(link.split("?")[0] + "en/accounts").url.path == "/login"
        shown = client.get(link)
        assert (shown.status_code, shown.url.path, shown.url.query) == (200, "/en/accounts", b"")


@pytest.mark.parametrize(
    ("options", "more", "said"),
    [
        (("--host", "0.0.0.0"), {}, "Set LEADHOUSE_SERVE_TOKEN"),
        (("--host", "::"), {"LEADHOUSE_SERVE_TOKEN": "   "}, "Set LEADHOUSE_SERVE_TOKEN"),
        (("--host", "0.0.0.0"), {"LEADHOUSE_SERVE_TOKEN": "too-short"}, "at least 16"),
        ((), {"LEADHOUSE_SERVE_TOKEN": "too-short"}, "at least 16"),
        (("--certificate", "pyproject.toml"), {"LEADHOUSE_SERVE_TOKEN": TOKEN}, "belong together"),
    ],
)
def test_it_refuses_to_be_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], more: dict[str, str], said: str
) -> None:
    for name in [name for name in os.environ if name.startswith("LEADHOUSE_")]:
        monkeypatch.delenv(name)
    done = CliRunner().invoke(app, ["serve", "--port", "0", *options], env={"LEADHOUSE_DATA_DIR": str(tmp_path)} | more)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert "too-short" not in done.output


def test_a_token_in_the_settings_file_is_refused(tmp_path: Path) -> None:
    from leadhouse.settings import SettingsError, read_settings_file

    (tmp_path / "leadhouse.toml").write_text(f'serve_token = "{TOKEN}"\n')
    with pytest.raises(SettingsError, match="secrets are read from the environment only"):
        read_settings_file(tmp_path / "leadhouse.toml")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with started(tmp_path, LEADHOUSE_SERVE_TOKEN=TOKEN) as (url, _):
        done = subprocess.run(
            command("--port", str(httpx.URL(url).port)), cwd=PROJECT_DIR, text=True, capture_output=True, timeout=60,
            env=environment(tmp_path, LEADHOUSE_SERVE_TOKEN=TOKEN),
        )  # fmt: skip
    assert done.returncode == 1
    assert "Choose another --host or --port" in " ".join(done.stderr.split())
