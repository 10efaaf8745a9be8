"""Folders of files, warehouses, and a sandbox portal with a small world of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from ingestion.schemas import HUBSPOT_PROPERTIES

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("LEADHOUSE_SHARED_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data():
    """Finds a folder of real data that is not part of the project, or skips."""

    def find(name):
        if not (SHARED / name).is_dir():
            pytest.skip(f"no {name} in {SHARED}; name its parent in LEADHOUSE_SHARED_DATA")
        return SHARED / name

    return find


@dataclass
class House:
    """A warehouse and the scratch folder of dlt."""

    path: Path
    pipelines_dir: Path

    def rows(self, sql, *parameters):
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def value(self, sql, *parameters):
        return self.rows(sql, *parameters)[0][0]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "house" / "warehouse.duckdb", tmp_path / "house" / "dlt")


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@dataclass
class Portal:
    url: str
    token: str
    process: subprocess.Popen

    def call(self, method, path, body=None):
        answer = requests.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


def start_portal(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.server", "--port", "0", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    assert line, f"the sandbox did not start (exit code {process.wait(10)})"
    ready = json.loads(line)
    return Portal(ready["url"], ready["token"], process)


def stop_portal(portal):
    portal.process.terminate()
    portal.process.wait(10)
    portal.process.stdout.close()


@pytest.fixture(scope="session")
def small_world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "small"
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.world", "--size", "small", "--out", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def shared_portal(small_world):
    """For tests that leave the portal's records as they are."""
    portal = start_portal("--world", small_world, "--searches", 1000, "--burst", 100000)
    yield portal
    stop_portal(portal)


@pytest.fixture
def portal(portal_of, small_world):
    """A portal of its own for a test that changes records."""
    return portal_of("--world", small_world, "--searches", 1000, "--burst", 100000)


@pytest.fixture
def quick_search(monkeypatch):
    """Tests need not wait for the vendor's five searches a second."""
    monkeypatch.setattr("crm_access.ratelimit.SEARCHES_PER_SECOND", 1000)


@pytest.fixture
def world_of_one_moment(tmp_path):
    """A portal's files: 10,450 contacts that were imported in one moment, and no more."""
    moment = datetime(2026, 3, 31, 6, 30)
    stamp = moment.replace(tzinfo=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    ids = [str(100_000 + number) for number in range(10_450)]
    columns = {name: pa.nulls(len(ids), pa.string()) for name in HUBSPOT_PROPERTIES["contacts"]}
    columns |= {
        "hs_object_id": pa.array(ids),
        "email": pa.array([f"p{one}@example.com" for one in ids]),
        "createdate": pa.array([stamp] * len(ids)),
        "lastmodifieddate": pa.array([stamp] * len(ids)),
    }
    table = pa.table(
        {
            "id": ids,
            "created_at": pa.array([moment] * len(ids), pa.timestamp("us")),
            "updated_at": pa.array([moment] * len(ids), pa.timestamp("us")),
            "archived": [False] * len(ids),
            "archived_at": pa.nulls(len(ids), pa.timestamp("us")),
            **columns,
        }
    )
    folder = tmp_path / "moment"
    (folder / "hubspot").mkdir(parents=True)
    pq.write_table(table, folder / "hubspot" / "contacts.parquet")
    world = {"size": "small", "seed": 1, "as_of": "2026-04-01T06:00:00Z", "token": "pat-moment", "counts": {}}
    (folder / "world.json").write_text(json.dumps(world))
    return folder, ids, moment


@pytest.fixture
def portal_of():
    """Starts portals with other worlds; ends them."""
    started = []

    def start(*arguments):
        started.append(start_portal(*arguments))
        return started[-1]

    yield start
    for portal in started:
        stop_portal(portal)
