"""Who is one person when the base grows: a build on what changed gives what a build of everything gives."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.dbt_core.conftest import contact, event, moment, write_raw

MODELS = (
    "+mart_identity_review",
    "+fct_contact_merges",
    "+fct_contact_identity_changes",
    "int_identifiers_over_limit",
    "int_surviving_contact_ids",
)
#: Everything that must not depend on whether it was built in one go.
COMPARED = (
    "select source, record_id, email, phone_e164, first_name, quarantine_reason from intermediate.int_contact_records",
    "select record_key, identifier_type, identifier_value from intermediate.int_contact_identifiers",
    "select * from intermediate.int_identity_nodes",
    "select * from intermediate.int_identity_blocks",
    "select block_hash, block_key, record_count from intermediate.int_identity_blocks_over_limit",
    "select * from intermediate.int_identity_components",
    "select * from intermediate.int_identity_scores",
    "select * from intermediate.int_identity_pairs",
    "select * from intermediate.int_identity_neighbourhoods",
    "select * from intermediate.int_identity_verdicts",
    "select * from intermediate.int_contact_components",
    "select * from intermediate.int_contact_clusters",
    "select * from marts.fct_contact_merges",
    "select * from marts.mart_identity_review",
)
NAMESAKES = 58
CHAIN = 500


def person(record_id: str, days: float, email: str, name: str = "", **properties: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    named = {"firstname": first, "lastname": last} if name else {}
    return contact(record_id, days, email=email, **named, **properties)


def namesake(number: int) -> dict[str, Any]:
    """People of one name in one firm: more of them than max_block_records are a block that proposes nothing."""
    return person(f"n{number}", number, f"n{number}@big.example", "Maria Silva", company="Big Corp")


def link(number: int) -> str:
    return f"link{number}@chain.example"


def chain() -> list[dict[str, Any]]:
    """Each record shares an address with the next one only, and all bear one name."""
    return [person(f"c{n:03}", n / 100, link(n), "Caio Lins", hs_additional_emails=link(n + 1)) for n in range(CHAIN)]


FIRST_DAY = [
    *chain(),
    *[namesake(number) for number in range(NAMESAKES)],
    # One mailbox, two people.
    person("f1", 1, "familia@casa.example", "Ana Barros"),
    person("f2", 2, "familia@casa.example", "Bruno Barros"),
    person("f3", 3, "familia@casa.example", "Ana Barros"),
    # A shared mailbox within its limit today, over it tomorrow.
    *[person(f"i{n}", n, "info@forja.example", "Inês Prado") for n in range(3)],
    # A rare name in one firm, under two addresses.
    person("r1", 1, "zq@kiln.example", "Zacarias Quintanilha", company="Kiln Works", city="Aveiro", country="Portugal"),
    person("r2", 2, "zacarias.q@gmail.com", "Zacarias Quintanilha", company="Kiln Works", city="Aveiro",
           country="Portugal"),
    # Shares an address today; one of them gets a new one tomorrow.
    person("g1", 1, "gil@one.example", "Gil Couto"),
    person("g2", 2, "gil@one.example", "Gil Couto"),
    person("old2", 9, "noa@two.example", "Noa Reis"),
    person("gone1", 1, "rui@three.example", "Rui Melo"),
    person("gone2", 2, "rui@three.example", "Rui Melo"),
    # Decided about tomorrow.
    person("x1", 1, "xavier@four.example", "Xavier Pinho"),
    person("x2", 2, "someone@five.example", "Olga Telles"),
    person("y1", 1, "yara@six.example", "Yara Muniz"),
    person("y2", 2, "yara@six.example", "Yara Muniz", phone="+5511987654321"),
    person("y3", 3, "ym@seven.example", "Yara Muniz", phone="+5511987654321"),
]  # fmt: skip

ADDED = [
    *[namesake(NAMESAKES + number) for number in range(5)],
    person("f4", 4, "familia@casa.example", "Bruna Barros"),
    person("i3", 3, "info@forja.example", "Inês Prado"),
    person("old1", 0.5, "noa@two.example", "Noa Reis"),
    person("r3", 3, "quintanilha.z@kiln.example", "Zacarias Quintanilha", company="Kiln Works", city="Aveiro",
           country="Portugal"),
    person("c500", 9, f"link{CHAIN}@chain.example", "Caio Lins"),
]  # fmt: skip
DECISIONS = [
    ("d1", "force", "x1", "x2"),
    ("d2", "forbid", "y1", "y2"),
    ("d3", "force", "x1", "nobody"),
]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., Any]) -> tuple[Path, dict[str, str]]:
    """A base built on the first day and again on the second; and whose each record was on the first."""
    path = write_raw(
        tmp_path_factory.mktemp("identity") / "grown.duckdb",
        {"raw_hubspot.contacts": FIRST_DAY, "raw_events.events": [
            event("identify", "e1", "dev1", moment(5), email="zq@kiln.example"),
        ]},
    )  # fmt: skip
    dbt_build(path, *MODELS)
    with duckdb.connect(str(path)) as connection:
        before = people(connection)
        add_second_day(connection)
    dbt_build(path, *MODELS, command="run")
    return path, before


@pytest.fixture(scope="module")
def second_day(grown: tuple[Path, dict[str, str]]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(grown[0]), read_only=True) as connection:
        yield connection


def add_second_day(connection: duckdb.DuckDBPyConnection) -> None:
    scratch = [{**row} for row in ADDED]
    columns = [name for (name, *_) in connection.execute("describe raw_hubspot.contacts").fetchall()]
    connection.executemany(
        f"insert into raw_hubspot.contacts values ({', '.join('?' for _ in columns)})",
        [[row.get(column) for column in columns] for row in scratch],
    )
    connection.execute("update raw_hubspot.contacts set property_email = 'gil@other.example' where id = 'g2'")
    connection.execute("delete from raw_hubspot.contacts where id = 'gone1'")
    connection.executemany(
        "insert into config.identity_decisions"
        " values (?, ?, 'hubspot', ?, 'hubspot', ?, 'ana', date '2026-11-01', 'seen')",
        [list(decision) for decision in DECISIONS],
    )


def people(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Contact id by CRM record id."""
    return dict(
        connection.execute(
            "select record_id, contact_id from intermediate.int_contact_records"
            " inner join intermediate.int_contact_clusters using (record_key) where source = 'hubspot'"
        ).fetchall()
    )


