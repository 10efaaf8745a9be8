"""Salesforce over HTTP: one request budget, several requests in flight, retries that do as they are told.

Only reads are sent (a query job of the Bulk API changes no record), so every request may be repeated. Errors of
Salesforce are a list of ``{errorCode, message}``; which of them may pass by themselves is told here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import requests

from crm_access import CrmAccess
from crm_access.ratelimit import INGESTION, budget_for
from crm_access.rates import salesforce_rates
from crm_access.salesforce import DATA_PATH, CredentialsRefused, LoginUnavailable, SalesforceSession, session_for
from ingestion.errors import IngestionError, ScopeMissing, SourceUnavailable, TokenRefused, UnexpectedAnswer
from ingestion.portal_client import Input, Output, PortalClient
from ingestion.portal_client import backoff as _backoff
from ingestion.portal_client import retry_after as _retry_after

ATTEMPTS = 7
TIMEOUT_SECONDS = (10.0, 125.0)
#: Pages of a query carry up to 2,000 records (fewer when they are wide): the most there is.
QUERY_OPTIONS = {"Sforce-Query-Options": "batchSize=2000"}

#: Codes of an object or field that this org, or this user, does not have.
_UNKNOWN = {"NOT_FOUND", "INVALID_TYPE", "INVALID_TYPE_FOR_OPERATION"}
_FORBIDDEN = {"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "FUNCTIONALITY_NOT_ENABLED"}


class NoSuchObject(IngestionError):
    """The org has no such object, or hides it from the user."""


class CursorExpired(IngestionError):
    """The rest of a query's rows is no longer to be had at its address (``INVALID_QUERY_LOCATOR``)."""


class QueryTimedOut(IngestionError):
    """Salesforce gave up on a query (``QUERY_TIMEOUT``): it is too large for this way of asking."""


class Refused(UnexpectedAnswer):
    """A request Salesforce does not take. ``code`` is its ``errorCode``."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SalesforceClient(PortalClient):
    """An org, read-only.

    Args:
        access: the login host and the credentials.
        reserve: share of the org's daily requests that is left to others: when less remains, nothing more is sent.
    """

    def __init__(self, access: CrmAccess, *, reserve: float = 0.1) -> None:
        try:
            self.session: SalesforceSession = session_for(access)
        except CredentialsRefused as error:
            raise TokenRefused(str(error)) from None
        self._reserve = reserve
        self._budget = budget_for(access, INGESTION)
        width = max(1, access.requests_in_flight)
        super().__init__("salesforce", width, ahead=width, headers={})

    def __repr__(self) -> str:
        return f"SalesforceClient({self.session!r})"

    def counting(self) -> CountingClient:
        """The same client, counting the requests sent through it."""
        return CountingClient(self)

    def wait(self, seconds: float) -> None:
        """Waits, unless the client is closed meanwhile.

        Raises:
            SourceUnavailable: it was closed.
        """
        if self._stopped.wait(seconds):
            raise SourceUnavailable("given up, the load was stopped")

    def request(
        self,
        count: Callable[[], None],
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Sends one request until it succeeds or there is no point in trying again. ``path`` starts with a slash.

        Raises:
            TokenRefused: 401 although the token is new, or no token can be had. ScopeMissing: 403.
            SourceUnavailable: no answer, 429 or 5xx after every retry; or no more requests may be sent today.
            NoSuchObject, CursorExpired, QueryTimedOut: see the classes. Refused: any other 4xx.
        """
        what = f"{method} {path.split('?')[0].removeprefix(DATA_PATH)}"
        last = "no answer"
        renewed = False
        attempt = 0
        while attempt < ATTEMPTS:
            if self._stopped.is_set():
                raise SourceUnavailable(f"{what}: given up, the load was stopped")
            self._mind_quota()
            token = self._logged_in(self.session.token)
            taken = self._budget.take()
            count()
            try:
                with self._in_flight:
                    answer = self._connection().request(
                        method,
                        token.instance_url + path,
                        params=dict(params) if params else None,
                        json=body,
                        headers={**self.session.headers(token), **(headers or {})},
                        timeout=TIMEOUT_SECONDS,
                        allow_redirects=False,
                    )
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                last = f"no answer ({type(error).__name__})"
                attempt += 1
                self._stopped.wait(_backoff(attempt))
                continue
            finally:
                self._budget.landed(taken)
            self._budget.observe(salesforce_rates(answer.headers))
            self.session.observe(answer.headers)
            self._note_time(answer)
            if answer.status_code < 300:
                return answer
            code, message = _error(answer)
            if answer.status_code == 401 and not renewed:
                # Tokens end while a load runs; a new one does not count as an attempt.
                renewed = True
                self._logged_in(lambda: self.session.renew(token))  # noqa: B023 (called at once)
                continue
            attempt += 1
            last = f"status {answer.status_code}: {message}"
            self._refuse_or_wait(answer, what, code, message, attempt)
        raise SourceUnavailable(f"{what} at {self.session!r} failed {ATTEMPTS} times; last: {last}. Try again later")

    def _mind_quota(self) -> None:
        usage = self.session.usage
        if usage is not None and usage.limit > 0 and usage.remaining_share < self._reserve:
            raise SourceUnavailable(
                f"{self.session!r}: {usage.used:,} of the org's {usage.limit:,} requests of the last 24 hours are "
                f"used, and {self._reserve:.0%} is kept for others (LEADHOUSE_SALESFORCE_RESERVE). Groups that "
                "were finished are loaded; run again when the day's requests have come back"
            )

    def _logged_in(self, ask: Callable[[], Output]) -> Output:
        try:
            return ask()
        except CredentialsRefused as error:
            raise TokenRefused(str(error)) from None
        except LoginUnavailable as error:
            raise SourceUnavailable(str(error)) from None

    def _refuse_or_wait(self, answer: requests.Response, what: str, code: str, message: str, attempt: int) -> None:
        status = answer.status_code
        if status == 401:
            raise TokenRefused(
                f"{what}: Salesforce refused a token it has just given ({message}). Give the integration user the "
                "permission API Enabled, and look at its login hours and IP ranges"
            )
        if code == "QUERY_TIMEOUT":
            raise QueryTimedOut(f"{what}: {message}")
        if code == "INVALID_QUERY_LOCATOR":
            raise CursorExpired(f"{what}: {message}")
        if code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" not in message.lower():
            raise SourceUnavailable(f"{what}: the org's daily request limit is used up ({message}); run again later")
        if status in (408, 423, 429) or status >= 500 or code in ("REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE"):
            pause = _retry_after(answer) or _backoff(attempt)
            if status == 429:
                self._budget.refused(pause)
            self._stopped.wait(pause)
            return
        if code in _UNKNOWN or status == 404:
            raise NoSuchObject(f"{what}: {message}")
        if status == 403 or code in _FORBIDDEN:
            raise ScopeMissing(
                f"{what}: the integration user may not read this ({code or status}: {message}). Grant it in the "
                "user's permission set (docs/salesforce.md)"
            )
        raise Refused(f"{what}: refused with status {status}, {code}: {message}", code)


