"""Carry a plan out: batches in flight under the portal's rate limit, every record's outcome written down.

The order of things makes a kill at any moment harmless. A batch's intent is recorded, the batch is sent, its records'
outcomes are recorded in one transaction. What has no outcome is pending: the next apply sends it (an update by id twice
is the same as once; a create is looked up by its unique property first, every time). Outcomes are recorded by this
thread alone, as each batch returns.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from types import FrameType
from typing import Any

from privacy import ErasureKey
from reverse_etl.connectors.base import (
    Connector,
    FoundRecord,
    JobConnector,
    Link,
    ListGoneError,
    RowOutcome,
    RowWrite,
)
from reverse_etl.consent_check import ConsentCheck
from reverse_etl.deletions import carry_out
from reverse_etl.errors import (
    AmbiguousOutcomeError,
    ConnectorError,
    GuardTrippedError,
    PlanError,
    StalePlanError,
    WritebackError,
)
from reverse_etl.manifest import ListSpec, Spec, SyncSpec, spec_from_values
from reverse_etl.plan import Plan, SyncPlan, plan_from_row
from reverse_etl.policies import FieldState, decide
from reverse_etl.render import mask
from reverse_etl.store import Change, Store, WriteRow, utc_now
from reverse_etl.suppressions import ERASURE_SYNC, pending_deletions
from reverse_etl.values import canonical

#: Batches in a row, all of whose records are refused, after which a sync stops: something concerns them all.
_HOPELESS_BATCHES = 3
_HOPELESS_ROWS = 100
#: Times a create without a usable answer is looked up and tried again.
_CREATE_TRIES = 5
#: Kinds of change that a CRM may take as jobs of its own.
_BY_JOB = ("create", "update")
#: Rows stopped for want of consent are recorded by so many.
_SUPPRESSED_ROWS = 1_000


@dataclass(frozen=True)
class ApplyProgress:
    """How far one sync is, told after every batch."""

    sync: str
    done: int
    total: int
    written: int
    rejected: int
    requests: int


Progress = Callable[[ApplyProgress], None]


@dataclass
class SyncResult:
    """What an apply did for one sync. ``skipped`` rows had an outcome from an earlier apply of the same plan;
    ``unsent`` ones are left for the next; ``suppressed`` ones were not sent for want of consent."""

    sync: str
    kind: str
    creates: int = 0
    updates: int = 0
    list_adds: int = 0
    list_removes: int = 0
    deletes: int = 0
    written: int = 0
    rejected: int = 0
    suppressed: int = 0
    skipped: int = 0
    unsent: int = 0
    requests: int = 0
    seconds: float = 0.0
    rejected_by_kind: dict[str, int] = field(default_factory=dict)
    made_properties: list[str] = field(default_factory=list)
    made_list: bool = False


@dataclass
class ApplyResult:
    """What an apply did. ``requests`` counts every request sent, retries and checks included."""

    plan_id: str
    requests: int = 0
    written: int = 0
    rejected: int = 0
    suppressed: int = 0
    skipped: int = 0
    unsent: int = 0
    seconds: float = 0.0
    stopped: bool = False
    syncs: list[SyncResult] = field(default_factory=list)

    @property
    def creates(self) -> int:
        """Records created."""
        return sum(s.creates for s in self.syncs)

    @property
    def updates(self) -> int:
        """Records changed."""
        return sum(s.updates for s in self.syncs)

    @property
    def list_adds(self) -> int:
        """Memberships added."""
        return sum(s.list_adds for s in self.syncs)

    @property
    def list_removes(self) -> int:
        """Memberships removed."""
        return sum(s.list_removes for s in self.syncs)

    @property
    def deletes(self) -> int:
        """Records of erased people deleted."""
        return sum(s.deletes for s in self.syncs)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values (JSON-ready)."""
        values = {name: value for name, value in vars(self).items() if name != "syncs"}
        counts = {n: getattr(self, n) for n in ("creates", "updates", "list_adds", "list_removes", "deletes")}
        return {**values, **counts, "syncs": [dict(vars(s)) for s in self.syncs]}

    def to_markdown(self) -> str:
        """The result as a Markdown table."""
        from reverse_etl.render import apply_markdown

        return apply_markdown(self)


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
) -> ApplyResult:
    """Apply a plan, or go on with one that was interrupted. A plan without changes sends nothing at all.

    ``connect`` is called once a destination, and only when there is something to send to it. ``approve`` lets a plan
    with tripped guards through. ``only`` names the syncs to apply. ``erasure_key`` recognises erased people among those
    to create. CRM records of erased people are deleted first. SIGTERM lets the batches in flight finish, then
    returns (``stopped``).

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
    with store.lock([*names, ERASURE_SYNC] if deletions else names):
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
                if deletions:
                    one = SyncResult(ERASURE_SYNC, "erasure", unsent=len(deletions))
                    result.syncs.append(one)
                    carry_out(store, plan.plan_id, deletions, connect, connectors, one, stop)
                consent = _consent(store, plan, work, connect, connectors, erasure_key)
                for spec, sync, total, done in work:
                    one = SyncResult(spec.sync, spec.kind, skipped=done, unsent=total - done)
                    result.syncs.append(one)
                    leavers = consent.leavers(spec, sync.list_id) if consent and isinstance(spec, ListSpec) else []
                    if consent is None or stop.is_set() or (total == done and not leavers):
                        continue
                    store.set_plan_status(plan.plan_id, "applying")
                    connector = connectors[spec.destination]
                    _Run(
                        store, connector, plan, spec, sync, one, requests_in_flight, stop, progress, consent, leavers
                    ).go()
            except BaseException:
                store.set_plan_status(plan.plan_id, "failed")
                raise
            finally:
                _add_up(result, sum(connector.requests for connector in connectors.values()), started)
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


def _consent(
    store: Store,
    plan: Plan,
    work: Sequence[tuple[Spec, SyncPlan, int, int]],
    connect: Callable[[str], Connector],
    connectors: dict[str, Connector],
    key: ErasureKey | None,
) -> ConsentCheck | None:
    """Consent as it is now; None, without a request, when nothing is left to send."""
    objects = {(str(spec.destination), str(spec.object)) for spec, _, total, done in work if total > done}
    if not objects:
        return None
    for destination, _ in sorted(objects):
        if destination not in connectors:
            connectors[destination] = connect(destination)
    consent = ConsentCheck(store, plan, [spec for spec, _, _, _ in work if spec.destination in connectors], key)
    try:
        consent.look(connectors, objects)
    except WritebackError as error:
        for spec in (spec for spec, _, total, done in work if total > done):
            run_id = _run_id()
            store.start_run(run_id, plan.plan_id, spec.sync)
            sent = connectors[spec.destination].requests
            store.finish_run(run_id, status="failed", requests=sent, written=0, rejected=0, message=str(error))
        raise
    return consent


def _run_id() -> str:
    return f"run_{utc_now():%Y%m%d%H%M%S}_{secrets.token_hex(4)}"


def _status(store: Store, plan: Plan, stopped: bool) -> str:
    if stopped:
        return "stopped"
    left = any(total > done for total, done in (store.counts_to_send(plan.plan_id, s.sync) for s in plan.syncs))
    return "partly applied" if left else "applied"


def _add_up(result: ApplyResult, requests: int, started: float) -> None:
    result.requests = requests
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


class _Run:
    """One sync of one plan being applied."""

    def __init__(
        self,
        store: Store,
        connector: Connector,
        plan: Plan,
        spec: Spec,
        sync: SyncPlan,
        result: SyncResult,
        in_flight: int,
        stop: threading.Event,
        progress: Progress | None,
        consent: ConsentCheck,
        leavers: Sequence[str],
    ) -> None:
        self._consent = consent
        self._leavers = leavers
        self._store = store
        self._connector = connector
        self._plan = plan
        self._spec = spec
        self._sync = sync
        self._result = result
        self._in_flight = max(1, in_flight)
        self._stop = stop
        self._progress = progress
        self._run_id = _run_id()
        self._total = result.unsent
        self._hopeless = 0
        self._hopeless_rows = 0
        self._requests_before = connector.requests
        self._batch_number = 0
        self._list_id = sync.list_id

    def go(self) -> None:
        """Send what is pending, by batches of one kind of change."""
        started = time.monotonic()
        self._store.start_run(self._run_id, self._plan.plan_id, self._spec.sync)
        status, message = "failed", "interrupted"
        try:
            self._prepare()
            self._send_all()
            self._remove_leavers()
            status, message = ("stopped", "SIGTERM") if self._stop.is_set() and self._result.unsent else ("done", "")
        except WritebackError as error:
            message = str(error)
            raise
        finally:
            self._result.requests = self._connector.requests - self._requests_before
            self._result.seconds = time.monotonic() - started
            self._store.finish_run(
                self._run_id,
                status=status,
                requests=self._result.requests,
                written=self._result.written,
                rejected=self._result.rejected,
                message=message or None,
            )

    def _prepare(self) -> None:
        spec = self._spec
        if isinstance(spec, SyncSpec):
            self._result.made_properties = self._connector.ensure_properties(spec.object, spec.group, spec.fields)
        elif isinstance(spec, ListSpec) and self._list_id is None:
            self._make_list(spec)

    def _make_list(self, spec: ListSpec) -> None:
        list_id, is_made = self._connector.ensure_list(spec.object, spec.name)
        self._list_id, self._result.made_list = list_id, is_made
        write_id = f"{self._plan.plan_id}:list:{spec.sync}"
        fields = json.dumps({"list_id": list_id, "list_name": spec.name})
        row = self._row(write_id, None, RowOutcome(write_id, list_id), "list_create", fields)
        self._store.finish_batch(None, [row])

    def _send_all(self) -> None:
        send = {
            "create": self._create,
            "update": self._update,
            "delete": self._delete,
            "associate": self._associate,
            "list_add": self._change_members,
            "list_remove": self._change_members,
        }
        self._finish_jobs()
        pending = self._permitted(self._store.pending(self._plan.plan_id, self._spec.sync))
        flying: dict[Future[list[WriteRow]], str] = {}
        with ThreadPoolExecutor(self._in_flight, thread_name_prefix="write-back") as pool:
            try:
                for action, changes in self._batches(pending):
                    while len(flying) >= self._in_flight:
                        self._land(flying)
                    if self._stop.is_set():
                        break
                    self._batch_number += 1
                    batch_id = f"{self._run_id}:{self._batch_number}"
                    seqs = [change.seq for change in changes]
                    self._store.intend_batch(batch_id, self._run_id, self._plan.plan_id, self._spec.sync, action, seqs)
                    flying[pool.submit(send[action], changes, batch_id)] = batch_id
                while flying:
                    self._land(flying)
            except BaseException:
                # Batches in flight will still be carried out by the CRM: wait for them and write their outcomes down.
                for future, batch_id in flying.items():
                    try:
                        rows = future.result()
                    except ConnectorError:
                        self._store.abandon_batch(batch_id)
                        continue
                    self._record(batch_id, rows)
                raise

    def _batches(self, changes: Iterator[Change]) -> Iterator[tuple[str, list[Change]]]:
        """Batches of one kind of change, in the plan's order."""
        connector, rows = self._connector, self._result.unsent
        for action, group in groupby(changes, key=lambda change: change.outcome):
            size = connector.list_batch_size if action.startswith("list_") else connector.batch_size
            if isinstance(connector, JobConnector) and action in _BY_JOB:
                size = connector.batch_size_for(self._spec.object, action, rows)
            while batch := list(islice(group, size)):
                yield action, batch

    def _finish_jobs(self) -> None:
        """Jobs that a killed apply left in the CRM come first, whatever plan they are of: what they wrote is written
        down, and no record of theirs is sent while they are at work."""
        connector = self._connector
        if not isinstance(connector, JobConnector):
            return
        for batch in self._store.open_jobs(self._spec.sync):
            changes = list(self._store.pending(batch.plan_id, self._spec.sync, of=batch))
            by_ref = {f"{batch.plan_id}:{change.seq}": change for change in changes}
            writes = [RowWrite(ref, change.record_id, change.fields) for ref, change in by_ref.items()]
            outcomes = connector.finish_jobs(self._spec.object, batch.action, batch.job_ids, writes)
            rows = [self._row(o.ref, by_ref[o.ref], o, batch.action, _json(by_ref[o.ref].fields)) for o in outcomes]
            if batch.plan_id == self._plan.plan_id:
                self._record(batch.batch_id, rows)
            else:
                self._store.finish_batch(
                    batch.batch_id, [row._replace(plan_id=batch.plan_id, batch_id=batch.batch_id) for row in rows]
                )

    def _land(self, flying: dict[Future[list[WriteRow]], str]) -> None:
        landed, _ = wait(flying, return_when=FIRST_COMPLETED)
        for future in landed:
            batch_id = flying.pop(future)
            try:
                rows = future.result()
            except ConnectorError:
                self._store.abandon_batch(batch_id)
                raise
            self._stop_if_hopeless(self._record(batch_id, rows))

    def _record(self, batch_id: str | None, rows: list[WriteRow]) -> list[WriteRow]:
        """Writes a batch's outcomes down, counts and shows them; returns those that ended a planned change."""
        rows = [row._replace(batch_id=batch_id) for row in rows]
        self._store.finish_batch(batch_id, rows)
        result = self._result
        finished = [row for row in rows if row.write_id.count(":") == 1]
        for row in finished:
            if row.outcome == "suppressed":
                result.suppressed += 1
                continue
            if row.outcome == "rejected":
                result.rejected += 1
                kind = row.error_kind or "unknown"
                result.rejected_by_kind[kind] = result.rejected_by_kind.get(kind, 0) + 1
                continue
            result.written += 1
            result.creates += row.action == "create"
            result.updates += row.action == "update"
            result.list_adds += row.action == "list_add"
            result.list_removes += row.action == "list_remove"
        result.unsent -= len(finished)
        if self._progress is not None:
            sent = self._connector.requests - self._requests_before
            done = self._total - result.unsent
            self._progress(ApplyProgress(self._spec.sync, done, self._total, result.written, result.rejected, sent))
        return finished

    def _permitted(self, pending: Iterator[Change]) -> Iterator[Change]:
        """The changes that consent allows; the others get their outcome at once."""
        stopped: list[WriteRow] = []
        for change in pending:
            reason = self._consent.reason(self._spec, change)
            if reason is None:
                yield change
                continue
            stopped.append(self._suppressed(change, reason))
            if len(stopped) >= _SUPPRESSED_ROWS:
                self._record(None, stopped)
                stopped = []
        if stopped:
            self._record(None, stopped)

    def _suppressed(self, change: Change, reason: str, record_id: str | None = None) -> WriteRow:
        outcome = RowOutcome(self._write_id(change), record_id or change.record_id, error_message=reason)
        return self._row(outcome.ref, change, outcome, change.outcome, "{}")._replace(outcome="suppressed")

    def _remove_leavers(self) -> None:
        """People who opted out since the plan was made leave the list, whatever the plan says of them."""
        spec = self._spec
        size = self._connector.list_batch_size
        if not isinstance(spec, ListSpec) or self._list_id is None:
            return
        for start in range(0, len(self._leavers), size):
            if self._stop.is_set():
                return
            batch = self._leavers[start : start + size]
            try:
                self._connector.change_members(spec.object, self._list_id, [], batch)
            except ListGoneError:
                return
            fields = _json({"list_id": str(self._list_id), "list_name": spec.name})
            rows = []
            for record_id in batch:
                # Counted apart from the plan's own rows (their ids have one colon): several applies may do this.
                ref = f"{self._plan.plan_id}:consent:{spec.sync}:{record_id}"
                row = self._row(ref, None, RowOutcome(ref, record_id), "list_remove", fields)
                rows.append(row._replace(sync_key=record_id))
            self._store.finish_batch(None, rows)
            self._result.list_removes += len(rows)
            self._result.written += len(rows)

    def _stop_if_hopeless(self, rows: Sequence[WriteRow]) -> None:
        """A cause that concerns every record must not be met once per record (and once per half of each batch)."""
        if any(row.outcome == "written" for row in rows):
            self._hopeless, self._hopeless_rows = 0, 0
            return
        self._hopeless += 1
        self._hopeless_rows += len(rows)
        if self._hopeless >= _HOPELESS_BATCHES and self._hopeless_rows >= _HOPELESS_ROWS and self._result.unsent:
            # Ends up in logs; the CRM's words often quote the e-mail address they are about.
            raise ConnectorError(
                f"{self._spec.sync}: the CRM refused every one of the last {self._hopeless_rows} records, so the rest "
                f"was not sent. The last reason: {mask(rows[-1].error_message or '')}"
            )

    # -- what a batch does (in a worker thread) ------------------------------------------------------------------

    def _write(self, action: str, writes: Sequence[RowWrite], batch_id: str) -> list[RowOutcome]:
        """Create or update records, as a job of the CRM where they are many and it takes jobs."""
        connector = self._connector
        if isinstance(connector, JobConnector) and len(writes) > connector.batch_size:
            return connector.run_job(self._spec.object, action, writes, partial(self._store.note_job, batch_id))
        send = connector.create if action == "create" else connector.update
        return send(self._spec.object, writes)

    def _update(self, changes: Sequence[Change], batch_id: str) -> list[WriteRow]:
        writes = [RowWrite(self._write_id(c), c.record_id, c.fields) for c in changes]
        rows = []
        for change, outcome in zip(changes, self._write("update", writes, batch_id), strict=True):
            rows.append(self._row(outcome.ref, change, outcome, "update", _json(change.fields)))
            if outcome.is_written and outcome.record_id != change.record_id:
                # The CRM wrote another record in its place (merged, converted). Until that is read, plans must not
                # send the same values to the old id again.
                old = RowOutcome(f"{outcome.ref}:moved", change.record_id)
                rows.append(self._row(old.ref, change, old, "match", _json(change.fields)))
        return rows

    def _delete(self, changes: Sequence[Change], _batch_id: str) -> list[WriteRow]:
        writes = [RowWrite(self._write_id(c), c.record_id, {}) for c in changes]
        outcomes = self._connector.delete(self._spec.object, writes)
        return [self._row(o.ref, c, o, "delete", _json(c.fields)) for c, o in zip(changes, outcomes, strict=True)]

    def _associate(self, changes: Sequence[Change], _batch_id: str) -> list[WriteRow]:
        """Of an ``associate`` row, ``record_id`` and ``match_value`` are the two ends."""
        spec: Any = self._spec
        links = [Link(self._write_id(c), str(c.record_id), str(c.match_value)) for c in changes]
        outcomes = self._connector.associate(spec.from_object, spec.to_object, links)
        rows = []
        for change, outcome in zip(changes, outcomes, strict=True):
            ends = {"from_object": spec.from_object, "to_object": spec.to_object, "to_id": str(change.match_value)}
            rows.append(self._row(outcome.ref, change, outcome, "associate", _json(ends)))
        return rows

    def _create(self, changes: Sequence[Change], batch_id: str) -> list[WriteRow]:
        """Create what a look-up by the unique property does not find; the rest becomes updates under the policies."""
        spec = self._spec
        assert isinstance(spec, SyncSpec)
        assert spec.match_on is not None
        rows: list[WriteRow] = []
        left = list(changes)
        for attempt in range(_CREATE_TRIES):
            asked = [f.property for f in spec.fields]
            values = [c.match_value for c in left if c.match_value is not None]
            found = self._connector.lookup(spec.object, spec.match_on.property, values, asked)
            there = [(c, found[c.match_value]) for c in left if c.match_value in found]
            allowed = []
            for change, record in there:
                reason = self._consent.reason_for_record(spec, record.record_id)
                if reason is None:
                    allowed.append((change, record))
                else:
                    rows.append(self._suppressed(change, reason, record.record_id))
            rows += self._adopt(spec, allowed)
            left = [c for c in left if c.match_value not in found]
            if not left:
                return rows
            try:
                writes = [RowWrite(self._write_id(c), None, c.fields) for c in left]
                outcomes = self._write("create", writes, batch_id)
            except AmbiguousOutcomeError:
                if attempt == _CREATE_TRIES - 1:
                    raise
                time.sleep(min(0.5 * 2.0**attempt, 8.0))
                continue
            again = []
            for change, outcome in zip(left, outcomes, strict=True):
                if outcome.error_kind == "conflict" and attempt == 0:
                    # Somebody made the same person between look-up and create.
                    again.append(change)
                else:
                    rows.append(self._row(outcome.ref, change, outcome, "create", _json(change.fields)))
            left = again
            if not left:
                return rows
        return rows

    def _adopt(self, spec: SyncSpec, there: Sequence[tuple[Change, FoundRecord]]) -> list[WriteRow]:
        """Records that exist already: remember which, and send what the policies allow."""
        rows: list[WriteRow] = []
        to_update: list[tuple[Change, RowWrite, str]] = []
        for change, record in there:
            held: dict[str, str] = {}
            send: dict[str, str] = {}
            for spec_field in spec.fields:
                name = spec_field.property
                observed = canonical(record.properties.get(name), spec_field.type, is_multiple=spec_field.is_multiple)
                desired = canonical(change.fields.get(name), spec_field.type, is_multiple=spec_field.is_multiple)
                held[name] = observed or ""
                # Nothing is known of who set what stands there: as far as the policies go, somebody did.
                if decide(spec_field.rule, FieldState(desired, observed)).sends:
                    send[name] = desired or ""
            ref = self._write_id(change)
            outcome = RowOutcome(ref, record.record_id)
            if send:
                rows.append(self._row(f"{ref}:match", change, outcome, "match", _json(held)))
                to_update.append((change, RowWrite(ref, record.record_id, send), _json(send)))
            else:
                rows.append(self._row(ref, change, outcome, "match", _json(held)))
        if to_update:
            outcomes = self._connector.update(spec.object, [write for _, write, _ in to_update])
            for (change, _, fields), outcome in zip(to_update, outcomes, strict=True):
                rows.append(self._row(outcome.ref, change, outcome, "update", fields))
        return rows

    def _change_members(self, changes: Sequence[Change], _batch_id: str) -> list[WriteRow]:
        spec = self._spec
        assert isinstance(spec, ListSpec)
        add = [c.record_id for c in changes if c.outcome == "list_add" and c.record_id is not None]
        remove = [c.record_id for c in changes if c.outcome == "list_remove" and c.record_id is not None]
        for attempt in (0, 1):
            assert self._list_id is not None
            try:
                refused = self._connector.change_members(spec.object, self._list_id, add, remove)
                break
            except ListGoneError as error:
                if attempt:
                    raise ConnectorError(
                        f"list {spec.name!r} cannot be found right after it was made: {error}"
                    ) from error
                self._list_id, self._result.made_list = self._connector.ensure_list(spec.object, spec.name)
        fields = _json({"list_id": str(self._list_id), "list_name": spec.name})
        rows = []
        for change in changes:
            reason = refused.get(str(change.record_id))
            # A member that is gone needs no removing.
            is_refused = reason is not None and change.outcome == "list_add"
            outcome = RowOutcome(
                self._write_id(change),
                change.record_id,
                "missing" if is_refused else None,
                reason if is_refused else None,
            )
            rows.append(self._row(outcome.ref, change, outcome, change.outcome, fields))
        return rows

    # -- ledger rows ---------------------------------------------------------------------------------------------

    def _write_id(self, change: Change) -> str:
        return f"{self._plan.plan_id}:{change.seq}"

    def _row(self, write_id: str, change: Change | None, outcome: RowOutcome, action: str, fields: str) -> WriteRow:
        return WriteRow(
            write_id=write_id,
            run_id=self._run_id,
            plan_id=self._plan.plan_id,
            sync=self._spec.sync,
            destination=self._spec.destination,
            object=self._spec.object,
            sync_key=change.sync_key if change is not None else None,
            record_id=outcome.record_id,
            action=action,
            fields=fields,
            outcome="written" if outcome.is_written else "rejected",
            error_kind=outcome.error_kind,
            error_message=outcome.error_message,
            acknowledged_at=utc_now(),
            previous=change.previous if change is not None else None,
            reason=change.reason if change is not None else None,
        )


def _json(fields: Mapping[str, str]) -> str:
    """JSON as the planner writes it (no blanks), so that the two compare as text."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
