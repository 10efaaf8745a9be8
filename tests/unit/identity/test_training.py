"""Weights are learned from records, the same each time, and stored so that people can read them."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from matching_material import all_pairs, spec_of, tables

from identity import Trained, TrainingError, load_spec, load_trained, save_trained, score, spec_version, train
from identity.training import compare

RULES = """
name: people
columns:
  first: {sql: first, term_frequency: true}
  last: {sql: last, term_frequency: true}
  born:
  city:
comparisons:
  - name: first_name
    column: first
    levels:
      - {name: same, kind: exact, column: first, term_frequency: first, says: "same first name {first}"}
      - {name: typing_error, kind: damerau_levenshtein, column: first, at_most: 1, says: "one letter apart ({first})"}
    otherwise: {says: "first names differ ({first})"}
  - name: last_name
    column: last
    levels:
      - {name: same, kind: exact, column: last, term_frequency: last, says: "same last name {last}"}
    otherwise: {says: "last names differ ({last})"}
  - name: birthday
    column: born
    levels:
      - {name: same, kind: exact, column: born, says: "born {born}"}
    otherwise: {says: "other birthdays"}
  - name: place
    column: city
    levels:
      - {name: same, kind: exact, column: city, says: "same city", m: 0.6, u: 0.2}
    otherwise: {says: "other cities", m: 0.4, u: 0.8}
blocking:
  - {name: last, same: [last]}
training:
  max_pairs: 200000
  certain: [[first, last, born]]
  certain_recall: 0.6
  em: [[last, born], [first, born], [first, last]]
  term_frequency_floor: 0.01
  max_term_values: 5
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        yield found


def people(connection: duckdb.DuckDBPyConnection, count: int = 600) -> None:
    """``count`` people, every third of them twice; the second time one first name in five has a typing error."""
    dice = random.Random(3)
    rows = []
    for number in range(count):
        first = dice.choice(["anton", "berta", "carlos", "dieter", "emilia", "fabian", "gudrun", "helene"])
        last = f"name{int(dice.random() ** 2 * 120)}"
        born, city = f"19{dice.randint(50, 99)}-0{dice.randint(1, 9)}", dice.choice(["porto", "paris", "berlin"])
        rows.append((f"{number}-a", first, last, born, city))
        if number % 3 == 0:
            typed = first[:-2] + first[-1] + first[-2] if number % 15 == 0 else first
            rows.append((f"{number}-b", typed, last, born, city if number % 2 else None))
    connection.execute(
        "create table nodes (record_key varchar, first varchar, last varchar, born varchar, city varchar)"
    )
    connection.executemany("insert into nodes values (?, ?, ?, ?, ?)", rows)


