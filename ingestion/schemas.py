"""The raw tables: one pyarrow schema each, the contract between ingestion and ``models/staging``.

Grain and key are given per table. Every value of a CRM property is text, as the CRM sent it; staging gives it a type.
Timestamps are UTC without a zone (``TIMESTAMP`` in DuckDB). ``_loaded_at`` is when the row entered the warehouse;
file-born rows also carry ``_source_file`` and ``_source_row`` (1-based line or row number), so that every record can be
traced back to where it came from (R4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

TEXT = pa.string()
TS = pa.timestamp("us")
BOOL = pa.bool_()
INT = pa.int64()
DATE = pa.date32()
MONEY = pa.decimal128(18, 2)

LOADED: list[tuple[str, pa.DataType]] = [("_loaded_at", TS)]
FROM_FILE: list[tuple[str, pa.DataType]] = [("_source_file", TEXT), ("_source_row", INT), ("_loaded_at", TS)]

#: Properties that get a column of their own (``property_<name>``) whatever the portal holds. Every other property of
#: the record, ours included, is in the ``properties`` JSON object, which always holds the whole record as read.
HUBSPOT_PROPERTIES: dict[str, tuple[str, ...]] = {
    "contacts": (
        "email", "hs_additional_emails", "firstname", "lastname", "phone", "mobilephone", "company", "jobtitle",
        "website", "city", "state", "country", "hs_language", "lifecyclestage", "hs_lead_status", "hubspot_owner_id",
        "createdate", "lastmodifieddate", "hs_object_id", "hs_object_source", "hs_analytics_source",
        "hs_email_optout", "hs_merged_object_ids", "associatedcompanyid", "numemployees", "annualrevenue",
    ),
    "companies": (
        "name", "domain", "hs_additional_domains", "website", "phone", "city", "state", "country", "industry",
        "numberofemployees", "annualrevenue", "hs_parent_company_id", "hubspot_owner_id", "lifecyclestage",
        "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_merged_object_ids", "activity_code",
        "activity_code_system",
    ),
    "deals": (
        "dealname", "amount", "deal_currency_code", "pipeline", "dealstage", "createdate", "closedate",
        "hs_lastmodifieddate", "hubspot_owner_id", "hs_object_id", "hs_is_closed", "hs_is_closed_won", "dealtype",
        "closed_lost_reason",
    ),
    "calls": (
        "hs_timestamp", "hs_call_title", "hs_call_direction", "hs_call_disposition", "hs_call_duration",
        "hs_call_status", "hubspot_owner_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id",
        "hs_object_source",
    ),
    "meetings": (
        "hs_timestamp", "hs_meeting_title", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome",
        "hubspot_owner_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id", "hs_object_source",
    ),
    "emails": (
        "hs_timestamp", "hs_email_subject", "hs_email_direction", "hs_email_status", "hubspot_owner_id",
        "hs_createdate", "hs_lastmodifieddate", "hs_object_id", "hs_object_source",
    ),
    "tasks": (
        "hs_timestamp", "hs_task_subject", "hs_task_type", "hs_task_status", "hubspot_owner_id", "hs_createdate",
        "hs_lastmodifieddate", "hs_object_id", "hs_object_source",
    ),
}  # fmt: skip

#: Salesforce objects, by their API name, and the fields that get a column of their own whatever the org has (a field
#: that the org lacks, or hides from us, is null). The table is the object's name in lower case; a column is the field's
#: API name in snake case (``BillingCity``: ``billing_city``; ``Loss_Reason__c``: ``loss_reason_c``). Every readable
#: field, these included, is in the ``properties`` JSON object under its API name.
SALESFORCE_FIELDS: dict[str, tuple[str, ...]] = {
    "Lead": (
        "Email", "FirstName", "LastName", "Phone", "MobilePhone", "Title", "Company", "Website", "City", "State",
        "Country", "NumberOfEmployees", "AnnualRevenue", "Industry", "Status", "LeadSource", "OwnerId",
        "HasOptedOutOfEmail", "IsConverted", "ConvertedDate", "ConvertedContactId", "ConvertedAccountId",
        "ConvertedOpportunityId", "MasterRecordId", "Language__c", "Lifecycle_Stage__c", "Lead_Status__c",
        "Additional_Emails__c", "Record_Source__c", "External_Id__c",
    ),
    "Contact": (
        "Email", "FirstName", "LastName", "Phone", "MobilePhone", "Title", "AccountId", "MailingCity", "MailingState",
        "MailingCountry", "OwnerId", "LeadSource", "HasOptedOutOfEmail", "MasterRecordId", "Language__c",
        "Lifecycle_Stage__c", "Lead_Status__c", "Additional_Emails__c", "Company_Name__c", "Record_Source__c",
        "External_Id__c",
    ),
    "Account": (
        "Name", "Website", "Phone", "BillingCity", "BillingState", "BillingCountry", "Industry", "NumberOfEmployees",
        "AnnualRevenue", "ParentId", "OwnerId", "MasterRecordId", "CurrencyIsoCode", "Additional_Domains__c",
        "Activity_Code__c", "Activity_Code_System__c", "Lifecycle_Stage__c", "Record_Source__c", "External_Id__c",
    ),
    "Opportunity": (
        "Name", "Amount", "CurrencyIsoCode", "StageName", "CloseDate", "IsClosed", "IsWon", "Type", "AccountId",
        "ContactId", "OwnerId", "Loss_Reason__c", "Pipeline__c", "Stage_Label__c", "External_Id__c",
    ),
    "OpportunityContactRole": ("OpportunityId", "ContactId", "Role", "IsPrimary"),
    # One value a field of an opportunity took; StageName among them when its history is tracked.
    "OpportunityFieldHistory": ("OpportunityId", "Field", "OldValue", "NewValue"),
    # One change of stage, amount, probability or close date: kept by Salesforce whatever is tracked.
    "OpportunityHistory": ("OpportunityId", "StageName", "Amount", "CloseDate", "Probability", "ForecastCategory"),
    "OpportunityStage": (
        "MasterLabel", "ApiName", "IsActive", "IsClosed", "IsWon", "DefaultProbability", "SortOrder",
        "ForecastCategoryName",
    ),
    "Task": (
        "Subject", "Status", "Type", "TaskSubtype", "CallType", "CallDurationInSeconds", "CallDisposition",
        "ActivityDate", "CompletedDateTime", "IsClosed", "WhoId", "WhatId", "OwnerId", "Email_Direction__c",
        "Email_Status__c", "Activity_At__c", "Record_Source__c", "External_Id__c",
    ),
    "Event": (
        "Subject", "StartDateTime", "EndDateTime", "Type", "WhoId", "WhatId", "OwnerId", "Outcome__c",
        "Record_Source__c", "External_Id__c",
    ),
    "TaskRelation": ("TaskId", "RelationId", "IsWhat"),
    "EventRelation": ("EventId", "RelationId", "IsWhat", "IsInvitee", "Status"),
    "Campaign": (
        "Name", "Type", "Status", "IsActive", "ParentId", "StartDate", "EndDate", "NumberOfLeads", "NumberOfContacts",
        "OwnerId", "External_Id__c",
    ),
    "CampaignMember": ("CampaignId", "LeadId", "ContactId", "Status", "HasResponded", "FirstRespondedDate"),
    "User": ("Email", "FirstName", "LastName", "Username", "UserType", "IsActive", "External_Id__c"),
    "LeadHistory": ("LeadId", "Field", "OldValue", "NewValue"),
    "ContactHistory": ("ContactId", "Field", "OldValue", "NewValue"),
    "AccountHistory": ("AccountId", "Field", "OldValue", "NewValue"),
}  # fmt: skip


def salesforce_column(field: str) -> str:
    """The raw column of a Salesforce field: snake case, without doubled underscores."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field)
    return re.sub(r"_+", "_", words).strip("_").lower()


