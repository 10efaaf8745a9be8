"""Two evaluations of one day compared: who enters and leaves MQL, which cells move, what it costs and what it yields.

A function of two catalogs of one DuckDB connection, each holding ``marts`` and ``intermediate`` of one rule set. The
unit is the contact: its first entry into the stage MQL within the window. What became of a hand-over is known only
where one happened, which is under the base rules; a contact that only the changed rules would have handed over has no
outcome and is counted apart, never as refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import duckdb

from leadhouse.rule_diff import FileDiff
from leadhouse.statistics import Interval, newcombe, wilson

#: Verdicts that count against a rule set. SAL/MQL counts what sales did not work in time, as mart_sal_mql does; which
#: leads were the better ones can only be read from those that were worked.
_NOT_ACCEPTED = ("worked_and_rejected", "late", "too_few_tries")
_REFUSED = ("worked_and_rejected",)

#: How many contacts who enter or leave are named; all are counted.
NAMED = 50
_NEEDED = (
    "marts.fct_contact_scores",
    "marts.fct_score_ledger",
    "marts.fct_stage_transitions",
    "marts.dim_contact_stages",
    "marts.fct_handoffs",
    "marts.fct_handoff_verdicts",
    "intermediate.int_handover_scores",
)


@dataclass(frozen=True)
class Capacity:
    """What sales can call in a week, and what an MQL costs in calls."""

    calls_per_week: float
    calls_per_mql: float


@dataclass(frozen=True)
class Person:
    """A contact that enters or leaves MQL, with its score and cell under either rule set and what moved it."""

    contact_id: str
    email: str | None
    entered_at: datetime
    base: str
    changed: str
    why: str


@dataclass(frozen=True)
class Yield:
    """MQLs of one rule set in the window, in contacts, and what is known of them.

    ``unobserved``: never handed over under the base rules, so nothing is known. ``pending``: handed over, not judged.
    """

    ruleset_version: str
    mqls: int
    hand_overs: int
    calls_per_week: float
    busiest_week_calls: float
    weeks_over_capacity: int
    accepted: int
    known: int
    pending: int
    unobserved: int
    share: Interval | None


@dataclass(frozen=True)
class AtEqualCapacity:
    """The best ``places`` MQLs of either rule set, ranked by its own score as of the hand-over (R82).

    Judged by the leads that were worked: accepted, or worked and rejected. Others are among ``pending``.
    """

    places: int
    base: Yield
    changed: Yield
    difference: Interval | None


@dataclass(frozen=True)
class Comparison:
    """Everything a person needs to decide on a change of rules. Moves are (before, after) -> contacts or accounts.

    ``entering``: MQL in the window under the changed rules, and never under the base rules; ``leaving``: the other way
    round; ``shifted``: MQL under both, on another day.
    """

    as_of_at: datetime
    days: int
    weeks: float
    capacity: Capacity
    base: Yield
    changed: Yield
    difference: Interval | None
    entering: int
    leaving: int
    shifted: int
    people_entering: tuple[Person, ...]
    people_leaving: tuple[Person, ...]
    cells: dict[tuple[str, str], int]
    grades: dict[tuple[str, str], int]
    stages: dict[tuple[str, str], int]
    accounts: dict[tuple[str, str], int]
    at_equal_capacity: AtEqualCapacity
    rules: tuple[FileDiff, ...] = field(default=())

    @property
    def is_nothing(self) -> bool:
        """Whether nobody is treated differently."""
        moved = self.entering + self.leaving + self.shifted
        return not (moved or self.cells or self.grades or self.stages or self.accounts)


@dataclass(frozen=True)
class _Entry:
    """A contact's first entry within the window under one rule set."""

    contact_id: str
    entered_at: datetime
    score: float
    hand_overs: int


