"""What the write-back's benchmarks write to: a sandbox portal with so many contacts, and a project that scores them.

The portal's database is built once (``data/bench/writeback/``) and copied for every case, so that each case starts from
the same state. Nothing here measures.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import requests

from crm_access import CrmAccess

#: The table in which the sandbox keeps its contacts.
_TABLE = "records_contacts"
SYNC = "sync_bench_contacts"
_FIELDS = [
    {"column": "lead_score", "property": "leadhouse_score", "label": "Lead score", "type": "number",
     "field_type": "number", "policy": "ours", "description": "Points"},
    {"column": "lead_grade", "property": "leadhouse_grade", "label": "Grade", "type": "string",
     "field_type": "text", "policy": "ours"},
    {"column": "reason", "property": "leadhouse_reason", "label": "Why", "type": "string",
     "field_type": "text", "policy": "ours"},
]  # fmt: skip


@dataclass(frozen=True)
class Portal:
    """A running sandbox."""

    url: str
    token: str
    pid: int

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the benchmark's own (not counted when it goes to ``/sandbox``)."""
        answer = requests.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=60
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def stats(self) -> dict[str, Any]:
        """Requests since the last reset: ``total``, ``by_path``, ``by_status``."""
        found: dict[str, Any] = self.call("GET", "/sandbox/stats")
        return found

    def access(self, **changes: Any) -> CrmAccess:
        """How the write-back reaches it."""
        return CrmAccess("hubspot", self.url, {"token": self.token}, **changes)


@contextmanager
def portal(database: Path | None, *options: str) -> Iterator[Portal]:
    """A sandbox on a database (None: in memory), ended with the block."""
    command = [sys.executable, "-m", "sandbox.server", "--port", "0", "--daily", "0"]
    command += [*(["--db", str(database)] if database else []), *(options or ("--burst", "0"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            yield Portal(told["url"], told["token"], told["pid"])
        finally:
            process.terminate()
            process.wait(30)


def contacts_database(folder: Path, count: int) -> Path:
    """The portal's database with ``count`` contacts, written as the sandbox writes them; kept for the next call."""
    database = folder / f"portal_{count}.sqlite"
    if not database.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "portal_part.sqlite"
        part.unlink(missing_ok=True)
        with portal(part) as empty:
            empty.stats()
        with closing(sqlite3.connect(part)) as held, held:
            values = ((n, f'{{"email":"p{n}@bench.example","firstname":"P{n}"}}') for n in range(1, count + 1))
            held.executemany(f"insert into {_TABLE} values (?, 1767225600000, 1767225600000, null, ?)", values)
            mails = ((f"p{n}@bench.example", n) for n in range(1, count + 1))
            held.executemany("insert into unique_values values (1, 'email', ?, ?)", mails)
        part.rename(database)
    return database


def copy_of(database: Path, name: str) -> Path:
    """A fresh copy for one case."""
    target = database.with_name(f"{name}.sqlite")
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(database, target)
    return target


@dataclass(frozen=True)
class Project:
    """A manifest, a published snapshot and an operational store in a folder of their own, emptied at first."""

    folder: Path

    @property
    def ops_url(self) -> str:
        return f"sqlite:///{self.folder / 'ops.db'}"

    @property
    def current(self) -> Path:
        return self.folder / "current.duckdb"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"


def project(
    folder: Path, database: Path, *, limit: int, new: int = 0, score: str = "cast(n % 100 as decimal(18, 2))"
) -> Project:
    """A project that wants a score (SQL over ``n``, the contact's number from 1), a grade and a reason on the portal's
    first ``limit`` contacts, of which it knows none yet, and ``new`` contacts that the portal does not have."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = Project(folder)
    sync = {
        "destination": "hubspot", "object": "contacts", "mode": "upsert" if new else "update", "fields": _FIELDS,
        "owner": "benchmarks", "consent": {"column": "is_opted_out", "rule": "not_opted_out"},
        **({"match_on": {"column": "email", "property": "email"},
            "create_only_fields": [{"column": "email", "property": "email"}]} if new else {}),
    }  # fmt: skip
    node = {
        "resource_type": "model", "name": SYNC, "alias": SYNC, "schema": "marts",
        "patch_path": "leadhouse://models/marts/activation/_activation__marts.yml", "config": {"meta": {"sync": sync}},
    }  # fmt: skip
    made.manifest.write_text(json.dumps({"nodes": {f"model.leadhouse.{SYNC}": node}}), encoding="utf-8")
    file = folder / "b1.duckdb"
    with closing(sqlite3.connect(database)) as held:
        ids = [str(row[0]) for row in held.execute(f"select id from {_TABLE} order by id limit ?", (limit,))]
    with duckdb.connect(str(file)) as connection:
        connection.register("portal", pa.table({"id": pa.array(ids, pa.string())}))
        connection.execute(f"""
            create schema marts;
            create table marts.published_build as
            select 'b1' as build_id, timestamp '2026-01-02' as as_of_at, timestamp '2026-01-02' as published_at,
                'r1' as ruleset_version;
            create table marts.observed_hubspot_contacts as
            select id as record_id, '{{}}' as properties, false as is_archived,
                timestamp '2026-01-01' as read_at, cast(null as varchar) as merged_into, '{{}}' as people_changed
            from portal;
            create table marts.{SYNC} as
            select 'k' || record_id as sync_key, record_id, cast(null as varchar) as email, false as is_opted_out,
                {score} as lead_score, chr(65 + cast(n % 4 as integer)) as lead_grade,
                'asked for a price ' || n || ' days ago' as reason
            from (select record_id, row_number() over (order by record_id) as n from marts.observed_hubspot_contacts)
            union all
            select 'n' || n, null, 'new' || n || '@bench.example', false, {score}, 'A', 'new'
            from range({new}) as made (n);
            create table marts.observed_hubspot_lists (
                list_id varchar, list_name varchar, object_type varchar, read_at timestamp);
            create table marts.observed_hubspot_list_memberships (list_id varchar, record_id varchar);
        """)
    made.current.symlink_to(file.name)
    return made
