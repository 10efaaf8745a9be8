from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.audit import AuditRefused, audit, to_markdown

GOLDEN = Path(__file__).with_name("golden_audit.md")
#: What the audit reads, with one fault of each kind: a rule that met nobody, one that moves nobody, two that count for
#: the same people, a signal that neither fades nor is capped, no negative rule, a grade with nearly everybody and one
#: with nobody, scores that say the opposite of what sales found, a forgotten review, drift.
FIXTURE = """
create schema marts; create schema config;
create table config.audit_settings as select * from (values
    ('grade_max_share', 0.75), ('auc_min', 0.6), ('overlap_min_share', 0.9), ('overlap_min_people', 10),
    ('rule_max_points_share', 0.5)) as rows (setting, value);
create table config.fit_rules as select * from (values
    ('role_decider', 20), ('size_mid', 5), ('size_huge', 25), ('email_known', 1)) as rows (rule_id, points);
create table config.engagement_signals as select * from (values
    ('page_pricing', 5, 14, null, null, 30), ('webinar', 1, null, 30, 25, 30), ('email_open', 1, null, null, null, null)
) as rows (signal_id, points, half_life_days, decay_interval_days, decay_percent, cap);
create table config.grade_matrix as select * from (values
    ('contact', 'A'), ('contact', 'B'), ('contact', 'C'), ('account', 'A')) as rows (entity, grade);
create table marts.fct_score_ledger as
    select 'contact' as entity_type, 'c' || n as entity_id, kind as score_kind, rule as rule_id, points
    from range(20) as people (n)
    inner join (values
        ('fit', 'role_decider', 20, 10), ('fit', 'size_mid', 5, 11), ('fit', 'email_known', 1, 20),
        ('engagement', 'page_pricing', 15, 4), ('engagement', 'email_open', 1, 8)
    ) as lines (kind, rule, points, people) on people.n < lines.people;
create table marts.fct_contact_scores as
    select
        entity_id as contact_id, case when sum(points) > 40 then 'A' else 'C' end as grade, sum(points) as score,
        timestamp '2026-11-01 06:00:00' as as_of_at, 'abc123' as ruleset_version
    from marts.fct_score_ledger group by entity_id;
create table marts.mart_rule_usefulness as select * from (values
    ('fit', 'role_decider', 10, 200, 8, 8), ('fit', 'size_mid', 11, 55, 3, 2), ('fit', 'size_huge', 0, 0, 0, 0),
    ('fit', 'email_known', 20, 20, 0, 0), ('signal', 'page_pricing', 4, 60, 2, 2), ('signal', 'email_open', 8, 8, 1, 0)
) as rows (rule_kind, rule_id, ledger_lines, points, cells_changed, grades_changed);
create table marts.mart_score_vs_outcome as select * from (values
    ('all', 'all', 40, 30, 15, 50.0, 33.2, 66.8, 1.0, true, 0.42),
    ('decile', '1', 20, 15, 5, 33.3, 15.2, 58.3, 0.67, false, null),
    ('decile', '2', 20, 15, 10, 66.7, 41.7, 84.8, 1.33, false, null)
) as rows (dimension, value, handovers, judged, accepted, accepted_pct, accepted_lo_pct, accepted_hi_pct,
    accepted_lift, is_enough, accepted_auc);
create table marts.mart_score_health as select * from (values
    ('review_age', 'rules', 'all', 400, null, 180, 'alert', 'Days since the last review'),
    ('drift', 'captured', 'fit', 0.31, 0.1, 0.25, 'alert', 'Drift of fit'),
    ('drift', 'captured', 'engagement', 0.05, 0.1, 0.25, 'ok', 'Drift of engagement')
) as rows (check_name, population, dimension, value, watch_from, alert_from, status, description);
"""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute(FIXTURE)
    return made


def test_the_report_is_the_golden_one(connection: duckdb.DuckDBPyConnection) -> None:
    assert to_markdown(audit(connection, rules_changed_on=date(2025, 9, 27))) == GOLDEN.read_text(encoding="utf-8")


def test_every_planted_fault_is_found(connection: duckdb.DuckDBPyConnection) -> None:
    found = "\n".join(audit(connection).findings)
    for said in (
        "Grade C holds 80.0 % of the contacts",
        "No contact has grade B",
        "never met anybody (1): size_huge",
        "move nobody to another cell (1): email_known",
        "role_decider and size_mid count for the same people (90.9 %",
        "never fade (1): email_open",
        "without a cap (1): email_open",
        "No fit rule takes points away",
        "No signal takes points away",
        "in 42 % of the pairs",
        "last reviewed 400 days ago",
        "Drift of captured in fit: 0.31",
    ):
        assert said in found, said


def test_a_score_that_is_not_its_lines_is_a_bug(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("update marts.fct_contact_scores set score = score + 1 where contact_id = 'c0'")
    assert audit(connection).findings[0].startswith("Scores that are not the sum of their ledger lines (1)")


def test_too_few_outcomes_are_told_instead_of_a_lift(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("update marts.mart_score_vs_outcome set judged = 3, is_enough = false")
    assert any("Only 3 hand-overs have a known outcome" in finding for finding in audit(connection).findings)


def test_an_unbuilt_warehouse_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("drop table marts.mart_score_health")
    with pytest.raises(AuditRefused, match="mart_score_health"):
        audit(connection)
