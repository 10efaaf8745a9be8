"""The matcher's tables after many small days are those of one build; what is wrong is said."""

from __future__ import annotations

import random

import duckdb
import pytest

from identity import IdentityError, load_spec, load_trained
from identity.resolve import ResolveSettings
from identity.warehouse import (
    blocks_over_limit,
    connection_of,
    resolve_settings,
    setting,
    update_blocks,
    update_scores,
    update_verdicts,
)

FIRST = ["ana", "bruno", "zacarias", "ines", "otto"]
LAST = ["quintanilha", "silva", "barros", "melo"]
COMPANIES = ["kiln works", "big corp", None]
SETTINGS = {
    "accept_match_weight": 8, "name_conflict_similarity": 0.8, "same_domain_name_similarity": 0.9,
    "guard_min_identities": 3, "guard_min_support": 0.3, "max_pair_cluster_records": 50,
}  # fmt: skip


def put_nodes(connection: duckdb.DuckDBPyConnection, records: dict[str, int]) -> None:
    """The nodes of a day: record number -> version, which decides every value."""
    connection.execute(
        "create or replace table plain (record_key varchar, first_name_key varchar, last_name_key varchar,"
        " email_canonical varchar, email_local varchar, company_key varchar)"
    )
    for key, version in records.items():
        dice = random.Random(f"{key}:{version}")
        first, last = dice.choice(FIRST), dice.choice(LAST)
        local = f"{first}.{last}{dice.randrange(3)}"
        connection.execute(
            "insert into plain values (?, ?, ?, ?, ?, ?)",
            [key, first, last, f"{local}@mail.example", local, dice.choice(COMPANIES)],
        )
    connection.execute(
        "create or replace table nodes as select *, first_name_key as first_name_form, 'mail.example' as email_domain,"
        " false as is_free_mail, false as is_role, null::varchar as suggested_email_canonical,"
        " null::varchar as phone_e164, 'PT' as country, 'aveiro' as city_key, null::varchar as title_key,"
        " timestamp '2026-01-01' as created_at, hash(plain) as node_fingerprint from plain"
    )


def build(connection: duckdb.DuckDBPyConnection, *, everything: bool) -> None:
    spec = load_spec()
    table = {name: None if everything else name for name in ("blocks", "scores", "verdicts")}

    def write(name: str, rows: duckdb.DuckDBPyRelation) -> None:
        connection.execute(
            f"{'create or replace table ' + name + ' as' if everything else 'insert into ' + name} from rows"
        )

    write("blocks", update_blocks(connection, spec, nodes="nodes", blocks=table["blocks"]))
    large = blocks_over_limit(connection, spec, nodes="nodes", blocks="blocks", max_records=6)
    large.create("over_limit_now")
    connection.execute("create or replace table over_limit as from over_limit_now; drop table over_limit_now")
    write(
        "scores",
        update_scores(
            connection, spec, load_trained(spec), nodes="nodes", components="components", component_facts="facts",
            blocks="blocks", over_limit="over_limit", scores=table["scores"], min_weight=-2.0,
        ),
    )  # fmt: skip
    connection.execute("create or replace table pairs as select * from scores where row_kind = 'pair'")
    # One neighbourhood: the resolver's own tests look at many.
    connection.execute(
        "create or replace table contested as select record_key, 'all' as neighbourhood, first_name_key as first_name,"
        " first_name_form as first_name_forms, last_name_key as last_name, email_canonical as verified_email,"
        " email_domain as verified_domain, created_at from nodes"
    )
    write(
        "verdicts",
        update_verdicts(
            connection, resolve_settings(SETTINGS), records="contested", memberships="memberships", pairs="pairs",
            decisions="decisions", verdicts=table["verdicts"],
        ),
    )  # fmt: skip


def content(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    return {
        name: sorted(map(repr, connection.execute(f"select * from {name}").fetchall()))
        for name in ("blocks", "over_limit", "scores", "verdicts")
    }


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "create table components (node varchar, component varchar);"
        "create table facts (component varchar, members_fingerprint varchar);"
        "create table memberships (record_key varchar, identifier_type varchar, identifier_value varchar,"
        " rank integer, names_must_agree boolean);"
        "create table decisions (record_key_l varchar, record_key_r varchar, decision varchar, decision_id varchar)"
    )
    return connection


def test_many_days_give_what_one_build_gives(connection: duckdb.DuckDBPyConnection) -> None:
    dice = random.Random(4)
    records = {f"r{number:02}": 0 for number in range(30)}
    put_nodes(connection, records)
    build(connection, everything=True)
    flips = set()
    for day in range(4):
        for key in dice.sample(sorted(records), 3):
            records[key] += 1
        records.pop(dice.choice(sorted(records)))
        records |= {f"d{day}{number}": 0 for number in range(3)}
        # A link that came in the night: the two are one component, and need no score.
        one, other = dice.sample(sorted(records), 2)
        connection.execute("delete from components; delete from facts")
        connection.executemany("insert into components values (?, ?)", [[one, one], [other, one]])
        connection.execute("insert into facts values (?, ?)", [one, f"{one}+{other}"])
        put_nodes(connection, records)
        build(connection, everything=False)
        grown = content(connection)
        flips.add(tuple(grown["over_limit"]))
        build(connection, everything=True)
        assert grown == content(connection), day
        assert grown["scores"]
    assert len(flips) > 1, "blocks went over their limit, or back below it"


def test_a_changed_setting_resolves_again(connection: duckdb.DuckDBPyConnection) -> None:
    put_nodes(connection, {f"r{number:02}": 0 for number in range(20)})
    build(connection, everything=True)
    before = content(connection)["verdicts"]
    names = {"records": "contested", "memberships": "memberships", "pairs": "pairs", "decisions": "decisions"}
    settings = resolve_settings(SETTINGS | {"accept_match_weight": 99})
    found = update_verdicts(connection, settings, verdicts="verdicts", **names).fetchall()
    assert before
    assert found, "every verdict is written anew"
    assert connection.execute("select count(*) from verdicts").fetchone() == (0,)
    assert not any("'linked'" in repr(row) for row in found)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(IdentityError, match=r"identity_settings\.csv.*'guard_min_identities'"):
        resolve_settings({name: value for name, value in SETTINGS.items() if name != "guard_min_identities"})
    assert setting({"review_match_weight": "4.5000"}, "review_match_weight") == 4.5
    assert isinstance(resolve_settings(SETTINGS), ResolveSettings)


def test_the_session_of_another_engine_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection_of(connection) is connection
    with pytest.raises(IdentityError, match="DuckDB"):
        connection_of(object())
