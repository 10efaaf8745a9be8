"""Addresses as people type them."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hygiene_seeds import seed_rows
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
        ("Ana Silva <Ana@acme.com>", "ana@acme.com", "ana@acme.com"),
        ("mailto:ana@acme.com", "ana@acme.com", "ana@acme.com"),
        ("josé@açaí.com.br", "josé@açaí.com.br", "josé@açaí.com.br"),
        ("o'brien@acme.ie", "o'brien@acme.ie", "o'brien@acme.ie"),
        ("ana@xn--aa-4iaz.com", "ana@açaí.com", "ana@açaí.com"),
    ],
)
def test_spellings_of_a_mailbox_agree(raw: str, address: str, canonical: str) -> None:
    email = clean_email(raw)
    assert (email.status, email.address, email.canonical) == ("valid", address, canonical)
    assert email.domain == address.split("@")[1]
    assert email.reason is None


BAD = [
    # raw, reason, what was probably meant
    ("ana", "no_at_sign", None),
    ("pas d'email", "no_at_sign", None),
    ("maria arroba empresa.com.br", "no_at_sign", "maria@empresa.com.br"),
    ("maria (at) empresa.com.br", "no_at_sign", "maria@empresa.com.br"),
    ("ana@", "no_domain", None),
    ("@acme.com", "no_local_part", None),
    ("ana@acme", "domain_without_dot", "ana@acme"),
    ("ana@gmailcom", "domain_without_dot", "ana@gmailcom"),
    ("ana@@acme.com", "several_at_signs", "ana@acme.com"),
    ("ana@acme.com, bob@acme.com", "several_at_signs", None),
    ("a na@acme.com", "space_inside", "ana@acme.com"),
    ("ana@acme .com", "space_inside", "ana@acme.com"),
    ("ana@acme..com", "dots_misplaced", "ana@acme.com"),
    (".ana@acme.com", "dots_misplaced", "ana@acme.com"),
    ("ana.@acme.com", "dots_misplaced", "ana@acme.com"),
    ("ana@acme.com.", "dots_misplaced", "ana@acme.com"),
    ("ana@-acme.com", "domain_malformed", "ana@acme.com"),
    ("ana@acme,com", "domain_malformed", "ana@acme.com"),
    ("ana@acme.com;", "domain_malformed", "ana@acme.com"),
    ("ana@ac_me.com", "domain_malformed", None),
    ("ana@acme.c0m", "domain_malformed", None),
    ("ana@10.0.0.1", "domain_malformed", None),
    ("ana@acme.com/", "domain_malformed", None),
    ("ana@server.local", "domain_reserved", None),
    ("ana@foo.test", "domain_reserved", None),
    ("a(b@acme.com", "bad_character", None),
    ("x" * 400 + "@acme.com", "too_long", None),
]


@pytest.mark.parametrize(("raw", "reason", "repaired"), BAD)
def test_a_bad_address_says_why_and_what_was_meant(raw: str, reason: str, repaired: str | None) -> None:
    email = clean_email(raw)
    assert (email.status, email.reason, email.repaired) == ("invalid", reason, repaired)
    assert email.detail
    assert email.address is None
    assert email.canonical is None


def test_every_reason_is_explained_in_the_seed() -> None:
    explained = {row["reason"] for row in seed_rows("hygiene_reasons") if row["field"] in ("email", "*")}
    assert {reason for _, reason, _ in BAD} <= explained


@pytest.mark.parametrize("raw", [None, "", "   ", "<>", "mailto:"])
def test_nothing_is_missing_not_invalid(raw: str | None) -> None:
    assert clean_email(raw).status == "missing"


@given(st.text(max_size=60) | st.from_regex(r"[\w.+ ,<>@-]{0,40}@{0,2}[\w.,-]{0,40}", fullmatch=True))
def test_anything_typed_gets_an_answer(raw: str) -> None:
    email = clean_email(raw)
    assert email.status in {"valid", "invalid", "missing"}
    assert (email.reason is None) == (email.status != "invalid")
    if email.repaired is not None and "." in email.repaired.split("@")[1]:
        assert clean_email(email.repaired).address == email.repaired


@given(st.emails())
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    once = clean_email(raw)
    if once.status == "valid":
        twice = clean_email(once.address)
        assert (twice.address, twice.canonical) == (once.address, once.canonical)
        assert clean_email(once.canonical).canonical == once.canonical


@given(
    st.from_regex(r"[a-zA-Z0-9_.+-]{1,70}@[a-z0-9.-]{1,80}(\.(com|test|local|c0|invalid|onion|fr))?", fullmatch=True)
)
def test_the_short_way_agrees_with_the_library(raw: str) -> None:
    """Plain addresses are read without the library; what it would say must come out."""
    try:
        expected = validate_email(raw, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        expected = None
    email = clean_email(raw)
    if expected is not None and email.status == "invalid":
        assert not expected.rpartition(".")[2].isalpha()  # .c0m: syntax allows it, no registry does
    else:
        assert email.address == expected
