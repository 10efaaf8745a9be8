"""The vendor's own clients read, write, search and page the sandbox without an error.

``hubspot-sdk`` validates every answer against its schema (strict) and calls dated paths; ``hubspot-api-client`` calls
the v3/v4 paths.
"""

from __future__ import annotations

from collections.abc import Iterator

import hubspot
import hubspot.crm.associations.v4 as v4
import hubspot.crm.contacts as v3_contacts
import hubspot.crm.lists as v3_lists
import hubspot.crm.properties as v3_properties
import hubspot_sdk
import pytest
from sandbox_harness import UNLIMITED, Sandbox, running


@pytest.fixture(scope="module")
def server(tiny_world) -> Iterator[Sandbox]:
    with running("--world", str(tiny_world), *UNLIMITED) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def sdk(server: Sandbox) -> hubspot_sdk.HubSpot:
    return hubspot_sdk.HubSpot(
        access_token=server.token, base_url=server.url, max_retries=0, _strict_response_validation=True
    )


@pytest.fixture(scope="module")
def legacy(server: Sandbox) -> hubspot.HubSpot:
    return hubspot.HubSpot(access_token=server.token, host=server.url)


# hubspot-sdk ------------------------------------------------------------------------------------------------------


def test_sdk_pages_every_object(sdk: hubspot_sdk.HubSpot) -> None:
    objects = sdk.crm.objects
    contacts = list(objects.contacts.list(limit=50, properties=["email", "jobtitle"], associations=["companies"]))
    assert len(contacts) == 119
    assert contacts[0].associations is not None
    assert {link.type for link in contacts[0].associations["companies"].results} == {
        "contact_to_company",
        "contact_to_company_unlabeled",
    }
    assert len(list(objects.contacts.list(limit=50, archived=True))) == 1
    counts = {name: len(list(getattr(objects, name).list(limit=100))) for name in ("companies", "deals", "calls")}
    assert counts == {"companies": 3, "deals": 2, "calls": 2}
    for name in ("meetings", "emails", "tasks", "notes"):
        assert list(getattr(objects, name).list()) == []
    assert len(list(objects.generic_objects.list("0-1", limit=100))) == 119


def test_sdk_reads_history(sdk: hubspot_sdk.HubSpot) -> None:
    deal = sdk.crm.objects.deals.get("3001", properties_with_history=["dealstage"])
    assert deal.properties_with_history is not None
    history = deal.properties_with_history["dealstage"]
    assert [entry.value for entry in history] == ["qualifiedtobuy", "appointmentscheduled"]
    assert history[0].source_type == "CRM_UI"
    assert history[0].updated_by_user_id == 9001


def test_sdk_writes_one_and_many(sdk: hubspot_sdk.HubSpot) -> None:
    contacts = sdk.crm.objects.contacts
    made = contacts.create(properties={"email": "Sdk@New.example"}, associations=[])
    assert made.properties["email"] == "sdk@new.example"
    contacts.update(made.id, properties={"firstname": "Rita"})
    found = contacts.get("sdk@new.example", id_property="email", properties=["firstname"])
    assert (found.id, found.properties["firstname"]) == (made.id, "Rita")
    many = contacts.batch.create(
        inputs=[{"properties": {"email": f"sdk{n}@new.example"}, "associations": []} for n in range(3)]
    )
    ids = [one.id for one in many.results]
    changed = contacts.batch.update(inputs=[{"id": id_, "properties": {"lastname": "Lima"}} for id_ in ids])
    assert [one.properties["lastname"] for one in changed.results] == ["Lima"] * 3
    read = contacts.batch.get(
        inputs=[{"id": id_} for id_ in ids], properties=["lastname"], properties_with_history=["lastname"]
    )
    assert len(read.results) == 3
    contacts.batch.delete(inputs=[{"id": id_} for id_ in ids])
    with pytest.raises(hubspot_sdk.NotFoundError):
        contacts.get(ids[0])


def test_sdk_upserts_by_a_unique_property(sdk: hubspot_sdk.HubSpot) -> None:
    sdk.crm.properties.create(
        "contacts", name="sdk_key", label="Key", type="string", field_type="text",
        group_name="contactinformation", has_unique_value=True,
    )  # fmt: skip
    inputs = [{"id": "k-1", "id_property": "sdk_key", "properties": {"email": "k1@new.example", "sdk_key": "k-1"}}]
    first = sdk.crm.objects.contacts.batch.upsert(inputs=inputs)
    second = sdk.crm.objects.contacts.batch.upsert(inputs=inputs)
    assert (first.results[0].new, second.results[0].new) == (True, False)
    assert first.results[0].id == second.results[0].id


