"""HTTP to one portal, for every connector: kept connections, one request budget, retries that do as they are told.

What it makes of an answer, whatever the vendor:

* 2xx, 3xx and 4xx other than those below go back to the connector, their body parsed: what a refusal means is the
  vendor's to say.
* 401: the credentials are renewed once, where they can be (:class:`Credentials`), and the request is sent again; else
  :class:`~reverse_etl.errors.AuthError`, at once.
* 429: everyone who talks to the portal waits as told (``Retry-After``: seconds or a date) or ever longer, then goes on
  slower; a day's quota that is used up is :class:`~reverse_etl.errors.QuotaExhaustedError`.
* 423 waits at least two seconds. 408, 5xx, time-outs and lost connections wait (as told, or ever longer) and try again:
  unless the request may not be repeated, because whether it was carried out is unknown
  (:class:`~reverse_etl.errors.AmbiguousOutcomeError`: look first, then repeat). A connection that was refused, or never
  made, carried nothing: that is repeated in any case.

A vendor is a :class:`VendorRules`; a connector makes a :class:`Transport` of it and calls :meth:`Transport.send`.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import NewConnectionError

from crm_access.ratelimit import PortalBudget, QuotaSpentError
from crm_access.rates import RateNews
from reverse_etl.errors import (
    AmbiguousOutcomeError,
    AuthError,
    ConnectorError,
    QuotaExhaustedError,
    UnreachableError,
)

#: Seconds: to connect, to answer.
TIMEOUT = (5.0, 60.0)
#: Tries of one request before giving up, the first included; and how many times a 429 is waited for.
TRIES = 8
TRIES_WHEN_LIMITED = 20
#: Longest single wait, seconds.
LONGEST_WAIT = 60.0
LOCKED_WAIT = 2.0


class Answer:
    """One answer. ``body`` is the JSON in it whatever the status; ``{}`` when there is none that can be read."""

    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.content: bytes = response.content
        self.body: Any = {}
        if self.content[:1] in b'{["tfn0123456789- \r\n\t' and self.content:
            try:
                self.body = orjson.loads(self.content)
            except orjson.JSONDecodeError:
                self.body = {}

    @property
    def members(self) -> dict[str, Any]:
        """The body as an object; empty when it is something else."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def items(self) -> list[Any]:
        """The body as a list; empty when it is something else."""
        return self.body if isinstance(self.body, list) else []


class Credentials(Protocol):
    """What opens the portal. Its ``repr`` must not show it."""

    def headers(self) -> Mapping[str, str]:
        """The headers that every request carries, such as ``Authorization``. May fetch a token the first time."""
        ...

    def renew(self) -> bool:
        """Get another token after a refusal; ``False``: there is no other. Called by one thread at a time."""
        ...


class StaticToken:
    """A bearer token that is what it is until somebody changes the settings."""

    def __init__(self, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}

    def __repr__(self) -> str:
        return "StaticToken(***)"

    def headers(self) -> Mapping[str, str]:
        """``Authorization``."""
        return self._headers

    def renew(self) -> bool:
        """There is no other."""
        return False


def _no_rates(_headers: Mapping[str, str]) -> RateNews:
    return RateNews()


def _never(_answer: Answer) -> bool:
    return False


def _no_search(_path: str) -> bool:
    return False


@dataclass(frozen=True)
class VendorRules:
    """What one vendor does its own way."""

    #: The vendor's name in messages.
    name: str
    #: A refusal in the vendor's words, from any answer with a bad status.
    message: Callable[[Answer], str]
    #: What to do about a refused token; ends the sentence "... refused the token (401): ...".
    token_advice: str
    read_rates: Callable[[Mapping[str, str]], RateNews] = _no_rates
    #: Whether an answer says that the day's quota is used up (asked for 429 and 403).
    is_day_spent: Callable[[Answer], bool] = _never
    #: Whether an answer says "too many requests" in another way than by 429.
    is_limited: Callable[[Answer], bool] = _never
    #: Whether a path is counted against the vendor's limit for searches too.
    is_search: Callable[[str], bool] = _no_search


