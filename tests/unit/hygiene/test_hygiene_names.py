"""Names of people, companies and domains."""

from __future__ import annotations

import pytest

from hygiene import clean_person_name, company_key, name_key, registrable_domain, words_key


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("MARIA DA SILVA", "Maria da Silva"),
        ("joão d'ávila", "João D'Ávila"),
        ("jean-pierre  martin", "Jean-Pierre Martin"),
        ("McDonald", "McDonald"),
        ("  Ana ", "Ana"),
        ("", None),
        (None, None),
    ],
)
def test_person_names_are_readable(raw: str | None, clean: str | None) -> None:
    assert clean_person_name(raw) == clean


@pytest.mark.parametrize(
    ("one", "other"),
    [("José", "JOSE"), ("D'Ávila", "davila"), ("Jean-Pierre", "jeanpierre"), ("Ana  Lúcia", "ana lucia")],
)
def test_spellings_of_a_name_agree(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme S.A.", "ACME"),
        ("Padaria São João Ltda.", "padaria sao joao"),
        ("Müller GmbH", "Muller"),
        ("Acme Corporation", "Acme Corp."),
        ("Dupont & Fils S.A.S.", "Dupont and Fils SAS"),
        ("Foo, Inc.", "foo"),
    ],
)
def test_company_names_agree_without_legal_form(one: str, other: str) -> None:
    assert company_key(one) == company_key(other)


def test_a_company_named_like_a_legal_form_keeps_its_name() -> None:
    assert company_key("SAS") == "sas"
    assert company_key("Ag Consulting") != company_key("Consulting")
    assert company_key(" ") is None


def test_words_are_kept_apart() -> None:
    assert words_key("Co-founder & CEO") == "co founder ceo"
    assert words_key("Sócio-fundador") == "socio fundador"
    assert words_key("-") is None


@pytest.mark.parametrize(
    ("raw", "domain"),
    [
        ("https://www.shop.acme.com.br/x?y=1", "acme.com.br"),
        ("ACME.com", "acme.com"),
        ("ana@mail.acme.co.uk", "acme.co.uk"),
        ("acme.com:8080", "acme.com"),
        ("shop.github.io", "shop.github.io"),
        ("one.two.leadhouse.example", "leadhouse.example"),
        ("com.br", None),
        ("localhost", None),
        ("127.0.0.1", None),
        ("http://[::1]/", None),
        ("not a domain", None),
        ("", None),
        (None, None),
    ],
)
def test_registrable_domains(raw: str | None, domain: str | None) -> None:
    assert registrable_domain(raw) == domain
