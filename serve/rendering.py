"""Turns what was read into HTML: templates, words and figures of one language. Everything that is shown is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import languages
from reports.languages import LANGUAGES, MISSING, Language
from serve.chart import HEIGHT, WIDTH
from serve.snapshot import Stamp
from serve.words import VALUES, WORDS

HERE = Path(__file__).parent
#: Words of ``dim_score_terms`` in one language, by kind and code.
Terms = Mapping[tuple[str, str], str]

BY_CODE = {language.code: language for language in LANGUAGES}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader([HERE / "templates", HERE.parent / "reports" / "templates"]),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Writer:
    """Words, figures and addresses of one language, as templates use them."""

    def __init__(self, language: Language, terms: Terms) -> None:
        self.language = language
        self._terms = terms
        self.code = language.code
        self._words = WORDS[language.code]
        self._values = VALUES[language.code]

    def word(self, key: str, **values: object) -> str:
        """A text of the pages. Raises ``KeyError`` for one that nobody wrote."""
        return self._words[key].format(**values)

    def value(self, kind: str, code: str | None) -> str:
        """A coded value in words; as the data says it where there are none."""
        if code is None:
            return ""
        return self._values.get((kind, code), code)

    def report_value(self, column: str, code: str | None) -> str:
        """A coded value as the report pages call it."""
        return languages.value_label(column, code, self.language)

    def has_value(self, kind: str, code: str | None) -> bool:
        """Whether there are words for a coded value."""
        return (kind, code) in self._values

    def term(self, kind: str, code: str | None) -> str:
        """A grade, a role or a stage as the rules in force call it."""
        return "" if code is None else self._terms.get((kind, code), code)

    def detail(self, code: str | None) -> str:
        """A detail of a touch in words: an outcome, a kind of form, a path."""
        if code is None or code.startswith("/"):
            return code or ""
        plain = code.replace("_", " ")
        return self._values.get(("detail", plain), plain)

    def number(self, value: float | Decimal | None, decimals: int = 0) -> str:
        """A plain number."""
        return languages.number(value, self.language, decimals)

    def signed(self, value: Decimal | None, decimals: int = 1) -> str:
        """Points that something adds or takes."""
        written = self.number(value, decimals)
        is_plain = value is None or written.startswith("-") or not written.strip("0.,")
        return written if is_plain else f"+{written}"

    def percent(self, value: float | Decimal | None, decimals: int = 0) -> str:
        """Per cent."""
        return languages.percent(value, self.language, decimals)

    def money(self, value: Decimal | None, currency: str | None, decimals: int = 0) -> str:
        """An amount."""
        return languages.money(value, currency, self.language, decimals)

    def day(self, value: datetime | None) -> str:
        """A day."""
        return languages.date(value, self.language)

    def moment(self, value: datetime | None) -> str:
        """A day and the time of the day (UTC)."""
        return languages.moment(value, self.language)

    def month(self, value: datetime | None) -> str:
        """A month."""
        return languages.month(value, self.language)

    def path(self, *parts: str, **query: object) -> str:
        """Address of a page in this language; what is empty is left out of the query."""
        given = {name: value for name, value in query.items() if value not in (None, "", 1)}
        return "/" + "/".join((self.code, *parts)) + (f"?{urlencode(given)}" if given else "")


def render(
    template: str,
    language: Language,
    *,
    address: Callable[[str], str] | None = None,
    current: str = "",
    stamp: Stamp | None = None,
    terms: Terms | None = None,
    form_key: str | None = None,
    is_signed_in: bool = False,
    asked: str = "",
    **values: Any,
) -> str:
    """A page.

    Args:
        template: file in ``templates/``.
        language: of its words and figures.
        address: of the same page in another language, by its code; None: the list of accounts.
        current: ``accounts`` or ``people`` where the page is one of these lists.
        stamp: which build it is about; None for pages without data.
        terms: words of the snapshot.
        form_key: of the session, for the button to sign out; None where nobody is signed in by a browser.
        is_signed_in: whether the page may offer a search.
        asked: what was searched for.
        values: whatever the template needs.
    """
    writer = Writer(language, terms or {})
    lists = ("accounts", "people") if is_signed_in else ()
    return _ENVIRONMENT.get_template(template).render(
        t=writer,
        language=language,
        assets="/static",
        home=writer.path("accounts"),
        navigation=[
            {"href": writer.path(name), "title": writer.word(name), "is_current": name == current} for name in lists
        ],
        languages=[
            {
                "href": address(other.code) if address else f"/{other.code}/accounts",
                "tag": other.tag,
                "name": other.name,
                "is_current": other is language,
            }
            for other in LANGUAGES
        ],
        stamp=stamp,
        form_key=form_key,
        is_signed_in=is_signed_in,
        asked=asked,
        MISSING=MISSING,
        chart_width=WIDTH,
        chart_height=HEIGHT,
        **values,
    )


def preferred(accepted: str | None) -> Language:
    """The language that a browser asks for, among ours; English where it asks for none of them."""
    for part in (accepted or "").lower().split(","):
        code = part.split(";")[0].strip().split("-")[0]
        if code in BY_CODE:
            return BY_CODE[code]
    return LANGUAGES[0]
