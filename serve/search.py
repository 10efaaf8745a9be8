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
    words, values = _words(asked)
    match = _match(words, ("accounts.account_name", "accounts.domain"))
    return _page(
        reading,
        number,
        size,
        f"""
        from marts.dim_accounts as accounts
        inner join marts.fct_account_scores as scores on accounts.account_id = scores.account_id
        where ($grade is null or scores.grade = $grade) and {match}
        """,
        key="accounts.account_id",
        rank=_rank(words, ("accounts.account_name", "accounts.domain")),
        columns=_ACCOUNT_COLUMNS,
        joined="""
        inner join marts.dim_accounts as accounts on chosen.key = accounts.account_id
        inner join marts.fct_account_scores as scores on chosen.key = scores.account_id
        """,
        values=values | {"grade": grade},
    )


def list_contacts(
    reading: Reading, asked: str, grade: str | None, number: int, size: int = PAGE_ROWS
) -> Page[dict[str, Any]]:
    """People who meet a search, or all, as a page. Addresses of people who said no are searched, and not shown."""
    words, values = _words(asked)
    match = _match(words, ("contacts.full_name", "contacts.email"))
    return _page(
        reading,
        number,
        size,
        f"""
        from marts.dim_contacts as contacts
        inner join marts.fct_contact_scores as scores on contacts.contact_id = scores.contact_id
        where ($grade is null or scores.grade = $grade) and {match}
        """,
        key="contacts.contact_id",
        rank=_rank(words, ("contacts.full_name", "contacts.email")),
        columns=_CONTACT_COLUMNS,
        joined="""
        inner join marts.dim_contacts as contacts on chosen.key = contacts.contact_id
        inner join marts.fct_contact_scores as scores on chosen.key = scores.contact_id
        left join marts.dim_accounts as accounts on contacts.account_id = accounts.account_id
        left join marts.dim_contact_stages as stages on chosen.key = stages.contact_id
        """,
        values=values | {"grade": grade},
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
    number: int,
    size: int,
    source: str,
    *,
    key: str,
    rank: str,
    columns: str,
    joined: str,
    values: dict[str, Any],
) -> Page[dict[str, Any]]:
    """Which rows are on the page is decided on few columns; the others are read for those rows alone."""
    counting = f"select count(*) as total {source}"
    counted = reading.one(counting, **{name: value for name, value in values.items() if f"${name}" in counting})
    total = int((counted or {"total": 0})["total"])
    rows = reading.rows(
        f"""
        with
            chosen as (
                select {key} as key, {rank} as place, scores.score
                {source}
                order by place, scores.score desc, key
                limit $limit offset $offset
            )

        select {columns}
        from chosen
        {joined}
        order by chosen.place, chosen.score desc, chosen.key
        """,
        **values,
        limit=size,
        offset=offset(number, size),
    )
    return Page(rows, number, total, size)


def _words(asked: str) -> tuple[list[str], dict[str, Any]]:
    """Parameters that hold the words of a search, and its whole text as ``whole``."""
    parts = cleaned(asked).split()[:_MOST_WORDS]
    values: dict[str, Any] = {f"word_{place}": part for place, part in enumerate(parts)}
    return list(values), (values | {"whole": " ".join(parts)}) if parts else {}


def _match(words: Sequence[str], columns: Sequence[str]) -> str:
    if not words:
        return "true"
    return " and ".join(
        "(" + " or ".join(f"contains({_folded(column)}, {_folded(f'${word}')})" for column in columns) + ")"
        for word in words
    )


def _rank(words: Sequence[str], columns: Sequence[str]) -> str:
    if not words:
        return "0"
    whole = _folded("$whole")
    texts = [f"coalesce({_folded(column)}, '')" for column in columns]
    tests = (
        " or ".join(f"{text} = {whole}" for text in texts),
        " or ".join(f"starts_with({text}, {whole})" for text in texts),
        " or ".join(f"contains(' ' || {text}, ' ' || {whole})" for text in texts),
    )
    return (
        "case " + " ".join(f"when {test} then {place}" for place, test in enumerate(tests)) + f" else {len(tests)} end"
    )


def _folded(text: str) -> str:
    return f"lower(strip_accents({text}))"
