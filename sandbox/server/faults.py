"""Faults on demand: answer the next matching requests with an error, late, damaged, or not at all.

A fault is set with ``POST /sandbox/faults`` and used up request by request, so a test knows exactly which calls failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.server.errors import ApiError, missing_scopes, rate_limited, unauthenticated, validation_error

_CATEGORIES = {400: "VALIDATION_ERROR", 404: "OBJECT_NOT_FOUND", 409: "CONFLICT", 423: "LOCKED"}

_POLICIES = {
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "SECONDLY": "You have reached your secondly limit.",
    "DAILY": "You have reached your daily limit.",
}

#: What can happen to an answer, the request having been carried out (``reset``: only with ``after``).
EFFECTS = {
    "": "nothing",
    "reset": "the connection is dropped without an answer",
    "truncate": "the body ends half-way",
    "garble": "the body is a proxy's page instead of JSON",
    "untraced": "the errors of a 207 name no objectWriteTraceId",
    "short": "the first entry of results is missing",
}

_NUMBERS = {"status": 0, "times": 1, "skip": 0, "latency_ms": 0}
_FIELDS = {"method", "path", "body", "retry_after", "policy", "effect", "after", *_NUMBERS}


@dataclass
class Fault:
    """One rule: which requests (method, patterns on the canonical path and on the body), how many, and what happens.

    The first ``skip`` matching requests are let through, the next ``times`` meet the fault. ``status`` 0 answers as
    usual after ``latency_ms``, damaged as ``effect`` says; ``after`` carries the request out before it fails: then
    nobody can tell from the answer. ``retry_after`` None leaves the header out; ``policy`` is the limit a 429 names.
    """

    method: str
    path: re.Pattern[str]
    body: re.Pattern[bytes] | None
    status: int
    times: int
    skip: int
    latency_ms: int
    retry_after: int | None
    policy: str
    effect: str
    after: bool

    @classmethod
    def of(cls, wanted: Any) -> Fault:
        """Build from JSON.

        Raises:
            ApiError: 400 naming the bad field.
        """
        if not isinstance(wanted, dict):
            raise validation_error(f"A fault is an object with some of: {', '.join(sorted(_FIELDS))}")
        unknown = set(wanted) - _FIELDS
        if unknown:
            raise validation_error(f"Unknown fields in fault: {', '.join(sorted(unknown))}")
        numbers = _NUMBERS | wanted
        for key in _NUMBERS:
            if not isinstance(numbers[key], int) or numbers[key] < 0:
                raise validation_error(f"{key} must be a whole number, not {numbers[key]!r}")
        retry_after = wanted.get("retry_after")
        if retry_after is not None and not isinstance(retry_after, int):
            raise validation_error(f"retry_after must be whole seconds or null, not {retry_after!r}")
        return cls(
            method=str(wanted.get("method", "")).upper(),
            path=re.compile(_pattern(wanted, "path", ".*")),
            body=re.compile(_pattern(wanted, "body", "").encode()) if wanted.get("body") else None,
            status=numbers["status"],
            times=numbers["times"],
            skip=numbers["skip"],
            latency_ms=numbers["latency_ms"],
            retry_after=retry_after,
            policy=_one_of(wanted, "policy", _POLICIES, "TEN_SECONDLY_ROLLING"),
            effect=_one_of(wanted, "effect", EFFECTS, ""),
            after=bool(wanted.get("after", False)),
        )

    def as_json(self) -> dict[str, Any]:
        """The rule and how often it is still due."""
        return {
            "method": self.method,
            "path": self.path.pattern,
            "body": None if self.body is None else self.body.pattern.decode(),
            "status": self.status,
            "times": self.times,
            "skip": self.skip,
            "latency_ms": self.latency_ms,
            "retry_after": self.retry_after,
            "policy": self.policy,
            "effect": self.effect,
            "after": self.after,
        }

    def meets(self, method: str, path: str, body: bytes) -> bool:
        """Whether a request is one of those meant."""
        return (
            self.times > 0
            and self.method in ("", method)
            and self.path.search(path) is not None
            and (self.body is None or self.body.search(body) is not None)
        )

    def error(self) -> ApiError | None:
        """The refusal to answer with, if any."""
        if self.status == 0:
            return None
        if self.status == 429:
            return rate_limited(self.policy, _POLICIES[self.policy], self.retry_after, {})
        if self.status == 401:
            return unauthenticated(expired=True)
        if self.status == 403:
            return missing_scopes(["crm.objects.contacts.write"])
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        category = _CATEGORIES.get(self.status, "INTERNAL_ERROR" if self.status >= 500 else "VALIDATION_ERROR")
        return ApiError(self.status, category, f"Fault on demand: {self.status}", headers=headers)

    def damage(self, body: bytes) -> bytes:
        """The body of an answer after this fault's effect (``reset`` and ``truncate`` are the connection's)."""
        if self.effect == "garble":
            return b"<html><body>upstream connect error</body></html>"
        if self.effect not in ("untraced", "short"):
            return body
        shown = orjson.loads(body)
        if isinstance(shown, list):
            return orjson.dumps(shown[1:] if self.effect == "short" else shown)
        if self.effect == "short":
            shown["results"] = shown.get("results", [])[1:]
        for error in shown.get("errors", []) if self.effect == "untraced" else []:
            error.get("context", {}).pop("objectWriteTraceId", None)
            error.get("context", {}).pop("ids", None)
        return orjson.dumps(shown)


class Faults:
    """The faults now in force, in the order they were set."""

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def set(self, wanted: Any) -> list[Fault]:
        """Replace all faults by those of a request's body: one object, or a list."""
        self.active = [Fault.of(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
        return self.active

    @property
    def look_at_bodies(self) -> bool:
        """Whether a request's body has to be read to tell."""
        return any(fault.body is not None and fault.times for fault in self.active)

    def take(self, method: str, path: str, body: bytes = b"") -> Fault | None:
        """The first fault that this request meets, used up by one."""
        for fault in self.active:
            if not fault.meets(method, path, body):
                continue
            if fault.skip:
                fault.skip -= 1
                return None
            fault.times -= 1
            return fault
        return None


def _pattern(wanted: dict[str, Any], key: str, default: str) -> str:
    text = str(wanted.get(key, default))
    try:
        re.compile(text)
    except re.error as error:
        raise validation_error(f"{key} is not a regular expression: {error}") from None
    return text


def _one_of(wanted: dict[str, Any], key: str, known: dict[str, str], default: str) -> str:
    value = wanted.get(key, default)
    if value not in known:
        raise validation_error(f"{key} {value!r} is not one of {', '.join(repr(name) for name in known)}")
    return str(value)
