"""Each level fires, the numbers add up to the sentence, and a pair's numbers depend on nothing but the pair."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matching_material import all_pairs, contacts, spec_of, tables, trained_by_hand

from identity import SpecError, TrainingError, block_keys_sql, load_spec, load_trained, score, spec_version
from identity.trained import Frequencies, Trained

SPEC = load_spec()
TRAINED = load_trained(SPEC)

KINDS = """
name: kinds
prior: 0.001
columns:
  word:
  other:
  number:
  day: "day::date"
  many: "string_split(many, ',')"
  north: "north::double"
  east: "east::double"
comparisons:
  - name: found
    missing: "word_l is null and number_l is null and day_l is null and many_l is null and north_l is null"
    levels:
      - {name: exact, kind: exact, column: word, says: "exact {word}"}
      - {name: swapped, kind: swapped, columns: [word, other], says: "swapped {word}"}
      - {name: initial, kind: initial, column: word, says: "initial {word}"}
      - {name: damerau, kind: damerau_levenshtein, column: word, at_most: 1, says: "damerau {word}"}
      - {name: levenshtein, kind: levenshtein, column: word, at_most: 2, says: "levenshtein {word}"}
      - {name: winkler, kind: jaro_winkler, column: word, at_least: 0.9, says: "winkler {word}"}
      - {name: jaro, kind: jaro, column: word, at_least: 0.8, says: "jaro {word}"}
      - {name: jaccard, kind: jaccard, column: word, at_least: 0.9, says: "jaccard {word}"}
      - {name: days, kind: days_apart, column: day, at_most: 3, says: "days {day}"}
      - {name: overlap, kind: array_intersect, column: many, at_least: 1, says: "overlap"}
      - {name: near, kind: kilometres, columns: [north, east], at_most: 10, says: "near"}
      - name: both
        kind: all
        of:
          - {kind: sql, sql: "number_l = number_r"}
          - {kind: sql, sql: "other_l = other_r"}
        says: "both {number}"
      - name: either
        kind: any
        of:
          - {kind: sql, sql: "number_l = number_r"}
          - {kind: sql, sql: "other_l = other_r"}
        says: "either {number_l} {number_r}"
    otherwise: {says: "nothing"}
blocking:
  - {name: word, same: [word]}
  - {name: ends, same: ["left(word, 1)", other], where: "number is not null"}
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        yield found


def scored(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], trained: Trained = TRAINED, **options: Any
) -> list[tuple[Any, ...]]:
    contacts(connection, rows)
    all_pairs(connection)
    score(connection, SPEC, trained, "nodes", "candidates", "scored", min_weight=options.get("min_weight", -200))
    return connection.execute("from scored order by record_key_l, record_key_r").fetchall()


