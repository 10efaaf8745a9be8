"""Kill apply at any moment: the next one finishes, loses nothing, duplicates nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from writeback_portal import Portal, Project
from writeback_worlds import CONTACTS_SYNC, HOT_LIST

META = {"sync_contacts": {"sync": CONTACTS_SYNC}, "list_hot": {"list": HOT_LIST}}
EXISTING, NEW, MEMBERS = 500, 300, 200

APPLY = """
import json, sys, reverse_etl
from crm_access import CrmAccess
plan_id, ops_url, url, token = sys.argv[1:]
def tell(state):
    print(state.done, flush=True)
access = CrmAccess("hubspot", url, {"token": token}, burst_limit=100000, requests_in_flight=3)
result = reverse_etl.apply(plan_id, ops_url, {"hubspot": access}, progress=tell)
print(json.dumps(result.to_dict()), flush=True)
"""


@pytest.fixture(scope="module")
def slow_portal(start_portal: Callable[..., Portal]) -> Portal:
    """A portal whose batches take their time, so that requests are in flight when the kill comes."""
    portal = start_portal()
    slow = {"method": "POST", "path": "/crm/objects/contacts/batch/(read|create|update)", "times": 1_000_000}
    portal.fault(**slow, status=0, latency_ms=60)
    return portal


def start_apply(project: Project, plan_id: str) -> subprocess.Popen[str]:
    arguments = [plan_id, project.ops_url, project.portal.url, project.portal.token]
    return subprocess.Popen([sys.executable, "-c", APPLY, *arguments], stdout=subprocess.PIPE, text=True)


def world(portal: Portal, tag: str) -> dict[str, Any]:
    ids = portal.create("contacts", [{"email": f"{tag}{i}@x.example"} for i in range(EXISTING)])
    rows = [
        {"sync_key": f"{tag}{i}", "record_id": ids[i] if i < EXISTING else None, "email": f"{tag}{i}@x.example",
         "is_opted_out": False, "lead_score": Decimal(i), "lead_grade": "A"}
        for i in range(EXISTING + NEW)
    ]  # fmt: skip
    return {"contacts": rows, "hot": ids[:MEMBERS], "observed_contacts": {i: {} for i in ids}}


def check_crm(project: Project, tag: str, list_name: str) -> None:
    """Every person is there once, with the value wanted; the list has its members; nothing is left to do."""
    held = [p for p in project.portal.all_contacts("email", "leadhouse_score").values() if p["email"].startswith(tag)]
    assert len(held) == EXISTING + NEW
    assert {p["email"]: p.get("leadhouse_score") for p in held} == {
        f"{tag}{i}@x.example": str(i) for i in range(EXISTING + NEW)
    }
    list_id = project.portal.call("GET", f"/crm/v3/lists/object-type-id/0-1/name/{list_name}")["list"]["listId"]
    assert project.portal.call("GET", f"/crm/v3/lists/{list_id}")["list"]["size"] == MEMBERS
    assert project.plan().changes == 0


def check_ledger(project: Project, plan_id: str, tag: str) -> None:
    """Every record has exactly one outcome in the plan's part of the ledger."""
    with project.store() as store:
        rows = [row for row in store.write_rows(plan_id=plan_id) if row["sync"] == "sync_contacts"]
    final = [row for row in rows if row["write_id"].count(":") == 1]
    assert Counter(row["sync_key"] for row in final) == Counter(f"{tag}{i}" for i in range(EXISTING + NEW))
    assert {row["outcome"] for row in final} == {"written"}


@pytest.mark.parametrize(
    ("kill_after", "finish"), [(0, "same plan"), (0, "new plan"), (2, "same plan"), (3, "new plan")]
)
def test_kill_in_the_middle_then_finish(slow_portal: Portal, tmp_path: Path, kill_after: int, finish: str) -> None:
    """``kill_after`` batches are recorded when the kill comes; 0 = while the first creates are on their way."""
    tag = f"kill{kill_after}{finish[0]}x"
    name = f"Leadhouse: {tag}"
    project = Project(tmp_path, slow_portal)
    project.publish(meta={**META, "list_hot": {"list": {**HOT_LIST, "name": name}}}, **world(slow_portal, tag))
    plan = project.plan()
    assert (plan.creates, plan.updates, plan.list_adds) == (NEW, EXISTING, MEMBERS)

    path = "POST /crm/objects/contacts/batch/create"
    before = slow_portal.by_path().get(path, 0)
    with start_apply(project, plan.plan_id) as process:
        assert process.stdout is not None
        for _ in range(kill_after):
            assert process.stdout.readline().strip().isdigit()
        deadline = time.monotonic() + 20
        while slow_portal.by_path().get(path, 0) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL

    with project.store() as store:
        total, done = store.counts_to_send(plan.plan_id, "sync_contacts")
    assert done < total == EXISTING + NEW
    finished = project.apply(project.plan() if finish == "new plan" else plan)
    assert finished.rejected == 0
    check_crm(project, tag, name)
    if finish == "same plan":
        assert (finished.skipped, finished.written) == (done, total - done + MEMBERS)
        check_ledger(project, plan.plan_id, tag)


def test_sigterm_finishes_what_is_in_flight(slow_portal: Portal, tmp_path: Path) -> None:
    project = Project(tmp_path, slow_portal)
    meta = {**META, "list_hot": {"list": {**HOT_LIST, "name": "Leadhouse: term"}}}
    project.publish(meta=meta, **world(slow_portal, "term"))
    plan = project.plan()
    with start_apply(project, plan.plan_id) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    result = json.loads(told.splitlines()[-1])
    assert result["stopped"]
    assert result["unsent"] > 0
    assert result["rejected"] == 0
    with project.store() as store:
        assert store.list_plans()[0]["status"] == "stopped"
        rows_written = [row for row in store.write_rows() if row["write_id"].count(":") == 1]
        assert len(rows_written) == result["written"]
    finished = project.apply(plan)
    assert finished.written == result["unsent"]
    check_crm(project, "term", "Leadhouse: term")
    check_ledger(project, plan.plan_id, "term")