def test_sdk_searches(sdk: hubspot_sdk.HubSpot) -> None:
    found = sdk.crm.objects.contacts.search(
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "EQ", "value": "Person7@mail.example"}]}],
        sorts=["-createdate"], limit=10, after="", properties=["email"],
    )  # fmt: skip
    assert (found.total, found.results[0].id) == (1, "1007")


def test_sdk_merges(sdk: hubspot_sdk.HubSpot) -> None:
    merged = sdk.crm.objects.contacts.merge(primary_object_id="1020", object_id_to_merge="1021")
    assert merged.id == "1020"
    assert sdk.crm.objects.contacts.get("1021").id == "1020"


def test_sdk_properties_and_groups(sdk: hubspot_sdk.HubSpot) -> None:
    properties = sdk.crm.properties
    group = properties.groups.create("companies", name="sdk_group", label="Group")
    made = properties.batch.create(
        "companies",
        inputs=[{"name": "sdk_n", "label": "N", "type": "number", "field_type": "number", "group_name": group.name}],
    )
    assert made.results[0].group_name == "sdk_group"
    assert properties.get("sdk_n", object_type="companies").hubspot_defined is False
    assert properties.update("sdk_n", object_type="companies", label="Number").label == "Number"
    options = [{"label": "One", "value": "1", "hidden": False, "displayOrder": 0}]
    tier = properties.create(
        "companies", name="sdk_tier", label="Tier", type="enumeration", field_type="select",
        group_name=group.name, options=options,
    )  # fmt: skip
    options.append({"label": "Two", "value": "2", "hidden": False, "displayOrder": 1})
    changed = properties.update(tier.name, object_type="companies", options=options, description="How big")
    assert ([one.value for one in changed.options], changed.description) == (["1", "2"], "How big")
    with pytest.raises(hubspot_sdk.BadRequestError, match="its label cannot be changed"):
        properties.update("domain", object_type="companies", label="Ours now")
    properties.delete(tier.name, object_type="companies")
    names = {one.name for one in properties.list("companies").results}
    assert {"sdk_n", "domain", "naf"} <= names
    read = properties.batch.get(
        "companies", archived=False, data_sensitivity="non_sensitive", inputs=[{"name": "domain"}]
    )
    assert read.results[0].name == "domain"
    properties.delete("sdk_n", object_type="companies")
    assert len(properties.groups.list("companies").results) == 2


def test_sdk_associations(sdk: hubspot_sdk.HubSpot) -> None:
    associations = sdk.crm.associations
    associations.create("2002", from_object_type="contacts", from_object_id="1030", to_object_type="companies")
    linked = list(associations.list("companies", object_type="contacts", object_id="1030"))
    assert [(one.to_object_id, sorted(t.type_id for t in one.association_types)) for one in linked] == [
        ("2002", [1, 279])
    ]
    batch = associations.batch.get("companies", from_object_type="contacts", inputs=[{"id": "1030"}])
    assert batch.results[0].to[0].to_object_id == "2002"
    associations.batch.create(
        "companies",
        from_object_type="contacts",
        inputs=[
            {
                "from": {"id": "1030"},
                "to": {"id": "2003"},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}],
            }
        ],
    )
    contact = sdk.crm.objects.contacts.get("1030", properties=["associatedcompanyid"])
    assert contact.properties["associatedcompanyid"] == "2003"
    labels = sdk.crm.associations_schema.labels.list_labels("companies", from_object_type="contacts")
    assert {one.type_id for one in labels.results} == {1, 279}
    pair = {"from": {"id": "1030"}, "to": [{"id": "2002"}, {"id": "2003"}]}
    default = associations.batch.create_default(
        "companies",
        from_object_type="contacts",
        inputs=[{"from": {"id": "1031"}, "to": {"id": "2001"}}, {"from": {"id": "77"}, "to": {"id": "2001"}}],
    )
    assert {(one.from_.id, one.to.id) for one in default.results} == {("1031", "2001"), ("2001", "1031")}
    assert default.errors is not None
    assert default.errors[0].context == {"ids": ["77"]}
    associations.batch.delete("companies", from_object_type="contacts", inputs=[pair])
    assert list(associations.list("companies", object_type="contacts", object_id="1030")) == []


