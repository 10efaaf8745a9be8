"""Reading single values: moments, dates, numbers; one clear refusal each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from ingestion.errors import RecordRefused

_EPOCH = datetime(1970, 1, 1)
#: Epoch numbers above this are milliseconds (as seconds they would lie after the year 5138).
_MILLISECONDS_FROM = 100_000_000_000
#: A number with more digits before the point is a mistake; as text it could fill the memory (``1e999999``).
_MOST_DIGITS = 60
_CENT = Decimal("0.01")
_LARGEST_AMOUNT = Decimal(10) ** 16


def utc(moment: datetime) -> datetime:
    """A moment in UTC without a zone; one without a zone is taken as UTC."""
    if moment.tzinfo is None:
        return moment
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None)


def moment(value: object, field: str) -> datetime:
    """A moment in UTC without a zone, from ISO 8601 text or epoch seconds or milliseconds (number or digits).

    Raises:
        RecordRefused: ``invalid_timestamp``.
    """
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, str):
        text = value.strip()
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            try:
                return utc(datetime.fromisoformat(text))
            except (ValueError, OverflowError) as error:
                raise RecordRefused(
                    field, "invalid_timestamp", f"{value!r} is not a moment in ISO 8601, such as 2026-03-31T08:30:00Z"
                ) from error
        value = int(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
            if isinstance(value, int) and seconds is not value:
                return _EPOCH + timedelta(milliseconds=value)
            return _EPOCH + timedelta(seconds=seconds)
        except (OverflowError, ValueError) as error:
            raise RecordRefused(field, "invalid_timestamp", f"{value!r} is not a moment in epoch time") from error
    raise RecordRefused(field, "invalid_timestamp", f"{value!r} is not a moment")


def optional_moment(value: object) -> datetime | None:
    """Like ``moment`` for a field nothing depends on: None when it is absent or cannot be read."""
    if value is None or value == "":
        return None
    try:
        return moment(value, "")
    except RecordRefused:
        return None


def formatted_moment(text: str, formats: Sequence[str], field: str) -> datetime:
    """A moment in UTC without a zone, by the first of the ``strptime`` formats that fits (``iso`` stands for ISO 8601).

    Raises:
        RecordRefused: ``invalid_date``.
    """
    for pattern in formats:
        try:
            if pattern == "iso":
                return utc(datetime.fromisoformat(text))
            return utc(datetime.strptime(text, pattern))
        except (ValueError, OverflowError):
            continue
    raise RecordRefused(field, "invalid_date", f"{text!r} fits none of the date formats {', '.join(formats)}")


def calendar_date(text: str, field: str, formats: Sequence[str] = ("iso",)) -> date:
    """A calendar date (see ``formatted_moment``)."""
    return formatted_moment(text, formats, field).date()


def decimal_number(text: str, field: str, *, decimal_mark: str = ".", group_mark: str = "") -> Decimal:
    """A finite decimal number, without a loss of digits.

    Args:
        text: may carry a sign, group marks and a currency sign or code before or after the number.
        field: named in the refusal.
        decimal_mark: the character before the fraction.
        group_mark: the character between groups of three digits, empty if there is none.

    Raises:
        RecordRefused: ``bad_number``.
    """
    digits = text.strip()
    if group_mark:
        whole, _, fraction = digits.partition(decimal_mark)
        if group_mark in whole and not re.search(rf"\d{{1,3}}({re.escape(group_mark)}\d{{3}})+\D*$", whole):
            raise RecordRefused(field, "bad_number", f"{text!r}: {group_mark!r} does not stand between thousands")
        digits = whole.replace(group_mark, "") + (decimal_mark + fraction if fraction else "")
    if decimal_mark != ".":
        if "." in digits:
            raise RecordRefused(field, "bad_number", f"{text!r}: the decimal mark here is {decimal_mark!r}")
        digits = digits.replace(decimal_mark, ".")
    digits = re.sub(r"^(-?)\s*(?:[$€£¥₹]|R\$|[A-Z]{3})\s*|\s*(?:[$€£¥₹]|[A-Z]{3})$", r"\1", digits)
    try:
        number = Decimal(digits)
    except InvalidOperation as error:
        raise RecordRefused(field, "bad_number", f"{text!r} is not a number") from error
    if not number.is_finite():
        raise RecordRefused(field, "bad_number", f"{text!r} is not a finite number")
    if number.adjusted() > _MOST_DIGITS:
        raise RecordRefused(field, "bad_number", f"{text!r} is too large")
    return number


def money(text: str, field: str) -> Decimal:
    """An amount of money, to the cent (see ``decimal_number``).

    Raises:
        RecordRefused: ``bad_number``; also for more than sixteen digits before the point, which no table holds.
    """
    amount = decimal_number(text, field)
    if abs(amount) < _LARGEST_AMOUNT:
        amount = amount.quantize(_CENT)
    if abs(amount) >= _LARGEST_AMOUNT:
        raise RecordRefused(field, "bad_number", f"{text!r} is too large for an amount of money")
    return amount


def whole_number(text: str, field: str, *, decimal_mark: str = ".", group_mark: str = "") -> int:
    """A whole number (see ``decimal_number``); ``12.0`` is whole, ``12.5`` is refused.

    Raises:
        RecordRefused: ``bad_number``.
    """
    number = decimal_number(text, field, decimal_mark=decimal_mark, group_mark=group_mark)
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise RecordRefused(field, "bad_number", f"{text!r} is not a whole number")
    return int(number)


def plain(number: Decimal) -> str:
    """A decimal number as digits: no exponent, no trailing zeros after the point."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
