"""Carry a plan out: batches in flight under the portal's rate limit, every record's outcome written down.

The order of things makes a kill at any moment harmless. A batch's intent is recorded, the batch is sent, its records'
outcomes are recorded in one transaction. What has no outcome is pending: the next apply sends it (an update by id twice
is the same as once; a create is looked up by its unique property first, every time). How one sync is sent is told in
:mod:`reverse_etl.sending`.
"""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from privacy import ErasureKey
from reverse_etl.connectors.base import Connector
from reverse_etl.consent_check import ConsentCheck
from reverse_etl.deletions import carry_out
from reverse_etl.errors import GuardTrippedError, PlanError, StalePlanError, WritebackError
from reverse_etl.manifest import ListSpec, Spec, spec_from_values
from reverse_etl.plan import Plan, SyncPlan, plan_from_row
from reverse_etl.results import ApplyProgress, ApplyResult, Progress, SyncResult
from reverse_etl.sending import SyncRun, new_run_id
from reverse_etl.store import Store, utc_now
from reverse_etl.suppressions import ERASURE_SYNC, pending_deletions

__all__ = ["ApplyProgress", "ApplyResult", "Progress", "SyncResult", "apply_plan"]


def apply_plan(
    store: Store,
    connect: Callable[[str], Connector],
    plan_id: str,
    *,
    requests_in_flight: int = 6,
    approve: bool = False,
    only: Sequence[str] | None = None,
    progress: Progress | None = None,
    now: datetime | None = None,
    erasure_key: ErasureKey | None = None,
    wait_seconds: float = 0.0,
) -> ApplyResult:
    """Apply a plan, or go on with one that was interrupted. A plan without changes sends nothing at all.

    ``connect`` is called once a destination, and only when there is something to send to it. ``approve`` lets a plan
    with tripped guards through. ``only`` names the syncs to apply. ``erasure_key`` recognises erased people among those
    to create. CRM records of erased people are deleted first. While another apply of a sync runs, this one waits up to
    ``wait_seconds``. SIGTERM lets the batches in flight finish, then returns (``stopped``).

    Raises :class:`StalePlanError`, :class:`GuardTrippedError`, :class:`ApplyBusyError` before anything is sent, and
    :class:`ConnectorError` when the CRM refuses the whole sync (what was done is recorded).
    """
    started = time.monotonic()
    row = store.plan_row(plan_id)
    plan = plan_from_row(row)
    specs = _specs_of(row, plan, only)
    chosen = [(spec, sync) for spec in specs for sync in plan.syncs if sync.sync == spec.sync]
    result = ApplyResult(plan.plan_id)
    deletions = pending_deletions(store)
    names = [f"{spec.destination}.{spec.sync}" for spec in specs]
    with store.lock([*names, ERASURE_SYNC] if deletions else names, wait_seconds=wait_seconds):
        work = []
        for spec, sync in chosen:
            total, done = store.counts_to_send(plan.plan_id, spec.sync)
            work.append((spec, sync, total, done))
        if any(total > done for _, _, total, done in work):
            _check_fresh(store, plan, [sync for _, sync in chosen], now or utc_now())
            _check_guards([sync for _, sync in chosen], approve)
        with _finish_on_sigterm() as stop:
            connectors: dict[str, Connector] = {}
            try:
                # Whether erased people can be recognised is known before anything is sent.
                is_left = any(total > done for _, _, total, done in work)
                consent = ConsentCheck(store, plan, specs, erasure_key) if is_left else None
                if deletions:
                    one = SyncResult(ERASURE_SYNC, "erasure", unsent=len(deletions))
                    result.syncs.append(one)
                    carry_out(store, plan.plan_id, deletions, connect, connectors, one, stop)
                if consent is not None:
                    _ask_consent(consent, store, plan, work, connect, connectors)
                for spec, sync, total, done in work:
                    one = SyncResult(spec.sync, spec.kind, skipped=done, unsent=total - done)
                    result.syncs.append(one)
                    leavers = consent.leavers(spec, sync.list_id) if consent and isinstance(spec, ListSpec) else []
                    is_reached = consent is not None and spec.destination in connectors
                    if not is_reached or stop.is_set() or (total == done and not leavers):
                        continue
                    assert consent is not None
                    store.set_plan_status(plan.plan_id, "applying")
                    connector = connectors[spec.destination]
                    SyncRun(
                        store, connector, plan, spec, sync, one, requests_in_flight, stop, progress, consent, leavers
                    ).go()
            except BaseException:
                store.set_plan_status(plan.plan_id, "failed")
                raise
            finally:
                _add_up(result, connectors.values(), started)
                for connector in connectors.values():
                    connector.close()
            result.stopped = stop.is_set() and result.unsent > 0
        store.set_plan_status(plan.plan_id, _status(store, plan, result.stopped))
    return result


