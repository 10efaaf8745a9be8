"""Names of the pools; their limits are in the instance's settings (orchestration/instance.py)."""

from __future__ import annotations

#: The working warehouse has one writer at a time: ingest, dbt and publish.
WAREHOUSE = "warehouse"
#: The portal has one rate budget: one apply at a time.
CRM_API = "crm_api"