def compare(
    connection: duckdb.DuckDBPyConnection,
    base: str,
    changed: str,
    *,
    days: int,
    capacity: Capacity,
    rules: Sequence[FileDiff] = (),
) -> Comparison:
    """Compares the marts of two catalogs.

    Args:
        connection: both are attached to it; temporary tables may be made.
        base: catalog of the rules in force.
        changed: catalog of the changed rules, of the same moment.
        days: length of the window, back from that moment.
        capacity: of sales.
        rules: which rules differ, to be shown beside.

    Raises:
        ValueError: the two are of different moments, or one lacks what is read.
    """
    for catalog in (base, changed):
        _need(connection, catalog)
    as_of_at = _moment(connection, base)
    if as_of_at != _moment(connection, changed):
        raise ValueError("the two evaluations are of different moments")
    start = as_of_at - timedelta(days=days)
    before = _entries(connection, base, start)
    after = _entries(connection, changed, start)
    verdicts = _verdicts(connection, base)
    versions = [_version(connection, catalog) for catalog in (base, changed)]
    weeks = days / 7

    def judged(version: str, entries: dict[str, _Entry], against: tuple[str, ...]) -> Yield:
        return _yield(version, list(entries.values()), verdicts, against, start, weeks, capacity)

    whole = judged(versions[0], before, _NOT_ACCEPTED), judged(versions[1], after, _NOT_ACCEPTED)
    places = min(int(capacity.calls_per_week * weeks / capacity.calls_per_mql), len(before), len(after))
    best = [_best(entries, places) for entries in (before, after)]
    equal = judged(versions[0], best[0], _REFUSED), judged(versions[1], best[1], _REFUSED)
    ever = [_ever(connection, catalog) for catalog in (base, changed)]
    entering, leaving = sorted(set(after) - ever[0]), sorted(set(before) - ever[1])
    moments = [{name: entry.entered_at for name, entry in entries.items()} for entries in (before, after)]
    return Comparison(
        as_of_at=as_of_at,
        days=days,
        weeks=weeks,
        capacity=capacity,
        base=whole[0],
        changed=whole[1],
        difference=_difference(whole[1], whole[0], set(after) == set(before)),
        entering=len(entering),
        leaving=len(leaving),
        shifted=sum(
            moments[0].get(name) != moments[1].get(name) for name in (set(before) | set(after)) & ever[0] & ever[1]
        ),
        people_entering=_people(connection, base, changed, {name: after[name] for name in entering}),
        people_leaving=_people(connection, base, changed, {name: before[name] for name in leaving}),
        cells=_moves(
            connection,
            "fct_contact_scores",
            "contact_id",
            "fit_band || ' fit, ' || engagement_band || ' engagement'",
            base,
            changed,
        ),
        grades=_moves(connection, "fct_contact_scores", "contact_id", "grade", base, changed),
        stages=_moves(connection, "dim_contact_stages", "contact_id", "stage", base, changed),
        accounts=_moves(connection, "fct_account_scores", "account_id", "grade", base, changed),
        at_equal_capacity=AtEqualCapacity(
            places, equal[0], equal[1], _difference(equal[1], equal[0], set(best[1]) == set(best[0]))
        ),
        rules=tuple(rules),
    )


def _need(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    there = {
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = ?", [catalog]
        ).fetchall()
    }
    if missing := [name for name in _NEEDED if name not in there]:
        raise ValueError(f"{catalog} has no {' and no '.join(missing)}")


def _moment(connection: duckdb.DuckDBPyConnection, catalog: str) -> datetime:
    (found,) = _row(connection, f'select max(as_of_at) from "{catalog}".marts.fct_contact_scores')
    if found is None:
        raise ValueError(f"{catalog} holds no scores")
    moment: datetime = found
    return moment


def _version(connection: duckdb.DuckDBPyConnection, catalog: str) -> str:
    return str(_row(connection, f'select max(ruleset_version) from "{catalog}".marts.fct_contact_scores')[0])


def _entries(connection: duckdb.DuckDBPyConnection, catalog: str, start: datetime) -> dict[str, _Entry]:
    rows = connection.execute(
        f"""
        select contact_id, min(mql_at), arg_min(score, mql_at), count(*)
        from "{catalog}".intermediate.int_handover_scores
        where mql_at > ?
        group by contact_id
        """,
        [start],
    ).fetchall()
    return {row[0]: _Entry(row[0], row[1], float(row[2]), row[3]) for row in rows}


def _ever(connection: duckdb.DuckDBPyConnection, catalog: str) -> set[str]:
    """Contacts that were MQL at any time: who only became one on another day neither enters nor leaves."""
    rows = connection.execute(f'select distinct contact_id from "{catalog}".intermediate.int_handover_scores')
    return {name for (name,) in rows.fetchall()}


def _verdicts(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, str]:
    """The contract's verdict on each contact's last hand-over."""
    rows = connection.execute(
        f"""
        select handoffs.contact_id, arg_max(verdicts.verdict, handoffs.mql_at)
        from "{catalog}".marts.fct_handoffs as handoffs
        inner join "{catalog}".marts.fct_handoff_verdicts as verdicts on handoffs.handoff_id = verdicts.handoff_id
        group by handoffs.contact_id
        """
    )
    return dict(rows.fetchall())


