"""A portal of the sandbox CRM over HTTP, and a small project that writes to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from writeback_worlds import write_manifest, write_snapshot

import reverse_etl
from crm_access import CrmAccess
from reverse_etl.applier import ApplyResult
from reverse_etl.plan import Plan
from reverse_etl.store import Store


@dataclass
class Portal:
    """A running sandbox portal."""

    url: str
    token: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=30
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def create(self, object_type: str, rows: Sequence[Mapping[str, str]]) -> list[str]:
        """Records as the CRM's own people make them; returns their ids."""
        ids: list[str] = []
        for start in range(0, len(rows), 100):
            inputs = [{"properties": dict(row)} for row in rows[start : start + 100]]
            found = self.call("POST", f"/crm/v3/objects/{object_type}/batch/create", {"inputs": inputs})
            ids += [result["id"] for result in found["results"]]
        return ids

    def held(self, object_type: str, record_id: str) -> dict[str, str]:
        found: dict[str, str] = self.call("GET", f"/sandbox/objects/{object_type}/{record_id}")["properties"]
        return found

    def all_contacts(self, *properties: str) -> dict[str, dict[str, str]]:
        found, after = {}, None
        while True:
            path = f"/crm/v3/objects/contacts?limit=100&properties={','.join(properties)}"
            page = self.call("GET", path + (f"&after={after}" if after else ""))
            found.update({result["id"]: result["properties"] for result in page["results"]})
            after = page.get("paging", {}).get("next", {}).get("after")
            if after is None:
                return found

    def members(self, name: str) -> set[str]:
        list_id = self.call("GET", f"/crm/v3/lists/object-type-id/0-1/name/{name}")["list"]["listId"]
        page = self.call("GET", f"/crm/v3/lists/{list_id}/memberships?limit=250")
        return {result["recordId"] for result in page["results"]}

    def requests(self) -> int:
        total: int = self.call("GET", "/sandbox/stats")["total"]
        return total

    def by_path(self) -> dict[str, int]:
        found: dict[str, int] = self.call("GET", "/sandbox/stats")["by_path"]
        return found

    def fault(self, **fault: Any) -> None:
        self.call("POST", "/sandbox/faults", [fault])


@dataclass
class Project:
    """A manifest, a published snapshot and an operational store in a folder of its own."""

    folder: Path
    portal: Portal
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

    def publish(self, *, meta: Mapping[str, Mapping[str, Any]] | None = None, **world: Any) -> None:
        """Write a new snapshot and let the ``current`` link point to it, as a build does."""
        write_manifest(self.manifest, meta=meta)
        self.builds += 1
        file = write_snapshot(self.folder / f"b{self.builds}.duckdb", **world)
        self.current.unlink(missing_ok=True)
        self.current.symlink_to(file.name)

    def plan(self, **options: Any) -> Plan:
        return reverse_etl.plan_syncs(self.current, self.manifest, self.ops_url, **options)

    def apply(
        self, plan: Plan, *, token: str | None = None, requests_in_flight: int = 6, **options: Any
    ) -> ApplyResult:
        credentials = {"token": token or self.portal.token}
        access = CrmAccess(
            "hubspot", self.portal.url, credentials, burst_limit=100_000, requests_in_flight=requests_in_flight
        )
        return reverse_etl.apply(plan.plan_id, self.ops_url, {"hubspot": access}, **options)

    def store(self) -> Store:
        return Store(self.ops_url)
