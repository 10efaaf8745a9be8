"""Desired state minus observed state is the plan. Pure: relations in, rows and counts out, no request to the CRM.

*Desired* is a model in the published snapshot, *observed* what was last read from the CRM plus our own acknowledged
writes since. Everything happens in SQL inside one DuckDB, on canonical text (:mod:`reverse_etl.values`): a module per
kind judges the rows (:mod:`reverse_etl.plan_records`, :mod:`reverse_etl.plan_lists`,
:mod:`reverse_etl.plan_associations`), this one numbers, counts and guards them.

The rows are handed on as they are made, by sync and outcome, so that memory holds one sync at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from reverse_etl.manifest import AssociationSpec, ListSpec, Spec, SyncSpec
from reverse_etl.plan import OUTCOMES, SENDING, Example, Plan, SyncPlan
from reverse_etl.plan_associations import judge_pairs
from reverse_etl.plan_lists import guard_shrink, judge_members
from reverse_etl.plan_records import field_changes, guard_nulls, judge_records, kept_values
from reverse_etl.plan_rows import COLUMNS, PART_ROWS, KeepRows
from reverse_etl.planning_sql import CATALOG, count, text

__all__ = ["CATALOG", "EXAMPLES", "PlanMeta", "make_plan"]

#: Examples kept per sync and outcome.
EXAMPLES = 3

_NOBODY_SUPPRESSED = """
create temp table if not exists suppressions (
    object varchar, record_id varchar, kind varchar, reason varchar, created_at timestamp
)
"""


@dataclass(frozen=True)
class PlanMeta:
    """What identifies a plan: given, not looked up, so that planning stays pure. Times are UTC without a zone."""

    plan_id: str
    created_at: datetime
    ttl: timedelta
    published_link: str
    published_file: str
    build_id: str | None = None
    ruleset_version: str | None = None


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    specs: Sequence[Spec],
    meta: PlanMeta,
    *,
    keep: KeepRows,
    turn_to: Callable[[str], None] | None = None,
) -> Plan:
    """Plan every spec; ``keep`` takes the rows (all but those that change nothing), by sync and outcome.

    The connection holds the snapshot attached as ``published`` and relations from the operational store: ``ledger``
    (our acknowledged writes), ``refusals`` (open dead letters), with the columns of
    :meth:`reverse_etl.store.Store.ledger` and :meth:`~reverse_etl.store.Store.open_refusals`, and ``suppressions``
    (object, record_id, kind, reason, created_at; nobody is suppressed when it is missing). They are those of one CRM:
    ``turn_to`` is called with a destination's name before its specs, to put the right ones there. The time zone must
    be UTC. Raises :class:`PlanError` when a model or a column is not in the snapshot.
    """
    syncs: list[SyncPlan] = []
    destination = None
    for spec in specs:
        if spec.destination != destination:
            destination = spec.destination
            if turn_to is not None:
                turn_to(destination)
            _need_suppressions(connection)
        syncs.append(_plan(connection, spec, keep))
    return Plan(
        plan_id=meta.plan_id,
        created_at=meta.created_at,
        expires_at=meta.created_at + meta.ttl,
        build_id=meta.build_id,
        ruleset_version=meta.ruleset_version,
        published_link=meta.published_link,
        published_file=meta.published_file,
        syncs=tuple(syncs),
    )


def _need_suppressions(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("select 1 from suppressions limit 0")
    except duckdb.CatalogException:
        connection.execute(_NOBODY_SUPPRESSED)


def _plan(connection: duckdb.DuckDBPyConnection, spec: Spec, keep: KeepRows) -> SyncPlan:
    list_id = None
    changes: dict[str, int] = {}
    kept: dict[str, dict[str, int]] = {}
    if isinstance(spec, SyncSpec):
        judge_records(connection, spec)
        guards = guard_nulls(connection, spec)
        changes, kept = field_changes(connection, spec), kept_values(connection, spec)
    elif isinstance(spec, ListSpec):
        list_id = judge_members(connection, spec)
        guards = guard_shrink(connection, spec)
    else:
        judge_pairs(connection, spec)
        guards = []
    counts, reasons = _counts(connection)
    _hand_on(connection, spec.sync, counts, keep)
    plan = SyncPlan(
        sync=spec.sync,
        kind=spec.kind,
        destination=spec.destination,
        object=spec.object,
        owner=spec.owner,
        rows=count(connection, "select count(*) from judged"),
        counts=counts,
        field_changes=changes,
        kept=kept,
        reasons=reasons,
        guards=tuple(_guard_counts(spec, counts) + guards),
        examples=_examples(connection, counts),
        list_name=spec.name if isinstance(spec, ListSpec) else None,
        list_id=list_id,
        to_object=spec.to_object if isinstance(spec, AssociationSpec) else None,
    )
    connection.execute("drop table judged")
    return plan


def _hand_on(connection: duckdb.DuckDBPyConnection, sync: str, counts: dict[str, int], keep: KeepRows) -> None:
    for outcome in OUTCOMES:
        if outcome != "unchanged" and counts[outcome]:
            query = f"select {', '.join(COLUMNS)} from judged where outcome = {text(outcome)}"
            keep(sync, outcome, connection.execute(query).to_arrow_reader(PART_ROWS))


def _counts(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    counts = dict.fromkeys(OUTCOMES, 0)
    reasons: dict[str, dict[str, int]] = {}
    grouped = (
        "select outcome, reason, count(*) from judged group by outcome, reason order by outcome, count(*) desc, reason"
    )
    for outcome, reason, rows in connection.execute(grouped).fetchall():
        counts[outcome] += rows
        if reason is not None:
            reasons.setdefault(outcome, {})[reason] = rows
    return counts, reasons


def _guard_counts(spec: Spec, counts: dict[str, int]) -> list[str]:
    changes = sum(counts[outcome] for outcome in SENDING)
    messages = []
    for verb, number, limit_name in (("change", changes, "max_changes"), ("create", counts["create"], "max_creates")):
        limit = getattr(spec.guards, limit_name)
        if limit is not None and number > limit:
            messages.append(f"would {verb} {number:,} records, more than {limit_name} = {limit:,}")
    return messages


def _examples(connection: duckdb.DuckDBPyConnection, counts: dict[str, int]) -> tuple[Example, ...]:
    examples = []
    for outcome in OUTCOMES:
        if outcome == "unchanged" or not counts[outcome]:
            continue
        rows = connection.execute(
            f"""
            select sync_key, record_id, reason, fields, previous from judged where outcome = {text(outcome)}
            order by sync_key nulls last, record_id nulls last
            limit {EXAMPLES}
            """
        ).fetchall()
        for sync_key, record_id, reason, fields, previous in rows:
            new = json.loads(fields) if fields else {}
            old = json.loads(previous) if previous else {}
            pairs = {name: (old.get(name), value if value != "" else None) for name, value in new.items()}
            examples.append(Example(outcome, sync_key, record_id, reason, pairs))
    return tuple(examples)
