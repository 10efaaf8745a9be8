"""Who may change a property: one policy a field, one consent rule a sync.

A policy is stated twice, once as SQL for the planner (a million rows at a time) and once as Python for the applier (one
record that turned out to exist already); a test drives both with the same states. Both get *canonical* values
(:mod:`reverse_etl.values`): ``NULL``/``None`` is "empty", and two equal values are equal text. A new policy is one
entry of :data:`POLICIES`.

A policy never fails a record: a field that it keeps is left out and reported, and the record's other fields go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

#: Why a field is kept as it is, by code; the planner's SQL uses the codes.
KEPT = {
    "person": "a person set it",
    "ahead": "the CRM is further on",
    "outside": "a value outside the order",
}

#: Of these a person should know: what we want and what stands there contradict each other.
CONFLICTS = ("person", "outside")


@dataclass(frozen=True)
class FieldRule:
    """A policy with what a field's YAML says of it. ``clears``: an empty desired value may empty the property."""

    policy: str
    clears: bool = False
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class FieldState:
    """One field of one record. Times are UTC without a zone."""

    desired: str | None
    #: What stands in the CRM: as read, or what we wrote since.
    observed: str | None
    #: The newest value of ours that the CRM acknowledged, whenever that was; meaningful if ``has_written``.
    written: str | None = None
    has_written: bool = False
    #: Whether ``observed`` is what we wrote since the record was read.
    is_newer_ours: bool = False
    #: Whether the property's history is read, and if so, when a person made its last change (``None``: no person did).
    is_history_read: bool = False
    person_changed_at: datetime | None = None
    #: ``forward_only``: since when our value holds, and whether the rule asks for a move back.
    since: datetime | None = None
    may_go_back: bool = False


@dataclass(frozen=True)
class FieldColumns:
    """The SQL expressions of what :class:`FieldState` holds; the booleans are never null."""

    desired: str
    observed: str
    written: str = "null"
    has_written: str = "false"
    is_newer_ours: str = "false"
    is_history_read: str = "false"
    person_changed_at: str = "null"
    since: str = "null"
    may_go_back: str = "false"


@dataclass(frozen=True)
class Decision:
    """Whether the desired value is sent; if not although it differs, why the field is kept (a key of :data:`KEPT`)."""

    sends: bool
    kept: str | None = None


@dataclass(frozen=True)
class DecisionSql:
    """The same as SQL: ``sends`` is a boolean that is never null, ``kept`` a code or null (``None``: never kept)."""

    sends: str
    kept: str | None = None


@dataclass(frozen=True)
class Policy:
    """When a field is sent.

    ``may_clear``: an empty desired value can empty the property (a field's ``when_empty`` decides, by default as
    ``clears_by_default`` says). ``overwrites``: it may change a value that stands there, so that only one sync may have
    the property. ``needs_people``: it asks who changed the property last; ``needs_written``: and what we wrote last.
    """

    name: str
    meaning: str
    decide: Callable[[FieldRule, FieldState], Decision]
    decide_sql: Callable[[FieldRule, FieldColumns], DecisionSql]
    may_clear: bool = False
    clears_by_default: bool = False
    overwrites: bool = True
    needs_people: bool = False
    needs_written: bool = False
    needs_order: bool = False


# -- ours ------------------------------------------------------------------------------------------------------------


def _ours(rule: FieldRule, state: FieldState) -> Decision:
    return Decision(state.desired != state.observed and (state.desired is not None or rule.clears))


def _ours_sql(rule: FieldRule, at: FieldColumns) -> DecisionSql:
    differs = f"({at.desired} is distinct from {at.observed})"
    return DecisionSql(differs if rule.clears else f"({at.desired} is not null and {differs})")


# -- fill_empty ------------------------------------------------------------------------------------------------------


def _fill_empty(_rule: FieldRule, state: FieldState) -> Decision:
    return Decision(state.observed is None and state.desired is not None)


def _fill_empty_sql(_rule: FieldRule, at: FieldColumns) -> DecisionSql:
    return DecisionSql(f"({at.observed} is null and {at.desired} is not null)")


# -- human_wins ------------------------------------------------------------------------------------------------------


def _is_persons(state: FieldState) -> bool:
    """Whether what stands there (or that nothing does) is somebody else's doing."""
    if state.is_newer_ours:
        return False
    if state.is_history_read:
        return state.person_changed_at is not None
    if state.has_written:
        return state.written != state.observed
    return state.observed is not None


