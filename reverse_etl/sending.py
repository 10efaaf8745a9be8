"""One sync of one plan on its way to the CRM: batches, several in flight, every record's outcome written down.

Batches are sent by worker threads; what is recorded is recorded by the thread that runs :meth:`SyncRun.go`, in groups:
one transaction holds the outcomes that came back meanwhile and the intents of what is sent next.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from itertools import groupby, islice
from typing import Any, NamedTuple

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
from reverse_etl.errors import AmbiguousOutcomeError, ConnectorError, WritebackError
from reverse_etl.manifest import ListSpec, Spec, SyncSpec
from reverse_etl.plan import Plan, SyncPlan
from reverse_etl.policies import FieldState, decide
from reverse_etl.render import mask
from reverse_etl.results import ApplyProgress, Progress, SyncResult
from reverse_etl.store import Change, Intent, Store, WriteRow, utc_now
from reverse_etl.values import canonical

#: Batches in a row, all of whose records are refused, after which a sync stops: something concerns them all.
_HOPELESS_BATCHES = 3
_HOPELESS_ROWS = 100
#: Times a create without a usable answer is looked up and tried again; and one that met itself, or somebody else's.
_CREATE_TRIES = 5
_CONFLICT_TRIES = 3
#: Rows stopped for want of consent are recorded by so many.
_SUPPRESSED_ROWS = 1_000
#: What a CRM may take as a job.
_JOB_ACTIONS = ("create", "update")


class _Batch(NamedTuple):
    batch_id: str
    action: str
    changes: list[Change]


def new_run_id() -> str:
    """An id that sorts by time."""
    return f"run_{utc_now():%Y%m%d%H%M%S}_{secrets.token_hex(4)}"


class SyncRun:
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
        self._run_id = new_run_id()
        self._total = result.unsent
        self._hopeless = 0
        self._hopeless_rows = 0
        self._requests_before = connector.requests
        self._batch_number = 0
        self._list_id = sync.list_id
        self._throttled_before = connector.throttled
        self._started = time.monotonic()
        self._senders: dict[str, Callable[[_Batch], list[WriteRow]]] = {
            "create": self._create,
            "update": self._update,
            "delete": self._delete,
            "associate": self._associate,
            "list_add": self._change_members,
            "list_remove": self._change_members,
        }

    def go(self) -> None:
        """Send what is pending, by batches of one kind of change."""
        self._started = time.monotonic()
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
            self._result.throttled = self._connector.throttled - self._throttled_before
            self._result.seconds = time.monotonic() - self._started
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
        """Keep ``in_flight`` batches with the CRM and as many ready behind them. Intents and outcomes that come up
        together are recorded together, in this thread alone, before anything that was intended is sent."""
        self._finish_old_jobs()
        wanted = self._batches(self._permitted(self._store.pending(self._plan.plan_id, self._spec.sync)))
        flying: dict[Future[list[WriteRow]], str] = {}
        with ThreadPoolExecutor(self._in_flight, thread_name_prefix="write-back") as pool:
            try:
                while True:
                    landed, trouble = self._landed(flying)
                    fresh = [] if trouble or self._stop.is_set() else list(
                        islice(wanted, max(0, 2 * self._in_flight - len(flying)))
                    )  # fmt: skip
                    finished = self._record([self._intent(batch) for batch in fresh], landed)
                    if trouble is not None:
                        raise trouble
                    for rows in finished:
                        self._stop_if_hopeless(rows)
                    for batch in fresh:
                        flying[pool.submit(self._carry_out, batch)] = batch.batch_id
                    if self._stop.is_set():
                        self._call_back(flying)
                    if not flying:
                        return
            except BaseException:
                # Batches in flight will still be carried out by the CRM: wait for them and write their outcomes down.
                self._call_back(flying)
                while flying:
                    landed, _ = self._landed(flying)
                    self._record([], landed)
                raise

    def _landed(
        self, flying: dict[Future[list[WriteRow]], str]
    ) -> tuple[list[tuple[str, list[WriteRow]]], BaseException | None]:
        """The batches that came back (waits for one when any is under way), and what went wrong with one of them."""
        landed: list[tuple[str, list[WriteRow]]] = []
        trouble: BaseException | None = None
        if flying:
            wait(flying, return_when=FIRST_COMPLETED)
        for future in [future for future in flying if future.done()]:
            batch_id = flying.pop(future)
            try:
                landed.append((batch_id, future.result()))
            except Exception as error:  # noqa: BLE001 - told by the caller when the other outcomes are written down
                self._store.abandon_batch(batch_id)
                trouble = trouble or error
        return landed, trouble

    def _call_back(self, flying: dict[Future[list[WriteRow]], str]) -> None:
        """Batches that no thread has begun stay pending."""
        for future in [future for future in flying if future.cancel()]:
            self._store.abandon_batch(flying.pop(future))

    def _carry_out(self, batch: _Batch) -> list[WriteRow]:
        return self._senders[batch.action](batch)

    def _batches(self, changes: Iterator[Change]) -> Iterator[_Batch]:
        """Batches of one kind of change, in the plan's order."""
        for action, group in groupby(changes, key=lambda change: change.outcome):
            size = self._connector.list_batch_size if action.startswith("list_") else self._connector.batch_size
            if isinstance(self._connector, JobConnector) and action in _JOB_ACTIONS:
                left = self._store.count_pending(self._plan.plan_id, self._spec.sync, action)
                size = self._connector.batch_size_for(self._spec.object, action, left)
            while part := list(islice(group, size)):
                self._batch_number += 1
                yield _Batch(f"{self._run_id}:{self._batch_number}", action, part)

    def _intent(self, batch: _Batch) -> Intent:
        seqs = [change.seq for change in batch.changes]
        plan_id, sync = self._plan.plan_id, self._spec.sync
        return Intent(batch.batch_id, self._run_id, plan_id, sync, batch.action, min(seqs), max(seqs), len(seqs))

    # -- jobs: batches on which the CRM works by itself ----------------------------------------------------------

    def _write(self, action: str, batch: _Batch, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """``create`` or ``update``, as one request or as a job whose id is noted before any record leaves."""
        if isinstance(self._connector, JobConnector) and len(rows) > self._connector.batch_size:
            return self._connector.run_job(
                self._spec.object, action, rows, lambda job_id: self._store.note_job(batch.batch_id, job_id)
            )
        send = self._connector.create if action == "create" else self._connector.update
        return send(self._spec.object, rows)

    def _finish_old_jobs(self) -> None:
        """Jobs that a killed run left with the CRM: read their results before anything is sent again."""
        if not isinstance(self._connector, JobConnector):
            return
        for left in self._store.open_jobs(self._spec.sync):
            changes = self._store.pending(left.plan_id, self._spec.sync, of=left)
            by_ref = {f"{left.plan_id}:{change.seq}": change for change in changes}
            rows = [RowWrite(ref, change.record_id, change.fields) for ref, change in by_ref.items()]
            outcomes = self._connector.finish_jobs(self._spec.object, left.action, left.job_ids, rows)
            ended = [
                self._row(o.ref, by_ref[o.ref], o, left.action, by_ref[o.ref].fields_json)._replace(
                    plan_id=left.plan_id
                )
                for o in outcomes
            ]
            if left.plan_id == self._plan.plan_id:
                self._record([], [(left.batch_id, ended)])
            else:
                self._store.record([], [(left.batch_id, [row._replace(batch_id=left.batch_id) for row in ended])])

    def _record(
        self, intents: Sequence[Intent], landed: Sequence[tuple[str | None, list[WriteRow]]]
    ) -> list[list[WriteRow]]:
        """Writes intents and outcomes down, counts and shows them; returns those that ended planned changes."""
        if not intents and not landed:
            return []
        self._store.record(
            intents, [(batch_id, [row._replace(batch_id=batch_id) for row in rows]) for batch_id, rows in landed]
        )
        result = self._result
        ended = [[row for row in rows if row.write_id.count(":") == 1] for _, rows in landed]
        for row in (row for rows in ended for row in rows):
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
            result.associates += row.action == "associate"
            result.deletes += row.action == "delete"
        result.unsent -= sum(len(rows) for rows in ended)
        if self._progress is not None and landed:
            self._progress(
                ApplyProgress(
                    self._spec.sync,
                    self._total - result.unsent,
                    self._total,
                    result.written,
                    result.rejected,
                    self._connector.requests - self._requests_before,
                    self._connector.throttled - self._throttled_before,
                    time.monotonic() - self._started,
                )
            )
        return ended

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
                self._record([], [(None, stopped)])
                stopped = []
        if stopped:
            self._record([], [(None, stopped)])

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

    def _update(self, batch: _Batch) -> list[WriteRow]:
        writes = [RowWrite(self._write_id(c), c.record_id, c.fields) for c in batch.changes]
        rows = self._outcome_rows(batch, self._write("update", batch, writes))
        for change, row in zip(batch.changes, list(rows), strict=True):
            if row.outcome == "written" and row.record_id != change.record_id:
                # The CRM wrote another record in its place (merged, converted). Until that is read, plans must not
                # send the same values to the old id again.
                old = RowOutcome(f"{row.write_id}:moved", change.record_id)
                rows.append(self._row(old.ref, change, old, "match", change.fields_json))
        return rows

    def _delete(self, batch: _Batch) -> list[WriteRow]:
        writes = [RowWrite(self._write_id(c), c.record_id, {}) for c in batch.changes]
        return self._outcome_rows(batch, self._connector.delete(self._spec.object, writes))

    def _outcome_rows(self, batch: _Batch, outcomes: Sequence[RowOutcome]) -> list[WriteRow]:
        now = utc_now()
        return [
            self._row(o.ref, c, o, batch.action, c.fields_json, now)
            for c, o in zip(batch.changes, outcomes, strict=True)
        ]

    def _associate(self, batch: _Batch) -> list[WriteRow]:
        """Of an ``associate`` row, ``record_id`` and ``match_value`` are the two ends."""
        spec: Any = self._spec
        links = [Link(self._write_id(c), str(c.record_id), str(c.match_value)) for c in batch.changes]
        outcomes = self._connector.associate(spec.from_object, spec.to_object, links)
        rows = []
        for change, outcome in zip(batch.changes, outcomes, strict=True):
            ends = {"from_object": spec.from_object, "to_object": spec.to_object, "to_id": str(change.match_value)}
            rows.append(self._row(outcome.ref, change, outcome, "associate", _json(ends)))
        return rows

    def _create(self, batch: _Batch) -> list[WriteRow]:
        """Create what a look-up by the unique property does not find; the rest becomes updates under the policies.

        A create without a usable answer may have happened: it is looked up again before it is repeated. The CRM may
        show it late; then the repetition meets it as a conflict, and the look-up after that one finds it.
        """
        spec = self._spec
        assert isinstance(spec, SyncSpec)
        assert spec.match_on is not None
        rows: list[WriteRow] = []
        left = list(batch.changes)
        for attempt in range(_CREATE_TRIES):
            is_last = attempt == _CREATE_TRIES - 1
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
                outcomes = self._write("create", batch, [RowWrite(self._write_id(c), None, c.fields) for c in left])
            except AmbiguousOutcomeError:
                if is_last:
                    raise
                time.sleep(min(0.5 * 2.0**attempt, 8.0))
                continue
            again = []
            for change, outcome in zip(left, outcomes, strict=True):
                if outcome.error_kind == "conflict" and attempt < _CONFLICT_TRIES:
                    # Somebody, or an earlier try of ours, made the same person between look-up and create.
                    again.append(change)
                else:
                    rows.append(self._row(outcome.ref, change, outcome, "create", change.fields_json))
            if again and attempt:
                time.sleep(min(0.5 * 2.0**attempt, 8.0))
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

    def _change_members(self, batch: _Batch) -> list[WriteRow]:
        changes = batch.changes
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

    def _row(
        self,
        write_id: str,
        change: Change | None,
        outcome: RowOutcome,
        action: str,
        fields: str,
        now: datetime | None = None,
    ) -> WriteRow:
        return WriteRow(
            write_id,
            self._run_id,
            self._plan.plan_id,
            self._spec.sync,
            self._spec.destination,
            self._spec.object,
            change.sync_key if change is not None else None,
            outcome.record_id,
            action,
            fields,
            "written" if outcome.is_written else "rejected",
            outcome.error_kind,
            outcome.error_message,
            now or utc_now(),
            None,
            change.previous if change is not None else None,
            change.reason if change is not None else None,
        )


def _json(fields: Mapping[str, str]) -> str:
    """JSON as the planner writes it (no blanks), so that the two compare as text."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
