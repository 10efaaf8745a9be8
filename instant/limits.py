"""How much one write key may send."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

#: A source may save up so many seconds of its rate and send them at once.
BURST_SECONDS = 2.0


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class RateLimits:
    """A bucket of events for each source, filled at its rate. Used from one thread; each process has its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, source: str, events: int, per_second: float) -> float:
        """Takes so many events out of a source's bucket; returns 0, or the seconds until they may be sent.

        More than a whole bucket passes when the bucket is full, so that no request waits for ever.
        """
        now, capacity = self._clock(), per_second * BURST_SECONDS
        bucket = self._buckets.setdefault(source, _Bucket(capacity, now))
        bucket.tokens = min(capacity, bucket.tokens + (now - bucket.filled_at) * per_second)
        bucket.filled_at = now
        needed = min(float(events), capacity)
        if bucket.tokens < needed:
            return (needed - bucket.tokens) / per_second
        bucket.tokens -= events
        return 0.0