def test_a_second_day_gives_what_building_everything_gives_in_any_order(
    grown: tuple[Path, dict[str, str]], tmp_path: Path, dbt_build: Callable[..., Any]
) -> None:
    fresh = tmp_path / "fresh.duckdb"
    shutil.copy(grown[0], fresh)
    with duckdb.connect(str(fresh)) as connection:
        rows = connection.execute("select * from raw_hubspot.contacts").fetchall()
        random.Random(13).shuffle(rows)
        connection.execute("delete from raw_hubspot.contacts")
        connection.executemany(f"insert into raw_hubspot.contacts values ({', '.join('?' for _ in rows[0])})", rows)
    dbt_build(fresh, *MODELS, "--full-refresh", command="run")
    with duckdb.connect(str(grown[0]), read_only=True) as one, duckdb.connect(str(fresh), read_only=True) as other:
        for query in COMPARED:
            grew, built = (sorted(map(repr, connection.execute(query).fetchall())) for connection in (one, other))
            assert grew == built, query
            assert built, query


def test_only_what_changed_is_compared_again(second_day: duckdb.DuckDBPyConnection) -> None:
    """Rows written by the second build lie behind those of the first: DuckDB appends."""
    untouched = second_day.execute(
        "select max(scores.rowid) from intermediate.int_identity_scores as scores"
        " inner join intermediate.int_identity_nodes as nodes"
        " on scores.state = hash(nodes.node_fingerprint, null::varchar)"
        " where row_kind = 'record' and record_id in ('x1', 'x2')"
    ).fetchone()
    added = second_day.execute(
        "select min(scores.rowid) from intermediate.int_identity_scores as scores"
        " inner join intermediate.int_identity_nodes as nodes"
        " on scores.state = hash(nodes.node_fingerprint, null::varchar)"
        " where row_kind = 'record' and record_id in ('g1', 'g2')"
    ).fetchone()
    assert untouched is not None
    assert added is not None
    assert untouched[0] < added[0]


def test_a_family_mailbox_stays_the_people_who_share_it(second_day: duckdb.DuckDBPyConnection) -> None:
    found = people(second_day)
    assert found["f1"] == found["f3"]
    assert found["f1"] != found["f2"]
    waiting = second_day.execute(
        "select waits_because from marts.mart_identity_review"
        " where least(record_id_a, record_id_b) = 'f1' and greatest(record_id_a, record_id_b) = 'f2'"
    ).fetchall()
    assert waiting == [("name_conflict",)]


