"""dbt in this process: a warm runner instead of a new interpreter per command (3 s against 13 s, small build)."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadhouse.settings import load_settings
from orchestration.errors import BuildFailed, RulesRefused
from orchestration.manifest import DBT_QUIET, dbt_environment

_NODE_RESULTS = ("LogSeedResult", "LogModelResult", "LogSnapshotResult", "LogTestResult", "LogUnitTestResult")

#: dbt keeps module-level state (adapter, event manager): two runners in one process would share it.
_ONE_RUNNER = threading.Lock()


@dataclass(frozen=True)
class NodeResult:
    """One finished dbt node. ``raw_event`` is dbt's structured log line, as ``--log-format json`` writes it."""

    unique_id: str
    name: str
    kind: str
    status: str
    seconds: float
    raw_event: dict[str, Any] = field(repr=False)

    @property
    def failed(self) -> bool:
        """Whether this node makes the build fail."""
        return self.status in ("error", "fail", "runtime error")


@dataclass
class _Failure:
    name: str
    file: str
    message: str


def refuse_bad_rules(seeds_dir: Path) -> None:
    """Checks the seeds before anything is built.

    Raises:
        RulesRefused: lists every problem: file, row, field, what is wrong, what to do.
    """
    from leadhouse.rules import check_rules

    problems = check_rules(seeds_dir)
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise RulesRefused(f"{len(problems)} problem(s) in the rules; nothing was built.\n{listed}")


def run_dbt(
    command: Sequence[str], *, target_path: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[NodeResult]:
    """Runs one dbt command in a thread of this process and yields each node as it finishes.

    The warehouse file is closed again before this returns or raises, so that the next writer can open it.

    Args:
        command: the dbt command with its flags, without ``dbt``, e.g. ``["build", "--select", "staging"]``.
        target_path: dbt's folder for what it compiles; that of the project by default.
        environment: variables that dbt sees beside, or instead of, those of this installation.

    Raises:
        BuildFailed: dbt itself failed, or a node did; lists each failed node with its file and dbt's message.
    """
    finished: queue.SimpleQueue[NodeResult | None] = queue.SimpleQueue()
    outcome: list[Any] = []

    def on_event(message: Any) -> None:
        if message.info.name in _NODE_RESULTS:
            finished.put(_node_result(message))

    def invoke() -> None:
        from dbt.cli.main import dbtRunner

        try:
            target = target_path or load_settings().manifest_path.parent
            runner = dbtRunner(callbacks=[on_event])
            outcome.append(runner.invoke([*DBT_QUIET, *command, "--target-path", str(target)]))
        finally:
            _close_warehouse()
            finished.put(None)

    with _ONE_RUNNER, dbt_environment(**(environment or {})):
        thread = threading.Thread(target=invoke, name="dbt", daemon=True)
        thread.start()
        try:
            while (result := finished.get()) is not None:
                yield result
        finally:
            thread.join()
    _raise_unless_green(outcome[0] if outcome else None)


def _close_warehouse() -> None:
    """dbt-duckdb keeps the file open for the life of the process; another writer needs it now."""
    from dbt.adapters.duckdb import connections

    manager: Any = connections.DuckDBConnectionManager
    environment = manager._ENV
    if environment is not None:
        environment.close()
    manager.close_all_connections()


def _node_result(message: Any) -> NodeResult:
    from dbt_common.events.functions import msg_to_dict

    raw = msg_to_dict(message)
    node = raw["data"]["node_info"]
    return NodeResult(
        unique_id=node["unique_id"],
        name=node["node_name"],
        kind=node["resource_type"],
        status=node["node_status"],
        seconds=float(raw["data"].get("execution_time") or 0.0),
        raw_event=raw,
    )


def _raise_unless_green(outcome: Any) -> None:
    if outcome is None:
        raise BuildFailed("dbt ended without a result; the published snapshot is unchanged.")
    if outcome.success:
        return
    if outcome.exception is not None:
        raise BuildFailed(f"dbt could not run; the published snapshot is unchanged. {outcome.exception}")
    failures = [
        _Failure(
            name=result.node.name,
            file=result.node.original_file_path,
            message=(result.message or "").strip() or f"{result.failures or 'some'} failing rows",
        )
        for result in outcome.result.results
        if str(result.status) in ("error", "fail", "runtime error")
    ]
    listed = "\n".join(f"  {failure.name} ({failure.file}): {failure.message}" for failure in failures[:20])
    more = f"\n  ... and {len(failures) - 20} more" if len(failures) > 20 else ""
    raise BuildFailed(
        f"{len(failures)} model(s) or test(s) failed; the published snapshot is unchanged.\n{listed}{more}"
    )
