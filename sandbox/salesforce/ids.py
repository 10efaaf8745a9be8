"""Salesforce record ids: a key prefix that names the object, and base 62; 15 characters, or 18 that any case suits.

The last three characters of an 18-character id say which of the fifteen before are capitals, five a character.
"""

from __future__ import annotations

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

#: Characters four to six of ids: of records that stand for one of the world's, and of those made here.
WORLD_POD = "Hs0"
OWN_POD = "Lh0"


def full_id(fifteen: str) -> str:
    """The 18 characters of a 15-character id."""
    suffix = []
    for start in (0, 5, 10):
        bits = sum(1 << place for place, char in enumerate(fifteen[start : start + 5]) if "A" <= char <= "Z")
        suffix.append(_CHECK[bits])
    return fifteen + "".join(suffix)


def make_id(prefix: str, number: int, pod: str = OWN_POD) -> str:
    """The id of an object's ``number``-th record."""
    digits = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 62)
        digits = _DIGITS[digit] + digits
    return full_id(f"{prefix}{pod}{digits:0>9}")


def normal_id(text: object) -> str | None:
    """An id as it is stored (18 characters), from 15 or 18; None when it is no id."""
    if not isinstance(text, str) or not text.isascii() or not text.isalnum():
        return None
    if len(text) == 15:
        return full_id(text)
    # The suffix makes an id good in any case: it tells the capitals.
    if len(text) == 18:
        return text if full_id(text[:15]) == text else _recased(text)
    return None


def _recased(text: str) -> str | None:
    suffix = text[15:].upper()
    chars = []
    for group, check in enumerate(suffix):
        bits = _CHECK.find(check)
        if bits < 0:
            return None
        for place in range(5):
            char = text[group * 5 + place]
            chars.append(char.upper() if bits >> place & 1 else char.lower())
    found = "".join(chars)
    return found + suffix if full_id(found) == found + suffix else None
