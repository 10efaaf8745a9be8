"""Rows of erased people are turned away by every loader; rows of others pass as they are."""

from __future__ import annotations

import string
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.erased import TurnedAway
from ingestion.schemas import RAW_TABLES
from ingestion.tables import ensure_raw_tables
from privacy import NO_TOMBSTONES, ErasureKey, Tombstones

KEY = ErasureKey(b"a secret of thirty-two characters")
ERASED = Tombstones(
    key=KEY,
    emails=frozenset({str(KEY.email("ana@acme.com"))}),
    identifiers=frozenset(
        {
            KEY.identifier("events.user_id", "u-1"),
            KEY.identifier("events.anonymous_id", "device-1"),
            KEY.identifier("raw_hubspot.calls", "call-1"),
            KEY.identifier("files.export", "row-1"),
        }
    ),
    records={
        ("hubspot", "contacts"): frozenset({"101"}),
        ("salesforce", "leads"): frozenset({"00Q000000000001AAA"}),
        ("salesforce", "contacts"): frozenset({"003000000000001AAA"}),
    },
)


def rows_of(name: str, *rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=RAW_TABLES[name].columns)


def sifted(name: str, *rows: dict[str, Any], tombstones: Tombstones = ERASED) -> tuple[pa.Table, TurnedAway]:
    away = TurnedAway(tombstones)
    return away.sift(RAW_TABLES[name], rows_of(name, *rows)), away


@pytest.mark.parametrize(
    ("table", "erased", "other"),
    [
        ("raw_hubspot.contacts", {"id": "101"}, {"id": "1010"}),
        ("raw_hubspot.contacts", {"id": "9", "property_email": "Ana+news@ACME.com"}, {"id": "9"}),
        (
            "raw_hubspot.contacts",
            {"id": "9", "property_hs_additional_emails": "bia@acme.com;ana@acme.com"},
            {"id": "9", "property_hs_additional_emails": "bia@acme.com"},
        ),
        ("raw_hubspot.form_submissions", {"email": "ana@acme.com"}, {"email": "anna@acme.com"}),
        ("raw_hubspot.email_events", {"recipient": "ana@acme.com"}, {"recipient": None}),
        ("raw_hubspot.list_memberships", {"record_id": "101"}, {"record_id": "102"}),
        (
            "raw_hubspot.property_history",
            {"object_type": "contacts", "object_id": "101"},
            {"object_type": "deals", "object_id": "101"},
        ),
        (
            "raw_hubspot.associations",
            {"from_object": "deals", "from_id": "5", "to_object": "contacts", "to_id": "101"},
            {"from_object": "deals", "from_id": "101", "to_object": "companies", "to_id": "101"},
        ),
        ("raw_hubspot.calls", {"id": "call-1"}, {"id": "call-2"}),
        ("raw_events.events", {"user_id": "u-1"}, {"user_id": "device-1"}),
        ("raw_events.events", {"anonymous_id": "device-1"}, {"anonymous_id": "u-1"}),
        ("raw_events.events", {"user_id": "ANA@acme.com"}, {"user_id": "ana"}),
        ("raw_files.contacts", {"source": "export", "record_id": "row-1"}, {"source": "other", "record_id": "row-1"}),
        ("raw_salesforce.contact", {"id": "003000000000001AAA"}, {"id": "003000000000002AAA"}),
        ("raw_salesforce.lead", {"id": "9", "email": "ana@acme.com"}, {"id": "9", "email": "eva@acme.com"}),
        ("raw_salesforce.contacthistory", {"contact_id": "003000000000001AAA"}, {"contact_id": None}),
        ("raw_salesforce.campaignmember", {"lead_id": "00Q000000000001AAA"}, {"lead_id": "00Q000000000002AAA"}),
    ],
)
def test_whoever_was_erased_is_turned_away(table: str, erased: dict[str, Any], other: dict[str, Any]) -> None:
    left, away = sifted(table, erased, other)
    assert left.to_pylist() == rows_of(table, other).to_pylist()
    assert away.lost(table) == 1


def test_a_record_leaves_a_line_that_says_nothing_of_the_person() -> None:
    moment = datetime(2026, 5, 1)
    _, away = sifted(
        "raw_hubspot.contacts",
        {"id": "101", "property_email": "ana@acme.com", "property_firstname": "Ana", "_loaded_at": moment},
    )
    _, events = sifted(
        "raw_events.events",
        {"user_id": "ana@acme.com", "_source_file": "a.jsonl", "_source_row": 3, "_loaded_at": moment},
    )
    (line,) = away.lines
    assert (line["record_id"], line["reason_code"], line["record"]) == ("101", "erased", None)
    (event,) = events.lines
    assert (event["record_id"], event["file"], event["row_number"]) == (None, "a.jsonl", 3)
    assert not [one for one in (*line.values(), *event.values()) if "ana" in str(one).lower()]


def test_what_hangs_on_a_record_leaves_no_line() -> None:
    _, away = sifted("raw_hubspot.list_memberships", {"record_id": "101"})
    assert away.lines == []


def test_others_lose_the_address_and_keep_the_rest() -> None:
    left, away = sifted("raw_hubspot.deals", {"id": "7", "property_dealname": "Deal of ana@acme.com and bia@acme.com"})
    (deal,) = left.to_pylist()
    assert deal["property_dealname"] == "Deal of [erased] and bia@acme.com"
    assert away.lines == []
    left, _ = sifted(
        "raw_files.opportunities", {"source": "export", "record_id": "o", "contact_ref": "row-1", "amount": "5"}
    )
    (opportunity,) = left.to_pylist()
    assert (opportunity["contact_ref"], opportunity["amount"]) == (None, "5")


def test_lines_take_the_place_of_those_of_earlier_reads() -> None:
    with duckdb.connect() as connection:
        ensure_raw_tables(connection)
        for _ in range(2):
            _, away = sifted("raw_hubspot.contacts", {"id": "101", "_loaded_at": datetime(2026, 5, 1)})
            away.write(connection)
        found = connection.execute("select source, entity, record_id from raw_quarantine.records").fetchall()
    assert found == [("hubspot", "raw_hubspot.contacts", "101")]


def test_nobody_erased_changes_nothing() -> None:
    rows = rows_of("raw_hubspot.contacts", {"id": "101", "property_email": "ana@acme.com"})
    assert TurnedAway(NO_TOMBSTONES).sift(RAW_TABLES["raw_hubspot.contacts"], rows) is rows


addresses = st.text(string.ascii_lowercase, min_size=1, max_size=6).map(lambda local: f"{local}@acme.com")


@given(st.lists(addresses, max_size=30), st.sets(addresses, max_size=5))
@settings(max_examples=60, deadline=None)
def test_rows_are_kept_or_turned_away_and_never_lost(emails: list[str], erased: set[str]) -> None:
    tombstones = Tombstones(key=KEY, emails=frozenset(str(KEY.email(one)) for one in erased))
    rows = [{"submission_id": str(i), "email": one} for i, one in enumerate(emails)]
    left, away = sifted("raw_hubspot.form_submissions", *rows, tombstones=tombstones)
    assert [one["email"] for one in left.to_pylist()] == [one for one in emails if one not in erased]
    assert len(left) + len(away.lines) == len(rows)