def test_sdk_erases_for_good(sdk: hubspot_sdk.HubSpot) -> None:
    contacts = sdk.crm.objects.contacts
    contacts.gdpr_delete(object_id="1060")
    with pytest.raises(hubspot_sdk.NotFoundError):
        contacts.get("1060", archived=True)
    contacts.gdpr_delete(object_id="nobody@erased.example", id_property="email")
    for email in ("person60@mail.example", "NOBODY@erased.example"):
        with pytest.raises(hubspot_sdk.BadRequestError, match="blocked from being used again"):
            contacts.create(properties={"email": email}, associations=[])


def test_sdk_meets_required_properties(sdk: hubspot_sdk.HubSpot, server: Sandbox) -> None:
    """Enforced from version 2026-09 on; the SDK calls an earlier one."""
    rules = {"on_create": ["phone"], "conditional": [{"when": {"lifecyclestage": "customer"}, "require": "jobtitle"}]}
    with server.client() as api:
        api.put("/sandbox/required/contacts", json=rules)
        assert sdk.crm.object_schemas.get("contacts").required_properties == ["phone"]
        sdk.crm.objects.contacts.create(properties={"email": "old@rules.example"}, associations=[])
        now = "/crm/objects/2026-09/contacts"
        refused = api.post(now, json={"properties": {"email": "new@rules.example"}})
        assert refused.status_code == 400
        assert refused.json()["category"] == "VALIDATION_ERROR"
        assert refused.json()["context"] == {"properties": ["phone"]}
        inputs = [
            {"properties": {"email": "a@rules.example", "phone": "1"}, "associations": [], "objectWriteTraceId": "a"},
            {"properties": {"email": "b@rules.example"}, "associations": [], "objectWriteTraceId": "b"},
        ]
        many = api.post(f"{now}/batch/create", json={"inputs": inputs}).json()
        assert (len(many["results"]), many["errors"][0]["context"]["objectWriteTraceId"]) == (1, ["b"])
        made = many["results"][0]["id"]
        assert api.patch(f"{now}/{made}", json={"properties": {"phone": ""}}).status_code == 400
        stage = {"lifecyclestage": "customer"}
        assert api.patch(f"{now}/{made}", json={"properties": stage}).status_code == 400
        assert api.patch(f"{now}/{made}", json={"properties": {**stage, "jobtitle": "CFO"}}).status_code == 200
        api.put("/sandbox/required/contacts", json={})
        assert api.post(now, json={"properties": {"email": "new@rules.example"}}).status_code == 201


def test_sdk_lists(sdk: hubspot_sdk.HubSpot) -> None:
    lists = sdk.crm.lists
    made = lists.create(name="Sdk list", object_type_id="0-1", processing_type="MANUAL").list
    changed = lists.add_and_remove_memberships(
        made.list_id, record_ids_to_add=["1040", "1041", "77"], record_ids_to_remove=[]
    )
    assert changed.records_ids_added == ["1040", "1041"]
    assert changed.record_ids_missing == ["77"]
    assert [one.record_id for one in lists.list_memberships(made.list_id, limit=1)] == ["1040", "1041"]
    assert lists.get(made.list_id).list.size == 2
    assert lists.get_by_object_type_and_name("Sdk list", object_type_id="0-1").list.list_id == made.list_id
    assert lists.list(list_ids=[made.list_id]).lists[0].name == "Sdk list"
    found = lists.list_by_search(list_ids=[], offset=0, processing_types=["MANUAL"], query="sdk")
    assert found.total == 1
    assert lists.get_record_memberships("1040", object_type_id="0-1").results[0].list_id == made.list_id
    read = lists.batch_read_memberships(inputs=[{"objectTypeId": "0-1", "recordId": "1040"}])
    assert read.results[0].record_list_memberships[0].list_id == made.list_id
    assert lists.delete_memberships(made.list_id) is None
    lists.delete(made.list_id)
    with pytest.raises(hubspot_sdk.NotFoundError):
        lists.get(made.list_id)


def test_sdk_portal_settings(sdk: hubspot_sdk.HubSpot) -> None:
    assert [owner.email for owner in sdk.crm.owners.list(limit=1)] == ["ana@us.example"]
    assert [owner.id for owner in sdk.crm.owners.list(archived=True)] == ["72"]
    assert sdk.crm.owners.get("71").user_id == 9001
    pipeline = sdk.crm.pipelines.list("deals").results[0]
    assert [stage.metadata["isClosed"] for stage in pipeline.stages] == ["false", "false", "true", "true"]
    assert len(sdk.crm.pipelines.list_stages("default", object_type="deals").results) == 4
    assert sdk.crm.object_schemas.list().results == []
    assert sdk.crm.object_schemas.get("contacts").object_type_id == "0-1"


# hubspot-api-client -----------------------------------------------------------------------------------------------


