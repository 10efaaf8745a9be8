"""One request budget per portal, shared by every thread of this process that talks to it.

HubSpot counts requests in a rolling window (190 in 10 s on most paid portals). The bucket holds the same window: a
request may leave when fewer than ``limit`` left within the last ``seconds``. It listens to what the vendor says:
``X-HubSpot-RateLimit-Max`` and ``-Interval-Milliseconds`` lower our limit, ``-Remaining: 0`` and ``Retry-After`` pause
everyone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

#: Requests are counted where they arrive, not where they leave: the window is kept a little longer than told.
_MARGIN = 0.05


class TokenBucket:
    """At most ``limit`` requests in any ``seconds`` (both positive). ``clock`` and ``sleep`` are for tests."""

    def __init__(
        self,
        limit: int,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if limit < 1 or seconds <= 0:
            raise ValueError(f"burst_limit and burst_seconds must be positive, got {limit} and {seconds}")
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._left: deque[float] = deque()
        self._closed_until = 0.0
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """Requests per window now in force."""
        return self._limit

    def take(self) -> float:
        """Wait until a request may leave, count it, and return the seconds waited."""
        waited = 0.0
        while True:
            with self._lock:
                now = self._clock()
                wait = self._wait(now)
                if wait <= 0:
                    self._left.append(now)
                    return waited
            # Never less than a clock can tell: a wait lost to rounding would turn this into a busy loop.
            wait = max(wait, 0.001)
            self._sleep(wait)
            waited += wait

    def _wait(self, now: float) -> float:
        horizon = now - self._seconds - _MARGIN
        while self._left and self._left[0] <= horizon:
            self._left.popleft()
        wait = self._closed_until - now
        if len(self._left) >= self._limit:
            # The request that must leave the window first for one more to fit.
            oldest = self._left[len(self._left) - self._limit]
            wait = max(wait, oldest - horizon)
        return wait

    def pause(self, seconds: float) -> None:
        """Let nothing leave for ``seconds`` from now."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take over what an answer's rate headers say. Unreadable or absent headers change nothing."""
        most = _number(headers.get("X-HubSpot-RateLimit-Max"))
        interval = _number(headers.get("X-HubSpot-RateLimit-Interval-Milliseconds"))
        remaining = _number(headers.get("X-HubSpot-RateLimit-Remaining"))
        with self._lock:
            if most is not None and most >= 1 and interval is not None and interval >= 1:
                told = most * self._seconds / (interval / 1000)
                self._limit = max(1, min(self._limit, int(told)))
            if remaining == 0 and self._left:
                # The portal's window is full, perhaps by somebody else: wait until our own part of it has aged.
                self._closed_until = max(self._closed_until, self._left[0] + self._seconds + _MARGIN)


_buckets: dict[tuple[str, int, float], TokenBucket] = {}
_buckets_lock = threading.Lock()


def bucket_for(portal: str, limit: int, seconds: float) -> TokenBucket:
    """The process-wide bucket of a portal (its base URL)."""
    with _buckets_lock:
        return _buckets.setdefault((portal, limit, seconds), TokenBucket(limit, seconds))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
