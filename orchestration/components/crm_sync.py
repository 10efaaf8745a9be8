"""Every ``sync_*`` and ``list_*`` model as two assets: its plan, and what applying the plan did."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.storage.tags import AUTOMATION_CONDITION_TAG

from leadhouse.settings import load_settings
from orchestration import pools
from orchestration.assets import APPLY_TAGS, PLAN_TAGS, PUBLISHED_SNAPSHOT, apply_key, model_key, plan_key
from orchestration.automation import apply_after_plan, plan_after_green_build
from orchestration.errors import PlanRefused
from orchestration.manifest import read_manifest
from orchestration.progress import current_progress
from orchestration.syncing import apply_plan, make_plan, refuse_past

GUARD_CHECK = "guards_hold"


class ApplyConfig(dg.Config):
    """Run configuration of an apply step."""

    #: Apply although a guard holds the plan back: a person has read the plan and says yes.
    approve: bool = False


class CrmSyncComponent(dg.Component, dg.Model, dg.Resolvable):
    """Reads dbt's manifest; each model with ``config.meta.sync`` or ``config.meta.list`` becomes a plan and an apply.

    A plan asks the CRM nothing; it reads the published snapshot and our own write ledger. Adding a sync is a SQL file
    and a YAML block, nothing here.
    """

    group: str = "crm"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Two assets per synced model."""
        assets: list[dg.AssetsDefinition] = []
        for node in synced_models(read_manifest()):
            assets += [self._plan(node), self._apply(node)]
        return dg.Definitions(assets=assets)

    def _plan(self, node: Mapping[str, Any]) -> dg.AssetsDefinition:
        model: str = node["name"]

        @dg.asset(
            key=plan_key(model),
            deps=[PUBLISHED_SNAPSHOT, model_key(node)],
            group_name=self.group,
            description=f"What would change in the CRM by {model}, and why. No request is sent. {node['description']}",
            kinds={"python"},
            tags=PLAN_TAGS,
            owners=_owners(node),
            check_specs=[
                dg.AssetCheckSpec(GUARD_CHECK, asset=plan_key(model), description="No guard holds this plan back.")
            ],
            automation_condition=plan_after_green_build(),
        )
        def plan_asset() -> Iterator[Any]:
            plan = make_plan(load_settings(), [model])
            yield dg.MaterializeResult(
                metadata={
                    **plan.to_dict()["counts"],
                    "plan_id": plan.plan_id,
                    "plan": dg.MetadataValue.md(plan.to_markdown()),
                }
            )
            yield dg.AssetCheckResult(
                check_name=GUARD_CHECK,
                passed=not plan.blocked,
                severity=dg.AssetCheckSeverity.WARN,
                description="; ".join(plan.guards) or None,
            )

        return plan_asset

    def _apply(self, node: Mapping[str, Any]) -> dg.AssetsDefinition:
        model: str = node["name"]
        plan = plan_key(model)

        @dg.asset(
            key=apply_key(model),
            deps=[plan],
            group_name=self.group,
            description=f"What applying the newest plan of {model} did: requests, records written, rejects.",
            kinds={str(_meta(node)["destination"])},
            tags=APPLY_TAGS,
            owners=_owners(node),
            pool=pools.CRM_API,
            automation_condition=apply_after_plan(),
        )
        def apply_asset(context: dg.AssetExecutionContext, config: ApplyConfig) -> dg.MaterializeResult[None]:
            settings, plan_id = load_settings(), newest_plan_id(context.instance, model)
            if AUTOMATION_CONDITION_TAG in context.run.tags and not config.approve:
                refuse_past(settings, plan_id)
            done = apply_plan(settings, plan_id, current_progress(), approve=config.approve)
            if done.stopped:
                raise dg.Failure(f"Stopped with {done.unsent:,} records not sent; the next apply goes on from there.")
            return dg.MaterializeResult(
                metadata={
                    "requests": done.requests,
                    "written": done.written,
                    "rejected": done.rejected,
                    **{f"rejected_{kind}": count for kind, count in sorted(done.rejected_by_kind.items())},
                    "suppressed": done.suppressed,
                    "throttled": done.throttled,
                    "unsent": done.unsent,
                    "skipped": done.skipped,
                    "seconds": round(done.seconds, 3),
                    "result": dg.MetadataValue.md(done.to_markdown()),
                }
            )

        return apply_asset


def synced_models(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The manifest's models that are written to a CRM, by name."""
    return sorted(
        (node for node in manifest["nodes"].values() if node["resource_type"] == "model" and _meta(node)),
        key=lambda node: str(node["name"]),
    )


def newest_plan_id(instance: dg.DagsterInstance, model: str) -> str:
    """The plan that the plan asset of this model stored last.

    Raises:
        PlanRefused: it was never planned here.
    """
    event = instance.get_latest_materialization_event(plan_key(model))
    materialization = event.asset_materialization if event else None
    if materialization is None or "plan_id" not in materialization.metadata:
        raise PlanRefused(f"{model} has no plan yet. Materialize {plan_key(model).to_user_string()} first.")
    return str(materialization.metadata["plan_id"].value)


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = node["config"].get("meta") or {}
    found = meta.get("sync") or meta.get("association") or meta.get("list") or {}
    # A list may have a block for each CRM: the first speaks for the model.
    first: Mapping[str, Any] = found[0] if isinstance(found, list) else found
    return first


def _owners(node: Mapping[str, Any]) -> list[str] | None:
    owner = _meta(node).get("owner")
    return [f"team:{owner}"] if owner else None
