"""Where a portal is and what opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class CrmAccess:
    """One portal of one CRM. ``credentials`` are secrets: they are in no ``repr`` and in no log."""

    #: The CRM's name: ``hubspot``, ``salesforce``; a module of ``reverse_etl/connectors``.
    destination: str
    #: Where requests go (HubSpot), or where the token comes from (Salesforce's login host).
    base_url: str
    #: Names are the CRM's: ``token``; ``client_id``, ``client_secret``, ``username``, ``private_key``.
    credentials: Mapping[str, str] = field(repr=False)
    #: Requests the portal allows in ``burst_seconds``, over all processes that talk to it.
    burst_limit: int = 190
    burst_seconds: float = 10.0
    requests_in_flight: int = 6
    #: Share (0..1] of the portal's daily quota that the write-back may use; the rest is left to ingestion and others.
    daily_share: float = 0.8
    #: Folder in which the processes of this machine share the portal's budget; ``None``: this process alone counts.
    state_dir: Path | None = None
