"""Who may change a property: SQL and Python say the same, and people keep what they set."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writeback_worlds import CONTACTS_SYNC, READ_AT, plan_of, planning_connection

from reverse_etl.manifest import AssociationSpec, SyncSpec
from reverse_etl.policies import POLICIES, FieldColumns, FieldRule, FieldState, decide, decide_sql

ORDER = ("lead", "mql", "sql")
VALUES = st.sampled_from([None, *ORDER, "other's"])
TIMES = st.sampled_from([None, *(datetime(2026, 1, day) for day in (1, 2, 3))])
STATES = st.builds(
    FieldState,
    desired=VALUES,
    observed=VALUES,
    written=VALUES,
    has_written=st.booleans(),
    is_newer_ours=st.booleans(),
    is_history_read=st.booleans(),
    person_changed_at=TIMES,
    since=TIMES,
    may_go_back=st.booleans(),
)


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def sql_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"timestamp '{value}'"
    return "cast(null as {})" if value is None else "'" + str(value).replace("'", "''") + "'"


@pytest.mark.parametrize("policy", sorted(POLICIES))
@given(state=STATES, clears=st.booleans())
@settings(max_examples=250, deadline=None)
def test_sql_and_python_decide_alike(
    database: duckdb.DuckDBPyConnection, policy: str, state: FieldState, clears: bool
) -> None:
    rule = FieldRule(policy, clears, ORDER)
    times = ("person_changed_at", "since")
    values = {n: sql_value(v).format("timestamp" if n in times else "varchar") for n, v in vars(state).items()}
    columns = FieldColumns(**{name: f"given.{name}" for name in values})
    decision = decide_sql(rule, columns)
    listed = ", ".join(f"{value} as {name}" for name, value in values.items())
    query = f"select {decision.sends}, {decision.kept or 'null'} from (select {listed}) as given"
    expected = decide(rule, state)
    assert database.execute(query).fetchall() == [(expected.sends, expected.kept)]
    # Whatever the policy, what a person set is never emptied by a policy that gives way to people.
    if expected.sends and state.desired is None:
        assert policy in ("ours", "human_wins")


@given(state=STATES)
@settings(max_examples=300, deadline=None)
def test_forward_only_moves_on_or_back_by_rule(state: FieldState) -> None:
    if decide(FieldRule("forward_only", order=ORDER), state).sends:
        assert state.desired in ORDER
        is_forward = state.observed is None or ORDER.index(state.desired) > ORDER.index(state.observed)
        assert is_forward or state.may_go_back


FIELDS: list[dict[str, Any]] = [
    {"column": "lead_grade", "property": "leadhouse_grade", "label": "Grade", "type": "string", "field_type": "text"},
    {"column": "owner", "property": "hubspot_owner_id", "label": "Owner", "type": "string", "field_type": "text",
     "policy": "human_wins"},
    {"column": "stage", "property": "lifecyclestage", "label": "Stage", "type": "enumeration", "field_type": "radio",
     "standard": True, "policy": "forward_only", "order": list(ORDER), "back_when": "goes_back", "since": "stage_at"},
]  # fmt: skip
SPEC = SyncSpec.model_validate(
    {
        **CONTACTS_SYNC,
        "fields": FIELDS,
        "model": "sync_contacts",
        "relation": '"marts"."sync_contacts"',
        "file": "f.yml",
    }
)
COLUMNS = {"owner": "varchar", "stage": "varchar", "goes_back": "boolean", "stage_at": "timestamp"}


def row(key: str, record_id: str | None, **values: Any) -> dict[str, Any]:
    base = {"sync_key": key, "record_id": record_id, "email": f"{key}@x.example", "is_opted_out": False}
    return {**base, "lead_grade": "A", "owner": "7", "stage": "mql", "stage_at": datetime(2026, 1, 5), **values}


def planned(rows: list[dict[str, Any]], held: dict[str, dict[str, Any]], **world: Any) -> dict[str, dict[str, Any]]:
    connection = planning_connection(contacts=rows, observed_contacts=held, columns=COLUMNS, **world)
    _, found = plan_of(connection, [SPEC])
    return {one["sync_key"]: one for one in found}


def test_a_persons_value_stays_and_the_other_fields_go() -> None:
    held = {str(n): {"leadhouse_grade": "B", "hubspot_owner_id": "9", "lifecyclestage": "mql"} for n in (1, 2, 3)}
    found = planned(
        [row("persons", "1"), row("programs", "2"), row("unread", "3"), row("same", "4")],
        {**held, "4": {"leadhouse_grade": "A", "hubspot_owner_id": "9", "lifecyclestage": "mql"}},
        people={"1": {"hubspot_owner_id": "2026-01-03T00:00:00Z"}, "2": {"hubspot_owner_id": None}},
    )
    assert found["persons"]["fields"] == {"leadhouse_grade": "A"}
    assert found["programs"]["fields"] == {"leadhouse_grade": "A", "hubspot_owner_id": "7"}
    assert found["unread"]["fields"] == {"leadhouse_grade": "A"}
    assert (found["same"]["outcome"], found["same"]["reason"]) == (
        "conflict", "left as it is: hubspot_owner_id (a person set it)",
    )  # fmt: skip


def test_our_own_value_is_ours_to_change_until_somebody_else_changes_it() -> None:
    held = {
        n: {"leadhouse_grade": "A", "lifecyclestage": "mql", "hubspot_owner_id": o} for n, o in (("1", "8"), ("2", "9"))
    }
    connection = planning_connection(
        contacts=[row("kept", "1"), row("changed", "2")], observed_contacts=held, columns=COLUMNS
    )
    for record_id in ("1", "2"):
        connection.execute(
            "insert into ledger values ('sync_contacts', 'contacts', 'k', ?, 'update', ?, ?)",
            [record_id, '{"hubspot_owner_id":"8"}', READ_AT - timedelta(days=1)],
        )
    _, rows = plan_of(connection, [SPEC])
    found = {one["sync_key"]: one for one in rows}
    assert found["kept"]["fields"] == {"hubspot_owner_id": "7"}
    assert found["changed"]["outcome"] == "conflict"


def test_a_stage_moves_on_never_back_and_a_later_decision_stands() -> None:
    def held(stage: str) -> dict[str, str]:
        return {"leadhouse_grade": "A", "hubspot_owner_id": "7", "lifecyclestage": stage}

    found = planned(
        [row("on", "1"), row("ahead", "2"), row("back", "3", goes_back=True), row("decided", "4"), row("odd", "5")],
        {"1": held("lead"), "2": held("sql"), "3": held("sql"), "4": held("lead"), "5": held("evangelist")},
        people={"4": {"lifecyclestage": "2026-01-06T00:00:00Z"}, "1": {"lifecyclestage": "2026-01-04T00:00:00Z"}},
    )
    assert found["on"]["fields"] == found["back"]["fields"] == {"lifecyclestage": "mql"}
    assert "ahead" not in found
    assert found["decided"]["reason"] == "left as it is: lifecyclestage (a person set it)"
    assert found["odd"]["reason"] == "left as it is: lifecyclestage (a value outside the order)"


def test_a_merged_record_is_followed_to_its_survivor() -> None:
    held = {n: {"leadhouse_grade": "B", "hubspot_owner_id": "7", "lifecyclestage": "mql"} for n in ("1", "2", "3", "4")}
    found = planned(
        [row("followed", "1"), row("second", "4"), row("own", "3")], held, merged={"1": "2", "2": "5", "4": "3"}
    ) | planned([row("alone", "1")], held, merged={"1": "2"})
    assert found["alone"]["record_id"] == "2"
    assert found["alone"]["fields"] == {"leadhouse_grade": "A"}
    assert found["followed"]["reason"] == "the record is not among those read from the CRM"
    assert (found["second"]["outcome"], found["second"]["reason"]) == (
        "suppressed", "merged into a record that another row stands for",
    )  # fmt: skip
    assert found["own"]["outcome"] == "update"


def test_pairs_are_added_once_and_never_taken_away() -> None:
    spec = AssociationSpec.model_validate(
        {"destination": "hubspot", "from_object": "contacts", "to_object": "companies", "owner": "o",
         "model": "associations", "relation": '"marts"."associations"', "file": "f.yml"}
    )  # fmt: skip
    connection = planning_connection(
        pairs=[{"sync_key": f"k{n}", "from_id": str(n), "to_id": "c"} for n in (1, 2, 3, 9)],
        observed_contacts={"1": {}, "2": {}, "3": {}},
        observed_companies={"c": {}},
        associations=[("companies", "c", "contacts", "1"), ("contacts", "7", "companies", "c")],
    )
    connection.execute(
        "insert into ledger values ('associations', 'contacts', 'k2', '2', 'associate', '{\"to_id\":\"c\"}', now())"
    )
    plan, rows = plan_of(connection, [spec])
    assert [(r["outcome"], r["record_id"], r["match_value"]) for r in rows if r["outcome"] == "associate"] == [
        ("associate", "3", "c")
    ]
    assert (plan.associates, plan.unchanged, plan.missing_key) == (1, 2, 1)


@pytest.mark.parametrize("stretch", [1, 2, 3, 100])
def test_rows_are_judged_alike_by_stretches_of_any_length(monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    rows = [row(f"k{n}", str(n) if n else None) for n in range(6)]
    held = {str(n): {"leadhouse_grade": "B", "hubspot_owner_id": "7", "lifecyclestage": "mql"} for n in range(1, 5)}
    monkeypatch.setattr("reverse_etl.plan_records._STRETCH", stretch)
    found = planned(rows, held, merged={"2": "3"})
    assert {key: one["outcome"] for key, one in found.items()} == {
        "k0": "create", "k1": "update", "k2": "suppressed", "k3": "update", "k4": "update", "k5": "missing_key",
    }  # fmt: skip
