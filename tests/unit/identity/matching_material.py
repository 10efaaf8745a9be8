"""Small material for the tests of the matcher."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import duckdb

from identity import Spec, Trained, load_spec
from identity.trained import Frequencies, Shares

#: The columns of a contact node, all text but the flags.
CONTACT_COLUMNS = (
    "record_key", "first_name_key", "first_name_form", "last_name_key", "email_canonical", "email_local",
    "email_domain", "suggested_email_canonical", "phone_e164", "company_key", "country", "city_key", "title_key",
)  # fmt: skip


def write_spec(folder: Path, text: str, name: str = "rules.yml") -> Path:
    """A rule file with this content."""
    file = folder / name
    file.write_text(dedent(text), encoding="utf-8")
    return file


def spec_of(folder: Path, text: str) -> Spec:
    """A rule file's content, checked."""
    return load_spec(write_spec(folder, text))


def trained_by_hand(spec: Spec, frequencies: dict[str, Frequencies] | None = None) -> Trained:
    """Weights that fall from the best level to the last, so that a test need not learn any."""
    levels = {}
    for comparison in spec.comparisons:
        names = [level.name for level in comparison.all_levels]
        levels[comparison.name] = {
            name: Shares(0.5 / (place + 1), 0.5 if name == names[-1] else 0.001 * (place + 1))
            for place, name in enumerate(names)
        }
    found = {column: Frequencies(0.001) for column in spec.frequency_columns} | (frequencies or {})
    return Trained(name=spec.name, prior=spec.prior or 0.001, levels=levels, frequencies=found)


def contacts(connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], table: str = "nodes") -> None:
    """A table of contact nodes; what a row does not name is null, and what follows from the address is filled in."""
    columns = ", ".join(f"{name} varchar" for name in CONTACT_COLUMNS)
    connection.execute(f"create table {table} ({columns}, is_free_mail boolean, is_role boolean)")
    for row in rows:
        full: dict[str, Any] = dict.fromkeys(CONTACT_COLUMNS) | {"is_free_mail": False, "is_role": False} | row
        if email := full["email_canonical"]:
            full["email_local"], full["email_domain"] = email.split("@")
            full["suggested_email_canonical"] = row.get("suggested_email_canonical")
            full["is_free_mail"] = row.get("is_free_mail", full["email_domain"] in ("gmail.com", "hotmail.com"))
        marks = ", ".join("?" for _ in full)
        connection.execute(f"insert into {table} ({', '.join(full)}) values ({marks})", list(full.values()))


def all_pairs(connection: duckdb.DuckDBPyConnection, nodes: str = "nodes", table: str = "candidates") -> None:
    """Every pair of records as a candidate."""
    connection.execute(
        f"create table {table} as select l.record_key as record_key_l, r.record_key as record_key_r "
        f"from {nodes} as l inner join {nodes} as r on l.record_key < r.record_key"
    )


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Everything the database holds, temporary or not."""
    return {
        ".".join(row)
        for row in connection.execute(
            "select table_catalog, table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
