"""Running a Dagster job from the command line, in this process, with its events recorded like any other run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import dagster as dg

from ingestion.results import Progress
from leadhouse.settings import SettingsError, load_settings
from orchestration.errors import OrchestrationError, RunFailed
from orchestration.instance import prepare_dagster_home, release_dead_runs, this_process_tags
from orchestration.progress import watched_by

#: Dagster's own log lines stay in its event log; the terminal belongs to the command.
_QUIET: Mapping[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


#: Metadata of a load that is a number of something.
_ADDED_UP = {"rows_read", "rows_loaded", "rejected", "requests", "seconds"}


@dataclass(frozen=True)
class RunReport:
    """A finished run. ``metadata`` is by asset (``raw_hubspot/contacts``) and name; ``checks_failed`` says which asset,
    which check and why; ``seconds`` is wall time."""

    job: str
    run_id: str
    seconds: float
    metadata: Mapping[str, Mapping[str, Any]]
    checks_passed: int
    checks_failed: tuple[str, ...]


@lru_cache(maxsize=1)
def repository() -> dg.Definitions:
    """All definitions, loaded once per process: what is configured must be in the environment before.

    Raises:
        OrchestrationError, SettingsError: what keeps them from loading (Dagster wraps it; here it is unwrapped).
    """
    from orchestration.definitions import defs

    try:
        loaded: dg.Definitions = defs()
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, OrchestrationError | SettingsError):
                raise cause from None
            cause = cause.__cause__
        raise
    return loaded


def run_job(
    job: str,
    progress: Progress,
    *,
    groups: Sequence[str] | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> RunReport:
    """Runs a job of ``orchestration/defs/jobs`` and waits for it.

    Args:
        job: its name, e.g. ``ingest_and_build``.
        progress: told about rows and nodes while the job runs.
        groups: only the job's assets of these groups.
        run_config: Dagster run configuration, e.g. ``{"ops": {...}}``.

    Raises:
        OrchestrationError (or another part's error): what the first failed step raised.
        RunFailed: the run failed without an exception of ours.
    """
    prepare_dagster_home(load_settings().dagster_home)
    definitions = repository()
    selection = None
    if groups is not None:
        graph = definitions.resolve_asset_graph()
        selection = [key for key in graph.materializable_asset_keys if graph.get(key).group_name in groups]
    started = time.monotonic()
    with dg.DagsterInstance.get() as instance:
        release_dead_runs(instance)
        with watched_by(progress):
            result = definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                run_config={**_QUIET, **(run_config or {})},
                tags=this_process_tags(),
                asset_selection=selection,
                raise_on_error=False,
            )
    if not result.success:
        _raise_first_failure(job, result)
    return RunReport(
        job=job,
        run_id=result.run_id,
        seconds=time.monotonic() - started,
        metadata=_metadata(result),
        checks_passed=sum(check.passed for check in result.get_asset_check_evaluations()),
        checks_failed=tuple(
            f"{check.asset_key.to_user_string()}: {check.check_name}"
            + (f": {check.description}" if check.description else "")
            for check in result.get_asset_check_evaluations()
            if not check.passed
        ),
    )


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """By asset; what several steps loaded into one table is added up."""
    found: dict[str, dict[str, Any]] = {}
    for event in result.all_events:
        if event.event_type != dg.DagsterEventType.ASSET_MATERIALIZATION:
            continue
        materialization = event.step_materialization_data.materialization
        values = {name: getattr(value, "value", None) for name, value in materialization.metadata.items()}
        earlier = found.setdefault(materialization.asset_key.to_user_string(), {})
        for name in _ADDED_UP & earlier.keys() & values.keys():
            values[name] += earlier[name]
        earlier.update(values)
    return found


def _raise_first_failure(job: str, result: dg.ExecuteInProcessResult) -> None:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            # Dagster's own wrappers say nothing; below the error that was raised stand only its technical causes.
            while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
                error = error.cause
            if error is None:
                raise RunFailed(f"{event.step_key} failed without a message; see `leadhouse dagster`.")
            # Dagster prefixes the class name, with or without its module.
            words = error.message.strip()
            head, _, rest = words.partition(": ")
            raise RunFailed(f"{event.step_key}: {rest if head.split('.')[-1] == error.cls_name else words}")
    raise RunFailed(f"Run {result.run_id} of job {job} failed before its first step; see `leadhouse dagster`.")


__all__ = ["OrchestrationError", "RunReport", "repository", "run_job"]
