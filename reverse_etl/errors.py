"""What can go wrong in the write-back, each with a message that says what to do next."""

from __future__ import annotations


class WritebackError(Exception):
    """Base of every error this package raises on purpose. The message is meant for the person who runs it."""


class ManifestError(WritebackError):
    """A ``config.meta.sync`` or ``config.meta.list`` block is wrong. Names the model, the file and the key."""


class PlanError(WritebackError):
    """A plan cannot be made, or is not in the store."""


class StalePlanError(WritebackError):
    """The plan is too old to apply: it expired, or the snapshot or the ledger moved on."""


class GuardTrippedError(WritebackError):
    """The plan would change more than its guards allow, and nobody approved it."""


class ApplyBusyError(WritebackError):
    """Another apply of the same sync is running."""


class StoreError(WritebackError):
    """The operational store cannot be used as asked."""


class ConnectorError(WritebackError):
    """The CRM refused something that concerns the whole sync, not one record."""


class AuthError(ConnectorError):
    """The CRM refused the token (401). Nothing more is sent."""


class PermissionDeniedError(ConnectorError):
    """The token lacks a scope (403)."""


class QuotaExhaustedError(ConnectorError):
    """The portal's daily quota is used up. Nothing more is sent today."""


class UnreachableError(ConnectorError):
    """The CRM did not answer, or kept failing, for longer than we retry."""


class AmbiguousOutcomeError(ConnectorError):
    """A request that must not be repeated blindly (a create) got no usable answer: it may or may not have happened."""
