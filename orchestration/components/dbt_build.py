"""The dbt project as assets: one a model, seed and snapshot, dbt tests as their checks, one dbt command per run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster.components.resolved.core_models import OpSpec
from dagster_dbt import DbtCliResource, DbtProject, DbtProjectComponent
from dagster_dbt.asset_utils import build_dbt_specs, get_subset_selection_for_context
from dagster_dbt.components.dbt_project.component import DbtProjectComponentTranslator
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from ingestion.tables import ensure_raw_tables
from ingestion.warehouse import opened
from leadhouse.settings import load_settings
from orchestration import pools
from orchestration.assets import asset_group
from orchestration.build_state import building
from orchestration.dbt_run import refuse_bad_rules, run_dbt
from orchestration.manifest import prepared_manifest, read_manifest
from orchestration.progress import current_progress

PROGRESS_LABEL = "dbt models and tests"


class _Translator(DbtProjectComponentTranslator):
    """Groups assets by their folder: ``staging``, ``intermediate_identity``, ``marts_core``, ``seeds``."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return asset_group(dbt_resource_props)


@dataclass
class DbtBuildComponent(DbtProjectComponent):
    """``dagster_dbt.DbtProjectComponent``, run by a warm dbt runner inside the Dagster process.

    Differences from its parent: the manifest is parsed only when a file changed and nothing of the project is copied;
    rules are checked and missing raw tables created before dbt starts; the op is in pool ``warehouse``; a test over
    several models is a check of the one furthest down.
    """

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The parent's definitions without its copy of the project: here the project is the repository itself."""
        prepared_manifest()
        return self.build_defs_from_state(context, state_path=None)

    def write_state_to_path(self, state_path: Path) -> None:
        """``dg utils refresh-defs-state``: the manifest is all the state there is."""
        prepared_manifest()
        state_path.touch()

    @property
    def translator(self) -> _Translator:
        """How dbt nodes become assets."""
        if not hasattr(self, "_translator"):
            self._translator = _Translator(self, self.translation_settings)
        return self._translator

    def build_defs_from_state(self, context: dg.ComponentLoadContext, state_path: Path | None) -> dg.Definitions:
        """One multi-asset over every node that ``select`` and ``exclude`` leave."""
        project: DbtProject = self._project_manager.get_project(None)
        manifest = attach_tests(read_manifest())
        asset_specs, check_specs = build_dbt_specs(
            translator=self.translator,
            manifest=manifest,
            select=self.select,
            exclude=self.exclude,
            selector=self.selector,
            project=project,
            io_manager_key=None,
        )
        op_spec: OpSpec = self._get_op_spec(project)

        @dg.multi_asset(
            specs=asset_specs,
            check_specs=check_specs,
            can_subset=True,
            name=op_spec.name,
            op_tags=op_spec.tags,
            pool=pools.WAREHOUSE,
            allow_arbitrary_check_specs=self.translator.settings.enable_source_tests_as_checks,
        )
        def dbt_build(context: dg.AssetExecutionContext) -> Iterator[Any]:
            yield from self._build(context, manifest, project)

        return dg.Definitions(assets=[dbt_build])

    def execute(self, context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        """Not used: ``_build`` takes the place of the command line."""
        raise NotImplementedError("DbtBuildComponent runs dbt in process; see _build")

    def _build(
        self, context: dg.AssetExecutionContext, manifest: Mapping[str, Any], project: DbtProject
    ) -> Iterator[Any]:
        settings = load_settings()
        refuse_bad_rules(settings.seeds_dir)
        with opened(settings.warehouse) as connection:
            ensure_raw_tables(connection)
        selection, indirect = get_subset_selection_for_context(
            context=context,
            manifest=manifest,
            select=self.select,
            exclude=self.exclude,
            selector=self.selector,
            dagster_dbt_translator=self.translator,
            current_dbt_indirect_selection_env=None,
        )
        command = [*[str(argument) for argument in self.cli_args], *selection]
        if indirect:
            command += ["--indirect-selection", indirect]
        context.log.info("dbt " + " ".join(command[:12]) + (" ..." if len(command) > 12 else ""))
        progress = current_progress()
        progress.start(PROGRESS_LABEL, len(context.selected_asset_keys) + len(context.selected_asset_check_keys))
        everything = context.selected_asset_keys >= set(context.assets_def.node_keys_by_output_name.values())
        with building(settings.data_dir, everything=everything):
            for result in run_dbt(command):
                progress.advance(PROGRESS_LABEL, 1)
                event = DbtCoreCliEventMessage(raw_event=result.raw_event, event_history_metadata={})
                yield from event.to_default_asset_events(
                    manifest=manifest, dagster_dbt_translator=self.translator, context=context, project=project
                )
        progress.finish(PROGRESS_LABEL)


def attach_tests(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives each test over several models the model to show it at: the one with the most ancestors.

    dbt leaves such a singular test unattached, and Dagster would show it nowhere. Returns the same manifest.
    """
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    ancestors: dict[str, frozenset[str]] = {}

    def of(node: str) -> frozenset[str]:
        if node not in ancestors:
            above = parents.get(node, [])
            ancestors[node] = frozenset(above).union(*(of(parent) for parent in above))
        return ancestors[node]

    for unique_id, node in manifest["nodes"].items():
        if unique_id.startswith("test.") and not node.get("attached_node"):
            built = [parent for parent in node["depends_on"]["nodes"] if not parent.startswith("source.")]
            if built:
                node["attached_node"] = max(built, key=lambda parent: (len(of(parent)), parent))
    return manifest
