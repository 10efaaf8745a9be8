"""Write-back: keep the CRM in step with the marts.

``plan_syncs`` compares what the published snapshot wants with what the CRM held when it was last read plus what we
wrote since, without one request; ``apply`` carries a plan out. A second plan right after finds nothing to do.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm_access import CrmAccess
    from privacy import ErasureKey
    from reverse_etl.applier import ApplyResult, Progress
    from reverse_etl.plan import Plan

__all__ = ["apply", "list_plans", "plan_syncs", "show_plan"]

#: How long a plan may be applied.
PLAN_HOURS = 24.0
#: What planning may hold in memory; more goes to temporary files.
PLAN_MEMORY = "500MB"


def plan_syncs(
    published_path: str | Path,
    manifest_path: str | Path,
    ops_url: str,
    *,
    only: str | Iterable[str] | None = None,
    destinations: Iterable[str] | None = None,
    ttl_hours: float = PLAN_HOURS,
) -> Plan:
    """Make a plan from a published snapshot (a file or the ``current`` link), store it and return it.

    ``only`` names the models or syncs to plan, ``destinations`` the CRMs that are connected (default: all). Raises
    :class:`reverse_etl.errors.ManifestError` or :class:`~reverse_etl.errors.PlanError` naming file, model and key;
    makes no request.
    """
    from reverse_etl.manifest import load_specs
    from reverse_etl.plan_rows import PartWriter
    from reverse_etl.planner import PlanMeta, make_plan
    from reverse_etl.retries import let_go
    from reverse_etl.snapshot import held_properties, ledger_since, open_snapshot
    from reverse_etl.store import Store, utc_now
    from reverse_etl.suppressions import relation

    specs = load_specs(manifest_path, only=only, destinations=destinations)
    link = Path(published_path).absolute()
    created_at = utc_now()
    with open_snapshot(link, memory_limit=PLAN_MEMORY) as snapshot, Store(ops_url) as store:
        connection = snapshot.connection

        def turn_to(destination: str) -> None:
            # The ledger is read after the clock: a write acknowledged in between is in both, never in neither.
            ours = [spec for spec in specs if spec.destination == destination]
            since, held = ledger_since(connection, ours), held_properties(ours)
            connection.register("incoming", store.ledger(destination, since, held))
            # In a table rather than in Arrow's memory: it may be larger than that.
            connection.execute("create or replace temp table ledger as select * from incoming")
            connection.unregister("incoming")
            let_go(store, connection, destination, ours, created_at)
            connection.register("refusals", store.open_refusals(destination))
            connection.register("suppressions", relation(store, destination))

        meta = PlanMeta(
            plan_id=f"plan_{created_at:%Y%m%dT%H%M%S}_{secrets.token_hex(3)}",
            created_at=created_at,
            ttl=timedelta(hours=ttl_hours),
            published_link=str(link),
            published_file=str(snapshot.file),
            build_id=snapshot.build_id,
            ruleset_version=snapshot.ruleset_version,
        )
        rows = PartWriter()
        plan = make_plan(connection, specs, meta, keep=rows, turn_to=turn_to)
        row = {
            "plan_id": plan.plan_id,
            "created_at": plan.created_at,
            "expires_at": plan.expires_at,
            "status": "blocked" if plan.blocked else "planned",
            "build_id": plan.build_id,
            "ruleset_version": plan.ruleset_version,
            "published_at": snapshot.published_at,
            "published_link": plan.published_link,
            "published_file": plan.published_file,
            "total_changes": plan.changes,
            "summary": plan.summary_json(),
            "specs": json.dumps([spec.model_dump(mode="json") for spec in specs]),
        }
        store.save_plan(row, rows.parts)
    return plan


def apply(
    plan_id: str,
    ops_url: str,
    access: Mapping[str, CrmAccess],
    *,
    approve: bool = False,
    progress: Progress | None = None,
    only: str | Iterable[str] | None = None,
    erasure_key: ErasureKey | None = None,
    wait_seconds: float = 0.0,
) -> ApplyResult:
    """Apply a stored plan (``latest`` for the newest) to the portals named in ``access`` (by destination).

    A plan with a tripped guard needs ``approve``. While another apply of the same sync runs, this one waits up to
    ``wait_seconds``, then refuses. ``progress`` is called whenever batches came back. ``erasure_key`` recognises
    erased people; without it an apply that would create records refuses once somebody was erased. Safe to interrupt and
    to repeat. Raises the errors of :mod:`reverse_etl.errors`.
    """
    from reverse_etl.applier import apply_plan
    from reverse_etl.connectors import crm_type
    from reverse_etl.connectors.base import Connector
    from reverse_etl.errors import ConnectorError
    from reverse_etl.store import Store

    def connect(destination: str) -> Connector:
        if destination not in access:
            raise ConnectorError(f"{destination} is not connected: set its address and its credentials")
        return crm_type(destination).open(access[destination])

    with Store(ops_url) as store:
        return apply_plan(
            store,
            connect,
            plan_id,
            requests_in_flight=max((one.requests_in_flight for one in access.values()), default=1),
            approve=approve,
            only=None if only is None else [only] if isinstance(only, str) else list(only),
            progress=progress,
            erasure_key=erasure_key,
            wait_seconds=wait_seconds,
        )


def list_plans(ops_url: str, limit: int = 20) -> list[dict[str, object]]:
    """The newest plans first: ``plan_id``, ``created_at``, ``expires_at``, ``status``, ``build_id``,
    ``ruleset_version``, ``published_link``, ``published_file``, ``total_changes``."""
    from reverse_etl.store import Store

    with Store(ops_url) as store:
        return store.list_plans(limit)


def show_plan(plan_id: str, ops_url: str) -> Plan:
    """A stored plan (``latest`` for the newest), as it was made."""
    from reverse_etl.plan import plan_from_row
    from reverse_etl.store import Store

    with Store(ops_url) as store:
        return plan_from_row(store.plan_row(plan_id))