@dataclass(frozen=True)
class RawTable:
    """One raw table: its schema name in the warehouse, table name, columns and key (empty = append-only)."""

    dataset: str
    name: str
    columns: pa.Schema
    key: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        return f"{self.dataset}.{self.name}"


def _table(dataset: str, name: str, key: tuple[str, ...], fields: list[tuple[str, pa.DataType]]) -> RawTable:
    return RawTable(dataset, name, pa.schema(fields), key)


def _crm_object(name: str) -> RawTable:
    """Grain: one CRM record, live or archived. ``properties`` is a JSON object of every property as read."""
    fields: list[tuple[str, pa.DataType]] = [
        ("id", TEXT),
        ("created_at", TS),
        ("updated_at", TS),
        ("archived", BOOL),
        ("archived_at", TS),
    ]
    fields += [(f"property_{p}", TEXT) for p in HUBSPOT_PROPERTIES[name]]
    return _table("raw_hubspot", name, ("id",), [*fields, ("properties", TEXT), *LOADED])


def _salesforce_object(name: str) -> RawTable:
    """Grain: one record of the object, live or deleted. All values are text as REST tells them: numbers without an
    exponent, booleans ``true``/``false``, moments ISO 8601 in UTC (``2026-03-31T08:30:00.000Z``), days ``2026-03-31``.

    ``updated_at`` is LastModifiedDate; ``system_modstamp`` also moves when Salesforce itself changed the record.
    ``is_deleted``: in the bin, merged into another (``master_record_id``) or gone for good. ``deleted_at`` is the
    record's ``system_modstamp`` then, or when its absence was noticed.
    """
    fields: list[tuple[str, pa.DataType]] = [
        ("id", TEXT),
        ("created_at", TS),
        ("updated_at", TS),
        ("system_modstamp", TS),
        ("created_by_id", TEXT),
        ("last_modified_by_id", TEXT),
        ("is_deleted", BOOL),
        ("deleted_at", TS),
    ]
    fields += [(salesforce_column(field), TEXT) for field in SALESFORCE_FIELDS[name]]
    return _table("raw_salesforce", name.lower(), ("id",), [*fields, ("properties", TEXT), *LOADED])


