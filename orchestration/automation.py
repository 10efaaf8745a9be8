"""When a sync runs by itself, or the pages are built: conditions derived from the ways in which it could go wrong.

1. *Half-built marts are synced.* A plan depends on the published snapshot only, which exists for a whole green build;
   that single marts were rebuilt does not start it.
2. *A failing sync is retried without end.* The conditions fire on an event (a new snapshot, a new plan) once, not on a
   state (missing, failed). After a failure the next build starts the next try.
3. *Two writes at once.* Not while a run of the same asset is in progress, and pool ``crm_api`` has one slot.
4. *Builds publish faster than the CRM takes writes.* Several snapshots meanwhile count as one: a plan compares the
   newest snapshot with what was written, so no state in between is lost by skipping it.
5. *A plan that a guard holds back is pushed through.* The apply step refuses it and fails visibly; a person approves
   or a newer plan takes its place.
6. *Nobody asked for writes.* The sensor that evaluates the conditions is off until someone switches it on.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from orchestration.assets import PUBLISHED_SNAPSHOT


def plan_after_green_build() -> dg.AutomationCondition[Any]:
    """A new published snapshot that this plan has not been started for, and no plan is being made now."""
    return _after_new_snapshot("a green build was published and not planned yet")


def site_after_publish() -> dg.AutomationCondition[Any]:
    """A new published snapshot that the pages have not been started for, and none are being built now."""
    return _after_new_snapshot("a green build was published and its pages are not built yet")


def apply_after_plan() -> dg.AutomationCondition[Any]:
    """A new plan that has not been started to be applied, and nothing is being applied now."""
    new_plan = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated())
    return (
        new_plan.since(dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated())
        & ~dg.AutomationCondition.in_progress()
    ).with_label("a plan was made and not applied yet")


def _after_new_snapshot(label: str) -> dg.AutomationCondition[Any]:
    published = dg.AssetSelection.assets(PUBLISHED_SNAPSHOT)
    new_snapshot = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()).allow(published)
    return (
        new_snapshot.since(dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated())
        & ~dg.AutomationCondition.in_progress()
    ).with_label(label)
