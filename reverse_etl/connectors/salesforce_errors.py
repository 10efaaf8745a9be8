"""What Salesforce says when it refuses a record, and what kind of refusal that is.

Three shapes carry the same status codes: an item of an sObject Collections answer (``statusCode``), the body of a whole
request that was refused (``errorCode``) and the ``sf__Error`` column of a Bulk 2.0 result
(``CODE:message:field, field --``). All three become a :class:`Refusal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: Codes that pass by themselves: another transaction holds the row, or Salesforce took on too much.
PASSING = frozenset({"UNABLE_TO_LOCK_ROW", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "SERVER_UNAVAILABLE", "UNPROCESSED"})
CONVERTED = "CANNOT_UPDATE_CONVERTED_LEAD"
DUPLICATES = "DUPLICATES_DETECTED"
#: The unique value is taken; for a campaign member: they are one already.
TAKEN = "DUPLICATE_VALUE"

_KIND_OF_CODE = {
    **dict.fromkeys(PASSING, "rate"),
    **dict.fromkeys(("REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED"), "rate"),
    **dict.fromkeys(("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", CONVERTED), "missing"),
    **dict.fromkeys((DUPLICATES, TAKEN, "DUPLICATE_EXTERNAL_ID"), "conflict"),
    **dict.fromkeys(
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_FIELD", "INSUFFICIENT_ACCESS",
            "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "CANNOT_INSERT_UPDATE_ENTITY", "NO_ACCESS", "INVALID_TYPE", "TRANSFER_REQUIRES_READ",
            "API_DISABLED_FOR_ORG",
        ),
        "permission",
    ),
    **dict.fromkeys(
        (
            "INVALID_EMAIL_ADDRESS", "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "FIELD_FILTER_VALIDATION_EXCEPTION", "FIELD_INTEGRITY_EXCEPTION", "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "NUMBER_OUTSIDE_VALID_RANGE", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "MALFORMED_ID", "INVALID_ID_FIELD",
            "JSON_PARSER_ERROR", "INVALID_STATUS", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "INVALID_BATCH",
        ),
        "validation",
    ),
}  # fmt: skip

_BULK_ERROR = re.compile(r"^(?P<code>[A-Z][A-Z_]+):(?P<message>.*?)(?::(?P<fields>[\w, .]*?))?\s*--\s*$", re.DOTALL)
_RECORD_ID = re.compile(r"\b(?:00Q|003|001|006)[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?\b")
#: Characters of a refusal that are kept.
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Refusal:
    """Why a record was refused: Salesforce's code and words, the fields it names, the records it takes for the same."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    matched_ids: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of refusal (``connectors.base.ERROR_KINDS``)."""
        return _KIND_OF_CODE.get(self.code, "unknown")

    @property
    def is_passing(self) -> bool:
        """Whether the same record may be taken a moment later."""
        return self.code in PASSING

    @property
    def text(self) -> str:
        """Code and message in Salesforce's words, with the fields it is about and what to do."""
        parts = [f"{self.code}: {self.message}" if self.message else self.code]
        unnamed = [name for name in self.fields if name not in self.message]
        if unnamed:
            parts.append(f"fields: {', '.join(unnamed)}")
        if self.code == DUPLICATES and self.matched_ids:
            parts.append(f"a duplicate rule matched {', '.join(self.matched_ids)}")
        if self.kind == "permission":
            what = f"the fields {', '.join(self.fields)}" if self.fields else "the object and its records"
            parts.append(f"grant the integration user edit access to {what} (permission set or profile)")
        return "; ".join(parts)[:_LONGEST_MESSAGE]


UNPROCESSED = Refusal("UNPROCESSED", "Salesforce ended the job before it came to this record")


def read_errors(errors: Iterable[Any]) -> Refusal:
    """The refusal that a list of error objects tells: the first error's code, every error's words and fields."""
    read = [error for error in errors if isinstance(error, Mapping)]
    if not read:
        return Refusal("UNKNOWN_EXCEPTION", "refused without a message")
    code = str(read[0].get("statusCode") or read[0].get("errorCode") or "UNKNOWN_EXCEPTION")
    messages = dict.fromkeys(str(error.get("message") or "").strip() for error in read)
    fields = dict.fromkeys(str(name) for error in read for name in error.get("fields") or ())
    matched = dict.fromkeys(found for error in read for found in _matched_ids(error))
    return Refusal(code, "; ".join(m for m in messages if m), tuple(fields), tuple(matched))


def read_bulk_error(text: str) -> Refusal:
    """The refusal in the ``sf__Error`` column of a failed Bulk result."""
    parsed = _BULK_ERROR.match(text.strip())
    if parsed is None:
        code, _, message = text.strip().partition(":")
        is_code = re.fullmatch(r"[A-Z][A-Z_]+", code) is not None
        return Refusal(code, message.strip()) if is_code else Refusal("UNKNOWN_EXCEPTION", text.strip())
    fields = tuple(name.strip() for name in (parsed["fields"] or "").split(",") if name.strip())
    matched = tuple(dict.fromkeys(_RECORD_ID.findall(parsed["message"]))) if parsed["code"] == DUPLICATES else ()
    return Refusal(parsed["code"], parsed["message"].strip(), fields, matched)


def _matched_ids(error: Mapping[str, Any]) -> list[str]:
    """Ids of the records that a duplicate rule took for the same, from ``duplicateResult`` or else the message."""
    if (error.get("statusCode") or error.get("errorCode")) != DUPLICATES:
        return []
    result = error.get("duplicateResult") or {}
    records = [
        match.get("record") or {}
        for group in result.get("matchResults") or ()
        for match in group.get("matchRecords") or ()
    ]
    ids = [str(record["Id"]) for record in records if record.get("Id")]
    return ids or _RECORD_ID.findall(str(error.get("message") or ""))
