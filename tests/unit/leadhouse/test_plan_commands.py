"""Plans on the command line: shown with masked values, filtered, compared."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from leadhouse.cli import app
from reverse_etl.plan import OUTCOMES, Example, SyncPlan
from reverse_etl.plan_rows import COLUMNS, encoded
from reverse_etl.store import Store, utc_now


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LEADHOUSE_OPS_URL", f"sqlite:///{tmp_path}/ops.db")
    with Store(f"sqlite:///{tmp_path}/ops.db") as store:
        save(store, "p1", {"k1": "1", "k2": "2"})
        save(store, "p2", {"k2": "3", "k3": "3"}, minutes=1)
        save(store, "p0", {"k1": "1"}, minutes=-3000)
    return lambda *words: CliRunner().invoke(app, [*words], catch_exceptions=False)


def save(store: Store, plan_id: str, scores: dict[str, str], *, minutes: int = 0) -> None:
    created_at = utc_now() + timedelta(minutes=minutes)
    counts = {**dict.fromkeys(OUTCOMES, 0), "create": len(scores)}
    example = Example(
        "create", "k1", None, None, {"email": (None, "ana.lima@acme.example"), "firstname": (None, "Ana")}
    )
    sync = SyncPlan("sync_a", "sync", "hubspot", "contacts", "o", len(scores), counts, examples=(example,))
    rows = [
        (key, None, "ana.lima@acme.example", json.dumps({"score": score, "lastname": "Lima"}), None, None)
        for key, score in scores.items()
    ]
    columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    row = {
        "plan_id": plan_id, "created_at": created_at, "expires_at": created_at + timedelta(hours=24),
        "status": "planned", "build_id": "b", "ruleset_version": "r", "published_link": "l", "published_file": "f",
        "total_changes": len(rows), "summary": json.dumps([vars(sync) | {"examples": [vars(example)]}]), "specs": "[]",
    }  # fmt: skip
    store.save_plan(row, [encoded("sync_a", "create", pa.record_batch(columns, names=list(COLUMNS)))])


def test_personal_data_is_masked_unless_asked_for(run: Any) -> None:
    words = ("plan", "show", "p1", "--sync", "sync_a", "--output", "json")
    masked, plain = run(*words).output, run(*words, "--show-personal-data").output
    assert "ana.lima" not in masked
    assert "Lima" not in masked
    assert "Ana" not in masked
    assert json.loads(masked)["rows"][0]["fields"] == '{"score": "1", "lastname": "***"}'
    assert json.loads(plain)["rows"][1]["match_value"] == "ana.lima@acme.example"
    assert "ana.lima" not in run("plan", "show", "p1").output


def test_rows_are_filtered_and_what_is_unknown_is_named(run: Any) -> None:
    assert json.loads(run("plan", "show", "p1", "--outcome", "update", "--output", "json").output)["rows"] == []
    refused = run("plan", "show", "p1", "--outcome", "changed")
    assert refused.exit_code == 2


def test_a_newer_plan_is_compared_with_an_older(run: Any) -> None:
    told = json.loads(run("plan", "diff", "p1", "p2", "--output", "json").output)
    assert told == [
        {
            "sync": "sync_a",
            "counts": {"adds": 1, "drops": 1, "changes": 1},
            "examples": {"adds": ["k3"], "drops": ["k1"], "changes": ["k2"]},
        }
    ]
    assert "send the same" in run("plan", "diff", "p2").output


def test_plans_say_when_they_expired(run: Any) -> None:
    told = {row["plan_id"]: row["status"] for row in json.loads(run("plans", "--output", "json").output)}
    assert told == {"p0": "expired", "p1": "planned", "p2": "planned"}
