"""Names of people, companies and domains."""

from __future__ import annotations

import pytest
from hygiene_seeds import COMPANY_RULES, NAME_RULES, seed_rows
from hypothesis import given
from hypothesis import strategies as st

from hygiene import (
    CompanyRules,
    NameRules,
    clean_company,
    clean_name,
    company_key,
    domain_parts,
    name_key,
    registrable_domain,
    words_key,
)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("MARIA DA SILVA", "Maria da Silva"),
        ("Maria Da Silva", "Maria da Silva"),
        ("DA SILVA", "da Silva"),
        ("VAN DER BERG", "van der Berg"),
        ("Van Morrison", "Van Morrison"),
        ("van", "Van"),
        ("joão d'ávila", "João D'Ávila"),
        ("O'BRIEN", "O'Brien"),
        ("jean-pierre  martin", "Jean-Pierre Martin"),
        ("JOÃO III", "João III"),
        ("McDonald", "McDonald"),
        ("  Ana ", "Ana"),
        ("Ana\u200b\t Lúcia\n", "Ana Lúcia"),
        ("🙂 Ana 🎉", "Ana"),
        ("*Ana*", "Ana"),
        ("Dr. José", "José"),
        ("DRA. ANA", "Ana"),
        ("Sr. Dr. Ana", "Ana"),
        ("mrs. smith phd", "Smith"),
        ("M. Dupont", "Dupont"),
        ("M Carter", "M Carter"),
        ("Mme Leroy", "Leroy"),
        ("Dña. Pilar", "Pilar"),
        ("D. Fermín", "Fermín"),
        ("D.", "D"),
        ("李雷", "李雷"),
        ("", None),
        (None, None),
    ],
)
def test_person_names_are_readable(raw: str | None, clean: str | None) -> None:
    assert clean_name(raw, NAME_RULES).name == clean


@pytest.mark.parametrize(
    ("raw", "status", "reason"),
    [
        ("Ana", "valid", None),
        ("-", "invalid", "no_letters"),
        ("...", "invalid", "no_letters"),
        ("12345", "invalid", "no_letters"),
        ("🙂", "invalid", "no_letters"),
        ("\x00\x01", "invalid", "no_letters"),
        ("ana@acme.com", "invalid", "address_in_name"),
        ("www.acme.com", "invalid", "address_in_name"),
        ("https://acme.com", "invalid", "address_in_name"),
        ("Dr.", "invalid", "only_a_title"),
        ("Mr", "invalid", "only_a_title"),
        ("João2", "suspect", "digits_in_name"),
        ("J.", "suspect", "initial_only"),
        (" ", "missing", None),
        (None, "missing", None),
    ],
)
def test_what_is_hardly_a_name_says_why(raw: str | None, status: str, reason: str | None) -> None:
    name = clean_name(raw, NAME_RULES)
    assert (name.status, name.reason) == (status, reason)
    assert (name.name is None) == (status in ("invalid", "missing"))
    explained = {row["reason"] for row in seed_rows("hygiene_reasons") if row["field"] in ("name", "*")}
    assert reason is None or reason in explained


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José", "JOSE"),
        ("D'Ávila", "davila"),
        ("Jean-Pierre", "jeanpierre"),
        ("Ana  Lúcia", "ana lucia"),
        ("Straße", "STRASSE"),
        ("Søren", "Soren"),
        ("Łukasz", "Lukasz"),
        ("Dr. José", "Jose"),
    ],
)
def test_spellings_of_a_name_agree(one: str, other: str) -> None:
    assert clean_name(one, NAME_RULES).key == clean_name(other, NAME_RULES).key == name_key(other)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Acme S.A.", "ACME", "Acme S/A", "acme s. a.", "Acme SA", "ACME, S.A."),
        ("Padaria São João Ltda.", "padaria sao joao", "Padaria Sao Joao LTDA ME", "Padaria São João Limitada"),
        ("Müller GmbH", "Muller", "MÜLLER GmbH & Co. KG", "Müller AG"),
        ("Acme Corporation", "Acme Corp.", "Acme Inc", "Acme, LLC", "Acme L.L.C.", "Acme Co., Ltd.", "Acme (Pty) Ltd"),
        ("Dupont & Fils S.A.S.", "Dupont and Fils SAS", "Dupont et Fils", "SARL Dupont & Fils", "Dupont + Fils SASU"),
        ("Foo, Inc.", "foo", "Foo PLC", "Foo Limited", "Foo Public Limited Company"),
        ("Silva e Filhos EIRELI", "Silva & Filhos", "SILVA E FILHOS - EPP"),
        ("Acme S.A. de C.V.", "Acme", "ACME SA DE CV", "Acme S. de R.L. de C.V."),
        ("Bakker B.V.", "Bakker BV", "Bakker N.V.", "bakker"),
        ("Kowalski Sp. z o.o.", "Kowalski"),
        ("Rossi S.p.A.", "Rossi SpA", "Rossi S.r.l.", "ROSSI SRL"),
        ("Virtanen Oy", "Virtanen Oyj", "VIRTANEN AB", "Virtanen ApS", "Virtanen A/S"),
        ("Construcciones García, S.L.U.", "Construcciones Garcia SL", "CONSTRUCCIONES GARCÍA"),
        ("L'Oréal", "LOREAL S.A.", "L’Oréal"),
    ],
)
def test_spellings_of_a_company_have_one_key(spellings: tuple[str, ...]) -> None:
    assert len({company_key(spelling, COMPANY_RULES) for spelling in spellings}) == 1


