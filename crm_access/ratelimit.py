"""One request budget per portal, shared by every thread, and by every process of the machine, that talks to it.

A vendor counts requests in a rolling window (HubSpot: 190 in 10 s on most paid portals). :class:`TokenBucket` holds the
same window: a request may leave when fewer than ``limit`` are within it. A request counts from when its answer came
(until then, from when it left), because the vendor counted it in between: so no delay on the way can put one more into
the vendor's window than it allows.

The bucket listens: what the vendor's headers say lowers the limit, an empty remainder or a ``Retry-After`` pauses all,
and every 429 lowers the rate by a fifth, which comes back by a twentieth a window.

:class:`PortalBudget` adds the limit of searches, which vendors count apart, and the day's quota, of which the
write-back may be given a share. With a ``state_dir`` ingestion and write-back, and two applies, count together through
small files there.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from crm_access.access import CrmAccess
from crm_access.rates import RateNews
from crm_access.shared import SharedNumbers

#: Two clocks never tick at the same moment: the window is kept a little longer than told.
_MARGIN = 0.05
#: Places for requests in a window; a larger limit is kept as the same rate over a shorter window.
_MOST = 1000
#: Requests may be answered out of order: so many older ones are looked at too.
_LATE = 64
_HEAD = 8
_PLACES = _MOST + _LATE
_COUNT, _FACTOR, _CHANGED_AT, _CLOSED_UNTIL, _TOLD_LIMIT = range(5)

#: What a 429 leaves of the rate, the least it can become, and what each quiet window gives back.
_AFTER_REFUSAL = 0.8
_LEAST_FACTOR = 0.1
_RECOVERY = 0.05
#: Longest pause that is believed, seconds: a moment further away is of another boot of the machine.
_LONGEST_PAUSE = 600.0

#: HubSpot allows 5 searches a second and announces that in no header.
SEARCHES_PER_SECOND = 5


class QuotaSpentError(Exception):
    """The share of the portal's daily quota that this user of it may have is spent."""


class Taken(NamedTuple):
    """A request that may leave: its number in the bucket, and the seconds waited for it."""

    number: int
    waited: float


