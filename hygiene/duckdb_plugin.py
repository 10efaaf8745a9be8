"""dbt-duckdb plugin: the cleaning functions as vectorised SQL functions.

Each takes and gives text, so that another engine can register the same ones. A result of several parts is one text
with the parts separated by ``PART`` (unit separator), empty where a part is missing; the macros in
``macros/dialect/`` split it. The models call them on distinct values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.func import FunctionNullHandling, PythonUDFType

from hygiene.domain import registrable_domain
from hygiene.email import clean_email
from hygiene.names import clean_person_name, company_key, name_key, words_key
from hygiene.phone import clean_phone

#: Separates the parts of a result; cannot occur in cleaned values.
PART = "\x1f"


def email_parts(raw: str | None) -> str:
    """``address, canonical, domain, status, reason`` of one address, joined by ``PART``."""
    email = clean_email(raw)
    return _join(email.address, email.canonical, email.domain, email.status, email.reason)


def phone_parts(raw: str | None, country: str | None) -> str:
    """``e164, status, reason`` of one number, joined by ``PART``."""
    phone = clean_phone(raw, country)
    return _join(phone.e164, phone.status, phone.reason)


#: Name of the SQL function, the Python function of one row, number of arguments.
FUNCTIONS: tuple[tuple[str, Callable[..., str | None], int], ...] = (
    ("lh_email", email_parts, 1),
    ("lh_phone", phone_parts, 2),
    ("lh_domain", registrable_domain, 1),
    ("lh_person_name", clean_person_name, 1),
    ("lh_name_key", name_key, 1),
    ("lh_company_key", company_key, 1),
    ("lh_words_key", words_key, 1),
)


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Register every function on the connection; doing it again changes nothing."""
    known = {
        row[0]
        for row in connection.execute(
            "select function_name from duckdb_functions() where starts_with(function_name, 'lh_')"
        ).fetchall()
    }
    for name, function, arity in FUNCTIONS:
        if name not in known:
            connection.create_function(
                name,
                _vectorised(function, arity),
                ["VARCHAR"] * arity,
                "VARCHAR",
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
            )


class Plugin(BasePlugin):
    """Named in ``profiles.yml``; dbt-duckdb calls ``configure_connection`` once per database."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register the functions. Raises ``duckdb.Error`` if DuckDB refuses one."""
        register(conn)


def _join(*parts: str | None) -> str:
    return PART.join((part or "").replace(PART, " ") for part in parts)


def _vectorised(function: Callable[..., str | None], arity: int) -> Callable[..., Any]:
    # Arrow arrays in, Arrow array out. DuckDB reads the signature: no *args, no annotation that it cannot evaluate.
    if arity == 1:

        def one(values: Any) -> Any:
            return pa.array([function(value) for value in values.to_pylist()], pa.string())

        return one

    def two(values: Any, others: Any) -> Any:
        pairs = zip(values.to_pylist(), others.to_pylist(), strict=True)
        return pa.array([function(value, other) for value, other in pairs], pa.string())

    return two
