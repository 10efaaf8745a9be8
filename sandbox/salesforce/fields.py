"""Fields of an object: their definition, how a value sent becomes the stored one, and how a stored one is shown.

Stored as SQLite keeps them: text, whole numbers (also booleans, and moments as milliseconds since 1970 UTC), floats.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import normal_id

Stored = str | int | float | None

_EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]]+@[^\s@<>(),;:\"\[\]]+\.[^\s@<>(),;:\"\[\].]{2,}")

#: The vendor's type -> its SOAP type, as describe tells it.
SOAP_TYPES = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
}  # fmt: skip
NUMBERS = frozenset({"int", "double", "currency", "percent"})
#: Types whose values compare without regard to case.
TEXTS = frozenset({"string", "email", "phone", "url", "picklist", "multipicklist", "textarea", "combobox", "encrypted"})
#: Types that SOQL neither filters nor sorts.
LONG_TEXT = 255


@dataclass(frozen=True)
class Field:
    """One field. ``expression`` makes it a formula over columns of its table (``{t}`` stands for the table)."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    tracked: bool = False
    custom: bool = False
    default: Stored = None
    values: tuple[str, ...] = ()
    restricted: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    expression: str | None = None
    help: str | None = None
    #: False: only a permission set makes it visible (a custom field made through the API).
    granted: bool = True
    definition_id: str | None = None

    @property
    def filterable(self) -> bool:
        """Whether WHERE and ORDER BY take it."""
        return not (self.type == "textarea" and self.length > LONG_TEXT)

    @property
    def column_type(self) -> str:
        """SQLite's type of its column."""
        if self.type in ("boolean", "int", "datetime"):
            return "INTEGER"
        return "REAL" if self.type in NUMBERS else "TEXT"

    def with_access(self, edit: bool) -> Field:
        """The field as somebody sees it who may read it, and change it or not."""
        return self if edit else replace(self, createable=False, updateable=False)


def invalid(code: str, message: str, field: Field) -> ApiError:
    """400 for one value."""
    return ApiError(400, code, message, [field.name])


# Values sent ------------------------------------------------------------------------------------------------------

Parser = Callable[[Any], Stored]


@lru_cache(maxsize=4096)
def parser_of(field: Field) -> Parser:
    """The function that turns a value of JSON or CSV into the stored one (empty text: null), or raises ApiError."""
    parse = _PARSERS.get(field.type, _text)

    def parser(value: Any) -> Stored:
        return None if value is None or value == "" else parse(field, value)

    return parser


def _text(field: Field, value: Any) -> Stored:
    if isinstance(value, bool | int | float):
        value = ("true" if value else "false") if isinstance(value, bool) else repr(value)
    elif not isinstance(value, str):
        raise ApiError(
            400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.type} from {_kind(value)} value", None
        )
    text: str = value.strip()
    if field.length and len(text) > field.length:
        raise invalid(
            "STRING_TOO_LONG", f"{field.label}: data value too large: {text} (max length={field.length})", field
        )
    return text or None


def _email(field: Field, value: Any) -> Stored:
    text = _text(field, value)
    if text is not None and not _EMAIL.fullmatch(str(text)):
        raise invalid("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field)
    return text


def _picklist(field: Field, value: Any) -> Stored:
    text = _text(field, value)
    if field.restricted and text is not None and text not in field.values:
        raise invalid(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {text}",
            field,
        )
    return text


def _multipicklist(field: Field, value: Any) -> Stored:
    text = _text(field, value)
    for part in str(text).split(";") if text is not None else ():
        if field.restricted and part not in field.values:
            raise invalid(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{field.label}: bad value for restricted picklist field: {part}",
                field,
            )
    return text


def _boolean(field: Field, value: Any) -> Stored:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.strip().lower() in ("true", "1", "false", "0"):
        return int(value.strip().lower() in ("true", "1"))
    raise _wrong_type(field, value, "boolean")


def _number(field: Field, value: Any) -> Stored:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(field, value, "double")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise _wrong_type(field, value, "double") from None
    if not number.is_finite():
        raise _wrong_type(field, value, "double")
    digits = field.precision - field.scale
    if field.precision and abs(number) >= Decimal(10) ** digits:
        raise invalid(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label}: value outside of valid range on numeric field: {number}",
            field,
        )
    if field.type == "int":
        if number != number.to_integral_value():
            raise _wrong_type(field, value, "int")
        return int(number)
    return float(round(number, field.scale)) if field.precision else float(number)


def _date(field: Field, value: Any) -> Stored:
    try:
        text = str(value).strip()
        return date.fromisoformat(text[:10]).isoformat() if len(text) != 10 else date.fromisoformat(text).isoformat()
    except ValueError:
        raise _wrong_type(field, value, "date") from None


def _datetime(field: Field, value: Any) -> Stored:
    ms = moment_ms(str(value)) if isinstance(value, str) else None
    if ms is None:
        raise _wrong_type(field, value, "datetime")
    return ms


def _reference(field: Field, value: Any) -> Stored:
    found = normal_id(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ApiError(400, "MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    return found


_PARSERS: dict[str, Callable[[Field, Any], Stored]] = {
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "boolean": _boolean,
    "int": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
    "id": _reference,
}


def _wrong_type(field: Field, value: Any, wanted: str) -> ApiError:
    return (
        ApiError(
            400, "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.label}: value not of required type: {value}", [field.name]
        )
        if isinstance(value, str)
        else ApiError(
            400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {wanted} from {_kind(value)} value {value}", None
        )
    )


def _kind(value: Any) -> str:
    return {bool: "VALUE_BOOLEAN", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT", str: "VALUE_STRING",
            list: "START_ARRAY", dict: "START_OBJECT"}.get(type(value), "VALUE_NULL")  # fmt: skip


@lru_cache(maxsize=16384)
def moment_ms(text: str) -> int | None:
    """Milliseconds since 1970 UTC of ``2026-01-31T10:00:00Z`` (also with ``+0000``, or a date alone); else None."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return math.floor(moment.timestamp() * 1000 + 0.5)


# Values shown -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def moment_text(ms: int, zone: str = "+0000") -> str:
    """``2026-01-31T10:00:00.000+0000``; bulk results end in ``Z``."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}{zone}"


Shower = Callable[[Any], Any]


def shower_of(field_type: str) -> Shower | None:
    """The function that turns a stored value into the one JSON shows; None: as it is stored."""
    if field_type == "boolean":
        return bool
    if field_type == "datetime":
        return lambda value: None if value is None else moment_text(value)
    return None


def csv_shower_of(field_type: str) -> Callable[[Any], str]:
    """The same for a bulk result."""
    if field_type == "boolean":
        return lambda value: "true" if value else "false"
    if field_type == "datetime":
        return lambda value: "" if value is None else moment_text(value, "Z")
    if field_type in ("double", "currency", "percent"):
        return lambda value: "" if value is None else _plain(value)
    return lambda value: "" if value is None else str(value)


def _plain(value: float) -> str:
    text = repr(float(value))
    return text if "e" not in text else format(Decimal(text), "f")
