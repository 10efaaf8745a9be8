"""Records of the Salesforce sandbox: single, in collections, by external id; checks, history, field security."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from salesforce_harness import BASE, Org, running_org
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)


@pytest.fixture(scope="module")
def org(tiny_world: Path) -> Iterator[Org]:
    with running_org("--world", str(tiny_world), "--daily", "0") as running:
        yield running


@pytest.fixture(autouse=True)
def _as_before(org: Org) -> Iterator[None]:
    yield
    org.sandbox("/faults", [])
    org.sandbox("/rules", {"duplicates": "allow"})


def lead(org: Org, **values: Any) -> str:
    return org.create("Lead", **({"LastName": "Lead", "Company": "Acme"} | values))


def error(answer: httpx.Response) -> tuple[int, str, list[str] | None]:
    (found,) = answer.json()
    return answer.status_code, found["errorCode"], found.get("fields")


# Single records ---------------------------------------------------------------------------------------------------


def test_the_communitys_client_writes_and_reads_a_record(org: Org) -> None:
    client = org.simple()
    made = client.Lead.create({"LastName": "Simple", "Company": "Acme", "External_Id__c": "one/of-two"})
    assert made["success"] is True
    assert client.Lead.update(made["id"], {"Title": "Chief"}) == 204
    read = client.Lead.get(made["id"])
    assert (read["Title"], read["Name"], read["IsConverted"], read["OwnerId"]) == (
        "Chief", "Simple", False, read["CreatedById"],
    )  # fmt: skip
    assert client.Lead.get_by_custom_id("External_Id__c", "one/of-two")["Id"] == made["id"]
    assert client.Lead.upsert("External_Id__c/up-9", {"LastName": "Up", "Company": "Acme"}) == 201
    assert client.Lead.upsert("External_Id__c/up-9", {"Title": "Again"}) == 200
    described = client.Lead.describe()
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Email"]["type"] == "email"
    assert fields["External_Id__c"]["externalId"] is True
    assert fields["OwnerId"]["referenceTo"] == ["User"]
    assert client.Lead.metadata()["objectDescribe"]["keyPrefix"] == "00Q"
    assert "Lead" in {one["name"] for one in client.describe()["sobjects"]}
    assert client.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Lead.get(made["id"])
    with pytest.raises(SalesforceMalformedRequest):
        client.Lead.create({"LastName": "No company"})


def test_the_communitys_client_pages_through_everything(org: Org) -> None:
    for _ in range(250 - len(org.query("SELECT Id FROM Lead"))):
        lead(org)
    client = org.simple()
    soql = "SELECT Id, LastName FROM Lead ORDER BY Id"
    every = client.query_all(soql)
    first = org.get("/query", params={"q": soql}, headers={"Sforce-Query-Options": "batchSize=200"}).json()
    assert (len(first["records"]), first["totalSize"], first["done"]) == (200, every["totalSize"], False)
    second = org.http.get(first["nextRecordsUrl"]).json()
    assert second["done"] is True
    assert [one["Id"] for one in first["records"] + second["records"]] == [one["Id"] for one in every["records"]]
    assert [one["Id"] for one in client.query_all_iter(soql)] == [one["Id"] for one in every["records"]]
    assert error(org.get("/query/0r8Lh0000000999AAA-2000"))[:2] == (400, "INVALID_QUERY_LOCATOR")


def test_the_communitys_client_asks_for_changes_and_searches(org: Org) -> None:
    client = org.simple()
    kept, gone = lead(org, LastName="Zzyzx"), lead(org)
    client.Lead.delete(gone)
    now = org.sandbox("/clock", method="GET")["now"]
    start, end = now[:11] + "00:00:00+00:00", now[:11] + "23:59:59+00:00"
    changed = org.get("/sobjects/Lead/updated", params={"start": start, "end": end}).json()
    deleted = org.get("/sobjects/Lead/deleted", params={"start": start, "end": end}).json()
    assert kept in changed["ids"]
    assert gone in {one["id"] for one in deleted["deletedRecords"]}
    found = client.quick_search("zzyz")["searchRecords"]
    assert [(one["attributes"]["type"], one["Id"]) for one in found] == [("Lead", kept)]
    assert org.get("/recent").json()[0]["attributes"]["type"] == "Lead"


_GOOD = {"LastName": "A", "Company": "B"}


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({"Email": "nope"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG", ["LastName"]),
        ({"Nope": 1}, "INVALID_FIELD", None),
        ({"NumberOfEmployees": "many"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", ["NumberOfEmployees"]),
        ({"NumberOfEmployees": 10**9}, "NUMBER_OUTSIDE_VALID_RANGE", ["NumberOfEmployees"]),
        ({"OwnerId": "nobody"}, "MALFORMED_ID", ["OwnerId"]),
        ({"OwnerId": "005000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY", ["OwnerId"]),
        ({"SystemModstamp": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["SystemModstamp"]),
        ({"Id": "00Q000000000001EAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Id"]),
        ({"HasOptedOutOfEmail": "perhaps"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", ["HasOptedOutOfEmail"]),
    ],
)
def test_values_that_are_refused(org: Org, values: dict[str, Any], code: str, fields: list[str] | None) -> None:
    record = _GOOD | values
    assert error(org.post("/sobjects/Lead", record)) == (400, code, fields)
    body = {"records": [{"attributes": {"type": "Lead"}, **record}]}
    (item,) = org.post("/composite/sobjects", body).json()
    assert (item["success"], item["errors"][0]["statusCode"]) == (False, code)


def test_a_unique_value_belongs_to_one_record(org: Org) -> None:
    first = lead(org, External_Id__c="unique-1")
    status, code, _ = error(org.post("/sobjects/Lead", {"LastName": "B", "Company": "C", "External_Id__c": "UNIQUE-1"}))
    assert (status, code) == (400, "DUPLICATE_VALUE")
    org.http.delete(f"{BASE}/sobjects/Lead/{first}")
    assert lead(org, External_Id__c="unique-1") != first


def test_the_duplicate_rule_and_the_header_that_overrules_it(org: Org) -> None:
    lead(org, Email="twin@x.example")
    org.sandbox("/rules", {"duplicates": "block"})
    body = {"LastName": "Twin", "Company": "Acme", "Email": "TWIN@x.example"}
    assert error(org.post("/sobjects/Lead", body))[:2] == (400, "DUPLICATES_DETECTED")
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert org.post("/sobjects/Lead", body, headers=headers).status_code == 201


def test_several_matches_of_an_external_id_are_answered_300(org: Org) -> None:
    metadata = {"type": "Text", "label": "Badge", "length": 20, "externalId": True}
    org.post("/tooling/sobjects/CustomField", {"FullName": "Campaign.Badge__c", "Metadata": metadata})
    org.sandbox("/field-security", {"object": "Campaign", "field": "Badge__c"})
    ids = [org.create("Campaign", Name=f"Badge {n}", Badge__c="same") for n in (1, 2)]
    answer = org.patch("/sobjects/Campaign/Badge__c/same", {"Name": "Which?"})
    assert answer.status_code == 300
    assert [url.rsplit("/", 1)[1] for url in answer.json()] == ids
    with pytest.raises(SalesforceMoreThanOneRecord):
        org.simple().Campaign.get_by_custom_id("Badge__c", "same")


def test_a_parent_named_by_its_external_id(org: Org) -> None:
    account = org.create("Account", Name="Keyed", External_Id__c="acc-1")
    contact = org.create("Contact", LastName="Child", Account={"External_Id__c": "acc-1"})
    assert org.query(f"SELECT AccountId FROM Contact WHERE Id = '{contact}'") == [{"AccountId": account}]
    refused = org.post("/sobjects/Contact", {"LastName": "Orphan", "Account": {"External_Id__c": "nobody"}})
    assert error(refused)[:2] == (400, "INVALID_FIELD")


# Collections ------------------------------------------------------------------------------------------------------


def collection(*records: dict[str, Any], type_: str = "Lead", **more: Any) -> dict[str, Any]:
    return {"records": [{"attributes": {"type": type_}, **record} for record in records], **more}


def test_every_record_has_its_own_result_in_the_order_sent(org: Org) -> None:
    good, gone = lead(org), lead(org)
    org.http.delete(f"{BASE}/sobjects/Lead/{gone}")
    answer = org.patch(
        "/composite/sobjects",
        collection(
            {"Id": good, "Title": "x"},
            {"Id": gone, "Title": "x"},
            {"Id": "00Q000000000001EAA", "Title": "x"},
            {"Id": "003000000000001AAA", "Title": "x"},
            {"Id": good, "LastName": None},
            {"id": good, "Phone": "5"},
        ),
    )
    assert answer.status_code == 200
    codes = [item["errors"][0]["statusCode"] if item["errors"] else "ok" for item in answer.json()]
    assert codes == [
        "ok", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "INVALID_ID_FIELD", "REQUIRED_FIELD_MISSING", "ok",
    ]  # fmt: skip
    assert org.query(f"SELECT Title, Phone FROM Lead WHERE Id = '{good}'") == [{"Title": "x", "Phone": "5"}]


def test_all_or_none_undoes_everything(org: Org) -> None:
    good = lead(org, Title="before")
    body = collection({"Id": good, "Title": "after"}, {"Id": good, "Email": "bad"}, allOrNone=True)
    first, second = org.patch("/composite/sobjects", body).json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "INVALID_EMAIL_ADDRESS"
    assert org.query(f"SELECT Title FROM Lead WHERE Id = '{good}'") == [{"Title": "before"}]
    assert org.sandbox(f"/objects/Lead/{good}", method="GET")["history"] == [
        {"field": "created", "old": None, "new": None} | _who(org, good)
    ]


def _who(org: Org, record_id: str) -> dict[str, Any]:
    (found,) = org.query(f"SELECT CreatedById, CreatedDate FROM Lead WHERE Id = '{record_id}'")
    return {"created_by_id": found["CreatedById"], "created_at": found["CreatedDate"]}


def test_a_collection_is_200_records_of_ten_runs(org: Org) -> None:
    many = collection(*[{"LastName": "A", "Company": "B"}] * 201)
    assert error(org.post("/composite/sobjects", many))[:2] == (400, "EXCEEDED_ID_LIMIT")
    mixed = {
        "records": [collection({"LastName": "A"}, type_=("Lead", "Contact")[n % 2])["records"][0] for n in range(12)]
    }
    assert error(org.post("/composite/sobjects", mixed))[:2] == (400, "LIMIT_EXCEEDED")
    assert error(org.post("/composite/sobjects", {"records": []}))[:2] == (400, "MISSING_ARGUMENT")
    assert error(org.post("/composite/sobjects", {"records": [{"LastName": "A"}]}))[:2] == (400, "INVALID_TYPE")
    assert org.http.post(f"{BASE}/composite/sobjects", content=b"{").status_code == 400


def test_upserts_by_external_id_only(org: Org) -> None:
    lead(org, External_Id__c="col-1")
    body = collection(
        {"External_Id__c": "col-1", "Title": "x"},
        {"External_Id__c": "col-2", "LastName": "New", "Company": "Acme"},
        {"External_Id__c": "col-3"},
        {"LastName": "No key", "Company": "Acme"},
    )
    first, second, third, fourth = org.patch("/composite/sobjects/Lead/External_Id__c", body).json()
    assert (first["created"], second["created"]) == (False, True)
    assert third["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert fourth["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    assert error(org.patch("/composite/sobjects/Lead/Email", body))[:2] == (400, "INVALID_FIELD")


def test_deleting_and_reading_lists(org: Org) -> None:
    ids = [lead(org, Title=f"T{n}") for n in range(3)]
    read = org.get(
        "/composite/sobjects/Lead", params={"ids": ",".join([*ids, "00Q000000000001EAA"]), "fields": "Title"}
    )
    assert [None if one is None else one["Title"] for one in read.json()] == ["T0", "T1", "T2", None]
    posted = org.post("/composite/sobjects/Lead", {"ids": ids[::-1], "fields": ["Id", "Title"]})
    assert [one["Title"] for one in posted.json()] == ["T2", "T1", "T0"]
    answer = org.http.delete(
        f"{BASE}/composite/sobjects", params={"ids": f"{ids[0]},{ids[0]},nonsense", "allOrNone": "false"}
    )
    assert [item["success"] for item in answer.json()] == [True, True, False]
    assert org.query(f"SELECT IsDeleted FROM Lead WHERE Id = '{ids[0]}'", deleted=True) == [{"IsDeleted": True}]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["new", "update", "bad", "gone"]), min_size=1, max_size=12), st.booleans())
def test_results_say_what_happened(org: Org, kinds: list[str], all_or_none: bool) -> None:
    marker = f"say-{len(org.query('SELECT Id FROM Lead', deleted=True))}"
    known = [lead(org, Title="before") for _ in kinds]
    records = [
        {
            "new": {"LastName": marker, "Company": "Acme", "Title": marker},
            "update": {"LastName": marker, "Company": "Acme", "Title": marker},
            "bad": {"LastName": marker, "Company": "Acme", "Email": "bad"},
            "gone": {"LastName": marker, "Company": "Acme", "OwnerId": "005000000000001AAA"},
        }[kind]
        for kind in kinds
    ]
    items = org.post("/composite/sobjects", collection(*records, allOrNone=all_or_none)).json()
    failed = [kind in ("bad", "gone") for kind in kinds]
    undone = all_or_none and any(failed)
    assert [item["success"] for item in items] == [not (bad or undone) for bad in failed]
    written = {one["Id"] for one in org.query(f"SELECT Id FROM Lead WHERE LastName = '{marker}'")}
    assert written == {item["id"] for item in items if item["success"]}
    assert len(org.query(f"SELECT Id FROM Lead WHERE Id IN ({','.join(repr(one) for one in known)})")) == len(known)


# Composite --------------------------------------------------------------------------------------------------------


def test_a_composite_request_uses_what_it_made(org: Org) -> None:
    body = {
        "allOrNone": True,
        "compositeRequest": [
            {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "acc", "body": {"Name": "Made"}},
            {"method": "POST", "url": f"{BASE}/sobjects/Contact", "referenceId": "con",
             "body": {"LastName": "Made", "AccountId": "@{acc.id}"}},
            {"method": "GET", "url": f"{BASE}/query?q=SELECT+Id+FROM+Contact+WHERE+AccountId='@{{acc.id}}'",
             "referenceId": "ask"},
        ],
    }  # fmt: skip
    account, contact, asked = org.post("/composite", body).json()["compositeResponse"]
    assert (account["httpStatusCode"], contact["httpStatusCode"]) == (201, 201)
    assert asked["body"]["records"][0]["Id"] == contact["body"]["id"]
    body["compositeRequest"][1]["body"] = {"FirstName": "No last name"}  # type: ignore[index]
    before = len(org.query("SELECT Id FROM Account"))
    parts = org.post("/composite", body).json()["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [400, 400, 400]
    assert parts[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert len(org.query("SELECT Id FROM Account")) == before


# Fields and who may see them --------------------------------------------------------------------------------------


def test_a_new_field_is_invisible_until_it_is_granted(org: Org) -> None:
    metadata = {
        "type": "Number",
        "label": "Score",
        "precision": 6,
        "scale": 1,
        "trackHistory": True,
        "description": "d",
    }
    made = org.post("/tooling/sobjects/CustomField", {"FullName": "Lead.Score__c", "Metadata": metadata})
    assert (made.status_code, made.json()["success"]) == (201, True)
    record = lead(org)
    assert "Score__c" not in {field["name"] for field in org.get("/sobjects/Lead/describe").json()["fields"]}
    assert org.refused("SELECT Score__c FROM Lead")["errorCode"] == "INVALID_FIELD"
    assert error(org.patch(f"/sobjects/Lead/{record}", {"Score__c": 1}))[:2] == (400, "INVALID_FIELD")
    held = org.create("PermissionSet", Name="Leadhouse", Label="Leadhouse")
    grant = {"ParentId": held, "SobjectType": "Lead", "Field": "Lead.Score__c"}
    granted = org.create("FieldPermissions", PermissionsRead=True, **grant)
    assert org.refused("SELECT Score__c FROM Lead")["errorCode"] == "INVALID_FIELD"
    user = org.http.get("/services/oauth2/userinfo").json()["user_id"]
    org.create("PermissionSetAssignment", PermissionSetId=held, AssigneeId=user)
    assert org.query(f"SELECT Score__c FROM Lead WHERE Id = '{record}'") == [{"Score__c": None}]
    read_only = org.patch(f"/sobjects/Lead/{record}", {"Score__c": 1})
    assert error(read_only) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Score__c"])
    assert "Score__c" in read_only.json()[0]["message"]
    assert org.patch(f"/sobjects/FieldPermissions/{granted}", {"PermissionsEdit": True}).status_code == 204
    assert org.patch(f"/sobjects/Lead/{record}", {"Score__c": 71.25}).status_code == 204
    assert org.query("SELECT Score__c FROM Lead WHERE Score__c > 70") == [{"Score__c": 71.2}]
    history = org.query("SELECT OldValue, NewValue FROM LeadHistory WHERE Field = 'Score__c'")
    assert history == [{"OldValue": None, "NewValue": "71.2"}]
    assert error(org.post("/sobjects/FieldPermissions", grant))[:2] == (400, "DUPLICATE_VALUE")


def test_definitions_can_be_read_changed_and_deleted(org: Org) -> None:
    metadata = {"type": "Picklist", "label": "Tier", "valueSet": {
        "restricted": True, "valueSetDefinition": {"value": [{"valueName": "A"}, {"fullName": "B"}]}}}  # fmt: skip
    field_id = org.post("/tooling/sobjects/CustomField", {"FullName": "Account.Tier__c", "Metadata": metadata}).json()[
        "id"
    ]
    soql = "SELECT DeveloperName FROM CustomField WHERE TableEnumOrId = 'Account' AND DeveloperName = 'Tier'"
    assert org.get("/tooling/query", params={"q": soql}).json()["totalSize"] == 1
    read = org.get(f"/tooling/sobjects/CustomField/{field_id}").json()
    assert (read["FullName"], read["Metadata"]["type"]) == ("Account.Tier__c", "Picklist")
    org.sandbox("/field-security", {"object": "Account", "field": "Tier__c"})
    refused = org.post("/sobjects/Account", {"Name": "Tiered", "Tier__c": "C"})
    assert error(refused) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Tier__c"])
    more = {"valueSet": {"restricted": True, "valueSetDefinition": {"value": [{"valueName": "C"}]}}}
    assert org.patch(f"/tooling/sobjects/CustomField/{field_id}", {"Metadata": more}).status_code == 204
    assert org.post("/sobjects/Account", {"Name": "Tiered", "Tier__c": "C"}).status_code == 201
    definition = org.query(
        "SELECT DataType FROM FieldDefinition WHERE EntityDefinitionId = 'Account' AND QualifiedApiName = 'Tier__c'"
    )
    assert definition == [{"DataType": "Picklist"}]
    assert org.http.delete(f"{BASE}/tooling/sobjects/CustomField/{field_id}").status_code == 204
    assert org.refused("SELECT Tier__c FROM Account")["errorCode"] == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("name", "metadata", "code"),
    [
        ("Lead.External_Id__c", {"type": "Text", "label": "X", "length": 5}, "DUPLICATE_DEVELOPER_NAME"),
        ("Lead.X__c", {"type": "Text", "label": "X"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Lead.X__c", {"type": "Text", "label": "X", "length": 256}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Lead.X__c", {"type": "Number", "label": "X", "precision": 19, "scale": 2}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Lead.X__c", {"type": "Text", "length": 5}, "REQUIRED_FIELD_MISSING"),
        ("Lead.X__c", {"type": "Poem", "label": "X"}, "INVALID_FIELD"),
        ("Lead.X__c", {"type": "Checkbox", "label": "X"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Lead._X__c", {"type": "Date", "label": "X"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Nobody.X__c", {"type": "Date", "label": "X"}, "INVALID_CROSS_REFERENCE_KEY"),
        ("Profile.X__c", {"type": "Date", "label": "X"}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_fields_that_cannot_be_made(org: Org, name: str, metadata: dict[str, Any], code: str) -> None:
    assert error(org.post("/tooling/sobjects/CustomField", {"FullName": name, "Metadata": metadata}))[:2] == (400, code)


# What follows from a write ----------------------------------------------------------------------------------------


def test_history_tells_who_changed_what(org: Org) -> None:
    record = lead(org, Title="CMO")
    org.patch(f"/sobjects/Lead/{record}", {"Title": "CEO", "Description": "not tracked"})
    person = org.query("SELECT Id FROM User WHERE External_Id__c = '71'")[0]["Id"]
    org.sandbox(f"/objects/Lead/{record}", {"fields": {"Title": "CTO"}, "user_id": person}, "PATCH")
    rows = org.query(
        f"SELECT Field, OldValue, NewValue, CreatedById, CreatedBy.Name FROM LeadHistory WHERE LeadId = '{record}' "
        "ORDER BY CreatedDate, Id"
    )
    api = org.http.get("/services/oauth2/userinfo").json()["user_id"]
    assert [(row["Field"], row["OldValue"], row["NewValue"], row["CreatedById"]) for row in rows] == [
        ("created", None, None, api), ("Title", "CMO", "CEO", api), ("Title", "CEO", "CTO", person)
    ]  # fmt: skip
    assert rows[-1]["CreatedBy"]["Name"] == "Ana Silva"
    (found,) = org.query(f"SELECT LastModifiedById, LastModifiedDate, CreatedDate FROM Lead WHERE Id = '{record}'")
    assert found["LastModifiedById"] == person
    assert found["LastModifiedDate"] >= found["CreatedDate"]


def test_campaign_members(org: Org) -> None:
    campaign = org.create("Campaign", Name="Webinar")
    contact, person = org.create("Contact", LastName="Member"), lead(org)
    first = org.create("CampaignMember", CampaignId=campaign, LeadId=person)
    org.create("CampaignMember", CampaignId=campaign, ContactId=contact, Status="Responded")
    again = org.post("/sobjects/CampaignMember", {"CampaignId": campaign, "LeadId": person})
    assert error(again)[:2] == (400, "DUPLICATE_VALUE")
    both = org.post("/sobjects/CampaignMember", {"CampaignId": campaign, "LeadId": person, "ContactId": contact})
    assert error(both)[:2] == (400, "FIELD_INTEGRITY_EXCEPTION")
    soql = f"SELECT NumberOfLeads, NumberOfContacts, NumberOfResponses FROM Campaign WHERE Id = '{campaign}'"
    assert org.query(soql) == [{"NumberOfLeads": 1, "NumberOfContacts": 1, "NumberOfResponses": 1}]
    org.patch(f"/sobjects/CampaignMember/{first}", {"Status": "Responded"})
    assert org.query(soql)[0]["NumberOfResponses"] == 2
    org.http.delete(f"{BASE}/sobjects/Lead/{person}")
    assert org.query(soql)[0]["NumberOfLeads"] == 0


def test_a_converted_lead_is_followed_not_written(org: Org) -> None:
    campaign, person = org.create("Campaign", Name="Before"), lead(org, LastName="Convert", Company="Their company")
    member = org.create("CampaignMember", CampaignId=campaign, LeadId=person)
    task = org.create("Task", Subject="Call", WhoId=person)
    done = org.sandbox(f"/convert-lead/{person}", {"opportunity_name": "A deal"})
    (found,) = org.query(
        "SELECT IsConverted, ConvertedContactId, ConvertedAccount.Name, ConvertedOpportunity.Name FROM Lead "
        f"WHERE Id = '{person}'"
    )
    assert found == {
        "IsConverted": True,
        "ConvertedContactId": done["contact"],
        "ConvertedAccount": {"Name": "Their company"},
        "ConvertedOpportunity": {"Name": "A deal"},
    }
    assert org.query(f"SELECT WhoId FROM Task WHERE Id = '{task}'") == [{"WhoId": done["contact"]}]
    assert org.query(f"SELECT ContactId, LeadId FROM CampaignMember WHERE Id = '{member}'") == [
        {"ContactId": done["contact"], "LeadId": person}
    ]
    assert error(org.patch(f"/sobjects/Lead/{person}", {"Title": "x"}))[:2] == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    other = org.create("Campaign", Name="After")
    refused = org.post("/sobjects/CampaignMember", {"CampaignId": other, "LeadId": person})
    assert error(refused)[:2] == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    assert org.http.post(f"/sandbox/convert-lead/{person}").status_code == 400


def test_merged_records_name_their_survivor(org: Org) -> None:
    survivor, loser = org.create("Contact", LastName="Kept"), org.create("Contact", LastName="Merged")
    task = org.create("Task", Subject="Call", WhoId=loser)
    org.sandbox("/merge", {"object": "Contact", "survivor": survivor, "losers": [loser]})
    assert org.query(f"SELECT IsDeleted, MasterRecordId FROM Contact WHERE Id = '{loser}'", deleted=True) == [
        {"IsDeleted": True, "MasterRecordId": survivor}
    ]
    assert org.query(f"SELECT WhoId FROM Task WHERE Id = '{task}'") == [{"WhoId": survivor}]
    assert (
        org.http.post("/sandbox/merge", json={"object": "Contact", "survivor": survivor, "losers": [loser]}).status_code
        == 404
    )


def test_a_task_names_whom_it_is_about(org: Org) -> None:
    contact = org.create("Contact", LastName="Who")
    task = org.create("Task", Subject="Call", WhoId=contact, Status="Completed")
    (found,) = org.query(f"SELECT Who.Name, Who.Type, IsClosed, CompletedDateTime FROM Task WHERE Id = '{task}'")
    assert found["Who"] == {"Name": "Who", "Type": "Contact"}
    assert found["IsClosed"] is True
    assert found["CompletedDateTime"]
    relations = org.query(f"SELECT RelationId, IsWhat FROM TaskRelation WHERE TaskId = '{task}'")
    assert relations == [{"RelationId": contact, "IsWhat": False}]


def test_records_that_fail_on_demand(org: Org) -> None:
    first, second = lead(org), lead(org)
    org.sandbox("/faults", [{"kind": "record", "ids": [first], "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                             "message": "No titles here", "fields": ["Title"], "times": 1}])  # fmt: skip
    body = collection({"Id": first, "Title": "x"}, {"Id": second, "Title": "x"})
    refused, written = org.patch("/composite/sobjects", body).json()
    assert refused["errors"] == [
        {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No titles here", "fields": ["Title"]}
    ]
    assert written["success"] is True
    assert [item["success"] for item in org.patch("/composite/sobjects", body).json()] == [True, True]
