"""Salesforce over real HTTP: a sandbox org with a small world, and what people do to it between the loads."""

from __future__ import annotations

import json

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from salesforce_org import start_org, stop_org

from crm_access import CrmAccess
from crm_access.salesforce import DATA_PATH, CredentialsRefused, SalesforceSession
from ingestion.erased import turning_away
from ingestion.errors import IngestionError, SourceUnavailable, TokenRefused
from ingestion.salesforce import GROUPS, load_salesforce
from ingestion.salesforce.client import SalesforceClient
from ingestion.salesforce.queries import Query, run
from ingestion.schemas import RAW_TABLES, SALESFORCE_FIELDS, salesforce_column
from privacy import Tombstones

READ = [name for name in SALESFORCE_FIELDS if name != "OpportunityHistory"]


@pytest.fixture(scope="module")
def world_org(small_world):
    """For tests that leave the org's records as they are."""
    org = start_org("--world", small_world)
    yield org
    stop_org(org)


@pytest.fixture
def org_of():
    started = []

    def start(*arguments):
        started.append(start_org(*arguments))
        return started[-1]

    yield start
    for org in started:
        stop_org(org)


def ingest(house, org, **options):
    return load_salesforce(house.path, org.access(), pipelines_dir=house.pipelines_dir, **options)


def loaded(results):
    return {result.entity.removeprefix("raw_salesforce."): result.rows_loaded for result in results}


def notes(results, name):
    return [note for result in results if result.entity == f"raw_salesforce.{name}" for note in result.notes]


def by_id(house, columns, name):
    return {row[0]: row for row in house.rows(f"select {columns} from raw_salesforce.{name}")}


def test_whole_life(house, org_of, small_world):
    org = org_of("--world", small_world)
    # The first load brings everything, the bin included.
    first = ingest(house, org)
    counts = loaded(first)
    assert set(counts) == {name for names in GROUPS.values() for name in names}
    for name in READ:
        theirs = {row["Id"] for row in org.rows(f"SELECT Id FROM {name}")}
        assert set(by_id(house, "id", name.lower())) == theirs, name
        assert counts[name.lower()] == len(theirs), name
    assert counts["contact"] > 100
    assert counts["contacthistory"] > 100
    fields = ["Email", "LastName", "AccountId", "HasOptedOutOfEmail", "CreatedDate", "External_Id__c"]
    ours = by_id(
        house, "id, email, last_name, account_id, has_opted_out_of_email, created_at, external_id_c", "contact"
    )
    for row in org.rows(f"SELECT Id, {', '.join(fields)} FROM Contact"):
        _, email, last_name, account_id, opted_out, created_at, external_id = ours[row["Id"]]
        assert (email, last_name, account_id, external_id) == tuple(
            row[name] for name in ("Email", "LastName", "AccountId", "External_Id__c")
        )
        assert opted_out == ("true" if row["HasOptedOutOfEmail"] else "false")
        assert row["CreatedDate"] == f"{created_at.isoformat(timespec='milliseconds')}+0000"
    # Converted leads point to their contact, merged records to their survivor.
    for converted, contact_id in house.rows(
        "select is_converted, converted_contact_id from raw_salesforce.lead where converted_contact_id is not null"
    ):
        assert converted == "true"
        assert contact_id in ours
    properties = json.loads(
        house.value("select properties from raw_salesforce.contact where email is not null limit 1")
    )
    assert properties["CreatedDate"].endswith("Z")
    assert "attributes" not in properties
    assert any("OpportunityHistory" in note for note in notes(first, "opportunityhistory"))

    # Nothing happened: nothing is loaded.
    again = ingest(house, org)
    assert sum(result.rows_read for result in again) == 0
    assert house.value("select count(*) from raw_quarantine.records") == 0

    # A person edits, somebody new comes, one goes to the bin, one goes for good.
    edited, binned, gone = house.rows("select id from raw_salesforce.contact where not is_deleted order by id limit 3")
    org.call("PATCH", f"/sandbox/objects/Contact/{edited[0]}", {"fields": {"Title": "Diretora"}})
    created = org.create("Lead", LastName="Nova", Company="Acme", Email="nova@acme.example")
    org.delete("Contact", binned[0])
    org.delete_for_good("Contact", gone[0])
    results = ingest(house, org, groups=["crm_objects"])
    assert loaded(results)["lead"] == 1
    assert house.value("select email from raw_salesforce.lead where id = ?", created) == "nova@acme.example"
    assert house.value("select title from raw_salesforce.contact where id = ?", edited[0]) == "Diretora"
    deleted = "select is_deleted, deleted_at is not null from raw_salesforce.contact where id = ?"
    assert house.rows(deleted, binned[0]) == [(True, True)]
    assert house.rows(deleted, gone[0]) == [(True, True)]
    assert house.rows(deleted, edited[0]) == [(False, False)]
    assert notes(results, "contact") == ["1 Contact are no longer in the org, nor in its bin: marked as deleted"]
    assert sum(loaded(ingest(house, org, groups=["crm_objects"])).values()) == 0


