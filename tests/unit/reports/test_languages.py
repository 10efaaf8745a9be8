"""Numbers, money, dates and names as each language writes them."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from reports.errors import PageError
from reports.languages import (
    ENGLISH,
    LANGUAGES,
    PORTUGUESE,
    date,
    format_of,
    label,
    labels,
    moment,
    money,
    month,
    number,
    percent,
    value_label,
    value_labels,
    written,
)

DAY = dt.date(2026, 11, 2)


@pytest.mark.parametrize(
    ("value", "decimals", "english", "portuguese"),
    [
        (1234567.891, 2, "1,234,567.89", "1.234.567,89"),
        (Decimal("0.5"), 0, "1", "1"),
        (-1234, 0, "-1,234", "-1.234"),
        (Decimal("-0.001"), 2, "0.00", "0,00"),
        (0.125, 2, "0.13", "0,13"),
        (None, 2, "–", "–"),
    ],
)
def test_numbers(value: float | None, decimals: int, english: str, portuguese: str) -> None:
    assert number(value, ENGLISH, decimals) == english
    assert number(value, PORTUGUESE, decimals) == portuguese


@pytest.mark.parametrize(
    ("value", "currency", "english", "portuguese"),
    [
        (Decimal("1234.56"), "BRL", "R$1,234.56", "R$\u00a01.234,56"),
        (Decimal("-1234.5"), "EUR", "-€1,234.50", "-€\u00a01.234,50"),
        (10, "USD", "$10.00", "US$\u00a010,00"),
        (10, "SEK", "SEK\u00a010.00", "SEK\u00a010,00"),
        (10, None, "10.00", "10,00"),
        (None, "EUR", "–", "–"),
    ],
)
def test_money(value: Decimal | None, currency: str | None, english: str, portuguese: str) -> None:
    assert money(value, currency, ENGLISH) == english
    assert money(value, currency, PORTUGUESE) == portuguese


def test_percent_dates_and_months() -> None:
    assert [percent(Decimal("12.345"), language) for language in LANGUAGES] == ["12.3%", "12,3%"]
    assert [date(DAY, language) for language in LANGUAGES] == ["2 Nov 2026", "02/11/2026"]
    assert [month(DAY, language) for language in LANGUAGES] == ["Nov 2026", "nov 2026"]
    at = dt.datetime(2026, 2, 3, 6, 5)
    assert [moment(at, language) for language in LANGUAGES] == ["3 Feb 2026 06:05", "03/02/2026 06:05"]


def test_values_are_written_in_their_columns_format() -> None:
    assert written(Decimal("0.1234"), "share", 1, PORTUGUESE) == "12,3%"
    assert written(Decimal("99.95"), "percent", 1, ENGLISH) == "100.0%"
    assert written(DAY, "month", 0, ENGLISH) == "Nov 2026"
    assert written(True, "boolean", 0, PORTUGUESE) == "sim"
    assert written(Decimal("3"), "money", 0, PORTUGUESE, "BRL") == "R$\u00a03"
    assert written(None, "money", 0, ENGLISH) == "–"
    assert written("as it is", "number", 0, ENGLISH) == "as it is"


def test_a_column_without_a_line_is_called_by_its_name_and_formatted_by_its_type() -> None:
    assert label("no_such_column", PORTUGUESE) == "No such column"
    assert label("month_on", PORTUGUESE) == "Mês"
    assert format_of("no_such_pct", Decimal("1.5")) == ("percent", 1)
    assert format_of("no_such_column", 3) == ("number", 0)
    assert format_of("no_such_at", dt.datetime(2026, 1, 1)) == ("datetime", 0)
    assert format_of("no_such_on", DAY) == ("date", 0)
    assert format_of("no_such_text", None) == ("text", 0)


def test_coded_values_have_words() -> None:
    assert value_label("channel", "unattributed", PORTUGUESE) == "Sem atribuição"
    assert value_label("channel", "a_channel_of_ours", PORTUGUESE) == "a_channel_of_ours"
    assert all(names["en"] and names["pt"] for names in value_labels().values())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("spend,Spend,Gasto,coins", "line 2, spend: unknown format 'coins'"),
        ("spend,Spend,,money", "line 2, spend: both labels are needed"),
        ("spend,Spend,Gasto,money\nspend,Spend,Gasto,money", "line 3, spend: given twice"),
        ("spend,Spend,Gasto,money:x", "unknown format 'money:x'"),
    ],
)
def test_a_wrong_label_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(f"column,label_en,label_pt,format\n{line}\n", encoding="utf-8")
    with pytest.raises(PageError, match=message):
        labels(file)


def test_the_languages_have_the_same_words() -> None:
    assert set(ENGLISH.words) == set(PORTUGUESE.words)
    assert len(ENGLISH.months) == len(PORTUGUESE.months) == 12
