"""The report pages as an asset downstream of the published snapshot, which is all they read."""

import dagster as dg

from leadhouse.settings import load_settings
from orchestration.assets import PUBLISHED_SNAPSHOT, REPORT_SITE
from orchestration.automation import site_after_publish
from orchestration.publish import current_snapshot
from reports import build_site


class ReportSiteComponent(dg.Component, dg.Model, dg.Resolvable):
    """Builds every page from the snapshot that the link names; in no pool, since it opens nothing that is written."""

    group: str = "published"
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One asset. A page that cannot be built fails it and leaves the site as it was."""

        @dg.asset(
            key=REPORT_SITE,
            deps=[PUBLISHED_SNAPSHOT],
            group_name=self.group,
            description=self.description,
            kinds={"html"},
            automation_condition=site_after_publish(),
        )
        def report_site() -> dg.MaterializeResult[None]:
            settings = load_settings()
            snapshot = current_snapshot(settings.published)
            pages = build_site(snapshot, settings.site_dir)
            return dg.MaterializeResult(
                metadata={
                    "path": dg.MetadataValue.path(str(settings.site_dir / "index.html")),
                    "snapshot": dg.MetadataValue.path(str(snapshot)),
                    "pages": len(pages),
                    "queries": sum(page.queries for page in pages),
                    "charts": sum(page.charts for page in pages),
                }
            )

        return dg.Definitions(assets=[report_site])
