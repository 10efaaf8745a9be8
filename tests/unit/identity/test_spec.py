"""A rule file says what it means, and a wrong one says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from matching_material import spec_of, write_spec

from identity import SpecError, load_spec
from identity.spec import CONTACTS, placeholders, sided_columns

PLAIN = """
name: plain
prior: 0.001
columns:
  first:
  last: {sql: "lower(surname)", term_frequency: true}
comparisons:
  - name: last_name
    column: last
    levels:
      - {name: same, kind: exact, column: last, term_frequency: last, says: "same {last}"}
      - {name: alike, kind: jaro_winkler, column: last, at_least: 0.9, says: "alike"}
    otherwise: {says: "differ"}
blocking:
  - {name: last, same: [last]}
"""


def test_the_shipped_rules_are_whole() -> None:
    spec = load_spec()
    assert spec.name == "contacts"
    assert spec.prior is not None
    assert {comparison.name for comparison in spec.comparisons} >= {"first_name", "last_name", "email", "employer"}
    assert ("bob", "robert") in spec.lookups["nicknames"].pairs


def test_rules_of_the_public_data_sets_state_their_threshold() -> None:
    for name in ("fake_1000", "febrl"):
        spec = load_spec(Path("benchmarks") / "identity_rules" / f"{name}.yml")
        assert spec.thresholds is not None


def test_a_column_may_be_short_or_an_expression(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, PLAIN)
    assert spec.columns["first"].sql is None
    assert spec.frequency_columns == ["last"]
    assert spec.prepared_sql("people") == "select record_key, first, (lower(surname)) as last from people as records"


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("kind: exact,", "kind: same,", "comparisons[0].levels[0].kind: Input should be 'exact'"),
        ("at_least: 0.9, ", "", "`jaro_winkler` needs `at_least`"),
        ("at_least: 0.9", "at_most: 0.9", "`jaro_winkler` needs `at_least`"),
        ("kind: exact, column: last", "kind: exact, columns: [last, first]", "takes `column`"),
        ("kind: exact, column: last", "kind: exact, column: lost", "there is no column `lost`; declared: first, last"),
        ("same {last}", "same {lost}", "level `same`, `says`: there is no column `lost`"),
        ("name: alike", "name: same", "given twice: same"),
        ("    column: last\n", "", "needs either `column` or `missing`"),
        ("term_frequency: true", "term_frequency: false", "set `term_frequency: true` on column `last`"),
        ("prior: 0.001", "prior: 2", "prior: Input should be less than 1"),
        ("name: plain", "name: Plain Rules", "names are lower-case letters"),
        ("same: [last]", "on: [last]", "blocking[0].same: Field required"),
        ("columns:\n  first:", "columns:\n  record_key:", "names the record and cannot be compared"),
        ("  first:", "  first: {lookup: short_forms, of: first}", "there is no lookup `short_forms`"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    assert was in PLAIN
    file = write_spec(tmp_path, PLAIN.replace(was, becomes, 1))
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    assert str(file) in str(caught.value)
    assert told in str(caught.value)


def test_files_that_are_no_rules(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        load_spec(tmp_path / "absent.yml")
    with pytest.raises(SpecError, match="not valid YAML"):
        load_spec(write_spec(tmp_path, "a: [1"))
    with pytest.raises(SpecError, match="expected keys such as"):
        load_spec(write_spec(tmp_path, "- 1"))


def test_a_lookup_file_is_named_when_it_is_missing(tmp_path: Path) -> None:
    text = PLAIN + "lookups:\n  forms: {file: seeds/absent.csv, value: nickname, means: name}\n"
    with pytest.raises(SpecError, match=r"lookups.forms.file: .*absent.csv: no such file"):
        spec_of(tmp_path, text)
    wrong = PLAIN + "lookups:\n  forms: {file: seeds/nicknames.csv, value: nick, means: name}\n"
    with pytest.raises(SpecError, match="row 2: `nick` and `name` must both hold a name"):
        spec_of(tmp_path, wrong)


def test_columns_inside_sql_and_words() -> None:
    assert list(sided_columns("first_l = last_r and city_l <> 'x_l'")) == ["first", "last", "city"]
    assert list(placeholders("{first:name} of {city_l}")) == [("first", "", "name"), ("city", "l", "")]


def test_adding_a_column_is_one_block(tmp_path: Path) -> None:
    text = CONTACTS.read_text(encoding="utf-8")
    block = """
  - name: born
    column: birth_date
    levels:
      - {name: same, kind: exact, column: birth_date, says: "born on {birth_date}", m: 0.9, u: 0.0003}
    otherwise: {says: "born on other days ({birth_date})", m: 0.1, u: 0.9997}
"""
    text = text.replace("  title: {sql", "  birth_date:\n  title: {sql").replace("\nblocking:", f"{block}\nblocking:")
    spec = load_spec(write_spec(tmp_path, text))
    assert spec.comparisons[-1].name == "born"
