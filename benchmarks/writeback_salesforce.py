"""Salesforce: so many leads by Bulk API 2.0, 2 % of them refused and 1 % left unprocessed; every one accounted for.

``python -m benchmarks.writeback_salesforce [--rows N] [--json]`` measures one apply in a process of its own against the
sandbox, with 50 ms added per request. Rows that a job leaves unprocessed are sent again; what is refused ends in the
dead letters; what the org holds afterwards is compared with both.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import requests

import reverse_etl
from benchmarks.measure import megabytes, tree_bytes
from crm_access import CrmAccess
from crm_access.salesforce import DATA_PATH
from reverse_etl.store import Store

ROWS = 100_000
FOLDER = Path("data/bench/writeback_salesforce")
LATENCY_MS = 50
REFUSED, UNPROCESSED = 0.02, 0.01
_SYNC = "sync_bench_leads"
_SEED_ROWS = 20_000
_FIELDS = [
    {"column": "score", "property": "Leadhouse_Score__c", "label": "Score", "type": "number",
     "field_type": "number", "description": "Points"},
    {"column": "grade", "property": "Leadhouse_Grade__c", "label": "Grade", "type": "string", "field_type": "text",
     "description": "A to D"},
    {"column": "reason", "property": "Leadhouse_Reason_1__c", "label": "Why", "type": "string", "field_type": "text",
     "description": "Strongest reason"},
]  # fmt: skip


@dataclass
class _Org:
    """A running sandbox org."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: Any = None, text: str | None = None) -> Any:
        if not self.token:
            grant = {"grant_type": "client_credentials", "client_id": self.client_id,
                     "client_secret": self.client_secret}  # fmt: skip
            answer = requests.post(f"{self.url}/services/oauth2/token", data=grant, timeout=60)
            answer.raise_for_status()
            self.token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}", **({"Content-Type": "text/csv"} if text else {})}
        url = self.url + (path if path.startswith("/sandbox") else DATA_PATH + path)
        data = text.encode() if text else None
        answer = requests.request(method, url, json=body, data=data, headers=headers, timeout=300)
        answer.raise_for_status()
        return answer.json() if "json" in answer.headers.get("Content-Type", "") and answer.content else answer.text

    def make_leads(self, count: int) -> list[str]:
        """So many leads; their ids."""
        ids: list[str] = []
        for start in range(0, count, _SEED_ROWS):
            out = io.StringIO()
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["LastName", "Company", "Email"])
            for n in range(start, min(count, start + _SEED_ROWS)):
                writer.writerow([f"Lead {n}", "Bench", f"lead{n}@bench.example"])
            job = self.run_job({"object": "Lead", "operation": "insert"}, out.getvalue())
            found = csv.DictReader(io.StringIO(self.call("GET", f"{job}/successfulResults")))
            ids += [line["sf__Id"] for line in found]
        return ids

    def run_job(self, kind: dict[str, str], upload: str) -> str:
        made = self.call("POST", "/jobs/ingest", {**kind, "contentType": "CSV", "lineEnding": "LF"})
        job = f"/jobs/ingest/{made['id']}"
        self.call("PUT", f"{job}/batches", text=upload)
        self.call("PATCH", job, {"state": "UploadComplete"})
        while self.call("GET", job)["state"] not in ("JobComplete", "Failed"):
            time.sleep(0.2)
        return job

    def scores(self) -> dict[str, Any]:
        """The score that each lead holds."""
        found: dict[str, Any] = {}
        path = "/query?q=SELECT+Id,+Leadhouse_Score__c+FROM+Lead"
        while path:
            page = self.call("GET", path)
            found |= {record["Id"]: record["Leadhouse_Score__c"] for record in page["records"]}
            path = page.get("nextRecordsUrl", "").removeprefix(DATA_PATH)
        return found


