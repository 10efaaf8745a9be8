"""``leadhouse contract`` prints the agreement from the rule files alone, in two languages, with a version."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leadhouse.cli import app
from leadhouse.contract_page import ContractError, contract_markdown, read_contract
from leadhouse.contract_words import WORDS

SEEDS = Path(__file__).parents[3] / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be changed."""
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["pt"].keys()
    for name, text in WORDS["en"].items():
        assert text.count("{") == WORDS["pt"][name].count("{"), name


def test_the_page_holds_what_was_agreed() -> None:
    page = contract_markdown(read_contract(SEEDS))
    # Stage with its line, promise with its numbers, outcome, calendar, signature.
    assert "### MQL" in page
    assert "fit of at least 30 and engagement of at least 25" in page
    assert "| Asked to be contacted | came in by: demo_request, contact_request | 4 h of business time" in page
    assert "voicemail" in page
    assert "| br | Brazil, national holidays | BR | Mon, Tue, Wed, Thu, Fri 09:00-18:00 |" in page
    assert "| sales | Head of sales |" in page
    assert page.endswith("\n")


def test_it_is_printed_in_portuguese() -> None:
    page = contract_markdown(read_contract(SEEDS), "pt")
    assert page.startswith("# Contrato entre marketing e vendas")
    assert "4 h de horário comercial" in page
    assert "Sem resposta" in page
    assert "Head of" not in page.split("## Assinaturas")[1]


def test_a_changed_number_is_another_version(seeds: Path) -> None:
    before = read_contract(seeds).version
    path = seeds / "sla_contracts.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",240,", ",241,"), encoding="utf-8")
    assert read_contract(seeds).version != before


def test_signing_and_line_ends_change_no_version(seeds: Path) -> None:
    before = read_contract(seeds).version
    path = seeds / "contract_signatures.csv"
    signed = path.read_text(encoding="utf-8").replace("vendas,,", "vendas,Ana Silva,2026-11-30")
    path.write_text(signed, encoding="utf-8")
    contracts = seeds / "sla_contracts.csv"
    contracts.write_bytes(contracts.read_bytes().replace(b"\n", b"\r\n"))
    contract = read_contract(seeds)
    assert contract.version == before
    assert "| Ana Silva | 2026-11-30 |" in contract_markdown(contract)


def test_the_newest_version_of_a_contract_is_printed(seeds: Path) -> None:
    path = seeds / "sla_contracts.csv"
    line = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("request,1,"))
    newer = line.replace("request,1,2020-01-01", "request,2,2026-12-01").replace(",240,", ",90,")
    path.write_text(path.read_text(encoding="utf-8") + newer + "\n", encoding="utf-8")
    page = contract_markdown(read_contract(seeds))
    assert "90 min of business time" in page
    assert "4 h of business time" not in page
    assert "valid from 2026-12-01" in page


def test_a_missing_file_is_named(seeds: Path) -> None:
    (seeds / "sla_contracts.csv").unlink()
    with pytest.raises(ContractError, match=r"sla_contracts\.csv: the file is missing"):
        read_contract(seeds)


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["contract"])
    assert printed.exit_code == 0
    assert printed.stdout == contract_markdown(read_contract(SEEDS))
    out = tmp_path / "contrato.md"
    written = CliRunner().invoke(app, ["contract", "--language", "pt", "--out", str(out)])
    assert written.exit_code == 0
    assert out.read_text(encoding="utf-8") == contract_markdown(read_contract(SEEDS), "pt")


def test_a_place_that_cannot_be_written_is_a_wrong_setting(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["contract", "--out", str(tmp_path / "nowhere" / "c.md")])
    assert result.exit_code == 2


def test_bad_rules_are_refused(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    text = (SEEDS / "sla_contracts.csv").read_text(encoding="utf-8").replace(",240,", ",-5,")
    (rules / "sla_contracts.csv").write_text(text, encoding="utf-8")
    assert CliRunner().invoke(app, ["contract", "--rules", str(rules)]).exit_code == 1
