"""Property values: what a property of each type accepts, and the form in which it is stored.

A value is text once stored, as in the vendor's API. ``None`` and the empty string clear a property.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from sandbox.server.clock import iso, parse_ms

MAX_TEXT = 65_536
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}")


class InvalidValueError(ValueError):
    """A value its property does not accept: ``code`` is the vendor's, the message names the value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def record_number(text: object) -> int | None:
    """The whole number that a record, list or owner id stands for; None when it is no such id."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


Parser = Callable[[object], str]


def parser_for(type_: str, options: frozenset[str], name: str) -> Parser:
    """The function that turns a value of JSON into stored text for a property of this type.

    ``options`` restricts an enumeration (empty: any value). The function raises :class:`InvalidValueError`.
    """
    if name == "email":
        return _email
    if type_ == "number":
        return _number
    if type_ == "date":
        return _date
    if type_ == "datetime":
        return _datetime
    if type_ == "bool":
        return _bool
    if type_ == "enumeration" and options:
        return lambda value: _option(value, options)
    return _text


def same_value(type_: str, left: str, right: str) -> bool:
    """Whether two stored values are the same for the property's type (``10`` and ``10.0`` are one number)."""
    if left == right:
        return True
    if type_ != "number":
        return False
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        return False


def _text(value: object) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int | float):
        text = repr(value)
    else:
        raise InvalidValueError("INVALID_VALUE", f"{value!r} is not text: a property takes one text, not a structure")
    if len(text) > MAX_TEXT:
        raise InvalidValueError("VALUE_TOO_LONG", f"{len(text)} characters, at most {MAX_TEXT} are allowed")
    return text


def _email(value: object) -> str:
    text = _text(value).strip().lower()
    if not _EMAIL.fullmatch(text):
        raise InvalidValueError("INVALID_EMAIL", f"Email address {text} is invalid")
    return text


def _number(value: object) -> str:
    text = _text(value).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidValueError("INVALID_INTEGER", f"{text} was not a valid number.") from None
    if not number.is_finite():
        raise InvalidValueError("INVALID_INTEGER", f"{text} was not a valid number.")
    return text


def _bool(value: object) -> str:
    text = _text(value).strip().lower()
    if text not in ("true", "false"):
        raise InvalidValueError("INVALID_BOOLEAN", f"{text} was not a valid boolean.")
    return text


def _option(value: object, options: frozenset[str]) -> str:
    text = _text(value)
    if text in options or all(part in options for part in text.split(";") if part):
        return text
    raise InvalidValueError(
        "INVALID_OPTION", f"{text} was not one of the allowed options: [{', '.join(sorted(options))}]"
    )


def _moment(value: object, code: str, kind: str) -> int:
    text = _text(value)
    try:
        ms = parse_ms(text)
        datetime.fromtimestamp(ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidValueError(code, f"{text} was not a valid {kind}.") from None
    return ms


def _datetime(value: object) -> str:
    return iso(_moment(value, "INVALID_LONG", "long or ISO 8601 timestamp"))


def _date(value: object) -> str:
    ms = _moment(value, "INVALID_DATE", "date")
    if ms % 86_400_000:
        raise InvalidValueError("INVALID_DATE", f"{value} is at {iso(ms)[11:19]}, not midnight UTC.")
    return iso(ms)[:10]
