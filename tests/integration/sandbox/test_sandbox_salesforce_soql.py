"""SOQL over an org in memory: what parses, what is refused and where, and that filters say what Python's would."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.fields import moment_text
from sandbox.salesforce.ids import full_id, make_id, normal_id
from sandbox.salesforce.org import Org, OrgOptions, open_org
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.soql.spans import span

TEXTS = [None, "a", "A", "ab", "aB%", "b_c", "é", "É a", "it's", "back\\slash", "Z", "zz", "_", "line\nbreak"]
MOMENTS = [datetime(2026, 1, day, hour, tzinfo=UTC) for day in (1, 15, 31) for hour in (0, 12)]


@pytest.fixture(scope="module")
def org() -> Org:
    """Leads with every combination of a few values, two accounts with contacts, a deleted lead."""
    org = open_org(None, None, OrgOptions())
    leads = [
        {
            "LastName": f"L{n}",
            "Company": "Acme",
            "Title": TEXTS[n % len(TEXTS)],
            "NumberOfEmployees": [None, 0, 5, 10, 1000][n % 5],
            "AnnualRevenue": [None, -1, 0, 99, 100][n % 5],
            "HasOptedOutOfEmail": n % 3 == 0,
        }
        for n in range(70)
    ]
    made = _create(org, "Lead", leads)
    for place, record_id in enumerate(made):
        moment = MOMENTS[place % len(MOMENTS)]
        org.db.execute("UPDATE Lead SET CreatedDate = ? WHERE Id = ?", (_ms(moment), record_id))
    parent, _ = _create(org, "Account", [{"Name": "Parent", "BillingCountry": "France"}, {"Name": "Lonely"}])
    (child,) = _create(org, "Account", [{"Name": "Child", "ParentId": parent}])
    _create(org, "Contact", [{"LastName": f"C{n}", "AccountId": parent if n < 3 else child} for n in range(5)])
    (gone,) = _create(org, "Lead", [{"LastName": "Gone", "Company": "Acme"}])
    org.records.delete(org.schema.objects["Lead"], [gone], org.api_user)
    return org


def _create(org: Org, name: str, rows: list[dict[str, Any]]) -> list[str]:
    outcomes = org.records.create(org.schema.objects[name], rows, org.api_user)
    assert [outcome.error for outcome in outcomes] == [None] * len(rows)
    return [str(outcome.id) for outcome in outcomes]


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def ask(org: Org, soql: str, *, deleted: bool = False) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = org.queries.run(soql, deleted=deleted, batch=2_000, version="v62.0")["records"]
    return records


def refusal(org: Org, soql: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        ask(org, soql)
    return caught.value


# Filters against Python -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filter:
    """A condition, and what it means."""

    soql: str
    holds: Callable[[dict[str, Any]], bool]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _comparison(name: str, operator: str, value: Any, written: str) -> Filter:
    def holds(record: dict[str, Any]) -> bool:
        found, wanted = _fold(record[name]), _fold(value)
        if operator == "=":
            return bool(found == wanted)
        if operator == "!=":
            return bool(found != wanted)
        if found is None:
            return False
        results: dict[str, bool] = {
            "<": found < wanted, "<=": found <= wanted, ">": found > wanted, ">=": found >= wanted
        }  # fmt: skip
        return results[operator]

    return Filter(f"{name} {operator} {written}", holds)


def _membership(name: str, values: list[Any], negated: bool, write: Callable[[Any], str]) -> Filter:
    folded = [_fold(value) for value in values]

    def holds(record: dict[str, Any]) -> bool:
        return (_fold(record[name]) in folded) is not negated

    return Filter(f"{name} {'NOT IN' if negated else 'IN'} ({', '.join(write(value) for value in values)})", holds)


def _like(pattern: str) -> Filter:
    """``pattern`` in the words of fnmatch: ``*`` and ``?`` stand for any text and any character."""
    soql = "".join({"*": "%", "?": "_", "%": "\\%", "_": "\\_"}.get(char, _quoted(char)[1:-1]) for char in pattern)
    regex = re.compile(fnmatch.translate(pattern.lower()), re.DOTALL)
    return Filter(
        f"Title LIKE '{soql}'",
        lambda record: record["Title"] is not None and bool(regex.match(record["Title"].lower())),
    )


_texts = st.sampled_from([text for text in TEXTS if text is not None])
_operators = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_numbers = st.integers(-2, 1001)
_moments = st.sampled_from(MOMENTS)
_written_null: Callable[[Any], str] = lambda value: "null" if value is None else str(value)  # noqa: E731

_simple = st.one_of(
    st.builds(lambda op, text: _comparison("Title", op, text, _quoted(text)), _operators, _texts),
    st.builds(
        lambda name, op, number: _comparison(name, op, number, str(number)),
        st.sampled_from(["NumberOfEmployees", "AnnualRevenue"]),
        _operators,
        _numbers,
    ),
    st.builds(
        lambda op, flag: _comparison("HasOptedOutOfEmail", op, flag, str(flag).lower()),
        st.sampled_from(["=", "!="]),
        st.booleans(),
    ),
    st.builds(
        lambda op, moment: _comparison("CreatedDate", op, moment_text(_ms(moment)), f"{moment:%Y-%m-%dT%H:%M:%SZ}"),
        _operators,
        _moments,
    ),
    st.builds(
        lambda name, op: _comparison(name, op, None, "null"),
        st.sampled_from(["Title", "NumberOfEmployees"]),
        st.sampled_from(["=", "!="]),
    ),
    st.builds(
        lambda values, negated: _membership(
            "Title", values, negated, lambda value: "null" if value is None else _quoted(value)
        ),
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
        st.booleans(),
    ),
    st.builds(
        lambda values, negated: _membership("NumberOfEmployees", values, negated, _written_null),
        st.lists(st.sampled_from([None, 0, 5, 7]), min_size=1, max_size=3),
        st.booleans(),
    ),
    st.builds(_like, st.text(alphabet="aAbBéÉ*?_%'c", min_size=1, max_size=4)),
)


def _joined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    def both(operator: str, parts: list[Filter]) -> Filter:
        test = all if operator == "AND" else any
        return Filter(
            f"({f' {operator} '.join(part.soql for part in parts)})",
            lambda record: test(part.holds(record) for part in parts),
        )

    def negated(part: Filter) -> Filter:
        return Filter(f"(NOT ({part.soql}))", lambda record: not part.holds(record))

    return st.one_of(
        st.builds(both, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
        st.builds(negated, inner),
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.recursive(_simple, _joined, max_leaves=6))
def test_a_filter_keeps_what_python_would_keep(org: Org, condition: Filter) -> None:
    fields = "Id, Title, NumberOfEmployees, AnnualRevenue, HasOptedOutOfEmail, CreatedDate"
    every = ask(org, f"SELECT {fields} FROM Lead")
    assert len(every) == 70
    kept = {record["Id"] for record in ask(org, f"SELECT Id FROM Lead WHERE {condition.soql}")}
    assert kept == {record["Id"] for record in every if condition.holds(record)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["NumberOfEmployees", "AnnualRevenue", "CreatedDate"]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 80),
    st.integers(0, 80),
)
def test_order_limit_and_offset(org: Org, name: str, down: bool, last: bool, limit: int, offset: int) -> None:
    every = ask(org, f"SELECT Id, {name} FROM Lead")
    known = sorted((one for one in every if one[name] is not None), key=lambda one: one[name], reverse=down)
    unknown = [one for one in every if one[name] is None]
    wanted = known + unknown if last else unknown + known
    order = f"ORDER BY {name} {'DESC' if down else 'ASC'}{' NULLS LAST' if last else ''}"
    found = ask(org, f"SELECT Id, {name} FROM Lead {order} LIMIT {limit} OFFSET {offset}")
    assert [one[name] for one in found] == [one[name] for one in wanted[offset : offset + limit]]


# What queries can say ---------------------------------------------------------------------------------------------


def test_parents_grandparents_and_missing_parents(org: Org) -> None:
    found = ask(
        org,
        "SELECT c.LastName, Account.Name, Account.Parent.BillingCountry FROM Contact c WHERE "
        "Account.Parent.Name = 'parent' OR Account.Parent.Name = null ORDER BY LastName",
    )
    assert [one["LastName"] for one in found] == ["C0", "C1", "C2", "C3", "C4"]
    assert found[0]["Account"]["Name"] == "Parent"
    assert found[0]["Account"]["Parent"] is None
    assert found[4]["Account"]["Parent"]["BillingCountry"] == "France"
    assert found[4]["Account"]["attributes"]["type"] == "Account"


def test_children_of_each_parent_with_their_own_order_and_limit(org: Org) -> None:
    found = ask(
        org, "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 2) FROM Account ORDER BY Name"
    )
    listed = {
        one["Name"]: None if one["Contacts"] is None else [child["LastName"] for child in one["Contacts"]["records"]]
        for one in found
    }
    assert listed == {"Child": ["C4", "C3"], "Lonely": None, "Parent": ["C2", "C1"]}


def test_counts_and_groups(org: Org) -> None:
    answer = org.queries.run("SELECT COUNT() FROM Lead", deleted=False, batch=2_000, version="v62.0")
    assert answer == {"totalSize": 70, "done": True, "records": []}
    found = ask(
        org,
        "SELECT HasOptedOutOfEmail, COUNT(Id) n, MAX(NumberOfEmployees), AVG(AnnualRevenue) mean FROM Lead "
        "WHERE NumberOfEmployees != null GROUP BY HasOptedOutOfEmail HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC",
    )
    assert [sorted(one) for one in found] == [["HasOptedOutOfEmail", "attributes", "expr0", "mean", "n"]] * 2
    assert found[0]["attributes"] == {"type": "AggregateResult"}
    assert [one["HasOptedOutOfEmail"] for one in found] == [False, True]
    assert sum(one["n"] for one in found) == 56


def test_queries_after_in(org: Org) -> None:
    names = ask(org, "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'C4')")
    assert [one["Name"] for one in names] == ["Child"]
    names = ask(org, "SELECT Name FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact)")
    assert [one["Name"] for one in names] == ["Lonely"]


def test_ids_of_fifteen_and_eighteen_characters_name_the_same_record(org: Org) -> None:
    lead = ask(org, "SELECT Id FROM Lead LIMIT 1")[0]["Id"]
    for written in (lead, lead[:15], lead.lower()[:15] + lead[15:]):
        assert [one["Id"] for one in ask(org, f"SELECT Id FROM Lead WHERE Id = '{written}'")] == [lead]
    above = ask(org, f"SELECT Id FROM Lead WHERE Id > '{lead}' ORDER BY Id")
    assert [one["Id"] for one in above] == sorted(one["Id"] for one in above)
    assert lead not in {one["Id"] for one in above}


def test_the_bin_is_seen_by_query_all_only(org: Org) -> None:
    soql = "SELECT LastName, IsDeleted FROM Lead WHERE IsDeleted = true"
    assert ask(org, soql) == []
    assert [one["LastName"] for one in ask(org, soql, deleted=True)] == ["Gone"]
    assert [one["LastName"] for one in ask(org, f"{soql} ALL ROWS")] == ["Gone"]


def test_all_fields_need_a_limit(org: Org) -> None:
    assert refusal(org, "SELECT FIELDS(ALL) FROM Lead").code == "MALFORMED_QUERY"
    (found,) = ask(org, "SELECT FIELDS(ALL) FROM Lead LIMIT 1")
    assert {"Id", "LastName", "External_Id__c", "SystemModstamp"} <= set(found)
    assert "External_Id__c" not in ask(org, "SELECT FIELDS(STANDARD) FROM Lead LIMIT 1")[0]


def test_moments_with_a_zone_are_the_same_moment(org: Org) -> None:
    wanted = len(ask(org, "SELECT Id FROM Lead WHERE CreatedDate = 2026-01-15T12:00:00Z"))
    assert wanted
    for written in ("2026-01-15T12:00:00.000+0000", "2026-01-15T13:00:00+01:00", "2026-01-15T07:00:00-0500"):
        assert len(ask(org, f"SELECT Id FROM Lead WHERE CreatedDate = {written}")) == wanted


@pytest.mark.parametrize(
    ("soql", "code", "place"),
    [
        ("SELECT Id FROM Leads", "INVALID_TYPE", "Column:16"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD", "Column:8"),
        ("SELECT Id\nFROM Lead WHERE Nope = 1", "INVALID_FIELD", "Row:2:Column:17"),
        ("SELECT Id FROM Lead WHERE Title = 5", "INVALID_FIELD", "Column:35"),
        ("SELECT Id FROM Lead WHERE NumberOfEmployees = '5'", "INVALID_FIELD", "Column:47"),
        ("SELECT Id FROM Lead WHERE CreatedDate = 2026-01-01", "INVALID_FIELD", "Column:41"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD", "Column:27"),
        ("SELECT Id FROM Lead WHERE Title = 'a' AND Title = 'b' OR Title = 'c'", "MALFORMED_QUERY", "Column:55"),
        ("SELECT Id FROM Lead WHERE Title = 'open", "MALFORMED_QUERY", "Column:35"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", "Column:26"),
        ("SELECT Id, FROM Lead", "MALFORMED_QUERY", "Column:12"),
        ("SELECT Id, Id FROM Lead", "INVALID_FIELD", "Column:12"),
        ("SELECT Nobody.Name FROM Lead", "INVALID_FIELD", "Column:8"),
        ("SELECT Id FROM Lead WHERE Id = 'nope'", "INVALID_QUERY_FILTER_OPERATOR", "Column:32"),
        ("SELECT Id FROM Lead LIMIT x", "MALFORMED_QUERY", "Column:27"),
        ("SELECT Title, COUNT(Id) FROM Lead", "MALFORMED_QUERY", "Column:8"),
        ("SELECT Name, (SELECT Id FROM Nephews) FROM Account", "INVALID_TYPE", "Column:30"),
        ("SELECT Id FROM Lead; DROP TABLE Lead", "MALFORMED_QUERY", "Column:20"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_place(org: Org, soql: str, code: str, place: str) -> None:
    error = refusal(org, soql)
    assert (error.status, error.code) == (400, code)
    assert place in error.message
    if "\n" not in soql:
        _, line, caret, *_ = error.message.split("\n")
        column = int(place.rsplit(":", 1)[1])
        assert (line, caret) == (soql, " " * (column - 1) + "^")


def test_an_offset_has_a_limit(org: Org) -> None:
    assert refusal(org, "SELECT Id FROM Lead OFFSET 2001").code == "NUMBER_OUTSIDE_VALID_RANGE"


def _refused(text: str) -> ApiError | None:
    try:
        parse(text)
    except ApiError as error:
        return error
    return None


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    error = _refused(f"SELECT {text}")
    assert error is None or error.code == "MALFORMED_QUERY"


_WORDS = [
    "SELECT",
    "Id",
    "FROM",
    "Lead",
    "WHERE",
    "(",
    ")",
    "=",
    "'x'",
    "AND",
    "NOT",
    "IN",
    ",",
    "LIMIT",
    "5",
    "ORDER",
    "BY",
    "null",
    "COUNT()",
    "TODAY",
    "LAST_N_DAYS:3",
]


@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=14))
def test_any_words_parse_or_are_refused(words: list[str]) -> None:
    error = _refused(" ".join(words))
    assert error is None or error.code == "MALFORMED_QUERY"


# Pieces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("literal", "first", "end"),
    [
        ("TODAY", date(2026, 11, 4), date(2026, 11, 5)),
        ("YESTERDAY", date(2026, 11, 3), date(2026, 11, 4)),
        ("THIS_WEEK", date(2026, 11, 1), date(2026, 11, 8)),
        ("LAST_MONTH", date(2026, 10, 1), date(2026, 11, 1)),
        ("NEXT_QUARTER", date(2027, 1, 1), date(2027, 4, 1)),
        ("LAST_YEAR", date(2025, 1, 1), date(2026, 1, 1)),
        ("LAST_N_DAYS:7", date(2026, 10, 28), date(2026, 11, 5)),
        ("NEXT_N_DAYS:2", date(2026, 11, 5), date(2026, 11, 7)),
        ("N_DAYS_AGO:1", date(2026, 11, 3), date(2026, 11, 4)),
        ("LAST_N_MONTHS:2", date(2026, 9, 1), date(2026, 11, 1)),
    ],
)
def test_spans_of_days(literal: str, first: date, end: date) -> None:
    assert span(literal, date(2026, 11, 4)) == (first, end)


@given(st.integers(0, 62**9 - 1))
def test_ids_survive_any_case(number: int) -> None:
    made = make_id("00Q", number)
    assert len(made) == 18
    assert full_id(made[:15]) == made
    assert normal_id(made[:15]) == made
    assert normal_id(made[:15].swapcase() + made[15:]) == made


def test_a_documented_id() -> None:
    assert full_id("001D000000IqhSL") == "001D000000IqhSLIAZ"
