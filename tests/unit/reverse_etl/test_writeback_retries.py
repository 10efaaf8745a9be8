"""A refused record is held back as long as the cause may last, and no longer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_writeback_store import NOW, refused
from writeback_worlds import CONTACTS_SYNC

from reverse_etl.connectors.base import ERROR_KINDS
from reverse_etl.manifest import SyncSpec
from reverse_etl.retries import RULES, let_go
from reverse_etl.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/ops.db") as opened:
        yield opened


def spec(**field: Any) -> SyncSpec:
    block = {**CONTACTS_SYNC, "fields": [{**CONTACTS_SYNC["fields"][0], "property": "a", **field}]}
    return SyncSpec.model_validate({**block, "model": "s", "relation": "marts.s", "file": "f"})


def published(read_at: datetime = NOW - timedelta(days=1)) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as published; create schema published.marts")
    connection.execute(
        "create table published.marts.observed_hubspot_contacts as select '1' as record_id, false as is_archived, "
        "cast(? as timestamp) as read_at",
        [read_at],
    )
    return connection


def save_plan(store: Store, of: SyncSpec) -> None:
    values = {
        "plan_id": "p1", "created_at": NOW, "expires_at": NOW, "status": "planned", "published_link": "l",
        "published_file": "f", "total_changes": 1, "summary": "[]",
        "specs": json.dumps([of.model_dump(mode="json")]),
    }  # fmt: skip
    store.save_plan(values, [])


def test_every_kind_has_a_rule_with_a_reason() -> None:
    assert set(RULES) == set(ERROR_KINDS)
    assert all(rule.reason for rule in RULES.values())


@pytest.mark.parametrize(
    ("kind", "held_for", "let_go_after"),
    [
        ("validation", timedelta(days=6), timedelta(days=7)),
        ("conflict", timedelta(hours=23), timedelta(hours=24)),
        ("permission", timedelta(hours=20), timedelta(hours=21)),
        ("rate", None, timedelta(0)),
        ("unknown", None, timedelta(0)),
        ("missing", timedelta(days=300), None),
    ],
)
def test_how_long_a_refusal_holds(
    store: Store, kind: str, held_for: timedelta | None, let_go_after: timedelta | None
) -> None:
    save_plan(store, spec())
    store.finish_batch(None, [refused(1, error_kind=kind)])
    if held_for is not None:
        assert let_go(store, published(), "hubspot", [spec()], NOW + held_for) == 0
        assert store.open_refusals("hubspot").num_rows == 1
    if let_go_after is not None:
        assert let_go(store, published(), "salesforce", [], NOW + let_go_after) == 0
        assert let_go(store, published(), "hubspot", [spec()], NOW + let_go_after) == 1
        assert store.open_refusals("hubspot").num_rows == 0
        assert store.dead_letter_rows(state="retry")[0]["retry_reason"]


def test_a_record_read_again_is_tried_again(store: Store) -> None:
    store.finish_batch(None, [refused(1, error_kind="missing"), refused(2, error_kind="missing")])
    connection = published(read_at=NOW + timedelta(minutes=1))
    assert let_go(store, connection, "hubspot", [spec()], NOW + timedelta(minutes=2)) == 1
    assert [row["record_id"] for row in store.dead_letter_rows()] == ["2"]


def test_a_property_defined_anew_is_tried_again(store: Store) -> None:
    save_plan(store, spec())
    store.finish_batch(None, [refused(1)])
    other = spec(label="Another label", description="other words")
    assert let_go(store, published(), "hubspot", [other], NOW) == 0
    wider = spec(type="string", field_type="text")
    assert let_go(store, published(), "hubspot", [wider], NOW) == 1


def test_what_nobody_understands_is_not_tried_for_ever(store: Store) -> None:
    for attempt in range(1, 4):
        store.finish_batch(None, [refused(1, write_id=f"p{attempt}:1", error_kind="unknown")])
        assert store.dead_letter_rows()[0]["attempts"] == attempt
        assert let_go(store, published(), "hubspot", [], NOW) == (attempt < 3)
    assert store.open_refusals("hubspot").num_rows == 1
    assert let_go(store, published(), "hubspot", [], NOW + timedelta(hours=24)) == 1
