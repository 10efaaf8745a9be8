"""The write-back's own calls with this installation's settings: the same for Dagster and for the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.results import Progress
from leadhouse.settings import Settings
from orchestration.errors import PlanRefused
from orchestration.manifest import prepared_manifest
from orchestration.publish import current_snapshot, published_as_of
from privacy import find_key

if TYPE_CHECKING:
    from reverse_etl.applier import ApplyProgress, ApplyResult
    from reverse_etl.plan import Plan


#: Marts older than this are said to be of the past, and no automatic apply sends them.
PAST = timedelta(days=2)


def make_plan(settings: Settings, only: Sequence[str] | None = None) -> Plan:
    """Plans every sync, or only the models named, from the published snapshot. No request is sent.

    Raises:
        NothingToPublish: nothing is published yet.
        WritebackError: a sync's YAML or columns are wrong.
    """
    from reverse_etl import plan_syncs

    current_snapshot(settings.published)
    # A first plan may be looked at before any CRM is connected.
    connected = settings.crms or ("hubspot",)
    # By its link, so that the plan knows when a newer snapshot takes its place.
    return plan_syncs(
        settings.current_snapshot, prepared_manifest(), settings.ops_store_url, only=only, destinations=connected
    )


def past_moment(snapshot: Path) -> datetime | None:
    """The moment (UTC) the snapshot's marts are of, if that is long past: a clock that was pinned for a replay."""
    as_of = published_as_of(snapshot)
    now = datetime.now(UTC).replace(tzinfo=None)
    return as_of if as_of is not None and now - as_of > PAST else None


def refuse_past(settings: Settings, plan_id: str) -> None:
    """Holds a plan back that would give the CRM the scores of a past day; who approves it gets through.

    Raises:
        PlanRefused: the plan was made from marts of a past moment.
    """
    from reverse_etl import show_plan

    plan = show_plan(plan_id, settings.ops_store_url)
    file = Path(plan.published_file)
    as_of = past_moment(file) if file.is_file() else None
    if as_of is not None:
        raise PlanRefused(
            f"{plan.plan_id} was made from marts of {as_of:%Y-%m-%d %H:%M} UTC (a pinned clock), so nothing was sent "
            "by itself. For the present: leadhouse clock --live, then build again; to send that day's values all the "
            "same, run this step with approve: true, or leadhouse apply."
        )


def apply_plan(
    settings: Settings,
    plan_id: str,
    progress: Progress | None = None,
    *,
    tell: Callable[[ApplyProgress], None] | None = None,
    approve: bool = False,
    wait_seconds: float = 0.0,
) -> ApplyResult:
    """Applies a stored plan (``latest`` for the newest) to the configured portal. ``tell`` hears more than
    ``progress``: requests, refusals, 429s. While another apply runs, this one waits up to ``wait_seconds``.

    Raises:
        SettingsError: no portal or no token is configured.
        WritebackError: the plan is stale, held back by a guard, or the portal refuses.
    """
    from reverse_etl import apply

    key = settings.erasure_key
    return apply(
        plan_id,
        settings.ops_store_url,
        settings.crm_access(),
        approve=approve,
        progress=tell or (_told_to(progress) if progress is not None else None),
        erasure_key=find_key(settings.data_dir, key.get_secret_value() if key is not None else None),
        wait_seconds=wait_seconds,
    )


def _told_to(progress: Progress) -> Callable[[ApplyProgress], None]:
    """Turns the applier's totals so far into steps of a progress line per sync."""
    done: dict[str, int] = {}

    def tell(state: ApplyProgress) -> None:
        if state.sync not in done:
            progress.start(state.sync, state.total)
        progress.advance(state.sync, state.done - done.get(state.sync, 0))
        done[state.sync] = state.done
        if state.done >= state.total:
            progress.finish(state.sync)

    return tell
