"""Which company a contact works at, which records are one company, who is whose parent: dbt on rows written by hand."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.identity_truth import account_match_quality
from benchmarks.load_world import load_world
from sandbox.world.generate import generate
from tests.integration.dbt_core.conftest import company, contact, moment, write_raw

DEPTH = 300
MODELS = ("+mart_account_match_review", "+fct_account_merges", "+dim_accounts", "--exclude", "resource_type:unit_test")
#: What stands on the decisions.
DECIDED = (
    "int_account_decisions",
    "int_contact_account_evidence",
    "int_contact_account_candidates",
    "int_contact_accounts",
    "int_contact_account_outcomes",
    "mart_account_match_review",
)

COMPANIES = [
    # A group of three levels; the second shares the first one's domain, the third has its own.
    company("g1", 1, name="Grupo Norte S.A.", domain="grupo-norte.example", country="Brasil"),
    company("g2", 2, name="Norte Logística Ltda", domain="grupo-norte.example", country="Brasil",
            hs_parent_company_id="g1"),
    company("g3", 3, name="Norte Armazéns ME", domain="norte-armazens.example", country="Brasil",
            hs_parent_company_id="g2"),
    # The same company again: with a domain and without, and in another country somebody else.
    company("s1", 5, name="Solar Energie GmbH", domain="solar.example", country="Germany"),
    company("s2", 1, name="SOLAR ENERGIE", country="Deutschland"),
    company("s3", 2, name="Solar Energie", country="France"),
    # Two companies of one name and country, and a record that may be either.
    company("t1", 1, name="Twin Media", domain="twin-one.example", country="GB"),
    company("t2", 1, name="Twin Media Ltd", domain="twin-two.example", country="GB"),
    company("t3", 1, name="Twin Media", country="UK"),
    # Parents in a circle, with a tail; r2 is the oldest.
    company("r1", 3, name="Ring um", domain="ring-um.example", hs_parent_company_id="r2"),
    company("r2", 2, name="Ring dois", domain="ring-dois.example", hs_parent_company_id="r3"),
    company("r3", 4, name="Ring tres", domain="ring-tres.example", hs_parent_company_id="r1"),
    company("r4", 1, name="Ring cauda", domain="ring-cauda.example", hs_parent_company_id="r3"),
    # A domain of more companies than the limit.
    *[company(f"p{n:02}", 1, name=f"Shop number {n} of many", domain="shops.example") for n in range(25)],
    # The oldest record of a company is archived; the account keeps its name.
    company("a1", 1, archived=True, name="Archive SA", domain="archive.example", country="FR"),
    company("a2", 2, name="Archive", domain="archive.example", country="FR"),
    company("m1", 1, name="Gmail Marketing", domain="gmail.com", country="US"),
    *[
        company(f"d{n:03}", n / 100, name=f"Deep level {n}", domain=f"deep{n}.example",
                **({"hs_parent_company_id": f"d{n - 1:03}"} if n else {}))
        for n in range(DEPTH)
    ],
]  # fmt: skip

CONTACTS = [
    contact("c_group", email="ana@grupo-norte.example", company="Grupo Norte"),
    contact("c_below", email="bia@grupo-norte.example", company="NORTE LOGISTICA"),
    contact("c_third", email="caio@grupo-norte.example", company="Norte Armazens"),
    contact("c_name", email="dora@gmail.com", company="Solar Energie", country="Alemanha"),
    contact("c_twin", email="eli@gmail.com", company="Twin Media", country="GB"),
    contact("c_short", email="fay@gmail.com", company="Xy", country="GB"),
    contact("c_none", email="gil@gmail.com", company="Freelancer", country="GB"),
    contact("c_free", email="hal@gmail.com"),
    contact("c_shop", email="ivo@shops.example"),
    contact("c_moved", 1, email="jo@twin-two.example", hs_additional_emails="jo@solar.example"),
    contact("c_conflict", email="kai@solar.example", associatedcompanyid="t1"),
    contact("c_merged", email="leo@gmail.com", associatedcompanyid="a1"),
    contact("c_unknown", email="mia@nobody-knows.example", company="Nobody Knows"),
]  # fmt: skip


def rows(seed: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """The raw rows, in another order for each seed."""
    given = {"raw_hubspot.companies": list(COMPANIES), "raw_hubspot.contacts": list(CONTACTS)}
    if seed is not None:
        for table in given.values():
            random.Random(seed).shuffle(table)
    return given


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., Any]) -> Path:
    path = write_raw(tmp_path_factory.mktemp("accounts") / "accounts.duckdb", rows())
    dbt_build(path, *MODELS)
    return path


@pytest.fixture
def built(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield connection


def account_of(connection: duckdb.DuckDBPyConnection, company_id: str) -> str:
    found = connection.execute(
        "select account_id from intermediate.int_account_records inner join intermediate.int_account_clusters"
        " using (record_key) where source = 'hubspot' and record_id = ?",
        [company_id],
    ).fetchall()
    assert len(found) == 1, company_id
    return str(found[0][0])


def match_of(connection: duckdb.DuckDBPyConnection, record_id: str) -> dict[str, Any]:
    """The outcome of a HubSpot contact: account, method, confidence, what decided, why none."""
    result = connection.execute(
        "select outcomes.account_id, no_account_reason, match_method, confidence, decided_by, matched_value"
        " from intermediate.int_contact_account_outcomes as outcomes"
        " left join intermediate.int_contact_accounts using (contact_id)"
        " inner join intermediate.int_contact_clusters using (contact_id)"
        " inner join intermediate.int_contact_records using (record_key)"
        " where source = 'hubspot' and record_id = ?",
        [record_id],
    )
    names = [column[0] for column in result.description]
    found = result.fetchall()
    assert len(found) == 1, record_id
    return dict(zip(names, found[0], strict=True))


def reviews_of(connection: duckdb.DuckDBPyConnection, record_id: str) -> set[str]:
    return {
        str(reason)
        for (reason,) in connection.execute(
            "select reason_code from marts.mart_account_match_review inner join intermediate.int_contact_clusters"
            " on entity_id = contact_id inner join intermediate.int_contact_records using (record_key)"
            " where entity_type = 'contact' and source = 'hubspot' and record_id = ?",
            [record_id],
        ).fetchall()
    }


def test_a_group_that_writes_from_one_domain(built: duckdb.DuckDBPyConnection) -> None:
    top, second, third = (account_of(built, record) for record in ("g1", "g2", "g3"))
    assert len({top, second, third}) == 3
    assert match_of(built, "c_group")["account_id"] == top
    below = match_of(built, "c_below")
    assert (below["account_id"], below["match_method"]) == (second, "parent_chain")
    assert match_of(built, "c_third")["account_id"] == third
    roots = built.execute(
        "select account_id, parent_account_id, root_account_id from marts.dim_accounts where account_id in (?, ?, ?)",
        [top, second, third],
    ).fetchall()
    assert set(roots) == {(top, None, top), (second, top, top), (third, second, top)}


def test_records_of_one_company_are_joined_with_evidence(built: duckdb.DuckDBPyConnection) -> None:
    assert account_of(built, "s1") == account_of(built, "s2")
    assert account_of(built, "s3") != account_of(built, "s1"), "a namesake in another country"
    evidence = built.execute(
        "select record_id, kept_record_id, identifier_type, identifier_value from marts.fct_account_merges"
        " where account_id = ?",
        [account_of(built, "s1")],
    ).fetchall()
    assert evidence == [("s1", "s2", "company_name_country", "solar energie|DE")]
    named = match_of(built, "c_name")
    assert (named["account_id"], named["match_method"]) == (account_of(built, "s1"), "name_country")


def test_a_name_of_two_companies_joins_and_finds_none(built: duckdb.DuckDBPyConnection) -> None:
    assert len({account_of(built, record) for record in ("t1", "t2", "t3")}) == 3
    twin = match_of(built, "c_twin")
    assert (twin["account_id"], twin["no_account_reason"]) == (None, "ambiguous_name")
    assert reviews_of(built, "c_twin") == {"ambiguous_name"}
    listed = built.execute(
        "select entity_id from marts.mart_account_match_review"
        " where entity_type = 'account' and reason_code = 'ambiguous_name'"
    ).fetchall()
    assert listed == [(account_of(built, "t3"),)]


def test_nobody_without_an_account_lacks_a_reason(built: duckdb.DuckDBPyConnection) -> None:
    reasons = {record: match_of(built, record)["no_account_reason"] for record in ("c_short", "c_none", "c_free")}
    assert reasons == {"c_short": "unknown_name", "c_none": "says_no_company", "c_free": "free_mail_only"}
    assert match_of(built, "c_shop")["no_account_reason"] == "shared_domain"
    silent = "(account_id is null) = (no_account_reason is null)"
    assert built.execute(
        f"select count(*) from intermediate.int_contact_account_outcomes where {silent}"
    ).fetchall() == [(0,)]
    assert built.execute("select count(*) from marts.dim_accounts where domain = 'gmail.com'").fetchall() == [(0,)]
    unknown = match_of(built, "c_unknown")
    assert unknown["match_method"] == "domain", "a company that only its people's addresses tell of"


def test_who_moved_works_where_the_address_in_use_is(built: duckdb.DuckDBPyConnection) -> None:
    moved = match_of(built, "c_moved")
    assert (moved["account_id"], moved["decided_by"]) == (account_of(built, "t2"), "main_address")


def test_ways_that_disagree_are_listed_and_less_sure(built: duckdb.DuckDBPyConnection) -> None:
    conflict = match_of(built, "c_conflict")
    assert (conflict["account_id"], conflict["match_method"]) == (account_of(built, "t1"), "association")
    assert conflict["confidence"] < 1
    assert "methods_disagree" in reviews_of(built, "c_conflict")
    assert reviews_of(built, "c_group") == set()


def test_a_circle_of_parents_is_cut_at_its_oldest(built: duckdb.DuckDBPyConnection) -> None:
    ring = {record: account_of(built, record) for record in ("r1", "r2", "r3", "r4")}
    parents = dict(
        built.execute(
            "select account_id, parent_account_id from marts.dim_accounts where root_account_id = ?", [ring["r2"]]
        ).fetchall()
    )
    assert parents == {ring["r1"]: ring["r2"], ring["r2"]: None, ring["r3"]: ring["r1"], ring["r4"]: ring["r3"]}
    listed = built.execute(
        "select count(*) from marts.mart_account_match_review where reason_code = 'circular_parents'"
    ).fetchall()
    assert listed == [(4,)]


def test_a_chain_of_parents_has_no_depth_limit(built: duckdb.DuckDBPyConnection) -> None:
    root = account_of(built, "d000")
    assert built.execute(
        "select count(*), max(depth) from intermediate.int_account_roots where root_account_id = ?", [root]
    ).fetchall() == [(DEPTH, DEPTH - 1)]


def test_a_platforms_domain_joins_nobody_and_is_listed(built: duckdb.DuckDBPyConnection) -> None:
    assert len({account_of(built, f"p{n:02}") for n in range(25)}) == 25
    listed = built.execute(
        "select entity_id, candidate_count from marts.mart_account_match_review where reason_code = 'shared_domain'"
    ).fetchall()
    assert listed == [("shops.example", 25)]


def test_an_archived_record_still_names_its_account(built: duckdb.DuckDBPyConnection) -> None:
    account = account_of(built, "a2")
    assert account_of(built, "a1") == account
    leading = built.execute(
        "select source_record_id, hubspot_record_id from marts.dim_accounts where account_id = ?", [account]
    ).fetchall()
    assert leading == [("a2", "a2")]
    oldest = built.execute(
        "select record_id from intermediate.int_account_records where record_key = ?", [account]
    ).fetchall()
    assert oldest == [("a1",)]
    assert match_of(built, "c_merged")["account_id"] == account


def test_any_order_of_the_records_gives_the_same_accounts(
    warehouse: Path, tmp_path: Path, dbt_build: Callable[..., Any]
) -> None:
    shuffled = write_raw(tmp_path / "shuffled.duckdb", rows(seed=11))
    dbt_build(shuffled, *MODELS, "resource_type:test")
    queries = (
        "select * from intermediate.int_account_clusters order by all",
        "select * from intermediate.int_contact_account_candidates order by all",
        "select * from marts.dim_accounts order by all",
        "select * from marts.fct_account_merges order by all",
        "select * from marts.mart_account_match_review order by all",
    )
    for query in queries:
        answers = []
        for path in (warehouse, shuffled):
            with duckdb.connect(str(path), read_only=True) as connection:
                answers.append(connection.execute(query).fetchall())
        assert answers[0] == answers[1], query
        assert answers[0]


def test_decisions_hold_whatever_was_found(warehouse: Path, tmp_path: Path, dbt_build: Callable[..., Any]) -> None:
    path = tmp_path / "decided.duckdb"
    shutil.copy(warehouse, path)
    decisions = [
        ("force", "hubspot", "c_twin", "hubspot", "t2", moment(1)),
        ("forbid", "hubspot", "c_conflict", "hubspot", "t1", moment(1)),
        ("force", "hubspot", "c_free", "domain", "solar.example", moment(1)),
        ("force", "hubspot", "nobody", "hubspot", "t2", moment(1)),
    ]
    with duckdb.connect(str(path)) as connection:
        connection.executemany(
            "insert into config.account_decisions values (?, ?, ?, ?, ?, 'reviewer', ?, 'seen on their site')",
            decisions,
        )
    dbt_build(path, *DECIDED, "--exclude", "resource_type:unit_test")
    with duckdb.connect(str(path), read_only=True) as connection:
        twin, conflict, free = (match_of(connection, record) for record in ("c_twin", "c_conflict", "c_free"))
        assert (twin["account_id"], twin["match_method"]) == (account_of(connection, "t2"), "decision")
        assert reviews_of(connection, "c_twin") == set(), "settled"
        assert (conflict["account_id"], conflict["match_method"]) == (account_of(connection, "s1"), "domain")
        assert free["account_id"] == account_of(connection, "s1")
        listed = connection.execute(
            "select reason from marts.mart_account_match_review where reason_code = 'decision_without_effect'"
        ).fetchall()
        assert listed == [("no contact has the record hubspot:nobody",)]


def test_the_planted_companies_are_found(tmp_path: Path, dbt_build: Callable[..., Any]) -> None:
    world, path = tmp_path / "world", tmp_path / "small.duckdb"
    generate("small", world)
    load_world(world, path)
    dbt_build(path, *MODELS, "resource_type:test")
    quality = account_match_quality(path, world / "truth")
    assert quality.employed > 100
    assert quality.precision >= 0.97, quality
    assert quality.recall >= 0.95, quality
    assert quality.record_pair_precision == 1
    assert {found.method for found in quality.by_method} >= {"association", "domain", "name_country"}
