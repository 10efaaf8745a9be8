"""What can go wrong in the matcher. Messages name the file, the key, the rule and what to do."""

from __future__ import annotations


class IdentityError(Exception):
    """Base of every error the matcher raises on purpose: its text is meant for the person who runs it."""


class SpecError(IdentityError):
    """A matching rule file cannot be used: a wrong key, an unknown column, a level that does not exist."""


class TrainingError(IdentityError):
    """The trained numbers are missing, do not fit the rule file, or cannot be learned from the records given."""
