"""The second day: only what is new or changed, and loadable on top of the first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from benchmarks.load_world import load_world
from ingestion.errors import IngestionError
from sandbox.world.day2 import KINDS_AGAIN, KNOWN_AGAIN, NEW_PEOPLE
from sandbox.world.people import DUPLICATE_KINDS

AS_OF = "timestamp '2026-11-01 06:00:00'"


@pytest.fixture(scope="module")
def after(world: Path, warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = tmp_path_factory.mktemp("day2") / "small_world.duckdb"
    shutil.copy(warehouse, path)
    load_world(world, path, day2=True)
    return duckdb.connect(str(path), read_only=True)


def one(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_everything_is_dated_within_the_day(world: Path) -> None:
    sql = duckdb.connect()
    for name in ("contacts", "companies", "deals"):
        path = world / "day2" / "hubspot" / f"{name}.parquet"
        outside = sql.execute(
            f"select id from read_parquet('{path}') where updated_at not between {AS_OF} and {AS_OF} + interval 1 day"
        ).fetchall()
        assert outside == []


def test_what_happened(world: Path, warehouse: Path, after: duckdb.DuckDBPyConnection) -> None:
    facts = json.loads((world / "day2" / "world.json").read_text())["counts"]
    with duckdb.connect(str(warehouse), read_only=True) as before:
        contacts = one(before, "select count(*) from raw_hubspot.contacts")
        events = one(before, "select count(*) from raw_events.events")
        was = one(before, f"select archived from raw_hubspot.contacts where id = '{facts['archived_contact']}'")
    assert was is False
    contact = "from raw_hubspot.contacts where id = "
    assert one(after, f"select archived {contact} '{facts['archived_contact']}'") is True
    assert one(after, f"select archived {contact} '{facts['merged_contact']}'") is True
    assert (
        one(after, f"select property_hs_merged_object_ids {contact} '{facts['merged_into']}'")
        == facts["merged_contact"]
    )
    assert one(after, f"select property_hs_email_optout {contact} '{facts['unsubscribed_contact']}'") == "true"
    assert one(after, "select count(*) from raw_hubspot.contacts") > contacts  # type: ignore[operator]
    assert one(after, "select count(*) from raw_hubspot.contacts") == one(
        after, "select count(distinct id) from raw_hubspot.contacts"
    )
    assert one(after, "select count(*) from raw_events.events") == events + facts["event_lines"]  # type: ignore[operator]
    assert one(after, f"select count(*) from raw_hubspot.companies where created_at > {AS_OF}") == 1
    moved = after.execute(
        f"select property_dealstage, value from raw_hubspot.deals join raw_hubspot.property_history on object_id = id "
        f"where updated_at > {AS_OF} and changed_at > {AS_OF}"
    ).fetchall()
    assert moved == [("closedwon", "closedwon")]
    assert one(after, f"select count(*) from raw_hubspot.form_submissions where submitted_at > {AS_OF}") >= 5
    clock = after.execute("select as_of_at, pinned from raw_ops.run_clock").fetchall()
    assert [(str(at), pinned) for at, pinned in clock] == [("2026-11-02 06:00:00", True)]


def test_known_people_come_again(world: Path, after: duckdb.DuckDBPyConnection) -> None:
    """New records of every kind belong to people of the first day, who had one record of their own."""
    first, second = (world / part / "truth" / "people.parquet" for part in (".", "day2"))
    again = after.execute(
        f"select duplicate_kind, record_id, person_id from read_parquet('{second}') where duplicate_kind <> 'none'"
    ).fetchall()
    assert {kind for kind, *_ in again} == set(DUPLICATE_KINDS) - {"none", "case", "merged"}
    for _, record, person in again:
        assert one(after, f"select created_at > {AS_OF} from raw_hubspot.contacts where id = '{record}'") is True
        known = f"select count(*) from read_parquet('{first}') where person_id = '{person}' and source = 'hubspot'"
        assert one(after, known) == 1
    assert one(after, f"select count(*) from read_parquet('{first}') a semi join read_parquet('{second}') b "
                      "on a.source = b.source and a.record_id = b.record_id") == 0  # fmt: skip
    # An address in capitals is a record that its source has had before.
    typed = after.execute(
        f"select lower(email) from raw_hubspot.form_submissions where submitted_at > {AS_OF} and email <> lower(email)"
    ).fetchall()
    assert typed
    for (email,) in typed:
        source = f"select source from read_parquet('{first}') where record_id = '{email}' and source = 'hubspot_forms'"
        assert after.execute(source).fetchall() == [("hubspot_forms",)]


def test_the_large_second_day_brings_five_thousand_records() -> None:
    assert NEW_PEOPLE["large"] + len(KINDS_AGAIN) * KNOWN_AGAIN["large"] >= 5_000


def test_new_addresses_are_new(after: duckdb.DuckDBPyConnection) -> None:
    twice = after.execute(
        "select lower(property_email) from raw_hubspot.contacts where not archived and property_email is not null "
        "group by 1 having count(*) > 1"
    ).fetchall()
    assert twice == []


def test_loading_says_what_is_missing(world: Path, tmp_path: Path) -> None:
    with pytest.raises(IngestionError, match=r"holds no world\.json"):
        load_world(tmp_path, tmp_path / "w.duckdb")
    with pytest.raises(IngestionError, match="load the first day"):
        load_world(world, tmp_path / "absent.duckdb", day2=True)


def test_loads_are_on_record(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as sql:
        for entity, read, loaded, refused in sql.execute(
            "select entity, rows_read, rows_loaded, rows_quarantined from raw_ops.ingest_loads"
        ).fetchall():
            assert read == loaded + refused
            assert loaded == one(sql, f"select count(*) from {entity}"), entity
        document = json.loads(str(one(sql, "select properties from raw_hubspot.contacts order by id limit 1")))
        assert None not in document.values()
