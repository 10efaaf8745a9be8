"""Languages of the pages: how numbers, money, dates and column names are written in each.

The same rules hold in the static pages (``reports/build.py``), in their script (``static/report.js`` is given
``Language.for_client``) and in the pages that are served. Names of columns and their formats stand in ``labels.csv``,
words for coded values in ``values.csv``.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from reports.errors import PageError

HERE = Path(__file__).parent
LABELS = HERE / "labels.csv"
VALUES = HERE / "values.csv"

#: What stands where nothing is known.
MISSING = "–"

_SYMBOLS = {"BRL": "R$", "EUR": "€", "USD": "US$", "GBP": "£"}
_SYMBOLS_AT_HOME = {("en", "USD"): "$"}
_NO_BREAK = "\u00a0"

#: Formats that ``labels.csv`` may name, each with or without ``:<decimals>``, and their usual decimals.
FORMATS = {
    "text": 0,
    "number": 0,
    "money": 2,
    "percent": 1,
    "share": 1,
    "date": 0,
    "month": 0,
    "datetime": 0,
    "boolean": 0,
}


@dataclass(frozen=True)
class Language:
    """One language of the pages.

    ``code`` names its folder and its key in ``{en:, pt:}``; ``tag`` is the ``lang`` of its pages and what the browser
    formats numbers by; ``months`` are short names, January first; ``words`` are the page furniture.
    """

    code: str
    tag: str
    name: str
    thousands: str
    decimal: str
    months: tuple[str, ...]
    long_months: tuple[str, ...]
    days: tuple[str, ...]
    words: Mapping[str, str]

    def word(self, key: str) -> str:
        """A word of the page furniture. Raises ``KeyError`` for one that nobody translated."""
        return self.words[key]

    def for_client(self) -> dict[str, Any]:
        """What the script of a page needs to write as we do."""
        return {
            "code": self.code,
            "tag": self.tag,
            "months": self.months,
            "missing": MISSING,
            "words": dict(self.words),
            "thousands": self.thousands,
            "decimal": self.decimal,
            "prefixes": {code: _prefix(code, self) for code in _SYMBOLS},
        }

    def number_locale(self, currency: str | None) -> dict[str, Any]:
        """Vega's number locale; ``$`` in a format stands for ``currency``."""
        return {
            "decimal": self.decimal,
            "thousands": self.thousands,
            "grouping": [3],
            "currency": [_prefix(currency, self) if currency else "", ""],
        }

    def time_locale(self) -> dict[str, Any]:
        """Vega's time locale."""
        return {
            "dateTime": "%x, %X",
            "date": "%d/%m/%Y" if self.code == "pt" else "%d %b %Y",
            "time": "%H:%M",
            "periods": ["AM", "PM"],
            "days": list(self.days),
            "shortDays": [day[:3] for day in self.days],
            "months": list(self.long_months),
            "shortMonths": list(self.months),
        }


ENGLISH = Language(
    code="en",
    tag="en",
    name="English",
    thousands=",",
    decimal=".",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    long_months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    days=("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    words={
        "pages": "Pages",
        "skip": "Skip to the content",
        "language": "Language",
        "as_of": "As of",
        "rules": "Rules",
        "build": "Build",
        "definitions": "Definitions",
        "definitions_text": (
            "What each number counts and in which unit, from the description of its column in the warehouse."
        ),
        "filters": "Filters",
        "compare": "Compare with",
        "nothing": "nothing",
        "from": "From",
        "to": "to",
        "yes": "yes",
        "no": "no",
        "total": "Total",
        "table": "Table",
        "download": "Download as CSV",
        "no_rows": "No rows for this selection.",
        "reset": "Reset",
        "table_on_page": "Table on this page",
        "close": "Close",
    },
)

PORTUGUESE = Language(
    code="pt",
    tag="pt-BR",
    name="Português",
    thousands=".",
    decimal=",",
    months=("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"),
    long_months=(
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ),
    days=("domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"),
    words={
        "pages": "Páginas",
        "skip": "Ir para o conteúdo",
        "language": "Idioma",
        "as_of": "Dados até",
        "rules": "Regras",
        "build": "Execução",
        "definitions": "Definições",
        "definitions_text": (
            "O que cada número conta e em que unidade, conforme a descrição da coluna no armazém de dados."
        ),
        "filters": "Filtros",
        "compare": "Comparar com",
        "nothing": "nenhum",
        "from": "De",
        "to": "até",
        "yes": "sim",
        "no": "não",
        "total": "Total",
        "table": "Tabela",
        "download": "Baixar em CSV",
        "no_rows": "Nenhuma linha para esta seleção.",
        "reset": "Limpar",
        "table_on_page": "Tabela nesta página",
        "close": "Fechar",
    },
)

#: Every language that the site is built in.
LANGUAGES = (ENGLISH, PORTUGUESE)


def number(value: float | int | Decimal | None, language: Language, decimals: int = 0) -> str:
    """A plain number with grouped thousands, rounded half away from zero: 1,234.50 or 1.234,50."""
    if value is None:
        return MISSING
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    if not rounded:
        rounded = abs(rounded)
    written = f"{rounded:,.{decimals}f}"
    return written.translate(str.maketrans(",.", language.thousands + language.decimal))


