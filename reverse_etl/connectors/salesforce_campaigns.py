"""Lists: a Campaign whose members are Leads and Contacts.

Only campaigns of our own type are kept: one that people made under the same name is left alone. Members join with the
campaign's default status; a lead that was converted joins, and leaves, as the contact that it became.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reverse_etl.connectors.base import ListGoneError, RowWrite
from reverse_etl.connectors.salesforce_api import SalesforceApi, refusal_of
from reverse_etl.connectors.salesforce_errors import CONVERTED, TAKEN, Refusal, read_errors
from reverse_etl.connectors.salesforce_records import COLLECTION_ROWS, RecordWriter, delete_records
from reverse_etl.connectors.salesforce_values import sobject_of, soql_lists, soql_text
from reverse_etl.errors import AmbiguousOutcomeError, ConnectorError, PermissionDeniedError

#: ``Campaign.Type`` of the lists we keep.
LIST_TYPE = "Leadhouse list"
_LONGEST_NAME = 80
_TRIES = 3


def ensure_campaign(api: SalesforceApi, name: str) -> tuple[str, bool]:
    """The id of our campaign of that name, and whether it had to be made.

    Raises:
        ConnectorError: the name is too long, or somebody else's campaign has it.
    """
    if len(name) > _LONGEST_NAME:
        raise ConnectorError(f"list {name!r}: a campaign's name has at most {_LONGEST_NAME} characters; shorten it")
    for attempt in range(_TRIES):
        found = _find(api, name)
        if found is not None:
            return found, False
        body = {"Name": name, "Type": LIST_TYPE, "Status": "In Progress", "IsActive": True}
        try:
            answer = api.send("POST", "/sobjects/Campaign", body, repeatable=False)
        except AmbiguousOutcomeError:
            api.sleep(2.0**attempt)
            continue
        return str(api.ok(answer, f"make the campaign {name!r}").members["id"]), True
    raise ConnectorError(f"the campaign {name!r} could not be made: {_TRIES} requests got no answer; apply again")


def _find(api: SalesforceApi, name: str) -> str | None:
    soql = f"SELECT Id, Type, IsActive FROM Campaign WHERE Name = {soql_text(name)} ORDER BY CreatedDate, Id"
    campaigns = list(api.query(soql, f"find the campaign {name!r}"))
    ours = [campaign for campaign in campaigns if campaign.get("Type") == LIST_TYPE]
    if campaigns and not ours:
        raise ConnectorError(
            f"campaign {name!r} is not ours (its type is {campaigns[0].get('Type') or 'empty'}, not {LIST_TYPE!r}): "
            "rename it, give it our type, or rename our list"
        )
    return str(ours[0]["Id"]) if ours else None


def change_members(api: SalesforceApi, campaign_id: str, add: Sequence[str], remove: Sequence[str]) -> dict[str, str]:
    """Add and remove Leads and Contacts by id; the reason for each that could not be.

    Raises:
        ListGoneError: there is no such campaign.
    """
    refused = _add(api, campaign_id, add)
    if any(refusal.kind == "missing" for refusal in refused.values()) or remove:
        _need_campaign(api, campaign_id)
    refused |= _remove(api, campaign_id, remove)
    return {record_id: refusal.text for record_id, refusal in refused.items()}


def _need_campaign(api: SalesforceApi, campaign_id: str) -> None:
    if api.find_one("Campaign", {"Id": campaign_id}, "find the campaign") is None:
        raise ListGoneError(f"campaign {campaign_id} is not in Salesforce")


def _add(api: SalesforceApi, campaign_id: str, record_ids: Sequence[str]) -> dict[str, Refusal]:
    refused: dict[str, Refusal] = {}
    for start in range(0, len(record_ids), COLLECTION_ROWS):
        part = record_ids[start : start + COLLECTION_ROWS]
        refused |= _insert(api, campaign_id, {record_id: record_id for record_id in part})
    converted = [record_id for record_id, refusal in refused.items() if refusal.code == CONVERTED]
    contacts = RecordWriter(api).contacts_of(converted) if converted else {}
    for start in range(0, len(contacts), COLLECTION_ROWS):
        part_of = dict(list(contacts.items())[start : start + COLLECTION_ROWS])
        again = _insert(api, campaign_id, part_of)
        refused = {key: refusal for key, refusal in refused.items() if key not in part_of} | again
    return refused


def _insert(api: SalesforceApi, campaign_id: str, ids: Mapping[str, str]) -> dict[str, Refusal]:
    """Insert members (the id asked for, the id to put in), at most 200. Whoever is a member already is what was
    wanted, so a repeated request does no harm."""
    records = [_member(campaign_id, record_id) for record_id in ids.values()]
    answer = api.collection("POST", records)
    if answer.status == 403:
        raise PermissionDeniedError(f"cannot add campaign members: {refusal_of(answer).text}")
    if answer.status >= 400 or len(answer.items) != len(records):
        if len(records) == 1:
            return dict.fromkeys(ids, refusal_of(answer))
        pairs = list(ids.items())
        middle = len(pairs) // 2
        first, second = dict(pairs[:middle]), dict(pairs[middle:])
        return _insert(api, campaign_id, first) | _insert(api, campaign_id, second)
    refused = {}
    for record_id, item in zip(ids, answer.items, strict=True):
        if not item.get("success") and (refusal := read_errors(item.get("errors") or ())).code != TAKEN:
            refused[record_id] = refusal
    return refused


def _member(campaign_id: str, record_id: str) -> dict[str, Any]:
    side = "ContactId" if sobject_of(record_id, "Lead") == "Contact" else "LeadId"
    return {"attributes": {"type": "CampaignMember"}, "CampaignId": campaign_id, side: record_id}


def _remove(api: SalesforceApi, campaign_id: str, record_ids: Sequence[str]) -> dict[str, Refusal]:
    """Whoever is no member needs no removing."""
    refused: dict[str, Refusal] = {}
    of_member: dict[str, str] = {}
    for side in ("LeadId", "ContactId"):
        mine = [i for i in record_ids if (sobject_of(i, "Lead") == "Contact") == (side == "ContactId")]
        for ids in soql_lists(mine):
            soql = (
                f"SELECT Id, {side} FROM CampaignMember WHERE CampaignId = {soql_text(campaign_id)} AND {side} IN {ids}"
            )
            of_member |= {str(m["Id"]): str(m[side]) for m in api.query(soql, "find campaign members")}
    rows = [RowWrite(record_id, member_id, {}) for member_id, record_id in of_member.items()]
    for outcome in delete_records(api, rows):
        if outcome.error_kind is not None:
            refused[outcome.ref] = Refusal("UNKNOWN_EXCEPTION", outcome.error_message or "not removed")
    return refused
