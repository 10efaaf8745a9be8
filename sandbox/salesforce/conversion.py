"""What sales does with people in the org's own screens: a Lead is converted, two records are merged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.salesforce.catalog import SObject
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.fields import shower_of
from sandbox.salesforce.records import Actor
from sandbox.salesforce.storage import quoted

if TYPE_CHECKING:
    from sandbox.salesforce.org import Org

#: Lead's field -> Contact's.
_TO_CONTACT = {
    "LastName": "LastName", "FirstName": "FirstName", "Email": "Email", "Phone": "Phone", "MobilePhone": "MobilePhone",
    "Title": "Title", "City": "MailingCity", "State": "MailingState", "Country": "MailingCountry", "OwnerId": "OwnerId",
    "LeadSource": "LeadSource", "HasOptedOutOfEmail": "HasOptedOutOfEmail", "Company": "Company_Name__c",
    "External_Id__c": "External_Id__c", "Language__c": "Language__c", "Lifecycle_Stage__c": "Lifecycle_Stage__c",
    "Lead_Status__c": "Lead_Status__c", "Additional_Emails__c": "Additional_Emails__c",
    "Record_Source__c": "Record_Source__c", "Website": "Website__c",
}  # fmt: skip
#: Where a person may stand, besides the record itself.
_PERSON_FIELDS = (
    ("Task", "WhoId"),
    ("Event", "WhoId"),
    ("TaskRelation", "RelationId"),
    ("EventRelation", "RelationId"),
)


def convert_lead(
    org: Org,
    lead_id: str,
    actor: Actor,
    *,
    contact_id: str | None = None,
    account_id: str | None = None,
    opportunity_name: str | None = None,
) -> dict[str, str | None]:
    """Turn a Lead into a Contact of an Account; each is made unless one is named.

    Activities and campaign memberships follow. Returns the ids: ``lead``, ``contact``, ``account``, ``opportunity``.

    Raises:
        ApiError: the Lead is converted already, or a new record is refused.
    """
    lead = org.schema.objects["Lead"]
    columns = ["IsConverted", *_TO_CONTACT]
    row = org.records.find(lead, [lead_id], columns).get(lead_id)
    if row is None or row[1]:
        raise ApiError(404, "NOT_FOUND", f"Lead has no live record {lead_id}")
    values = dict(zip(columns, row[2:], strict=True))
    if values.pop("IsConverted"):
        raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", f"Lead {lead_id} is converted already")
    if contact_id is None:
        if account_id is None:
            account_id = _create(org, "Account", {"Name": values["Company"]}, actor)
        # A custom field that both objects have, under one name, goes over too.
        both = {
            name: name for name in lead.fields if name in org.schema.objects["Contact"].fields and name.endswith("__c")
        }
        more = [name for name in both if name not in _TO_CONTACT]
        extra = org.records.find(lead, [lead_id], more)[lead_id][2:] if more else ()
        contact = {_TO_CONTACT[name]: _shown(lead, name, value) for name, value in values.items()}
        contact |= {name: _shown(lead, name, value) for name, value in zip(more, extra, strict=True)}
        contact_id = _create(org, "Contact", contact | {"AccountId": account_id}, actor)
    elif account_id is None:
        account_id = org.records.find(org.schema.objects["Contact"], [contact_id], ["AccountId"])[contact_id][2]
    opportunity_id = None
    if opportunity_name is not None:
        stage = org.db.execute("SELECT ApiName FROM OpportunityStage ORDER BY SortOrder LIMIT 1").fetchone()[0]
        day = datetime.fromtimestamp(org.clock.now_ms() / 1000, UTC).date().isoformat()
        deal = {"Name": opportunity_name, "StageName": stage, "CloseDate": day, "AccountId": account_id}
        opportunity_id = _create(org, "Opportunity", deal, actor)
    mark_converted(org, lead_id, contact_id, account_id, opportunity_id, actor)
    return {"lead": lead_id, "contact": contact_id, "account": account_id, "opportunity": opportunity_id}


def mark_converted(
    org: Org, lead_id: str, contact_id: str, account_id: str | None, opportunity_id: str | None, actor: Actor
) -> None:
    """Close a Lead as converted; what names it names the Contact now."""
    now = org.clock.now_ms()
    org.db.execute(
        "UPDATE Lead SET IsConverted = 1, Status = 'Closed - Converted', ConvertedDate = ?, ConvertedContactId = ?, "
        "ConvertedAccountId = ?, ConvertedOpportunityId = ?, LastModifiedDate = ?, LastModifiedById = ?, "
        "SystemModstamp = ? WHERE Id = ?",
        (datetime.fromtimestamp(now / 1000, UTC).date().isoformat(), contact_id, account_id, opportunity_id, now,
         actor.user_id, now, lead_id),
    )  # fmt: skip
    org.records.log(org.schema.objects["Lead"], [(lead_id, "leadConverted", None, None, "string")], actor.user_id, now)
    _follow(org, lead_id, contact_id, actor)
    # A member stays in its campaign: as the Contact, which the Lead became.
    org.db.execute(
        "UPDATE CampaignMember SET ContactId = ?, LastModifiedDate = ?, SystemModstamp = ? "
        "WHERE LeadId = ? AND IsDeleted = 0",
        (contact_id, now, now, lead_id),
    )


def merge(org: Org, name: str, survivor: str, losers: list[str], actor: Actor) -> None:
    """Merge records of one object into another of it: they go into the bin with ``MasterRecordId``.

    Raises:
        ApiError: one of the records is not there, or the object cannot be merged.
    """
    sobject = org.schema.sobject(name)
    if "MasterRecordId" not in sobject.fields:
        raise ApiError(400, "INVALID_TYPE", f"{sobject.name} cannot be merged")
    found = org.records.find(sobject, [survivor, *losers], [])
    gone = [one for one in (survivor, *losers) if one not in found or found[one][1]]
    if gone or survivor in losers:
        raise ApiError(404, "NOT_FOUND", f"{sobject.name} has no live record {', '.join(gone) or survivor} to merge")
    now = org.clock.now_ms()
    for loser in losers:
        _follow(org, loser, survivor, actor)
        for table, field in _pointers(org, sobject.name):
            org.db.execute(
                f"UPDATE {quoted(table)} SET {quoted(field)} = ?, LastModifiedDate = ?, SystemModstamp = ? "
                f"WHERE {quoted(field)} = ? AND IsDeleted = 0",
                (survivor, now, now, loser),
            )
        org.records.discard(sobject, [loser], actor)
        org.db.execute(f"UPDATE {quoted(sobject.name)} SET MasterRecordId = ? WHERE Id = ?", (survivor, loser))
    org.db.execute(
        f"UPDATE {quoted(sobject.name)} SET LastModifiedDate = ?, LastModifiedById = ?, "
        "SystemModstamp = ? WHERE Id = ?",
        (now, actor.user_id, now, survivor),
    )


def _pointers(org: Org, name: str) -> list[tuple[str, str]]:
    """Fields that lead to an object and follow a merge (activities are dealt with apart)."""
    return [
        (other.name, field.name)
        for other in org.schema.objects.values()
        for field in other.fields.values()
        if name in field.reference_to
        and field.expression is None
        and (other.name, field.name) not in _PERSON_FIELDS
        and field.name not in ("MasterRecordId", "ConvertedContactId", "ConvertedAccountId", "WhatId")
        and not other.name.endswith("History")
    ]


def _follow(org: Org, old: str, new: str, actor: Actor) -> None:
    """Activities of one person become another's."""
    now = org.clock.now_ms()
    for table, field in _PERSON_FIELDS:
        org.db.execute(
            f"UPDATE {table} SET {field} = ?, LastModifiedDate = ?, LastModifiedById = ?, SystemModstamp = ? "
            f"WHERE {field} = ? AND IsDeleted = 0",
            (new, now, actor.user_id, now, old),
        )


def _shown(sobject: SObject, name: str, value: object) -> object:
    """A stored value as a client would send it."""
    show = shower_of(sobject.fields[name].type)
    return value if show is None else show(value)


def _create(org: Org, name: str, values: dict[str, object], actor: Actor) -> str:
    (outcome,) = org.records.create(org.schema.objects[name], [values], Actor(actor.user_id, system=True))
    if outcome.error is not None:
        raise outcome.error
    assert outcome.id is not None, "created"
    return outcome.id
