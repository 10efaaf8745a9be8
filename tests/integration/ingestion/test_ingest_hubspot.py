"""HubSpot over real HTTP: the sandbox portal with a small world, its second day, and what people do in between."""

from __future__ import annotations

import duckdb
import pytest

from ingestion.errors import IngestionError, LoadIncomplete, SourceUnavailable, TokenRefused
from ingestion.hubspot import GROUPS, load_hubspot
from ingestion.hubspot.client import HubSpotClient
from ingestion.hubspot.objects import OBJECTS, search_by_id

pytestmark = pytest.mark.usefixtures("quick_search")

OBJECTS_URL = "/crm/objects/2026-09"


class Watcher:
    """Remembers what it was told."""

    def __init__(self):
        self.totals, self.rows, self.finished = {}, {}, []

    def start(self, entity, total):
        self.totals[entity] = total

    def advance(self, entity, rows):
        self.rows[entity] = self.rows.get(entity, 0) + rows

    def finish(self, entity):
        self.finished.append(entity)


def ingest(house, portal, **options):
    return load_hubspot(
        house.path, portal.url, portal.token, pipelines_dir=house.pipelines_dir, burst_limit=10_000, **options
    )


def by_entity(results):
    counts: dict[str, int] = {}
    for result in results:
        counts[result.entity] = counts.get(result.entity, 0) + result.rows_loaded
    return counts


def world_rows(folder, name):
    return duckdb.sql(f"select count(*) from '{folder}/hubspot/{name}.parquet'").fetchone()[0]


