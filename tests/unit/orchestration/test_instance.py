from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import psutil
import pytest

from orchestration.instance import PID_TAG, STARTED_TAG, prepare_dagster_home, release_dead_runs, this_process_tags


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    prepare_dagster_home(tmp_path / "dagster")
    return dg.DagsterInstance.get()


def test_home_is_written_once_and_kept_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "elsewhere")
    home = prepare_dagster_home(tmp_path / "home")
    settings = home / "dagster.yaml"
    assert "enabled: false" in settings.read_text()
    settings.write_text("old")
    prepare_dagster_home(tmp_path / "home")
    assert "concurrency" in settings.read_text()
    assert os.environ["DAGSTER_HOME"] == str(home.resolve())


def test_pools_have_one_slot(instance: dg.DagsterInstance) -> None:
    with instance:
        pools = instance.get_concurrency_config().pool_config
        assert pools.default_pool_limit == 1
        assert str(pools.pool_granularity.value) == "op"
        assert not instance.telemetry_enabled


def test_runs_of_dead_processes_give_their_slots_back(instance: dg.DagsterInstance) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    dead_tags = {PID_TAG: str(child.pid), STARTED_TAG: f"{psutil.Process(child.pid).create_time():.0f}"}
    child.kill()
    child.wait()
    with instance:

        @dg.op
        def nothing() -> None: ...

        @dg.job
        def some_job() -> None:
            nothing()

        def started_run(tags: dict[str, str]) -> dg.DagsterRun:
            return instance.create_run_for_job(job_def=some_job, status=dg.DagsterRunStatus.STARTED, tags=tags)

        dead = started_run(dead_tags)
        alive = started_run(this_process_tags())
        unwatched = started_run({})
        instance.event_log_storage.initialize_concurrency_limit_to_default("warehouse")
        claim = instance.event_log_storage.claim_concurrency_slot("warehouse", dead.run_id, "step")
        assert claim.is_claimed
        assert release_dead_runs(instance) == [dead.run_id]
        assert instance.event_log_storage.get_concurrency_info("warehouse").active_slot_count == 0
        states = {run.run_id: run.status for run in instance.get_runs()}
        assert states[dead.run_id] == dg.DagsterRunStatus.FAILURE
        assert states[alive.run_id] == states[unwatched.run_id] == dg.DagsterRunStatus.STARTED
