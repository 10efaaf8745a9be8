"""How well the warehouse's accounts agree with what the sample world planted.

The truth is read here and in tests only; no pipeline code reads it. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

#: One row a contact: the company it works at in truth, and the one its account is. A contact whose records belong to
#: people of several companies (wrongly joined) is judged by the company of most of its records.
_JUDGED = """
create or replace temp table contact_truth as
with votes as (
    select clusters.contact_id, people.company_key, count(*) as records
    from intermediate.int_contact_records as records
    inner join intermediate.int_contact_clusters as clusters using (record_key)
    inner join read_parquet($people) as people using (source, record_id)
    group by all
)
select contact_id, arg_max(company_key, (records, company_key)) as company_key
from votes group by contact_id;

create or replace temp table account_truth as
with votes as (
    select clusters.account_id, companies.company_key, clusters.is_leading
    from intermediate.int_account_records as records
    inner join intermediate.int_account_clusters as clusters using (record_key)
    inner join read_parquet($companies) as companies
        on (records.source = 'hubspot' and records.record_id = companies.record_id)
        or (records.source = 'contact_domain' and records.record_id = companies.domain)
)
select account_id, arg_max(company_key, (is_leading, company_key)) as company_key
from votes group by account_id;

-- Who works at a company that the warehouse has no account of belongs to the nearest company above it that it has.
create or replace temp table expected as
with recursive companies as (
    select company_key, max(parent_key) as parent_key from read_parquet($companies) group by company_key
),
known as (select distinct company_key from account_truth where company_key is not null),
chain as (
    select company_key, company_key as candidate, 0 as steps from companies
    union all
    select chain.company_key, companies.parent_key, chain.steps + 1
    from chain inner join companies on chain.candidate = companies.company_key
    where companies.parent_key is not null and chain.steps < 20
)
select chain.company_key, arg_min(chain.candidate, chain.steps) as expected_key
from chain inner join known on chain.candidate = known.company_key
group by chain.company_key;

create or replace temp table judged as
select
    contact_truth.contact_id,
    contact_truth.company_key,
    matches.account_id,
    matches.match_method,
    expected.expected_key is not null as is_known,
    matches.account_id is not null and coalesce(expected.expected_key = account_truth.company_key, false) as is_correct
from contact_truth
left join expected using (company_key)
left join intermediate.int_contact_accounts as matches using (contact_id)
left join account_truth using (account_id);
"""


@dataclass(frozen=True)
class MethodQuality:
    """Contacts that one method matched (``contacts``) and how many of them rightly."""

    method: str
    contacts: int
    correct: int

    @property
    def precision(self) -> float:
        """Share of the matches that are right (0-1); 1 where nothing was matched."""
        return self.correct / self.contacts if self.contacts else 1.0


@dataclass(frozen=True)
class AccountMatchQuality:
    """Contacts against the company that each person works at in truth.

    ``employed``: contacts whose person works at a company; ``findable``: those whose company, or one above it, the
    warehouse has an account of (the nearest is the right one); ``matched`` and ``correct``: contacts with an account,
    and with the right one. A contact of a person without a company that got an account counts as matched and wrong.
    ``wrong`` holds up to 20 examples (contact, method, company in truth, account's name). Account records: pairs
    joined, pairs that should be, and both, as precision and recall.
    """

    employed: int
    findable: int
    matched: int
    correct: int
    by_method: tuple[MethodQuality, ...]
    record_pair_precision: float
    record_pair_recall: float
    wrong: tuple[tuple[str, str, str, str], ...]

    @property
    def precision(self) -> float:
        """Right matches among the matches (0-1)."""
        return self.correct / self.matched if self.matched else 1.0

    @property
    def recall(self) -> float:
        """Right matches among the contacts whose company has an account (0-1)."""
        return self.correct / self.findable if self.findable else 1.0

    def recall_of(self, method: str) -> float:
        """Share of the findable contacts that one method found rightly (0-1); the shares add up to the recall."""
        found = sum(quality.correct for quality in self.by_method if quality.method == method)
        return found / self.findable if self.findable else 0.0


def account_match_quality(warehouse: Path, truth_dir: Path) -> AccountMatchQuality:
    """Precision and recall of contact to company, over all and by method.

    ``warehouse`` is a built DuckDB file (opened read-only); ``truth_dir`` is the ``truth`` folder of the world that it
    was loaded from. Raises ``duckdb.Error`` where a model has not been built and ``FileNotFoundError`` where the truth
    is missing.
    """
    people, companies = truth_dir / "people.parquet", truth_dir / "companies.parquet"
    for path in (people, companies):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: generate the world with `python -m sandbox.world`")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for statement in _JUDGED.split(";\n"):
            if statement.strip():
                names = {"people": str(people), "companies": str(companies)}
                used = {name: path for name, path in names.items() if f"${name}" in statement}
                connection.execute(statement, used)
        employed, findable, matched, correct = _row(
            connection,
            "select count(*) filter (company_key is not null), count(*) filter (company_key is not null and is_known),"
            " count(account_id), count(*) filter (is_correct) from judged",
        )
        methods = connection.execute(
            "select match_method, count(*), count(*) filter (is_correct) from judged where account_id is not null"
            " group by match_method order by 2 desc, 1"
        ).fetchall()
        wrong = connection.execute(
            "select contact_id, judged.match_method, coalesce(company_key, 'none'), coalesce(account_name, account_id)"
            " from judged left join marts.dim_accounts using (account_id)"
            " where account_id is not null and not is_correct order by 2, 1 limit 20"
        ).fetchall()
        precision, recall = _record_pairs(connection, companies)
    return AccountMatchQuality(
        employed=employed,
        findable=findable,
        matched=matched,
        correct=correct,
        by_method=tuple(MethodQuality(method, contacts, right) for method, contacts, right in methods),
        record_pair_precision=precision,
        record_pair_recall=recall,
        wrong=tuple(wrong),
    )


def _record_pairs(connection: duckdb.DuckDBPyConnection, companies: Path) -> tuple[float, float]:
    """Precision and recall of "these CRM records are one company", over pairs of records; 1 where there are none."""
    joined, true, both = _row(
        connection,
        """
        with records as (
            select clusters.account_id, companies.company_key
            from intermediate.int_account_records as records
            inner join intermediate.int_account_clusters as clusters using (record_key)
            inner join read_parquet($companies) as companies
                on records.source = 'hubspot' and records.record_id = companies.record_id
        )
        select
            (select coalesce(sum(n * (n - 1) / 2), 0) from (select count(*) as n from records group by account_id)),
            (select coalesce(sum(n * (n - 1) / 2), 0) from (select count(*) as n from records group by company_key)),
            (select coalesce(sum(n * (n - 1) / 2), 0)
             from (select count(*) as n from records group by account_id, company_key))
        """,
        {"companies": str(companies)},
    )
    return (both / joined if joined else 1.0), (both / true if true else 1.0)


def _row(connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, str] | None = None) -> list[int]:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return [int(value) for value in row]
