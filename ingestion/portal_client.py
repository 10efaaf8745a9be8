"""What the clients of every CRM have in common: kept connections, several requests in flight, the server's own time."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import requests

from ingestion.values import utc
from ingestion.warehouse import utc_now

Input = TypeVar("Input")
Output = TypeVar("Output")

LONGEST_PAUSE_SECONDS = 60.0


class PortalClient:
    """One portal, read by several threads.

    Args:
        name: of the threads.
        width: how many requests wait for an answer at the same time, at most (at least one).
        ahead: how many inputs :meth:`map` has begun at the same time, at most.
        headers: what every request carries.
    """

    def __init__(self, name: str, width: int, *, ahead: int, headers: Mapping[str, str]) -> None:
        self._in_flight = threading.Semaphore(width)
        self._pool = ThreadPoolExecutor(width, thread_name_prefix=name)
        self._ahead = ahead
        self._headers = {"Accept": "application/json", "User-Agent": "leadhouse-ingestion", **headers}
        self._local = threading.local()
        self._connections: list[requests.Session] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.server_time: datetime | None = None

    def close(self) -> None:
        """Stops waiting retries, ends the threads and closes the connections."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def map(self, work: Callable[[Input], Output], inputs: Iterable[Input]) -> Iterator[Output]:
        """Does ``work`` on each input with several in flight; the results come in the order of the inputs."""
        waiting: deque[Future[Output]] = deque()
        try:
            for one in inputs:
                waiting.append(self._pool.submit(work, one))
                if len(waiting) >= self._ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _connection(self) -> requests.Session:
        """This thread's own connections."""
        connection: requests.Session | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = requests.Session()
            connection.trust_env = False
            connection.headers.update(self._headers)
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection

    def _note_time(self, answer: requests.Response) -> None:
        """Keeps the server's own idea of the time at the first answer."""
        if self.server_time is None:
            try:
                self.server_time = utc(parsedate_to_datetime(answer.headers["Date"]))
            except (KeyError, ValueError):
                self.server_time = utc_now()


def backoff(attempt: int) -> float:
    """Seconds before the next try: doubling to the longest pause, spread so that threads part."""
    return float(min(LONGEST_PAUSE_SECONDS, 0.25 * 2**attempt) * random.uniform(0.5, 1.0))


def retry_after(answer: requests.Response) -> float | None:
    """Seconds of ``Retry-After``, bounded; None when absent or no number."""
    try:
        return min(LONGEST_PAUSE_SECONDS, max(0.0, float(answer.headers["Retry-After"])))
    except (KeyError, ValueError):
        return None
