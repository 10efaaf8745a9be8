"""What was asked of the portal: requests by method and path, by version of the path, by status."""

from __future__ import annotations

from collections import Counter
from typing import Any

#: POSTs that only read.
_READING = ("/search", "/batch/read")


class RequestStats:
    """Counts every request to the API; the sandbox's own endpoints are not counted."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start from zero."""
        self.total = 0
        self.writes = 0
        self._by_path: Counter[str] = Counter()
        self._by_version: Counter[str] = Counter()
        self._by_status: Counter[str] = Counter()

    def count(self, method: str, path: str, version: str, status: int) -> None:
        """One answered request; ``path`` is a route's template."""
        self.total += 1
        if self.is_write(method, path):
            self.writes += 1
        self._by_path[f"{method} {path}"] += 1
        self._by_version[version] += 1
        self._by_status[str(status)] += 1

    @staticmethod
    def is_write(method: str, path: str) -> bool:
        """Whether a call changes anything."""
        return method not in ("GET", "HEAD", "OPTIONS") and not path.endswith(_READING)

    def as_json(self) -> dict[str, Any]:
        """``{"total", "writes", "by_path", "by_version", "by_status"}``."""
        return {
            "total": self.total,
            "writes": self.writes,
            "by_path": dict(sorted(self._by_path.items())),
            "by_version": dict(sorted(self._by_version.items())),
            "by_status": dict(sorted(self._by_status.items())),
        }
