"""The HubSpot connector against the sandbox: definitions, required properties, merges, associations, erasure, opt-outs.

Faults are the fault matrix's (``test_fault_matrix_hubspot.py``); here everything answers as it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from writeback_portal import Portal, Project
from writeback_worlds import CONTACTS_SYNC

from crm_access import CrmAccess
from reverse_etl.connectors import crm_type
from reverse_etl.connectors.base import Link, RowWrite
from reverse_etl.connectors.hubspot import HubSpotConnector
from reverse_etl.errors import AmbiguousOutcomeError, ConnectorError
from reverse_etl.manifest import FieldSpec, GroupSpec, OptionSpec

GROUP = GroupSpec(name="leadhouse", label="Leadhouse")


@pytest.fixture
def connector(portal: Portal) -> Iterator[HubSpotConnector]:
    access = CrmAccess("hubspot", portal.url, {"token": portal.token}, burst_limit=100_000)
    opened = crm_type("hubspot").open(access)
    assert isinstance(opened, HubSpotConnector)
    yield opened
    opened.close()


@pytest.fixture
def require(portal: Portal) -> Iterator[Callable[..., None]]:
    """Makes properties required, until the test ends."""
    yield lambda object_type, **rules: portal.call("PUT", f"/sandbox/required/{object_type}", rules)
    for object_type in ("contacts", "companies"):
        portal.call("PUT", f"/sandbox/required/{object_type}", {})


def field(name: str, **values: Any) -> FieldSpec:
    given = {"column": name, "property": name, "label": name.title(), "type": "string", "field_type": "text"}
    return FieldSpec(**{**given, **values})


def definition(portal: Portal, object_type: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = portal.call("GET", f"/crm/v3/properties/{object_type}/{name}")
    return found


# -- properties ------------------------------------------------------------------------------------------------------


def test_properties_say_what_the_yaml_says(connector: HubSpotConnector, portal: Portal) -> None:
    tier = field(
        "drift_tier", type="enumeration", field_type="select", options=("big", "small"), description="How big it is"
    )
    fields = [field("drift_text", description="Words"), tier, field("drift_flag", type="bool",
              field_type="booleancheckbox"), field("drift_key", unique=True)]  # fmt: skip
    assert connector.ensure_properties("deals", GROUP, fields) == [f.property for f in fields]
    made = definition(portal, "deals", "drift_tier")
    assert (made["label"], made["description"], made["groupName"]) == ("Drift_Tier", "How big it is", "leadhouse")
    assert [option["value"] for option in made["options"]] == ["big", "small"]
    assert definition(portal, "deals", "drift_key")["hasUniqueValue"] is True
    portal.call("POST", "/sandbox/reset-stats")
    assert connector.ensure_properties("deals", GROUP, fields) == []
    assert portal.by_path() == {"GET /crm/properties/deals": 1}, "nothing differs, nothing is sent"

    # A person renames it, describes it, adds an option and hides one of ours; our YAML gains an option.
    options = [{"label": "BIG", "value": "big", "hidden": True}, {"label": "small", "value": "small"},
               {"label": "Huge", "value": "huge"}]  # fmt: skip
    change = {"label": "Size", "description": "mine", "options": options}
    portal.call("PATCH", "/crm/v3/properties/deals/drift_tier", change)
    portal.call("PATCH", "/crm/v3/properties/deals/drift_text", {"description": "edited"})
    wanted = tier.model_copy(update={"options": tuple(OptionSpec(value=v, label=v) for v in ("big", "small", "tiny"))})
    assert connector.ensure_properties("deals", GROUP, [field("drift_text"), wanted]) == ["drift_tier"]
    after = definition(portal, "deals", "drift_tier")
    assert (after["label"], after["description"]) == ("Drift_Tier", "How big it is")
    assert [(o["value"], o["label"], o["hidden"]) for o in after["options"]] == [
        ("big", "big", False), ("small", "small", False), ("huge", "Huge", False), ("tiny", "tiny", False),
    ]  # fmt: skip
    assert definition(portal, "deals", "drift_text")["description"] == "edited", "without words of ours people's stay"


def test_a_property_outside_our_group_is_left_as_it_is(connector: HubSpotConnector, portal: Portal) -> None:
    body = {"name": "theirs", "label": "Theirs", "type": "enumeration", "fieldType": "select",
            "groupName": "companyinformation", "options": [{"label": "Yes", "value": "yes"}]}  # fmt: skip
    portal.call("POST", "/crm/v3/properties/companies", body)
    theirs = {"type": "enumeration", "field_type": "select", "label": "Ours now"}
    assert connector.ensure_properties("companies", GROUP, [field("theirs", options=("yes",), **theirs)]) == []
    assert definition(portal, "companies", "theirs")["label"] == "Theirs"
    with pytest.raises(ConnectorError, match=r"has no option maybe and is not in our group 'leadhouse'"):
        connector.ensure_properties("companies", GROUP, [field("theirs", options=("yes", "maybe"), **theirs)])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (field("amount", policy="fill_empty"), "exists in HubSpot as number, the sync says string: rename ours, or"),
        (field("dealname"), "is HubSpot's own, so policy 'ours' would overwrite what people enter: use fill_empty"),
        (
            field("hs_is_closed", type="bool", policy="fill_empty"),
            "is filled by HubSpot itself and cannot be written: remove it from the sync",
        ),
        (field("dealname", policy="fill_empty", unique=True), "without unique values"),
        (field("no_such", standard=True), "HubSpot has no property 'no_such' of deals, which the sync says"),
    ],
)
def test_a_property_that_cannot_be_ours_is_told(connector: HubSpotConnector, wanted: FieldSpec, message: str) -> None:
    with pytest.raises(ConnectorError, match=message):
        connector.ensure_properties("deals", GROUP, [wanted])


# -- matching, creating ----------------------------------------------------------------------------------------------


def test_companies_are_matched_by_a_unique_property_of_ours(connector: HubSpotConnector, portal: Portal) -> None:
    """HubSpot does not keep a company's domain unique: it cannot be looked up by it."""
    connector.ensure_properties("companies", GROUP, [field("leadhouse_account_id", unique=True)])
    new = [
        RowWrite(f"m:{i}", None, {"name": f"Matched {i}", "leadhouse_account_id": f"acc-{i}", "domain": "m.example"})
        for i in range(3)
    ]
    made = connector.create("companies", new)
    assert [outcome.error_kind for outcome in made] == [None] * 3
    found = connector.lookup("companies", "leadhouse_account_id", ["acc-0", "acc-2", "acc-9"], ["name"])
    assert {value: record.record_id for value, record in found.items()} == {
        "acc-0": made[0].record_id, "acc-2": made[2].record_id,
    }  # fmt: skip
    again = connector.create("companies", new[:1])
    assert again[0].error_kind == "conflict", "somebody else's record with our key is to be looked up, not refused"
    assert "already has that value" in str(again[0].error_message)
    with pytest.raises(ConnectorError, match=r"cannot be looked up by domain: .*match by email, or by a"):
        connector.lookup("companies", "domain", ["m.example"], [])


