"""``leadhouse explain`` on a published file made by hand: every part of the answer, both languages, wrong names."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from leadhouse.cli import app
from leadhouse.explain import SubjectError, explain
from leadhouse.settings import SettingsError

ANA = "c0000000000000000000000000000001"
BEN = "c0000000000000000000000000000002"
ACME = "a0000000000000000000000000000001"

TABLES = f"""
create schema marts;
create table marts.published_build as select 'b1' as build_id;
create table marts.dim_accounts as select * from (values
    ('{ACME}', 'Acme Sistemas', 'acme.example', 'BR', 2),
    ('a2', 'São Bento Têxtil', 'saobento.example', 'BR', 0),
    ('a3', 'Sao Bento Textil SA', null, null, 0)
) as rows (account_id, account_name, domain, country, contact_count);
create table marts.dim_contacts as select * from (values
    ('{ANA}', 'Ana@Acme.example', 'Ana Silva', 'CTO', 'decision_maker'),
    ('{BEN}', 'ben@acme.example', 'Ben Costa', null, 'intern'),
    ('c3', 'ben@acme.example', 'Ben Twin', null, null)
) as rows (contact_id, email, full_name, job_title, buying_role);
create table marts.dim_contact_stages as
select '{ANA}' as contact_id, 'mql' as stage, timestamp '2026-10-01 08:00:00' as stage_since;
create table marts.dim_score_terms as select * from (values
    ('grade', '', 'A', 'Work now', 'Trabalhar agora'), ('grade', '', 'D', 'Leave', 'Deixar'),
    ('fit_band', 'contact', 'high', 'High fit', 'Perfil forte'), ('stage', '', 'mql', 'MQL', 'MQL'),
    ('attribute', '', 'employee_count', 'Employees', 'Funcionários'),
    ('buying_role', '', 'decision_maker', 'decision makers', 'decisores')
) as rows (kind, entity, code, label_en, label_pt);
create table marts.fct_contact_scores as
select contact_id, account_id, grade, fit_band, engagement_band, exclusion_reason, request_group, is_engaged,
    fit_score::decimal(18, 6) as fit_score, engagement_score::decimal(18, 6) as engagement_score,
    (fit_score + engagement_score)::decimal(18, 6) as score, (fit_score + engagement_score)::decimal(18, 6) as score_lo,
    (fit_score + engagement_score + 25)::decimal(18, 6) as score_hi, 0.5::decimal(5, 4) as confidence,
    timestamp '2026-10-30 10:00:00' as last_engaged_at, timestamp '2026-11-01 06:00:00' as as_of_at,
    'r1' as ruleset_version, 'v1' as code_version
from (values
    ('{ANA}', '{ACME}', 'A', 'high', 'high', null, 'C', true, 20, 20),
    ('{BEN}', '{ACME}', 'D', 'low', 'low', 'student', null, false, -20, 3)
) as rows (contact_id, account_id, grade, fit_band, engagement_band, exclusion_reason, request_group, is_engaged,
    fit_score, engagement_score);
create table marts.fct_account_scores as
select '{ACME}' as account_id, 'A' as grade, 'high' as fit_band, 'high' as engagement_band,
    null::varchar as exclusion_reason, 15::decimal(18, 6) as fit_score, 15::decimal(18, 6) as engagement_score,
    30::decimal(18, 6) as score, 30::decimal(18, 6) as score_lo, 55::decimal(18, 6) as score_hi,
    0.5::decimal(5, 4) as confidence, true as gate_passed, 'One decides' as gate_reason, 'Um decide' as gate_reason_pt,
    0.1429::decimal(5, 4) as committee_completeness, timestamp '2026-11-01 06:00:00' as as_of_at,
    'r1' as ruleset_version, 'v1' as code_version;
create table marts.fct_score_ledger as
select entity_type, entity_id, '{ACME}' as account_id, score_kind, rule_id, evidence_count::bigint as evidence_count,
    last_evidence_at::timestamp as last_evidence_at, raw::decimal(18, 6) as raw_points,
    decay::decimal(18, 6) as decay_points, cap::decimal(12, 4) as cap, points::decimal(18, 6) as points,
    reason, reason_pt
