"""Lists of accounts and of people: by score, or by how well they meet what was searched for; always a page of them.

Search compares text without accents and case. Every word that is given must be part of an account's name or domain,
or of a person's name or address. Ranked are, in this order: the whole name, domain or address; its beginning; the
beginning of a word in it; any part. Within a rank the better score comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from serve.snapshot import Reading

Row = TypeVar("Row")

#: Rows of a page of a list.
PAGE_ROWS = 50
#: Words of a search that are looked at, and characters of it; more would only cost.
_MOST_WORDS = 8
_MOST_CHARACTERS = 200
#: Deeper than this nobody turns pages, and each one costs a sort of all that lie before it.
_DEEPEST_PAGE = 2_000


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list. ``number`` counts from 1; ``total`` is the number of all rows."""

    rows: Sequence[Row]
    number: int
    total: int
    size: int = PAGE_ROWS

    @property
    def last(self) -> int:
        """Number of the last page that can be turned to."""
        return min(_DEEPEST_PAGE, max(1, -(-self.total // self.size)))

    @property
    def first_row(self) -> int:
        """Place of the first row of the page among all, from 1."""
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last_row(self) -> int:
        """Place of the last row of the page."""
        return self.first_row + len(self.rows) - 1 if self.rows else 0


def offset(number: int, size: int = PAGE_ROWS) -> int:
    """Rows before page ``number``."""
    return (number - 1) * size


def page_number(given: str | None) -> int:
    """A page number as it stands in an address; 1 where it is none."""
    return (
        min(_DEEPEST_PAGE, int(given))
        if given and given.isascii() and given.isdigit() and 0 < len(given) < 7 and int(given)
        else 1
    )


def cleaned(asked: str | None) -> str:
    """What was searched for, without blanks around it and cut to a sensible length."""
    return " ".join((asked or "").split())[:_MOST_CHARACTERS]


_ACCOUNT_COLUMNS = """
    accounts.account_id,
    accounts.account_name,
    accounts.domain,
    accounts.country,
    accounts.contact_count,
    accounts.owner_id,
    scores.score,
    scores.grade,
    scores.engaged_contacts,
    scores.missing_roles,
    scores.gate_passed,
    scores.exclusion_reason,
    (select max(owner_name) from marts.dim_owners as owners where owners.owner_id = accounts.owner_id) as owner_name
"""

_CONTACT_COLUMNS = """
    contacts.contact_id,
    contacts.account_id,
    contacts.full_name,
    contacts.job_title,
    contacts.buying_role,
    contacts.country,
    contacts.is_opted_out,
    case when not contacts.is_opted_out then contacts.email end as email,
    accounts.account_name,
    scores.score,
    scores.grade,
    scores.engagement_score,
    scores.is_engaged,
    scores.last_engaged_at,
    stages.stage
"""


def list_accounts(
    reading: Reading, asked: str, grade: str | None, number: int, size: int = PAGE_ROWS
) -> Page[dict[str, Any]]:
    """Accounts that meet a search, or all, as a page."""
    return _page(
        reading,
        asked,
        grade,
        number,
        size,
        key="account_id",
        scores="fct_account_scores",
        table="dim_accounts",
        texts=("account_name", "domain"),
        columns=_ACCOUNT_COLUMNS,
        joined="""
        inner join marts.dim_accounts as accounts on chosen.key = accounts.account_id
        inner join marts.fct_account_scores as scores on chosen.key = scores.account_id
        """,
    )


def list_contacts(
    reading: Reading, asked: str, grade: str | None, number: int, size: int = PAGE_ROWS
) -> Page[dict[str, Any]]:
    """People who meet a search, or all, as a page. Addresses of people who said no are searched, and not shown."""
    return _page(
        reading,
        asked,
        grade,
        number,
        size,
        key="contact_id",
        scores="fct_contact_scores",
        table="dim_contacts",
        texts=("full_name", "email"),
        columns=_CONTACT_COLUMNS,
        joined="""
        inner join marts.dim_contacts as contacts on chosen.key = contacts.contact_id
        inner join marts.fct_contact_scores as scores on chosen.key = scores.contact_id
        left join marts.dim_accounts as accounts on contacts.account_id = accounts.account_id
        left join marts.dim_contact_stages as stages on chosen.key = stages.contact_id
        """,
    )


def people_of(reading: Reading, account_id: str, number: int, size: int) -> Page[dict[str, Any]]:
    """The people of an account, the most engaged first, as a page."""
    total = reading.one("select count(*) as total from marts.dim_contacts where account_id = $id", id=account_id)
    rows = reading.rows(
        f"""
        select {_CONTACT_COLUMNS}
        from marts.dim_contacts as contacts
        inner join marts.fct_contact_scores as scores
            on contacts.contact_id = scores.contact_id and scores.account_id = $id
        left join marts.dim_accounts as accounts on contacts.account_id = accounts.account_id
        left join marts.dim_contact_stages as stages
            on contacts.contact_id = stages.contact_id and stages.account_id = $id
        where contacts.account_id = $id
        order by scores.is_engaged desc, scores.engagement_score desc, contacts.contact_id
        limit $limit offset $offset
        """,
        id=account_id,
        limit=size,
        offset=offset(number, size),
    )
    return Page(rows, number, int((total or {"total": 0})["total"]), size)


def grades(reading: Reading) -> list[str]:
    """The grades that there are, best first."""
    return [
        row["code"] for row in reading.rows("select code from marts.dim_score_terms where kind = 'grade' order by 1")
    ]


def _page(
    reading: Reading,
    asked: str,
    grade: str | None,
    number: int,
    size: int,
    *,
    key: str,
    scores: str,
    table: str,
    texts: tuple[str, str],
    columns: str,
    joined: str,
) -> Page[dict[str, Any]]:
    """Which rows are on the page is decided on few columns; the others are read for those rows alone.

    ``texts`` are the columns that hold a name and an address.
    """
    words, values = _words(asked)
    if grade is not None:
        values["grade"] = grade
    of_grade = "grade = $grade" if grade is not None else "true"
    found = (
        f"""
        select matches.key, matches.place, scores.score
        from (
            select {key} as key, {_rank()} as place
            from (
                select {key}, {_folded_column(texts[0])} as name, coalesce(lower({texts[1]}), '') as address
                from marts.{table}
            ) as texts
            where {_match(words)}
        ) as matches
        inner join marts.{scores} as scores on matches.key = scores.{key}
        where {of_grade}
        """
        if words
        else f"select {key} as key, 0 as place, score from marts.{scores} where {of_grade}"
    )
    rows = reading.rows(
        f"""
        with
            found as {"materialized" if words else ""} ({found}),

            chosen as (
                select key, place, score, (select count(*) from found) as total
                from found
                order by place, score desc, key
                limit $limit offset $offset
            )

        select {columns}, chosen.total
        from chosen
        {joined}
        order by chosen.place, chosen.score desc, chosen.key
        """,
        **values,
        limit=size,
        offset=offset(number, size),
    )
    if rows or number == 1:
        return Page(rows, number, int(rows[0]["total"]) if rows else 0, size)
    # Beyond the last page.
    return Page(
        rows,
        number,
        _page(
            reading,
            asked,
            grade,
            1,
            size,
            key=key,
            scores=scores,
            table=table,
            texts=texts,
            columns=columns,
            joined=joined,
        ).total,
        size,
    )


def _words(asked: str) -> tuple[list[str], dict[str, Any]]:
    """Parameters that hold the words of a search, and its whole text as ``whole``."""
    parts = cleaned(asked).split()[:_MOST_WORDS]
    values: dict[str, Any] = {f"word_{place}": part for place, part in enumerate(parts)}
    return list(values), (values | {"whole": " ".join(parts)}) if parts else {}


def _match(words: Sequence[str]) -> str:
    """Every word is part of the name or of the address. Addresses have no accents to take off, which is what costs."""
    return " and ".join(
        f"(contains(name, {_folded(f'${word}')}) or contains(address, lower(${word})))" for word in words
    )


def _rank() -> str:
    whole, plain = _folded("$whole"), "lower($whole)"
    return f"""
        case
            when name = {whole} or address = {plain} then 0
            when starts_with(name, {whole}) or starts_with(address, {plain}) then 1
            when contains(' ' || name, ' ' || {whole}) then 2
            else 3
        end
    """


def _folded(text: str) -> str:
    return f"lower(strip_accents({text}))"


def _folded_column(column: str) -> str:
    """The same for a column; taking accents off costs far more than looking whether there can be any."""
    plain = f"strlen({column}) = length({column})"
    return f"coalesce(case when {plain} then lower({column}) else {_folded(column)} end, '')"
