"""A sandbox org, driven as its people and its administrator would."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from crm_access import CrmAccess
from crm_access.salesforce import DATA_PATH, SalesforceSession

ROOT = Path(__file__).parents[3]


@dataclass
class Org:
    url: str
    client_id: str
    client_secret: str
    username: str
    process: subprocess.Popen

    def __post_init__(self):
        self.session = SalesforceSession(self.access())

    def access(self, **credentials):
        mine = {"client_id": self.client_id, "client_secret": self.client_secret, **credentials}
        return CrmAccess("salesforce", self.url, mine, burst_limit=10_000)

    def call(self, method, path, body=None, *, accept=(200, 201, 204)):
        answer = requests.request(method, self.url + path, json=body, headers=self.session.headers(), timeout=30)
        if answer.status_code == 401:
            self.session.renew(self.session.token())
            return self.call(method, path, body, accept=accept)
        assert answer.status_code in accept, answer.text
        return answer.json() if answer.content else None

    def rows(self, soql):
        """Every record of a query, the bin included."""
        page = self.call("GET", f"{DATA_PATH}/queryAll?q={requests.utils.quote(soql)}")
        records = page["records"]
        while not page["done"]:
            page = self.call("GET", page["nextRecordsUrl"])
            records += page["records"]
        return records

    def create(self, name, **fields):
        return self.call("POST", f"{DATA_PATH}/sobjects/{name}", fields)["id"]

    def update(self, name, record_id, **fields):
        self.call("PATCH", f"{DATA_PATH}/sobjects/{name}/{record_id}", fields)

    def delete(self, name, record_id):
        self.call("DELETE", f"{DATA_PATH}/sobjects/{name}/{record_id}")

    def delete_for_good(self, name, *record_ids):
        """Past the bin, with a job of the Bulk API."""
        job = self.call("POST", f"{DATA_PATH}/jobs/ingest", {"object": name, "operation": "hardDelete"})["id"]
        answer = requests.put(
            f"{self.url}{DATA_PATH}/jobs/ingest/{job}/batches",
            data="\n".join(["Id", *record_ids]),
            headers={**self.session.headers(), "Content-Type": "text/csv"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        self.call("PATCH", f"{DATA_PATH}/jobs/ingest/{job}", {"state": "UploadComplete"})
        while (state := self.call("GET", f"{DATA_PATH}/jobs/ingest/{job}"))["state"] not in ("JobComplete", "Failed"):
            pass
        assert state["state"] == "JobComplete", state
        assert state["numberRecordsFailed"] == 0, state

    def faults(self, *faults):
        self.call("POST", "/sandbox/faults", list(faults))


def start_org(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.salesforce", "--port", "0", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    assert line, f"the sandbox did not start (exit code {process.wait(10)})"
    ready = json.loads(line)
    return Org(ready["url"], ready["client_id"], ready["client_secret"], ready["username"], process)


def stop_org(org):
    org.process.terminate()
    org.process.wait(10)
    org.process.stdout.close()