def test_legacy_reads_everything(legacy: hubspot.HubSpot) -> None:
    crm = legacy.crm
    assert len(crm.contacts.get_all(properties=["email"])) >= 118
    assert len(crm.companies.get_all()) == 3
    assert len(crm.deals.get_all()) == 2
    assert len(crm.objects.get_all("calls")) == 2
    assert len(crm.owners.get_all()) == 1
    assert len(crm.pipelines.pipelines_api.get_all("deals").results[0].stages) == 4
    assert crm.schemas.core_api.get_by_id("contacts").name == "contact"
    assert len(crm.properties.core_api.get_all("contacts").results) > 20
    assert crm.properties.groups_api.get_all("contacts").results[0].name == "contactinformation"
    page = crm.contacts.basic_api.get_page(limit=2, properties_with_history=["jobtitle"], associations=["companies"])
    assert page.results[0].properties_with_history["jobtitle"][0].value == "Analyst"
    assert page.paging.next.after == page.results[1].id.replace("1002", "1003")


def test_legacy_writes_and_reports_partial_failure(legacy: hubspot.HubSpot) -> None:
    contacts = legacy.crm.contacts
    made = contacts.basic_api.create(
        v3_contacts.SimplePublicObjectInputForCreate(properties={"email": "legacy@new.example"}, associations=[])
    )
    contacts.basic_api.update(made.id, v3_contacts.SimplePublicObjectInput(properties={"city": "Porto"}))
    result = contacts.batch_api.update(
        v3_contacts.BatchInputSimplePublicObjectBatchInput(
            inputs=[
                {"id": made.id, "properties": {"city": "Lisboa"}},
                {"id": "404", "properties": {"city": "Lisboa"}},
            ]
        )
    )
    assert (len(result.results), result.num_errors) == (1, 1)
    assert result.errors[0].context == {"ids": ["404"]}
    created = contacts.batch_api.create(
        {
            "inputs": [
                {"properties": {"email": "l1@new.example"}, "associations": [], "objectWriteTraceId": "a"},
                {"properties": {"email": "legacy@new.example"}, "associations": [], "objectWriteTraceId": "b"},
            ]
        }
    )
    assert created.errors[0].context == {"objectWriteTraceId": ["b"]}
    found = contacts.search_api.do_search(
        v3_contacts.PublicObjectSearchRequest(query="legacy@new", filter_groups=[], sorts=["email"], limit=5)
    )
    assert [one.id for one in found.results] == [made.id]
    contacts.basic_api.archive(made.id)
    with pytest.raises(v3_contacts.exceptions.NotFoundException):
        contacts.basic_api.get_by_id(made.id)


def test_legacy_properties_lists_associations(legacy: hubspot.HubSpot) -> None:
    crm = legacy.crm
    crm.properties.core_api.create(
        "contacts",
        v3_properties.PropertyCreate(
            name="legacy_n", label="n", type="number", field_type="number", group_name="contactinformation"
        ),
    )
    made = crm.lists.lists_api.create(
        v3_lists.ListCreateRequest(object_type_id="0-1", processing_type="MANUAL", name="Legacy list")
    ).list
    changed = crm.lists.memberships_api.add_and_remove(
        made.list_id, v3_lists.MembershipChangeRequest(record_ids_to_add=["1050"], record_ids_to_remove=[])
    )
    assert changed.records_ids_added == ["1050"]
    assert crm.lists.memberships_api.get_page(made.list_id).results[0].record_id == "1050"
    assert crm.lists.lists_api.get_by_name("Legacy list", "0-1").list.list_id == made.list_id
    crm.associations.v4.basic_api.create_default("contacts", "1050", "companies", "2001")
    assert crm.associations.v4.basic_api.get_page("contacts", "1050", "companies").results[0].to_object_id == "2001"
    batch = crm.associations.v4.batch_api.get_page(
        "contacts",
        "companies",
        v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": "1050"}, {"id": "1051"}]),
    )
    assert (len(batch.results), batch.num_errors) == (1, 1)
    old = crm.associations.batch_api.read("contacts", "companies", {"inputs": [{"id": "1050"}]})
    assert {one.type for one in old.results[0].to} == {"contact_to_company", "contact_to_company_unlabeled"}


def test_legacy_forms(legacy: hubspot.HubSpot) -> None:
    form = legacy.marketing.forms.forms_api.get_page().results[0]
    assert [group.fields[0].name for group in form.field_groups] == ["email", "company"]
    assert legacy.marketing.forms.forms_api.get_by_id("f-demo").name == "Demo"