from (values
    ('contact', '{ANA}', 'fit', 'role', 1, '2026-09-01', 20, 0, null, 20, 'Decision maker', 'Decisor'),
    ('contact', '{ANA}', 'cap', 'pricing', 9, '2026-10-30', 0, 0, 20, -5, 'Limit of 20', 'Limite de 20'),
    ('contact', '{ANA}', 'engagement', 'pricing', 9, '2026-10-30', 45, -20, 20, 25, 'Pricing', 'Preços'),
    ('contact', '{BEN}', 'fit', 'intern', 1, null, -20, 0, null, -20, 'Intern', 'Estagiário'),
    ('contact', '{BEN}', 'exclusion', 'student', 1, null, 0, 0, null, 0, 'Excluded: student', 'Excluído: estudante'),
    ('contact', '{BEN}', 'engagement', 'open', 3, '2026-10-30', 3, 0, null, 3, 'Opened', 'Abriu'),
    ('account', '{ACME}', 'fit', 'size', 1, null, 15, 0, null, 15, 'Size', 'Tamanho'),
    ('account', '{ACME}', 'engagement', 'committee:decision_maker', 1, '2026-10-30', 15, 0, null, 15, 'One', 'Um')
) as rows (entity_type, entity_id, score_kind, rule_id, evidence_count, last_evidence_at, raw, decay, cap, points,
    reason, reason_pt);
create table marts.fct_contact_requests as
select '{ANA}' as contact_id, true as is_latest, 'Will take a call' as reason, 'Aceita uma ligação' as reason_pt;
create table marts.fct_intent_events as select * from (values
    ('e1', '{ANA}', '{ACME}', 'contact_request', timestamp '2026-10-02', 'Asked', 'Pediu', false),
    ('e2', '{ANA}', '{ACME}', 'meeting_held', timestamp '2026-10-20', 'Met', 'Reuniu-se', true)
) as rows (intent_event_id, contact_id, account_id, intent_kind, intent_at, evidence, evidence_pt, is_buying_intent);
create table marts.fct_bant_facts as select * from (values
    ('f1', '{ANA}', '{ACME}', 'budget', timestamp '2026-10-02', 'Old budget', 'Orçamento antigo'),
    ('f2', '{ANA}', '{ACME}', 'budget', timestamp '2026-10-20', 'New budget', 'Orçamento novo')
) as rows (bant_fact_id, contact_id, account_id, dimension, stated_at, reason, reason_pt);
create table marts.mart_committee as select * from (values
    ('{ACME}', 'decision_maker', 'decision makers', 'decisores', 100, 3, 1, 1, 15::decimal(12, 4)),
    ('{ACME}', 'champion', 'champions', 'patrocinadores', 80, 1, 1, 1, 12::decimal(12, 4))
) as rows (account_id, buying_role, label_en, label_pt, weight, need_count, engaged_people, people, coverage_points);
create table marts.mart_unknown_facts as select * from (values
    ('account', '{ACME}', 'account', 'employee_count', -10::decimal(18, 6), 25::decimal(18, 6)),
    ('contact', '{BEN}', 'contact', 'country', 0::decimal(18, 6), 5::decimal(18, 6))
) as rows (entity_type, entity_id, about, attribute, lo_points, hi_points);
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "b1.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return path


def run(snapshot: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["explain", *arguments, "--snapshot", str(snapshot)])
    return result.exit_code, result.output


def test_a_contact_line_by_line(snapshot: Path) -> None:
    told = explain(snapshot, " ana@ACME.example ")
    assert (told.entity_type, told.entity_id, told.account_name) == ("contact", ANA, "Acme Sistemas")
    # Net weight decides the order; a cap stands below its rule.
    assert [(line.rule_id, line.kind) for line in told.lines] == [
        ("pricing", "engagement"),
        ("pricing", "cap"),
        ("role", "fit"),
    ]
    assert told.sum_of_lines == told.score == Decimal(40)
    assert (told.grade_label, told.fit_band, told.stage) == ("Work now", "High fit", "MQL")
    assert (told.request_group, told.request_reason) == ("C", "Will take a call")
    assert [(one.text, one.is_buying_intent) for one in told.intent] == [("Met", True), ("Asked", False)]
    assert [one.text for one in told.bant] == ["New budget"]
    assert [(one.name, one.is_asked_for) for one in told.people] == [("Ana Silva", True), ("Ben Costa", False)]
    assert [(one.role, one.sought, one.engaged, one.points) for one in told.missing_roles] == [
        ("decision makers", 3, 1, Decimal(30))
    ]
    # What is not known of the company counts for its people.
    assert [(one.fact, one.about, one.hi_points) for one in told.unknown_facts] == [
        ("Employees", "account", Decimal(25))
    ]


