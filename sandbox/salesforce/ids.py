"""Salesforce record ids: a key prefix that names the object, and base 62; 15 characters, or 18 that any case suits.

The last three characters of an 18-character id say which of the fifteen before are capitals, five a character.
"""

from __future__ import annotations

from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BITS = {ord(digit): "1" if digit.isupper() else "0" for digit in _DIGITS}
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]
_PAIR = 62**2
_LOW = 62**4

#: Characters four to six of ids: of records that stand for one of the world's, and of those made here.
WORLD_POD = "Hs0"
OWN_POD = "Lh0"


def full_id(fifteen: str) -> str:
    """The 18 characters of a 15-character id."""
    return fifteen + _check(fifteen[:5]) + _check(fifteen[5:10]) + _CHECK[_capitals(fifteen[10:])]


def make_id(prefix: str, number: int, pod: str = OWN_POD) -> str:
    """The id of an object's ``number``-th record."""
    high, low = divmod(number, _LOW)
    first, second = divmod(low, _PAIR)
    head, checks = _head(prefix, pod, high)
    tail = _PAIRS[first] + _PAIRS[second]
    return f"{head}{tail}{checks}{_CHECK[_capitals(head[10:] + tail)]}"


@lru_cache(maxsize=4096)
def _head(prefix: str, pod: str, high: int) -> tuple[str, str]:
    """The first eleven characters, and the check characters of the first ten."""
    digits = ""
    for _ in range(5):
        high, digit = divmod(high, 62)
        digits = _DIGITS[digit] + digits
    head = f"{prefix}{pod}{digits}"
    return head, _check(head[:5]) + _check(head[5:10])


@lru_cache(maxsize=65536)
def _check(five: str) -> str:
    return _CHECK[_capitals(five)]


def _capitals(five: str) -> int:
    """Which of five characters are capitals, the first being the lowest bit."""
    return int(five[::-1].translate(_BITS), 2)


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
