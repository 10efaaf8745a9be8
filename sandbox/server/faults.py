"""Faults on demand: answer the next matching requests with an error, late, or not at all.

A fault is set with ``POST /sandbox/faults`` and used up request by request, so a test knows exactly which calls failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.server.errors import ApiError, rate_limited, unauthenticated, validation_error

_CATEGORIES = {400: "VALIDATION_ERROR", 403: "MISSING_SCOPES", 409: "CONFLICT", 423: "LOCKED"}


@dataclass
class Fault:
    """One rule: which requests (method, pattern on the canonical path), how many, and what happens to them.

    ``status`` 0 lets the request through after ``latency_ms``; ``retry_after`` None leaves the header out.
    """

    method: str
    path: re.Pattern[str]
    status: int
    times: int
    latency_ms: int
    retry_after: int | None

    @classmethod
    def of(cls, wanted: Any) -> Fault:
        """Build from JSON.

        Raises:
            ApiError: 400 naming the bad field.
        """
        if not isinstance(wanted, dict):
            raise validation_error("A fault is an object: method, path, status, times, latency_ms, retry_after")
        unknown = set(wanted) - {"method", "path", "status", "times", "latency_ms", "retry_after"}
        if unknown:
            raise validation_error(f"Unknown fields in fault: {', '.join(sorted(unknown))}")
        try:
            path = re.compile(str(wanted.get("path", ".*")))
        except re.error as error:
            raise validation_error(f"path is not a regular expression: {error}") from None
        numbers = {"status": 0, "times": 1, "latency_ms": 0} | wanted
        for key in ("status", "times", "latency_ms"):
            if not isinstance(numbers[key], int) or numbers[key] < 0:
                raise validation_error(f"{key} must be a whole number, not {numbers[key]!r}")
        retry_after = wanted.get("retry_after")
        if retry_after is not None and not isinstance(retry_after, int):
            raise validation_error(f"retry_after must be whole seconds or null, not {retry_after!r}")
        method = str(wanted.get("method", "")).upper()
        return cls(method, path, numbers["status"], numbers["times"], numbers["latency_ms"], retry_after)

    def as_json(self) -> dict[str, Any]:
        """The rule and how often it is still due."""
        return {
            "method": self.method,
            "path": self.path.pattern,
            "status": self.status,
            "times": self.times,
            "latency_ms": self.latency_ms,
            "retry_after": self.retry_after,
        }

    def error(self) -> ApiError | None:
        """The refusal to answer with, if any."""
        if self.status == 0:
            return None
        if self.status == 429:
            return rate_limited(
                "TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.", self.retry_after, {}
            )
        if self.status == 401:
            return unauthenticated(expired=True)
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        category = _CATEGORIES.get(self.status, "INTERNAL_ERROR" if self.status >= 500 else "VALIDATION_ERROR")
        return ApiError(self.status, category, f"Fault on demand: {self.status}", headers=headers)


class Faults:
    """The faults now in force, in the order they were set."""

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def set(self, wanted: Any) -> list[Fault]:
        """Replace all faults by those of a request's body: one object, or a list."""
        self.active = [Fault.of(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
        return self.active

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that this request meets, used up by one."""
        for fault in self.active:
            if fault.times and fault.method in ("", method) and fault.path.search(path):
                fault.times -= 1
                return fault
        return None
