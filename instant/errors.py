"""What can go wrong in the instant path. Every message says what, where, and what to do about it."""

from __future__ import annotations


class InstantError(Exception):
    """Base of every error that this package raises on purpose."""


class InboxError(InstantError):
    """The inbox's URL is wrong, or its database cannot be opened."""


class InboxUnavailable(InstantError):
    """Nothing was kept: the database refused (full, locked, gone) or more is waiting than may wait. Send it again."""


class KeyRefused(InstantError):
    """A write key cannot be made or revoked: the name is taken, malformed or unknown."""
