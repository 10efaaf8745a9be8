"""Numbers as people type them, by the country of the record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiene import clean_phone


@pytest.mark.parametrize(
    ("raw", "country", "e164"),
    [
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("+55 11 98765 4321", None, "+5511987654321"),
        ("0055 11 98765-4321", "FR", "+5511987654321"),
        ("011 98765-4321", "BR", "+5511987654321"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6 12 34 56 78", "BR", "+33612345678"),
        ("612 345 678", "ES", "+34612345678"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("(415) 555-2671 ext. 12", "US", "+14155552671"),
    ],
)
def test_formats_of_a_number_agree(raw: str, country: str | None, e164: str) -> None:
    phone = clean_phone(raw, country)
    assert phone.e164 == e164
    assert phone.status in {"valid", "possible"}


@pytest.mark.parametrize(
    ("raw", "country"), [("98765-4321", None), ("abc", "BR"), ("123", "BR"), ("+999 1234", None), ("1" * 30, "BR")]
)
def test_a_bad_number_is_invalid_with_a_reason(raw: str, country: str | None) -> None:
    phone = clean_phone(raw, country)
    assert phone.status == "invalid"
    assert phone.e164 is None
    assert phone.reason


@pytest.mark.parametrize("raw", [None, "", "  "])
def test_nothing_is_missing(raw: str | None) -> None:
    assert clean_phone(raw, "BR").status == "missing"


@given(st.text(max_size=40), st.sampled_from([None, "", "BR", "FR", "US", "ZZ", "xx"]))
def test_anything_typed_gets_an_answer(raw: str, country: str | None) -> None:
    assert clean_phone(raw, country).status in {"valid", "possible", "invalid", "missing"}
