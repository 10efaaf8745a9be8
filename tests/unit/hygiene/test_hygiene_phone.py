"""Numbers as people type them, by the country of the record."""

from __future__ import annotations

import phonenumbers
import pytest
from hygiene_seeds import seed_rows
from hypothesis import given
from hypothesis import strategies as st

from hygiene import clean_phone


@pytest.mark.parametrize(
    ("raw", "country", "e164", "kind"),
    [
        ("(11) 98765-4321", "BR", "+5511987654321", "mobile"),
        ("+55 11 98765 4321", None, "+5511987654321", "mobile"),
        ("0055 11 98765-4321", "FR", "+5511987654321", "mobile"),
        ("5511987654321", "BR", "+5511987654321", "mobile"),
        ("011 98765-4321", "BR", "+5511987654321", "mobile"),
        ("11 98765-4321 ramal 12", "BR", "+5511987654321", "mobile"),
        ("Tel: 06 12 34 56 78", "FR", "+33612345678", "mobile"),
        ("+33 (0)6 12 34 56 78", "BR", "+33612345678", "mobile"),
        ("612 345 678", "ES", "+34612345678", "mobile"),
        ("020 7946 0018", "GB", "+442079460018", "fixed"),
        ("(415) 555-2671 ext. 12", "US", "+14155552671", "fixed_or_mobile"),
        ("06 698 12345", "IT", "+390669812345", "fixed"),
        ("0800 123 4567", "BR", "+558001234567", "toll_free"),
    ],
)
def test_formats_of_a_number_agree(raw: str, country: str | None, e164: str, kind: str) -> None:
    phone = clean_phone(raw, country)
    assert (phone.e164, phone.status, phone.reason, phone.kind) == (e164, "valid", None, kind)


BAD = [
    ("99327-9374", None, "no_country"),
    ("abc", "BR", "letters"),
    ("1 800 FLOWERS", "US", "letters"),
    ("123", "BR", "too_short"),
    ("+55 11 9876", "BR", "too_short"),
    ("+33 6 12 34 56 78 90 12", None, "too_long"),
    ("+999 1234", None, "unknown_country_code"),
    ("1" * 30, "BR", "made_up"),
    ("00000000", "BR", "made_up"),
    ("12345678", "BR", "made_up"),
    ("-", "FR", "no_digits"),
    ("7946 0018", "GB", "no_area_code"),
    ("06 12 34 56 78", "BR", "not_of_country"),
    ("(11) 8765-4321", "BR", "not_of_country"),
    ("1" * 300, "BR", "made_up"),
    ("12" * 200, "BR", "too_long"),
]


@pytest.mark.parametrize(("raw", "country", "reason"), BAD)
def test_a_bad_number_is_invalid_with_its_reason(raw: str, country: str | None, reason: str) -> None:
    phone = clean_phone(raw, country)
    assert (phone.status, phone.reason, phone.e164, phone.kind) == ("invalid", reason, None, None)


def test_a_number_of_the_right_length_in_no_range_is_possible() -> None:
    phone = clean_phone("+55 11 8765-4321", "FR")
    assert (phone.e164, phone.status, phone.reason) == ("+551187654321", "possible", "unassigned_range")


def test_every_reason_is_explained_in_the_seed() -> None:
    explained = {row["reason"] for row in seed_rows("hygiene_reasons") if row["field"] in ("phone", "*")}
    assert {reason for _, _, reason in BAD} | {"unassigned_range", "not_a_number", "wrong_length"} <= explained


@pytest.mark.parametrize("raw", [None, "", "  ", "Tel:"])
def test_nothing_is_missing(raw: str | None) -> None:
    assert clean_phone(raw, "BR").status == "missing"


COUNTRIES = st.sampled_from([None, "", "BR", "FR", "US", "GB", "IT", "ZZ", "xx"])


@given(st.text(max_size=40) | st.from_regex(r"[+0-9 ().x/-]{0,25}", fullmatch=True), COUNTRIES)
def test_anything_typed_gets_an_answer_that_lasts(raw: str, country: str | None) -> None:
    once = clean_phone(raw, country)
    assert once.status in {"valid", "possible", "invalid", "missing"}
    if once.e164 is not None and once.status == "valid":
        assert clean_phone(once.e164, country) == once


@given(st.from_regex(r"\+?[0-9]{6,13}", fullmatch=True), COUNTRIES)
def test_reading_once_agrees_with_the_library(raw: str, country: str | None) -> None:
    phone = clean_phone(raw, country)
    if phone.reason == "made_up":
        return
    try:
        number = phonenumbers.parse(f"+{raw[2:]}" if raw.startswith("00") else raw, country or None)
    except phonenumbers.NumberParseException:
        assert phone.status == "invalid"
        return
    assert (phone.status == "valid") == phonenumbers.is_valid_number(number)
    # A local number that lacks its area code is dialled by nobody from elsewhere: not possible here.
    length = phonenumbers.is_possible_number_with_reason(number)
    right_length = length == phonenumbers.ValidationResult.IS_POSSIBLE
    # A country that was only guessed from the record must be borne out by its plan.
    spelled_out = raw.startswith(("+", "00"))
    assert (phone.e164 is not None) == (right_length and (spelled_out or phone.status == "valid"))
    if phone.e164 is not None:
        assert phone.e164 == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
