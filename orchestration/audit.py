"""An audit of the scoring system as it is (R55, R81): what its scores say, what its rules do, when anyone last looked.

Reads marts only, and the rules they were computed under from schema ``config`` of the same warehouse. The report is
data; :func:`to_markdown` writes it down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

Cell = str | int | float | None
_NEEDED = (
    "marts.fct_contact_scores",
    "marts.fct_score_ledger",
    "marts.mart_rule_usefulness",
    "marts.mart_score_vs_outcome",
    "marts.mart_score_health",
    "config.audit_settings",
)


class AuditRefused(Exception):
    """The warehouse lacks what the audit reads; says what to do."""


@dataclass(frozen=True)
class Section:
    """One part of the report: a table, and what is wrong with what it shows, each with what to do."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """The report of one moment and rule set."""

    as_of_at: datetime
    ruleset_version: str
    sections: tuple[Section, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """Everything that is wrong, in the order of the sections."""
        return tuple(finding for section in self.sections for finding in section.findings)


class _Warehouse:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        there = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }
        if missing := [name for name in _NEEDED if name not in there]:
            raise AuditRefused(f"The warehouse has no {' and no '.join(missing)}. Run `leadhouse build` first.")
        self.settings = {
            name: float(value) for name, value in self.rows("select setting, value from config.audit_settings")
        }

    def rows(self, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, parameters or []).fetchall()

    def one(self, query: str) -> tuple[Any, ...]:
        return self.rows(query)[0]


def audit(connection: duckdb.DuckDBPyConnection, *, rules_changed_on: date | None = None) -> Audit:
    """Looks at the scores and rules of a warehouse.

    Args:
        connection: the warehouse, read-only.
        rules_changed_on: when a rule file was last changed, if known (git).

    Raises:
        AuditRefused: it lacks what is read.
    """
    warehouse = _Warehouse(connection)
    as_of_at, version = warehouse.one("select max(as_of_at), max(ruleset_version) from marts.fct_contact_scores")
    if as_of_at is None:
        raise AuditRefused("Nobody is scored yet. Run `leadhouse ingest` and `leadhouse build` first.")
    parts: tuple[Callable[[_Warehouse], Section], ...] = (
        _size,
        _distribution,
        _outcomes,
        _idle_rules,
        _decay,
        _overlap,
        _weight,
    )
    return Audit(as_of_at, str(version), (*(part(warehouse) for part in parts), _health(warehouse, rules_changed_on)))


def to_markdown(found: Audit) -> str:
    """The report as Markdown: what is wrong first, then the tables."""
    lines = [
        "# Audit of the scoring system",
        "",
        f"As of {found.as_of_at:%Y-%m-%d %H:%M} UTC, rule set {found.ruleset_version}.",
        "",
        f"## What to do ({len(found.findings)})",
        "",
        *(f"{number}. {finding}" for number, finding in enumerate(found.findings, 1)),
        *([] if found.findings else ["Nothing was found."]),
    ]
    for section in found.sections:
        lines += ["", f"## {section.title}", ""]
        if not section.rows:
            lines.append("None.")
            continue
        lines += [f"| {' | '.join(section.columns)} |", f"|{'---|' * len(section.columns)}"]
        lines += [f"| {' | '.join(_shown(cell) for cell in row)} |" for row in section.rows]
    return "\n".join(lines) + "\n"


def _size(warehouse: _Warehouse) -> Section:
    counts = [
        (label, warehouse.one(f"select count(*) from {table}")[0])
        for label, table in (
            ("contacts scored", "marts.fct_contact_scores"),
            ("fit rules", "config.fit_rules"),
            ("signals", "config.engagement_signals"),
            ("lines of the ledger", "marts.fct_score_ledger"),
        )
    ]
    (off,) = warehouse.one(
        """
        select count(*)
        from marts.fct_contact_scores as scores
        left join (
            select entity_id, sum(points) as points from marts.fct_score_ledger
            where entity_type = 'contact' group by entity_id
        ) as lines on scores.contact_id = lines.entity_id
        where abs(scores.score - coalesce(lines.points, 0)) > 0.000001
        """
    )
    counts.append(("contacts whose score is not the sum of its lines", off))
    findings = [f"Scores that are not the sum of their ledger lines ({off}): this is a bug, report it."] if off else []
    return Section("Size", ("what", "count"), tuple(counts), tuple(findings))


def _distribution(warehouse: _Warehouse) -> Section:
    rows = warehouse.rows(
        """
        select
            grades.grade, count(scores.contact_id),
            round(100.0 * count(scores.contact_id) / sum(count(scores.contact_id)) over (), 1),
            round(min(scores.score), 1), round(median(scores.score), 1), round(max(scores.score), 1)
        from (select distinct grade from config.grade_matrix where entity = 'contact') as grades
        left join marts.fct_contact_scores as scores on grades.grade = scores.grade
        group by grades.grade order by grades.grade
        """
    )
    limit = warehouse.settings["grade_max_share"]
    findings = [
        f"Grade {row[0]} holds {row[2]} % of the contacts: it tells them apart badly. Move the lines "
        "in score_bands.csv."
        for row in rows
        if row[2] > 100 * limit
    ]
    findings += [
        f"No contact has grade {row[0]}: it can be left out, or its line is too high (score_bands.csv)."
        for row in rows
        if row[1] == 0
    ]
    columns = ("grade", "contacts", "%", "lowest", "median", "highest")
    return Section("Distribution of scores", columns, _plain(rows), tuple(findings))


def _outcomes(warehouse: _Warehouse) -> Section:
    rows = warehouse.rows(
        """
        select
            value, handovers, judged, accepted, round(accepted_pct, 1), round(accepted_lo_pct, 1),
            round(accepted_hi_pct, 1), round(accepted_lift, 2)
        from marts.mart_score_vs_outcome
        where dimension in ('decile', 'all')
        order by dimension desc, try_cast(value as integer)
        """
    )
    total = warehouse.rows(
        "select judged, is_enough, accepted_auc from marts.mart_score_vs_outcome where dimension = 'all'"
    )
    findings = []
    judged, is_enough, auc = total[0] if total else (0, False, None)
    if not is_enough:
        findings.append(
            f"Only {judged} hand-overs have a known outcome: too few to say whether scores mean anything. Have sales "
            "record an outcome for each (docs/contract.md)."
        )
    elif auc is None:
        findings.append(
            "Every judged hand-over ended alike, so that no score can tell them apart. See that sales records refusals."
        )
    elif auc < warehouse.settings["auc_min"]:
        findings.append(
            f"An accepted hand-over scored higher than a refused one in {100 * auc:.0f} % of the pairs, where "
            "chance gives 50 %: the points do not say what sales sees. Compare rule sets with `leadhouse whatif`."
        )
    columns = ("decile of the score", "hand-overs", "judged", "accepted", "%", "at least", "at most", "lift")
    return Section("Scores against outcomes", columns, _plain(rows), tuple(findings))


def _idle_rules(warehouse: _Warehouse) -> Section:
    rows = warehouse.rows(
        """
        select
            rule_kind, rule_id, case when sum(ledger_lines) = 0 then 'no line' else 'changes no cell' end,
            sum(ledger_lines), sum(points)
        from marts.mart_rule_usefulness
        group by rule_kind, rule_id
        having sum(cells_changed) = 0 and sum(grades_changed) = 0
        order by 3 desc, 1, 2
        """
    )
    dead = [row[1] for row in rows if row[2] == "no line"]
    useless = [row[1] for row in rows if row[2] != "no line"]
    findings = []
    if dead:
        findings.append(f"Rules that never met anybody ({len(dead)}): {_listed(dead)}. Correct or remove them.")
    if useless:
        findings.append(
            f"Rules that give points and move nobody to another cell ({len(useless)}): {_listed(useless)}. A simple "
            "score is a good score: remove what does nothing."
        )
    return Section("Rules that do nothing", ("kind", "rule", "what", "lines", "points"), _plain(rows), tuple(findings))


def _decay(warehouse: _Warehouse) -> Section:
    rows = warehouse.rows(
        """
        select
            signal_id, points,
            coalesce(
                cast(half_life_days as varchar),
                decay_percent || ' % every ' || decay_interval_days || ' days',
                'never fades'
            ),
            coalesce(cast(cap as varchar), 'none')
        from config.engagement_signals
        where points > 0 and ((half_life_days is null and decay_interval_days is null) or cap is null)
        order by signal_id
        """
    )
    eternal = [row[0] for row in rows if row[2] == "never fades"]
    endless = [row[0] for row in rows if row[3] == "none"]
    findings = []
    if eternal:
        findings.append(
            f"Signals that never fade ({len(eternal)}): {_listed(eternal)}. Interest of last year counts as "
            "today's; give them half_life_days (engagement_signals.csv)."
        )
    if endless:
        findings.append(
            f"Signals without a cap ({len(endless)}): {_listed(endless)}. One busy visitor can reach any line; give "
            "them a cap (engagement_signals.csv)."
        )
    for label, table, todo in (
        ("fit rule", "config.fit_rules", "Say who is not worth the time (fit_rules.csv)"),
        (
            "signal",
            "config.engagement_signals",
            "Let bounces, unsubscribes and careers pages count (engagement_signals.csv)",
        ),
    ):
        if warehouse.one(f"select count(*) from {table} where points < 0")[0] == 0:
            findings.append(f"No {label} takes points away. {todo}.")
    columns = ("signal", "points", "half-life", "cap")
    return Section("Signals without decay or cap", columns, _plain(rows), tuple(findings))


def _overlap(warehouse: _Warehouse) -> Section:
    rows = warehouse.rows(
        """
        with lines as (
            select distinct score_kind, rule_id, entity_id
            from marts.fct_score_ledger
            where entity_type = 'contact' and score_kind in ('fit', 'engagement', 'intent', 'negative')
        ),
        sizes as (select score_kind, rule_id, count(*) as people from lines group by all),
        shared as (
            select one.score_kind, one.rule_id as rule, other.rule_id as other_rule, count(*) as people
            from lines as one
            inner join lines as other
                on one.entity_id = other.entity_id and one.score_kind = other.score_kind and one.rule_id < other.rule_id
            group by all
        )
        select
            shared.rule, shared.other_rule, shared.people,
            round(100.0 * shared.people / (one.people + other.people - shared.people), 1)
        from shared
        inner join sizes as one on shared.rule = one.rule_id and shared.score_kind = one.score_kind
        inner join sizes as other on shared.other_rule = other.rule_id and shared.score_kind = other.score_kind
        where
            shared.people >= ? and shared.people >= ? * (one.people + other.people - shared.people)
        order by 4 desc, 1, 2
        """,
        [warehouse.settings["overlap_min_people"], warehouse.settings["overlap_min_share"]],
    )
    findings = [
        f"{row[0]} and {row[1]} count for the same people ({row[3]} % of those with either): one thing may be "
        "paid twice. Keep one, or share the points."
        for row in rows
    ]
    columns = ("rule", "other rule", "people with both", "% of those with either")
    return Section("Rules that overlap", columns, _plain(rows), tuple(findings))


def _weight(warehouse: _Warehouse) -> Section:
    rows = warehouse.rows(
        """
        with lines as (
            select score_kind, rule_id, count(*) as lines, sum(points) as points
            from marts.fct_score_ledger
            where entity_type = 'contact' and points > 0 group by all
        ),
        shares as (select *, points / sum(points) over (partition by score_kind) as share from lines)
        select score_kind, rule_id, lines, round(points, 1), round(100.0 * share, 1)
        from shares
        qualify row_number() over (partition by score_kind order by points desc, rule_id) <= 5
        order by 1, 4 desc, 2
        """
    )
    limit = 100 * warehouse.settings["rule_max_points_share"]
    findings = [
        f"{row[1]} gives {row[4]} % of all {row[0]} points: the score is that one rule. Check its points."
        for row in rows
        if row[0] in ("fit", "engagement") and row[4] > limit
    ]
    columns = ("kind", "rule", "lines", "points", "% of the kind")
    return Section("Where the points come from", columns, _plain(rows), tuple(findings))


def _health(warehouse: _Warehouse, rules_changed_on: date | None) -> Section:
    rows = warehouse.rows(
        "select check_name, population, dimension, value, watch_from, alert_from, status, description "
        "from marts.mart_score_health order by check_name desc, population, dimension"
    )
    findings = [_alarm(row) for row in rows if row[6] in ("alert", "watch")]
    shown: list[tuple[Cell, ...]] = [tuple(_cell(cell) for cell in row[:7]) for row in rows]
    if rules_changed_on is not None:
        shown.append(("last change", "rules", "git", rules_changed_on.isoformat(), None, None, None))
    columns = ("check", "of", "dimension", "value", "watch from", "alert from", "status")
    return Section("Age and drift", columns, tuple(shown), tuple(findings))


def _alarm(row: tuple[Any, ...]) -> str:
    if row[0] == "review_age":
        age = "never reviewed" if row[3] is None else f"last reviewed {float(row[3]):.0f} days ago"
        return f"The rules were {age}: look at them together and add the day to rule_reviews.csv."
    return (
        f"Drift of {row[1]} in {row[2]}: {float(row[3]):.2f} ({row[6]} from {float(row[5] or row[4]):g}). Those who "
        "come now are not those the rules were made for; review the bands."
    )


def _listed(names: list[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _plain(rows: list[tuple[Any, ...]]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(tuple(_cell(cell) for cell in row) for row in rows)


def _cell(value: Any) -> Cell:
    return float(value) if isinstance(value, Decimal) else value


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:,g}" if isinstance(cell, int | float) and not isinstance(cell, bool) else str(cell)
