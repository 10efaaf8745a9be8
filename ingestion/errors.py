"""What can go wrong on the way in. Every message says what was refused, where, why and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from ingestion.results import LoadResult


class IngestionError(Exception):
    """Base of every error a loader raises on purpose: its text is meant for the person who runs it."""


class TokenRefused(IngestionError):
    """The CRM answered 401: the token is wrong, expired or was revoked. The token itself is never in the message."""


class ScopeMissing(IngestionError):
    """The CRM answered 403: the token is valid but lacks a scope."""


class SourceUnavailable(IngestionError):
    """The CRM could not be reached, or kept failing after every retry."""


class UnexpectedAnswer(IngestionError):
    """The CRM answered something that its API does not document."""


class FileRefused(IngestionError):
    """A whole file cannot be loaded now (half-written, unreadable, a header that lacks a column).

    Nothing of the file has been loaded; it is tried again on the next run.
    """

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class MappingError(IngestionError):
    """A mapping file is wrong: names the file, the entity, the key, the rule and what to write instead."""


class LoadIncomplete(IngestionError):
    """Some parts of a source failed while others were loaded and kept.

    ``results`` holds what was loaded, ``problems`` one sentence for each part that failed.
    """

    def __init__(self, source: str, problems: Sequence[str], results: Sequence[LoadResult] = ()) -> None:
        super().__init__(f"{source}: {len(problems)} part(s) not loaded, the others were. " + " | ".join(problems))
        self.source = source
        self.problems = tuple(problems)
        self.results = list(results)


class RecordRefused(Exception):
    """One record cannot be taken; it goes to the quarantine with these words, never to the bin.

    Args:
        field: the field that breaks the rule, empty when it is the record as a whole.
        reason_code: short stable code, the same for every record that breaks the same rule.
        reason: the rule and the value, in words.
    """

    def __init__(self, field: str, reason_code: str, reason: str) -> None:
        super().__init__(f"{field}: {reason} [{reason_code}]")
        self.field = field
        self.reason_code = reason_code
        self.reason = reason
