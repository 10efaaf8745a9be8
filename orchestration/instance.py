"""Dagster's own folder: its settings, run history and event logs, kept under ``data/``."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import psutil

_TEMPLATE = Path(__file__).with_name("dagster.yaml")

#: Run tag with the id of the process that runs it, for runs that no daemon watches.
PID_TAG = "leadhouse/pid"
#: Run tag with that process's start (seconds since 1970), since process ids are used again.
STARTED_TAG = "leadhouse/process_started"


def prepare_dagster_home(home: Path) -> Path:
    """Creates ``home`` with our ``dagster.yaml`` and points Dagster at it (``DAGSTER_HOME``). Idempotent."""
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    wanted = _TEMPLATE.read_text(encoding="utf-8").replace("${DAGSTER_HOME}", str(home.resolve()))
    if not settings.exists() or settings.read_text(encoding="utf-8") != wanted:
        settings.write_text(wanted, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home.resolve())
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"
    return home


def this_process_tags() -> dict[str, str]:
    """Tags by which ``release_dead_runs`` recognises a run whose process is gone."""
    process = psutil.Process()
    return {PID_TAG: str(process.pid), STARTED_TAG: f"{process.create_time():.0f}"}


def release_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks runs failed whose process died (power cut, kill), and gives their pool slots back.

    A run started from the command line is watched by no daemon; without this its slot in pool ``warehouse`` would stay
    taken and the next run would wait for ever. Returns the ids of the runs released.
    """
    released = []
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(filters=unfinished):
        if PID_TAG in run.tags and not _is_alive(run.tags[PID_TAG], run.tags.get(STARTED_TAG, "")):
            instance.report_run_failed(run, "The process that ran this is gone.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            released.append(run.run_id)
    return released


def _is_alive(pid: str, started: str) -> bool:
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" == started
    except psutil.NoSuchProcess:
        return False
