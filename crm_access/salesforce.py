"""A session with a Salesforce org: a token, where the org answers, and how much of the day's requests is used.

The session only knows who we are; it sends nothing but the token request. Ingestion and the write-back connector send
their own requests with ``headers(token)`` to ``instance_url`` and tell the session what came back: a 401 through
``renew``, an answer's headers through ``observe``. So both share one token and one view of the daily quota.

Flows: client credentials (``client_id``, ``client_secret``), or JWT bearer (``client_id``, ``username``,
``private_key``: the PEM text of the RSA key whose certificate the External Client App holds).
Source: Salesforce Help, "OAuth 2.0 Client Credentials Flow", "OAuth 2.0 JWT Bearer Flow".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from crm_access.access import CrmAccess
from crm_access.rates import salesforce_rates

#: Winter '27, the current version; Salesforce keeps a version for three years at least.
API_VERSION = "v68.0"
#: The path under which the org's REST resources lie.
DATA_PATH = f"/services/data/{API_VERSION}"

#: An assertion is good for this long; Salesforce refuses one that lives longer than five minutes.
_ASSERTION_SECONDS = 180
_TIMEOUT_SECONDS = (10.0, 30.0)
_ATTEMPTS = 4
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

#: What to do about the token endpoint's refusals, by ``error`` and a part of ``error_description``.
_ADVICE: tuple[tuple[str, str, str], ...] = (
    ("invalid_client_id", "", "The consumer key (LEADHOUSE_SALESFORCE_CLIENT_ID) is not of an app of this org."),
    ("invalid_client", "", "Check LEADHOUSE_SALESFORCE_CLIENT_ID and LEADHOUSE_SALESFORCE_CLIENT_SECRET."),
    ("invalid_grant", "client credentials", "Name a Run As user in the app's policies of the client credentials flow."),
    ("invalid_grant", "request not supported", "Client credentials need the org's own address (https://"
     "NAME.my.salesforce.com) as LEADHOUSE_SALESFORCE_LOGIN_URL, not login.salesforce.com."),
    ("invalid_grant", "approved", "Permit the integration user in the app's policies (pre-authorised by permission "
     "set)."),
    ("invalid_grant", "audience", "LEADHOUSE_SALESFORCE_LOGIN_URL is of another kind of org (production: "
     "login.salesforce.com, sandboxes: test.salesforce.com)."),
    ("invalid_grant", "inactive", "The integration user is inactive."),
    ("invalid_grant", "", "Check LEADHOUSE_SALESFORCE_USERNAME, that the private key belongs to the certificate of the "
     "app, and that this machine's clock is right."),
    ("inactive_user", "", "The integration user is inactive."),
    ("inactive_org", "", "The org is locked, closed or suspended."),
    ("unsupported_grant_type", "", "Enable the flow (client credentials or JWT bearer) in the app's settings."),
    ("unauthorized_client", "", "The app may not use this flow: enable it in the app's settings."),
)  # fmt: skip


class SalesforceAuthError(Exception):
    """No session can be had. The message names the login host and what to do; no secret is in it."""


class CredentialsRefused(SalesforceAuthError):
    """The login host refused the credentials, or they cannot be used as they are."""


class LoginUnavailable(SalesforceAuthError):
    """The login host did not answer, or not in a way that is documented."""


@dataclass(frozen=True)
class Token:
    """One access token and the address it is good for. ``number`` counts the tokens of this session from 1."""

    value: str = field(repr=False)
    instance_url: str
    number: int


@dataclass(frozen=True)
class ApiUsage:
    """Requests the org has used in the last 24 hours, of all it has: every application's together."""

    used: int
    limit: int

    @property
    def remaining_share(self) -> float:
        """What is left, as a share of the whole; 0 when nothing is left or the org has none."""
        return max(0.0, 1 - self.used / self.limit) if self.limit > 0 else 0.0


