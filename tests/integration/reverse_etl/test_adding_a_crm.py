"""docs/adding-a-crm.md works as it stands: its connector and its sync write to a server of that CRM's kind."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
import yaml

import reverse_etl
import reverse_etl.connectors
from crm_access import CrmAccess
from leadhouse.settings import Settings, SettingsError
from reverse_etl.applier import ApplyResult
from reverse_etl.connectors import crm_names
from reverse_etl.plan import Plan
from reverse_etl.store import Store

PAGE = Path(__file__).resolve().parents[3] / "docs" / "adding-a-crm.md"
LIST = {
    "destination": "tiny",
    "object": "people",
    "name": "Hot",
    "purpose": "People to work now",
    "consent": {"column": "is_opted_out", "rule": "not_opted_out"},
    "owner": "marketing-operations",
}


def block(kind: str) -> str:
    """A named code block of the page."""
    found = re.search(rf"^```\w+ {kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None, f"{PAGE.name} has no block called {kind}"
    return found[1]


class Tiny:
    """A CRM with people, custom fields and groups, over HTTP, that keeps what it is told."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.fields: dict[str, str] = {"email": "string", "owner": "string"}
        self.groups: dict[str, dict[str, Any]] = {}
        self.log: list[str] = []
        #: Statuses to answer with first, by method.
        self.faults: list[tuple[str, int]] = []
        self.lock = threading.Lock()
        tiny = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                with tiny.lock:
                    status, found = tiny.handle(self.command, self.path, body, self.headers.get("Authorization"))
                content = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                if status == 429:
                    self.send_header("Retry-After", "0.05")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle(self, method: str, path: str, body: Any, token: str | None) -> tuple[int, Any]:
        parts = urlsplit(path)
        names = parts.path.strip("/").split("/")
        self.log.append(f"{method} {parts.path}")
        if token != "Bearer t-secret":
            return 401, {"error": "who are you?"}
        for position, (of_method, status) in enumerate(self.faults):
            if of_method == method:
                del self.faults[position]
                return status, {"error": f"asked for {status}"}
        if names[0] == "fields":
            return self._fields(method, body)
        if names[0] == "groups":
            return self._groups(method, names, body)
        return self._people(method, names, {k: v[0] for k, v in parse_qs(parts.query).items()}, body)

    def _fields(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            self.fields[body["name"]] = body["type"]
        return 200, [{"name": name, "type": kind} for name, kind in self.fields.items()]

    def _groups(self, method: str, names: list[str], body: Any) -> tuple[int, Any]:
        if len(names) == 1 and method == "POST":
            group = {"id": str(len(self.groups) + 1), "name": body["name"], "members": set()}
            self.groups[group["id"]] = group
            return 201, {"id": group["id"]}
        if len(names) == 1:
            return 200, [{"id": g["id"], "name": g["name"]} for g in self.groups.values()]
        if names[1] not in self.groups:
            return 404, {"error": "no such group"}
        members = self.groups[names[1]]["members"]
        members |= set(body["add"]) & set(self.people)
        members -= set(body["remove"])
        return 200, {"unknown": [i for i in body["add"] if i not in self.people]}

    def _people(self, method: str, names: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            if "opted_out" in query:
                return 200, [p for p in self.people.values() if p.get("opted_out")]
            return 200, [p for p in self.people.values() if p["email"] == query["email"]]
        if method == "POST":
            if any(p["email"] == body["email"] for p in self.people.values()):
                return 409, {"error": "this address is taken"}
            record = {"id": str(len(self.people) + 1), **body}
            self.people[record["id"]] = record
            return 201, record
        record = self.people.get(names[1])
        if record is None:
            return 404, {"error": "no such person"}
        if method == "DELETE":
            del self.people[names[1]]
            return 200, {}
        unknown = set(body) - set(self.fields)
        if unknown or body.get("lh_score") == "-1":
            return 422, {"error": f"not taken: {unknown or body}"}
        record.update(body)
        return 200, record


@pytest.fixture
def tiny() -> Iterator[Tiny]:
    made = Tiny()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def connectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's connector, where the registry looks for connectors."""
    folder = tmp_path / "connectors"
    folder.mkdir()
    (folder / "tiny.py").write_text(block("connector"), encoding="utf-8")
    monkeypatch.setattr(reverse_etl.connectors, "__path__", [*reverse_etl.connectors.__path__, str(folder)])


class Project:
    """A manifest, a snapshot and a store that sync to Tiny."""

    def __init__(self, folder: Path, tiny: Tiny) -> None:
        self.folder, self.tiny = folder, tiny
        self.ops_url = f"sqlite:///{folder / 'ops.db'}"
        self.manifest = folder / "manifest.json"
        meta = {"sync_people": {"sync": yaml.safe_load(block("sync"))}, "list_hot": {"list": LIST}}
        nodes = {
            f"model.leadhouse.{name}": {
                "resource_type": "model", "name": name, "alias": name, "schema": "marts",
                "patch_path": "leadhouse://models/marts/activation/x.yml", "config": {"meta": one},
            }
            for name, one in meta.items()
        }  # fmt: skip
        self.manifest.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
        self.builds = 0

    def plan(self, wanted: list[tuple[str, str | None, str, float, str | None, bool]], hot: list[str]) -> Plan:
        """``wanted``: key, record id, address, score, owner, opted out. What the CRM holds is read first."""
        self.builds += 1
        file = self.folder / f"b{self.builds}.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                """
                create schema marts;
                create table marts.published_build as select 'b1' as build_id, now()::timestamp as as_of_at,
                    now()::timestamp as published_at, 'r1' as ruleset_version;
                create table marts.sync_people (sync_key varchar, record_id varchar, email varchar,
                    lead_score decimal(18,1), owner varchar, is_opted_out boolean);
                create table marts.list_hot (record_id varchar, is_opted_out boolean);
                create table marts.observed_tiny_people (record_id varchar, properties varchar, is_archived boolean,
                    read_at timestamp, merged_into varchar, people_changed varchar);
                create table marts.observed_tiny_lists (list_id varchar, list_name varchar, object_type varchar,
                    processing_type varchar, read_at timestamp);
                create table marts.observed_tiny_list_memberships (list_id varchar, record_id varchar,
                    added_at timestamp, read_at timestamp);
                """
            )
            insert = connection.execute
            for row in wanted:
                insert("insert into marts.sync_people values (?, ?, ?, ?, ?, ?)", list(row))
            for record_id in hot:
                insert("insert into marts.list_hot values (?, false)", [record_id])
            for person in self.tiny.people.values():
                held = {name: value for name, value in person.items() if name != "id"}
                values = [person["id"], json.dumps(held)]
                insert(
                    "insert into marts.observed_tiny_people values (?, ?, false, now() at time zone 'UTC', null, '{}')",
                    values,
                )
            for group in self.tiny.groups.values():
                insert(
                    "insert into marts.observed_tiny_lists values (?, ?, 'people', 'MANUAL', now() at time zone 'UTC')",
                    [group["id"], group["name"]],
                )
                for member in group["members"]:
                    insert(
                        "insert into marts.observed_tiny_list_memberships "
                        "values (?, ?, null, now() at time zone 'UTC')",
                        [group["id"], member],
                    )
        return reverse_etl.plan_syncs(file, self.manifest, self.ops_url)

    def apply(self, plan: Plan, token: str = "t-secret") -> ApplyResult:
        access = CrmAccess("tiny", self.tiny.url, {"token": token}, burst_limit=100_000, requests_in_flight=3)
        return reverse_etl.apply(plan.plan_id, self.ops_url, {"tiny": access})


@pytest.fixture
def project(tmp_path: Path, tiny: Tiny, connectors: None) -> Project:
    tiny.people = {
        "1": {"id": "1", "email": "ana@acme.com", "owner": "Rita"},
        "2": {"id": "2", "email": "bob@acme.com"},
        "3": {"id": "3", "email": "eve@acme.com"},
    }
    return Project(tmp_path, tiny)


WANTED: list[tuple[str, str | None, str, float, str | None, bool]] = [
    ("k1", "1", "ana@acme.com", 12.5, "Nuno", False),
    ("k2", "2", "bob@acme.com", 3.0, "Nuno", False),
    ("k3", "3", "eve@acme.com", 9.0, None, True),
    ("k4", None, "new@acme.com", 1.0, None, False),
]


def test_the_pages_connector_is_found(connectors: None) -> None:
    assert "tiny" in crm_names()


def test_what_the_page_says_happens(project: Project, tiny: Tiny) -> None:
    plan = project.plan(WANTED, ["1", "2"])
    assert (plan.updates, plan.creates, plan.suppressed, plan.list_adds) == (2, 1, 1, 2)
    tiny.faults = [("PATCH", 429), ("GET", 503)]
    done = project.apply(plan)
    assert (done.written, done.rejected, done.unsent) == (5, 0, 0)
    assert done.requests == len(tiny.log)
    assert tiny.people["1"] == {"id": "1", "email": "ana@acme.com", "owner": "Rita", "lh_score": "12.5"}
    assert tiny.people["2"] == {"id": "2", "email": "bob@acme.com", "owner": "Nuno", "lh_score": "3"}
    assert tiny.people["3"] == {"id": "3", "email": "eve@acme.com"}, "opted out"
    assert tiny.people["4"]["email"] == "new@acme.com"
    assert tiny.groups["1"]["members"] == {"1", "2"}
    again = project.plan(WANTED, ["1", "2"])
    assert again.changes == 0
    tiny.log.clear()
    assert project.apply(again).requests == 0
    assert tiny.log == []


def test_one_bad_record_fails_alone(project: Project, tiny: Tiny) -> None:
    bad = [("k1", "1", "ana@acme.com", -1.0, None, False), *WANTED[1:3]]
    done = project.apply(project.plan(bad, []))
    assert (done.written, done.rejected) == (1, 1)
    assert [sync.rejected_by_kind for sync in done.syncs if sync.rejected] == [{"validation": 1}]
    with Store(project.ops_url) as store:
        (letter,) = store.dead_letter_rows()
    assert letter["record_id"] == "1"
    assert "not taken" in letter["error_message"]


def test_a_wrong_token_stops_at_once_and_is_not_told(project: Project, tiny: Tiny) -> None:
    with pytest.raises(reverse_etl.errors.AuthError, match="LEADHOUSE_TINY_TOKEN") as caught:
        project.apply(project.plan(WANTED, []), token="t-wrong")
    assert "t-wrong" not in str(caught.value)
    assert set(tiny.people) == {"1", "2", "3"}


def test_the_settings_of_the_page_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADHOUSE_HUBSPOT_BASE_URL", raising=False)
    settings = Settings(other_crms={"tiny": "https://api.tiny.example"})
    with pytest.raises(SettingsError, match="LEADHOUSE_TINY_TOKEN"):
        settings.crm_access()
    monkeypatch.setenv("LEADHOUSE_TINY_TOKEN", "t-secret")
    access = settings.crm_access()["tiny"]
    assert access.base_url == "https://api.tiny.example"
    assert access.credentials == {"token": "t-secret"}
    assert "t-secret" not in repr(access)
    assert settings.crms == ("tiny",)
