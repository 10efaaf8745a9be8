"""Both CRMs at once: who stands in both is one person, and what Salesforce converts, merges and deletes is followed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from ingestion.schemas import RAW_TABLES
from tests.integration.dbt_core.conftest import AS_OF, company, contact, moment, page, write_raw

Build = Callable[..., subprocess.CompletedProcess[str]]
WANTED = ("+dim_contacts", "+dim_accounts", "+fct_opportunities", "+fct_sales_activities", "+mart_record_conservation")
BUILD_ONLY = ("--exclude-resource-type", "test", "unit_test")

pytestmark = pytest.mark.timeout(1800)


def record(table: str, record_id: str, days: float = 0, *, deleted: bool = False, **columns: str) -> dict[str, Any]:
    """A row of a table of raw_salesforce, made `days` after 2026-01-01 by a person."""
    unknown = set(columns) - set(RAW_TABLES[f"raw_salesforce.{table}"].columns.names)
    assert not unknown, unknown
    return {
        "id": record_id, "created_at": moment(days), "updated_at": moment(days), "system_modstamp": moment(days),
        "created_by_id": "005A", "last_modified_by_id": "005A", "is_deleted": deleted,
        "properties": json.dumps(columns), "_loaded_at": AS_OF, **columns,
    }  # fmt: skip


RAW = {
    "raw_hubspot.contacts": [
        contact("h1", 1, email="ana@firm.example", firstname="Ana", lastname="Reis", hs_object_source="FORM"),
        contact("h2", 1, email="only@portal.example", firstname="Only", lastname="Portal"),
    ],
    "raw_hubspot.companies": [company("c1", 0, name="Firm Ltda", domain="firm.example")],
    "raw_salesforce.user": [
        record("user", "005A", username="bea@seller.example", user_type="Standard", is_active="true"),
        record("user", "005L", username="left@seller.example", user_type="Standard", is_active="false"),
        record("user", "005I", username="integration@seller.example", user_type="Standard", is_active="true"),
    ],
    "raw_salesforce.account": [
        record("account", "001A", 2, name="Firm", website="https://www.firm.example", owner_id="005A"),
        record("account", "001M", 1, deleted=True, name="Firm (old)", master_record_id="001A", owner_id="005A"),
    ],
    "raw_salesforce.contact": [
        record("contact", "003A", 5, email="Ana@firm.example", first_name="Ana", last_name="Reis", account_id="001A",
               owner_id="005A"),
        record("contact", "003M", 4, deleted=True, email="a.reis@firm.example", last_name="Reis",
               master_record_id="003A", owner_id="005A"),
        record("contact", "003D", 4, deleted=True, email="deleted@gone.example", last_name="Gone", owner_id="005I"),
        record("contact", "003N", 4, last_name="[not provided]", owner_id="005I"),
    ],
    "raw_salesforce.lead": [
        record("lead", "00QA", 3, email="ana.private@mail.example", last_name="Reis", company="[not provided]",
               status="Closed - Converted", is_converted="true", converted_contact_id="003A", owner_id="00G1"),
        record("lead", "00QM", 3, email="old@firm.example", last_name="Reis", is_converted="true",
               converted_contact_id="003M", owner_id="005A"),
        record("lead", "00QB", 3, email="lead@new.example", last_name="New", company="New Firm", owner_id="005L",
               status="Working - Contacted"),
        record("lead", "00QX", 3, email="unseen@new.example", last_name="Unseen", is_converted="true",
               converted_contact_id="003Z", owner_id="005A"),
    ],
    "raw_salesforce.opportunity": [
        record("opportunity", "006A", 10, name="Deal", amount="1000", stage_name="Closed Won", close_date="2026-02-01",
               is_closed="true", is_won="true", account_id="001M", owner_id="005A"),
        record("opportunity", "006D", 10, deleted=True, name="Gone", stage_name="Closed Won", owner_id="005A"),
    ],
    "raw_salesforce.opportunitycontactrole": [
        record("opportunitycontactrole", "00K1", opportunity_id="006A", contact_id="003M", is_primary="true")
    ],
    "raw_salesforce.opportunitystage": [
        record("opportunitystage", "01J1", api_name="Closed Won", master_label="Closed Won", is_closed="true",
               is_won="true", default_probability="100", sort_order="1", is_active="true")
    ],
    "raw_salesforce.task": [
        record("task", "00T1", 6, task_subtype="Call", status="Completed", call_disposition="Left voicemail",
               who_id="00QA", owner_id="005A", subject="Call"),
        record("task", "00T2", 6, task_subtype="Task", status="Completed", who_id="00QB", owner_id="005A"),
        record("task", "00T3", 6, task_subtype="Call", status="Completed", who_id="00QB", owner_id="005A"),
    ],
    "raw_salesforce.event": [
        record("event", "00U1", 7, start_date_time="2026-01-09T10:00:00.000Z", end_date_time="2026-01-09T11:00:00.000Z",
               outcome_c="Completed", who_id="003A", what_id="001A", owner_id="005A")
    ],
    "raw_events.events": [page("m1", "device", moment(8), user_id="00QA")],
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, dbt_build: Build) -> Iterator[duckdb.DuckDBPyConnection]:
    path = write_raw(tmp_path_factory.mktemp("two_crms") / "warehouse.duckdb", RAW)
    dbt_build(path, *WANTED, *BUILD_ONLY)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(sql, list(values)).fetchall()


def person(connection: duckdb.DuckDBPyConnection, record_id: str) -> str:
    [(contact_id,)] = rows(
        connection, "select contact_id from intermediate.int_contact_crm_ids where record_id = ?", record_id
    )
    return str(contact_id)


def test_one_person_in_both_crms_is_one_contact_with_a_record_in_each(built: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        built,
        "select hubspot_record_id, hubspot_record_count, salesforce_record_id, salesforce_object, "
        "salesforce_record_count, is_archived_in_crm, is_archived_in_salesforce from marts.dim_contacts "
        "where contact_id = ?",
        person(built, "h1"),
    ) == [("h1", 1, "003A", "contacts", 1, False, False)]


def test_converted_leads_and_merged_contacts_answer_to_the_contact_that_is_left(
    built: duckdb.DuckDBPyConnection,
) -> None:
    ana = person(built, "h1")
    found = rows(
        built,
        "select record_id, survivor_id, is_merged_away from intermediate.int_contact_crm_ids "
        "where source = 'salesforce' and contact_id = ? order by 1",
        ana,
    )
    assert found == [("003A", "003A", False), ("003M", "003A", True), ("00QA", "003A", True), ("00QM", "003A", True)]


def test_a_lead_whose_contact_cannot_be_seen_stands_for_itself(built: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        built,
        "select salesforce_record_id, is_archived_in_salesforce, is_archived_in_hubspot from marts.dim_contacts "
        "where contact_id = ?",
        person(built, "00QX"),
    ) == [(None, True, False)]


def test_a_lead_is_written_as_a_lead_and_a_deleted_contact_is_not_made_again(built: duckdb.DuckDBPyConnection) -> None:
    facts = "select salesforce_record_id, salesforce_object, lead_status, owner_id, is_archived_in_salesforce"
    lead = rows(built, f"{facts} from marts.dim_contacts where contact_id = ?", person(built, "00QB"))
    assert lead == [("00QB", "leads", "IN_PROGRESS", "005L", False)]
    deleted = rows(built, f"{facts} from marts.dim_contacts where contact_id = ?", person(built, "003D"))
    assert deleted == [(None, None, None, None, True)]
    portal = rows(built, f"{facts} from marts.dim_contacts where contact_id = ?", person(built, "h2"))
    assert portal == [(None, None, None, None, False)]


def test_a_login_may_be_the_id_of_a_salesforce_record(built: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        built,
        "select contact_id from intermediate.int_contact_clusters as clusters inner join "
        "intermediate.int_contact_records as records using (record_key) where source = 'events' and user_id = '00QA'",
    ) == [(person(built, "h1"),)]


def test_one_company_in_both_crms_is_one_account(built: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        built,
        "select hubspot_record_id, salesforce_record_id, contact_count, match_method from marts.dim_accounts "
        "where domain = 'firm.example'",
    ) == [("c1", "001A", 1, "crm")]


def test_an_opportunity_of_merged_records_is_its_survivors(built: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        built,
        "select deals.source_record_id, stage_kind, accounts.salesforce_record_id, deals.contact_id, currency "
        "from marts.fct_opportunities as deals left join marts.dim_accounts as accounts using (account_id)",
    ) == [("006A", "won", "001A", person(built, "h1"), "EUR")]


def test_activities_are_of_the_person_whatever_record_they_name(built: duckdb.DuckDBPyConnection) -> None:
    ana, lead = person(built, "h1"), person(built, "00QB")
    assert rows(
        built,
        "select source_record_id, activity_type, outcome, contact_id, is_automated from marts.fct_sales_activities "
        "order by 1",
    ) == [
        ("00T1", "call", "voicemail", ana, False),
        ("00T2", "task", "completed", lead, False),
        ("00U1", "meeting", "positive", ana, False),
    ]
    # Nobody said what came of the third one.
    aside = "select entity, reason_code from marts.mart_quarantine where record_id = '00T3'"
    assert rows(built, aside) == [("raw_salesforce.task", "unknown_outcome")]


def test_nothing_is_lost(built: duckdb.DuckDBPyConnection) -> None:
    counted = rows(
        built,
        "select entity, raw_records, kept, merged, quarantined from marts.mart_record_conservation "
        "where source = 'salesforce' order by 1",
    )
    assert [(entity, raw) for entity, raw, *_ in counted] == [
        ("account", 2), ("contact", 4), ("event", 1), ("lead", 4), ("opportunity", 2), ("task", 3),
    ]  # fmt: skip
    assert all(raw == kept + merged + aside for _, raw, kept, merged, aside in counted)
    assert {entity: aside for entity, _, _, _, aside in counted} == {
        "account": 0, "contact": 1, "event": 0, "lead": 0, "opportunity": 1, "task": 1,
    }  # fmt: skip
