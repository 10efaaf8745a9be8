"""What the pages show: figures and words of both languages, escaped; lists by page; who said no; who is not there."""

from __future__ import annotations

import html
import re

import pytest
from served_world import (
    CROWD,
    CROWDED,
    EVIL,
    FILLERS,
    JOAO,
    LONELY,
    NOBODY,
    SCRIPT,
    SCRIPTED,
    TEXTILE,
    ZOE,
    Served,
)

NAME = "João d'Ávila"


def plain(text: str) -> str:
    """The text of a page, as somebody reads it."""
    without = re.sub(r"<(head|script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


def people_found(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/\w\w/people/([0-9a-f]{32})"', text)


def accounts_found(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/\w\w/accounts/([0-9a-f]{32})"', text)


def test_an_account_is_shown_with_everything(served: Served) -> None:
    shown = plain(served.get(f"/en/accounts/{TEXTILE}").text)
    for part in (
        "Ação Têxtil Ltda",
        "Olga Owner",
        "Work now",
        "passed Engaged in a decision role: 1",
        "Employees: 1,234",
        "R$1,234,567",
        "influencers missing",
        NAME,
        "Sum of the lines: equals the score 61.0",
        "Score over time",
        "Industry -4.0 +8.0",
        "Inquiry".upper(),
        "Deal opened: Têxtil - seats, €9,877",
        "Handed over to sales (Olga Owner)",
        "Accepted by sales",
        "Downloaded content: whitepaper",
        "A person changed hs_lead_status NEW → OPEN",
        "As of 1 Nov 2026 06:00 UTC",
        "build-1",
    ):
        assert part in shown, part


def test_the_same_in_portuguese(served: Served) -> None:
    answer = served.get(f"/pt/accounts/{TEXTILE}")
    assert '<html lang="pt-BR">' in answer.text
    shown = plain(answer.text)
    for part in (
        "Trabalhar agora",
        "Engajados em papel de decisão: 1",
        "Funcionários: 1.234",
        "R$ 1.234.567",
        "influenciadores falta",
        "igual à pontuação 61,0",
        "Setor",
        "Negócio aberto: Têxtil - seats, € 9.877",
        "Vendas aceitou o lead",
        "Atingiu a linha combinada",
        "Baixou conteúdo: whitepaper",
        "01/11/2026 06:00",
        "MQL-pt",
    ):
        assert part in shown, part


def test_a_person_is_shown_with_everything(served: Served) -> None:
    shown = plain(served.get(f"/en/people/{JOAO}").text)
    for part in (NAME, "Diretor & sócio", "joao@acaotextil.example", "+5511987654321", "Looked at prices", "Zoë"):
        assert part in shown, part
    assert "Sum of the lines: equals the score 39.8" in shown


def test_who_said_no_is_shown_without_address_and_number(served: Served) -> None:
    for path in (f"/en/people/{ZOE}", f"/en/accounts/{TEXTILE}", "/en/people?q=zoe", "/en/search?q=zoe"):
        answer = served.get(path)
        assert "Zoë" in answer.text
        assert ("opted out" if path != f"/en/people/{ZOE}" else "does not want to be written to") in answer.text
        assert "zoe@acaotextil.example" not in answer.text
    assert "+5511987654321" not in served.get(f"/en/people/{ZOE}").text
    # Known by the address all the same: somebody may ask whether a person said no.
    assert people_found(served.get("/en/people?q=zoe@acaotextil.example").text) == [ZOE]


@pytest.mark.parametrize(
    "path", [f"/en/people/{SCRIPT}", f"/pt/accounts/{SCRIPTED}", "/en/search?q=alert", "/en/accounts"]
)
def test_names_run_nothing(served: Served, path: str) -> None:
    text = served.get(path).text
    assert "<script" not in text
    assert "<img" not in text
    assert "onerror='" not in text.replace(html.escape(EVIL), "")
    assert html.escape(EVIL, quote=False).split("(")[0] in text


def test_what_was_asked_for_is_escaped(served: Served) -> None:
    for path in ("/en/search", "/en/accounts", "/pt/people"):
        text = served.get(path, params={"q": '"><script>alert(1)</script>'}).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


@pytest.mark.parametrize("asked", ["ACAO TEXTIL", "ação têxtil", "acaotextil.example", "textil ac"])
def test_accounts_are_found_without_accents_and_case(served: Served, asked: str) -> None:
    assert accounts_found(served.get("/en/accounts", params={"q": asked}).text) == [TEXTILE]


@pytest.mark.parametrize("asked", ["joao d'avila", "JOÃO", "joao@acaotextil.example", "avila joao"])
def test_people_are_found_likewise(served: Served, asked: str) -> None:
    assert people_found(served.get("/pt/people", params={"q": asked}).text) == [JOAO]


def test_the_best_match_comes_first(served: Served) -> None:
    found = accounts_found(served.get("/en/accounts", params={"q": "Filler 1"}).text)
    # The whole name, then names that begin so, by score.
    assert [int(account[1:]) for account in found[:4]] == [1, 10, 11, 12]


@pytest.mark.parametrize(
    "asked",
    [
        "' or 1=1 --",
        "'; drop table marts.dim_contacts; --",
        '" or ""="',
        "$word_0",
        "%",
        "_",
        "\\",
        "x' union select email from marts.dim_contacts --",
        "\x00",
        "{id}",
    ],
)
def test_statements_are_no_search(served: Served, asked: str) -> None:
    for path in ("/en/accounts", "/en/people", "/en/search"):
        answer = served.get(path, params={"q": asked})
        assert answer.status_code == 200
        if asked not in ("%", "_"):
            assert not people_found(answer.text)
            assert not accounts_found(answer.text)
    assert served.get(f"/en/people/{JOAO}").status_code == 200


def test_signs_of_patterns_are_only_signs(served: Served) -> None:
    assert people_found(served.get("/en/people", params={"q": "100%"}).text) == [NOBODY]
    assert people_found(served.get("/en/people", params={"q": "_sure"}).text) == [NOBODY]


@pytest.mark.parametrize(
    "identifier", ["' or '1'='1", "x'; drop table marts.dim_accounts; --", "..%2fpeople", "%00", "a" * 3000]
)
def test_statements_are_no_id(served: Served, identifier: str) -> None:
    for kind in ("accounts", "people"):
        assert served.get(f"/en/{kind}/{identifier}").status_code == 404
    assert served.get(f"/en/accounts/{TEXTILE}").status_code == 200


def test_pages_of_a_list_hold_each_row_once(served: Served) -> None:
    found: list[str] = []
    for number in range(1, 4):
        text = served.get("/en/accounts", params={"page": number}).text
        assert f"Page {number} of 3" in text
        found += accounts_found(text)
    assert len(found) == len(set(found)) == FILLERS + 4
    assert found[0] == TEXTILE
    assert not accounts_found(served.get("/en/accounts", params={"page": 4}).text)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "99999999999999999999", "", "²"])
def test_a_page_that_is_none_is_the_first(served: Served, number: str) -> None:
    assert accounts_found(served.get("/en/accounts", params={"page": number}).text)[0] == TEXTILE


def test_people_and_entries_of_an_account_come_by_page(served: Served) -> None:
    found: list[str] = []
    for number in range(1, 4):
        found += people_found(served.get(f"/en/accounts/{CROWDED}", params={"people": number}).text)
    assert len(found) == len(set(found)) == CROWD
    first = plain(served.get(f"/en/accounts/{SCRIPTED}").text)
    third = plain(served.get(f"/en/accounts/{SCRIPTED}?events=3").text)
    assert "/page-0<script>" in first
    assert "/page-39" in first
    assert "/page-40 " not in first
    assert "/page-99" in third
    assert "/page-79 " not in third
    # Turning one kind of page keeps the other.
    assert "?people=2&amp;kind=touch" in served.get(f"/en/accounts/{CROWDED}?people=2").text


def test_the_timeline_is_shown_by_kind(served: Served) -> None:
    everything = plain(served.get(f"/en/people/{JOAO}").text)
    assert "leadhouse_score" not in everything
    changes = plain(served.get(f"/en/people/{JOAO}?kind=crm").text)
    assert "Leadhouse wrote leadhouse_score" in changes
    assert "Downloaded content" not in changes
    assert "Downloaded content" in plain(served.get(f"/en/people/{JOAO}?kind=nonsense").text)


def test_a_grade_restricts_a_list(served: Served) -> None:
    assert accounts_found(served.get("/en/accounts?grade=A").text) == [TEXTILE]
    assert len(accounts_found(served.get("/en/accounts?grade=Z").text)) == 50


def test_accounts_without_people_and_people_without_accounts(served: Served) -> None:
    assert "Nobody is known here." in served.get(f"/en/accounts/{LONELY}").text
    assert "no account" in served.get(f"/en/people/{NOBODY}").text


@pytest.mark.parametrize(
    "path", ["/en/people/none", "/pt/accounts/none", "/en/else", "/xx/accounts", "/favicon.ico", "/static/x"]
)
def test_what_is_not_there_is_told_in_the_look_of_the_pages(served: Served, path: str) -> None:
    answer = served.get(path, headers={"Accept-Language": "pt-BR,pt;q=0.9"})
    assert answer.status_code == 404
    assert "/static/style.css" in answer.text
    assert ("Não encontrado" if not path.startswith("/en/") else "Not found") in answer.text


def test_the_first_page_speaks_the_browser_s_language(served: Served) -> None:
    for asked, led_to in (("pt-BR,en;q=0.5", "/pt/accounts"), ("fr,en", "/en/accounts"), ("", "/en/accounts")):
        assert served.get("/", headers={"Accept-Language": asked}).headers["location"] == led_to


def test_the_other_language_is_one_click_away(served: Served) -> None:
    text = served.get(f"/en/people/{JOAO}?kind=crm").text
    assert f'href="/pt/people/{JOAO}?kind=crm"' in text


def test_the_styles_are_served(served: Served) -> None:
    for name in ("style.css", "serve.css"):
        answer = served.get(f"/static/{name}")
        assert answer.headers["content-type"].startswith("text/css")
        assert "{" in answer.text
    assert served.get("/static/..%2f..%2fpyproject.toml").status_code == 404