class _Signed(AuthBase):
    """Signs each request. Being the session's own, it keeps a .netrc of the machine out of it."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._credentials.headers())
        return request

    def __repr__(self) -> str:
        return "_Signed(***)"


class Transport:
    """Requests to one portal. Safe to use from several threads; shows no credentials.

    Args:
        base_url: paths are put behind it; a callable is asked each time (an address that comes with the token).
        connections: how many requests will be in flight at most.
        sleep: for tests.
    """

    def __init__(
        self,
        base_url: str | Callable[[], str],
        rules: VendorRules,
        budget: PortalBudget,
        credentials: Credentials,
        *,
        connections: int = 6,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if isinstance(base_url, str) and not base_url.startswith(("https://", "http://")):
            raise ConnectorError(f"{base_url!r} is not a base URL: it begins with https:// (or http:// for a sandbox)")
        self._base_url = base_url
        self._rules = rules
        self._budget = budget
        self._credentials = credentials
        self._sleep = sleep
        self.session = requests.Session()
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=max(connections, 1) + 1)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.session.auth = _Signed(credentials)
        self.session.headers.update({"Content-Type": "application/json", "User-Agent": "leadhouse"})
        self._requests = 0
        self._throttled = 0
        self._count_lock = threading.Lock()
        self._renew_lock = threading.Lock()
        self._renewals = 0

    def __repr__(self) -> str:
        return f"Transport({self._rules.name}, {self._base_url if isinstance(self._base_url, str) else '...'!r})"

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._requests

    @property
    def throttled(self) -> int:
        """How many of them were answered with "too many requests"."""
        return self._throttled

    def close(self) -> None:
        """Give the connections back."""
        self.session.close()

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """One request, repeated as long as the vendor says "later". Any other answer is returned, refusals included.

        Args:
            path: from the root, with its query; or a whole URL.
            body: becomes JSON. ``content`` is sent as it is instead (say its type in ``headers``).
            repeatable: whether sending twice is the same as once.

        Raises:
            AuthError, QuotaExhaustedError, UnreachableError, AmbiguousOutcomeError.
        """
        payload = content if content is not None or body is None else orjson.dumps(body)
        is_search = self._rules.is_search(path)
        trouble = "no answer"
        failures = refusals = 0
        is_renewed = False
        while failures < TRIES and refusals < TRIES_WHEN_LIMITED:
            renewals = self._renewals
            try:
                answer = self._once(method, path, payload, headers, is_search)
            except requests.RequestException as error:
                trouble = f"no answer ({type(error).__name__})"
                if not repeatable and not _carried_nothing(error):
                    raise AmbiguousOutcomeError(f"{method} {_shown(path)}: {trouble}") from None
                self._sleep(_backoff(failures))
                failures += 1
                continue
            if answer.status == 401:
                if is_renewed or not self._renew(renewals):
                    raise AuthError(
                        f"{self._rules.name} refused the token (401): {self._rules.token_advice}. "
                        "Nothing more was sent; apply again then: it goes on where it stopped"
                    )
                is_renewed = True
                continue
            if answer.status < 400:
                return answer
            if answer.status in (403, 429) and self._rules.is_day_spent(answer):
                raise QuotaExhaustedError(
                    f"the daily request quota of the {self._rules.name} portal is used up "
                    f"({self._rules.message(answer)}). Nothing more was sent; apply again tomorrow: it goes on where "
                    "it stopped"
                )
            if answer.status == 429 or self._rules.is_limited(answer):
                with self._count_lock:
                    self._throttled += 1
                self._budget.refused(_told_wait(answer) or _backoff(refusals), is_search=is_search)
                refusals += 1
            elif answer.status == 423:
                self._sleep(max(LOCKED_WAIT, _told_wait(answer) or 0.0, _backoff(failures)))
                failures += 1
            elif answer.status >= 500 or answer.status == 408:
                if not repeatable:
                    raise AmbiguousOutcomeError(
                        f"{method} {_shown(path)}: HTTP {answer.status}: {self._rules.message(answer)}"
                    )
                self._sleep(_told_wait(answer) or _backoff(failures))
                failures += 1
            else:
                return answer
            trouble = f"HTTP {answer.status}: {self._rules.message(answer)}"
        raise UnreachableError(
            f"{method} {_shown(path)}: gave up after {failures + refusals} tries, the last one: {trouble}. "
            "What was done is recorded; apply again to go on"
        )

    def _once(
        self, method: str, path: str, payload: bytes | None, headers: Mapping[str, str] | None, is_search: bool
    ) -> Answer:
        base_url = self._base_url if isinstance(self._base_url, str) else self._base_url()
        url = path if path.startswith(("https://", "http://")) else base_url.rstrip("/") + path
        try:
            taken = self._budget.take(is_search=is_search)
        except QuotaSpentError as error:
            raise QuotaExhaustedError(
                f"{self._rules.name}: {error}. Apply again tomorrow: it goes on where it stopped; or raise "
                "LEADHOUSE_DAILY_SHARE"
            ) from None
        with self._count_lock:
            self._requests += 1
        try:
            response = self.session.request(
                method, url, data=payload, headers=headers, timeout=TIMEOUT, allow_redirects=False
            )
        finally:
            self._budget.landed(taken)
        self._budget.observe(self._rules.read_rates(response.headers))
        return Answer(response)

    def _renew(self, seen: int) -> bool:
        """Another token, unless another thread has got one since this request was signed."""
        with self._renew_lock:
            if self._renewals == seen:
                if not self._credentials.renew():
                    return False
                self._renewals += 1
            return True


def _carried_nothing(error: requests.RequestException) -> bool:
    """Whether the connection was never made, so that nothing can have been carried out."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)


def _told_wait(answer: Answer) -> float | None:
    """Seconds of ``Retry-After`` (a number, or a date by the server's own clock), bounded; ``None`` when not told."""
    text = answer.headers.get("Retry-After")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
            told = answer.headers.get("Date")
            now = parsedate_to_datetime(told) if told else datetime.now(until.tzinfo)
            seconds = (until - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.05), LONGEST_WAIT)


def _backoff(attempt: int) -> float:
    """Seconds before try ``attempt`` + 2: half a second doubling to the longest wait, spread so threads part."""
    return float(min(0.5 * 2.0**attempt, LONGEST_WAIT) * random.uniform(0.75, 1.25))


def _shown(path: str) -> str:
    """A path without its query, which may hold a person's address."""
    return path.split("?")[0]
