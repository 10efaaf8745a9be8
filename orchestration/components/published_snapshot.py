"""The published snapshot as an asset downstream of every mart: it runs only when the whole build was green."""

import dagster as dg

from instant.publishing import prepared_chain
from leadhouse.settings import load_settings
from orchestration import pools
from orchestration.assets import PUBLISHED_SNAPSHOT, model_key
from orchestration.build_state import refuse_unfinished
from orchestration.manifest import read_manifest
from orchestration.publish import PUBLISHED_SCHEMA, publish


class PublishedSnapshotComponent(dg.Component, dg.Model, dg.Resolvable):
    """Copies the marts of a green build to a file of its own and swaps the link that readers resolve."""

    group: str = "published"
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One asset with every model of schema ``marts`` upstream."""
        marts = [
            model_key(node)
            for node in read_manifest()["nodes"].values()
            if node["resource_type"] == "model" and node["config"].get("schema") == PUBLISHED_SCHEMA
        ]

        @dg.asset(
            key=PUBLISHED_SNAPSHOT,
            deps=marts,
            group_name=self.group,
            description=self.description,
            pool=pools.WAREHOUSE,
            kinds={"duckdb"},
        )
        def published_snapshot() -> dg.MaterializeResult[None]:
            settings = load_settings()
            refuse_unfinished(settings.data_dir)
            chain = prepared_chain()
            done = publish(settings.warehouse, settings.published, keep=settings.keep_published, chain=chain)
            listed = "\n".join(f"| {table} | {count:,} |" for table, count in done.rows.items())
            return dg.MaterializeResult(
                metadata={
                    "build_id": done.build_id,
                    "path": dg.MetadataValue.path(str(done.path)),
                    "as_of_at": str(done.as_of_at),
                    "ruleset_version": done.ruleset_version or "",
                    "dagster/row_count": sum(rows for table, rows in done.rows.items() if "." not in table),
                    "tables": dg.MetadataValue.md(f"| table | rows |\n|---|---:|\n{listed}"),
                    "seconds": round(done.seconds, 3),
                }
            )

        return dg.Definitions(assets=[published_snapshot])
