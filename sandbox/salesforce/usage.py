"""How many API requests a day the org grants, and how many were made."""

from __future__ import annotations

import time
from collections.abc import Callable

from sandbox.salesforce.errors import ApiError

_DAY = 86_400


class Usage:
    """Counts requests of a UTC day; ``daily`` 0 refuses none (and tells 100,000)."""

    def __init__(self, daily: int = 100_000, clock: Callable[[], float] = time.time) -> None:
        self.daily = daily
        self._clock = clock
        self._day = 0
        self.used = 0

    def take(self) -> None:
        """Count one request.

        Raises:
            ApiError: 403 REQUEST_LIMIT_EXCEEDED, the day's requests are used up.
        """
        day = int(self._clock() // _DAY)
        if day != self._day:
            self._day, self.used = day, 0
        if self.daily and self.used >= self.daily:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.used += 1

    @property
    def most(self) -> int:
        """The limit as it is told."""
        return self.daily or 100_000

    def header(self) -> str:
        """``Sforce-Limit-Info``."""
        return f"api-usage={self.used}/{self.most}"