def test_a_company_named_like_a_legal_form_keeps_its_name() -> None:
    assert company_key("SAS", COMPANY_RULES) == "sas"
    assert company_key("Ag Consulting", COMPANY_RULES) == "ag consulting"
    assert company_key("SA SA", COMPANY_RULES) == "sa"
    assert company_key(" ", COMPANY_RULES) is None


def test_a_company_is_shown_as_typed_without_dirt() -> None:
    company = clean_company(" ✨ Dupont & Fils\u200b  S.A.S., ", COMPANY_RULES)
    assert (company.name, company.key, company.legal_form, company.status) == (
        "Dupont & Fils S.A.S.",
        "dupont fils",
        "sas",
        "valid",
    )
    assert clean_company("---", COMPANY_RULES).reason == "no_letters"
    assert clean_company(None, COMPANY_RULES).status == "missing"


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-zÀ-ÿ '.,&/-]{0,30}( (S\.A\.|Ltda|& Co|GmbH|a b))?", fullmatch=True))
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    name = clean_name(raw, NAME_RULES)
    if name.name is not None:
        again = clean_name(name.name, NAME_RULES)
        assert (again.name, again.key) == (name.name, name.key)
    company = clean_company(raw, COMPANY_RULES)
    if company.name is not None:
        again_company = clean_company(company.name, COMPANY_RULES)
        assert (again_company.name, again_company.key) == (company.name, company.key)
        assert company_key(company.key, COMPANY_RULES) == company.key
    assert words_key(words_key(raw)) == words_key(raw)
    assert name_key(name_key(raw)) == name_key(raw)


def test_a_wrong_rule_is_named() -> None:
    with pytest.raises(ValueError, match=r"name_words: unknown kind in 'title\|dr'"):
        NameRules.from_text("title|dr")
    with pytest.raises(ValueError, match=r"legal_forms: unknown position in 'start\|sarl'"):
        CompanyRules.from_text("start|sarl")


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


def test_a_domain_comes_apart() -> None:
    parts = domain_parts("ana@mail.acme.com.br")
    assert (parts.domain, parts.label, parts.suffix, parts.is_known_suffix) == ("acme.com.br", "acme", "com.br", True)
    slip = domain_parts("gmail.con")
    assert (slip.label, slip.suffix, slip.is_known_suffix) == ("gmail", "con", False)
