"""One Salesforce org over REST: who we are, queries, descriptions, what a refused request means.

The session (token, the org's address) is :mod:`crm_access.salesforce`, shared with ingestion; waiting and repeating is
:mod:`reverse_etl.connectors.transport`. Paths here are below the org's versioned root.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from crm_access import CrmAccess
from crm_access.ratelimit import budget_for
from crm_access.rates import salesforce_rates
from crm_access.salesforce import (
    DATA_PATH,
    CredentialsRefused,
    SalesforceAuthError,
    SalesforceSession,
    Token,
    session_for,
)
from reverse_etl.connectors.salesforce_errors import Refusal, read_errors
from reverse_etl.connectors.salesforce_values import soql_text
from reverse_etl.connectors.transport import Answer, Transport, VendorRules
from reverse_etl.errors import AuthError, ConnectorError, PermissionDeniedError, UnreachableError


def refusal_of(answer: Answer) -> Refusal:
    """What a refused request says, from whatever shape its body has."""
    errors = answer.items or ([answer.members] if answer.members else [])
    return read_errors(errors) if errors else Refusal("UNKNOWN_EXCEPTION", f"HTTP {answer.status}")


def _is_spent(answer: Answer) -> bool:
    # The same code is used for too many long requests at once, which pass.
    refusal = refusal_of(answer)
    return refusal.code == "REQUEST_LIMIT_EXCEEDED" and "oncurrent" not in refusal.message


def _is_limited(answer: Answer) -> bool:
    return refusal_of(answer).code == "REQUEST_LIMIT_EXCEEDED" and not _is_spent(answer)


RULES = VendorRules(
    name="Salesforce",
    message=lambda answer: refusal_of(answer).text,
    token_advice="check the credentials of the External Client App and its user (LEADHOUSE_SALESFORCE_...)",
    read_rates=salesforce_rates,
    is_day_spent=_is_spent,
    is_limited=_is_limited,
)


class _SessionCredentials:
    """The session's token as the transport wants it."""

    def __init__(self, session: SalesforceSession) -> None:
        self._session = session
        self._used: Token | None = None

    def __repr__(self) -> str:
        return f"_SessionCredentials({self._session!r})"

    def headers(self) -> Mapping[str, str]:
        self._used = self._session.token()
        return self._session.headers(self._used)

    def renew(self) -> bool:
        self._session.renew(self._used or self._session.token())
        return True


class SalesforceApi:
    """Requests to one org. Safe to use from several threads; shows no credentials."""

    def __init__(self, access: CrmAccess, *, sleep: Callable[[float], None] = time.sleep) -> None:
        try:
            self._session = session_for(access)
        except SalesforceAuthError as error:
            raise AuthError(str(error)) from None
        self.sleep = sleep
        self._transport = Transport(
            lambda: self._session.instance_url,
            RULES,
            budget_for(access),
            _SessionCredentials(self._session),
            connections=access.requests_in_flight,
            sleep=sleep,
        )
        self._described: dict[str, dict[str, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"SalesforceApi({self._session!r})"

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included (the token's are not counted: they cost no quota)."""
        return self._transport.requests

    @property
    def throttled(self) -> int:
        """How many of them were answered with "too many requests"."""
        return self._transport.throttled

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """One request below the versioned root (or, beginning with ``/services``, below the org's); see
        :meth:`Transport.send`."""
        root = "" if path.startswith("/services/") else DATA_PATH
        try:
            return self._transport.send(method, root + path, body, **options)
        except CredentialsRefused as error:
            raise AuthError(str(error)) from None
        except SalesforceAuthError as error:
            raise UnreachableError(str(error)) from None

    def ok(self, answer: Answer, what: str) -> Answer:
        """The answer, when it is none of refusal.

        Raises:
            PermissionDeniedError: the user lacks a permission.
            ConnectorError: anything else.
        """
        if answer.status < 400:
            return answer
        refusal = refusal_of(answer)
        if answer.status == 403 or refusal.kind == "permission":
            raise PermissionDeniedError(f"cannot {what}: {refusal.text}")
        raise ConnectorError(f"cannot {what}: Salesforce answered {answer.status}: {refusal.text}")

    def query(self, soql: str, what: str, *, tooling: bool = False) -> Iterator[dict[str, Any]]:
        """The records of a query, page after page."""
        path: str | None = f"{'/tooling' if tooling else ''}/query?q={quote(soql, safe='')}"
        while path:
            page = self.ok(self.send("GET", path), what).members
            yield from page.get("records") or ()
            path = page.get("nextRecordsUrl")

    def fields(self, sobject: str) -> dict[str, dict[str, Any]]:
        """The object's fields that our user may see, by name: the ``fields`` of its description. Read once."""
        with self._lock:
            if sobject not in self._described:
                answer = self.ok(self.send("GET", f"/sobjects/{sobject}/describe"), f"read what {sobject} has")
                self._described[sobject] = {field["name"]: field for field in answer.members.get("fields", [])}
            return self._described[sobject]

    def forget_fields(self, sobject: str) -> None:
        """Read the object's fields again the next time: some were made, or granted."""
        with self._lock:
            self._described.pop(sobject, None)

    def user_id(self) -> str:
        """The id of the user that we are."""
        return str(self.ok(self.send("GET", "/services/oauth2/userinfo"), "ask who we are").members["user_id"])

    def find_one(self, sobject: str, conditions: Mapping[str, str], what: str) -> str | None:
        """The id of the oldest record with these text values."""
        where = " AND ".join(f"{name} = {soql_text(value)}" for name, value in conditions.items())
        records = list(self.query(f"SELECT Id FROM {sobject} WHERE {where} ORDER BY Id LIMIT 1", what))
        return str(records[0]["Id"]) if records else None

    def collection(
        self,
        method: str,
        records: Sequence[Mapping[str, Any]],
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """One sObject Collections request: at most 200 records, each taken or refused by itself."""
        body = {"allOrNone": False, "records": list(records)}
        return self.send(method, "/composite/sobjects", body, headers=headers, repeatable=repeatable)
