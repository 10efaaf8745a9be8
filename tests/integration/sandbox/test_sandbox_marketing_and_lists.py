"""Forms and submissions, e-mail events, lists, associations: paging and refusals."""

from __future__ import annotations

from typing import Any

import httpx


def test_submissions_newest_first(api: httpx.Client) -> None:
    seen: list[dict[str, Any]] = []
    url = "/form-integrations/v1/submissions/forms/f-demo?limit=25"
    while url:
        page = api.get(url).json()
        seen += page["results"]
        url = page.get("paging", {}).get("next", {}).get("link")
    assert [one["conversionId"] for one in seen] == [f"s-{n:03d}" for n in range(60, 0, -1)]
    assert {value["name"]: value["value"] for value in seen[0]["values"]} == {
        "email": "person60@mail.example",
        "company": "Company 60",
    }
    assert api.get("/form-integrations/v1/submissions/forms/f-demo?limit=51").status_code == 400
    assert api.get("/form-integrations/v1/submissions/forms/none").status_code == 404


def test_email_events_by_window_and_type(api: httpx.Client) -> None:
    seen: list[dict[str, Any]] = []
    offset = ""
    while True:
        page = api.get("/email/public/v1/events", params={"limit": 100, "offset": offset}).json()
        seen += page["events"]
        if not page["hasMore"]:
            break
        offset = page["offset"]
    assert len({one["id"] for one in seen}) == 250
    assert [one["created"] for one in seen] == sorted((one["created"] for one in seen), reverse=True)
    opens = api.get("/email/public/v1/events", params={"eventType": "OPEN", "limit": 1000}).json()["events"]
    assert len(opens) == 50
    assert sum(one["filteredEvent"] for one in opens) == 25
    left = [one for one in seen if one["type"] == "STATUSCHANGE"]
    assert {one["portalSubscriptionStatus"] for one in left} == {"UNSUBSCRIBED"}
    window = {"startTimestamp": seen[9]["created"], "endTimestamp": seen[5]["created"]}
    assert len(api.get("/email/public/v1/events", params=window).json()["events"]) == 5
    assert api.get("/email/public/v1/events?offset=zzz!").status_code == 400


def test_email_campaigns(api: httpx.Client) -> None:
    assert [one["id"] for one in api.get("/email/public/v1/campaigns").json()["campaigns"]] == [501]
    assert api.get("/email/public/v1/campaigns/by-id").json()["hasMore"] is False
    one = api.get("/email/public/v1/campaigns/501?appId=113").json()
    assert (one["name"], one["counters"]["open"]) == ("Newsletter", 50)
    assert api.get("/email/public/v1/campaigns/9").status_code == 404


def _list(api: httpx.Client, name: str, type_: str = "MANUAL") -> httpx.Response:
    return api.post("/crm/lists/2026-09", json={"name": name, "objectTypeId": "0-1", "processingType": type_})


def test_members_change_and_page(api: httpx.Client) -> None:
    list_id = _list(api, "Delta").json()["list"]["listId"]
    url = f"/crm/lists/2026-09/{list_id}/memberships"
    everyone = [str(n) for n in range(1001, 1111)]
    added = api.put(f"{url}/add", json=everyone).json()
    assert added["recordIdsAdded"] == added["recordsIdsAdded"] == everyone
    changed = api.put(
        f"{url}/add-and-remove",
        json={"recordIdsToAdd": ["1001", "1111", "42", "1119"], "recordIdsToRemove": ["1002", "1112"]},
    ).json()
    # 1001 was a member, 42 does not exist, 1119 is archived, 1112 was no member.
    assert changed["recordIdsAdded"] == ["1111"]
    assert changed["recordIdsRemoved"] == ["1002"]
    assert changed["recordIdsMissing"] == ["42", "1119"]
    seen: list[str] = []
    next_url: str | None = f"{url}?limit=50"
    while next_url:
        page = api.get(next_url).json()
        seen += [one["recordId"] for one in page["results"]]
        next_url = page.get("paging", {}).get("next", {}).get("link")
    assert (len(seen), page["total"]) == (110, 110)
    assert api.put(f"{url}/remove", json=["1003"]).json()["recordIdsRemoved"] == ["1003"]
    both = {"recordIdsToAdd": ["1001"], "recordIdsToRemove": ["1001"]}
    assert api.put(f"{url}/add-and-remove", json=both).status_code == 400
    assert api.put(f"{url}/add", json=["x"]).status_code == 400


def test_dynamic_lists_take_no_members(api: httpx.Client) -> None:
    list_id = _list(api, "Follows filters", "DYNAMIC").json()["list"]["listId"]
    answer = api.put(f"/crm/lists/2026-09/{list_id}/memberships/add", json=["1001"])
    assert answer.status_code == 400
    assert "DYNAMIC" in answer.json()["message"]


def test_list_names_are_unique_until_deleted(api: httpx.Client) -> None:
    first = _list(api, "Only one").json()["list"]["listId"]
    assert _list(api, "Only one").json()["subCategory"] == "ILS.DUPLICATE_LIST_NAMES"
    assert _list(api, "Bad", "SMART").status_code == 400
    api.delete(f"/crm/v3/lists/{first}")
    assert _list(api, "Only one").status_code == 200
    assert api.get("/crm/v3/lists/object-type-id/0-1/name/Only%20one").json()["list"]["size"] == 0
    assert api.get("/crm/v3/lists/99").status_code == 404


def test_associations_read_both_ways(api: httpx.Client) -> None:
    assert api.get("/crm/v4/objects/companies/2001/associations/contacts").json()["results"] == [
        {
            "toObjectId": "1001",
            "associationTypes": [
                {"category": "HUBSPOT_DEFINED", "typeId": 2, "label": "Primary"},
                {"category": "HUBSPOT_DEFINED", "typeId": 280, "label": None},
            ],
        }
    ]
    read = api.post("/crm/v4/associations/contacts/deals/batch/read", json={"inputs": [{"id": "1001"}, {"id": "1002"}]})
    assert read.status_code == 207
    assert read.json()["results"][0]["to"][0]["toObjectId"] == "3001"
    assert read.json()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    missing = api.put("/crm/v4/objects/contacts/1001/associations/default/companies/77")
    assert missing.status_code == 404
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 99}]
    assert api.put("/crm/v4/objects/contacts/1001/associations/companies/2002", json=wrong).status_code == 400


def test_a_link_marks_both_records_as_modified(api: httpx.Client) -> None:
    before = api.get("/crm/v3/objects/contacts/1100").json()["updatedAt"]
    api.put("/crm/v4/objects/contacts/1100/associations/default/companies/2002")
    assert api.get("/crm/v3/objects/contacts/1100").json()["updatedAt"] > before
    linked = api.get("/crm/v3/objects/contacts/1100?associations=companies,deals&properties=associatedcompanyid").json()
    assert linked["properties"]["associatedcompanyid"] == "2002"
    assert list(linked["associations"]) == ["companies"]
    api.delete("/crm/v4/objects/contacts/1100/associations/companies/2002")
    gone = api.get("/crm/v3/objects/contacts/1100?properties=associatedcompanyid").json()
    assert "associatedcompanyid" not in gone["properties"]
