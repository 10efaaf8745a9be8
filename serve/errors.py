"""What can go wrong when a page is asked for, other than a bug."""

from __future__ import annotations


class ServeError(Exception):
    """The server cannot do what it was started for. The message says what to do."""


class NotPublished(ServeError):
    """There is no snapshot to read from, or it lacks tables that pages need."""


class NotFound(Exception):
    """No such account or contact in what is published now: never known, merged into another, or erased."""