def test_an_excluded_contact_says_so_first(snapshot: Path) -> None:
    told = explain(snapshot, BEN, "pt")
    assert told.exclusion_reason == "student"
    assert [line.reason for line in told.lines] == ["Excluído: estudante", "Estagiário", "Abriu"]
    assert {one.fact for one in told.unknown_facts} == {"Funcionários", "country"}
    code, output = run(snapshot, BEN, "--language", "pt")
    assert code == 0
    assert "EXCLUÍDO (student)" in output
    assert "Soma das linhas: -17.0; a pontuação é -17.0" in output


@pytest.mark.parametrize("asked", [ACME, "acme.example", "https://www.acme.example/contact", "ACME SISTEMAS", "acme"])
def test_an_account_by_any_of_its_names(snapshot: Path, asked: str) -> None:
    told = explain(snapshot, asked)
    assert (told.entity_type, told.entity_id) == ("account", ACME)
    assert told.sum_of_lines == told.score == Decimal(30)
    assert (told.gate_passed, told.gate_reason) == (True, "One decides")


def test_it_is_shown_in_both_languages(snapshot: Path) -> None:
    code, english = run(snapshot, "acme.example")
    assert code == 0
    for words in ("Acme Sistemas - acme.example, BR", "Committee gate passed: One decides", "Sum of the lines: 30.0"):
        assert words in english
    code, portuguese = run(snapshot, "ana@acme.example", "--language", "pt")
    assert code == 0
    for words in ("Decisor", "Aceita uma ligação", "Orçamento novo", "O que falta no comitê", "Funcionários"):
        assert words in portuguese
    # Addresses are not needed to understand a score.
    assert "@" not in portuguese


def test_json_is_one_object_whose_lines_add_up(snapshot: Path) -> None:
    code, output = run(snapshot, ANA, "--as-json", "--language", "pt")
    assert code == 0
    told = json.loads(output)
    assert sum(line["points"] for line in told["lines"]) == told["score"] == told["sum_of_lines"] == 40
    assert told["as_of_at"] == "2026-11-01T06:00:00"
    assert told["lines"][0] == {
        "rule_id": "pricing",
        "kind": "engagement",
        "reason": "Preços",
        "evidence_count": 9,
        "at": "2026-10-30T00:00:00",
        "raw_points": 45.0,
        "decay_points": -20.0,
        "cap": 20.0,
        "points": 25.0,
    }


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("bento", "bento: 2 accounts are called so. Name one by its domain or id:"),
        ("São Bento Têxtil", None),
        ("ben@acme.example", "several contacts write from there"),
        ("nobody@acme.example", "no contact has this address"),
        ("Nobody Inc", "no contact and no account is called so"),
        ("  ", "Nobody is named"),
        ("%", "no contact and no account is called so"),
        ("' or 1=1 --", "no contact and no account is called so"),
    ],
)
def test_ambiguous_and_unknown_names(snapshot: Path, asked: str, told: str | None) -> None:
    if told is None:  # A whole name goes before a part of another; that account has no score yet.
        with pytest.raises(SubjectError, match="no score"):
            explain(snapshot, asked)
        return
    with pytest.raises(SubjectError) as raised:
        explain(snapshot, asked)
    assert told in str(raised.value)
    code, output = run(snapshot, asked)
    assert code == 2
    assert "Traceback" not in output
    if asked == "bento":
        assert "São Bento Têxtil (saobento.example, BR): a2" in output
        assert "Sao Bento Textil SA (no domain): a3" in output


def test_a_file_without_scores_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(SettingsError, match="dim_contacts"):
        explain(empty, "acme")
    code, output = run(tmp_path / "absent.duckdb", "acme")
    assert code == 2
    assert "no such file" in output
