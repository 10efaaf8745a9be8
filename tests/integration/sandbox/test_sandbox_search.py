"""Search: every operator, sorts, paging and the 10,000 results cap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox_harness import UNLIMITED, Sandbox, running

URL = "/crm/objects/2026-09/contacts/search"


@pytest.fixture(scope="module")
def server(tiny_world: Path) -> Iterator[Sandbox]:
    with running("--world", str(tiny_world), *UNLIMITED) as sandbox:
        yield sandbox


def _search(api: httpx.Client, *filters: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = api.post(URL, json={"filterGroups": [{"filters": list(filters)}], "limit": 200, **body})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def _filter(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator} | ({} if value is None else {"value": value}) | more


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        (_filter("email", "EQ", "PERSON3@mail.example"), 1),
        (_filter("email", "EQ", "second4@mail.example"), 0),
        (_filter("hs_additional_emails", "CONTAINS_TOKEN", "second4@mail.example"), 1),
        (_filter("jobtitle", "EQ", "ANALYST"), 119),
        (_filter("lastname", "NEQ", "Souza"), 0),
        (_filter("lastname", "HAS_PROPERTY"), 59),
        (_filter("lastname", "NOT_HAS_PROPERTY"), 60),
        (_filter("hs_object_id", "GT", "1100"), 19),
        (_filter("hs_object_id", "BETWEEN", "1010", highValue="1019"), 10),
        (_filter("hs_object_id", "LTE", "1010"), 10),
        (_filter("email", "IN", values=["person1@mail.example", "person2@mail.example", "nobody@x.example"]), 2),
        (_filter("lifecyclestage", "IN", values=["LEAD"]), 119),
        (_filter("lifecyclestage", "NOT_IN", values=["lead"]), 0),
        (_filter("email", "CONTAINS_TOKEN", "*@mail.example"), 119),
        (_filter("email", "CONTAINS_TOKEN", "person7"), 1),
        (_filter("email", "NOT_CONTAINS_TOKEN", "person7"), 118),
        (_filter("lastmodifieddate", "GTE", "2026-06-28T06:00:00Z"), 3),
        (_filter("lastmodifieddate", "LT", "1782540000000"), 114),
        (_filter("associations.companies", "EQ", "2001"), 1),
    ],
)
def test_operators(api: httpx.Client, condition: dict[str, Any], count: int) -> None:
    assert _search(api, condition)["total"] == count


def test_numbers_are_compared_as_numbers(api: httpx.Client) -> None:
    body = {"filterGroups": [{"filters": [_filter("annualrevenue", "GT", "1500000")]}]}
    assert api.post("/crm/v3/objects/companies/search", json=body).json()["total"] == 2


def test_groups_are_alternatives_and_filters_add_up(api: httpx.Client) -> None:
    one = {"filters": [_filter("hs_object_id", "LTE", "1010"), _filter("lastname", "HAS_PROPERTY")]}
    two = {"filters": [_filter("hs_object_id", "EQ", "1020")]}
    answer = api.post(URL, json={"filterGroups": [one, two], "limit": 50, "properties": ["lastname"]}).json()
    assert [one["id"] for one in answer["results"]] == ["1001", "1003", "1005", "1007", "1009", "1020"]


def test_sorts_and_pages(api: httpx.Client) -> None:
    ids: list[str] = []
    after: str | None = None
    while True:
        body: dict[str, Any] = {"sorts": ["-lastmodifieddate"], "limit": 50, "properties": ["email"]}
        page = api.post(URL, json=body | ({"after": after} if after else {})).json()
        assert page["total"] == 119
        ids += [one["id"] for one in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert len(set(ids)) == 119
    ascending = _search(api, sorts=[{"propertyName": "hs_object_id", "direction": "DESCENDING"}])
    assert ascending["results"][0]["id"] == "1120"


def test_query_looks_in_the_searchable_properties(api: httpx.Client) -> None:
    assert _search(api, query="name12")["total"] == 2
    assert _search(api, query="souza person11@")["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "9901", "limit": 100},
        {"after": "10000"},
        {"filterGroups": [{"filters": [_filter("no_such", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [_filter("email", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [_filter("email", "EQ")]}]},
        {"filterGroups": [{"filters": [_filter("lastmodifieddate", "GT", "yesterday")]}]},
        {"filterGroups": [{"filters": [_filter("email", "IN", values=[])]}]},
        {"filterGroups": [{"filters": [_filter("email", "HAS_PROPERTY")] * 7}]},
        {"sorts": ["email", "phone"]},
    ],
)
def test_refusals(api: httpx.Client, body: dict[str, Any]) -> None:
    answer = api.post(URL, json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_the_count_follows_writes(api: httpx.Client) -> None:
    condition = _filter("city", "EQ", "Évora")
    assert _search(api, condition)["total"] == 0
    api.patch("/crm/v3/objects/contacts/1090", json={"properties": {"city": "Évora"}})
    assert _search(api, condition)["total"] == 1


@pytest.fixture
def lagging(tiny_world) -> Iterator[httpx.Client]:
    with running("--world", str(tiny_world), "--search-lag-ms", "60000", *UNLIMITED) as sandbox, sandbox.client() as c:
        yield c


def test_the_index_can_lag_behind_writes(lagging: httpx.Client) -> None:
    assert _search(lagging, _filter("hs_object_id", "EQ", "1001"))["total"] == 1
    lagging.patch("/crm/v3/objects/contacts/1001", json={"properties": {"city": "Tomar"}})
    assert _search(lagging, _filter("hs_object_id", "EQ", "1001"))["total"] == 0
