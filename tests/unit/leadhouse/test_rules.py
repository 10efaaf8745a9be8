"""The rule checker names file, row, field, what is wrong and what to do; the shipped rules pass."""

from __future__ import annotations

import csv
import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from identity.resolve import ResolveSettings
from leadhouse.rules import SCHEMAS, SETTINGS, RuleProblem, check_rules
from leadhouse.rules.scoring import FIT_ATTRIBUTES

ROOT = Path(__file__).parents[3]
SEEDS = ROOT / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to be spoiled."""
    copy = tmp_path / "seeds"
    shutil.copytree(SEEDS, copy)
    return copy


def change(seeds: Path, name: str, where: dict[str, str], **cells: str) -> int:
    """Change the first row that matches and return its number as a spreadsheet counts it."""
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    index = next(i for i, row in enumerate(rows) if all(row[field] == value for field, value in where.items()))
    rows[index].update(cells)
    write(path, rows)
    return index + 2


def append(seeds: Path, name: str, **cells: str) -> int:
    path = seeds / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows.append(dict.fromkeys(rows[0], "") | cells)
    write(path, rows)
    return len(rows) + 1


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def only(problems: list[RuleProblem]) -> RuleProblem:
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def test_shipped_rules_pass() -> None:
    assert [str(problem) for problem in check_rules(SEEDS)] == []


def test_every_shipped_file_has_a_schema() -> None:
    assert {path.stem for path in SEEDS.glob("*.csv")} == set(SCHEMAS)


def test_attributes_are_those_of_the_models() -> None:
    contact = (ROOT / "models/intermediate/scoring/int_contact_fit_facts.sql").read_text()
    in_contact_model = set(re.findall(r'\(\s*"(\w+)",\s*".*",\s*"\w+",?\s*\)', contact))
    assert in_contact_model == set(FIT_ATTRIBUTES["contact"])
    account = (ROOT / "macros/account_fit_facts.sql").read_text()
    in_account_model = set(re.findall(r"'(\w+)' as attribute", account))
    in_account_model |= set(re.findall(r"'(\w+)'", re.search(r"where field in \((.*?)\)", account)[1]))  # type: ignore[index]
    assert in_account_model == set(FIT_ATTRIBUTES["account"])


def test_settings_are_those_that_models_read() -> None:
    used: dict[str, set[str]] = {name: set() for name in SETTINGS}
    for path in (ROOT / "models").rglob("*.sql"):
        for name, seed in re.findall(r'setting\("(\w+)"(?:, "(\w+)")?\)', path.read_text()):
            used[seed or "scoring_settings"].add(name)
    for path in (ROOT / "models").rglob("*.py"):
        used["identity_settings"] |= set(re.findall(r'setting\(values, "(\w+)"\)', path.read_text()))
    used["identity_settings"] |= {field.name for field in dataclasses.fields(ResolveSettings)}
    text = (ROOT / "attribution/warehouse.py").read_text()
    used["attribution_settings"] |= set(re.findall(r'number\(settings, "(\w+)"\)', text))
    # What commands compare with; no model reads it.
    used["capacity"] |= set(re.findall(r'values\["(\w+)"\]', (ROOT / "orchestration/whatif.py").read_text()))
    for name in ("audit", "doctor"):
        text = (ROOT / f"orchestration/{name}.py").read_text()
        used["audit_settings"] |= set(re.findall(r'settings\["(\w+)"\]', text))
    text = (ROOT / "orchestration/alerts.py").read_text()
    used["alert_settings"] |= set(re.findall(r'limits\["(\w+)"\]', text))
    assert used == {name: set(settings) for name, settings in SETTINGS.items()}


@pytest.mark.parametrize(
    ("name", "where", "cells", "field", "words"),
    [
        ("fit_rules", {"rule_id": "size_mid"}, {"attribute": "headcount"}, "attribute", "employee_count"),
        ("fit_rules", {"rule_id": "size_mid"}, {"entity": "contact"}, "attribute", "not known of a contact"),
        ("fit_rules", {"rule_id": "size_mid"}, {"operator": ">="}, "operator", "between"),
        ("fit_rules", {"rule_id": "size_mid"}, {"points": "fifteen"}, "points", "not a number"),
        ("fit_rules", {"rule_id": "size_mid"}, {"points": "1,5"}, "points", "point as decimal mark"),
        ("fit_rules", {"rule_id": "size_mid"}, {"points": "NaN"}, "points", "not a number"),
        ("fit_rules", {"rule_id": "size_mid"}, {"value": "250..50"}, "value", "holds nothing"),
        ("fit_rules", {"rule_id": "size_mid"}, {"value": "50-250"}, "value", "low..high"),
        ("fit_rules", {"rule_id": "size_mid"}, {"value": ".."}, "value", "low..high"),
        ("fit_rules", {"rule_id": "size_mid"}, {"reason_pt": ""}, "reason_pt", "empty"),
        ("fit_rules", {"rule_id": "activity_software"}, {"value": "6201"}, "value", "SYSTEM:prefix"),
        ("fit_rules", {"rule_id": "size_mid"}, {"rule_id": "size_tiny"}, "rule_id", "already stands in row"),
        ("engagement_signals", {"signal_id": "page_dwell"}, {"touch_type": "page_viev"}, "touch_type", "page_view"),
        ("engagement_signals", {"signal_id": "page_pricing"}, {"half_life_days": "-7"}, "half_life_days", "above 0"),
        ("engagement_signals", {"signal_id": "page_pricing"}, {"half_life_days": "0"}, "half_life_days", "above 0"),
        ("engagement_signals", {"signal_id": "page_pricing"}, {"detail_values": "prices"}, "detail_values", "pricing"),
        ("engagement_signals", {"signal_id": "page_pricing"}, {"detail_field": ""}, "detail_field", "both"),
        ("engagement_signals", {"signal_id": "page_pricing"}, {"cap": "-30"}, "cap", "sign"),
        ("engagement_signals", {"signal_id": "page_careers"}, {"daily_cap": "8"}, "daily_cap", "sign"),
        ("engagement_signals", {"signal_id": "page_return"}, {"daily_cap": "2"}, "daily_cap", "counts once"),
        ("engagement_signals", {"signal_id": "page_return"}, {"measure": "visit"}, "measure", "active_day"),
        ("engagement_signals", {"signal_id": "email_open"}, {"half_life_days": "-14"}, "half_life_days", "above 0"),
        ("engagement_signals", {"signal_id": "email_open"}, {"decay_percent": "20"}, "decay_interval_days", "both"),
        (
            "engagement_signals",
            {"signal_id": "email_unsubscribe"},
            {"decay_interval_days": "7"},
            "decay_percent",
            "both",
        ),
        (
            "engagement_signals",
            {"signal_id": "email_open"},
            {"decay_interval_days": "7", "decay_percent": "20"},
            "half_life_days",
            "Keep the half-life",
        ),
        (
            "engagement_signals",
            {"signal_id": "email_unsubscribe"},
            {"decay_interval_days": "7", "decay_percent": "120"},
            "decay_percent",
            "100",
        ),
        ("engagement_signals", {"signal_id": "page_careers"}, {"score_kind": "engagement"}, "points", "negative"),
        ("engagement_signals", {"signal_id": "page_dwell"}, {"max_measure": ""}, "max_measure", "minutes"),
        ("engagement_signals", {"signal_id": "page_pricing"}, {"counts_machine": "maybe"}, "counts_machine", "true"),
        ("engagement_signals", {"signal_id": "page_dwell"}, {"signal_id": "size_mid"}, "signal_id", "fit_rules.csv"),
        ("score_bands", {"entity": "contact", "dimension": "fit", "band": "medium"}, {"lo": "15"}, "lo", "overlaps"),
        ("score_bands", {"entity": "contact", "dimension": "fit", "band": "medium"}, {"lo": "25"}, "lo", "gap"),
        ("score_bands", {"entity": "account", "dimension": "fit", "band": "low"}, {"lo": "0"}, "lo", "below 0"),
        ("score_bands", {"entity": "account", "dimension": "fit", "band": "high"}, {"hi": "90"}, "hi", "from 90 on"),
        ("grade_matrix", {"entity": "contact", "fit_band": "high"}, {"grade": "S"}, "grade", "grades.csv"),
        ("committee_roles", {"buying_role": "champion"}, {"buying_role": "hero"}, "buying_role", "no title"),
        ("committee_roles", {"buying_role": "champion"}, {"weight": "120"}, "weight", "at most 100"),
        ("lifecycle_transitions", {"to_stage": "sal"}, {"to_stage": "sale"}, "to_stage", "lifecycle_stages.csv"),
        ("lifecycle_transitions", {"from_stage": "mql"}, {"trigger": "customer_won"}, "trigger", "customer"),
        ("lifecycle_transitions", {"from_stage": "sql"}, {"to_stage": "mql"}, "direction", "higher stage_order"),
        ("lifecycle_transitions", {"direction": "out"}, {"direction": "forward"}, "direction", "kind out"),
        ("stage_thresholds", {"line_id": "mql_standard"}, {"stage": "mpl"}, "stage", "lifecycle_stages.csv"),
        ("funnel_benchmarks", {"from_stage": "mql"}, {"hi_pct": "30"}, "hi_pct", "below its start 40"),
        ("funnel_benchmarks", {"from_stage": "mql"}, {"to_stage": "inquiry"}, "to_stage", "does not come after"),
        ("funnel_benchmarks", {"from_stage": "mql"}, {"status": "proven"}, "status", "not known"),
        ("stage_triggers", {"trigger": "sal_status"}, {"evidence_kind": "mood"}, "evidence_kind", "lead_status"),
        ("lifecycle_transitions", {"to_stage": "recycled"}, {"direction": "forward"}, "direction", "aside goes back"),
        (
            "lifecycle_transitions",
            {"from_stage": "", "to_stage": "inquiry"},
            {"direction": "back"},
            "direction",
            "begins",
        ),
        (
            "lifecycle_transitions",
            {"from_stage": "win_back", "to_stage": "dormant"},
            {"direction": "forward"},
            "to_stage",
            "forward from 'win_back' to 'dormant' closes a circle",
        ),
        ("stage_thresholds", {"line_id": "mql_standard"}, {"leave_after_days": ""}, "leave_after_days", "Fill in both"),
        ("stage_thresholds", {"line_id": "mql_standard"}, {"leave_after_days": "0"}, "leave_after_days", "at least 1"),
        (
            "stage_thresholds",
            {"line_id": "mql_standard"},
            {"leave_engagement_score": "", "leave_after_days": ""},
            "leave_engagement_score",
            "'score_fell' waits",
        ),
        (
            "stage_thresholds",
            {"line_id": "mql_standard"},
            {"leave_engagement_score": "26"},
            "leave_engagement_score",
            "entered only at 25",
        ),
        ("stage_triggers", {"trigger": "sql_meeting"}, {"evidence_values": "lunch"}, "evidence_values", "meeting_held"),
        ("stage_triggers", {"trigger": "win_back_sign"}, {"evidence_values": ""}, "evidence_values", "touch types"),
        ("stage_triggers", {"trigger": "score_fell"}, {"evidence_values": ""}, "evidence_values", "Name the stages"),
        ("stage_triggers", {"trigger": "score_fell"}, {"evidence_values": "sal"}, "evidence_values", "mql"),
        ("stage_triggers", {"trigger": "customer_silent"}, {"inactive_days": ""}, "inactive_days", "needs them"),
        ("stage_triggers", {"trigger": "customer_won"}, {"inactive_days": "5"}, "inactive_days", "needs them"),
        ("attribution_models", {"model": "w_shaped"}, {"middle": "0.2"}, "model", "add up to 1.1"),
        ("attribution_models", {"model": "last"}, {"last_touch": "-1"}, "last_touch", "at least 0"),
        ("attribution_models", {"model": "linear"}, {"model_order": "1"}, "model_order", "'first' has place 1 too"),
        ("attribution_models", {"model": "markov"}, {"every_touch": "1"}, "method", "takes no shares"),
        ("attribution_models", {"model": "markov"}, {"skips_direct": "true"}, "skips_direct", "whole journeys"),
        ("attribution_models", {"model": "shapley"}, {"credit_until": "opportunity_creation"}, "credit_until", "whole"),
        ("attribution_models", {"model": "time_decay"}, {"half_life_days": ""}, "half_life_days", "time_decay"),
        ("attribution_models", {"model": "linear"}, {"half_life_days": "7"}, "half_life_days", "time_decay"),
        ("attribution_models", {"model": "linear"}, {"method": "magic"}, "method", "markov"),
        ("attribution_conversions", {"conversion_kind": "won"}, {"lookback_days": "1.5"}, "lookback_days", "whole"),
        ("attribution_conversions", {"conversion_kind": "mql"}, {"conversion_kind": "aql"}, "conversion_kind", "stage"),
        ("attribution_conversions", {"conversion_kind": "mql"}, {"journey_level": "firm"}, "journey_level", "contact"),
        ("attribution_settings", {"setting": "shapley_exact_channels"}, {"value": "40"}, "value", "from 0 to 16"),
        ("attribution_settings", {"setting": "bootstrap_resamples"}, {"value": "1"}, "value", "at least 100"),
        ("attribution_settings", {"setting": "collapse_minutes"}, {"value": "-1"}, "value", "at least 0"),
        ("reporting_settings", {"setting": "gross_margin"}, {"value": "80"}, "value", "from 0 to 1"),
        ("reporting_settings", {"setting": "deal_months"}, {"value": "0"}, "value", "above 0"),
        ("channel_rules", {}, {"channel": "carrier_pigeon"}, "channel", "channels.csv"),
        ("touch_types", {"touch_type": "email_click"}, {"default_channel": "post"}, "default_channel", "channels.csv"),
        ("title_rules", {}, {"pattern": "(unclosed"}, "pattern", "regular expression"),
        ("currency_rates", {}, {"valid_from": "01/02/2026"}, "valid_from", "2026-11-30"),
    ],
)
def test_a_bad_cell_is_named(
    seeds: Path, name: str, where: dict[str, str], cells: dict[str, str], field: str, words: str
) -> None:
    row = change(seeds, name, where, **cells)
    problems = [problem for problem in check_rules(seeds) if problem.field == field and problem.row == row]
    assert problems, "\n".join(map(str, check_rules(seeds)))
    problem = problems[0]
    assert problem.file == f"{name}.csv"
    assert words in str(problem)
    assert str(problem).startswith(f"{name}.csv, row {row}, field {field}: ")


def test_unknown_and_missing_columns(seeds: Path) -> None:
    path = seeds / "fit_rules.csv"
    path.write_text(path.read_text().replace("attribute", "atribute", 1))
    unknown, missing = check_rules(seeds)
    assert (unknown.row, unknown.field, missing.field) == (1, "atribute", "attribute")
    assert "unknown column 'atribute'" in str(unknown)
    assert "rule_id, entity, attribute" in unknown.fix


def test_rows_that_do_not_fit_the_header(seeds: Path) -> None:
    path = seeds / "grades.csv"
    path.write_text(path.read_text() + "E,5,false,Never, ever,Nunca\n")
    problem = next(problem for problem in check_rules(seeds) if problem.file == "grades.csv")
    assert problem.row == 6
    assert "6 cells where the header has 5" in problem.problem
    assert "double quotes" in problem.fix


def test_files_that_cannot_be_read(seeds: Path) -> None:
    (seeds / "grades.csv").unlink()
    (seeds / "score_bands.csv").write_text("")
    (seeds / "committee_roles.csv").write_bytes("papel,peso\nfunção,1\n".encode("latin-1"))
    (seeds / "fit_rules.csv").write_text('rule_id\n"unclosed')
    problems = {problem.file: problem.problem for problem in check_rules(seeds) if problem.row is None}
    assert problems["grades.csv"] == "the file is missing"
    assert problems["score_bands.csv"] == "the file is empty"
    assert "not UTF-8" in problems["committee_roles.csv"]
    assert "not CSV" in problems["fit_rules.csv"]


def test_a_file_saved_by_a_spreadsheet_is_read(seeds: Path) -> None:
    path = seeds / "grades.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert check_rules(seeds) == []


def test_a_new_weighted_model_is_one_line(seeds: Path) -> None:
    append(
        seeds,
        "attribution_models",
        model="inverse_j",
        model_order="13",
        method="weights",
        label_en="Inverse J",
        label_pt="J invertido",
        first_touch="0.6",
        last_touch="0.2",
        middle="0.2",
        skips_direct="false",
        credit_until="conversion",
        definition="60 % first, 20 % last, 20 % the others",
        definition_pt="60 % primeiro, 20 % último, 20 % os outros",
    )
    assert check_rules(seeds) == []


def test_a_stage_nobody_can_reach_or_leave(seeds: Path) -> None:
    row = append(
        seeds,
        "lifecycle_stages",
        stage="nurture",
        stage_order="2",
        kind="stage",
        creates_in_crm="false",
        label_en="Nurture",
        label_pt="Nutrição",
        definition="Kept warm",
        definition_pt="Mantido aquecido",
        entry_criteria_en="None yet",
        entry_criteria_pt="Nenhum ainda",
        exit_criteria_en="None yet",
        exit_criteria_pt="Nenhum ainda",
    )
    problems = [problem.problem for problem in check_rules(seeds) if problem.row == row]
    assert problems == [
        "nothing leads to 'nurture'",
        "'nurture' is a dead end",
        "nothing is evidence for 'nurture'",
    ]


def test_two_starts(seeds: Path) -> None:
    append(seeds, "lifecycle_transitions", to_stage="mql", direction="forward", reason="From nowhere")
    assert "journeys begin at inquiry, mql" in only(check_rules(seeds)).problem


def test_a_stage_that_leads_to_no_end(seeds: Path) -> None:
    """Dormant customers may only come back to a stage that leads nowhere but to being dormant again."""
    path = seeds / "lifecycle_transitions.csv"
    kept = [line for line in path.read_text().splitlines() if ",customer_won," not in line]
    path.write_text("\n".join(kept) + "\n")
    problems = [str(problem) for problem in check_rules(seeds)]
    assert [problem.split(":")[1].split(".")[0].strip() for problem in problems] == [
        "no way leads from 'dormant' to an end",
        "no way leads from 'win_back' to an end",
    ]


def test_a_custom_stage_is_welcome(seeds: Path) -> None:
    """A stage between SQL and customer, with its evidence and its moves, is four lines of rules."""
    path = seeds / "lifecycle_stages.csv"
    path.write_text(path.read_text().replace("customer,5,", "customer,5.5,").replace(",5.5,", ",6,", 1))
    text = path.read_text().replace("regular_customer,6,", "regular_customer,7,")
    text = text.replace("dormant,7,", "dormant,8,").replace("win_back,8,", "win_back,9,")
    path.write_text(text.replace("recycled,9,", "recycled,10,").replace("lost,10,", "lost,11,"))
    words = dict.fromkeys(
        [
            "definition",
            "definition_pt",
            "entry_criteria_en",
            "entry_criteria_pt",
            "exit_criteria_en",
            "exit_criteria_pt",
        ],
        "Has met us",
    )
    append(
        seeds,
        "lifecycle_stages",
        stage="met",
        stage_order="5",
        kind="stage",
        creates_in_crm="true",
        label_en="Met",
        label_pt="Encontrado",
        **words,
    )
    append(
        seeds,
        "stage_triggers",
        trigger="met_us",
        stage="met",
        evidence_kind="intent",
        evidence_values="meeting_held",
        must_follow="true",
        description="Met with sales",
    )
    for before, after in (("sql", "met"), ("met", "customer")):
        append(
            seeds, "lifecycle_transitions", from_stage=before, to_stage=after, direction="forward", reason="On the way"
        )
    assert check_rules(seeds) == []


def test_a_cell_of_the_matrix_is_missing(seeds: Path) -> None:
    path = seeds / "grade_matrix.csv"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("contact,high,low")]
    path.write_text("\n".join(lines) + "\n")
    assert only(check_rules(seeds)).problem == "no grade for a contact with fit high and engagement low"


def test_settings_that_nothing_reads_or_that_are_missing(seeds: Path) -> None:
    change(seeds, "scoring_settings", {"setting": "engaged_min_score"}, setting="engaged_minimum")
    missing, unknown = check_rules(seeds)
    assert "'engaged_min_score' is missing" in missing.problem
    assert "no rule reads 'engaged_minimum'" in unknown.problem


DECISIONS = "decision_id,decision,source_a,record_id_a,source_b,record_id_b,decided_by,decided_on,note\n"


def test_two_records_cannot_be_forced_together_and_kept_apart(seeds: Path) -> None:
    (seeds / "identity_decisions.csv").write_text(
        DECISIONS + "d1,force,hubspot,1,hubspot,2,ana,2026-11-01,\n" + "d2,forbid,hubspot,2,hubspot,1,bea,2026-11-02,\n"
    )
    problem = only(check_rules(seeds))
    assert (problem.file, problem.row, problem.field) == ("identity_decisions.csv", 3, "decision")
    assert "together in row 2" in problem.problem


def test_a_decision_is_about_two_records(seeds: Path) -> None:
    (seeds / "identity_decisions.csv").write_text(DECISIONS + "d1,force,hubspot,1,hubspot,1,,2026-11-01,\n")
    problem = only(check_rules(seeds))
    assert (problem.row, problem.field) == (2, "record_id_b")


def test_a_pair_is_not_accepted_below_the_weight_it_is_reviewed_from(seeds: Path) -> None:
    row = change(seeds, "identity_settings", {"setting": "accept_match_weight"}, value="-50")
    problem = only(check_rules(seeds))
    assert (problem.file, problem.row, problem.field) == ("identity_settings.csv", row, "value")


def test_a_similarity_is_a_share(seeds: Path) -> None:
    row = change(seeds, "identity_settings", {"setting": "name_conflict_similarity"}, value="80")
    problem = only(check_rules(seeds))
    assert (problem.row, problem.field) == (row, "value")
