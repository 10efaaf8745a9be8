"""How a CRM is reached: credentials, the request budget, the session. Shared by ``ingestion`` and ``reverse_etl``.

Both talk to the same portal and spend the same quota, so what they have in common lives here, once. This package
imports nothing of ours.
"""

from crm_access.access import CrmAccess

__all__ = ["CrmAccess"]