def test_required_properties_are_asked_about_once(
    connector: HubSpotConnector, portal: Portal, require: Callable[..., None]
) -> None:
    require("contacts", on_create=["phone", "jobtitle"])
    new = [RowWrite(f"r:{i}", None, {"email": f"req{i}@x.example"}) for i in range(150)]
    new[3] = RowWrite("r:3", None, {"email": "req3@x.example", "phone": "1", "jobtitle": "CFO"})
    outcomes = connector.create("contacts", new[:100]) + connector.create("contacts", new[100:])
    assert [o.ref for o in outcomes if o.is_written] == ["r:3"]
    assert {o.error_kind for o in outcomes if not o.is_written} == {"validation"}
    refused = str(outcomes[149].error_message)
    assert "requires phone, jobtitle of new contacts and the sync sends none: Error creating CONTACT" in refused
    assert portal.by_path() == {
        "GET /crm/schemas/contacts": 1,
        "POST /crm/objects/contacts/batch/create": 2,
    }, "the schema, one row that asks, the one good row"


def test_what_the_schema_only_claims_to_require_is_sent(connector: HubSpotConnector, portal: Portal) -> None:
    """A schema may call required what creates are not refused for: the rule is believed when it is enforced."""
    connector._required["companies"] = ("name",)
    new = [RowWrite(f"c:{i}", None, {"domain": f"claim{i}.example"}) for i in range(3)]
    assert all(outcome.is_written for outcome in connector.create("companies", new))
    assert portal.by_path() == {"POST /crm/objects/companies/batch/create": 2}


def test_a_rule_that_an_update_breaks_names_the_property(
    connector: HubSpotConnector, portal: Portal, require: Callable[..., None]
) -> None:
    ids = portal.create("contacts", [{"email": f"cond{i}@x.example"} for i in range(3)])
    portal.call("PATCH", f"/crm/v3/objects/contacts/{ids[1]}", {"properties": {"phone": "1"}})
    require("contacts", conditional=[{"when": {"lifecyclestage": "customer"}, "require": "phone"}])
    rows = [RowWrite(f"u:{i}", id_, {"lifecyclestage": "customer"}) for i, id_ in enumerate(ids)]
    outcomes = connector.update("contacts", rows)
    assert [outcome.error_kind for outcome in outcomes] == ["validation", None, "validation"]
    assert str(outcomes[0].error_message).endswith("Some required properties were not set. (phone)")