def test_whole_life(house, portal, small_world):
    # The first load brings everything.
    watcher = Watcher()
    first = ingest(house, portal, progress=watcher)
    counts = by_entity(first)
    assert set(counts) == {f"raw_hubspot.{name}" for names in GROUPS.values() for name in names}
    plain = ("contacts", "companies", "deals", "calls", "meetings", "emails", "tasks", "owners", "deal_stages")
    for name in (*plain, "forms", "form_submissions", "email_campaigns", "email_events"):
        assert counts[f"raw_hubspot.{name}"] == world_rows(small_world, name), name
        assert house.value(f"select count(*) from raw_hubspot.{name}") == world_rows(small_world, name), name
    assert watcher.totals["raw_hubspot.contacts"] == watcher.rows["raw_hubspot.contacts"]
    assert set(watcher.finished) == set(counts)
    parquet = f"'{small_world}/hubspot/%s.parquet'"
    assert house.rows(
        "select id, property_email, property_lastmodifieddate, updated_at from raw_hubspot.contacts order by id"
    ) == house.rows(f"select id, email, lastmodifieddate, updated_at from {parquet % 'contacts'} order by id")
    # The portal also knows the present values of records without a planted history.
    planted = f"select object_id, property, coalesce(value, ''), changed_at from {parquet % 'property_history'}"
    ours = "select object_id, property, value, changed_at from raw_hubspot.property_history"
    assert house.rows(f"{planted} except {ours}") == []
    assert house.value("select count(*) from raw_hubspot.property_history") == house.value(
        "select count(*) from (select distinct object_type, object_id, property, value, changed_at "
        "from raw_hubspot.property_history)"
    )
    known = f"select from_object, from_id, to_object, to_id from {parquet % 'associations'}"
    ours = "select from_object, from_id, to_object, to_id from raw_hubspot.associations where to_id is not null"
    assert house.rows(f"{known} except {ours}") == []
    assert (
        house.value(
            "select count(*) from raw_hubspot.contacts as c where not exists "
            "(select 1 from raw_hubspot.associations as a where a.from_object = 'contacts' and a.from_id = c.id)"
        )
        == 0
    )
    properties = house.value("select properties from raw_hubspot.contacts where property_email is not null limit 1")
    assert '"email":' in properties

    # Nothing happened: nothing is loaded, and few requests are sent.
    again = ingest(house, portal)
    assert sum(result.rows_read for result in again) == 0
    assert sum(result.requests for result in again) < sum(result.requests for result in first) / 2
    assert house.value("select count(*) from raw_quarantine.records") == 0

    # The second day: changes, an archived contact, a merge, an unsubscribe.
    portal.call("POST", "/sandbox/day2")
    counts = by_entity(ingest(house, portal))
    world = duckdb.sql(f"select day2 from read_json('{small_world}/world.json')").fetchone()[0]
    assert counts["raw_hubspot.contacts"] >= world["contacts"] - 1
    assert counts["raw_hubspot.form_submissions"] == world["form_submissions"]
    assert counts["raw_hubspot.email_events"] == world["email_events"]
    archived = "select archived from raw_hubspot.contacts where id = ?"
    assert house.value(archived, world["archived_contact"]) is True
    assert house.value(archived, world["merged_contact"]) is True
    assert house.value(archived, world["merged_into"]) is False
    assert (
        house.value("select property_hs_merged_object_ids from raw_hubspot.contacts where id = ?", world["merged_into"])
        == world["merged_contact"]
    )
    assert house.value("select count(*) from raw_hubspot.contacts where id = ?", world["new_company"]) == 0
    assert house.value("select count(*) from raw_hubspot.companies where id = ?", world["new_company"]) == 1
    assert by_entity(ingest(house, portal))["raw_hubspot.contacts"] == 0

    # A deal moves, a contact comes back from the bin, a contact changes company.
    deal = house.value("select min(id) from raw_hubspot.deals")
    portal.call("PATCH", f"{OBJECTS_URL}/deals/{deal}", {"properties": {"dealstage": "closedlost"}})
    company, contact = house.rows(
        "select to_id, from_id from raw_hubspot.associations "
        "where from_object = 'contacts' and to_id is not null limit 1"
    )[0]
    portal.call(
        "POST",
        "/crm/associations/2026-09/contacts/companies/batch/archive",
        {"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]},
    )
    ingest(house, portal, groups=["crm_objects"])
    assert house.value("select property_dealstage from raw_hubspot.deals where id = ?", deal) == "closedlost"
    assert (
        house.value("select arg_max(value, changed_at) from raw_hubspot.property_history where object_id = ?", deal)
        == "closedlost"
    )
    assert house.rows(
        "select to_id from raw_hubspot.associations where from_object = 'contacts' and from_id = ?", contact
    ) == [(None,)]


def test_lists_come_and_go(house, shared_portal):
    members = [row["id"] for row in shared_portal.call("GET", f"{OBJECTS_URL}/contacts?limit=3")["results"]]
    made = shared_portal.call(
        "POST", "/crm/lists/2026-09", {"name": "Hot", "objectTypeId": "0-1", "processingType": "MANUAL"}
    )["list"]
    path = f"/crm/lists/2026-09/{made['listId']}"
    shared_portal.call(
        "PUT", f"{path}/memberships/add-and-remove", {"recordIdsToAdd": members, "recordIdsToRemove": []}
    )
    members_sql = "select record_id from raw_hubspot.list_memberships order by 1"
    ingest(house, shared_portal, groups=["lists"])
    assert house.rows("select list_id, name from raw_hubspot.lists") == [(made["listId"], "Hot")]
    assert house.rows(members_sql) == sorted((one,) for one in members)
    assert sum(result.rows_loaded for result in ingest(house, shared_portal, groups=["lists"])) == 0
    shared_portal.call("PUT", f"{path}/memberships/remove", [members[0]])
    ingest(house, shared_portal, groups=["lists"])
    assert house.rows(members_sql) == sorted((one,) for one in members[1:])
    shared_portal.call("DELETE", path)
    ingest(house, shared_portal, groups=["lists"])
    assert house.rows("select list_id from raw_hubspot.lists") == []
    assert house.rows(members_sql) == []


def test_one_group_and_unknown_groups(house, shared_portal):
    results = ingest(house, shared_portal, groups=["reference"])
    assert [result.entity for result in results] == [f"raw_hubspot.{name}" for name in GROUPS["reference"]]
    with pytest.raises(IngestionError, match="no such group: deals; the groups are reference, crm_objects"):
        ingest(house, shared_portal, groups=["deals"])


def test_wrong_token(house, shared_portal):
    with pytest.raises(TokenRefused, match="wrong, expired or revoked") as refused:
        load_hubspot(house.path, shared_portal.url, "pat-wrong", pipelines_dir=house.pipelines_dir)
    assert "pat-wrong" not in str(refused.value)
    assert ingest(house, shared_portal, groups=["reference"])[0].rows_loaded > 0


def test_nobody_answers(house, monkeypatch):
    monkeypatch.setattr("ingestion.hubspot.client._backoff", lambda attempt: 0.0)
    with pytest.raises(SourceUnavailable):
        load_hubspot(house.path, "http://127.0.0.1:9", "pat", pipelines_dir=house.pipelines_dir)


def test_a_missing_scope_costs_its_tables_only(house, shared_portal, monkeypatch):
    from ingestion.errors import ScopeMissing
    from ingestion.hubspot.client import CountingClient

    get = CountingClient.get

    def refuse_forms(self, path, params=None):
        if path.startswith("/marketing"):
            raise ScopeMissing("GET /marketing/v3/forms/: the token is valid but may not read this")
        return get(self, path, params)

    monkeypatch.setattr(CountingClient, "get", refuse_forms)
    with pytest.raises(LoadIncomplete, match=r"forms: .*may not read this") as incomplete:
        ingest(house, shared_portal, groups=["marketing", "lists"])
    assert by_entity(incomplete.value.results)["raw_hubspot.email_events"] > 0
    assert house.value("select count(*) from raw_hubspot.form_submissions") == 0
    monkeypatch.undo()
    monkeypatch.setattr("crm_access.ratelimit.SEARCHES_PER_SECOND", 1000)
    assert by_entity(ingest(house, shared_portal, groups=["marketing"]))["raw_hubspot.form_submissions"] > 0


def test_interrupted_load_is_read_again(house, shared_portal, monkeypatch):
    from dlt.pipeline.exceptions import PipelineStepFailed
    from dlt.pipeline.pipeline import Pipeline

    broken = RuntimeError("the disk is full")

    def fail(self, *args, **kwargs):
        raise PipelineStepFailed(self, "load", None, broken)

    monkeypatch.setattr(Pipeline, "load", fail)
    with pytest.raises(IngestionError, match="the disk is full"):
        ingest(house, shared_portal, groups=["crm_objects"])
    monkeypatch.undo()
    monkeypatch.setattr("crm_access.ratelimit.SEARCHES_PER_SECOND", 1000)
    assert house.value("select count(*) from raw_hubspot.contacts") == 0
    assert by_entity(ingest(house, shared_portal, groups=["crm_objects"]))["raw_hubspot.contacts"] > 0


def test_too_many_properties_for_an_address(house, shared_portal, monkeypatch):
    monkeypatch.setattr("ingestion.hubspot.objects.LONGEST_QUERY", 10)
    ingest(house, shared_portal, groups=["crm_objects"])
    assert house.value("select count(*) from raw_hubspot.contacts where property_email is not null") > 100
    assert house.value("select count(*) from raw_hubspot.property_history where object_type = 'contacts'") > 100


def test_ten_thousand_records_of_one_moment(world_of_one_moment, portal_of):
    world, ids, moment = world_of_one_moment
    portal = portal_of("--world", world, "--searches", 1000, "--burst", 100000)
    client = HubSpotClient(portal.url, portal.token, burst_limit=100_000)
    api = client.counting()
    pages = search_by_id(api, OBJECTS["contacts"], moment, ["email"])
    found = [record["id"] for page in pages for record in page]
    client.close()
    assert found == ids
    assert api.requests == len(ids) // 200 + 1
