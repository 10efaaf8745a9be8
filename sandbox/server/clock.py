"""The portal's clock.

A portal that serves a sample world lives at that world's "now" and runs on from there, so that what the API writes is
dated after everything the world holds, whatever the machine's date is. An empty portal uses the machine's clock.
Times are integers: milliseconds since 1970 UTC.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache


class PortalClock:
    """Milliseconds since 1970 UTC that never go backwards."""

    def __init__(self, start_ms: int | None = None) -> None:
        self._offset = 0 if start_ms is None else start_ms - _machine_ms()
        self._last = 0

    def now_ms(self) -> int:
        """The present, in ms."""
        self._last = max(self._last, _machine_ms() + self._offset)
        return self._last

    def move_to(self, at_ms: int) -> None:
        """Jump forward to ``at_ms``; a moment already past is ignored."""
        self._offset += max(0, at_ms - self.now_ms())


def _machine_ms() -> int:
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=4096)
def iso(ms: int) -> str:
    """``2026-06-30T12:00:00.000Z``."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def parse_ms(text: str) -> int:
    """Milliseconds of an ISO 8601 moment or of an epoch in ms.

    Raises:
        ValueError: neither of the two.
    """
    stripped = text.strip()
    if stripped.lstrip("-").isdigit():
        return int(stripped)
    moment = datetime.fromisoformat(stripped)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