def _yield(
    version: str,
    entries: list[_Entry],
    verdicts: dict[str, str],
    against: tuple[str, ...],
    start: datetime,
    weeks: float,
    capacity: Capacity,
) -> Yield:
    found = [verdicts[entry.contact_id] for entry in entries if entry.contact_id in verdicts]
    accepted = found.count("accepted")
    known = accepted + sum(verdict in against for verdict in found)
    calls = Counter[int]()
    for entry in entries:
        calls[(entry.entered_at - start).days // 7] += entry.hand_overs
    hand_overs = sum(entry.hand_overs for entry in entries)
    return Yield(
        ruleset_version=version,
        mqls=len(entries),
        hand_overs=hand_overs,
        calls_per_week=hand_overs * capacity.calls_per_mql / weeks,
        busiest_week_calls=max(calls.values(), default=0) * capacity.calls_per_mql,
        weeks_over_capacity=sum(count * capacity.calls_per_mql > capacity.calls_per_week for count in calls.values()),
        accepted=accepted,
        known=known,
        pending=len(found) - known,
        unobserved=len(entries) - len(found),
        share=wilson(accepted, known),
    )


def _difference(after: Yield, before: Yield, same: bool) -> Interval | None:
    """Nothing differs where both hand over the same people: no sample stands between them."""
    if same:
        return Interval(0.0, 0.0, 0.0) if before.known else None
    return newcombe((after.accepted, after.known), (before.accepted, before.known))


def _best(entries: dict[str, _Entry], places: int) -> dict[str, _Entry]:
    ranked = sorted(entries.values(), key=lambda entry: (-entry.score, entry.entered_at, entry.contact_id))
    return {entry.contact_id: entry for entry in ranked[:places]}


def _moves(
    connection: duckdb.DuckDBPyConnection, mart: str, key: str, cell: str, base: str, changed: str
) -> dict[tuple[str, str], int]:
    """How many went from which cell to which other one; only what moved."""
    rows = connection.execute(
        f"""
        select before.cell, after.cell, count(*)
        from (select {key}, {cell} as cell from "{base}".marts.{mart}) as before
        full outer join (select {key}, {cell} as cell from "{changed}".marts.{mart}) as after
            on before.{key} = after.{key}
        where before.cell is distinct from after.cell
        group by all order by 3 desc, 1, 2
        """
    ).fetchall()
    return {(one or "(none)", other or "(none)"): count for one, other, count in rows}


def _people(
    connection: duckdb.DuckDBPyConnection, base: str, changed: str, entries: dict[str, _Entry]
) -> tuple[Person, ...]:
    """The latest entries, with the two score lines that differ most between the rule sets."""
    chosen = sorted(entries.values(), key=lambda entry: (entry.entered_at, entry.contact_id), reverse=True)[:NAMED]
    if not chosen:
        return ()
    connection.execute("create or replace temp table chosen (contact_id varchar)")
    connection.executemany("insert into chosen values (?)", [[entry.contact_id] for entry in chosen])
    cells = {
        name: (email, one, other)
        for name, email, one, other in connection.execute(
            f"""
            select
                chosen.contact_id, contacts.email,
                before.grade || ', fit ' || round(before.fit_score, 1) || ', engagement '
                || round(before.engagement_score, 1),
                after.grade || ', fit ' || round(after.fit_score, 1) || ', engagement '
                || round(after.engagement_score, 1)
            from chosen
            left join "{base}".marts.dim_contacts as contacts on chosen.contact_id = contacts.contact_id
            left join "{base}".marts.fct_contact_scores as before on chosen.contact_id = before.contact_id
            left join "{changed}".marts.fct_contact_scores as after on chosen.contact_id = after.contact_id
            """
        ).fetchall()
    }
    return tuple(
        Person(
            entry.contact_id,
            cells[entry.contact_id][0],
            entry.entered_at,
            cells[entry.contact_id][1] or "not there",
            cells[entry.contact_id][2] or "not there",
            reasons.get(entry.contact_id, "Same scores: the line or the way to it changed"),
        )
        for reasons in [_reasons(connection, base, changed)]
        for entry in chosen
    )


def _reasons(connection: duckdb.DuckDBPyConnection, base: str, changed: str) -> dict[str, str]:
    def lines(catalog: str) -> str:
        return (
            f"select entity_id, rule_id, sum(points) as points, max(reason) as reason "
            f'from "{catalog}".marts.fct_score_ledger '
            "where entity_type = 'contact' and entity_id in (select contact_id from chosen) group by all"
        )

    found: dict[str, list[Any]] = {}
    for contact_id, reason, one, other in connection.execute(
        f"""
        select
            coalesce(before.entity_id, after.entity_id), coalesce(after.reason, before.reason),
            coalesce(before.points, 0), coalesce(after.points, 0)
        from ({lines(base)}) as before
        full outer join ({lines(changed)}) as after
            on before.entity_id = after.entity_id and before.rule_id = after.rule_id
        where before.points is distinct from after.points
        order by 1, abs(coalesce(after.points, 0) - coalesce(before.points, 0)) desc, 2
        """
    ).fetchall():
        found.setdefault(contact_id, []).append(f"{reason}: {round(float(one), 1):g} -> {round(float(other), 1):g}")
    return {name: "; ".join(parts[:2]) for name, parts in found.items()}


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    return row if row is not None else (None,)
