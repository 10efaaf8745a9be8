"""Names of people and companies: readable case for letters, plain keys for comparison."""

from __future__ import annotations

import re
import unicodedata

#: Words inside a name that stay in lower case (Portuguese, Spanish, French, Italian, Dutch, German).
PARTICLES = frozenset(
    ("da", "das", "de", "del", "della", "der", "den", "di", "do", "dos", "du", "e", "la", "las", "le", "les", "los",
     "van", "von", "y", "zu")
)  # fmt: skip

#: Legal forms that do not tell two companies apart, written as `company_key` sees them (no accents, no punctuation).
LEGAL_FORMS = frozenset(
    ("ag", "bv", "co", "company", "corp", "corporation", "eireli", "epp", "eurl", "gmbh", "inc", "incorporated", "kg",
     "limited", "limitada", "llc", "llp", "lp", "ltd", "ltda", "me", "nv", "plc", "pty", "sa", "sarl", "sas", "sasu",
     "se", "sl", "slu", "snc", "spa", "srl")
)  # fmt: skip

_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_DOTTED = re.compile(r"\b(\w)\.(?=\w\b)")


def unaccent(text: str) -> str:
    """The text without combining marks (``São`` -> ``Sao``)."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def clean_person_name(raw: str | None) -> str | None:
    """A person's name with single spaces; a name typed all in one case gets capitals, a mixed one is left as typed."""
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", raw or "")).strip(" \t,;.-")
    if not text:
        return None
    if text not in (text.lower(), text.upper()):
        return text
    words = text.lower().split(" ")
    return " ".join(w if i and w in PARTICLES else _capitalise(w) for i, w in enumerate(words))


def name_key(raw: str | None) -> str | None:
    """A person's name for comparison: no accents, case or punctuation (``D'Ávila`` and ``davila`` agree)."""
    key = re.sub(r"[^\w ]", "", unaccent(raw or "").lower())
    return _SPACES.sub(" ", key.replace("_", " ")).strip() or None


def words_key(raw: str | None) -> str | None:
    """A title or label for matching: no accents or case, words apart (``Co-founder`` -> ``co founder``)."""
    return " ".join(_NOT_WORD.sub(" ", unaccent(raw or "").lower()).split()) or None


def company_key(raw: str | None) -> str | None:
    """A company's name for comparison: no accents, case, punctuation or trailing legal form."""
    text = unaccent(raw or "").lower()
    previous = ""
    while previous != text:  # s.a.s. -> sas
        previous, text = text, _DOTTED.sub(r"\1", text)
    words = _NOT_WORD.sub(" ", text.replace("&", " and ")).split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return " ".join(words) or None


def _capitalise(word: str) -> str:
    return re.sub(r"(^|[-'’])(\w)", lambda m: m.group(1) + m.group(2).upper(), word)
