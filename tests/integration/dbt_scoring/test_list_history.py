"""Membership history of the smart lists: what builds remember, whatever the order and the moment they run at."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from .conftest import Dbt

START = datetime(2026, 11, 1)
PEOPLE = [f"p{number}" for number in range(12)]
HISTORY = "select list_name, contact_id, valid_from, valid_to, exit_code from marts.fct_list_memberships order by all"


@pytest.fixture(scope="module")
def history(warehouse: Path, dbt: Dbt) -> Dbt:
    """What the history stands on, made by hand; nobody is on a list yet."""
    dbt("seed", "--select", "list_exit_reasons")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists intermediate; create schema if not exists marts")
        connection.execute("create table intermediate.int_as_of (as_of_at timestamp)")
        connection.execute("insert into intermediate.int_as_of values (null)")
        connection.execute(
            "create table intermediate.int_list_members "
            "(list_name varchar, contact_id varchar, reason varchar, reason_pt varchar)"
        )
        connection.execute(
            "create table intermediate.int_list_versions as select 'list_nurture' as list_name, 'v1' as list_version"
        )
        connection.execute(
            "create table intermediate.int_lead_facts (contact_id varchar, hubspot_record_id varchar, "
            "salesforce_record_id varchar, is_opted_out boolean, exclusion_reason varchar, stage varchar, "
            "stage_since timestamp, grade varchar, fit_score decimal(18, 6), engagement_score decimal(18, 6))"
        )
        connection.execute("create table marts.fct_routing (contact_id varchar, route varchar, is_current boolean)")
        for person in PEOPLE:
            connection.execute(
                "insert into intermediate.int_lead_facts values (?, '1', null, false, null, 'mql', null, 'A', 1, 1)",
                [person],
            )
            connection.execute("insert into marts.fct_routing values (?, 'sdr', true)", [person])
    return dbt


def build(dbt: Dbt, warehouse: Path, day: int, members: Iterable[str], *flags: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update intermediate.int_as_of set as_of_at = ?", [START + timedelta(days=day)])
        connection.execute("delete from intermediate.int_list_members")
        for person in members:
            connection.execute(
                "insert into intermediate.int_list_members values ('list_nurture', ?, 'Below the line', 'Abaixo')",
                [person],
            )
    dbt("run", "--select", "int_list_changes", "fct_list_memberships", *flags)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(HISTORY).fetchall()


def test_history_is_what_the_builds_saw(history: Dbt, warehouse: Path) -> None:
    """Any order of coming and going; builds that run twice, look back, or refresh everything change nothing."""
    rng = random.Random(4)
    spells: dict[str, list[tuple[int, int | None]]] = {person: [] for person in PEOPLE}
    last_day = 0
    for step, day in enumerate([1, 2, 2, 5, 3, 6]):
        members = set(rng.sample(PEOPLE, rng.randint(3, 9)))
        flags = ["--full-refresh"] if step == 3 else []
        found = build(history, warehouse, day, sorted(members), *flags)
        looks_back = day < last_day
        if not looks_back:
            last_day = day
            for person, known in spells.items():
                is_on = bool(known) and known[-1][1] is None
                if person in members and not is_on:
                    known.append((day, None))
                elif person not in members and is_on:
                    known[-1] = (known[-1][0], day)
            assert found == expected(spells, last_day)
            assert build(history, warehouse, day, sorted(members)) == found
        else:
            # What was known then: later comings are not told, later leavings not yet.
            assert found == expected(spells, day)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        recorded = connection.execute(
            "select count(*) filter (where change = 'build'), count(distinct change_id) = count(*) "
            "from intermediate.int_list_changes"
        ).fetchone()
    assert recorded == (4, True)


def expected(spells: dict[str, list[tuple[int, int | None]]], day: int) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for person, known in spells.items():
        for came, left in known:
            if came > day:
                continue
            gone = left is not None and left <= day
            rows.append(
                (
                    "list_nurture",
                    person,
                    START + timedelta(days=came),
                    START + timedelta(days=left) if gone and left is not None else None,
                    "threshold_reached" if gone else None,
                )
            )
    return sorted(rows, key=lambda row: (row[1], row[2], row[3] is None, row[3] or START))
