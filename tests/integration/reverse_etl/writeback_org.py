"""A Salesforce org of the sandbox over HTTP, and a small project that writes to it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import requests
from writeback_worlds import write_manifest

import reverse_etl
from crm_access import CrmAccess
from crm_access.salesforce import DATA_PATH
from reverse_etl.applier import ApplyResult, apply_plan
from reverse_etl.connectors.salesforce import SalesforceConnector
from reverse_etl.plan import Plan
from reverse_etl.store import Store

ROOT = Path(__file__).resolve().parents[3]
READ_AT = datetime(2026, 1, 1)
OBJECTS = {"leads": "Lead", "contacts": "Contact", "accounts": "Account", "opportunities": "Opportunity"}

FIELDS: list[dict[str, Any]] = [
    {"column": "score", "property": "Leadhouse_Score__c", "label": "Score", "type": "number",
     "field_type": "number", "description": "Points"},
    {"column": "grade", "property": "Leadhouse_Grade__c", "label": "Grade", "type": "string", "field_type": "text",
     "description": "A to D"},
    {"column": "since", "property": "Leadhouse_Stage_Since__c", "label": "Since", "type": "date",
     "field_type": "date", "description": "Day"},
]  # fmt: skip
COLUMNS = {
    "sync_key": "varchar", "record_id": "varchar", "email": "varchar", "last_name": "varchar",
    "is_opted_out": "boolean", "score": "decimal(18,1)", "grade": "varchar", "since": "date",
}  # fmt: skip


def sync_of(name: str) -> dict[str, Any]:
    """The block of a sync of one object; leads are created, the others changed."""
    block: dict[str, Any] = {
        "destination": "salesforce", "object": name, "mode": "update", "fields": FIELDS, "owner": "marketing",
    }  # fmt: skip
    if name == "leads":
        block |= {
            "mode": "upsert",
            "match_on": {"column": "email", "property": "Email"},
            "create_only_fields": [
                {"column": "email", "property": "Email"}, {"column": "last_name", "property": "LastName"},
            ],
            "consent": {"column": "is_opted_out", "rule": "not_opted_out"},
        }  # fmt: skip
    return block


HOT_LIST: dict[str, Any] = {
    "destination": "salesforce",
    "object": "people",
    "name": "Leadhouse: hot",
    "purpose": "People to work now",
    "consent": {"column": "is_opted_out", "rule": "not_opted_out"},
    "owner": "marketing-operations",
}


@dataclass
class Org:
    """A running sandbox org."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)
    _token: str = field(default="", repr=False)

    @classmethod
    def start(cls, *options: str) -> Org:
        command = [sys.executable, "-m", "sandbox.salesforce", "--port", "0", "--daily", "0", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        return cls(told["url"], told["client_id"], told["client_secret"], process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)

    def access(self, **options: Any) -> CrmAccess:
        credentials = {"client_id": self.client_id, "client_secret": self.client_secret}
        return CrmAccess("salesforce", self.url, credentials, burst_limit=100_000, **options)

    # -- as an administrator or a person -------------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None, *, text: str | None = None) -> Any:
        """A request of the test's own; a fault or an expired token that meets it is tried again with a new token."""
        for _ in range(3):
            if not self._token:
                grant = {"grant_type": "client_credentials", "client_id": self.client_id,
                         "client_secret": self.client_secret}  # fmt: skip
                answer = requests.post(f"{self.url}/services/oauth2/token", data=grant, timeout=30)
                answer.raise_for_status()
                self._token = answer.json()["access_token"]
            headers = {"Authorization": f"Bearer {self._token}"}
            if text is not None:
                headers["Content-Type"] = "text/csv"
            data = None if text is None else text.encode()
            url = self.url + (path if path.startswith("/sandbox") else DATA_PATH + path)
            answer = requests.request(method, url, json=body, data=data, headers=headers, timeout=60)
            if answer.status_code != 401:
                break
            self._token = ""
        answer.raise_for_status()
        return answer.json() if "json" in answer.headers.get("Content-Type", "") and answer.content else answer.text

    def make(self, sobject: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Records; returns their ids."""
        if len(rows) > 1000:
            return self._make_many(sobject, rows)
        ids: list[str] = []
        for start in range(0, len(rows), 200):
            records = [{"attributes": {"type": sobject}, **row} for row in rows[start : start + 200]]
            items = self.call("POST", "/composite/sobjects", {"allOrNone": True, "records": records})
            ids += [item["id"] for item in items]
        return ids

    def _make_many(self, sobject: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        body = {"object": sobject, "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}
        job = f"/jobs/ingest/{self.call('POST', '/jobs/ingest', body)['id']}"
        self.call("PUT", f"{job}/batches", text=out.getvalue())
        self.call("PATCH", job, {"state": "UploadComplete"})
        while self.call("GET", job)["state"] not in ("JobComplete", "Failed"):
            time.sleep(0.1)
        found = csv.DictReader(io.StringIO(self.call("GET", f"{job}/successfulResults")))
        of_key = {tuple(line[name] for name in rows[0]): line["sf__Id"] for line in found}
        return [of_key[tuple(str(value) for value in row.values())] for row in rows]

    def held(self, sobject: str, record_id: str) -> dict[str, Any]:
        """A record's fields, live or deleted."""
        fields: dict[str, Any] = self.call("GET", f"/sandbox/objects/{sobject}/{record_id}")["fields"]
        return fields

    def edit(self, sobject: str, record_id: str, **fields: Any) -> None:
        """A person's edit."""
        self.call("PATCH", f"/sandbox/objects/{sobject}/{record_id}", {"fields": fields})

    def query(self, soql: str) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        page = self.call("GET", f"/query?q={requests.utils.quote(soql)}")
        while True:
            records += [{k: v for k, v in r.items() if k != "attributes"} for r in page["records"]]
            if page["done"]:
                return records
            page = self.call("GET", page["nextRecordsUrl"].removeprefix(DATA_PATH))

    def scores(self, sobject: str) -> dict[str, Any]:
        """The score that each record holds now."""
        return {r["Id"]: r["Leadhouse_Score__c"] for r in self.query(f"SELECT Id, Leadhouse_Score__c FROM {sobject}")}

    def members(self, name: str) -> set[str]:
        found = self.query(f"SELECT LeadId, ContactId FROM CampaignMember WHERE Campaign.Name = '{name}'")
        return {r["ContactId"] or r["LeadId"] for r in found}

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.call("POST", "/sandbox/faults", list(faults))

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "/sandbox/stats")
        return found

    def reset(self) -> None:
        self.faults()
        self.call("POST", "/sandbox/reset-stats")


@dataclass
class OrgProject:
    """A manifest, a published snapshot and an operational store in a folder of its own."""

    folder: Path
    org: Org
    builds: int = 0

    @property
    def ops_url(self) -> str:
        return f"sqlite:///{self.folder / 'ops.db'}"

    @property
    def current(self) -> Path:
        return self.folder / "current.duckdb"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    def publish(
        self,
        *,
        rows: Mapping[str, Sequence[Mapping[str, Any]]],
        observed: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        hot: Sequence[str] | None = None,
        members: Mapping[str, Sequence[str]] | None = None,
        pairs: Sequence[tuple[str, str]] | None = None,
        converted: Sequence[str] = (),
    ) -> None:
        """Write a new snapshot and let the ``current`` link point to it, as a build does. ``rows`` are those of each
        object's sync; ``observed`` the records as read (default: those that the rows name, empty)."""
        meta: dict[str, Mapping[str, Any]] = {f"sync_{name}": {"sync": sync_of(name)} for name in rows}
        if hot is not None:
            meta["list_hot"] = {"list": HOT_LIST}
        if pairs is not None:
            meta["contact_accounts"] = {
                "association": {
                    "destination": "salesforce", "from_object": "contacts", "to_object": "accounts",
                    "owner": "marketing-operations",
                }
            }  # fmt: skip
        write_manifest(self.manifest, meta=meta)
        self.builds += 1
        file = self.folder / f"b{self.builds}.duckdb"
        with duckdb.connect(str(file)) as connection:
            _fill(connection, rows, observed or {}, hot, members or {}, pairs, converted)
        self.current.unlink(missing_ok=True)
        self.current.symlink_to(file.name)

    def plan(self, **options: Any) -> Plan:
        return reverse_etl.plan_syncs(self.current, self.manifest, self.ops_url, **options)

    def apply(self, plan: Plan, **options: Any) -> ApplyResult:
        """As the command does."""
        return reverse_etl.apply(plan.plan_id, self.ops_url, {"salesforce": self.org.access()}, **options)

    def apply_at_once(self, plan: Plan, **options: Any) -> ApplyResult:
        """Without waiting between tries."""
        with Store(self.ops_url) as store:
            return apply_plan(
                store, lambda _: SalesforceConnector(self.org.access(), sleep=_blink), plan.plan_id, **options
            )

    def store(self) -> Store:
        return Store(self.ops_url)

    def dead_letters(self, state: str | None = "open") -> list[dict[str, Any]]:
        with self.store() as store:
            return store.dead_letter_rows(state=state)

    def ledger(self, plan: Plan) -> list[dict[str, Any]]:
        with self.store() as store:
            return store.write_rows(plan_id=plan.plan_id)


def _blink(seconds: float) -> None:
    """Waits of a test are short, but not so short that a job has no time to end."""
    time.sleep(min(seconds, 0.02))


def _fill(
    connection: duckdb.DuckDBPyConnection,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    observed: Mapping[str, Mapping[str, Mapping[str, Any]]],
    hot: Sequence[str] | None,
    members: Mapping[str, Sequence[str]],
    pairs: Sequence[tuple[str, str]] | None,
    converted: Sequence[str],
) -> None:
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.published_build as select 'b1' as build_id, timestamp '2026-01-02' as as_of_at, "
        "timestamp '2026-01-02' as published_at, 'r1' as ruleset_version"
    )
    seen: dict[str, dict[str, Mapping[str, Any]]] = {name: dict(observed.get(name, {})) for name in OBJECTS}
    for name, wanted in rows.items():
        connection.execute(f"create table marts.sync_{name} ({', '.join(f'{n} {k}' for n, k in COLUMNS.items())})")
        _insert(
            connection, f"sync_{name}", [[{"is_opted_out": False, **row}.get(n) for n in COLUMNS] for row in wanted]
        )
        for row in wanted:
            if row.get("record_id"):
                seen[name].setdefault(str(row["record_id"]), {})
    seen["people"] = {**seen["leads"], **seen["contacts"], **{one: {} for one in hot or ()}}
    for name, records in seen.items():
        connection.execute(
            f"create table marts.observed_salesforce_{name} (record_id varchar, properties varchar, "
            "is_archived boolean, read_at timestamp, merged_into varchar, people_changed varchar, is_converted boolean)"
        )
        held = [[i, json.dumps(p), False, READ_AT, None, "{}", i in converted] for i, p in records.items()]
        _insert(connection, f"observed_salesforce_{name}", held)
    connection.execute(
        "create table marts.observed_salesforce_lists (list_id varchar, list_name varchar, object_type varchar, "
        "read_at timestamp)"
    )
    _insert(connection, "observed_salesforce_lists", [[i, HOT_LIST["name"], "people", READ_AT] for i in members])
    connection.execute(
        "create table marts.observed_salesforce_list_memberships "
        "(list_id varchar, record_id varchar, read_at timestamp)"
    )
    joined = [[list_id, one, READ_AT] for list_id, ids in members.items() for one in ids]
    _insert(connection, "observed_salesforce_list_memberships", joined)
    connection.execute("create table marts.list_hot (record_id varchar, is_opted_out boolean)")
    _insert(connection, "list_hot", [[record_id, False] for record_id in hot or ()])
    connection.execute(
        "create table marts.observed_salesforce_associations (from_object varchar, from_id varchar, to_object varchar, "
        "to_id varchar, read_at timestamp)"
    )
    connection.execute("create table marts.contact_accounts (sync_key varchar, from_id varchar, to_id varchar)")
    _insert(connection, "contact_accounts", [[f"{a}:{b}", a, b] for a, b in pairs or ()])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    columns = [
        pa.array([None if v is None else str(v) for v in column], pa.string()) for column in zip(*rows, strict=True)
    ]
    connection.register("given_rows", pa.table(columns, names=[f"c{i}" for i in range(len(columns))]))
    connection.execute(f"insert into marts.{table} select * from given_rows")
    connection.unregister("given_rows")
