from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pytest

from orchestration.rule_comparison import Capacity, Comparison, compare

AS_OF = datetime(2026, 11, 1, 6)
PLENTY = Capacity(calls_per_week=1000, calls_per_mql=6)


class Side:
    """The marts of one rule set, by hand."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self.connection, self.name = connection, name
        connection.execute(f"attach ':memory:' as {name}")
        connection.execute(
            f"""
            create schema {name}.marts; create schema {name}.intermediate;
            create table {name}.marts.fct_contact_scores (
                contact_id varchar, grade varchar, fit_band varchar, engagement_band varchar, fit_score decimal(18, 6),
                engagement_score decimal(18, 6), as_of_at timestamp, ruleset_version varchar);
            create table {name}.marts.fct_account_scores (account_id varchar, grade varchar);
            create table {name}.marts.fct_score_ledger (
                entity_type varchar, entity_id varchar, rule_id varchar, points decimal(18, 6), reason varchar);
            create table {name}.marts.dim_contact_stages (contact_id varchar, stage varchar);
            create table {name}.marts.dim_contacts (contact_id varchar, email varchar);
            create table {name}.marts.fct_stage_transitions (contact_id varchar);
            create table {name}.intermediate.int_handover_scores (
                contact_id varchar, mql_at timestamp, score decimal(18, 6));
            create table {name}.marts.fct_handoffs (handoff_id varchar, contact_id varchar, mql_at timestamp);
            create table {name}.marts.fct_handoff_verdicts (handoff_id varchar, verdict varchar);
            """
        )

    def contact(
        self,
        name: str,
        mql_days_ago: float | None = None,
        verdict: str = "pending",
        score: float = 50,
        grade: str = "B",
    ) -> None:
        """A contact, and the verdict on its hand-over."""
        run = self.connection.execute
        run(
            f"insert into {self.name}.marts.fct_contact_scores values (?, ?, 'high', 'medium', ?, 0, ?, ?)",
            [name, grade, score, AS_OF, f"rules of {self.name}"],
        )
        run(f"insert into {self.name}.marts.dim_contacts values (?, ?)", [name, f"{name}@acme.example"])
        run(
            f"insert into {self.name}.marts.fct_score_ledger values ('contact', ?, 'role', ?, 'Decides')", [name, score]
        )
        stage = "inquiry" if mql_days_ago is None else {"accepted": "sal", "pending": "mql"}.get(verdict, "lost")
        run(f"insert into {self.name}.marts.dim_contact_stages values (?, ?)", [name, stage])
        if mql_days_ago is None:
            return
        at = AS_OF - timedelta(days=mql_days_ago)
        run(f"insert into {self.name}.intermediate.int_handover_scores values (?, ?, ?)", [name, at, score])
        run(f"insert into {self.name}.marts.fct_handoffs values (?, ?, ?)", [f"h {name} {at}", name, at])
        run(f"insert into {self.name}.marts.fct_handoff_verdicts values (?, ?)", [f"h {name} {at}", verdict])


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture
def base(connection: duckdb.DuckDBPyConnection) -> Side:
    return Side(connection, "base")


@pytest.fixture
def changed(connection: duckdb.DuckDBPyConnection) -> Side:
    return Side(connection, "changed")


def compared(side: Side, *, days: int = 90, capacity: Capacity = PLENTY) -> Comparison:
    return compare(side.connection, "base", "changed", days=days, capacity=capacity)


def test_equal_rules_change_nothing(base: Side, changed: Side) -> None:
    for side in (base, changed):
        side.contact("one", 10, "accepted")
        side.contact("two", 20, "worked_and_rejected")
        side.contact("three")
    found = compared(base)
    assert found.is_nothing
    assert (found.entering, found.leaving, found.shifted) == (0, 0, 0)
    assert (found.people_entering, found.people_leaving) == ((), ())
    assert found.difference is not None
    assert (found.difference.value, found.difference.lo, found.difference.hi) == (0, 0, 0)
    assert (found.base.accepted, found.base.known, found.base.share) == (1, 2, found.changed.share)


def test_who_enters_and_leaves_and_what_is_not_known_of_them(base: Side, changed: Side) -> None:
    base.contact("stays", 10, "accepted")
    changed.contact("stays", 12, "accepted")
    base.contact("leaves", 20, "worked_and_rejected", score=40)
    changed.contact("leaves", score=20, grade="C")
    base.contact("enters", score=20, grade="C")
    changed.contact("enters", 5, score=55)
    base.contact("waits", 3)
    changed.contact("waits", 3)
    # Before the window.
    base.contact("long_ago", 200, "worked_and_rejected")
    changed.contact("long_ago", 200, "worked_and_rejected")
    # MQL under both, but now before the window.
    base.contact("sooner", 89)
    changed.contact("sooner", 91)
    found = compared(base)
    assert (found.entering, found.leaving, found.shifted) == (1, 1, 2)
    (entering,) = found.people_entering
    assert (entering.contact_id, entering.email, entering.why) == ("enters", "enters@acme.example", "Decides: 20 -> 55")
    assert (entering.base, entering.changed) == ("C, fit 20.0, engagement 0.0", "B, fit 55.0, engagement 0.0")
    assert found.people_leaving[0].contact_id == "leaves"
    assert (found.base.mqls, found.base.accepted, found.base.known, found.base.pending) == (4, 1, 2, 2)
    # Only the new rules hand it over: no outcome, and not a refusal.
    assert (found.changed.mqls, found.changed.known, found.changed.unobserved) == (3, 1, 1)
    assert found.grades == {("B", "C"): 1, ("C", "B"): 1}
    assert found.stages == {("inquiry", "mql"): 1, ("lost", "inquiry"): 1}
    assert found.difference is not None
    assert found.difference.value == pytest.approx(0.5)
    assert found.difference.lo < 0 < found.difference.hi
    assert not found.is_nothing


def test_calls_per_week_against_capacity(base: Side, changed: Side) -> None:
    for number in range(4):
        base.contact(f"old{number}", 9.5)
        changed.contact(f"old{number}", 9.5)
    for number in range(3):
        base.contact(f"new{number}")
        changed.contact(f"new{number}", 2)
    found = compared(base, days=14, capacity=Capacity(calls_per_week=20, calls_per_mql=6))
    assert (found.base.calls_per_week, found.base.busiest_week_calls, found.base.weeks_over_capacity) == (12, 24, 1)
    assert (found.changed.calls_per_week, found.changed.weeks_over_capacity) == (21, 1)


def test_better_rules_win_at_equal_capacity(base: Side, changed: Side) -> None:
    """Rules that rank those whom sales accepts first fill the same places better, however many MQLs there are."""
    for number in range(60):
        accepted = number % 2 == 0
        outcome = "accepted" if accepted else "worked_and_rejected"
        base.contact(f"c{number:02}", 1 + number % 80, outcome, score=30 + number % 3)
        changed.contact(f"c{number:02}", 1 + number % 80, outcome, score=80 if accepted else 30)
    # 90 days hold 90 / 7 * 14 / 6 = 30 MQLs.
    found = compared(base, capacity=Capacity(calls_per_week=14, calls_per_mql=6)).at_equal_capacity
    assert found.places == 30
    assert (found.base.mqls, found.changed.mqls) == (30, 30)
    assert (found.base.accepted, found.changed.accepted) == (15, 30)
    assert found.difference is not None
    assert found.difference.lo > 0


def test_what_sales_did_not_work_counts_for_sal_mql_and_says_nothing_of_the_lead(base: Side, changed: Side) -> None:
    for side in (base, changed):
        for number, verdict in enumerate(("accepted", "worked_and_rejected", "late", "too_few_tries", "pending")):
            side.contact(verdict, 10 + number, verdict)
        # The last hand-over counts.
        side.contact("again", 20, "accepted")
    base.connection.execute("insert into base.marts.fct_handoffs values ('old', 'again', timestamp '2026-01-01')")
    base.connection.execute("insert into base.marts.fct_handoff_verdicts values ('old', 'late')")
    found = compared(base)
    assert (found.base.accepted, found.base.known, found.base.pending) == (2, 5, 1)
    best = found.at_equal_capacity.base
    assert (best.accepted, best.known, best.pending) == (2, 3, 3)


def test_two_moments_or_a_missing_table_are_refused(base: Side, changed: Side) -> None:
    base.contact("one")
    with pytest.raises(ValueError, match="holds no scores"):
        compared(base)
    changed.contact("one")
    base.connection.execute("update changed.marts.fct_contact_scores set as_of_at = as_of_at + interval 1 day")
    with pytest.raises(ValueError, match="different moments"):
        compared(base)
    base.connection.execute("drop table changed.intermediate.int_handover_scores")
    with pytest.raises(ValueError, match="int_handover_scores"):
        compared(base)