@contextmanager
def _org() -> Iterator[_Org]:
    command = [sys.executable, "-m", "sandbox.salesforce", "--port", "0", "--daily", "0"]
    command += ["--latency-ms", str(LATENCY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            yield _Org(told["url"], told["client_id"], told["client_secret"])
        finally:
            process.terminate()
            process.wait(30)


def _project(ids: list[str]) -> tuple[Path, Path, str]:
    """Snapshot, manifest and store of a project that wants a score on every lead."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    sync = {
        "destination": "salesforce", "object": "leads", "mode": "update", "fields": _FIELDS, "owner": "benchmarks",
        "consent": {"column": "is_opted_out", "rule": "not_opted_out"},
    }  # fmt: skip
    node = {
        "resource_type": "model", "name": _SYNC, "alias": _SYNC, "schema": "marts",
        "patch_path": "leadhouse://models/marts/activation/_activation__marts.yml", "config": {"meta": {"sync": sync}},
    }  # fmt: skip
    manifest = FOLDER / "manifest.json"
    manifest.write_text(json.dumps({"nodes": {f"model.leadhouse.{_SYNC}": node}}), encoding="utf-8")
    (FOLDER / "ids.csv").write_text("\n".join(["id", *ids]), encoding="utf-8")
    file = FOLDER / "b1.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"""
            create schema marts;
            create table marts.published_build as
            select 'b1' as build_id, timestamp '2026-01-02' as as_of_at, timestamp '2026-01-02' as published_at,
                'r1' as ruleset_version;
            create table marts.observed_salesforce_leads as
            select id as record_id, '{{}}' as properties, false as is_archived, timestamp '2026-01-01' as read_at,
                cast(null as varchar) as merged_into, '{{}}' as people_changed, false as is_converted
            from read_csv('{FOLDER / "ids.csv"}', all_varchar = true);
            create table marts.{_SYNC} as
            select 'k' || record_id as sync_key, record_id, false as is_opted_out,
                cast(row_number() over (order by record_id) % 97 + 1 as decimal(18, 1)) as score,
                'B' as grade, 'asked for a price, on 2026-10-29 (+4.0)' as reason
            from marts.observed_salesforce_leads;
        """)
    current = FOLDER / "current.duckdb"
    current.symlink_to(file.name)
    return current, manifest, f"sqlite:///{FOLDER / 'ops.db'}"


def cases(rows: int = ROWS) -> list[dict[str, Any]]:
    """The one case, as fields of ``benchmarks.writeback.Case``."""
    with _org() as org:
        ids = org.make_leads(rows)
        current, manifest, ops_url = _project(ids)
        plan = reverse_etl.plan_syncs(current, manifest, ops_url)
        org.call("POST", "/sandbox/faults", [
            {"kind": "record", "object": "Lead", "action": "update", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
             "share": REFUSED},
            {"kind": "job", "object": "Lead", "share": UNPROCESSED, "times": 1_000_000, "state": "JobComplete"},
        ])  # fmt: skip
        org.call("POST", "/sandbox/reset-stats")
        told, peak = _apply(org, plan.plan_id, ops_url)
        org.call("POST", "/sandbox/faults", [])
        held = org.scores()
        second = reverse_etl.plan_syncs(current, manifest, ops_url)
    with Store(ops_url) as store:
        letters = {row["record_id"]: row["error_kind"] for row in store.dead_letter_rows(state="open")}
    with duckdb.connect(str(current), read_only=True) as connection:
        wanted = dict(connection.execute(f"select record_id, cast(score as double) from marts.{_SYNC}").fetchall())
    lost = sum(1 for i, score in wanted.items() if held.get(i) != score and i not in letters)
    wrong = sum(1 for i in letters if held.get(i) is not None)
    is_whole = (
        told["written"] + told["rejected"] == rows and len(letters) == told["rejected"] and not lost and not wrong
    )
    speed = told["written"] / told["seconds"]
    return [
        {
            "name": f"Salesforce {rows:,} rows (Bulk 2.0, 2 % rejected, 1 % unprocessed)",
            "aim": "all accounted for",
            "result": f"{told['written']:,} written, {len(letters):,} in dead letters, {lost} lost; "
            f"{speed:,.0f} rows/s, {told['requests']} requests, {megabytes(peak)} MB; "
            f"second plan {second.changes:,} changes",
            "ok": is_whole and second.changes == 0 and set(letters.values()) == {"validation"},
            "peer": "rejects not kept",
            "measured": {
                "rows_per_second": speed, "requests": told["requests"], "peak_bytes": peak,
                "rejected": told["rejected"], "lost": lost,
            },
        }
    ]  # fmt: skip


def _apply(org: _Org, plan_id: str, ops_url: str) -> tuple[dict[str, Any], int]:
    """The apply's result and the peak memory of its processes."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.writeback_salesforce",
        "--apply",
        plan_id,
        ops_url,
        org.url,
        org.client_id,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        peak = 0
        over = threading.Event()

        def sample() -> None:
            nonlocal peak
            while not over.wait(0.1):
                peak = max(peak, tree_bytes(process.pid))

        watch = threading.Thread(target=sample, daemon=True)
        watch.start()
        told, _ = process.communicate(org.client_secret)
        over.set()
        watch.join()
    if process.returncode:
        raise SystemExit(f"the apply failed with exit code {process.returncode}")
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found, peak


def _child(plan_id: str, ops_url: str, url: str, client_id: str) -> int:
    credentials = {"client_id": client_id, "client_secret": sys.stdin.read().strip()}
    access = CrmAccess("salesforce", url, credentials, burst_limit=1_000_000)
    done = reverse_etl.apply(plan_id, ops_url, {"salesforce": access}, approve=True)
    print(json.dumps(done.to_dict()), flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writeback_salesforce")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--apply", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.apply:
        return _child(*arguments.apply)
    (case,) = cases(arguments.rows)
    print(f"{case['name']}: {case['result']}; {'met' if case['ok'] else 'NOT MET'}")
    if arguments.json:
        print(json.dumps({"cases": [case]}))
    return 0 if case["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
