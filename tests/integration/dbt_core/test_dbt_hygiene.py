"""Values as the hygiene models understand them, and when they are read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.schemas import RAW_TABLES
from tests.integration.dbt_core.conftest import company, contact, crm, write_raw

MODELS = ("+int_clean_emails", "+int_clean_phones", "+int_clean_names", "+int_clean_companies", "+int_clean_countries")
AGAIN = ("int_parsed_emails+1", "int_clean_emails", "int_clean_phones", "int_placeholders", "int_clean_names")


def query(warehouse: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def execute(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, dbt_build: Callable[..., Any]) -> Path:
    staff = [contact(f"s{n}", email=f"person{n}@padariasaojoao.com.br", country="Brasil") for n in range(6)]
    others = [contact(f"o{n}", email=f"person{n}@padariasaopedro.com.br") for n in range(6)]
    rows = {
        "raw_hubspot.contacts": [
            *staff,
            *others,
            contact("slip", email="ana@padariasaojao.com.br", phone="(11) 98765-4321", country="brazil"),
            contact("near", email="bia@padariasaopedra.com.br"),
            contact("gmial", email="Ana.Silva+x@gmial.com", phone="+33 6 12 34 56 78", country="BR"),
            contact("con", email="ana@gmail.con", phone="06 12 34 56 78", country="BR"),
            contact("listed", email="ana@gmail.com.br", phone="n/a", country="Atlantis"),
            contact("comma", email="ana@hotmail,com", firstname="DRA. ANA", lastname="DA SILVA"),
            contact("nodot", email="ana@gmailcom", firstname="n/a", lastname="João2"),
            contact("nowhere", email="ana@nowhere", firstname="-", lastname="Dr."),
            contact("role", email="info+fair@acme.com", company="Acme S.A."),
            contact("thrown", email="x@mail.yopmail.com", company="n/a"),
            contact("test", email="test", company="ACME"),
            contact("free", email="bob@ymail.com", company="Acme s/a"),
        ],
        # Somebody holds padariasaopedra as a company of its own: no slip of padariasaopedro.
        "raw_hubspot.companies": [company("c1", name="Padaria São Pedra", domain="padariasaopedra.com.br")],
        "raw_hubspot.form_submissions": [],
    }
    path = write_raw(tmp_path_factory.mktemp("hygiene") / "w.duckdb", rows)
    dbt_build(path, *MODELS)
    return path


EMAILS = {
    "ana@padariasaojao.com.br": ("valid", "domain_slip", "ana@padariasaojoao.com.br"),
    "bia@padariasaopedra.com.br": ("valid", None, None),
    "person1@padariasaojoao.com.br": ("valid", None, None),
    "Ana.Silva+x@gmial.com": ("valid", "domain_slip", "ana.silva+x@gmail.com"),
    "ana@gmail.con": ("valid", "domain_slip", "ana@gmail.com"),
    "ana@gmail.com.br": ("valid", "domain_slip", "ana@gmail.com"),
    "ana@hotmail,com": ("invalid", "domain_malformed", "ana@hotmail.com"),
    "ana@gmailcom": ("invalid", "domain_without_dot", "ana@gmail.com"),
    "ana@nowhere": ("invalid", "domain_without_dot", None),
    "info+fair@acme.com": ("role", "role_mailbox", None),
    "x@mail.yopmail.com": ("disposable", "disposable_domain", None),
    "test": ("placeholder", "placeholder", None),
    "bob@ymail.com": ("valid", None, None),
}


def test_addresses_are_judged_and_slips_suggested(warehouse: Path) -> None:
    rows = query(
        warehouse, "select email_raw, email_status, email_reason, suggested_email from intermediate.int_clean_emails"
    )
    found = {raw: rest for raw, *rest in rows}
    assert {raw: tuple(found[raw]) for raw in EMAILS} == EMAILS
    canonical = query(
        warehouse,
        "select email, suggested_email_canonical from intermediate.int_clean_emails"
        " where email_raw = 'Ana.Silva+x@gmial.com'",
    )
    assert canonical == [("ana.silva+x@gmial.com", "anasilva@gmail.com")]  # never rewritten


def test_numbers_names_companies_countries(warehouse: Path) -> None:
    phones = query(
        warehouse,
        "select phone_raw, country_code, phone_e164, phone_status, phone_reason, phone_type"
        " from intermediate.int_clean_phones order by phone_raw",
    )
    assert phones == [
        ("(11) 98765-4321", "BR", "+5511987654321", "valid", None, "mobile"),
        ("+33 6 12 34 56 78", "BR", "+33612345678", "valid", None, "mobile"),
        ("06 12 34 56 78", "BR", None, "invalid", "not_of_country", None),
        ("n/a", "", None, "placeholder", "placeholder", None),
    ]
    names = query(warehouse, "select * exclude (name_key) from intermediate.int_clean_names order by name_raw")
    assert names == [
        ("-", None, "placeholder", "placeholder"),
        ("DA SILVA", "da Silva", "valid", None),
        ("DRA. ANA", "Ana", "valid", None),
        ("Dr.", None, "invalid", "only_a_title"),
        ("João2", "João2", "suspect", "digits_in_name"),
        ("n/a", None, "placeholder", "placeholder"),
    ]
    companies = query(
        warehouse,
        "select name_raw, company_key, company_status from intermediate.int_clean_companies"
        " where name_raw not like 'Padaria%' order by name_raw",
    )
    assert companies == [
        ("ACME", "acme", "valid"),
        ("Acme S.A.", "acme", "valid"),
        ("Acme s/a", "acme", "valid"),
        ("n/a", None, "placeholder"),
    ]
    countries = query(
        warehouse, "select country_raw, country_code, country_status from intermediate.int_clean_countries order by 1"
    )
    assert countries == [
        ("Atlantis", None, "unknown"),
        ("BR", "BR", "valid"),
        ("Brasil", "BR", "valid"),
        ("brazil", "BR", "valid"),
    ]


def test_readings_are_taken_over_until_the_code_changes(
    warehouse: Path, tmp_path: Path, dbt_build: Callable[..., Any]
) -> None:
    copy = tmp_path / "w.duckdb"
    copy.write_bytes(warehouse.read_bytes())
    before = query(copy, "select * from intermediate.int_clean_emails order by email_raw")
    phones = query(copy, "select * from intermediate.int_clean_phones order by all")
    table = RAW_TABLES["raw_hubspot.contacts"]
    new = crm("contacts", "new", email="new@acme.com", phone="(11) 3071-2345", country="BR")
    names = [name for name in table.columns.names if new.get(name) is not None]
    with duckdb.connect(str(copy)) as connection:
        connection.execute(
            f"insert into raw_hubspot.contacts ({', '.join(names)}) values ({', '.join('?' for _ in names)})",
            [new[name] for name in names],
        )
    execute(
        copy,
        # A reading of this version is believed, one of another version is not.
        "update intermediate.int_parsed_emails set email_canonical = 'kept' where email_raw = 'bob@ymail.com'",
        "update intermediate.int_parsed_emails set email_canonical = 'stale', parsed_by = 'older'"
        " where email_raw = 'ana@gmail.con'",
        "update intermediate.int_clean_phones set phone_e164 = 'stale', parsed_by = 'older'",
        # A changed list counts at once, whatever was taken over.
        "insert into config.role_mailboxes values ('bob')",
    )
    dbt_build(copy, *AGAIN)
    after = {row[0]: row for row in query(copy, "select * from intermediate.int_clean_emails")}
    columns = [name for (name,) in query(copy, "select column_name from (describe intermediate.int_clean_emails)")]
    bob = dict(zip(columns, after.pop("bob@ymail.com"), strict=True))
    assert (bob["email_canonical"], bob["email_status"]) == ("kept", "role")
    assert after.pop("new@acme.com")
    assert sorted(after.values()) == [row for row in before if row[0] != "bob@ymail.com"]
    again = query(copy, "select * from intermediate.int_clean_phones where phone_raw != '(11) 3071-2345' order by all")
    assert again == phones
