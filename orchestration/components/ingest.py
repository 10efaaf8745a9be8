"""One ingested source as Dagster assets: an asset per raw table, one op per group of tables that load together."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from ingestion.errors import LoadIncomplete
from ingestion.results import LoadResult
from ingestion.schemas import RAW_TABLES
from ingestion.tables import ensure_raw_tables
from ingestion.warehouse import opened
from leadhouse.settings import load_settings
from orchestration import pools
from orchestration.assets import INGEST_TAGS, raw_key
from orchestration.errors import OrchestrationError
from orchestration.loading import SOURCES, load_source
from orchestration.progress import current_progress

CHECK_NAME = "loaded_completely"


class TableGroup(dg.Model):
    """Raw tables that one load fills. ``name`` is the loader's own name of the group, or ``all``."""

    name: str
    tables: Sequence[str]


class FreshWithin(dg.Model):
    """Hours after its last load when a table is shown as late (warn), then as overdue (fail)."""

    warn_hours: float
    fail_hours: float


class IngestComponent(dg.Component, dg.Model, dg.Resolvable):
    """Loads one source into its raw schema.

    Asset keys equal the keys of the dbt sources of the same tables, so that lineage runs through. A source that is not
    configured, or a part that was not chosen, is shown but cannot be run; its description says why.
    """

    source: str
    dataset: str
    groups: Sequence[TableGroup]
    fresh_within: FreshWithin | None = None
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One multi-asset per group; plain specs when the source is not configured.

        Raises:
            OrchestrationError: the YAML names a source, a group or a table that does not exist.
        """
        self._check_names()
        source = SOURCES[self.source]
        if not source.is_configured(load_settings()):
            missing = f"Not configured: set LEADHOUSE_{source.setting.upper()} to load it. {self.description}"
            return dg.Definitions(
                assets=[self._spec(table, missing) for group in self.groups for table in group.tables]
            )
        chosen = source.chosen(load_settings()) or [group.name for group in self.groups]
        left_out = f"Not read: the settings of {self.source} name other parts only. {self.description}"
        return dg.Definitions(
            assets=[self._multi_asset(group) for group in self.groups if group.name in chosen]
            + [
                self._spec(table, left_out)
                for group in self.groups
                if group.name not in chosen
                for table in group.tables
            ]
        )

    def _check_names(self) -> None:
        if self.source not in SOURCES:
            raise OrchestrationError(f"defs.yaml: source {self.source!r} does not exist; known: {', '.join(SOURCES)}")
        known_groups = SOURCES[self.source].groups or ("all",)
        for group in self.groups:
            if group.name not in known_groups:
                raise OrchestrationError(
                    f"defs.yaml of {self.source}: group {group.name!r} does not exist; known: {', '.join(known_groups)}"
                )
            for table in group.tables:
                if f"{self.dataset}.{table}" not in RAW_TABLES:
                    raise OrchestrationError(
                        f"defs.yaml of {self.source}: {self.dataset}.{table} is not a table of ingestion/schemas.py"
                    )

    def _spec(self, table: str, description: str) -> dg.AssetSpec:
        window = self.fresh_within
        return dg.AssetSpec(
            raw_key(self.dataset, table),
            description=description,
            group_name=f"ingest_{self.source}",
            kinds={"dlt", "duckdb"},
            tags=INGEST_TAGS,
            freshness_policy=(
                dg.FreshnessPolicy.time_window(
                    fail_window=timedelta(hours=window.fail_hours), warn_window=timedelta(hours=window.warn_hours)
                )
                if window
                else None
            ),
        )

    def _multi_asset(self, group: TableGroup) -> dg.AssetsDefinition:
        source = SOURCES[self.source]
        first = raw_key(self.dataset, group.tables[0])

        @dg.multi_asset(
            name=f"ingest_{self.source}" if group.name == "all" else f"ingest_{self.source}_{group.name}",
            specs=[self._spec(table, self.description) for table in group.tables],
            check_specs=[
                dg.AssetCheckSpec(
                    CHECK_NAME, asset=first, description="Every file or endpoint of this load could be read whole."
                )
            ],
            pool=pools.WAREHOUSE,
        )
        def load(context: dg.AssetExecutionContext) -> Iterator[Any]:
            settings = load_settings()
            problems: tuple[str, ...] = ()
            try:
                results = load_source(source, settings, current_progress(), None if group.name == "all" else group.name)
            except LoadIncomplete as error:
                # What could be read is in; the rest stays where it is and is tried again by the next load.
                results, problems = error.results, error.problems
                for problem in problems:
                    context.log.warning(problem)
            problems += tuple(refusal for result in results for refusal in result.refusals)
            by_table: dict[str, list[LoadResult]] = {table: [] for table in group.tables}
            for result in results:
                by_table.setdefault(result.entity.removeprefix(f"{self.dataset}."), []).append(result)
            with opened(settings.warehouse) as connection:
                ensure_raw_tables(connection)
                totals = {table: _count(connection, f"{self.dataset}.{table}") for table in by_table}
            for table, mine in by_table.items():
                for note in (note for result in mine for note in result.notes):
                    context.log.info(f"{self.dataset}.{table}: {note}")
                key, metadata = raw_key(self.dataset, table), load_metadata(mine, totals[table])
                if table in group.tables:
                    yield dg.MaterializeResult(asset_key=key, metadata=metadata)
                else:
                    # Another group's table that this load adds to (associations of engagements).
                    context.log_event(dg.AssetMaterialization(asset_key=key, metadata=metadata))
            yield dg.AssetCheckResult(
                asset_key=first,
                check_name=CHECK_NAME,
                passed=not problems,
                severity=dg.AssetCheckSeverity.WARN,
                description=" ".join(problems) or None,
                metadata={"problems": dg.MetadataValue.md("\n".join(f"- {problem}" for problem in problems))},
            )

        return load


def load_metadata(results: Sequence[LoadResult], total_rows: int) -> dict[str, Any]:
    """What Dagster shows for one raw table after a load; ``seconds`` is wall time of the load it was part of."""
    notes = [note for result in results for note in result.notes]
    return {
        "dagster/row_count": total_rows,
        "rows_read": sum(result.rows_read for result in results),
        "rows_loaded": sum(result.rows_loaded for result in results),
        "rejected": sum(result.rows_quarantined for result in results),
        "requests": sum(result.requests for result in results),
        "seconds": round(max((result.seconds for result in results), default=0.0), 3),
        **({"notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in notes))} if notes else {}),
    }


def _count(connection: Any, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0])