def test_learned_weights_tell_people_apart(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people(connection)
    spec = spec_of(tmp_path, RULES)
    before = tables(connection)
    trained = train(connection, spec, "nodes")
    assert tables(connection) == before
    shares = trained.levels["first_name"]
    assert shares["same"].m == pytest.approx(0.8, abs=0.08)
    assert shares["typing_error"].m == pytest.approx(0.2, abs=0.08)
    assert shares["same"].u == pytest.approx(1 / 8, abs=0.03)
    assert shares["typing_error"].weight > 3
    assert shares["otherwise"].weight < -3
    assert trained.levels["place"]["same"].m == 0.6, "what the rules fix is not learned"
    assert trained.prior == pytest.approx(200 / (800 * 799 / 2), rel=0.6)
    all_pairs(connection)
    score(connection, spec, trained, "nodes", "candidates", "scored", min_weight=0)
    right, wrong = connection.execute(
        "select count(*) filter (split_part(record_key_l, '-', 1) = split_part(record_key_r, '-', 1)), "
        "count(*) filter (split_part(record_key_l, '-', 1) <> split_part(record_key_r, '-', 1)) from scored"
    ).fetchall()[0]
    assert right >= 190
    assert wrong <= 10


def test_the_same_records_give_the_same_numbers(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people(connection)
    spec = spec_of(tmp_path, RULES)
    first = train(connection, spec, "nodes")
    connection.execute("create table mixed as select * from nodes order by hash(record_key || 'x')")
    assert train(connection, spec, "mixed") == first


def test_frequencies_are_frozen_and_few(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people(connection)
    trained = train(connection, spec_of(tmp_path, RULES), "nodes")
    last = trained.frequencies["last"]
    assert len(last.values) == 5
    assert min(last.values.values()) >= last.floor >= 0.01


def test_saved_and_read_again(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people(connection)
    spec = spec_of(tmp_path, RULES)
    trained = train(connection, spec, "nodes")
    model, frequencies = save_trained(trained, tmp_path / "people.json", tmp_path / "frequencies.csv")
    again = load_trained(spec, model, frequencies)
    assert again == trained
    assert spec_version(spec, again) == spec_version(spec, trained)
    assert save_trained(again, tmp_path / "b.json", tmp_path / "b.csv")[0].read_bytes() == model.read_bytes()
    with frequencies.open(encoding="utf-8") as handle:
        assert next(csv.reader(handle)) == ["column_name", "value", "frequency"]
    assert json.loads(model.read_text())["comparisons"]["first_name"]["same"].keys() == {"m", "u", "weight"}


def test_known_doubles_do_not_pass_for_strangers(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people(connection)
    connection.execute(
        "create table labels as select l.record_key as record_key_l, r.record_key as record_key_r from nodes as l "
        "inner join nodes as r on split_part(l.record_key, '-', 1) = split_part(r.record_key, '-', 1) "
        "and l.record_key < r.record_key and split_part(l.record_key, '-', 1)::integer % 2 = 0"
    )
    spec = spec_of(tmp_path, RULES.replace("training:\n", "training:\n  labelled: [birthday]\n"))
    trained = train(connection, spec, "nodes", labels="labels")
    assert trained.trained_on["records"] == 700
    assert trained.levels["birthday"]["same"].m > 0.99
    with_doubles = train(connection, spec, "nodes")
    assert with_doubles.trained_on["records"] == 800


def test_too_few_records(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute(
        "create table nodes (record_key varchar, first varchar, last varchar, born varchar, city varchar)"
    )
    with pytest.raises(TrainingError, match="nodes: 0 records; training needs at least two"):
        train(connection, spec_of(tmp_path, RULES), "nodes")


def test_a_comparison_no_pass_leaves_free(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people(connection, 100)
    spec = spec_of(tmp_path, RULES.replace("[[last, born], [first, born], [first, last]]", "[[last, born]]"))
    with pytest.raises(TrainingError, match=r"`last_name`, level `same`: its `m` cannot be learned.*training.em"):
        train(connection, spec, "nodes")


def test_a_prior_is_needed_from_somewhere(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people(connection, 50)
    spec = spec_of(tmp_path, RULES.replace("  certain: [[first, last, born]]\n", ""))
    with pytest.raises(TrainingError, match=r"give `prior`, or `training\.certain` rules"):
        train(connection, spec, "nodes")


@pytest.mark.parametrize(
    ("model", "frequencies", "told"),
    [
        (None, "column_name,value,frequency\n", "people.json: no such file"),
        ("{}", "column_name,value,frequency\n", "people.json: not a trained model"),
        ("[1", "column_name,value,frequency\n", "people.json: not a trained model"),
        ("good", None, "frequencies.csv: no such file"),
        ("good", "column_name,value,frequency\nlast,silva,2\n", "row 2, field frequency: 2.0 is not above 0"),
        (
            "good",
            "column_name,value,frequency\nlast,silva,often\n",
            "row 2: expected column_name, value and a frequency",
        ),
        ("less", "column_name,value,frequency\n", "comparison `birthday`, level `same`: no trained shares"),
    ],
)
def test_a_damaged_model_is_named(tmp_path: Path, model: str | None, frequencies: str | None, told: str) -> None:
    spec = spec_of(tmp_path, RULES)
    shares = {"same": {"m": 0.9, "u": 0.1}, "typing_error": {"m": 0.05, "u": 0.1}, "otherwise": {"m": 0.05, "u": 0.8}}
    good = {
        "name": "people", "prior": 0.01, "term_frequency_floors": {"first": 0.1, "last": 0.1},
        "comparisons": {"first_name": shares, "last_name": shares, "birthday": shares, "place": shares},
    }  # fmt: skip
    if model in ("good", "less"):
        if model == "less":
            del good["comparisons"]["birthday"]  # type: ignore[attr-defined]
        model = json.dumps(good)
    if model is not None:
        (tmp_path / "people.json").write_text(model)
    if frequencies is not None:
        (tmp_path / "frequencies.csv").write_text(frequencies)
    with pytest.raises(TrainingError, match=told):
        load_trained(spec, tmp_path / "people.json", tmp_path / "frequencies.csv")


def test_the_committed_model_fits_the_shipped_rules() -> None:
    spec = load_spec()
    trained = load_trained(spec)
    assert trained.levels["last_name"]["same"].weight > 8
    assert trained.levels["first_name"]["otherwise"].weight < -3
    assert 100 < len(trained.frequencies["first_name"].values) <= spec.training.max_term_values


def test_before_and_after(tmp_path: Path) -> None:
    trained = load_trained(load_spec())
    rows = compare(None, trained)
    assert {before for _, _, before, _ in rows} == {None}
    assert all(before == after for _, _, before, after in compare(trained, trained))
    assert isinstance(trained, Trained)
