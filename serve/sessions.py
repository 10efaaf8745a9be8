"""Who may look: the token, sessions of browsers, and how often somebody may guess.

Sessions live in memory, by the hash of a random id: a restart signs everybody out, and nothing that is stored opens a
page. The token itself is never kept in readable form, sent back, or logged.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

#: Characters that a token has at least.
SHORTEST_TOKEN = 16
SESSION_SECONDS = 12 * 3600.0
_MOST_SESSIONS = 1_000
#: Wrong tokens that one address may send in a window before it has to wait, and all addresses together.
_MOST_FAILURES = 5
_MOST_FAILURES_OF_ALL = 60
_WINDOW_SECONDS = 60.0
_LONGEST_WAIT = 900.0
_MOST_ADDRESSES = 10_000

Clock = Callable[[], float]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class Token:
    """The token that opens every page, compared in constant time."""

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)

    def is_right(self, offered: str) -> bool:
        """Whether ``offered`` is the token."""
        return hmac.compare_digest(self._digest, _digest(offered))


@dataclass
class Session:
    """A browser that has shown the token. ``form_key`` proves that a form came from one of its pages."""

    form_key: str
    expires_at: float


class Sessions:
    """The open sessions."""

    def __init__(self, clock: Clock = time.monotonic, seconds: float = SESSION_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def start(self) -> str:
        """Opens a session and returns its id, which is nowhere kept."""
        session_id = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            for key in [key for key, session in self._open.items() if session.expires_at <= now]:
                del self._open[key]
            while len(self._open) >= _MOST_SESSIONS:
                self._open.popitem(last=False)
            self._open[_digest(session_id)] = Session(secrets.token_urlsafe(24), now + self._seconds)
        return session_id

    def find(self, session_id: str | None) -> Session | None:
        """The session, unless it has expired or there is none."""
        if not session_id:
            return None
        with self._lock:
            session = self._open.get(_digest(session_id))
        return session if session is not None and session.expires_at > self._clock() else None

    def end(self, session_id: str | None) -> None:
        """Closes a session."""
        if session_id:
            with self._lock:
                self._open.pop(_digest(session_id), None)


class Attempts:
    """Slows down who guesses: after a few wrong tokens an address waits, longer with every further one."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._of_all: deque[float] = deque()

    def wait_seconds(self, address: str) -> float:
        """How long ``address`` has to wait before its next try; 0 = it may try."""
        now = self._clock()
        with self._lock:
            while self._of_all and self._of_all[0] <= now - _WINDOW_SECONDS:
                self._of_all.popleft()
            waits = [0.0]
            if len(self._of_all) >= _MOST_FAILURES_OF_ALL:
                waits.append(self._of_all[0] + _WINDOW_SECONDS - now)
            count, last = self._failures.get(address, (0, 0.0))
            if count >= _MOST_FAILURES:
                waits.append(last + self._pause(count) - now)
        return max(waits)

    def failed(self, address: str) -> None:
        """A wrong token came from ``address``."""
        now = self._clock()
        with self._lock:
            count, last = self._failures.pop(address, (0, now))
            if last + self._pause(count) + _WINDOW_SECONDS <= now:
                count = 0
            self._failures[address] = (count + 1, now)
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)
            self._of_all.append(now)

    def succeeded(self, address: str) -> None:
        """The right token came from ``address``: what it typed wrong before is forgotten."""
        with self._lock:
            self._failures.pop(address, None)

    @staticmethod
    def _pause(count: int) -> float:
        return 0.0 if count < _MOST_FAILURES else float(min(_LONGEST_WAIT, 10.0 * 2.0 ** (count - _MOST_FAILURES)))