def levels(row: tuple[Any, ...]) -> dict[str, str]:
    return {name: part["level"] for name, part in json.loads(row[4]).items() if name != "prior"}


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        ({"word": "karl"}, {"word": "karl"}, "exact"),
        ({"word": "karl", "other": "peter"}, {"word": "peter", "other": "karl"}, "swapped"),
        ({"word": "k"}, {"word": "karl"}, "initial"),
        ({"word": "karl"}, {"word": "kalr"}, "damerau"),
        ({"word": "carlos"}, {"word": "karlo"}, "levenshtein"),
        ({"word": "fitzgerald"}, {"word": "fitzge"}, "winkler"),
        ({"word": "abcdefgh"}, {"word": "hbcdefgax"}, "jaro"),
        ({"word": "abcdefghij"}, {"word": "jihgfedcba"}, "jaccard"),
        ({"day": "2026-01-01"}, {"day": "2026-01-04"}, "days"),
        ({"many": "a,b"}, {"many": "b,c"}, "overlap"),
        ({"north": "48.85", "east": "2.35"}, {"north": "48.86", "east": "2.36"}, "near"),
        ({"number": "7", "other": "x"}, {"number": "7", "other": "x"}, "both"),
        ({"number": "7", "other": "x"}, {"number": "8", "other": "x"}, "either"),
        ({"word": "karl"}, {"word": "quentin"}, "otherwise"),
        ({"north": "48.85", "east": "2.35"}, {"north": "41.15", "east": "-8.61"}, "otherwise"),
    ],
)
def test_every_kind_of_level_fires(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, left: dict[str, str], right: dict[str, str], level: str
) -> None:
    spec = spec_of(tmp_path, KINDS)
    connection.execute(
        "create table nodes (record_key varchar, word varchar, other varchar, number varchar, day varchar, "
        "many varchar, north varchar, east varchar)"
    )
    for key, row in (("a", left), ("b", right)):
        columns = {"record_key": key} | row
        marks = ", ".join("?" for _ in columns)
        connection.execute(f"insert into nodes ({', '.join(columns)}) values ({marks})", list(columns.values()))
    all_pairs(connection)
    assert score(connection, spec, trained_by_hand(spec), "nodes", "candidates", "scored", min_weight=-100) == 1
    weights = json.loads(connection.execute("select weights from scored").fetchall()[0][0])
    assert weights["found"]["level"] == level


PERSON = {
    "record_key": "a", "first_name_key": "robert", "last_name_key": "moreira", "email_canonical": "r.moreira@acme.com",
    "company_key": "acme", "city_key": "porto", "country": "PT", "title_key": "cto",
}  # fmt: skip


@pytest.mark.parametrize(
    ("comparison", "other", "level"),
    [
        ("first_name", {"first_name_key": "robert"}, "same"),
        ("first_name", {"first_name_key": "bob"}, "short_form"),
        ("first_name", {"first_name_key": "r"}, "initial"),
        ("first_name", {"first_name_key": "robret"}, "typing_error"),
        ("first_name", {"first_name_key": "roberta"}, "two_names"),
        ("first_name", {"first_name_key": "robert luis"}, "part"),
        ("first_name", {"first_name_key": "quentin"}, "otherwise"),
        ("last_name", {"last_name_key": "moreria"}, "typing_error"),
        ("last_name", {"last_name_key": "moreira silva"}, "part"),
        ("last_name", {"first_name_key": "moreira", "last_name_key": "robert"}, "exchanged"),
        ("last_name", {"last_name_key": "quandt"}, "otherwise"),
        ("email", {"email_canonical": "r.moreira@acme.com"}, "same"),
        (
            "email",
            {"email_canonical": "r.moreira@amce.com", "suggested_email_canonical": "r.moreira@acme.com"},
            "meant",
        ),
        ("email", {"email_canonical": "r.morera@acme.com"}, "typing_error"),
        ("email", {"email_canonical": "r.moreira@gmail.com"}, "named_mailbox"),
        ("email", {"email_canonical": "robert@acme.com"}, "two_work_addresses"),
        ("email", {"email_canonical": "xyz@gmail.com"}, "otherwise"),
        ("employer", {"company_key": "acme", "email_canonical": "bob@gmail.com"}, "same_company"),
        ("employer", {"company_key": None, "email_canonical": "bob@acme.com"}, "same_domain"),
        ("employer", {"company_key": None, "email_canonical": "bob@acme.pt"}, "domain_is_company"),
        ("employer", {"company_key": "umbrella", "email_canonical": "bob@umbrella.com"}, "otherwise"),
        ("place", {"city_key": "porto"}, "same_city"),
        ("place", {"city_key": "lisboa"}, "other_city"),
        ("place", {"city_key": None}, "same_country"),
        ("place", {"city_key": None, "country": "BR"}, "otherwise"),
        ("title", {"title_key": "cto"}, "same"),
    ],
)
def test_levels_of_contacts(
    connection: duckdb.DuckDBPyConnection, comparison: str, other: dict[str, Any], level: str
) -> None:
    (row,) = scored(connection, [PERSON, PERSON | {"record_key": "b"} | other])
    assert levels(row)[comparison] == level


