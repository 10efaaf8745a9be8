"""dbt-duckdb plugin: the cleaning functions as vectorised SQL functions.

Each takes and gives text, so that another engine can register the same ones. A result of several parts is one text
with the parts separated by ``PART`` (unit separator), empty where a part is missing; the macros in
``macros/dialect/`` split it. The models call them on distinct values. ``lh_hygiene_version`` names what a result was
made by, so that results of another version are not taken over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.func import FunctionNullHandling, PythonUDFType

from hygiene.companies import CompanyRules, clean_company, company_key
from hygiene.domain import domain_parts, registrable_domain
from hygiene.email import clean_email
from hygiene.names import NameRules, clean_name, name_key, words_key
from hygiene.phone import clean_phone

#: Separates the parts of a result; cannot occur in cleaned values.
PART = "\x1f"
_LIBRARIES = ("email-validator", "idna", "phonenumbers", "tldextract")


def email_parts(raw: str | None) -> str:
    """``address, canonical, domain, status, reason, detail, repaired`` of one address, joined by ``PART``."""
    email = clean_email(raw)
    return _join(email.address, email.canonical, email.domain, email.status, email.reason, email.detail, email.repaired)


def phone_parts(raw: str | None, country: str | None) -> str:
    """``e164, status, reason, kind`` of one number, joined by ``PART``."""
    phone = clean_phone(raw, country)
    return _join(phone.e164, phone.status, phone.reason, phone.kind)


def host_parts(raw: str | None) -> str:
    """``domain, label, suffix, known`` of one host, URL or address; ``known`` is ``y`` for a public suffix."""
    parts = domain_parts(raw)
    return _join(parts.domain, parts.label, parts.suffix, "y" if parts.is_known_suffix else None)


def name_parts(raw: str | None, rules: str | None) -> str:
    """``name, key, status, reason, typed`` of one name; ``rules`` are the lines of ``NameRules.from_text``."""
    name = clean_name(raw, NameRules.from_text(rules))
    return _join(name.name, name.key, name.status, name.reason, name.typed)


def company_parts(raw: str | None, rules: str | None) -> str:
    """``name, key, legal_form, status, reason, typed``; ``rules`` are the lines of ``CompanyRules.from_text``."""
    company = clean_company(raw, CompanyRules.from_text(rules))
    return _join(company.name, company.key, company.legal_form, company.status, company.reason, company.typed)


def company_key_by(raw: str | None, rules: str | None) -> str | None:
    """The key of one company name; ``rules`` are the lines of ``CompanyRules.from_text``."""
    return company_key(raw, CompanyRules.from_text(rules))


@cache
def hygiene_version() -> str:
    """A hash over the code of this package and the versions of the libraries it cleans with."""
    digest = hashlib.md5(usedforsecurity=False)
    for library in _LIBRARIES:
        digest.update(f"{library}={version(library)};".encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


#: Name of the SQL function, the Python function of one row, number of arguments.
FUNCTIONS: tuple[tuple[str, Callable[..., str | None], int], ...] = (
    ("lh_email", email_parts, 1),
    ("lh_phone", phone_parts, 2),
    ("lh_domain", registrable_domain, 1),
    ("lh_host", host_parts, 1),
    ("lh_name", name_parts, 2),
    ("lh_name_key", name_key, 1),
    ("lh_company", company_parts, 2),
    ("lh_company_key", company_key_by, 2),
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
    if "lh_hygiene_version" not in known:
        connection.create_function("lh_hygiene_version", hygiene_version, [], "VARCHAR")


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
        # Rules are the same text in every row: it becomes a Python object once, not once a row.
        distinct = others.unique()
        if len(distinct) == 1:
            other = distinct[0].as_py()
            return pa.array([function(value, other) for value in values.to_pylist()], pa.string())
        pairs = zip(values.to_pylist(), others.to_pylist(), strict=True)
        return pa.array([function(value, other) for value, other in pairs], pa.string())

    return two