def _specs_of(row: Mapping[str, Any], plan: Plan, only: Sequence[str] | None) -> list[Spec]:
    """The specs the plan was made with: apply does what was reviewed, whatever the project says by now."""
    specs: list[Spec] = []
    for values in json.loads(row["specs"]):
        specs.append(spec_from_values(values))
    if only is None:
        return specs
    wanted = set(only)
    unknown = sorted(wanted - {name for spec in specs for name in (spec.model, spec.sync)})
    if unknown:
        has = ", ".join(sorted(spec.sync for spec in specs))
        raise PlanError(f"plan {plan.plan_id} has no sync {', '.join(unknown)}; it has {has}")
    return [spec for spec in specs if spec.model in wanted or spec.sync in wanted]


def _check_fresh(store: Store, plan: Plan, syncs: Sequence[SyncPlan], now: datetime) -> None:
    again = "make a new plan"
    if now > plan.expires_at:
        raise StalePlanError(f"plan {plan.plan_id} expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC; {again}")
    link, file = Path(plan.published_link), Path(plan.published_file)
    if link.exists() and link.resolve() != file:
        raise StalePlanError(
            f"plan {plan.plan_id} was made from {file.name}; {link.resolve().name} has been published since; {again}"
        )
    for sync in syncs:
        newer = store.newer_run(plan.plan_id, sync.sync, plan.created_at)
        if newer is not None:
            raise StalePlanError(
                f"plan {plan.plan_id} is older than what was written since: plan {newer['plan_id']} was applied to "
                f"{sync.sync} at {newer['started_at']:%Y-%m-%d %H:%M:%S} UTC; {again}"
            )


def _check_guards(syncs: Sequence[SyncPlan], approve: bool) -> None:
    tripped = [f"{sync.sync}: {message}" for sync in syncs for message in sync.guards]
    if tripped and not approve:
        raise GuardTrippedError(
            "a guard stopped this plan; nothing was sent\n  " + "\n  ".join(tripped)
            + "\nLook at the plan; if it is right, apply it with approval (--approve)"
        )  # fmt: skip


def _ask_consent(
    consent: ConsentCheck,
    store: Store,
    plan: Plan,
    work: Sequence[tuple[Spec, SyncPlan, int, int]],
    connect: Callable[[str], Connector],
    connectors: dict[str, Connector],
) -> None:
    """Ask for the objects that something is left to send to. A refusal is told in the runs that it ends."""
    objects = {(str(spec.destination), str(spec.object)) for spec, _, total, done in work if total > done}
    for destination, _ in sorted(objects):
        if destination not in connectors:
            connectors[destination] = connect(destination)
    try:
        consent.look(connectors, objects)
    except WritebackError as error:
        for spec in (spec for spec, _, total, done in work if total > done):
            run_id = new_run_id()
            store.start_run(run_id, plan.plan_id, spec.sync)
            sent = connectors[spec.destination].requests
            store.finish_run(run_id, status="failed", requests=sent, written=0, rejected=0, message=str(error))
        raise


def _status(store: Store, plan: Plan, stopped: bool) -> str:
    if stopped:
        return "stopped"
    left = any(total > done for total, done in (store.counts_to_send(plan.plan_id, s.sync) for s in plan.syncs))
    return "partly applied" if left else "applied"


def _add_up(result: ApplyResult, connectors: Collection[Connector], started: float) -> None:
    result.requests = sum(connector.requests for connector in connectors)
    result.throttled = sum(connector.throttled for connector in connectors)
    result.seconds = time.monotonic() - started
    for name in ("written", "rejected", "suppressed", "skipped", "unsent"):
        setattr(result, name, sum(getattr(sync, name) for sync in result.syncs))


@contextlib.contextmanager
def _finish_on_sigterm() -> Iterator[threading.Event]:
    """Turn SIGTERM into an event while applying. Signals can only be caught in the main thread; elsewhere the process's
    own handling stays, and a kill is safe anyway."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
