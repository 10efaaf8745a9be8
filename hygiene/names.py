"""Names of people: readable case for letters, plain keys for comparison."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
# Neither a letter, a digit nor printable ASCII: worth a look one by one.
_UNUSUAL = re.compile(r"[^\w -~]")
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_NOT_KEY = re.compile(r"[^\w ]")
_FIRST_LETTERS = re.compile(r"(^|[-'’ʼ.(])([^\W\d_])")
_ROMAN = re.compile(r"(?:ii|iii|iv|vi|vii|viii|ix)")
_EDGES = ' \t,;:.-_/\\|*"`~!?+=#&<>'
# Letters that Unicode does not take apart into a letter and an accent.
_PLAIN_LETTERS = str.maketrans(
    {
        "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "æ": "ae", "Æ": "AE",
        "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ı": "i",
    }
)  # fmt: skip


@dataclass(frozen=True)
class NameRules:
    """The words of ``seeds/name_words.csv``, as keys (:func:`name_key`).

    ``particles`` stay in lower case inside a name; ``honorifics`` (before) and ``suffixes`` (after) are no part of it.
    """

    particles: frozenset[str] = frozenset()
    honorifics: frozenset[str] = frozenset()
    suffixes: frozenset[str] = frozenset()

    @classmethod
    @lru_cache(maxsize=8)
    def from_text(cls, text: str | None) -> NameRules:
        """Rules from lines ``kind|word``; ``kind`` is ``particle``, ``honorific`` or ``suffix``.

        Raises ValueError naming the line for another kind.
        """
        words: dict[str, set[str]] = {"particle": set(), "honorific": set(), "suffix": set()}
        for line in (text or "").splitlines():
            kind, _, word = line.partition("|")
            if kind not in words:
                raise ValueError(f"name_words: unknown kind in '{line}'; use one of {', '.join(words)}")
            # With its dot, only as written with it: M. Dupont has a title, M Carter an initial.
            words[kind].add(word.lower() if word.endswith(".") else name_key(word) or "")
        return cls(frozenset(words["particle"]), frozenset(words["honorific"]), frozenset(words["suffix"]))


#: No rule at all: what a caller without the seeds gets.
NO_NAME_RULES = NameRules()


@dataclass(frozen=True)
class CleanName:
    """One cleaned name (of a person, or part of it).

    ``name`` is readable (None unless ``status`` is ``valid`` or ``suspect``), ``key`` the same for every spelling,
    ``reason`` a code of ``seeds/hygiene_reasons.csv``. ``typed`` is the value in lower case without accents and with
    single spaces: what placeholders are recognised by.
    """

    name: str | None
    key: str | None
    status: str
    reason: str | None
    typed: str | None


def unaccent(text: str) -> str:
    """The text without combining marks, in letters that have no accent (``São`` -> ``Sao``, ``Łódź`` -> ``Lodz``)."""
    if text.isascii():
        return text
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    if not plain.isascii():
        plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_PLAIN_LETTERS)
    return plain


def visible_text(raw: str | None) -> str:
    """The text in composed form (NFC), without control characters, emoji and other pictures, with single spaces."""
    text = raw or ""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if _UNUSUAL.search(text):
        text = "".join(_shown(c) for c in text)
    return _SPACES.sub(" ", text).strip()


def clean_name(raw: str | None, rules: NameRules = NO_NAME_RULES) -> CleanName:
    """Clean one name as typed; never raises.

    ``status``: ``missing`` (nothing there), ``invalid`` (no letters, an address, only a title), ``suspect`` (kept, but
    hardly a name: digits in it, one letter) or ``valid``. Placeholders such as ``n/a`` are known to the seeds, not
    here. A name typed all in one case gets capitals; in a mixed one only particles change (``Maria Da Silva``).
    Applying it to its own result changes nothing.
    """
    shown = visible_text(raw)
    typed = unaccent(shown).lower() or None
    text = shown.strip(_EDGES)
    if not (raw or "").strip():
        return CleanName(None, None, "missing", None, None)
    if "@" in text or "://" in text or text.lower().startswith("www."):
        return CleanName(None, None, "invalid", "address_in_name", typed)
    if not any(c.isalpha() for c in text):
        return CleanName(None, None, "invalid", "no_letters", typed)
    words = _without_titles(text.split(" "), rules)
    if not words:
        return CleanName(None, None, "invalid", "only_a_title", typed)
    name = _cased(words, rules)
    key = name_key(name)
    if key is None:
        return CleanName(None, None, "invalid", "no_letters", typed)
    if any(c.isdigit() for c in name):
        return CleanName(name, key, "suspect", "digits_in_name", typed)
    if sum(c.isalpha() for c in name) == 1:
        return CleanName(name, key, "suspect", "initial_only", typed)
    return CleanName(name, key, "valid", None, typed)


def clean_person_name(raw: str | None, rules: NameRules = NO_NAME_RULES) -> str | None:
    """The readable name of :func:`clean_name`, or None."""
    return clean_name(raw, rules).name


def name_key(raw: str | None) -> str | None:
    """A person's name for comparison: no accents, case or punctuation (``D'Ávila`` and ``davila`` agree)."""
    key = _NOT_KEY.sub("", unaccent(raw or "").lower())
    return _SPACES.sub(" ", key.replace("_", " ")).strip() or None


def words_key(raw: str | None) -> str | None:
    """A title or label for matching: no accents or case, words apart (``Co-founder`` -> ``co founder``)."""
    return " ".join(_NOT_WORD.sub(" ", unaccent(raw or "").lower()).split()) or None


def _shown(c: str) -> str:
    category = unicodedata.category(c)
    if c.isspace() or category == "Cc":
        return " "
    # So: pictures, Sk: skin tones, Cf/Co/Cs/Cn: invisible or without meaning, variation selectors are Mn.
    if category in ("So", "Sk", "Cf", "Co", "Cs", "Cn") or "︀" <= c <= "️" or c == "⃣":
        return ""
    return c


def _without_titles(words: list[str], rules: NameRules) -> list[str]:
    while words and _is_title(words[0], rules.honorifics):
        if len(words) == 1 and len(name_key(words[0]) or "") == 1:
            break  # D. and M. are initials where no name follows
        words = words[1:]
    while len(words) > 1 and _is_title(words[-1], rules.suffixes):
        words = words[:-1]
    return [word for word in words if word.strip(_EDGES)]


def _is_title(word: str, titles: frozenset[str]) -> bool:
    return word.lower() in titles or (name_key(word) or "") in titles


def _cased(words: list[str], rules: NameRules) -> str:
    text = " ".join(words).strip(_EDGES)
    one_case = text in (text.lower(), text.upper())
    words = text.split(" ")
    cased = [_capitalised(word) if one_case else word for word in words]
    for i, word in enumerate(words[:-1]):
        # A particle before a name is written small (da Silva); in mixed case the first word stays (Van Morrison).
        if word.lower() in rules.particles and (i > 0 or one_case):
            cased[i] = word.lower()
    return " ".join(cased)


def _capitalised(word: str) -> str:
    if _ROMAN.fullmatch(word.lower()):
        return word.upper()
    return _FIRST_LETTERS.sub(lambda m: m.group(1) + m.group(2).title(), word.lower())
