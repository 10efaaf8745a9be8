"""What a vendor's answer says of the portal's limits, in one shape for all vendors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_API_USAGE = re.compile(r"(?:^|[\s,;])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True)
class RateNews:
    """``None`` is "not said". ``limit`` requests in ``seconds``, ``remaining`` of them left; a day's, and how many of
    it are used (by everybody who talks to the portal)."""

    limit: float | None = None
    seconds: float | None = None
    remaining: float | None = None
    daily_limit: float | None = None
    daily_used: float | None = None


def hubspot_rates(headers: Mapping[str, str]) -> RateNews:
    """``X-HubSpot-RateLimit-*``. Unreadable headers count as not sent."""
    prefix = "X-HubSpot-RateLimit-"
    interval = _number(headers.get(f"{prefix}Interval-Milliseconds"))
    day, left = _number(headers.get(f"{prefix}Daily")), _number(headers.get(f"{prefix}Daily-Remaining"))
    return RateNews(
        limit=_number(headers.get(f"{prefix}Max")),
        seconds=None if interval is None else interval / 1000,
        remaining=_number(headers.get(f"{prefix}Remaining")),
        daily_limit=day,
        daily_used=None if day is None or left is None else day - left,
    )


def salesforce_rates(headers: Mapping[str, str]) -> RateNews:
    """``Sforce-Limit-Info: api-usage=18/5000``: requests of the last 24 hours and how many are allowed."""
    found = _API_USAGE.search(headers.get("Sforce-Limit-Info", ""))
    if found is None:
        return RateNews()
    return RateNews(daily_limit=float(found[2]), daily_used=float(found[1]))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
