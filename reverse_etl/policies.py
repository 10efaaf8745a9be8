"""Who may change a property: one policy a field, one consent rule a sync.

A policy is stated twice, once as SQL for the planner (a million rows at a time) and once as Python for the applier (one
record that turned out to exist already). Both get *canonical* values (:mod:`reverse_etl.values`): ``NULL``/``None`` is
"empty", and two equal values are equal text. A new policy is one entry of :data:`POLICIES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """When a field is sent.

    ``sends_sql(desired, observed)`` gives a boolean SQL expression that is never null; ``sends`` is the same in Python.
    ``may_clear`` says whether an empty desired value empties the property in the CRM. ``conflict_sql``, where given,
    says when the change is held back and reported as a conflict instead (for policies that give way to a human).
    """

    name: str
    meaning: str
    sends_sql: Callable[[str, str], str]
    sends: Callable[[str | None, str | None], bool]
    may_clear: bool = False
    conflict_sql: Callable[[str, str], str] | None = None


def _ours_sql(desired: str, observed: str) -> str:
    return f"({desired} is distinct from {observed})"


def _fill_empty_sql(desired: str, observed: str) -> str:
    return f"({observed} is null and {desired} is not null)"


POLICIES: dict[str, Policy] = {
    policy.name: policy
    for policy in [
        Policy(
            name="ours",
            meaning="the property is ours: it always takes our value, and is emptied when we have none",
            sends_sql=_ours_sql,
            sends=lambda desired, observed: desired != observed,
            may_clear=True,
        ),
        Policy(
            name="fill_empty",
            meaning="the property is theirs: we fill it when it is empty and never change or empty it",
            sends_sql=_fill_empty_sql,
            sends=lambda desired, observed: observed is None and desired is not None,
        ),
    ]
}


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
