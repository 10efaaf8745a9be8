"""Addresses as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygiene import clean_email


@pytest.mark.parametrize(
    ("raw", "address", "canonical"),
    [
        ("ana@acme.com", "ana@acme.com", "ana@acme.com"),
        ("  Ana@ACME.com ", "ana@acme.com", "ana@acme.com"),
        ("ana+event@acme.com", "ana+event@acme.com", "ana@acme.com"),
        ("A.na.S+x@gmail.com", "a.na.s+x@gmail.com", "anas@gmail.com"),
        ("ana.s@googlemail.com", "ana.s@googlemail.com", "anas@gmail.com"),
        ("ana.s@acme.com", "ana.s@acme.com", "ana.s@acme.com"),
        ("<ana@acme.com>", "ana@acme.com", "ana@acme.com"),
        ("mailto:ana@acme.com", "ana@acme.com", "ana@acme.com"),
        ("josé@açaí.com.br", "josé@açaí.com.br", "josé@açaí.com.br"),
    ],
)
def test_spellings_of_a_mailbox_agree(raw: str, address: str, canonical: str) -> None:
    email = clean_email(raw)
    assert (email.status, email.address, email.canonical) == ("valid", address, canonical)
    assert email.domain == address.split("@")[1]


@pytest.mark.parametrize(
    "raw",
    [
        "ana",
        "ana@",
        "@acme.com",
        "ana@acme",
        "ana@@acme.com",
        "a na@acme.com",
        "ana@acme..com",
        "ana@-acme.com",
        "x" * 400,
    ],
)
def test_a_bad_address_is_invalid_with_a_reason(raw: str) -> None:
    email = clean_email(raw)
    assert email.status == "invalid"
    assert email.reason
    assert email.address is None
    assert email.canonical is None


@pytest.mark.parametrize("raw", [None, "", "   ", "<>"])
def test_nothing_is_missing_not_invalid(raw: str | None) -> None:
    assert clean_email(raw).status == "missing"


@given(st.text(max_size=60))
def test_anything_typed_gets_an_answer(raw: str) -> None:
    assert clean_email(raw).status in {"valid", "invalid", "missing"}


@given(st.emails())
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    once = clean_email(raw)
    if once.status == "valid":
        twice = clean_email(once.address)
        assert (twice.address, twice.canonical) == (once.address, once.canonical)
        assert clean_email(once.canonical).canonical == once.canonical
