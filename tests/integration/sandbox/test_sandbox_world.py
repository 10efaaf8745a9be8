"""Starting and stopping, loading a world, its second day, and what a bad start says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from sandbox_harness import ROOT, UNLIMITED, running


def _start_badly(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox.server", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=20,
        check=False,
    )


def test_an_empty_portal_starts_and_ends_cleanly() -> None:
    with running() as sandbox:
        with sandbox.client() as api:
            assert api.get("/crm/v3/objects/contacts").json() == {"results": []}
            assert api.get("/crm/v3/pipelines/deals").json()["results"][0]["id"] == "default"
            assert api.post("/sandbox/day2").status_code == 404
        assert sandbox.token == "sandbox-token"
        assert sandbox.stop() == 0


def test_a_portal_survives_a_restart_and_a_kill(tiny_world: Path, tmp_path: Path) -> None:
    db = tmp_path / "portal.sqlite"
    arguments = ("--world", str(tiny_world), "--db", str(db), *UNLIMITED)
    with running(*arguments) as sandbox, sandbox.client() as api:
        assert sandbox.token == "tiny-token"
        written = api.patch("/crm/v3/objects/contacts/1001", json={"properties": {"city": "Viseu"}}).json()
        second = _start_badly("--port", "0", "--db", str(db))
        assert second.returncode == 2
        assert "is another sandbox using it?" in second.stderr
        sandbox.process.send_signal(signal.SIGKILL)
        sandbox.process.wait(timeout=10)
    with running(*arguments) as sandbox, sandbox.client() as api:
        read = api.get("/crm/v3/objects/contacts/1001?properties=city").json()
        assert read["properties"]["city"] == "Viseu"
        # Time goes on where it stopped, at the world's date.
        assert api.get("/sandbox/clock").json()["now"] > written["updatedAt"] > "2026-06-30T06:00"
    with running(*arguments, "--reset") as sandbox, sandbox.client() as api:
        assert "city" not in api.get("/crm/v3/objects/contacts/1001?properties=city").json()["properties"]


def test_the_second_day(tiny_world: Path) -> None:
    with running("--world", str(tiny_world), *UNLIMITED) as sandbox, sandbox.client() as api:
        ours = api.patch("/crm/v3/objects/contacts/1002", json={"properties": {"city": "Leiria"}}).json()
        first = api.post("/sandbox/day2").json()
        assert first["applied"] is True
        assert first["as_of"] == "2026-07-01T06:00:00.000Z"
        assert first["rows"]["contacts"] == 5
        assert api.post("/sandbox/day2").json()["applied"] is False

        moved = api.get("/sandbox/objects/contacts/1002").json()
        assert (moved["properties"]["jobtitle"], moved["properties"]["city"]) == ("Head of Sales", "Leiria")
        assert moved["updatedAt"] > ours["updatedAt"]
        values = [entry["value"] for entry in moved["propertiesWithHistory"]["jobtitle"]]
        assert values == ["Head of Sales", "Analyst"]

        assert api.get("/crm/v3/objects/contacts/1003").status_code == 404
        assert api.get("/crm/v3/objects/contacts/1003?archived=true").status_code == 200
        assert api.get("/crm/v3/objects/contacts/1010").json()["id"] == "1004"
        assert api.get("/crm/v3/objects/contacts/person10@mail.example?idProperty=email").json()["id"] == "1004"
        assert api.get("/sandbox/objects/contacts/1006").json()["properties"]["hs_email_optout"] == "true"
        assert api.get("/crm/v3/objects/contacts/1500").status_code == 200
        deal = api.get("/crm/v3/objects/deals/3001?propertiesWithHistory=dealstage").json()
        stages = [entry["value"] for entry in deal["propertiesWithHistory"]["dealstage"]]
        assert stages == ["closedwon", "qualifiedtobuy", "appointmentscheduled"]

        # An incremental read from before the second day finds exactly what changed.
        condition = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": first["as_of"][:10]}
        since = {"propertyName": "lastmodifieddate", "operator": "GT", "value": ours["updatedAt"]}
        found = api.post("/crm/v3/objects/contacts/search", json={"filterGroups": [{"filters": [since]}]}).json()
        assert {one["id"] for one in found["results"]} == {"1002", "1004", "1006", "1500"}
        assert condition["value"] == "2026-07-01"
        assert len(api.get("/email/public/v1/events?limit=1000").json()["events"]) == 251
        assert api.get("/sandbox/clock").json()["now"] >= first["as_of"]


def test_merged_ids_of_the_world_lead_to_the_survivor(api: httpx.Client) -> None:
    assert api.get("/crm/v3/objects/contacts/900").json()["id"] == "1005"
    assert api.get("/crm/v3/objects/contacts/second4@mail.example?idProperty=email").json()["id"] == "1004"


def test_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = _start_badly("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "--port 0" in done.stderr


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda root: (root / "world.json").unlink(), "world.json: cannot be read"),
        (lambda root: (root / "world.json").write_text('{"as_of": "soon"}'), "as_of must be a UTC moment"),
        (
            lambda root: (root / "hubspot/deals.parquet").write_bytes(b"PAR1 half a file"),
            "deals.parquet: is not a read",
        ),
        (lambda root: _drop_column(root / "hubspot/owners.parquet", "email"), "owners.parquet: has no column email"),
        (lambda root: _repeat(root / "hubspot/calls.parquet"), "calls.parquet: an id appears twice"),
        (lambda root: _repeat(root / "hubspot/email_events.parquet"), "an id appears twice"),
    ],
)
def test_a_damaged_world_is_named(tiny_world: Path, tmp_path: Path, damage, said: str) -> None:
    root = tmp_path / "world"
    shutil.copytree(tiny_world, root)
    damage(root)
    done = _start_badly("--port", "0", "--world", str(root))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def _drop_column(path: Path, name: str) -> None:
    pq.write_table(pq.read_table(path).drop_columns([name]), path)


def _repeat(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(__import__("pyarrow").concat_tables([table, table]), path)


def test_another_world_is_not_mixed_in(tiny_world: Path, tmp_path: Path) -> None:
    db = tmp_path / "portal.sqlite"
    with running("--world", str(tiny_world), "--db", str(db)) as sandbox:
        assert sandbox.stop() == 0
    other = tmp_path / "other"
    shutil.copytree(tiny_world, other)
    (other / "world.json").write_text(json.dumps({"as_of": "2026-08-01T00:00:00Z"}))
    done = _start_badly("--port", "0", "--world", str(other), "--db", str(db))
    assert done.returncode == 2
    assert "--reset" in done.stderr


def test_the_generated_world_is_served_whole(tmp_path: Path) -> None:
    """The generator's files and this server agree: every record is there, and its second day too."""
    root = tmp_path / "small"
    subprocess.run(
        [sys.executable, "-m", "sandbox.world", "--size", "small", "--out", str(root)],
        check=True, capture_output=True, cwd=ROOT, timeout=120,
    )  # fmt: skip
    counts = json.loads((root / "world.json").read_text())["counts"]
    with running("--world", str(root), *UNLIMITED) as sandbox, sandbox.client() as api:
        for name in ("contacts", "companies", "deals", "calls", "meetings", "emails", "tasks"):
            live = api.post(f"/crm/v3/objects/{name}/search", json={"limit": 1}).json()["total"]
            archived = len(api.get(f"/crm/v3/objects/{name}?archived=true&limit=100").json()["results"])
            assert live + archived == counts[name], name
        day2 = api.post("/sandbox/day2").json()
        assert day2["applied"] is True
        facts = json.loads((root / "world.json").read_text())["day2"]
        assert api.get(f"/crm/v3/objects/contacts/{facts['archived_contact']}").status_code == 404
        merged = api.get(f"/crm/v3/objects/contacts/{facts['merged_contact']}").json()
        assert merged["id"] == facts["merged_into"]
        left = api.get(f"/sandbox/objects/contacts/{facts['unsubscribed_contact']}").json()
        assert left["properties"]["hs_email_optout"] == "true"