def symbol(currency: str, language: Language) -> str:
    """The sign of an ISO 4217 currency; its code where it has no sign of its own."""
    return _SYMBOLS_AT_HOME.get((language.code, currency), _SYMBOLS.get(currency, currency))


def money(value: float | int | Decimal | None, currency: str | None, language: Language, decimals: int = 2) -> str:
    """An amount with its currency in front: €1,234.56, R$ 1.234,56. Without a currency the plain number."""
    if value is None:
        return MISSING
    written = number(value, language, decimals)
    if not currency:
        return written
    sign, digits = ("-", written[1:]) if written.startswith("-") else ("", written)
    return f"{sign}{_prefix(currency, language)}{digits}"


def percent(value: float | int | Decimal | None, language: Language, decimals: int = 1) -> str:
    """Per cent of a value that is in per cent already (12.34 is 12.3%); shares from 0 to 1 are multiplied before."""
    return MISSING if value is None else f"{number(value, language, decimals)}%"


def date(value: dt.date | None, language: Language) -> str:
    """A day: 2 Nov 2026, 02/11/2026."""
    if value is None:
        return MISSING
    if language.code == "pt":
        return f"{value:%d/%m/%Y}"
    return f"{value.day} {language.months[value.month - 1]} {value.year}"


def month(value: dt.date | None, language: Language) -> str:
    """A month, whichever of its days is given: Nov 2026, nov 2026."""
    return MISSING if value is None else f"{language.months[value.month - 1]} {value.year}"


def moment(value: dt.datetime | None, language: Language) -> str:
    """A time of a day (UTC), to the minute: 2 Nov 2026 06:00, 02/11/2026 06:00."""
    return MISSING if value is None else f"{date(value, language)} {value:%H:%M}"


@dataclass(frozen=True)
class Label:
    """A column as a reader meets it: its name by language code, and the format of its values."""

    column: str
    names: Mapping[str, str]
    format: str
    decimals: int


@cache
def labels(file: Path = LABELS) -> Mapping[str, Label]:
    """Columns by name, from a CSV with the header ``column,label_en,label_pt,format``.

    Raises ``PageError`` with file and line for an unknown format, an empty label or a column given twice.
    """
    found: dict[str, Label] = {}
    for line, row in _rows(file):
        column = row["column"]
        kind, _, places = row["format"].partition(":")
        if kind not in FORMATS or (places and not places.isdigit()):
            raise PageError(
                f"{file.name}, line {line}, {column}: unknown format {row['format']!r}; one of {[*FORMATS]}"
            )
        if not row["label_en"] or not row["label_pt"]:
            raise PageError(f"{file.name}, line {line}, {column}: both labels are needed")
        if column in found:
            raise PageError(f"{file.name}, line {line}, {column}: given twice")
        names = {"en": row["label_en"], "pt": row["label_pt"]}
        found[column] = Label(column, names, kind, int(places) if places else FORMATS[kind])
    return found


@cache
def value_labels(file: Path = VALUES) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Words for coded values by (column, value), from a CSV with the header ``column,value,label_en,label_pt``."""
    return {(row["column"], row["value"]): {"en": row["label_en"], "pt": row["label_pt"]} for _, row in _rows(file)}


def label(column: str, language: Language) -> str:
    """A column's name for readers; its own name in words where ``labels.csv`` has no line for it."""
    known = labels().get(column)
    if known:
        return known.names[language.code]
    words = column.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def value_label(column: str, value: object, language: Language) -> str:
    """A coded value in words; the value itself where ``values.csv`` has no line for it."""
    if value is None:
        return MISSING
    known = value_labels().get((column, str(value)))
    return known[language.code] if known else str(value)


def format_of(column: str, sample: object) -> tuple[str, int]:
    """Format and decimals of a column: what ``labels.csv`` says, else by the type of a value of it."""
    known = labels().get(column)
    if known:
        return known.format, known.decimals
    match sample:
        case bool():
            return "boolean", 0
        case int():
            return "number", 0
        case float() | Decimal():
            return ("percent", 1) if column.endswith("_pct") else ("number", 2)
        case dt.datetime():
            return "datetime", 0
        case dt.date():
            return ("month", 0) if column == "month_on" else ("date", 0)
        case _:
            return "text", 0


def written(value: Any, kind: str, decimals: int, language: Language, currency: str | None = None) -> str:
    """A value in one of ``FORMATS``; a value of another type than its format asks for is written as text."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return language.word("yes" if value else "no")
    if isinstance(value, int | float | Decimal):
        match kind:
            case "money":
                return money(value, currency, language, decimals)
            case "percent":
                return percent(value, language, decimals)
            case "share":
                return percent(value * 100, language, decimals)
            case "number":
                return number(value, language, decimals)
    if isinstance(value, dt.date):
        match kind:
            case "month":
                return month(value, language)
            case "date":
                return date(value, language)
            case _ if isinstance(value, dt.datetime):
                return moment(value, language)
            case _:
                return date(value, language)
    return str(value)


def _prefix(currency: str, language: Language) -> str:
    sign = symbol(currency, language)
    tight = language.code == "en" and not sign[-1].isalpha()
    return sign if tight else f"{sign}{_NO_BREAK}"


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        return [(reader.line_num, {name: (cell or "").strip() for name, cell in row.items()}) for row in reader]
