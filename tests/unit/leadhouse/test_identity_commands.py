"""``leadhouse identity`` explains a pair, and says what is missing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from leadhouse.cli import app

COLUMNS = (
    "record_key varchar, source varchar, record_id varchar, first_name_key varchar, first_name_form varchar, "
    "last_name_key varchar, email_canonical varchar, email_local varchar, email_domain varchar, is_free_mail boolean, "
    "is_role boolean, suggested_email_canonical varchar, phone_e164 varchar, company_key varchar, country varchar, "
    "city_key varchar, title_key varchar"
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("warehouse") / "w.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema intermediate")
        connection.execute(f"create table intermediate.int_identity_nodes ({COLUMNS})")
        for key, record, first in (("k1", "101", "bob"), ("k2", "202", "robert")):
            connection.execute(
                "insert into intermediate.int_identity_nodes "
                "(record_key, source, record_id, first_name_key, last_name_key, company_key) values (?, ?, ?, ?, ?, ?)",
                [key, "hubspot", record, first, "moreira", "acme"],
            )
        columns = "kind varchar, record_key varchar, linked_record_key varchar"
        connection.execute(f"create table intermediate.int_identity_evidence ({columns})")
        connection.execute("create schema marts")
        sides = ", ".join(
            f"'{source}' as source_{side}, '{record}' as record_id_{side}, 'Ana Silva' as name_{side}, "
            f"null as email_{side}, null as phone_{side}, 'Acme' as company_{side}, null as job_title_{side}"
            for side, source, record in (("a", "hubspot", "101"), ("b", "crm", "202"))
        )
        connection.execute(
            f"create table marts.mart_identity_review as select number as review_rank, {sides}, 'too light' as reason, "
            "'Same last name' as explanation, 'x,force' as force_line, 'x,forbid' as forbid_line "
            "from range(1, 4) as numbers (number)"
        )
    return file


def test_lists_what_waits_with_the_lines_that_decide(warehouse: Path) -> None:
    asked = ["identity", "review", "--limit", "2", "--warehouse", str(warehouse)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert "1. hubspot:101, Ana Silva, Acme" in result.output
    assert "crm:202, Ana Silva, Acme" in result.output
    assert "two people:  x,forbid" in result.output
    assert "2 of 3 pairs that wait" in result.output
    assert "3. " not in result.output


def test_explains_a_pair_by_name_or_key(warehouse: Path) -> None:
    asked = ["identity", "explain", "hubspot:202", "k1", "--warehouse", str(warehouse)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert "forms of one name" in result.output
    assert "short_form" in result.output
    assert "not known on both sides" in result.output
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("select count(*) from information_schema.tables").fetchall() == [(3,)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["explain", "hubspot:101", "hubspot:9"], "hubspot:9: no such record among those that are compared"),
        (["explain", "hubspot:101", "k1"], "hubspot:101 and k1 are one record"),
    ],
)
def test_wrong_records_are_named(warehouse: Path, arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["identity", *arguments, "--warehouse", str(warehouse)])
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


def test_a_warehouse_that_is_none_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent.duckdb"
    result = CliRunner().invoke(app, ["identity", "train", "--warehouse", str(absent)])
    assert result.exit_code == 2
    assert "no such warehouse. Run" in " ".join(result.output.split())
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    result = CliRunner().invoke(app, ["identity", "train", "--warehouse", str(empty)])
    assert result.exit_code == 2
    told = " ".join(result.output.split())
    assert "intermediate.int_identity_nodes and intermediate.int_identity_evidence not found" in told


def test_training_says_what_it_cannot_learn_and_writes_nothing(warehouse: Path) -> None:
    model = Path("identity/trained/contacts.json")
    before = model.read_bytes()
    result = CliRunner().invoke(app, ["identity", "train", "--warehouse", str(warehouse)])
    assert result.exit_code == 1
    assert "cannot be learned from these records" in " ".join(result.output.split())
    assert model.read_bytes() == before
