"""What a ``defs.yaml`` names: an ingested source, the dbt project, the published snapshot, the pages,
the CRM syncs."""

from orchestration.components.crm_sync import CrmSyncComponent
from orchestration.components.dbt_build import DbtBuildComponent
from orchestration.components.ingest import IngestComponent
from orchestration.components.published_snapshot import PublishedSnapshotComponent
from orchestration.components.report_site import ReportSiteComponent

__all__ = [
    "CrmSyncComponent",
    "DbtBuildComponent",
    "IngestComponent",
    "PublishedSnapshotComponent",
    "ReportSiteComponent",
]