def test_merged_records_name_their_survivor(house, world_org):
    ingest(house, world_org, groups=["crm_objects"])
    theirs = {
        row["Id"]: row["MasterRecordId"]
        for row in world_org.rows("SELECT Id, MasterRecordId FROM Contact WHERE MasterRecordId != null")
    }
    assert theirs
    assert (
        dict(house.rows("select id, master_record_id from raw_salesforce.contact where master_record_id is not null"))
        == theirs
    )
    assert house.value("select bool_and(is_deleted) from raw_salesforce.contact where master_record_id is not null")


def test_a_query_job_reads_what_pages_read(house, tmp_path, world_org):
    ingest(house, world_org, groups=["crm_objects", "activities"])
    by_pages = {
        name: house.rows(f"select * exclude (_loaded_at) from raw_salesforce.{name} order by id")
        for name in (*GROUPS["crm_objects"], *GROUPS["activities"])
    }
    other = type(house)(tmp_path / "other" / "warehouse.duckdb", tmp_path / "other" / "dlt")
    before = world_org.call("GET", "/sandbox/stats")["by_path"].get("POST /jobs/query", 0)
    ingest(other, world_org, groups=["crm_objects", "activities"], bulk_from=20)
    assert world_org.call("GET", "/sandbox/stats")["by_path"]["POST /jobs/query"] - before >= 5
    for name, rows in by_pages.items():
        assert other.rows(f"select * exclude (_loaded_at) from raw_salesforce.{name} order by id") == rows, name
    assert by_pages["opportunity"]
    assert by_pages["task"]


def test_a_cursor_that_expired_is_no_loss(world_org, monkeypatch):
    monkeypatch.setattr("ingestion.salesforce.client.QUERY_OPTIONS", {"Sforce-Query-Options": "batchSize=200"})
    client = SalesforceClient(world_org.access())
    try:
        api = client.counting()
        query = Query("ContactHistory", ["Id", "Field"])
        rows = run(api, query)
        read = list(next(rows.pages))
        assert len(read) == 200
        # The org keeps the cursors of a user's last queries only.
        for _ in range(60):
            next(run(api, query).pages)
        for page in rows.pages:
            read += page
    finally:
        client.close()
    ids = [row["Id"] for row in read]
    assert len(ids) == len(set(ids)) == rows.total
    assert world_org.call("GET", "/sandbox/stats")["by_status"].get("400", 0) >= 1


def test_tokens_end_and_the_org_is_unwell(house, world_org):
    world_org.faults(
        {"path": "/queryAll", "status": 503, "times": 2},
        {"path": "/sobjects/.*/describe", "status": 401, "times": 1, "skip": 5},
        {"path": "/queryAll", "status": 500, "times": 1, "skip": 3},
        {"path": "/query.*", "effect": "reset", "after": True, "times": 1, "skip": 4},
    )
    try:
        first = ingest(house, world_org, groups=["reference", "crm_objects"])
        world_org.call("POST", "/sandbox/end-sessions")
        again = ingest(house, world_org, groups=["crm_objects"])
    finally:
        world_org.faults()
    assert loaded(first)["lead"] == len(world_org.rows("SELECT Id FROM Lead"))
    assert sum(loaded(again).values()) == 0


def test_wrong_credentials_are_told_and_not_shown(house, world_org):
    with pytest.raises(TokenRefused, match="LEADHOUSE_SALESFORCE_CLIENT_SECRET") as caught:
        load_salesforce(house.path, world_org.access(client_secret="wr0ng-s3cret"), pipelines_dir=house.pipelines_dir)
    assert "wr0ng-s3cret" not in str(caught.value)
    assert world_org.url in str(caught.value)


def test_a_signed_assertion_opens_the_org(org_of):
    org = org_of()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    access = CrmAccess(
        "salesforce", org.url, {"client_id": org.client_id, "username": org.username, "private_key": pem}
    )
    with pytest.raises(CredentialsRefused, match="private key belongs to the certificate") as caught:
        SalesforceSession(access).token()
    assert "PRIVATE" not in str(caught.value)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert requests.post(f"{org.url}/sandbox/certificate", data=public, timeout=30).status_code == 200
    session = SalesforceSession(access)
    client = SalesforceClient(access)
    try:
        assert client.counting().get(f"{DATA_PATH}/sobjects/User/describe")["name"] == "User"
    finally:
        client.close()
    assert session.instance_url == org.url


def test_the_days_requests_are_left_to_others(house, org_of, small_world):
    org = org_of("--world", small_world, "--daily", 40)
    with pytest.raises(SourceUnavailable, match=r"of the org's 40 requests.*50%.*LEADHOUSE_SALESFORCE_RESERVE"):
        ingest(house, org, reserve=0.5)
    assert org.call("GET", "/sandbox/stats")["total"] < 40


def test_the_days_requests_are_used_up(house, org_of):
    org = org_of("--daily", 3)
    with pytest.raises(SourceUnavailable, match="daily request limit is used up"):
        ingest(house, org, reserve=0)