RAW_TABLES: dict[str, RawTable] = {
    t.qualified: t
    for t in [
        *[_crm_object(name) for name in HUBSPOT_PROPERTIES],
        # One association of one type. An object read again with no association left keeps one row with to_id null.
        _table(
            "raw_hubspot", "associations", (),
            [("from_object", TEXT), ("from_id", TEXT), ("to_object", TEXT), ("to_id", TEXT), ("type_id", INT),
             ("category", TEXT), ("label", TEXT), *LOADED],
        ),
        # One value a property took (deals: dealstage; contacts: lifecyclestage, hs_lead_status).
        _table(
            "raw_hubspot", "property_history", (),
            [("object_type", TEXT), ("object_id", TEXT), ("property", TEXT), ("value", TEXT), ("changed_at", TS),
             ("source_type", TEXT), ("source_id", TEXT), ("updated_by_user_id", TEXT), *LOADED],
        ),
        _table(
            "raw_hubspot", "owners", ("id",),
            [("id", TEXT), ("email", TEXT), ("first_name", TEXT), ("last_name", TEXT), ("user_id", TEXT),
             ("archived", BOOL), ("created_at", TS), ("updated_at", TS), *LOADED],
        ),
        _table(
            "raw_hubspot", "deal_stages", ("pipeline_id", "stage_id"),
            [("pipeline_id", TEXT), ("pipeline_label", TEXT), ("stage_id", TEXT), ("stage_label", TEXT),
             ("display_order", INT), ("probability", TEXT), ("is_closed", TEXT), ("archived", BOOL), *LOADED],
        ),
        _table(
            "raw_hubspot", "forms", ("id",),
            [("id", TEXT), ("name", TEXT), ("form_type", TEXT), ("field_names", TEXT), ("archived", BOOL),
             ("created_at", TS), ("updated_at", TS), *LOADED],
        ),
        _table(
            "raw_hubspot", "form_submissions", ("submission_id",),
            [("submission_id", TEXT), ("form_id", TEXT), ("submitted_at", TS), ("email", TEXT), ("page_url", TEXT),
             ("answers", TEXT), *LOADED],
        ),
        _table(
            "raw_hubspot", "email_campaigns", ("id",),
            [("id", TEXT), ("app_id", TEXT), ("name", TEXT), ("subject", TEXT), ("type", TEXT), *LOADED],
        ),
        # Types: SENT DELIVERED OPEN CLICK BOUNCE STATUSCHANGE SPAMREPORT; is_machine: HubSpot's filteredEvent (bot or
        # privacy proxy); for STATUSCHANGE, portal_subscription_status is UNSUBSCRIBED or SUBSCRIBED.
        _table(
            "raw_hubspot", "email_events", ("id",),
            [("id", TEXT), ("type", TEXT), ("created_at", TS), ("recipient", TEXT), ("campaign_id", TEXT),
             ("url", TEXT), ("is_machine", BOOL), ("portal_subscription_status", TEXT), *LOADED],
        ),
        _table(
            "raw_hubspot", "lists", ("list_id",),
            [("list_id", TEXT), ("name", TEXT), ("object_type_id", TEXT), ("processing_type", TEXT), ("size", INT),
             ("created_at", TS), ("updated_at", TS), *LOADED],
        ),
        # Replaced as a whole at each read.
        _table(
            "raw_hubspot", "list_memberships", (),
            [("list_id", TEXT), ("record_id", TEXT), ("added_at", TS), *LOADED],
        ),
        _table(
            "raw_hubspot", "properties", ("object_type", "name"),
            [("object_type", TEXT), ("name", TEXT), ("label", TEXT), ("type", TEXT), ("field_type", TEXT),
             ("group_name", TEXT), ("hubspot_defined", BOOL), *LOADED],
        ),
        *[_salesforce_object(name) for name in SALESFORCE_FIELDS],
        # The fields of every object above, as the integration user sees them.
        _table(
            "raw_salesforce", "fields", ("object_name", "name"),
            [("object_name", TEXT), ("name", TEXT), ("label", TEXT), ("type", TEXT), ("is_custom", BOOL),
             ("is_createable", BOOL), ("is_updateable", BOOL), ("is_external_id", BOOL), *LOADED],
        ),
        # Append-only, one accepted line of one file (duplicates of message_id included: staging drops them, counted).
        # Types: track identify page screen group alias. properties, traits: JSON objects as sent.
        _table(
            "raw_events", "events", (),
            [("message_id", TEXT), ("type", TEXT), ("event", TEXT), ("user_id", TEXT), ("anonymous_id", TEXT),
             ("group_id", TEXT), ("email", TEXT), ("event_at", TS), ("received_at", TS), ("page_url", TEXT),
             ("page_path", TEXT), ("page_title", TEXT), ("referrer", TEXT), ("utm_source", TEXT),
             ("utm_medium", TEXT), ("utm_campaign", TEXT), ("utm_content", TEXT), ("utm_term", TEXT),
             ("click_id_kind", TEXT), ("dwell_seconds", INT), ("user_agent", TEXT), ("ip", TEXT), ("locale", TEXT),
             ("tracker", TEXT), ("properties", TEXT), ("traits", TEXT), *FROM_FILE],
        ),
        # How far one inbox of the collector has been read: the last sequence, and what is in raw_events.events of it.
        _table(
            "raw_events", "inbox_state", ("inbox_id",),
            [("inbox_id", TEXT), ("read_until", INT), ("events", INT), ("newest_received_at", TS), *LOADED],
        ),
        # Append-only; grain: platform x campaign x day as reported. A later file for the same grain wins in staging.
        # Exports that name campaigns by id only have campaign null, those that do not tell the currency currency null.
        _table(
            "raw_ads", "spend", (),
            [("spend_on", DATE), ("platform", TEXT), ("channel", TEXT), ("campaign", TEXT), ("currency", TEXT),
             ("spend", MONEY), ("impressions", INT), ("clicks", INT), ("account_id", TEXT), ("campaign_id", TEXT),
             *FROM_FILE],
        ),
        # Append-only; grain: one version of a campaign as a platform's campaign history tells it.
        _table(
            "raw_ads", "campaigns", (),
            [("platform", TEXT), ("campaign_id", TEXT), ("account_id", TEXT), ("channel", TEXT), ("campaign", TEXT),
             ("updated_at", TS), *FROM_FILE],
        ),
        # Append-only; grain: one provider's answer on one company domain.
        _table(
            "raw_enrichment", "companies", (),
            [("domain", TEXT), ("company_name", TEXT), ("employee_count", TEXT), ("annual_revenue", TEXT),
             ("revenue_currency", TEXT), ("activity_code", TEXT), ("activity_code_system", TEXT), ("country", TEXT),
             ("provider", TEXT), ("enriched_at", TS), ("cost", MONEY), ("cost_currency", TEXT), *FROM_FILE],
        ),
        # Bring your own CRM export, through a mapping file. `source` is the mapping's name; record_id is unique in it;
        # `*_ref` points to a record_id or a name, as the mapping says; `extra` is a JSON object of unmapped columns.
        _table(
            "raw_files", "accounts", ("source", "record_id"),
            [("source", TEXT), ("record_id", TEXT), ("name", TEXT), ("domain", TEXT), ("parent_ref", TEXT),
             ("industry", TEXT), ("activity_code", TEXT), ("activity_code_system", TEXT), ("country", TEXT),
             ("employee_count", TEXT), ("annual_revenue", TEXT), ("revenue_currency", TEXT), ("owner_ref", TEXT),
             ("created_at", TS), ("extra", TEXT), *FROM_FILE],
        ),
        _table(
            "raw_files", "contacts", ("source", "record_id"),
            [("source", TEXT), ("record_id", TEXT), ("email", TEXT), ("first_name", TEXT), ("last_name", TEXT),
             ("phone", TEXT), ("job_title", TEXT), ("account_ref", TEXT), ("country", TEXT), ("language", TEXT),
             ("lifecycle_stage", TEXT), ("lead_status", TEXT), ("owner_ref", TEXT), ("email_optout", TEXT),
             ("created_at", TS), ("updated_at", TS), ("extra", TEXT), *FROM_FILE],
        ),
        _table(
            "raw_files", "opportunities", ("source", "record_id"),
            [("source", TEXT), ("record_id", TEXT), ("name", TEXT), ("account_ref", TEXT), ("contact_ref", TEXT),
             ("owner_ref", TEXT), ("product_ref", TEXT), ("pipeline", TEXT), ("stage", TEXT), ("amount", TEXT),
             ("currency", TEXT), ("created_at", TS), ("closed_at", TS), ("extra", TEXT), *FROM_FILE],
        ),
        _table(
            "raw_files", "products", ("source", "record_id"),
            [("source", TEXT), ("record_id", TEXT), ("name", TEXT), ("series", TEXT), ("list_price", TEXT),
             ("currency", TEXT), ("extra", TEXT), *FROM_FILE],
        ),
        _table(
            "raw_files", "owners", ("source", "record_id"),
            [("source", TEXT), ("record_id", TEXT), ("name", TEXT), ("email", TEXT), ("manager", TEXT),
             ("team", TEXT), ("extra", TEXT), *FROM_FILE],
        ),
        # Everything refused on the way in, with the reason; nothing is dropped. `entity` is the raw table it was meant
        # for (raw_events.events, ...); file/row are null for records read from an API, record_id null if unknown.
        _table(
            "raw_quarantine", "records", (),
            [("source", TEXT), ("entity", TEXT), ("record_id", TEXT), ("file", TEXT), ("row_number", INT),
             ("field", TEXT), ("reason_code", TEXT), ("reason", TEXT), ("record", TEXT), *LOADED],
        ),
        # One finished load of one source. rows_read = rows_loaded + rows_quarantined (+ rows_unchanged for merges).
        _table(
            "raw_ops", "ingest_loads", (),
            [("load_id", TEXT), ("source", TEXT), ("entity", TEXT), ("rows_read", INT), ("rows_loaded", INT),
             ("rows_quarantined", INT), ("requests", INT), ("seconds", pa.float64()), ("started_at", TS),
             ("finished_at", TS)],
        ),
        # The write-back's operational store, as last copied from it (reverse_etl/store.py). One record's outcome:
        _table(
            "raw_ops", "sync_writes", ("write_id",),
            [("write_id", TEXT), ("run_id", TEXT), ("plan_id", TEXT), ("sync", TEXT), ("destination", TEXT),
             ("object", TEXT), ("sync_key", TEXT), ("record_id", TEXT), ("action", TEXT), ("fields", TEXT),
             ("outcome", TEXT), ("error_kind", TEXT), ("error_message", TEXT), ("acknowledged_at", TS),
             ("batch_id", TEXT), ("previous", TEXT), ("reason", TEXT)],
        ),
        # One plan; `summary` is a JSON list with what it says of each sync.
        _table(
            "raw_ops", "sync_plans", ("plan_id",),
            [("plan_id", TEXT), ("created_at", TS), ("expires_at", TS), ("status", TEXT), ("build_id", TEXT),
             ("ruleset_version", TEXT), ("published_at", TS), ("total_changes", INT), ("summary", TEXT)],
        ),
        # One sync of one apply.
        _table(
            "raw_ops", "sync_runs", ("run_id",),
            [("run_id", TEXT), ("plan_id", TEXT), ("sync", TEXT), ("status", TEXT), ("started_at", TS),
             ("finished_at", TS), ("requests", INT), ("written", INT), ("rejected", INT), ("message", TEXT)],
        ),
        # One refusal that waits for a new value, another cause, or a person.
        _table(
            "raw_ops", "sync_dead_letters", ("write_id",),
            [("write_id", TEXT), ("plan_id", TEXT), ("sync", TEXT), ("destination", TEXT), ("object", TEXT),
             ("sync_key", TEXT), ("record_id", TEXT), ("action", TEXT), ("error_kind", TEXT), ("error_message", TEXT),
             ("state", TEXT), ("first_refused_at", TS), ("resolved_at", TS)],
        ),
        # The proof of one erasure; no personal data. `counts` is a JSON object: place -> rows.
        _table(
            "raw_ops", "erasures", ("erasure_id",),
            [("erasure_id", TEXT), ("email_hash", TEXT), ("key_id", TEXT), ("reason", TEXT), ("requested_by", TEXT),
             ("requested_at", TS), ("finished_at", TS), ("state", TEXT), ("counts", TEXT)],
        ),
    ]
}  # fmt: skip