# -- merges ----------------------------------------------------------------------------------------------------------


def merge(portal: Portal, survivor: str, merged: str) -> None:
    portal.call("POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": survivor, "objectIdToMerge": merged})


def test_a_merged_record_is_followed_and_its_survivor_keeps_its_own_values(
    connector: HubSpotConnector, portal: Portal
) -> None:
    ids = portal.create("contacts", [{"email": f"merge{i}@x.example"} for i in range(6)])
    merge(portal, ids[0], ids[1])
    merge(portal, ids[2], ids[3])
    merge(portal, ids[2], ids[4])
    rows = [RowWrite(f"m:{i}", id_, {"city": f"city {i}"}) for i, id_ in enumerate(ids) if i != 2]
    outcomes = {outcome.ref: outcome for outcome in connector.update("contacts", rows)}
    assert (outcomes["m:0"].record_id, outcomes["m:0"].is_written) == (ids[0], True)
    assert (outcomes["m:1"].record_id, outcomes["m:1"].error_kind) == (ids[0], "conflict")
    assert f"record {ids[1]} was merged into {ids[0]}, which another row" in str(outcomes["m:1"].error_message)
    assert portal.held("contacts", ids[0])["city"] == "city 0", "the survivor's own row wins"
    # Nobody speaks for the second survivor itself: the first of the rows does, by the survivor's id.
    assert (outcomes["m:3"].record_id, outcomes["m:3"].is_written) == (ids[2], True)
    assert (outcomes["m:4"].record_id, outcomes["m:4"].error_kind) == (ids[2], "conflict")
    assert portal.held("contacts", ids[2])["city"] == "city 3"
    assert outcomes["m:5"].is_written


# -- associations, erasure, opt-outs ---------------------------------------------------------------------------------


def test_associations_are_added_pair_by_pair(connector: HubSpotConnector, portal: Portal) -> None:
    people = portal.create("contacts", [{"email": f"assoc{i}@x.example"} for i in range(5)])
    firm = portal.create("companies", [{"name": "Assoc"}])[0]
    merge(portal, people[0], people[1])
    links = [Link(f"l:{i}", person, firm) for i, person in enumerate([*people, "999999999"])]
    portal.call("POST", "/sandbox/reset-stats")
    outcomes = connector.associate("contacts", "companies", links)
    assert [outcome.error_kind for outcome in outcomes] == [None] * 5 + ["missing"]
    assert "999999999" in str(outcomes[5].error_message)
    assert portal.requests() == 3, "the batch, the merged contact alone, the unknown one alone"
    held = portal.held("contacts", people[4])
    assert held["associatedcompanyid"] == firm, "the first company is the primary one"
    assert all(o.is_written for o in connector.associate("contacts", "companies", links[:5])), "there already"


def test_erasure_leaves_nothing_and_repeats(connector: HubSpotConnector, portal: Portal) -> None:
    person = portal.create("contacts", [{"email": "erase-me@x.example"}])[0]
    rows = [RowWrite("e:1", person, {}), RowWrite("e:2", "888888888", {})]
    assert [outcome.is_written for outcome in connector.delete("contacts", rows)] == [True, True]
    assert [outcome.is_written for outcome in connector.delete("contacts", rows)] == [True, True]
    with pytest.raises(requests.HTTPError, match="404"):
        portal.held("contacts", person)
    refused = connector.create("contacts", [RowWrite("e:3", None, {"email": "Erase-Me@x.example"})])[0]
    assert refused.error_kind == "validation"
    assert "blocked" in str(refused.error_message)
    firms = portal.create("companies", [{"name": f"Bin {i}"} for i in range(3)])
    gone = connector.delete("companies", [RowWrite(f"b:{i}", firm, {}) for i, firm in enumerate(firms)])
    assert [outcome.is_written for outcome in gone] == [True] * 3
    archived = {r["id"] for r in portal.call("GET", "/crm/v3/objects/companies?archived=true&limit=100")["results"]}
    assert set(firms) <= archived, "other objects can only be put in the bin"


