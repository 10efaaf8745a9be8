"""Phone numbers to E.164."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers


@dataclass(frozen=True)
class CleanPhone:
    """One cleaned number: ``e164`` (``+5511987654321``) or None, ``status``, and the ``reason`` where there is none."""

    e164: str | None
    status: str
    reason: str | None


def clean_phone(raw: str | None, country: str | None = None) -> CleanPhone:
    """Clean one number as typed; never raises.

    ``country`` (ISO 3166 alpha-2) is the plan a number without ``+`` is read by. ``status`` is ``missing``,
    ``invalid``, ``possible`` (right length, range not assigned) or ``valid``. An extension is dropped: it does not
    change whose switchboard answers. Source: the metadata of ``phonenumbers``.
    """
    text = (raw or "").strip()
    if not text:
        return CleanPhone(None, "missing", None)
    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+"):
            return CleanPhone(None, "invalid", "no country code in the number and no country on the record")
        return CleanPhone(None, "invalid", str(error))
    if not phonenumbers.is_possible_number(number):
        return CleanPhone(None, "invalid", "wrong number of digits for its country")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return CleanPhone(e164, "valid" if phonenumbers.is_valid_number(number) else "possible", None)
