"""Bulk jobs of an org."""

from __future__ import annotations


class Jobs:
    """Bulk jobs by id."""

    def __init__(self) -> None:
        self._made: dict[str, int] = {}

    def made(self, kind: str) -> int:
        """How many jobs of a kind (``ingest``, ``query``) were made."""
        return self._made.get(kind, 0)