def test_opt_outs_of_a_while(connector: HubSpotConnector, portal: Portal) -> None:
    people = portal.create("contacts", [{"email": f"out{i}@x.example"} for i in range(250)])
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
    for person in [people[0], *people[20:]]:
        portal.call("PATCH", f"/sandbox/objects/contacts/{person}", {"properties": {"hs_email_optout": "true"}})
    found = connector.opted_out_since("contacts", before)
    assert found & set(people) == {people[0], *people[20:]}, "more than a page of 200"
    assert connector.opted_out_since("contacts", before + timedelta(hours=1)) == set()
    assert connector.opted_out_since("companies", before) == set()


# -- lists -----------------------------------------------------------------------------------------------------------


def test_lists_that_people_changed(connector: HubSpotConnector, portal: Portal) -> None:
    people = portal.create("contacts", [{"email": f"list{i}@x.example"} for i in range(3)])
    list_id, is_made = connector.ensure_list("contacts", "Connector: list / 100 %")
    assert is_made
    assert connector.ensure_list("contacts", "Connector: list / 100 %") == (list_id, False)
    assert connector.change_members("contacts", list_id, [*people, "777777777"], []) == {
        "777777777": "the record is not in the CRM"
    }
    # Somebody deletes it and makes an active list of the same name.
    portal.call("DELETE", f"/crm/v3/lists/{list_id}")
    body = {"name": "Connector: list / 100 %", "objectTypeId": "0-1", "processingType": "DYNAMIC"}
    active = portal.call("POST", "/crm/v3/lists", {**body, "filterBranch": {"filterBranchType": "OR"}})["list"]
    with pytest.raises(ConnectorError, match="is an active list that HubSpot fills by its own filters: rename it, or"):
        connector.ensure_list("contacts", "Connector: list / 100 %")
    with pytest.raises(ConnectorError, match="'Connector: list / 100 %' is an active list"):
        connector.change_members("contacts", active["listId"], people, [])
    # The name of a list of another object is taken, too.
    connector.ensure_list("companies", "Connector: firms")
    with pytest.raises(ConnectorError, match="refused to make list 'Connector: firms': A list named"):
        connector.ensure_list("contacts", "Connector: firms")


# -- answers ---------------------------------------------------------------------------------------------------------


def test_a_create_that_is_answered_in_part_is_looked_up(connector: HubSpotConnector, portal: Portal) -> None:
    new = [RowWrite(f"p:{i}", None, {"email": f"part{i}@x.example"}) for i in range(3)]
    portal.fault(path="batch/create$", effect="short")
    with pytest.raises(AmbiguousOutcomeError, match="says nothing of 1 of 3 records"):
        connector.create("contacts", new)
    portal.fault(path="batch/create$", effect="garble")
    with pytest.raises(AmbiguousOutcomeError, match="without a readable body"):
        connector.create("contacts", [RowWrite("p:4", None, {"email": "part4@x.example"})])
    emails = [f"part{i}@x.example" for i in range(5)]
    assert len(connector.lookup("contacts", "email", emails, [])) == 4


def test_one_value_that_is_none_does_not_hide_the_others(connector: HubSpotConnector, portal: Portal) -> None:
    portal.create("contacts", [{"email": f"look{i}@x.example"} for i in range(10)])
    portal.fault(path="batch/read$", status=400, times=100, body="look7@")
    found = connector.lookup("contacts", "email", [f"Look{i}@x.example" for i in range(10)], [])
    assert sorted(found) == sorted(f"look{i}@x.example" for i in range(10) if i != 7)


def test_two_rows_on_one_survivor_come_to_rest(project: Project, portal: Portal) -> None:
    """A merge that nobody has read yet: the merged row's values reach the survivor once, then its own row has its way,
    and neither is sent again."""
    ids = portal.create("contacts", [{"email": f"rest{i}@x.example"} for i in range(2)])
    rows = [
        {"sync_key": f"rest{i}", "record_id": id_, "email": f"rest{i}@x.example", "is_opted_out": False,
         "lead_grade": grade} for i, (id_, grade) in enumerate(zip(ids, "AB", strict=True))
    ]  # fmt: skip
    observed = {ids[0]: {"email": "rest0@x.example", "leadhouse_grade": "A"}, ids[1]: {"email": "rest1@x.example"}}
    project.publish(meta={"sync_contacts": {"sync": CONTACTS_SYNC}}, contacts=rows, observed_contacts=observed)
    merge(portal, ids[0], ids[1])
    first = project.plan()
    assert first.updates == 1
    assert project.apply(first).written == 1
    with project.store() as store:
        assert {row["record_id"] for row in store.write_rows() if row["action"] == "update"} == {ids[0]}, "the survivor"
    second = project.plan()
    assert second.updates == 1
    project.apply(second)
    assert portal.held("contacts", ids[0])["leadhouse_grade"] == "A"
    assert project.plan().changes == 0