class SalesforceSession:
    """One org, one user. Any number of threads may use it.

    Args:
        access: ``base_url`` is the login host; credentials as the module says.
        now: epoch seconds (for tests).
        sleep: waits between attempts (for tests).

    Raises:
        CredentialsRefused: the credentials are incomplete.
    """

    def __init__(
        self,
        access: CrmAccess,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._login_url = access.base_url.rstrip("/")
        self._credentials = dict(access.credentials)
        self._now = now
        self._sleep = sleep
        self._token: Token | None = None
        self._tokens = 0
        self._lock = threading.Lock()
        self._usage: ApiUsage | None = None
        if not self._login_url.startswith(("http://", "https://")):
            raise CredentialsRefused(f"the login address {self._login_url!r} must begin with https://")
        if not self._credentials.get("client_id"):
            raise CredentialsRefused(f"no consumer key for {self._login_url}: set LEADHOUSE_SALESFORCE_CLIENT_ID")
        if not self._uses_jwt and not self._credentials.get("client_secret"):
            raise CredentialsRefused(
                f"no credentials for {self._login_url}: set LEADHOUSE_SALESFORCE_CLIENT_SECRET, or "
                "LEADHOUSE_SALESFORCE_USERNAME and LEADHOUSE_SALESFORCE_PRIVATE_KEY (or _FILE)"
            )

    def __repr__(self) -> str:
        return f"SalesforceSession({self._login_url!r})"

    @property
    def _uses_jwt(self) -> bool:
        return bool(self._credentials.get("username") and self._credentials.get("private_key"))

    @property
    def instance_url(self) -> str:
        """Where the org's requests go, without a slash at the end; asks for a token if there is none yet."""
        return self.token().instance_url

    @property
    def usage(self) -> ApiUsage | None:
        """The newest ``api-usage`` that an answer told; None before the first."""
        return self._usage

    def token(self) -> Token:
        """The token in use; the first call asks for it.

        Raises:
            CredentialsRefused, LoginUnavailable: see the classes.
        """
        with self._lock:
            if self._token is None:
                self._token = self._login()
            return self._token

    def renew(self, refused: Token) -> Token:
        """A newer token than the one an answer refused (401, ``INVALID_SESSION_ID``).

        Threads whose requests were refused together get one new token between them. A caller renews once for a
        request; a second refusal means that the user may not use the API.

        Raises:
            CredentialsRefused, LoginUnavailable: see the classes.
        """
        with self._lock:
            if self._token is None or self._token.number <= refused.number:
                self._token = None
                self._token = self._login()
            return self._token

    def headers(self, token: Token | None = None) -> dict[str, str]:
        """The header that opens the org."""
        return {"Authorization": f"Bearer {(token or self.token()).value}"}

    def observe(self, headers: Mapping[str, str]) -> ApiUsage | None:
        """Takes over what an answer says about the daily quota. Absent or unreadable headers change nothing."""
        usage = api_usage(headers)
        if usage is not None:
            self._usage = usage
        return usage

    def _login(self) -> Token:
        url = f"{self._login_url}/services/oauth2/token"
        last = "no answer"
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(0.5 * 2**attempt)
            try:
                answer = self._post(url)
            except requests.RequestException as error:
                # The error's own words may hold the request's body; its kind says enough.
                last = type(error).__name__
                continue
            if answer.status_code == 200:
                return self._token_of(answer)
            if answer.status_code == 429 or answer.status_code >= 500:
                last = f"status {answer.status_code}"
                continue
            raise CredentialsRefused(self._refusal(answer))
        raise LoginUnavailable(f"{self._login_url} gave no token after {_ATTEMPTS} attempts ({last}). Try again later")

    def _post(self, url: str) -> requests.Response:
        with requests.Session() as http:
            # Neither .netrc nor a proxy's variables: the former would put other credentials in.
            http.trust_env = False
            return http.post(
                url,
                data=self._grant(),
                headers={"Accept": "application/json", "User-Agent": "leadhouse"},
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )

    def _grant(self) -> dict[str, str]:
        if not self._uses_jwt:
            return {
                "grant_type": "client_credentials",
                "client_id": self._credentials["client_id"],
                "client_secret": self._credentials["client_secret"],
            }
        claims = {
            "iss": self._credentials["client_id"],
            "sub": self._credentials["username"],
            "aud": audience(self._login_url),
            "exp": int(self._now()) + _ASSERTION_SECONDS,
        }
        try:
            assertion = jwt.encode(claims, self._credentials["private_key"], algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            # The library's words may quote the key.
            raise CredentialsRefused(
                "LEADHOUSE_SALESFORCE_PRIVATE_KEY (or the file that ..._FILE names) is not an RSA private key in PEM "
                "form without a passphrase"
            ) from None
        return {"grant_type": _JWT_GRANT, "assertion": assertion}

    def _token_of(self, answer: requests.Response) -> Token:
        body = _object(answer)
        value, instance_url = body.get("access_token"), body.get("instance_url")
        if not isinstance(value, str) or not value or not isinstance(instance_url, str):
            raise LoginUnavailable(
                f"{self._login_url} answered without a token and an instance_url; is this Salesforce's address?"
            )
        if self._login_url.startswith("https://") and not instance_url.startswith("https://"):
            raise LoginUnavailable(f"{self._login_url} names {instance_url} as the org's address, which is not https")
        self._tokens += 1
        return Token(value, instance_url.rstrip("/"), self._tokens)

    def _refusal(self, answer: requests.Response) -> str:
        body = _object(answer)
        error, description = str(body.get("error") or ""), str(body.get("error_description") or "")
        told = ": ".join(part for part in (error, description) if part) or f"status {answer.status_code}"
        for secret in ("client_secret", "private_key"):
            if self._credentials.get(secret):
                told = told.replace(self._credentials[secret], "***")
        advice = next(
            (words for code, part, words in _ADVICE if code == error and part in description.lower()),
            "Check LEADHOUSE_SALESFORCE_LOGIN_URL and the credentials.",
        )
        return f"{self._login_url} gave no token ({told[:300]}). {advice}"


def audience(login_url: str) -> str:
    """Whom an assertion is for: the login host; for an org's own address, the login host of its kind."""
    parts = urlsplit(login_url)
    host = (parts.hostname or "").lower()
    if host.endswith(".sandbox.my.salesforce.com"):
        return "https://test.salesforce.com"
    if host.endswith(".my.salesforce.com"):
        return "https://login.salesforce.com"
    return f"{parts.scheme}://{parts.netloc}"


def api_usage(headers: Mapping[str, str]) -> ApiUsage | None:
    """``Sforce-Limit-Info`` of an answer; None when it is absent or unreadable."""
    news = salesforce_rates(headers)
    if news.daily_limit is None or news.daily_used is None:
        return None
    return ApiUsage(int(news.daily_used), int(news.daily_limit))


_sessions: dict[tuple[object, ...], SalesforceSession] = {}
_sessions_lock = threading.Lock()


def session_for(access: CrmAccess) -> SalesforceSession:
    """This process's session with an org: reader and writer share one token."""
    key = (access.base_url.rstrip("/"), *sorted(access.credentials.items()))
    with _sessions_lock:
        if key not in _sessions:
            _sessions[key] = SalesforceSession(access)
        return _sessions[key]


def _object(answer: requests.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, Mapping) else {}