class CountingClient:
    """A client that counts its requests (retries included); the limits are those of the org, shared."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.requests = 0

    def _count(self) -> None:
        with self._lock:
            self.requests += 1

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """GET; the decoded JSON object. Numbers with a fraction stay the text they came as."""
        answer = self._client.request(self._count, "GET", path, params=params, headers=QUERY_OPTIONS)
        return _object(answer, path)

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """POST; the decoded JSON object."""
        return _object(self._client.request(self._count, "POST", path, body=body), path)

    def delete(self, path: str) -> None:
        """DELETE; an answer without content."""
        self._client.request(self._count, "DELETE", path)

    def csv(self, path: str, params: Mapping[str, Any] | None = None) -> tuple[bytes, Mapping[str, str]]:
        """GET of CSV: the bytes and the answer's headers."""
        answer = self._client.request(self._count, "GET", path, params=params, headers={"Accept": "text/csv"})
        return answer.content, answer.headers

    def map(self, work: Callable[[Input], Output], inputs: Iterable[Input]) -> Iterator[Output]:
        """See ``SalesforceClient.map``."""
        return self._client.map(work, inputs)

    def wait(self, seconds: float) -> None:
        """See ``SalesforceClient.wait``."""
        self._client.wait(seconds)


def _error(answer: requests.Response) -> tuple[str, str]:
    """The first error's code and message."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, Mapping):
        return "", str(answer.reason or "no message")
    code = str(first.get("errorCode") or first.get("error") or "")
    return code, str(first.get("message") or first.get("error_description") or answer.reason or "no message")[:300]


def _object(answer: requests.Response, path: str) -> Mapping[str, Any]:
    try:
        value = json.loads(answer.content, parse_float=str)
    except ValueError as error:
        raise UnexpectedAnswer(
            f"{path.split('?')[0]}: the answer is not JSON ({error}); is this address Salesforce's?"
        ) from error
    if not isinstance(value, Mapping):
        raise UnexpectedAnswer(f"{path.split('?')[0]}: an object was expected, got {type(value).__name__}")
    return value