def test_a_field_shown_later_is_read_for_all_records(house, org_of, small_world):
    org = org_of("--world", small_world)
    titled = {row["Id"]: row["Title"] for row in org.rows("SELECT Id, Title FROM Contact")}
    assert any(titled.values())
    org.call("POST", "/sandbox/field-security", {"object": "Contact", "field": "Title", "read": False})
    first = ingest(house, org, groups=["crm_objects"])
    assert any("Title" in note for note in notes(first, "contact"))
    assert house.value("select count(title) from raw_salesforce.contact") == 0
    org.call("POST", "/sandbox/field-security", {"object": "Contact", "field": "Title", "read": True})
    again = ingest(house, org, groups=["crm_objects"])
    assert loaded(again)["contact"] == len(titled)
    assert dict(house.rows("select id, title from raw_salesforce.contact")) == titled


def test_records_that_were_missed_are_read(house, org_of, small_world):
    org = org_of("--world", small_world)
    ingest(house, org, groups=["crm_objects"])
    import duckdb

    with duckdb.connect(str(house.path)) as connection:
        connection.execute(
            "delete from raw_salesforce.lead where id in (select id from raw_salesforce.lead where not is_deleted "
            "order by created_at limit 3)"
        )
    results = ingest(house, org, groups=["crm_objects"])
    assert set(by_id(house, "id", "lead")) == {row["Id"] for row in org.rows("SELECT Id FROM Lead")}
    assert any("3 records of the org were not here" in note for note in notes(results, "lead"))


def test_erased_people_stay_out_and_count_as_known(house, world_org):
    contact = world_org.rows("SELECT Id FROM Contact WHERE IsDeleted = false ORDER BY Id LIMIT 1")[0]["Id"]
    member_of = {row["Id"] for row in world_org.rows(f"SELECT Id FROM TaskRelation WHERE RelationId = '{contact}'")}
    with turning_away(Tombstones(records={("salesforce", "contacts"): frozenset({contact})})):
        ingest(house, world_org, groups=["crm_objects", "activities"])
        again = ingest(house, world_org, groups=["crm_objects", "activities"])
    assert house.value("select count(*) from raw_salesforce.contact where id = ?", contact) == 0
    assert house.rows("select record_id, reason_code from raw_quarantine.records") == [(contact, "erased")]
    assert member_of.isdisjoint(by_id(house, "id", "taskrelation"))
    # The org has more live records than we, and that is as it should be: nothing is read again for it.
    assert not [note for name in ("contact", "taskrelation") for note in notes(again, name)]


def test_unknown_group(house):
    org = type("Nobody", (), {"access": lambda _: None})()
    with pytest.raises(IngestionError, match="no such group: marketing"):
        ingest(house, org, groups=["marketing"])


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory):
    """An org and a warehouse that all examples of the property share: each goes on where the last one left them."""
    from tests.integration.ingestion.conftest import House

    folder = tmp_path_factory.mktemp("lived")
    org = start_org()
    yield org, House(folder / "warehouse.duckdb", folder / "dlt")
    stop_org(org)


_DEEDS = st.lists(
    st.tuples(st.sampled_from(["create", "edit", "delete", "delete for good", "load"]), st.integers(0, 999)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deeds=_DEEDS)
def test_raw_is_the_org_after_any_sequence(lived_in, deeds):
    org, house = lived_in
    for deed, number in deeds:
        live = [row["Id"] for row in org.rows("SELECT Id FROM Lead WHERE IsDeleted = false ORDER BY Id")]
        one = live[number % len(live)] if live else None
        if deed == "create" or (one is None and deed != "load"):
            org.create("Lead", LastName=f"N{number}", Company="Acme", Email=f"p{number}.{len(live)}@example.com")
        elif deed == "edit":
            org.update("Lead", one, Title=f"T{number}")
        elif deed == "delete":
            org.delete("Lead", one)
        elif deed == "delete for good":
            org.delete_for_good("Lead", one)
        else:
            ingest(house, org, groups=["crm_objects"])
    ingest(house, org, groups=["crm_objects"])
    columns = ["Id", "LastName", "Title", "Email", "IsDeleted"]
    theirs = {
        row["Id"]: tuple(row[name] for name in columns) for row in org.rows(f"SELECT {', '.join(columns)} FROM Lead")
    }
    ours = by_id(house, ", ".join(salesforce_column(name) for name in columns), "lead")
    assert {record_id: ours[record_id] for record_id in theirs} == theirs
    assert all(row[-1] for record_id, row in ours.items() if record_id not in theirs)
    assert house.value("select count(*) = count(distinct id) from raw_salesforce.lead")


def test_every_table_has_the_columns_it_promises():
    for name, fields in SALESFORCE_FIELDS.items():
        columns = RAW_TABLES[f"raw_salesforce.{name.lower()}"].columns.names
        assert len(columns) == len(set(columns)), name
        assert {salesforce_column(field) for field in fields} <= set(columns)