def test_exchanged_names_count_once(connection: duckdb.DuckDBPyConnection) -> None:
    other = PERSON | {"record_key": "b", "first_name_key": "moreira", "last_name_key": "robert"}
    (row,) = scored(connection, [PERSON, other])
    assert levels(row)["last_name"] == "exchanged"
    assert "first_name" not in levels(row)


def test_a_name_alone_is_never_enough_and_a_rare_name_with_a_company_is(connection: duckdb.DuckDBPyConnection) -> None:
    rare = {"first_name_key": "casemiro", "last_name_key": "quandtmeyer"}
    rows = [
        rare | {"record_key": "a", "company_key": "acme"},
        rare | {"record_key": "b", "company_key": "acme"},
        rare | {"record_key": "c"},
    ]
    weights = {row[0] + row[1]: float(row[2]) for row in scored(connection, rows)}
    assert weights["ac"] < 2 < 6 < weights["ab"]


def test_a_different_address_costs_little(connection: duckdb.DuckDBPyConnection) -> None:
    work, private = PERSON, PERSON | {"record_key": "b", "email_canonical": "xyz77@gmail.com"}
    (row,) = scored(connection, [work, private])
    assert -1 < json.loads(row[4])["email"]["weight"] < 0


def test_the_sentence_adds_up(connection: duckdb.DuckDBPyConnection) -> None:
    bob = PERSON | {"record_key": "b", "first_name_key": "bob", "email_canonical": "xyz77@gmail.com"}
    (row,) = scored(connection, [PERSON, bob])
    parts = json.loads(row[4])
    total = parts.pop("prior") + sum(part["weight"] for part in parts.values())
    assert math.isclose(total, float(row[2]), abs_tol=0.001)
    assert math.isclose(float(row[3]), 1 / (1 + 2 ** -float(row[2])), abs_tol=1e-6)
    words = row[5]
    assert words.startswith("Same last name Moreira (")
    assert "first names Robert / Bob are forms of one name (" in words
    assert "e-mails differ (-0." in words
    assert f"from {parts and TRAINED.prior_weight:+.1f} for any two records: weight {float(row[2]):.1f}, " in words
    assert words.endswith(" %")
    assert row[6] == spec_version(SPEC, TRAINED)


def test_rarity_is_said_and_weighs(connection: duckdb.DuckDBPyConnection) -> None:
    common = max(TRAINED.frequencies["last_name"].values.items(), key=lambda found: found[1])[0]
    rows = [
        {"record_key": "a", "last_name_key": common}, {"record_key": "b", "last_name_key": common},
        {"record_key": "c", "last_name_key": "quandtmeyer"}, {"record_key": "d", "last_name_key": "quandtmeyer"},
    ]  # fmt: skip
    found = {row[0] + row[1]: row for row in scored(connection, rows)}
    assert "(common: +" in found["ab"][5]
    assert found["cd"][2] > found["ab"][2] + 1
    assert json.loads(found["ab"][4])["last_name"]["term_frequency"] < 0


def test_values_are_quoted_not_run(connection: duckdb.DuckDBPyConnection) -> None:
    odd = {"last_name_key": 'o\'hara "{x}" \\ %s', "first_name_key": "zoë"}
    (row,) = scored(connection, [odd | {"record_key": "a"}, odd | {"record_key": "b"}])
    assert "O'hara" in row[5]
    json.loads(row[4])


