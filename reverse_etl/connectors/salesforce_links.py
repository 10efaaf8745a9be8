"""Associations: a contact's or opportunity's account, and who has a role in an opportunity. Only ever added."""

from __future__ import annotations

from collections.abc import Sequence

from reverse_etl.connectors.base import Link, RowOutcome, RowWrite
from reverse_etl.connectors.salesforce_api import SalesforceApi, refusal_of
from reverse_etl.connectors.salesforce_errors import TAKEN, Refusal, read_errors
from reverse_etl.connectors.salesforce_records import COLLECTION_ROWS, RecordWriter
from reverse_etl.connectors.salesforce_values import full_id, soql_lists
from reverse_etl.errors import AmbiguousOutcomeError, ConnectorError, PermissionDeniedError


def link_accounts(api: SalesforceApi, sobject: str, links: Sequence[Link]) -> list[RowOutcome]:
    """Give records an account, where they have none: another account is somebody's decision, and stays."""
    held: dict[str, str | None] = {}
    for ids in soql_lists([link.from_id for link in links]):
        soql = f"SELECT Id, AccountId FROM {sobject} WHERE Id IN {ids}"
        held |= {str(r["Id"]): r["AccountId"] for r in api.query(soql, f"read the accounts of {sobject} records")}
    outcomes: dict[str, RowOutcome] = {}
    to_write: list[RowWrite] = []
    for link in links:
        record_id, account_id = full_id(link.from_id), full_id(link.to_id)
        if record_id not in held:
            outcomes[link.ref] = RowOutcome(link.ref, link.from_id, "missing", "the record is not in Salesforce")
        elif held[record_id] is None:
            # A second link for the same record in this very batch must not overwrite the first.
            held[record_id] = account_id
            to_write.append(RowWrite(link.ref, link.from_id, {"AccountId": account_id}))
        elif held[record_id] == account_id:
            outcomes[link.ref] = RowOutcome(link.ref, link.from_id)
        else:
            message = f"the record belongs to the account {held[record_id]} already"
            outcomes[link.ref] = RowOutcome(link.ref, link.from_id, "conflict", message)
    if to_write:
        outcomes |= {outcome.ref: outcome for outcome in RecordWriter(api).write(sobject, to_write)}
    return [outcomes[link.ref] for link in links]


def link_roles(api: SalesforceApi, links: Sequence[Link], *, from_is_contact: bool) -> list[RowOutcome]:
    """Give contacts a role in opportunities (OpportunityContactRole, without naming the role)."""
    pairs = {
        link.ref: (full_id(link.to_id), full_id(link.from_id))
        if from_is_contact
        else (full_id(link.from_id), full_id(link.to_id))
        for link in links
    }
    outcomes: dict[str, RowOutcome] = {}
    waiting = list(links)
    for attempt in range(3):
        there = _roles(api, [opportunity for opportunity, _ in pairs.values()])
        outcomes |= {link.ref: RowOutcome(link.ref, link.from_id) for link in waiting if pairs[link.ref] in there}
        waiting = [link for link in waiting if link.ref not in outcomes]
        if not waiting:
            break
        try:
            outcomes |= _insert_roles(api, waiting, pairs)
            break
        except AmbiguousOutcomeError:
            if attempt == 2:
                raise
            api.sleep(2.0**attempt)
    return [outcomes[link.ref] for link in links]


def _roles(api: SalesforceApi, opportunity_ids: Sequence[str]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for ids in soql_lists(opportunity_ids):
        soql = f"SELECT OpportunityId, ContactId FROM OpportunityContactRole WHERE OpportunityId IN {ids}"
        found |= {(r["OpportunityId"], r["ContactId"]) for r in api.query(soql, "read contact roles")}
    return found


def _insert_roles(
    api: SalesforceApi, links: Sequence[Link], pairs: dict[str, tuple[str, str]]
) -> dict[str, RowOutcome]:
    outcomes: dict[str, RowOutcome] = {}
    for start in range(0, len(links), COLLECTION_ROWS):
        part = links[start : start + COLLECTION_ROWS]
        records = [
            {
                "attributes": {"type": "OpportunityContactRole"},
                "OpportunityId": pairs[link.ref][0],
                "ContactId": pairs[link.ref][1],
            }
            for link in part
        ]
        answer = api.collection("POST", records, repeatable=False)
        if answer.status == 403:
            raise PermissionDeniedError(f"cannot add contact roles: {refusal_of(answer).text}")
        if answer.status >= 400 or len(answer.items) != len(part):
            raise ConnectorError(f"cannot add contact roles: {answer.status}: {refusal_of(answer).text}")
        for link, item in zip(part, answer.items, strict=True):
            refusal: Refusal | None = None if item.get("success") else read_errors(item.get("errors") or ())
            if refusal is None or refusal.code == TAKEN:
                outcomes[link.ref] = RowOutcome(link.ref, link.from_id)
            else:
                outcomes[link.ref] = RowOutcome(link.ref, link.from_id, refusal.kind, refusal.text)
    return outcomes
