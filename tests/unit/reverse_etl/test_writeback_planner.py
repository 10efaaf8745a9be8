"""Desired minus observed: what becomes of each row, and why."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writeback_worlds import CONTACTS_SYNC, READ_AT, plan_of, planning_connection

from reverse_etl.errors import PlanError
from reverse_etl.manifest import GuardSpec, Spec, SyncSpec

LATER = READ_AT + timedelta(hours=1)


def contact(key: str, record_id: str | None = None, **values: Any) -> dict[str, Any]:
    row = {"sync_key": key, "record_id": record_id, "email": f"{key}@x.example", "is_opted_out": False}
    return {**row, "lead_score": Decimal("72.50"), "lead_grade": "A", **values}


def wrote(
    connection: duckdb.DuckDBPyConnection, key: str | None, record_id: str, at: datetime = LATER, **more: Any
) -> None:
    """Add an acknowledged write of ours to the ledger."""
    row = {"sync": "sync_contacts", "object": "contacts", "action": "update", "fields": {}, **more}
    connection.execute(
        "insert into ledger values (?, ?, ?, ?, ?, ?, ?)",
        [row["sync"], row["object"], key, record_id, row["action"], json.dumps(row["fields"]), at],
    )


def outcomes(rows: list[dict[str, Any]]) -> dict[str, tuple[str, str | None]]:
    return {row["sync_key"]: (row["outcome"], row["reason"]) for row in rows}


def test_only_what_differs_is_sent(specs: dict[str, Spec]) -> None:
    connection = planning_connection(
        contacts=[
            contact("same", "1", stage_since=date(2026, 1, 31)),
            contact("new_score", "2"),
            contact("cleared", "3", lead_grade=None),
        ],
        observed_contacts={
            "1": {"leadhouse_score": "72.5", "leadhouse_grade": "A", "leadhouse_stage_since": "1769817600000"},
            "2": {"leadhouse_score": "70", "leadhouse_grade": "A", "leadhouse_stage_since": ""},
            "3": {"leadhouse_score": "72.5", "leadhouse_grade": "B"},
        },
    )
    plan, rows = plan_of(connection, [specs["sync_contacts"]])
    by_key = {row["sync_key"]: row for row in rows}
    assert set(by_key) == {"new_score", "cleared"}
    assert by_key["new_score"]["fields"] == {"leadhouse_score": "72.5"}
    assert by_key["new_score"]["previous"] == {"leadhouse_score": "70"}
    assert by_key["cleared"]["fields"] == {"leadhouse_grade": ""}
    assert (plan.updates, plan.unchanged, plan.changes) == (2, 1, 2)
    assert plan.syncs[0].field_changes == {"leadhouse_score": 1, "leadhouse_grade": 1}


def test_fill_empty_never_touches_what_a_person_entered(specs: dict[str, Spec]) -> None:
    connection = planning_connection(
        contacts=[contact("empty", "1", title="CFO"), contact("filled", "2", title="CFO"), contact("none", "3")],
        observed_contacts={
            i: {"leadhouse_score": "72.5", "leadhouse_grade": "A", "jobtitle": title}
            for i, title in (("1", ""), ("2", "Chief of staff"), ("3", "Chief of staff"))
        },
    )
    plan, rows = plan_of(connection, [specs["sync_contacts"]])
    assert [(row["sync_key"], row["fields"]) for row in rows] == [("empty", {"jobtitle": "CFO"})]
    assert plan.unchanged == 2


def test_rows_that_are_not_sent_say_why(specs: dict[str, Spec]) -> None:
    connection = planning_connection(
        contacts=[
            contact("opted_out", "1", is_opted_out=True),
            contact("opted_out_new", is_opted_out=True),
            contact("deleted", "2"),
            contact("never_read", "99"),
            contact("no_email", email=None),
            contact("twin_a", email="twin@x.example"),
            contact("twin_b", email="Twin@x.example"),
            contact("same_record_a", "3"),
            contact("same_record_b", "3"),
            contact("same_key", "4"),
            contact("same_key", "5"),
            {**contact("", "6")},
        ],
        observed_contacts={str(i): {} for i in range(1, 7)},
        archived=["2"],
    )
    plan, rows = plan_of(connection, [specs["sync_contacts"]])
    found = outcomes(rows)
    assert found["opted_out"] == ("suppressed", "opted out")
    assert found["opted_out_new"] == ("suppressed", "opted out")
    assert found["deleted"] == ("missing_key", "the record was deleted in the CRM")
    assert found["never_read"] == ("missing_key", "the record is not among those read from the CRM")
    assert found["no_email"] == ("missing_key", "no record id and no email to match by")
    assert found["twin_a"] == found["twin_b"] == ("conflict", "several rows to create have this email")
    assert found["same_record_a"] == found["same_record_b"] == ("conflict", "several rows have this record id")
    assert found["same_key"] == ("conflict", "several rows have this sync_key")
    assert found[None] == ("missing_key", "no sync_key")
    assert plan.changes == 0
    assert sum(plan.syncs[0].counts.values()) == plan.syncs[0].rows == 12
    assert plan.syncs[0].reasons["suppressed"] == {"opted out": 2}


def test_unknown_people_are_created_with_every_value(specs: dict[str, Spec]) -> None:
    connection = planning_connection(contacts=[contact("k", title="CFO", lead_grade=None)])
    _, rows = plan_of(connection, [specs["sync_contacts"]])
    assert rows[0]["outcome"] == "create"
    assert rows[0]["match_value"] == "k@x.example"
    assert rows[0]["fields"] == {"leadhouse_score": "72.5", "jobtitle": "CFO", "email": "k@x.example"}


def test_update_mode_creates_nobody(specs: dict[str, Spec]) -> None:
    connection = planning_connection(companies=[{"sync_key": "c", "record_id": None, "account_score": 1}])
    _, rows = plan_of(connection, [specs["sync_companies"]])
    assert outcomes(rows) == {"c": ("missing_key", "the record is not in the CRM")}


def test_a_row_without_record_id_finds_its_record_by_email(specs: dict[str, Spec]) -> None:
    connection = planning_connection(
        contacts=[contact("k", email="ANA@x.example"), contact("other", "2", email="two@x.example")],
        observed_contacts={"1": {"email": "ana@X.example"}, "2": {"email": "two@x.example"}},
    )
    _, rows = plan_of(connection, [specs["sync_contacts"]])
    assert {(r["sync_key"], r["outcome"], r["record_id"]) for r in rows} == {
        ("k", "update", "1"),
        ("other", "update", "2"),
    }


def test_the_row_that_names_the_record_wins(specs: dict[str, Spec]) -> None:
    connection = planning_connection(
        contacts=[contact("by_email", email="ana@x.example"), contact("by_id", "1", email="new@x.example")],
        observed_contacts={"1": {"email": "ana@x.example"}},
    )
    _, rows = plan_of(connection, [specs["sync_contacts"]])
    assert outcomes(rows) == {"by_email": ("conflict", "another row stands for this record"), "by_id": ("update", None)}


def test_our_writes_since_the_read_are_observed(specs: dict[str, Spec]) -> None:
    connection = planning_connection(contacts=[contact("k", "1")], observed_contacts={"1": {"leadhouse_score": "1"}})
    wrote(connection, "k", "1", fields={"leadhouse_score": "70"})
    wrote(
        connection, "k", "1", LATER + timedelta(seconds=1), fields={"leadhouse_score": "72.5", "leadhouse_grade": "A"}
    )
    plan, rows = plan_of(connection, [specs["sync_contacts"]])
    assert rows == []
    assert plan.unchanged == 1


def test_writes_before_the_read_are_not(specs: dict[str, Spec]) -> None:
    """Somebody changed our property after we wrote it: the read shows it, and it is ours, so it is put back."""
    connection = planning_connection(contacts=[contact("k", "1")], observed_contacts={"1": {"leadhouse_score": "1"}})
    wrote(
        connection, "k", "1", READ_AT - timedelta(hours=1), fields={"leadhouse_score": "72.5", "leadhouse_grade": "A"}
    )
    _, rows = plan_of(connection, [specs["sync_contacts"]])
    assert rows[0]["fields"] == {"leadhouse_score": "72.5", "leadhouse_grade": "A"}


def test_a_created_record_is_known_until_a_read_shows_it(specs: dict[str, Spec]) -> None:
    connection = planning_connection(contacts=[contact("k", lead_score=Decimal(80))])
    wrote(connection, "k", "500", action="create", fields={"leadhouse_score": "72.5", "leadhouse_grade": "A"})
    _, rows = plan_of(connection, [specs["sync_contacts"]])
    assert [(r["outcome"], r["record_id"], r["fields"]) for r in rows] == [("update", "500", {"leadhouse_score": "80"})]


def test_refused_values_are_not_sent_again_until_they_change(specs: dict[str, Spec]) -> None:
    world: dict[str, Any] = {"observed_contacts": {"1": {"leadhouse_grade": "A"}}}
    refusal = ["sync_contacts", "k", "update", '{"leadhouse_score":"72.5"}', "validation", "72.5 is too much"]
    connection = planning_connection(contacts=[contact("k", "1")], **world)
    connection.execute("insert into refusals values (?, ?, ?, ?, ?, ?)", refusal)
    _, rows = plan_of(connection, [specs["sync_contacts"]])
    assert outcomes(rows) == {"k": ("held", "the CRM refused these values (validation): 72.5 is too much")}
    connection = planning_connection(contacts=[contact("k", "1", lead_score=Decimal(5))], **world)
    connection.execute("insert into refusals values (?, ?, ?, ?, ?, ?)", refusal)
    _, rows = plan_of(connection, [specs["sync_contacts"]])
    assert outcomes(rows) == {"k": ("update", None)}


# -- lists -----------------------------------------------------------------------------------------------------------


def test_list_members_by_deltas(specs: dict[str, Spec]) -> None:
    connection = planning_connection(
        hot=["1", "2", None, "9"],
        observed_contacts={str(i): {} for i in range(1, 6)},
        lists={"7": "Leadhouse: hot", "8": "another"},
        members={"7": ["2", "3"], "8": ["4"]},
    )
    plan, rows = plan_of(connection, [specs["list_hot"]])
    assert {(r["outcome"], r["record_id"], r["reason"]) for r in rows} == {
        ("list_add", "1", None),
        ("list_remove", "3", "no longer belongs to the list"),
        ("missing_key", None, "no record_id"),
        ("missing_key", "9", "the record is not among those read from the CRM"),
    }
    assert plan.syncs[0].list_id == "7"
    assert (plan.list_adds, plan.list_removes, plan.unchanged) == (1, 1, 1)


def test_a_list_we_made_and_filled_is_known_until_a_read_shows_it(specs: dict[str, Spec]) -> None:
    connection = planning_connection(hot=["1", "2"], observed_contacts={"1": {}, "2": {}, "3": {}})
    plan, _ = plan_of(connection, [specs["list_hot"]])
    assert (plan.syncs[0].list_id, plan.list_adds) == (None, 2)
    name = {"list_id": "7", "list_name": "Leadhouse: hot"}
    wrote(connection, None, "7", sync="list_hot", action="list_create", fields=name)
    for record_id in ("1", "2", "3"):
        wrote(connection, record_id, record_id, sync="list_hot", action="list_add", fields=name)
    wrote(connection, "2", "2", LATER + timedelta(minutes=1), sync="list_hot", action="list_remove", fields=name)
    plan, rows = plan_of(connection, [specs["list_hot"]])
    assert plan.syncs[0].list_id == "7"
    assert {(r["outcome"], r["record_id"]) for r in rows} == {("list_add", "2"), ("list_remove", "3")}


def test_an_empty_list_is_not_made(specs: dict[str, Spec]) -> None:
    plan, rows = plan_of(planning_connection(), [specs["list_hot"]])
    assert (plan.changes, rows) == (0, [])


# -- guards ----------------------------------------------------------------------------------------------------------


def guarded(specs: dict[str, Spec], **guards: Any) -> SyncSpec:
    spec = specs["sync_contacts"]
    assert isinstance(spec, SyncSpec)
    return spec.model_copy(update={"guards": GuardSpec(**guards)})


def test_guards_on_counts(specs: dict[str, Spec]) -> None:
    connection = planning_connection(contacts=[contact(f"k{i}") for i in range(3)])
    spec = guarded(specs, max_changes=2, max_creates=2)
    plan, _ = plan_of(connection, [spec])
    assert plan.blocked
    assert plan.guards == (
        "sync_contacts: would change 3 records, more than max_changes = 2",
        "sync_contacts: would create 3 records, more than max_creates = 2",
    )
    assert not plan_of(connection, [guarded(specs, max_changes=3, max_creates=3)])[0].blocked


def test_a_column_that_broke_does_not_empty_the_crm(specs: dict[str, Spec]) -> None:
    world: dict[str, Any] = {
        "contacts": [contact(f"k{i}", str(i), lead_grade=None if i < 15 else "A") for i in range(20)],
        "observed_contacts": {str(i): {"leadhouse_score": "72.5", "leadhouse_grade": "A"} for i in range(20)},
    }
    plan, _ = plan_of(planning_connection(**world), [guarded(specs, max_null_share=0.5)])
    assert plan.guards == (
        "sync_contacts: would empty leadhouse_grade of 15 of the 20 records that have it, more than max_null_share = "
        "0.5; is column lead_grade built?",
    )
    plan, _ = plan_of(planning_connection(**world), [guarded(specs, max_null_share=0.8)])
    assert not plan.blocked


def test_a_list_does_not_shrink_unseen(specs: dict[str, Spec]) -> None:
    ids = [str(i) for i in range(20)]
    world: dict[str, Any] = {"observed_contacts": {i: {} for i in ids}, "lists": {"7": "Leadhouse: hot"}}
    plan, _ = plan_of(planning_connection(hot=ids[:5], members={"7": ids}, **world), [specs["list_hot"]])
    assert plan.guards == ("list_hot: would remove 15 of 20 members, more than max_shrink_share = 0.5",)
    plan, _ = plan_of(planning_connection(hot=ids[:10], members={"7": ids}, **world), [specs["list_hot"]])
    assert not plan.blocked


# -- errors ----------------------------------------------------------------------------------------------------------


def test_a_column_that_is_not_there_is_named(specs: dict[str, Spec]) -> None:
    connection = planning_connection()
    connection.execute("alter table published.marts.sync_contacts drop column lead_grade")
    with pytest.raises(PlanError, match=r"model sync_contacts: marts.sync_contacts has no column lead_grade"):
        plan_of(connection, [specs["sync_contacts"]])


def test_a_model_that_was_not_published_is_named(specs: dict[str, Spec]) -> None:
    connection = planning_connection()
    connection.execute("drop table published.marts.sync_companies")
    with pytest.raises(PlanError, match=r"marts.sync_companies is not in the published snapshot; build and publish"):
        plan_of(connection, [specs["sync_companies"]])


# -- the property the whole design rests on --------------------------------------------------------------------------

numbers = st.none() | st.decimals(min_value=-50, max_value=50, places=2)
number_texts = st.none() | st.sampled_from(["", "0", "0.0", "12.50", "12.5", "-3", "1e1", "x"])
grades = st.none() | st.sampled_from(["A", "B", "", " A", 'a "quoted", {x}', "ção\n"])
wanted_rows = st.lists(
    st.fixed_dictionaries(
        {
            "place": st.integers(0, 11),
            "has_record": st.booleans(),
            "lead_score": numbers,
            "lead_grade": grades,
            "stage_since": st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
            "title": grades,
            "is_opted_out": st.booleans(),
        }
    ),
    max_size=10,
    unique_by=lambda row: row["place"],
)
crm_records = st.dictionaries(
    st.integers(0, 11),
    st.fixed_dictionaries(
        {
            "leadhouse_score": number_texts,
            "leadhouse_grade": grades,
            "leadhouse_stage_since": st.none() | st.sampled_from(["2026-01-31", "1769817600000", ""]),
            "jobtitle": grades,
        }
    ),
    max_size=12,
)


@given(wanted=wanted_rows, crm=crm_records, in_list=st.sets(st.integers(0, 11)), members=st.sets(st.integers(0, 11)))
@settings(max_examples=40, deadline=None)
def test_after_applying_a_plan_there_is_nothing_left_to_do(
    specs: dict[str, Spec],
    wanted: list[dict[str, Any]],
    crm: dict[int, dict[str, str | None]],
    in_list: set[int],
    members: set[int],
) -> None:
    """Write every planned change down as the applier does: the next plan is empty, whatever the values were."""
    chosen = [specs["sync_contacts"], specs["list_hot"]]
    with planning_connection(
        contacts=[
            {**row, "sync_key": f"k{row['place']}", "email": f"p{row['place']}@x.example",
             "record_id": str(row["place"]) if row["has_record"] else None}
            for row in wanted
        ],
        observed_contacts={str(i): {**held, "email": f"p{i}@x.example"} for i, held in crm.items()},
        hot=[str(i) for i in in_list],
        lists={"7": "Leadhouse: hot"},
        members={"7": [str(i) for i in members]},
    ) as connection:  # fmt: skip
        first, rows = plan_of(connection, chosen)
        assert first.changes == sum(row["outcome"] in ("create", "update", "list_add", "list_remove") for row in rows)
        for row in rows:
            if row["outcome"] in ("create", "update", "list_add", "list_remove"):
                record_id = row["record_id"] or f"new-{row['sync_key']}"
                more = {"sync": row["sync"], "action": row["outcome"], "fields": row["fields"] or {}}
                wrote(connection, row["sync_key"], record_id, **more)
        second, left = plan_of(connection, chosen)
        assert second.changes == 0, left
        for row in rows:
            for name, value in (row["fields"] or {}).items():
                if name == "jobtitle" and row["outcome"] == "update":
                    assert not crm[int(row["record_id"])].get("jobtitle"), "a person's value was overwritten"
                assert value is not None


def test_the_fields_of_the_test_project_cover_every_policy() -> None:
    assert {field["policy"] for field in CONTACTS_SYNC["fields"]} == {"ours", "fill_empty"}
