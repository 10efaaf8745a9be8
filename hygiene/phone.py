"""Phone numbers to E.164."""

from __future__ import annotations

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

_TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
}
_WRONG_LENGTH = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_LENGTH: "wrong_length",
    ValidationResult.INVALID_COUNTRY_CODE: "unknown_country_code",
    # Local-only numbers lack their area code: nobody can dial them from elsewhere.
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "no_area_code",
}
_LETTER = re.compile(r"[^\W\d_]")
_LABEL = re.compile(
    r"^\s*(?:tel|telefone|telefono|téléphone|telephone|phone|fone|mobile|cel|celular|móvil|mob|fax|whatsapp|t|m|p)"
    r"\s*[.:]+\s*",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"(?:ext|extn|extension|ramal|poste|x|#|;ext=)[\s.:]*\d{1,7}\s*$", re.IGNORECASE)
# What one person types for every required field: one digit only, or the digits in order.
_FEWEST_DIGITS = 6
_RUNS = ("01234567890123456789", "98765432109876543210")


@dataclass(frozen=True)
class CleanPhone:
    """One cleaned number.

    ``e164`` (``+5511987654321``) or None, ``status``, the code of the ``reason`` (``seeds/hygiene_reasons.csv``) where
    the number is not valid, and its ``kind`` (``mobile``, ``fixed``, ``fixed_or_mobile``, ``toll_free``, ...), None
    unless it is valid.
    """

    e164: str | None
    status: str
    reason: str | None
    kind: str | None = None


def clean_phone(raw: str | None, country: str | None = None) -> CleanPhone:
    """Clean one number as typed; never raises.

    ``country`` (ISO 3166 alpha-2) is the plan a number without ``+`` is read by. ``status`` is ``missing``,
    ``invalid``, ``possible`` (with its country code and the right length, but a range not assigned) or ``valid``. An
    extension is dropped: it does not change whose switchboard answers. Source: the metadata of ``phonenumbers``.
    """
    text = _LABEL.sub("", (raw or "").strip())
    if not text:
        return CleanPhone(None, "missing", None)
    if text.startswith("00"):
        text = f"+{text[2:]}"
    text = _EXTENSION.sub("", text).strip()
    if _LETTER.search(text):
        return CleanPhone(None, "invalid", "letters")
    digits = "".join(c for c in text if c.isdigit())
    if not digits:
        return CleanPhone(None, "invalid", "no_digits")
    if _is_made_up(digits):
        return CleanPhone(None, "invalid", "made_up")
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException as error:
        return CleanPhone(None, "invalid", _parse_reason(error, text))
    return _judge(number, guessed_plan=not text.startswith("+"))


def _judge(number: PhoneNumber, *, guessed_plan: bool) -> CleanPhone:
    # One pass over the plan's patterns gives validity and kind; is_valid_number and number_type would each take one.
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        length = phonenumbers.is_possible_number_with_reason(number)
        if length != ValidationResult.IS_POSSIBLE:
            return CleanPhone(None, "invalid", _WRONG_LENGTH[length])
        if guessed_plan:
            # 06 12 34 56 78 on a Brazilian record: the right length by chance. Nobody answers there.
            return CleanPhone(None, "invalid", "not_of_country")
        return CleanPhone(_e164(number), "possible", "unassigned_range")
    return CleanPhone(_e164(number), "valid", None, _TYPES.get(kind, "other"))


def _e164(number: PhoneNumber) -> str:
    zeros = "0" * (number.number_of_leading_zeros or 1) if number.italian_leading_zero else ""
    return f"+{number.country_code}{zeros}{number.national_number}"


def _is_made_up(digits: str) -> bool:
    if len(digits) < _FEWEST_DIGITS:
        return False
    return len(set(digits)) == 1 or any(digits in run for run in _RUNS)


def _parse_reason(error: NumberParseException, text: str) -> str:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        return "unknown_country_code" if text.startswith("+") else "no_country"
    if error.error_type == NumberParseException.TOO_LONG:
        return "too_long"
    if error.error_type in (NumberParseException.TOO_SHORT_NSN, NumberParseException.TOO_SHORT_AFTER_IDD):
        return "too_short"
    return "not_a_number"