def test_only_pairs_of_enough_weight_are_kept(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [PERSON, PERSON | {"record_key": "b"}, {"record_key": "c", "last_name_key": "quandt"}]
    assert [row[:2] for row in scored(connection, rows, min_weight=5)] == [("a", "b")]


def sample(count: int, seed: int = 5) -> list[dict[str, Any]]:
    dice = random.Random(seed)
    return [
        {
            "record_key": f"r{number:04d}",
            "first_name_key": dice.choice(["ana", "bob", "robert", "julia", "julio", "jean", None]),
            "last_name_key": dice.choice(["silva", "souza", "moreira", "quandt", "martin", None]),
            "company_key": dice.choice(["acme", "umbrella", "hooli", None]),
            "city_key": dice.choice(["porto", "paris", None]),
            "email_canonical": dice.choice([None, f"x{number}@gmail.com", "ana@acme.com", f"m{number}@hooli.com"]),
        }
        for number in range(count)
    ]


def test_a_part_scores_like_the_whole_and_order_changes_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    rows = sample(60)
    whole = scored(connection, rows, min_weight=-30)
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    contacts(connection, shuffled, "again")
    connection.execute(
        "create table chosen as select * from candidates where record_key_l in ('r0003', 'r0042') "
        "order by hash(record_key_r)"
    )
    score(connection, SPEC, TRAINED, "again", "chosen", "part", min_weight=-30)
    part = connection.execute("from part order by record_key_l, record_key_r").fetchall()
    assert part
    assert part == [row for row in whole if row[0] in ("r0003", "r0042")]


def test_nothing_is_left_behind_also_in_a_transaction_and_on_a_cursor(connection: duckdb.DuckDBPyConnection) -> None:
    contacts(connection, sample(20))
    all_pairs(connection)
    connection.execute("create schema people")
    connection.execute("create temp table identity_of_the_caller as select 1 as kept")
    before = tables(connection)
    cursor = connection.cursor()
    cursor.execute("begin")
    found = score(
        cursor, SPEC, TRAINED, "memory.main.nodes", "memory.main.candidates", "memory.people.pairs", min_weight=-30
    )
    cursor.execute("commit")
    assert tables(connection) - before == {"memory.people.pairs"}
    assert before <= tables(connection)
    types = {name: kind for name, kind, *_ in connection.execute("describe people.pairs").fetchall()}
    assert types == {
        "record_key_l": "VARCHAR",
        "record_key_r": "VARCHAR",
        "match_weight": "DECIMAL(9,4)",
        "match_probability": "DECIMAL(9,8)",
        "weights": "VARCHAR",
        "explanation": "VARCHAR",
        "model_version": "VARCHAR",
    }
    assert connection.execute("select count(*) from people.pairs").fetchall() == [(found,)]


def test_no_candidates_no_pairs(connection: duckdb.DuckDBPyConnection) -> None:
    contacts(connection, sample(3))
    connection.execute("create table candidates (record_key_l varchar, record_key_r varchar)")
    assert score(connection, SPEC, TRAINED, "nodes", "candidates", "scored", min_weight=0) == 0


def test_a_column_that_the_nodes_lack_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table nodes (record_key varchar, first_name_key varchar)")
    connection.execute("create table candidates (record_key_l varchar, record_key_r varchar)")
    before = tables(connection)
    with pytest.raises(SpecError, match=r"`contacts`: the columns cannot be computed from nodes: .*last_name_key"):
        score(connection, SPEC, TRAINED, "nodes", "candidates", "scored", min_weight=0)
    assert tables(connection) == before


def test_a_record_that_stands_twice_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    contacts(connection, [PERSON, PERSON, PERSON | {"record_key": "b"}])
    connection.execute("create table candidates as select 'a' as record_key_l, 'b' as record_key_r")
    with pytest.raises(SpecError, match="record_key stands in more than one row"):
        score(connection, SPEC, TRAINED, "nodes", "candidates", "scored", min_weight=0)


def test_an_untrained_level_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    levels_less = {name: found for name, found in TRAINED.levels.items() if name != "place"}
    lame = Trained("contacts", TRAINED.prior, levels_less, TRAINED.frequencies)
    with pytest.raises(
        TrainingError, match=r"comparison `place`, level `same_city`: no trained shares.*identity train"
    ):
        scored(connection, [PERSON, PERSON | {"record_key": "b"}], lame)


def test_the_version_follows_rules_weights_and_frequencies() -> None:
    versions = {spec_version(SPEC, TRAINED)}
    less = dict(TRAINED.frequencies) | {"city": Frequencies(0.1)}
    versions.add(spec_version(SPEC, Trained("contacts", TRAINED.prior, TRAINED.levels, less)))
    versions.add(spec_version(SPEC, Trained("contacts", 0.5, TRAINED.levels, TRAINED.frequencies)))
    versions.add(spec_version(SPEC.model_copy(update={"blocking": SPEC.blocking[:2]}), TRAINED))
    assert len(versions) == 4
    assert spec_version(load_spec(), load_trained(SPEC)) in versions


def test_block_keys(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, KINDS)
    connection.execute(
        "create table nodes as select * from (values ('a', 'karl', 'x', '1'), ('b', 'karl', null, '2'), "
        "('c', '', 'x', '3'), ('d', null, 'y', '4'), ('e', 'kim', 'x', null)) as t (record_key, word, other, number), "
        "(select null::varchar as day, null::varchar as many, null::varchar as north, null::varchar as east)"
    )
    found = connection.execute(f"{block_keys_sql(spec, 'nodes')} order by all").fetchall()
    assert found == [("a", "ends|k|x"), ("a", "word|karl"), ("b", "word|karl"), ("e", "word|kim")]


def test_a_name_with_several_meanings_has_several_keys(connection: duckdb.DuckDBPyConnection) -> None:
    record = {"record_key": "a", "first_name_key": "bob", "last_name_key": "moreira", "company_key": "acme"}
    contacts(connection, [record])
    keys = {key for _, key in connection.execute(block_keys_sql(SPEC, "nodes")).fetchall()}
    assert {"first_name_company|bob|acme", "first_name_company|robert|acme"} <= keys


NAMES = st.sampled_from(
    ["ana", "anna", "bob", "robert", "roberta", "r", "julia", "silva", "souza", "souza silva", "moreira"]
)
RECORDS = st.fixed_dictionaries(
    {
        "first_name_key": st.none() | NAMES,
        "last_name_key": st.none() | NAMES,
        "company_key": st.none() | st.sampled_from(["acme", "acme motors", "hooli"]),
        "city_key": st.none() | st.sampled_from(["porto", "porto alegre"]),
        "country": st.none() | st.sampled_from(["PT", "BR"]),
        "title_key": st.none() | st.sampled_from(["cto", "ceo", "chief executive officer"]),
        "phone_e164": st.none() | st.sampled_from(["+351910000001", "+351910000002", "+351220000001"]),
        "email_canonical": st.none()
        | st.sampled_from(
            ["ana@acme.com", "ana.silva@acme.com", "ana.silva@gmail.com", "ana.silva1@acme.com", "b77@hooli.com"]
        ),
        "is_role": st.booleans(),
    }
)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.lists(RECORDS, min_size=12, max_size=20))
def test_left_and_right_do_not_matter(records: list[dict[str, Any]]) -> None:
    with duckdb.connect() as connection:
        contacts(connection, [record | {"record_key": f"{place:02d}"} for place, record in enumerate(records)])
        all_pairs(connection)
        connection.execute(
            "create table turned as select record_key_r as record_key_l, record_key_l as record_key_r from candidates"
        )
        score(connection, SPEC, TRAINED, "nodes", "candidates", "one", min_weight=-200)
        score(connection, SPEC, TRAINED, "nodes", "turned", "other", min_weight=-200)
        ((differing, largest),) = connection.execute(
            "select count(*), max(abs(one.match_weight - other.match_weight)) from one inner join other "
            "on one.record_key_l = other.record_key_r and one.record_key_r = other.record_key_l "
            "where one.match_weight <> other.match_weight or one.weights <> other.weights"
        ).fetchall()
    assert (differing, largest) == (0, None), Decimal(largest or 0)