def _is_persons_sql(at: FieldColumns) -> str:
    return (
        f"case when {at.is_newer_ours} then false"
        f" when {at.is_history_read} then {at.person_changed_at} is not null"
        f" when {at.has_written} then {at.written} is distinct from {at.observed}"
        f" else {at.observed} is not null end"
    )


def _human_wins(rule: FieldRule, state: FieldState) -> Decision:
    if not _ours(rule, state).sends:
        return Decision(False)
    return Decision(False, "person") if _is_persons(state) else Decision(True)


def _human_wins_sql(rule: FieldRule, at: FieldColumns) -> DecisionSql:
    wanted, persons = _ours_sql(rule, at).sends, _is_persons_sql(at)
    return DecisionSql(f"({wanted} and not {persons})", f"case when {wanted} and {persons} then 'person' end")


# -- forward_only ----------------------------------------------------------------------------------------------------


def _forward_only(rule: FieldRule, state: FieldState) -> Decision:
    if state.desired is None or state.desired == state.observed:
        return Decision(False)
    place = {value: number for number, value in enumerate(rule.order)}
    if state.desired not in place or (state.observed is not None and state.observed not in place):
        return Decision(False, "outside")
    is_forward = state.observed is None or place[state.desired] > place[state.observed]
    if not is_forward and not state.may_go_back:
        return Decision(False, "ahead")
    is_later = (
        not state.is_newer_ours
        and state.person_changed_at is not None
        and state.since is not None
        and state.person_changed_at > state.since
    )
    return Decision(False, "person") if is_later else Decision(True)


def _forward_only_sql(rule: FieldRule, at: FieldColumns) -> DecisionSql:
    wanted, held = _place_sql(rule.order, at.desired), _place_sql(rule.order, at.observed)
    code = (
        f"case when {at.desired} is null or {at.desired} is not distinct from {at.observed} then null"
        f" when {wanted} is null or ({at.observed} is not null and {held} is null) then 'outside'"
        f" when {at.observed} is not null and {wanted} < {held} and not {at.may_go_back} then 'ahead'"
        f" when not {at.is_newer_ours} and coalesce({at.person_changed_at} > {at.since}, false) then 'person'"
        f" else 'send' end"
    )
    return DecisionSql(f"coalesce({code} = 'send', false)", f"nullif({code}, 'send')")


def _place_sql(order: Sequence[str], value: str) -> str:
    cases = " ".join(f"when '{one.replace(chr(39), chr(39) * 2)}' then {n}" for n, one in enumerate(order))
    return f"case {value} {cases} end"


POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in [
        Policy(
            name="ours",
            meaning="the property is ours: it always takes our value, and is emptied when we have none",
            decide=_ours,
            decide_sql=_ours_sql,
            may_clear=True,
            clears_by_default=True,
        ),
        Policy(
            name="fill_empty",
            meaning="the property is theirs: we fill it when it is empty and never change or empty it",
            decide=_fill_empty,
            decide_sql=_fill_empty_sql,
            overwrites=False,
        ),
        Policy(
            name="human_wins",
            meaning="we keep it in step until a person sets or empties it; from then on it is theirs",
            decide=_human_wins,
            decide_sql=_human_wins_sql,
            may_clear=True,
            needs_people=True,
            needs_written=True,
        ),
        Policy(
            name="forward_only",
            meaning="it moves on along its order, and back only where the rule asks for it; never emptied",
            decide=_forward_only,
            decide_sql=_forward_only_sql,
            needs_people=True,
            needs_order=True,
        ),
    ]
}


def decide(rule: FieldRule, state: FieldState) -> Decision:
    """What becomes of one field of one record."""
    return POLICIES[rule.policy].decide(rule, state)


def decide_sql(rule: FieldRule, columns: FieldColumns) -> DecisionSql:
    """The same as SQL expressions."""
    return POLICIES[rule.policy].decide_sql(rule, columns)


@dataclass(frozen=True)
class ConsentRule:
    """When a row is kept away from the CRM. ``suppresses_sql(column)`` is a boolean SQL expression, never null."""

    name: str
    reason: str
    suppresses_sql: Callable[[str], str]


CONSENT_RULES: dict[str, ConsentRule] = {
    rule.name: rule
    for rule in [
        ConsentRule("not_opted_out", "opted out", lambda column: f"coalesce(cast({column} as boolean), false)"),
        ConsentRule("opted_in", "has not opted in", lambda column: f"not coalesce(cast({column} as boolean), false)"),
    ]
}