def test_a_shared_mailbox_that_grows_over_its_limit_links_nothing(
    grown: tuple[Path, dict[str, str]], second_day: duckdb.DuckDBPyConnection
) -> None:
    before, after = grown[1], people(second_day)
    assert len({before[f"i{n}"] for n in range(3)}) == 1
    listed = second_day.execute(
        "select record_count from intermediate.int_identifiers_over_limit where identifier_value = 'info@forja.example'"
    ).fetchall()
    assert listed == [(4,)]
    evidence = second_day.execute(
        "select count(*) from marts.fct_contact_merges where identifier_value = 'info@forja.example'"
    ).fetchone()
    assert evidence == (0,)
    assert len(after) == len(FIRST_DAY) - 1 + len(ADDED)


def test_a_block_of_namesakes_over_the_limit_proposes_no_pairs(second_day: duckdb.DuckDBPyConnection) -> None:
    listed = [
        key
        for (key,) in second_day.execute(
            "select block_key from intermediate.int_identity_blocks_over_limit where block_key like '%silva%'"
        ).fetchall()
    ]
    assert listed
    found = people(second_day)
    assert len({found[f"n{n}"] for n in range(NAMESAKES + 5)}) == NAMESAKES + 5


def test_a_rare_name_in_one_firm_is_one_person_and_the_reason_is_readable(
    second_day: duckdb.DuckDBPyConnection,
) -> None:
    found = people(second_day)
    assert found["r1"] == found["r2"] == found["r3"]
    weight, reason = second_day.execute(
        "select match_weight, reason from marts.fct_contact_merges where evidence_kind = 'pair'"
        " and record_id = 'r2' order by match_weight desc"
    ).fetchall()[0]
    assert weight > 0
    assert "Quintanilha" in reason


def test_a_chain_of_500_named_records_is_one_person(second_day: duckdb.DuckDBPyConnection) -> None:
    found = people(second_day)
    assert len({found[f"c{n:03}"] for n in range(CHAIN + 1)}) == 1


def test_decisions_force_and_forbid_and_one_about_nobody_is_reported(
    grown: tuple[Path, dict[str, str]], second_day: duckdb.DuckDBPyConnection
) -> None:
    before, found = grown[1], people(second_day)
    assert before["x1"] != before["x2"]
    assert found["x1"] == found["x2"]
    assert before["y1"] == before["y2"] == before["y3"]
    assert found["y1"] != found["y2"], "they share an address, and a decision keeps them apart"
    assert found["y2"] == found["y3"], "the third goes where its strongest link is"
    unknown = second_day.execute(
        "select decision_id, is_known_b from intermediate.int_identity_decisions where not is_in_force"
    ).fetchall()
    assert unknown == [("d3", False)]


def test_changes_are_recorded_and_an_old_id_finds_its_person(
    grown: tuple[Path, dict[str, str]], second_day: duckdb.DuckDBPyConnection
) -> None:
    before, after = grown[1], people(second_day)
    changes = {
        record_id: (change, came_from, went_to)
        for change, record_id, came_from, went_to in second_day.execute(
            "select change, record_id, from_contact_id, to_contact_id from marts.fct_contact_identity_changes"
        ).fetchall()
    }
    assert changes["old2"] == ("merge", before["old2"], after["old1"]), "an older record gives the contact its name"
    assert changes["g2"] == ("split", before["g2"], after["g2"])
    assert changes["x2"] == ("merge", before["x2"], after["x1"])
    assert changes["y2"][0] == "split"
    assert changes[None][0] == "removed"
    assert "c001" not in changes
    surviving = dict(
        second_day.execute(
            "select issued_contact_id, contact_id from intermediate.int_surviving_contact_ids"
        ).fetchall()
    )
    for record_id, contact_id in before.items():
        if record_id not in ("gone1", "gone2"):
            assert contact_id in surviving, record_id
    assert surviving[before["old2"]] == after["old1"]
    assert surviving[before["x2"]] == after["x1"]


def test_a_third_build_changes_nothing(
    grown: tuple[Path, dict[str, str]], tmp_path: Path, dbt_build: Callable[..., Any]
) -> None:
    again = tmp_path / "again.duckdb"
    shutil.copy(grown[0], again)
    dbt_build(again, *MODELS, command="run")
    history = "select * from marts.fct_contact_identity_changes"
    with duckdb.connect(str(grown[0]), read_only=True) as one, duckdb.connect(str(again), read_only=True) as other:
        for query in (*COMPARED, history):
            assert sorted(map(repr, one.execute(query).fetchall())) == sorted(
                map(repr, other.execute(query).fetchall())
            )
