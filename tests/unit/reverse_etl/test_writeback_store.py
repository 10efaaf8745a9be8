"""The operational store: what is written down survives, once; one apply at a time."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingestion.schemas import RAW_TABLES
from reverse_etl.errors import ApplyBusyError, PlanError, StoreError
from reverse_etl.forget import forget
from reverse_etl.plan_rows import COLUMNS, PlanPart, encoded
from reverse_etl.store import Intent, Store, WriteRow, utc_now, writes

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/deep/ops.db") as opened:
        yield opened


def save(store: Store, plan_id: str = "p1", created_at: datetime = NOW, rows: int = 3) -> None:
    values = {
        "plan_id": plan_id, "created_at": created_at, "expires_at": created_at + timedelta(hours=24),
        "status": "planned", "build_id": "b", "ruleset_version": "r", "published_link": "l", "published_file": "f",
        "total_changes": rows, "summary": "[]", "specs": "[]",
    }  # fmt: skip
    sent = [(f"k{n}", str(n), None, json.dumps({"a": str(n)}), "{}", None) for n in range(1, rows + 1)]
    kept_away = [("k", None, None, None, None, "opted out")]
    store.save_plan(values, [part("update", sent), part("suppressed", kept_away)])


def part(outcome: str, rows: Sequence[tuple[str | None, ...]], sync: str = "s") -> PlanPart:
    columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    return encoded(sync, outcome, pa.record_batch(columns, names=list(COLUMNS)))


def outcome(seq: int, **changes: Any) -> WriteRow:
    row: dict[str, Any] = {
        "write_id": f"p1:{seq}", "run_id": "r", "plan_id": "p1", "sync": "s", "destination": "hubspot",
        "object": "contacts", "sync_key": f"k{seq}", "record_id": str(seq), "action": "update",
        "fields": json.dumps({"a": str(seq)}), "outcome": "written", "error_kind": None, "error_message": None,
        "acknowledged_at": NOW,
    }  # fmt: skip
    return WriteRow(**{**row, **changes})


def refused(seq: int, **changes: Any) -> WriteRow:
    return outcome(seq, **{"outcome": "rejected", "error_kind": "validation", "error_message": "no", **changes})


def test_the_ledger_has_the_columns_of_the_raw_table() -> None:
    assert [c.name for c in writes.columns] == RAW_TABLES["raw_ops.sync_writes"].columns.names


def test_an_older_store_gets_the_missing_columns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    with Store(url) as old:
        old.finish_batch(None, [outcome(1)])
    database = sqlite3.connect(tmp_path / "old.db")
    for name in ("batch_id", "previous", "reason"):
        database.execute(f"alter table writes drop column {name}")
    database.close()
    with Store(url) as store:
        store.finish_batch(None, [outcome(2, batch_id="r:1", previous='{"a":"1"}', reason="a changed")])
        found = [(row["write_id"], row["batch_id"], row["previous"], row["reason"]) for row in store.write_rows()]
    assert found == [("p1:1", None, None, None), ("p1:2", "r:1", '{"a":"1"}', "a changed")]


def test_pending_is_what_has_no_outcome(store: Store) -> None:
    save(store)
    assert [(c.seq, c.fields) for c in store.pending("p1", "s")] == [(i, {"a": str(i)}) for i in (1, 2, 3)]
    store.finish_batch(None, [outcome(2), refused(3), outcome(1, write_id="p1:1:match", action="match")])
    assert [change.seq for change in store.pending("p1", "s")] == [1]
    assert store.counts_to_send("p1", "s") == (3, 2)


def test_an_outcome_recorded_twice_is_one_row(store: Store) -> None:
    store.finish_batch(None, [outcome(1)])
    store.finish_batch(None, [outcome(1, record_id="9")])
    assert [row["record_id"] for row in store.write_rows()] == ["9"]


def test_the_ledger_gives_back_what_was_acknowledged_after_a_moment(store: Store) -> None:
    store.finish_batch(None, [outcome(1), outcome(2, acknowledged_at=NOW + timedelta(seconds=1)), refused(3)])
    found = store.ledger("hubspot", NOW).read_all().to_pylist()
    assert [(row["sync_key"], row["acknowledged_at"]) for row in found] == [("k2", NOW + timedelta(seconds=1))]
    assert store.ledger("hubspot", None).read_all().num_rows == 2
    assert store.ledger("salesforce", None).read_all().num_rows == 0


def test_a_refused_record_has_one_open_dead_letter_until_it_is_written(store: Store) -> None:
    store.finish_batch(None, [refused(1)])
    store.finish_batch(None, [refused(1, write_id="p2:1", plan_id="p2", error_message="still no")])
    assert [row["error_message"] for row in store.dead_letter_rows()] == ["still no"]
    assert store.open_refusals("hubspot").to_pylist()[0]["sync_key"] == "k1"
    store.finish_batch(None, [outcome(1, write_id="p3:1", plan_id="p3")])
    assert store.dead_letter_rows() == []
    assert [row["state"] for row in store.dead_letter_rows(state=None)] == ["superseded", "resolved"]


def test_dead_letters_are_let_go_on_demand(store: Store) -> None:
    store.finish_batch(None, [refused(1), refused(2)])
    assert store.retry_dead_letters(sync="other") == 0
    assert store.retry_dead_letters(sync="s") == 2
    assert store.open_refusals("hubspot").num_rows == 0


def test_transient_refusals_do_not_hold_a_record_back(store: Store) -> None:
    store.finish_batch(None, [outcome(1, outcome="rejected", error_kind="rate", error_message="later")])
    assert len(store.dead_letter_rows()) == 1
    assert store.open_refusals("hubspot").num_rows == 0


def test_a_letter_that_was_let_go_ends_with_the_next_outcome(store: Store) -> None:
    store.finish_batch(None, [refused(1), refused(2)])
    assert store.retry_dead_letters(write_id="p1:1") == 1
    assert store.retry_dead_letters(kind="conflict") == 0
    assert store.let_go({"p1:2": "another day"}) == 1
    store.finish_batch(None, [outcome(1, write_id="p2:1"), refused(2, write_id="p2:2")])
    states = {row["write_id"]: (row["state"], row["attempts"]) for row in store.dead_letter_rows(state=None)}
    assert states == {"p1:1": ("resolved", 1), "p1:2": ("superseded", 1), "p2:2": ("open", 2)}
    assert store.dead_letter_counts() == [("s", "validation", 1)]


def test_intents_and_outcomes_are_recorded_together(store: Store) -> None:
    store.record([Intent("b1", "r", "p1", "s", "update", 1, 2, 2), Intent("b2", "r", "p1", "s", "update", 3, 3, 1)], [])
    store.record([], [("b1", [outcome(1), outcome(2)])])
    store.note_job("b2", "job1")
    store.note_job("b2", "job2")
    assert [(job.batch_id, tuple(job.job_ids)) for job in store.open_jobs("s")] == [("b2", ("job1", "job2"))]
    store.record([], [("b2", [outcome(3)])])
    assert store.open_jobs("s") == []


def test_the_second_waits_for_the_first(store: Store) -> None:
    with store.lock(["hubspot.s"]):
        began = time.monotonic()
        with pytest.raises(ApplyBusyError), store.lock(["hubspot.s"], wait_seconds=0.3):
            pass
        assert time.monotonic() - began >= 0.3
    held = threading.Event()

    def hold() -> None:
        with store.lock(["hubspot.s"]):
            held.set()
            time.sleep(0.3)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with store.lock(["hubspot.s"], wait_seconds=20):
        pass
    holder.join()


def test_plans_are_listed_and_found(store: Store) -> None:
    with pytest.raises(PlanError, match="there is no plan yet"):
        store.plan_row("latest")
    save(store, "p1")
    save(store, "p2", NOW + timedelta(seconds=1))
    assert [row["plan_id"] for row in store.list_plans()] == ["p2", "p1"]
    assert store.plan_row("latest")["plan_id"] == "p2"
    with pytest.raises(PlanError, match="plan p9: not in sqlite:"):
        store.plan_row("p9")
    assert [row["outcome"] for row in store.change_rows("p1", outcomes=["suppressed"])] == ["suppressed"]


def test_a_plan_is_stored_whole_or_not_at_all(store: Store) -> None:
    def broken() -> Iterator[PlanPart]:
        yield part("update", [("k", "1", None, "{}", "{}", None)])
        raise RuntimeError("out of memory")

    values = dict.fromkeys(("status", "published_link", "published_file", "summary", "specs"), "x")
    row = {**values, "plan_id": "half", "created_at": NOW, "expires_at": NOW, "total_changes": 1}
    with pytest.raises(RuntimeError, match="out of memory"):
        store.save_plan(row, broken())
    assert store.list_plans() == []
    assert store.change_rows("half") == []


def test_a_plan_is_stale_after_another_was_applied(store: Store) -> None:
    before = utc_now()
    store.start_run("r1", "p1", "s")
    assert store.newer_run("p1", "s", before) is None
    assert store.newer_run("p2", "other", before) is None
    newer = store.newer_run("p2", "s", before)
    assert newer is not None
    assert newer["plan_id"] == "p1"
    assert store.newer_run("p2", "s", utc_now() + timedelta(seconds=1)) is None


def test_one_apply_at_a_time(store: Store, tmp_path: Path) -> None:
    with (
        store.lock(["hubspot.s"]),
        Store(f"sqlite:///{tmp_path}/deep/ops.db") as other,
        other.lock(["hubspot.t"]),
        pytest.raises(ApplyBusyError, match=r"hubspot.s: another apply is running \(process \d+ since"),
        other.lock(["hubspot.s"]),
    ):
        pytest.fail("the lock was given twice")
    with store.lock(["hubspot.s", "hubspot.t"]):
        pass


def test_a_dead_holder_frees_the_lock(store: Store, tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom reverse_etl.store import Store\n"
        f"lock = Store('sqlite:///{tmp_path}/deep/ops.db').lock(['hubspot.s'])\n"
        "lock.__enter__()\nprint('held', flush=True)\nsys.stdin.read()\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ApplyBusyError), store.lock(["hubspot.s"]):
        pytest.fail("the lock was given twice")
    holder.kill()
    holder.communicate()
    with store.lock(["hubspot.s"]):
        pass


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data/ops.db", "ops_url is not a database URL: use sqlite:///"),
        ("mysql://u:secret@h/d", "mysql is not supported"),
        ("sqlite:////proc/nowhere/ops.db", "cannot open the operational store sqlite:////proc/nowhere/ops.db"),
    ],
)
def test_a_store_that_cannot_be_opened_says_why(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        Store(url)
    assert "secret" not in str(caught.value)


def test_a_person_is_blanked_in_plans_and_no_longer_sent(store: Store) -> None:
    save(store, rows=5)
    store.finish_batch(None, [outcome(1)])
    told = forget(
        store, records=[("hubspot", "contacts", "1"), ("hubspot", "contacts", "3")], contact_ids=["k4"], addresses=[]
    )
    assert told["ops.plan_parts"] == 3
    # Numbers stay; what was sent stays counted as sent; who was still to be sent is not.
    assert [change.seq for change in store.pending("p1", "s")] == [2, 5]
    assert store.counts_to_send("p1", "s") == (3, 1)
    rows = {row["seq"]: row for row in store.change_rows("p1")}
    assert [rows[n]["outcome"] for n in (1, 3, 4)] == ["update", "suppressed", "suppressed"]
    assert all(rows[n]["fields"] is None and rows[n]["sync_key"] is None for n in (1, 3, 4))
    assert rows[6]["reason"] == "opted out"
    assert forget(store, records=[("hubspot", "contacts", "1")], contact_ids=["k4"], addresses=[]) == {}