class TokenBucket:
    """At most ``limit`` requests in any ``seconds`` (both positive). ``clock`` and ``sleep`` are for tests."""

    def __init__(
        self,
        limit: int,
        seconds: float,
        *,
        path: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if limit < 1 or seconds <= 0:
            raise ValueError(f"burst_limit and burst_seconds must be positive, got {limit} and {seconds}")
        scale = min(1.0, _MOST / limit)
        self._limit = min(limit, _MOST)
        self._seconds = seconds * scale
        self._margin = _MARGIN * scale
        self._scale = scale
        self._clock = clock
        self._sleep = sleep
        self._shared = SharedNumbers(_HEAD + _PLACES, path)

    @property
    def limit(self) -> int:
        """Requests per window now in force (of a large limit: its part of a shorter window)."""
        return self._in_force(self._shared.numbers)

    def take(self) -> Taken:
        """Wait until a request may leave, and count it. Give the number back to :meth:`landed` with the answer."""
        waited = 0.0
        while True:
            with self._shared.locked() as numbers:
                now = self._clock()
                wait = self._wait(numbers, now)
                if wait <= 0:
                    number = int(numbers[_COUNT])
                    numbers[_HEAD + number % _PLACES] = now
                    numbers[_COUNT] = number + 1
                    return Taken(number, waited)
            # Never less than a clock can tell: a wait lost to rounding would turn this into a busy loop.
            wait = max(wait, 0.001)
            self._sleep(wait)
            waited += wait

    def landed(self, taken: Taken) -> None:
        """The answer is here: the vendor counted the request at this moment at the latest."""
        numbers = self._shared.numbers
        # One store of eight bytes needs no lock; a place that has been given to another request is left alone.
        if numbers[_COUNT] - taken.number < _PLACES // 2:
            numbers[_HEAD + taken.number % _PLACES] = self._clock()

    def pause(self, seconds: float) -> None:
        """Let nothing leave for ``seconds`` from now."""
        with self._shared.locked() as numbers:
            numbers[_CLOSED_UNTIL] = max(numbers[_CLOSED_UNTIL], self._clock() + min(seconds, _LONGEST_PAUSE))

    def refused(self, seconds: float) -> None:
        """A 429 came: pause as told and go on slower. Several at once, of one full window, count as one."""
        with self._shared.locked() as numbers:
            now = self._clock()
            if now - numbers[_CHANGED_AT] >= min(self._seconds, 2.0) or numbers[_FACTOR] == 0:
                numbers[_FACTOR] = max(_LEAST_FACTOR, (numbers[_FACTOR] or 1.0) * _AFTER_REFUSAL)
                numbers[_CHANGED_AT] = now
            numbers[_CLOSED_UNTIL] = max(numbers[_CLOSED_UNTIL], now + min(seconds, _LONGEST_PAUSE))

    def observe(self, news: RateNews) -> None:
        """Take over what an answer's rate headers say."""
        if news.limit is not None and news.limit >= 1 and news.seconds:
            told = int(news.limit * self._seconds / news.seconds)
            if told < self._limit and told != self._shared.numbers[_TOLD_LIMIT]:
                self._shared.numbers[_TOLD_LIMIT] = max(1, told)
        if news.remaining == 0:
            with self._shared.locked() as numbers:
                now = self._clock()
                ours = self._in_window(numbers, now)
                # The portal's window is full, and not by us alone: wait until our own part of it has aged.
                if len(ours) < self._in_force(numbers):
                    until = (ours[0] if ours else now) + self._seconds + self._margin
                    numbers[_CLOSED_UNTIL] = max(numbers[_CLOSED_UNTIL], until)

    def _in_force(self, numbers: memoryview[float]) -> int:
        most = min(self._limit, int(numbers[_TOLD_LIMIT]) or self._limit)
        return max(1, int(most * (numbers[_FACTOR] or 1.0)))

    def _wait(self, numbers: memoryview[float], now: float) -> float:
        self._forget_another_boot(numbers, now)
        if 0 < numbers[_FACTOR] < 1 and now - numbers[_CHANGED_AT] >= self._seconds:
            numbers[_FACTOR] = min(1.0, numbers[_FACTOR] + _RECOVERY)
            numbers[_CHANGED_AT] = now
        wait = numbers[_CLOSED_UNTIL] - now
        in_window = self._in_window(numbers, now)
        excess = len(in_window) - self._in_force(numbers)
        if excess >= 0:
            # The request that must leave the window first for one more to fit.
            wait = max(wait, in_window[excess] + self._seconds + self._margin - now)
        return wait

    def _in_window(self, numbers: memoryview[float], now: float) -> list[float]:
        """When the requests of the window were counted, oldest first."""
        count = int(numbers[_COUNT])
        first = max(0, count - self._limit - _LATE)
        start, end = first % _PLACES, count % _PLACES
        if count == first:
            return []
        if start < end:
            placed = numbers[_HEAD + start : _HEAD + end].tolist()
        else:
            placed = numbers[_HEAD + start : _HEAD + _PLACES].tolist() + numbers[_HEAD : _HEAD + end].tolist()
        horizon = now - self._seconds - self._margin
        return sorted(at for at in placed if at > horizon)

    def _forget_another_boot(self, numbers: memoryview[float], now: float) -> None:
        """The clock starts anew with the machine, the file does not: what lies in the future is of another boot."""
        count = int(numbers[_COUNT])
        last = numbers[_HEAD + (count - 1) % _PLACES] if count else 0.0
        if last > now + 1 or numbers[_CHANGED_AT] > now + 1 or numbers[_CLOSED_UNTIL] > now + _LONGEST_PAUSE + 1:
            for place in range(_HEAD + _PLACES):
                numbers[place] = 0.0


_DAY, _WRITTEN, _READ, _DAILY_LIMIT, _DAILY_USED = range(5)
_SECONDS_A_DAY = 86_400

#: Who spends: the write-back, which may have a share of the day, and ingestion.
WRITE_BACK, INGESTION = "write_back", "ingestion"


class DayBudget:
    """Requests of a UTC day, counted apart for write-back and ingestion; ``share`` bounds the write-back's."""

    def __init__(self, share: float = 1.0, *, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"the share of the daily quota must lie above 0 and up to 1, got {share}")
        self._share = share
        self._clock = clock
        self._shared = SharedNumbers(_HEAD, path)

    def take(self, user: str) -> None:
        """Count a request.

        Raises:
            QuotaSpentError: the write-back has had its share of the day.
        """
        with self._shared.locked() as numbers:
            day = self._clock() // _SECONDS_A_DAY
            if numbers[_DAY] != day:
                numbers[_DAY], numbers[_WRITTEN], numbers[_READ] = day, 0.0, 0.0
            place = _WRITTEN if user == WRITE_BACK else _READ
            allowed = int(numbers[_DAILY_LIMIT] * self._share)
            if user == WRITE_BACK and numbers[_DAILY_LIMIT] and self._share < 1 and numbers[_WRITTEN] >= allowed:
                raise QuotaSpentError(
                    f"the write-back has sent {int(numbers[_WRITTEN]):,} requests today, all of its share "
                    f"({self._share:.0%}) of the portal's {int(numbers[_DAILY_LIMIT]):,} a day"
                )
            numbers[place] += 1

    def observe(self, news: RateNews) -> None:
        """Take over the day's quota as told."""
        if news.daily_limit is not None:
            numbers = self._shared.numbers
            numbers[_DAILY_LIMIT] = news.daily_limit
            numbers[_DAILY_USED] = news.daily_used or 0.0

    def counts(self) -> dict[str, int]:
        """``write_back`` and ``ingestion`` requests today, the portal's ``limit`` and what is ``used`` as last told."""
        with self._shared.locked() as numbers:
            is_today = numbers[_DAY] == self._clock() // _SECONDS_A_DAY
            names = {WRITE_BACK: _WRITTEN, INGESTION: _READ}
            counted = {name: int(numbers[place]) if is_today else 0 for name, place in names.items()}
            return {**counted, "used": int(numbers[_DAILY_USED]), "limit": int(numbers[_DAILY_LIMIT])}


class PortalBudget:
    """What a request to one portal must wait for. Take, send, then say that it landed.

    Example:
        ``taken = budget.take(is_search=False)``; send; ``budget.landed(taken)``; ``budget.observe(news)``; after a 429
        ``budget.refused(seconds, is_search=False)`` and take again.
    """

    def __init__(
        self,
        burst: TokenBucket,
        *,
        search: TokenBucket | None = None,
        day: DayBudget | None = None,
        user: str = WRITE_BACK,
    ) -> None:
        self.burst = burst
        self.search = search or TokenBucket(SEARCHES_PER_SECOND, 1.0)
        self.day = day or DayBudget()
        self._user = user

    def take(self, *, is_search: bool = False) -> Taken:
        """Wait until a request may leave.

        Raises:
            QuotaSpentError: there is nothing left of the day for this user.
        """
        self.day.take(self._user)
        if is_search:
            self.search.take()
        return self.burst.take()

    def landed(self, taken: Taken) -> None:
        """The request's answer is here."""
        self.burst.landed(taken)

    def observe(self, news: RateNews) -> None:
        """What the answer's headers said."""
        self.burst.observe(news)
        self.day.observe(news)

    def refused(self, seconds: float, *, is_search: bool = False) -> None:
        """A 429: pause everyone for ``seconds`` and go on slower."""
        (self.search if is_search else self.burst).refused(seconds)


_buckets: dict[tuple[str, int, float, str], TokenBucket] = {}
_days: dict[tuple[str, float, str], DayBudget] = {}
_lock = threading.Lock()


def bucket_for(portal: str, limit: int, seconds: float, *, state_dir: Path | None = None) -> TokenBucket:
    """The bucket of a portal (its base URL, with a suffix for a further limit), one in this process."""
    with _lock:
        key = (portal, limit, seconds, str(state_dir))
        if key not in _buckets:
            path = None if state_dir is None else state_dir / f"{_file_name(portal)}.requests"
            _buckets[key] = TokenBucket(limit, seconds, path=path)
        return _buckets[key]


def budget_for(access: CrmAccess, user: str = WRITE_BACK) -> PortalBudget:
    """The budget of a portal for one of its users (:data:`WRITE_BACK`, :data:`INGESTION`)."""
    portal, state_dir = access.base_url.rstrip("/"), access.state_dir
    with _lock:
        key = (portal, access.daily_share, str(state_dir))
        if key not in _days:
            path = None if state_dir is None else state_dir / f"{_file_name(portal)}.day"
            _days[key] = DayBudget(access.daily_share, path=path)
        day = _days[key]
    return PortalBudget(
        bucket_for(portal, access.burst_limit, access.burst_seconds, state_dir=state_dir),
        search=bucket_for(f"{portal}#search", SEARCHES_PER_SECOND, 1.0, state_dir=state_dir),
        day=day,
        user=user,
    )


def _file_name(portal: str) -> str:
    """Addresses are no file names; which portal a file is about is nobody else's business."""
    return hashlib.blake2b(portal.encode(), digest_size=8).hexdigest()
