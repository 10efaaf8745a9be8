"""Records: what is refused and how, what a write leaves behind, merges, archives, both path families."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox_harness import UNLIMITED, Sandbox, running

DATED = "/crm/objects/2026-09/contacts"


@pytest.fixture(scope="module")
def server(tiny_world: Path) -> Iterator[Sandbox]:
    with running("--world", str(tiny_world), *UNLIMITED) as sandbox:
        yield sandbox


def _update(api: httpx.Client, *inputs: dict[str, Any]) -> httpx.Response:
    return api.post(f"{DATED}/batch/update", json={"inputs": list(inputs)})


def test_both_families_and_aliases_answer_alike(api: httpx.Client) -> None:
    paths = [
        "/crm/objects/2026-09/contacts/1001", "/crm/objects/2026-03/contacts/1001", "/crm/v3/objects/contacts/1001",
        "/crm/v3/objects/contact/1001", "/crm/v3/objects/0-1/1001",
    ]  # fmt: skip
    answers = [api.get(path).json() for path in paths]
    assert all(answer == answers[0] for answer in answers)
    assert api.get("/crm/v3/owners/").json() == api.get("/crm/owners/2026-09").json()
    assert isinstance(api.get("/properties/v2/contact/properties").json(), list)


def test_page_link_leads_through_all_pages(api: httpx.Client) -> None:
    seen: list[str] = []
    url = "/crm/v3/objects/contacts?limit=50&properties=email"
    while url:
        page = api.get(url).json()
        seen += [one["id"] for one in page["results"]]
        url = page.get("paging", {}).get("next", {}).get("link")
    assert len(seen) == len(set(seen)) >= 119
    assert seen == sorted(seen, key=int)


@pytest.mark.parametrize("query", ["limit=101", "limit=0", "limit=x", "limit=51&propertiesWithHistory=email"])
def test_bad_page_sizes_are_refused(api: httpx.Client, query: str) -> None:
    answer = api.get(f"{DATED}?{query}")
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_unknown_object_type_and_path(api: httpx.Client) -> None:
    assert "Unable to infer object type from: dragons" in api.get("/crm/v3/objects/dragons").json()["message"]
    assert api.get("/crm/v9/objects/contacts").status_code == 404
    assert api.put(DATED).status_code == 405


def test_more_than_100_inputs_are_refused(api: httpx.Client) -> None:
    for action in ("read", "update", "create", "upsert", "archive"):
        inputs = [{"id": str(n), "properties": {}} for n in range(101)]
        answer = api.post(f"{DATED}/batch/{action}", json={"inputs": inputs})
        assert answer.status_code == 400, action
        assert "101" in answer.json()["message"]


def test_unknown_property_refuses_the_batch(api: httpx.Client) -> None:
    before = api.get("/crm/v3/objects/contacts/1060?properties=city").json()
    answer = _update(
        api, {"id": "1060", "properties": {"city": "Natal"}}, {"id": "1061", "properties": {"no_such": "1"}}
    )
    assert answer.status_code == 400
    body = answer.json()
    assert body["category"] == "VALIDATION_ERROR"
    assert body["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert body["errors"][0]["context"] == {"propertyName": ["no_such"]}
    assert body["correlationId"] == answer.headers["X-HubSpot-Correlation-Id"]
    assert api.get("/crm/v3/objects/contacts/1060?properties=city").json() == before


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("associatedcompanyid", "abc", "INVALID_INTEGER"),
        ("lifecyclestage", "nonsense", "INVALID_OPTION"),
        ("email", "not-an-address", "INVALID_EMAIL"),
        ("hs_object_id", "5", "READ_ONLY_VALUE"),
        ("lastmodifieddate", "2026-01-01", "READ_ONLY_VALUE"),
    ],
)
def test_bad_value_names_the_property(api: httpx.Client, name: str, value: str, code: str) -> None:
    answer = api.patch(f"{DATED}/1062", json={"properties": {name: value}})
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert (error["code"], error["context"]["propertyName"]) == (code, [name])


def test_bad_deal_values(api: httpx.Client) -> None:
    for properties in ({"closedate": "soon"}, {"dealstage": "won!"}, {"amount": "12,5"}):
        answer = api.patch("/crm/v3/objects/deals/3001", json={"properties": properties})
        assert answer.status_code == 400, properties


def test_moments_are_stored_in_one_form(api: httpx.Client) -> None:
    for value in ("1772000000000", "2026-02-25T06:13:20Z", 1772000000000):
        answer = api.patch("/crm/v3/objects/deals/3002", json={"properties": {"closedate": value}})
        assert answer.json()["properties"]["closedate"] == "2026-02-25T06:13:20.000Z"


def test_duplicate_email_is_a_conflict_naming_the_record(api: httpx.Client) -> None:
    answer = api.post(DATED, json={"properties": {"email": "PERSON8@mail.example"}})
    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert answer.json()["message"] == "Contact already exists. Existing ID: 1008"
    assert api.patch(f"{DATED}/1009", json={"properties": {"email": "person8@mail.example"}}).status_code == 409


def test_one_duplicate_refuses_a_whole_create_batch(api: httpx.Client) -> None:
    inputs = [{"properties": {"email": "fresh@new.example"}}, {"properties": {"email": "person8@mail.example"}}]
    assert api.post(f"{DATED}/batch/create", json={"inputs": inputs}).status_code == 409
    assert api.get(f"{DATED}/fresh@new.example?idProperty=email").status_code == 404


def test_trace_ids_turn_a_refused_batch_into_a_partial_one(api: httpx.Client) -> None:
    inputs = [
        {"properties": {"email": "traced@new.example"}, "objectWriteTraceId": "t1"},
        {"properties": {"email": "person8@mail.example"}, "objectWriteTraceId": "t2"},
        {"properties": {"bogus": "1"}, "objectWriteTraceId": "t3"},
    ]
    answer = api.post(f"{DATED}/batch/create", json={"inputs": inputs})
    body = answer.json()
    assert answer.status_code == 207
    assert [one["objectWriteTraceId"] for one in body["results"]] == ["t1"]
    assert [(e["category"], e["context"]["objectWriteTraceId"]) for e in body["errors"]] == [
        ("CONFLICT", ["t2"]),
        ("VALIDATION_ERROR", ["t3"]),
    ]
    assert body["numErrors"] == 2


def test_unknown_ids_are_errors_of_a_207(api: httpx.Client) -> None:
    answer = _update(api, {"id": "1063", "properties": {"city": "Faro"}}, {"id": "55", "properties": {"city": "Faro"}})
    assert answer.status_code == 207
    assert (len(answer.json()["results"]), answer.json()["errors"][0]["category"]) == (1, "OBJECT_NOT_FOUND")
    read = api.post(f"{DATED}/batch/read", json={"inputs": [{"id": "1063"}, {"id": "55"}], "properties": ["city"]})
    assert read.status_code == 207
    assert read.json()["results"][0]["properties"]["city"] == "Faro"


def test_repeated_ids_refuse_the_batch(api: httpx.Client) -> None:
    answer = _update(api, {"id": "1063", "properties": {}}, {"id": "1063", "properties": {}})
    assert answer.status_code == 400
    assert "Duplicate IDs found" in answer.json()["message"]


def test_a_write_is_dated_and_logged_as_ours(api: httpx.Client) -> None:
    before = api.get(f"{DATED}/1064").json()
    after = api.patch(f"{DATED}/1064", json={"properties": {"city": "Braga"}}).json()
    assert after["updatedAt"] > before["updatedAt"]
    assert after["properties"]["lastmodifieddate"] == after["updatedAt"]
    read = api.get(f"{DATED}/1064?propertiesWithHistory=city,jobtitle").json()["propertiesWithHistory"]
    assert read["city"] == [
        {"value": "Braga", "timestamp": after["updatedAt"], "sourceType": "INTEGRATION", "sourceId": "1000001"}
    ]
    assert read["jobtitle"][0] | {"timestamp": ""} == {"value": "Analyst", "timestamp": "", "sourceType": "FORM"}


def test_a_write_that_changes_nothing_leaves_no_trace(api: httpx.Client) -> None:
    first = api.patch(f"{DATED}/1065", json={"properties": {"numemployees": "65", "jobtitle": "Analyst"}})
    assert first.status_code == 200
    stored = api.get("/sandbox/objects/contacts/1065").json()
    assert stored["updatedAt"] == first.json()["updatedAt"] < "2026-06-30"
    assert len(stored["propertiesWithHistory"]["jobtitle"]) == 1


def test_an_equal_number_is_not_a_change(api: httpx.Client) -> None:
    before = api.get("/crm/v3/objects/deals/3001").json()["updatedAt"]
    assert (
        api.patch("/crm/v3/objects/deals/3001", json={"properties": {"amount": "1000.5"}}).json()["updatedAt"] == before
    )


def test_clearing_a_value(api: httpx.Client) -> None:
    cleared = api.patch(f"{DATED}/1066", json={"properties": {"jobtitle": ""}}).json()
    assert "jobtitle" not in cleared["properties"]
    history = api.get("/sandbox/objects/contacts/1066").json()
    assert "jobtitle" not in history["properties"]
    log = api.get(f"{DATED}/1066?propertiesWithHistory=jobtitle").json()["propertiesWithHistory"]["jobtitle"]
    assert [entry["value"] for entry in log] == ["", "Analyst"]


def test_the_lifecycle_stage_does_not_go_back(api: httpx.Client) -> None:
    stages = ["opportunity", "lead", "", "lead"]
    seen = [
        api.patch(f"{DATED}/1067", json={"properties": {"lifecyclestage": stage}})
        .json()["properties"]
        .get("lifecyclestage")
        for stage in stages
    ]
    assert seen == ["opportunity", "opportunity", None, "lead"]


def test_a_deals_stage_sets_what_follows_from_it(api: httpx.Client) -> None:
    api.patch("/crm/v3/objects/deals/3001", json={"properties": {"dealstage": "closedlost"}})
    deal = api.get("/sandbox/objects/deals/3001").json()["properties"]
    assert (deal["hs_is_closed"], deal["hs_is_closed_won"]) == ("true", "false")


def test_email_cannot_be_used_for_batch_updates(api: httpx.Client) -> None:
    answer = _update(api, {"id": "person9@mail.example", "idProperty": "email", "properties": {"city": "X"}})
    assert answer.status_code == 400
    assert "non-unique 0-1 property email" in answer.json()["message"]


def test_upsert_needs_a_unique_property(api: httpx.Client) -> None:
    body = {"inputs": [{"id": "x", "idProperty": "city", "properties": {"jobtitle": "CEO"}}]}
    answer = api.post(f"{DATED}/batch/upsert", json=body)
    assert answer.status_code == 400
    assert "non-unique" in answer.json()["message"]


def test_upsert_by_email_creates_and_updates(api: httpx.Client) -> None:
    body = {
        "inputs": [
            {"id": "person10@mail.example", "idProperty": "email", "properties": {"city": "Recife"}},
            {"id": "brand@new.example", "idProperty": "email", "properties": {"city": "Recife"}},
        ]
    }
    results = api.post(f"{DATED}/batch/upsert", json=body).json()["results"]
    assert [(one["new"], one["properties"]["city"]) for one in results] == [(False, "Recife"), (True, "Recife")]
    assert api.get(f"{DATED}/brand@new.example?idProperty=email").status_code == 200


def test_unique_values_conflict(api: httpx.Client) -> None:
    api.post(
        "/crm/properties/2026-09/contacts",
        json={"name": "our_key", "label": "K", "type": "string", "fieldType": "text",
              "groupName": "contactinformation", "hasUniqueValue": True},
    )  # fmt: skip
    assert api.patch(f"{DATED}/1070", json={"properties": {"our_key": "one"}}).status_code == 200
    answer = api.patch(f"{DATED}/1071", json={"properties": {"our_key": "one"}})
    assert answer.status_code == 400
    assert "1070 already has that value" in answer.json()["message"]
    assert api.get(f"{DATED}/one?idProperty=our_key").json()["id"] == "1070"
    inputs = [
        {"id": "1072", "properties": {"our_key": "two"}, "objectWriteTraceId": "a"},
        {"id": "1073", "properties": {"our_key": "one"}, "objectWriteTraceId": "b"},
    ]
    partial = _update(api, *inputs)
    assert partial.status_code == 207
    assert [one["id"] for one in partial.json()["results"]] == ["1072"]
    assert partial.json()["errors"][0]["context"]["objectWriteTraceId"] == ["b"]


def test_archive_and_read_archived(api: httpx.Client) -> None:
    assert api.delete(f"{DATED}/1080").status_code == 204
    assert api.get(f"{DATED}/1080").status_code == 404
    archived = api.get(f"{DATED}/1080?archived=true").json()
    assert archived["archived"] is True
    assert archived["archivedAt"]
    assert {"1119", "1080"} <= {one["id"] for one in api.get(f"{DATED}?archived=true&limit=100").json()["results"]}
    # Its address is free again.
    assert api.post(DATED, json={"properties": {"email": "person80@mail.example"}}).status_code == 201


def test_merge_moves_everything_and_the_old_id_lives_on(api: httpx.Client) -> None:
    made = api.post(
        "/crm/lists/2026-09", json={"name": "Merge list", "objectTypeId": "0-1", "processingType": "MANUAL"}
    )
    list_id = made.json()["list"]["listId"]
    api.put(f"/crm/lists/2026-09/{list_id}/memberships/add", json=["1082"])
    api.put("/crm/v4/objects/contacts/1082/associations/default/companies/2003")
    api.patch(f"{DATED}/1082", json={"properties": {"mobilephone": "+351 912 000 000"}})
    merged = api.post(f"{DATED}/merge", json={"primaryObjectId": "1081", "objectIdToMerge": "1082"})
    assert (merged.status_code, merged.json()["id"]) == (200, "1081")
    stored = api.get("/sandbox/objects/contacts/1082").json()
    properties = stored["properties"]
    assert stored["id"] == "1081"
    assert properties["email"] == "person81@mail.example"
    assert properties["hs_additional_emails"] == "person82@mail.example"
    assert properties["hs_merged_object_ids"] == "1082"
    assert properties["hs_calculated_merged_vids"].startswith("1082:")
    assert properties["mobilephone"] == "+351 912 000 000"
    wrote = _update(api, {"id": "1082", "properties": {"city": "Beja"}})
    assert wrote.json()["results"][0]["id"] == "1081"
    assert api.get(f"{DATED}/person82@mail.example?idProperty=email").json()["id"] == "1081"
    members = api.get(f"/crm/lists/2026-09/{list_id}/memberships").json()["results"]
    assert [one["recordId"] for one in members] == ["1081"]
    links = api.get("/crm/v4/objects/contacts/1081/associations/companies").json()["results"]
    assert [one["toObjectId"] for one in links] == ["2003"]
    assert "1082" not in {one["id"] for one in api.get(f"{DATED}?limit=100&after=1070").json()["results"]}


def test_merge_refuses_unknown_records(api: httpx.Client) -> None:
    body = {"primaryObjectId": "1081", "objectIdToMerge": "5"}
    assert api.post(f"{DATED}/merge", json=body).status_code == 404


def test_erasing_for_good(api: httpx.Client) -> None:
    body = {"objectId": "person84@mail.example", "idProperty": "email"}
    assert api.post(f"{DATED}/gdpr-delete", json=body).status_code == 204
    assert api.get("/sandbox/objects/contacts/1084").status_code == 404


def test_a_persons_edit_is_told_from_ours(api: httpx.Client) -> None:
    body = {"properties": {"jobtitle": "CEO", "hs_email_optout": "true"}, "user_id": 9001}
    edited = api.patch("/sandbox/objects/contacts/1085", json=body).json()
    assert edited["properties"]["hs_email_optout"] == "true"
    latest = edited["propertiesWithHistory"]["jobtitle"][0]
    assert (latest["sourceType"], latest["updatedByUserId"]) == ("CRM_UI", 9001)


def test_broken_json_is_refused(api: httpx.Client) -> None:
    for content in (b"{", b"[]", b'{"inputs": 5}', b'{"inputs": []}'):
        answer = api.post(f"{DATED}/batch/update", content=content)
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_create_with_association(api: httpx.Client) -> None:
    body = {
        "properties": {"hs_timestamp": "2026-06-01T10:00:00Z", "hs_call_title": "First call"},
        "associations": [
            {"to": {"id": "1001"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}]}
        ],
    }
    made = api.post("/crm/v3/objects/calls", json=body)
    assert made.status_code == 201
    linked = api.get(f"/crm/v4/objects/calls/{made.json()['id']}/associations/contacts").json()["results"]
    assert linked[0]["toObjectId"] == "1001"


def test_properties_errors(api: httpx.Client) -> None:
    base = {"name": "p_one", "label": "One", "type": "number", "fieldType": "number", "groupName": "contactinformation"}
    url = "/crm/properties/2026-09/contacts"
    assert api.post(url, json=base).status_code == 201
    assert api.post(url, json=base).status_code == 409
    for change in ({"groupName": "nowhere"}, {"type": "text"}, {"fieldType": "text"}, {"name": "Bad Name"}):
        answer = api.post(url, json=base | {"name": "p_two"} | change)
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR"), change
    assert api.delete(f"{url}/email").status_code == 400
    assert api.get(f"{url}/nothing").status_code == 404
