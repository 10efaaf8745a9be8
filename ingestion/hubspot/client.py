"""HubSpot over HTTP: one rate budget, several requests in flight, retries that do as they are told.

Only reads are sent, so every request may be repeated. The token is a header of the session and appears nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import requests

from crm_access import CrmAccess
from crm_access.ratelimit import INGESTION, budget_for
from crm_access.rates import hubspot_rates
from ingestion.errors import IngestionError, ScopeMissing, SourceUnavailable, TokenRefused, UnexpectedAnswer
from ingestion.portal_client import Input, Output, PortalClient
from ingestion.portal_client import backoff as _backoff
from ingestion.portal_client import retry_after as _retry_after
from ingestion.warehouse import utc_now

ATTEMPTS = 7
TIMEOUT_SECONDS = (10.0, 60.0)


class HubSpotClient(PortalClient):
    """A portal, read-only.

    Args:
        base_url: ``https://api.hubapi.com``, or a sandbox's address.
        token: bearer token of a private app or service key.
        burst_limit: requests allowed in ``burst_seconds`` (private apps: 190 in 10 s on Professional and Enterprise).
        burst_seconds: the window of ``burst_limit``, seconds.
        requests_in_flight: how many requests wait for an answer at the same time, at most.
        state_dir: folder in which all processes of this machine that talk to the portal share its budget.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        burst_limit: int = 190,
        burst_seconds: float = 10,
        requests_in_flight: int = 6,
        state_dir: Path | None = None,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise IngestionError(f"the CRM's address {base_url!r} must begin with https:// (or http:// for a sandbox)")
        if not token.strip():
            raise TokenRefused("no HubSpot token: set it in the environment")
        self.base_url = base_url.rstrip("/")
        self._token = token.strip()
        try:
            access = CrmAccess(
                "hubspot", self.base_url, {}, burst_limit, burst_seconds, requests_in_flight, state_dir=state_dir
            )
            self._budget = budget_for(access, INGESTION)
        except ValueError as error:
            raise IngestionError(str(error)) from None
        width = max(1, requests_in_flight)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        super().__init__("hubspot", width, ahead=2 * width, headers=headers)

    def __repr__(self) -> str:
        return f"HubSpotClient({self.base_url!r})"

    def counting(self) -> CountingClient:
        """The same client, counting the requests sent through it."""
        return CountingClient(self)

    def request(
        self, count: Callable[[], None], method: str, path: str, params: Mapping[str, Any] | None, body: Any
    ) -> Any:
        """Sends one request until it succeeds or there is no point in trying again.

        Raises:
            TokenRefused: 401. ScopeMissing: 403. UnexpectedAnswer: another 4xx, or an answer that is no JSON.
            SourceUnavailable: no answer, 423, 429 or 5xx after every retry; or the daily limit is used up.
        """
        url = path if path.startswith("http") else self.base_url + path
        what = f"{method} {url.removeprefix(self.base_url).split('?')[0]}"
        last = "no answer"
        for attempt in range(1, ATTEMPTS + 1):
            if self._stopped.is_set():
                raise SourceUnavailable(f"{what}: given up, the load was stopped")
            taken = self._budget.take(is_search=path.endswith("/search"))
            count()
            try:
                with self._in_flight:
                    answer = self._connection().request(
                        method,
                        url,
                        params=dict(params) if params else None,
                        data=None if body is None else orjson.dumps(body),
                        timeout=TIMEOUT_SECONDS,
                        allow_redirects=False,
                    )
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                last = f"no answer ({type(error).__name__})"
                self._stopped.wait(_backoff(attempt))
                continue
            self._budget.landed(taken)
            self._budget.observe(hubspot_rates(answer.headers))
            self._note_time(answer)
            if answer.status_code in (200, 201, 207):
                return _decoded(answer, what)
            last = f"status {answer.status_code}: {_message(answer)}"
            self._refuse_or_wait(answer, what, attempt)
        raise SourceUnavailable(f"{what} at {self.base_url} failed {ATTEMPTS} times; last: {last}. Try again later")

    def _refuse_or_wait(self, answer: requests.Response, what: str, attempt: int) -> None:
        status = answer.status_code
        if status == 401:
            raise TokenRefused(
                f"{self.base_url} refused the token (401: {_message(answer)}). Set a valid HubSpot token in the "
                "environment; the one in use is wrong, expired or revoked"
            )
        if status == 403:
            raise ScopeMissing(
                f"{what}: the token is valid but may not read this (403: {_message(answer)}). Add the scope to the app"
            )
        if status == 429:
            policy = str(_json(answer).get("policyName") or "")
            if "DAILY" in policy.upper():
                raise SourceUnavailable(f"{what}: the portal's daily request limit is used up; run again tomorrow")
            pause = _retry_after(answer) or (1.0 if "SECOND" in policy.upper() else 2.0 * attempt)
            self._budget.refused(pause, is_search=what.endswith("/search"))
        elif status == 423:
            self._stopped.wait(max(2.0, _retry_after(answer) or 0.0, _backoff(attempt)))
        elif status >= 500 or status == 408:
            self._stopped.wait(_retry_after(answer) or _backoff(attempt))
        else:
            raise UnexpectedAnswer(f"{what}: refused with status {status}: {_message(answer)}")


class CountingClient:
    """A client that counts its requests (retries included); the limits are those of the portal, shared."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.requests = 0

    def _count(self) -> None:
        with self._lock:
            self.requests += 1

    @property
    def server_time(self) -> datetime:
        """The server's time (UTC, without a zone) when it first answered; ours if it has not yet."""
        return self._client.server_time or utc_now()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """GET; the decoded JSON object."""
        return _object(self._client.request(self._count, "GET", path, params, None), path)

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST of a reading endpoint (search, batch read); the decoded JSON object."""
        return _object(self._client.request(self._count, "POST", path, None, body), path)

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Follows ``paging.next.after`` and yields each page's ``results``."""
        query = dict(params)
        while True:
            page = self.get(path, query)
            yield page.get("results") or []
            after = ((page.get("paging") or {}).get("next") or {}).get("after")
            if after is None:
                return
            query["after"] = after

    def map(self, work: Callable[[Input], Output], inputs: Iterable[Input]) -> Iterator[Output]:
        """See ``HubSpotClient.map``."""
        return self._client.map(work, inputs)


def _json(answer: requests.Response) -> Mapping[str, Any]:
    try:
        value = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _message(answer: requests.Response) -> str:
    body = _json(answer)
    words = str(body.get("message") or answer.reason or "no message")[:300]
    correlation = body.get("correlationId")
    return f"{words} (correlation id {correlation})" if correlation else words


def _decoded(answer: requests.Response, what: str) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise UnexpectedAnswer(f"{what}: the answer is not JSON ({error}); is this address HubSpot's?") from error


def _object(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnexpectedAnswer(f"{path}: an object was expected, got {type(value).__name__}")
    return value
