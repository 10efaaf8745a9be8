"""Rate limits of the portal: a burst in ten rolling seconds, a day's quota, and the search endpoints' own."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from sandbox.server.errors import rate_limited

BURST_SECONDS = 10.0
_DAY = 86_400


class RateLimits:
    """Counts accepted requests; 0 switches a limit off. Refused requests do not use up the burst.

    ``burst`` requests in any ten seconds, ``daily`` a UTC day, ``searches`` a second (searches count for the day but
    not for the burst, and their answers carry no limit headers).
    """

    def __init__(
        self, burst: int = 190, daily: int = 250_000, searches: int = 5, clock: Callable[[], float] = time.time
    ) -> None:
        self.burst = burst
        self.daily = daily
        self.searches = searches
        self._clock = clock
        self._recent: deque[float] = deque()
        self._recent_searches: deque[float] = deque()
        self._day = 0
        self._today = 0

    def take(self, search: bool) -> dict[str, str]:
        """Count one request and give the headers that tell what is left.

        Raises:
            ApiError: 429 with the policy that was hit.
        """
        now = self._clock()
        if int(now // _DAY) != self._day:
            self._day, self._today = int(now // _DAY), 0
        if self.daily and self._today >= self.daily:
            wait = math.ceil(_DAY - now % _DAY)
            raise rate_limited("DAILY", "You have reached your daily limit.", wait, self._headers(now))
        if search:
            self._roll(self._recent_searches, now, 1.0)
            if self.searches and len(self._recent_searches) >= self.searches:
                raise rate_limited("SECONDLY", "You have reached your secondly limit.", 1, {})
            self._recent_searches.append(now)
            self._today += 1
            return {}
        self._roll(self._recent, now, BURST_SECONDS)
        if self.burst and len(self._recent) >= self.burst:
            wait = max(1, math.ceil(self._recent[0] + BURST_SECONDS - now))
            raise rate_limited(
                "TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.", wait, self._headers(now)
            )
        if self.burst:
            self._recent.append(now)
        self._today += 1
        return self._headers(now)

    def _headers(self, now: float) -> dict[str, str]:
        headers = {}
        if self.burst:
            self._roll(self._recent, now, BURST_SECONDS)
            headers = {
                "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(BURST_SECONDS * 1000)),
                "X-HubSpot-RateLimit-Max": str(self.burst),
                "X-HubSpot-RateLimit-Remaining": str(self.burst - len(self._recent)),
            }
        if self.daily:
            headers["X-HubSpot-RateLimit-Daily"] = str(self.daily)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, self.daily - self._today))
        return headers

    @staticmethod
    def _roll(window: deque[float], now: float, seconds: float) -> None:
        while window and window[0] <= now - seconds:
            window.popleft()
