"""How each sync does, read from the operational store: what an alert is made of. Pure reading, no request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reverse_etl.store import Store

#: Plan statuses after which nothing of the plan waits.
_SETTLED = ("applied",)


@dataclass(frozen=True)
class SyncState:
    """One sync or list at this moment. Times are UTC without a zone."""

    sync: str
    plan_id: str
    planned_at: datetime
    plan_status: str
    expires_at: datetime
    #: What its newest plan would still change: 0 when it was applied.
    changes_waiting: int
    #: Since when there has been something to change: the first plan of the unapplied ones.
    waiting_since: datetime | None
    #: Messages of the guards that hold the newest plan back.
    guards: tuple[str, ...]
    #: The newest run, if the sync ever ran.
    run_id: str | None = None
    run_status: str | None = None
    run_started_at: datetime | None = None
    run_message: str | None = None
    written: int = 0
    rejected: int = 0


def sync_states(store: Store) -> list[SyncState]:
    """Every sync that was ever planned, by name."""
    runs: dict[str, Mapping[str, Any]] = {}
    for run in store.run_rows():
        runs[run["sync"]] = run
    applied = store.applied_syncs()
    states: dict[str, SyncState] = {}
    for plan, sync, values in _planned(store.plan_summaries()):
        counts = values["counts"]
        changes = sum(counts.get(outcome, 0) for outcome in _sending(counts))
        is_settled = changes == 0 or plan["status"] in _SETTLED or (plan["plan_id"], sync) in applied
        before = states.get(sync)
        waiting_since = None
        if not is_settled:
            waiting_since = before.waiting_since if before and before.waiting_since else plan["created_at"]
        states[sync] = SyncState(
            sync=sync,
            plan_id=plan["plan_id"],
            planned_at=plan["created_at"],
            plan_status=plan["status"],
            expires_at=plan["expires_at"],
            changes_waiting=0 if is_settled else changes,
            waiting_since=waiting_since,
            guards=() if is_settled else tuple(values["guards"]),
            **_run(runs.get(sync)),
        )
    return [states[name] for name in sorted(states)]


def _sending(counts: Mapping[str, int]) -> Iterable[str]:
    from reverse_etl.store import SENDING

    return (outcome for outcome in counts if outcome in SENDING)


def _planned(plans: Iterable[Mapping[str, Any]]) -> Iterable[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """Plans oldest first, one entry a sync that each holds."""
    for plan in plans:
        for values in json.loads(plan["summary"]):
            yield plan, values["sync"], values


def _run(run: Mapping[str, Any] | None) -> dict[str, Any]:
    if run is None:
        return {}
    return {
        "run_id": run["run_id"],
        "run_status": run["status"],
        "run_started_at": run["started_at"],
        "run_message": run["message"],
        "written": run["written"],
        "rejected": run["rejected"],
    }
