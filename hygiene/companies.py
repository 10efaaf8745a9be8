"""Names of companies: clean to show, and a key that is the same for every spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from hygiene.names import unaccent, visible_text

_NOT_WORD = re.compile(r"[\W_]+")
_DOTTED = re.compile(r"\b(\w)[./](?=\w\b)")
_APOSTROPHE = re.compile(r"(?<=\w)['’ʼ`´](?=\w)")
_LONGEST_INITIALS = 6  # E I R E L I
_EDGES = ' \t,;:-_/\\|*"`~<>'


@dataclass(frozen=True)
class CompanyRules:
    """The words of ``seeds/legal_forms.csv`` as tuples of key words.

    ``endings`` are legal forms after a name, ``beginnings`` those written before it as well (``SARL Dupont``),
    ``connectors`` the words for "and".
    """

    endings: frozenset[tuple[str, ...]] = frozenset()
    beginnings: frozenset[tuple[str, ...]] = frozenset()
    connectors: frozenset[str] = frozenset()

    @cached_property
    def longest(self) -> int:
        """Words of the longest legal form; letters apart count one each."""
        forms = self.endings | self.beginnings
        apart = (len(form[0]) for form in forms if len(form) == 1 and len(form[0]) <= _LONGEST_INITIALS)
        return max((*map(len, forms), *apart), default=0)

    @classmethod
    @lru_cache(maxsize=8)
    def from_text(cls, text: str | None) -> CompanyRules:
        """Rules from lines ``position|words``; ``position`` is ``end``, ``both`` (before it too) or ``connector``.

        Raises ValueError naming the line for another position.
        """
        endings: set[tuple[str, ...]] = set()
        beginnings: set[tuple[str, ...]] = set()
        connectors: set[str] = set()
        for line in (text or "").splitlines():
            position, _, words = line.partition("|")
            form = tuple(_words(unaccent(words).lower()))
            if position not in ("end", "both", "connector"):
                raise ValueError(f"legal_forms: unknown position in '{line}'; use end, both or connector")
            if position == "connector":
                connectors.update(form)
                continue
            endings.add(form)
            if position == "both":
                beginnings.add(form)
        return cls(frozenset(endings), frozenset(beginnings), frozenset(connectors))


#: No rule at all: what a caller without the seeds gets.
NO_COMPANY_RULES = CompanyRules()


@dataclass(frozen=True)
class CleanCompany:
    """One cleaned company name.

    ``name`` is as typed without control characters, pictures and stray punctuation (its legal form stays), ``key`` the
    same for every spelling, without legal form; ``legal_form`` the one found, as a key. ``typed`` is the value in lower
    case without accents: what placeholders are recognised by. Name and key are None unless ``status`` is ``valid``.
    """

    name: str | None
    key: str | None
    legal_form: str | None
    status: str
    reason: str | None
    typed: str | None


def clean_company(raw: str | None, rules: CompanyRules = NO_COMPANY_RULES) -> CleanCompany:
    """Clean one company name as typed; never raises.

    ``status`` is ``missing``, ``invalid`` (no letter or digit in it) or ``valid``. Applying it to its own ``name``
    changes nothing, and the key of a key is itself.
    """
    if not (raw or "").strip():
        return CleanCompany(None, None, None, "missing", None, None)
    shown = visible_text(raw)
    name = shown.strip(_EDGES)
    plain = unaccent(shown).lower()
    typed = plain or None
    key, form = _key(plain.strip(_EDGES), rules)
    if key is None:
        return CleanCompany(None, None, None, "invalid", "no_letters", typed)
    return CleanCompany(name, key, form, "valid", None, typed)


def company_key(raw: str | None, rules: CompanyRules = NO_COMPANY_RULES) -> str | None:
    """A company's name for comparison: no accents, case, punctuation, "and" or legal form; None where none is left."""
    return _key(unaccent(visible_text(raw)).lower(), rules)[0]


def _key(plain: str, rules: CompanyRules) -> tuple[str | None, str | None]:
    """Key and legal form of a name in lower case without accents."""
    words = _words(plain)
    words = [word for i, word in enumerate(words) if not (0 < i < len(words) - 1 and word in rules.connectors)]
    found: str | None = None
    while True:  # several may follow each other: Acme Ltda ME
        words, form = _without_form(words, rules)
        if form is None:
            return " ".join(words) or None, found
        found = found or form


def _without_form(words: list[str], rules: CompanyRules) -> tuple[list[str], str | None]:
    """The words without their longest legal form, and the form; a name never loses its last word."""
    for length in range(min(rules.longest, len(words) - 1), 0, -1):
        ending, beginning = tuple(words[-length:]), tuple(words[:length])
        # Letters apart are one form: S. A. -> sa.
        joined = ("".join(ending),) if length > 1 and all(len(word) == 1 for word in ending) else ending
        if ending in rules.endings or joined in rules.endings:
            return words[:-length], " ".join(joined)
        if beginning in rules.beginnings:
            return words[length:], " ".join(beginning)
    return words, None


def _first_group(match: re.Match[str]) -> str:
    return match.group(1)


def _words(plain: str) -> list[str]:
    plain = _APOSTROPHE.sub("", plain)
    previous = ""
    while previous != plain and ("." in plain or "/" in plain):  # s.a.s. -> sas, s/a -> sa
        previous, plain = plain, _DOTTED.sub(_first_group, plain)
    return _NOT_WORD.sub(" ", plain.replace("&", " and ").replace(" + ", " and ")).split()
