"""How a record of the sample world (HubSpot's properties) looks in this org. ``docs/sandbox.md`` says it in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.salesforce.fields import Stored, moment_ms
from sandbox.salesforce.setup import AUTOMATION_USER_ID, world_id

Properties = dict[str, Any]
Values = dict[str, Stored]

#: What Salesforce itself writes where a required name is unknown.
NOT_PROVIDED = "[not provided]"
_DAY_MS = 86_400_000

LEAD_STATUSES = {
    "NEW": "Open - Not Contacted",
    "OPEN": "Open - Not Contacted",
    "ATTEMPTED_TO_CONTACT": "Working - Contacted",
    "IN_PROGRESS": "Working - Contacted",
    "CONNECTED": "Working - Contacted",
    "OPEN_DEAL": "Working - Contacted",
    "UNQUALIFIED": "Closed - Not Converted",
    "BAD_TIMING": "Closed - Not Converted",
}
TASK_STATUSES = {
    "COMPLETED": "Completed",
    "NOT_STARTED": "Not Started",
    "IN_PROGRESS": "In Progress",
    "WAITING": "Waiting on someone else",
    "DEFERRED": "Deferred",
    "SENT": "Completed",
}
TASK_TYPES = {"CALL": "Call", "EMAIL": "Email", "MEETING": "Meeting", "TODO": "Other"}
CALL_TYPES = {"INBOUND": "Inbound", "OUTBOUND": "Outbound"}
DEAL_TYPES = {"newbusiness": "New Business", "existingbusiness": "Existing Business"}

#: Property -> field whose history tells its changes.
HISTORY_FIELDS = {
    "lifecyclestage": "Lifecycle_Stage__c",
    "hs_lead_status": "Lead_Status__c",
    "hubspot_owner_id": "OwnerId",
    "dealstage": "StageName",
    "amount": "Amount",
}


def owner(properties: Properties) -> str:
    """The owner's user; what has none belongs to automation."""
    found = properties.get("hubspot_owner_id")
    return world_id("005", found) if found and str(found).isdigit() else AUTOMATION_USER_ID


def account(p: Properties) -> Values:
    """A company."""
    parent = p.get("hs_parent_company_id")
    return {
        "Name": p.get("name") or NOT_PROVIDED,
        "Website": p.get("website") or p.get("domain"),
        "Phone": p.get("phone"),
        "BillingCity": p.get("city"),
        "BillingState": p.get("state"),
        "BillingCountry": p.get("country"),
        "Industry": p.get("industry"),
        "NumberOfEmployees": _whole(p.get("numberofemployees")),
        "AnnualRevenue": _number(p.get("annualrevenue")),
        "ParentId": world_id("001", parent) if parent and str(parent).isdigit() else None,
        "OwnerId": owner(p),
        "Domain__c": p.get("domain"),
        "Additional_Domains__c": p.get("hs_additional_domains"),
        "Lifecycle_Stage__c": p.get("lifecyclestage"),
        "Activity_Code__c": p.get("activity_code") or p.get("naf"),
        "Activity_Code_System__c": p.get("activity_code_system"),
    }


def _person(p: Properties) -> Values:
    return {
        "LastName": p.get("lastname") or NOT_PROVIDED,
        "FirstName": p.get("firstname"),
        "Email": p.get("email"),
        "Phone": p.get("phone"),
        "MobilePhone": p.get("mobilephone"),
        "Title": p.get("jobtitle"),
        "LeadSource": p.get("hs_analytics_source"),
        "OwnerId": owner(p),
        "HasOptedOutOfEmail": int(p.get("hs_email_optout") == "true"),
        "Language__c": p.get("hs_language"),
        "Lifecycle_Stage__c": p.get("lifecyclestage"),
        "Lead_Status__c": p.get("hs_lead_status"),
        "Additional_Emails__c": p.get("hs_additional_emails"),
        "Record_Source__c": p.get("hs_object_source"),
    }


def contact(p: Properties, account_id: str | None) -> Values:
    """A person whose company the world's CRM knows."""
    return _person(p) | {
        "AccountId": account_id,
        "MailingCity": p.get("city"),
        "MailingState": p.get("state"),
        "MailingCountry": p.get("country"),
        "Company_Name__c": p.get("company"),
        "Website__c": p.get("website"),
        "Employee_Count__c": _number(p.get("numemployees")),
        "Annual_Revenue__c": _number(p.get("annualrevenue")),
    }


def lead(p: Properties) -> Values:
    """Any other person."""
    return _person(p) | {
        "Company": p.get("company") or NOT_PROVIDED,
        "Website": p.get("website"),
        "City": p.get("city"),
        "State": p.get("state"),
        "Country": p.get("country"),
        "NumberOfEmployees": _whole(p.get("numemployees")),
        "AnnualRevenue": _number(p.get("annualrevenue")),
        "Status": LEAD_STATUSES.get(str(p.get("hs_lead_status")), "Open - Not Contacted"),
        "IsConverted": 0,
    }


