"""The operational store on a real PostgreSQL: the same shape, the same promises, one apply at a time."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from test_writeback_store import outcome, refused, save
from writeback_portal import Portal, Project
from writeback_worlds import CONTACTS_SYNC

from ingestion.ops import load_ops
from reverse_etl.errors import ApplyBusyError
from reverse_etl.store import Intent, Store


def binaries() -> Path | None:
    """The folder of the newest server's programs; they are on no PATH where Debian installs them."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of our own, on a free port of 127.0.0.1."""
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server programs found (apt-get install postgresql)")
    folder = tmp_path_factory.mktemp("postgresql")
    user: dict[str, object] = {}
    if os.geteuid() == 0:
        # The server refuses to run as root.
        user = {"user": "postgres"}
        for parent in (folder, *list(folder.parents)[:2]):
            parent.chmod(0o755)
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    run = {"check": True, "capture_output": True, "cwd": folder, **user}
    subprocess.run([programs / "initdb", "-D", data, "-U", "leadhouse", "-A", "trust", "--no-sync"], **run)  # type: ignore[call-overload]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log"]
    subprocess.run([*control, "-o", options, "start"], **run)  # type: ignore[call-overload]
    try:
        yield f"postgresql://leadhouse@127.0.0.1:{port}/postgres"
    finally:
        # SIGQUIT to the server itself: it ends at once, its sessions with it.
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while (data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """An empty store."""
    yield server
    engine = sa.create_engine(server.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("drop schema public cascade; create schema public")
    engine.dispose()


def test_it_keeps_what_sqlite_keeps(url: str) -> None:
    with Store(url) as store:
        save(store)
        assert [change.seq for change in store.pending("p1", "s")] == [1, 2, 3]
        store.record([Intent("b1", "r", "p1", "s", "update", 1, 3, 3)], [])
        store.note_job("b1", "job1")
        assert [tuple(job.job_ids) for job in store.open_jobs("s")] == [("job1",)]
        store.record([], [("b1", [outcome(1), refused(2), outcome(2, write_id="p1:2:match", action="match")])])
        store.record([], [("b1", [outcome(1)])])
        assert store.counts_to_send("p1", "s") == (3, 2)
        assert [change.seq for change in store.pending("p1", "s")] == [3]
        assert store.ledger("hubspot", None).read_all().num_rows == 2
        assert [row["error_kind"] for row in store.dead_letter_rows()] == ["validation"]
        assert store.let_go({"p1:2": "time has passed"}) == 1
        store.record([], [(None, [refused(2, write_id="p2:2")])])
        assert [row["attempts"] for row in store.dead_letter_rows()] == [2]
        store.record([], [(None, [outcome(2, write_id="p3:2")])])
        assert store.dead_letter_rows() == []


def test_an_older_store_gets_the_missing_columns(url: str) -> None:
    with Store(url) as old, old.engine.begin() as connection:
        connection.exec_driver_sql("alter table writes drop column reason, drop column batch_id")
    with Store(url) as store:
        store.finish_batch(None, [outcome(1, reason="a changed")])
        assert store.write_rows()[0]["reason"] == "a changed"


def test_one_apply_at_a_time_and_a_dead_holder_frees_the_lock(url: str) -> None:
    program = (
        "import sys, time; from reverse_etl.store import Store\n"
        "with Store(sys.argv[1]).lock(['hubspot.s']): print('held', flush=True); time.sleep(60)"
    )
    with (
        Store(url) as store,
        subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True) as holder,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ApplyBusyError, match="another apply is running"), store.lock(["hubspot.s"]):
            pass
        holder.kill()
        holder.wait()
        with store.lock(["hubspot.s"], wait_seconds=20):
            pass


def test_plan_apply_and_the_ledger_in_the_warehouse(url: str, tmp_path: Path, portal: Portal) -> None:
    class OnPostgresql(Project):
        @property
        def ops_url(self) -> str:
            return url

    project = OnPostgresql(tmp_path, portal)
    ids = portal.create("contacts", [{"email": f"pg{i}@x.example"} for i in range(250)])
    rows = [
        {"sync_key": f"k{i}", "record_id": record_id, "email": f"pg{i}@x.example", "is_opted_out": False,
         "lead_score": i, "lead_grade": "A"}
        for i, record_id in enumerate(ids)
    ]  # fmt: skip
    project.publish(
        meta={"sync_contacts": {"sync": CONTACTS_SYNC}}, contacts=rows, observed_contacts={i: {} for i in ids}
    )
    done = project.apply(project.plan())
    assert (done.written, done.rejected) == (250, 0)
    again = project.plan()
    assert again.changes == 0
    assert project.apply(again).requests == 0
    assert portal.held("contacts", ids[7])["leadhouse_score"] == "7"
    assert load_ops(tmp_path / "w.duckdb", url)[0].rows_loaded == 250
