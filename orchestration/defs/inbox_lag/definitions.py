"""How far the warehouse is behind the collector's inbox, as a check of the inbox's asset."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from orchestration import pools
from orchestration.assets import raw_key

#: Hours that an event may wait for its load: the nightly run and two hours.
PATIENT_HOURS = 26.0


@dg.asset_check(
    asset=raw_key("raw_events", "inbox_state"),
    name="inbox_lag",
    description="No event has waited in the inbox for longer than a nightly run takes to come.",
    pool=pools.WAREHOUSE,
)
def inbox_lag() -> dg.AssetCheckResult:
    """Events that no load has taken yet, and hours that the oldest of them has waited."""
    from ingestion.inbox import waiting_events
    from leadhouse.settings import load_settings

    settings = load_settings()
    waiting = waiting_events(settings.warehouse, settings.inbox_store_url)
    hours = 0.0
    if waiting.oldest_received_at is not None:
        hours = (datetime.now(UTC).replace(tzinfo=None) - waiting.oldest_received_at).total_seconds() / 3600
    return dg.AssetCheckResult(
        passed=hours <= PATIENT_HOURS,
        severity=dg.AssetCheckSeverity.WARN,
        description=None
        if hours <= PATIENT_HOURS
        else f"{waiting.events:,} events wait, the oldest {hours:,.0f} hours",
        metadata={"waiting_events": waiting.events, "oldest_waiting_hours": round(hours, 3)},
    )