def opportunity(
    p: Properties, created_ms: int, stages: dict[str, tuple[str, int, int, float]],
    account_id: str | None, contact_id: str | None,
) -> Values:  # fmt: skip
    """A deal. ``stages``: label, closed, won, percent by the stage's value."""
    stage = str(p.get("dealstage") or "")
    label, closed, won, percent = stages.get(stage, (stage, 0, 0, 0.0))
    closed_ms = moment_ms(p["closedate"]) if p.get("closedate") else None
    return {
        "Name": p.get("dealname") or NOT_PROVIDED,
        "Amount": _number(p.get("amount")),
        "CurrencyIsoCode": p.get("deal_currency_code"),
        "StageName": stage,
        "Stage_Label__c": label,
        "Probability": percent,
        "CloseDate": day_of(closed_ms if closed_ms is not None else created_ms + 90 * _DAY_MS),
        "Closed_At__c": closed_ms,
        "IsClosed": closed,
        "IsWon": won,
        "Type": DEAL_TYPES.get(str(p.get("dealtype")), p.get("dealtype")),
        "AccountId": account_id,
        "ContactId": contact_id,
        "OwnerId": owner(p),
        "Loss_Reason__c": p.get("closed_lost_reason"),
        "Pipeline__c": p.get("pipeline"),
    }


def _activity(p: Properties, prefix: str) -> Values:
    at = moment_ms(p["hs_timestamp"]) if p.get("hs_timestamp") else None
    return {
        "Subject": p.get(f"hs_{prefix}_title") or p.get(f"hs_{prefix}_subject"),
        "ActivityDate": None if at is None else day_of(at),
        "Activity_At__c": at,
        "OwnerId": owner(p),
        "Record_Source__c": p.get("hs_object_source"),
    }


def _task(p: Properties, kind: str, subtype: str, status: str | None, changed_ms: int) -> Values:
    values = _activity(p, kind)
    shown = TASK_STATUSES.get(str(status), status) or "Completed"
    closed = shown == "Completed"
    at = values["Activity_At__c"]
    return values | {
        "TaskSubtype": subtype,
        "Status": shown,
        "Priority": "Normal",
        "IsClosed": int(closed),
        # A call or an e-mail is over when it happened; a thing to do when it was ticked off.
        "CompletedDateTime": (changed_ms if kind == "task" else at) if closed else None,
    }


def call(p: Properties, changed_ms: int) -> Values:
    """A call."""
    duration = _number(p.get("hs_call_duration"))
    return _task(p, "call", "Call", p.get("hs_call_status"), changed_ms) | {
        "Type": "Call",
        "CallType": CALL_TYPES.get(str(p.get("hs_call_direction")), p.get("hs_call_direction")),
        "CallDurationInSeconds": None if duration is None else round(duration / 1000),
        "CallDisposition": p.get("hs_call_disposition"),
    }


def email(p: Properties, changed_ms: int) -> Values:
    """An e-mail of sales."""
    return _task(p, "email", "Email", p.get("hs_email_status"), changed_ms) | {
        "Type": "Email",
        "Email_Direction__c": p.get("hs_email_direction"),
        "Email_Status__c": p.get("hs_email_status"),
    }


def task(p: Properties, changed_ms: int) -> Values:
    """A thing to do."""
    return _task(p, "task", "Task", p.get("hs_task_status"), changed_ms) | {
        "Type": TASK_TYPES.get(str(p.get("hs_task_type")), p.get("hs_task_type")),
    }


def event(p: Properties, _: int) -> Values:
    """A meeting."""
    start = moment_ms(p["hs_meeting_start_time"]) if p.get("hs_meeting_start_time") else None
    end = moment_ms(p["hs_meeting_end_time"]) if p.get("hs_meeting_end_time") else None
    values = _activity(p, "meeting")
    return values | {
        "StartDateTime": start,
        "EndDateTime": end,
        "ActivityDateTime": start,
        "DurationInMinutes": None if start is None or end is None else (end - start) // 60_000,
        "Outcome__c": p.get("hs_meeting_outcome"),
    }


#: HubSpot's object -> table, key prefix, mapping.
ACTIVITIES: dict[str, tuple[str, str, Callable[[Properties, int], Values]]] = {
    "calls": ("Task", "00T", call),
    "emails": ("Task", "00T", email),
    "tasks": ("Task", "00T", task),
    "meetings": ("Event", "00U", event),
}


def _number(text: Any) -> float | None:
    try:
        return None if text is None or text == "" else float(text)
    except ValueError:
        return None


def _whole(text: Any) -> int | None:
    number = _number(text)
    return None if number is None else round(number)


def day_of(ms: int) -> str:
    """The UTC day of a moment."""
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()
