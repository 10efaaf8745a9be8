"""Salesforce: Leads, Contacts, Accounts and Opportunities by id; people by e-mail; Campaigns as lists.

Up to 2,000 records of a sync go by sObject Collections (200 a request, each taken or refused by itself), more go by
Bulk API 2.0 jobs of 10,000. What a refusal means is told in ``salesforce_errors``; how records are written in
``salesforce_records``, fields made in ``salesforce_fields``, lists kept in ``salesforce_campaigns``.

A person is a Lead or a Contact and may turn from one into the other. So people are looked up in both (a Contact wins),
and a write goes to the object that the id is of, whatever the sync is called; a converted lead is written as its
contact. ``people`` is both together: the object of a list, for a campaign has Leads and Contacts as members.

A new Lead needs a last name and a company: what we do not know is ``[not provided]``, Salesforce's own stand-in. The
org's assignment rules may pick an owner for new leads made one request at a time (never in a Bulk job); they are not
run when we change a record. Deleted records stay in the recycle bin for 15 days (Setup: empty it to erase at once).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from crm_access import CrmAccess
from reverse_etl.connectors.base import CrmType, FoundRecord, Link, RowOutcome, RowWrite
from reverse_etl.connectors.salesforce_api import SalesforceApi
from reverse_etl.connectors.salesforce_bulk import JOB_ROWS
from reverse_etl.connectors.salesforce_campaigns import change_members, ensure_campaign
from reverse_etl.connectors.salesforce_fields import ensure_fields
from reverse_etl.connectors.salesforce_links import link_accounts, link_roles
from reverse_etl.connectors.salesforce_records import (
    COLLECTION_ROWS,
    MOST_BY_COLLECTION,
    RecordWriter,
    delete_records,
)
from reverse_etl.connectors.salesforce_values import MOST_QUERY_BYTES, soql_lists
from reverse_etl.errors import ConnectorError, PermissionDeniedError
from reverse_etl.manifest import FieldSpec, GroupSpec

OBJECTS = {
    "leads": "Lead",
    "contacts": "Contact",
    "accounts": "Account",
    "opportunities": "Opportunity",
    "people": "Lead, Contact",
}
_PEOPLE = ("Lead", "Contact")


class SalesforceConnector:
    """One Salesforce org (or the sandbox). Safe to use from several threads; credentials are never shown."""

    name = "salesforce"
    batch_size = COLLECTION_ROWS
    list_batch_size = COLLECTION_ROWS

    def __init__(self, access: CrmAccess, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = SalesforceApi(access, sleep=sleep)
        self._writer = RecordWriter(self._api)

    def __repr__(self) -> str:
        return f"SalesforceConnector({self._api!r})"

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._api.requests

    @property
    def throttled(self) -> int:
        """How many of them were answered with "too many requests"."""
        return self._api.throttled

    def close(self) -> None:
        """Give the connections back."""
        self._api.close()

    # -- fields --------------------------------------------------------------------------------------------------

    def ensure_properties(self, object_name: str, group: GroupSpec, fields: Sequence[FieldSpec]) -> list[str]:
        """Make the custom fields that are missing, and grant them through a permission set; returns the names made.

        The fields of leads are made on contacts too: a lead may be one by the time it is written.
        """
        made: list[str] = []
        for sobject in _PEOPLE if object_name == "leads" else (_sobject(object_name),):
            names = ensure_fields(self._api, sobject, group, fields)
            made += [name for name in names if name not in made]
        return made

    # -- records -------------------------------------------------------------------------------------------------

    def lookup(
        self, object_name: str, match_property: str, values: Sequence[str], properties: Sequence[str]
    ) -> dict[str, FoundRecord]:
        """The live records with one of ``values`` in ``match_property``, by that value in lower case. People are looked
        for among Leads and Contacts; where both have it, or several, the Contact and the oldest win."""
        sobjects = _PEOPLE if _sobject(object_name) in _PEOPLE else (_sobject(object_name),)
        found: dict[str, FoundRecord] = {}
        for sobject in sobjects:
            seen = self._api.fields(sobject)
            if match_property not in seen:
                raise PermissionDeniedError(
                    f"{sobject}.{match_property} is not among the fields that the integration user sees: grant it read "
                    "access (permission set or profile), or correct match_on"
                )
            names = list(dict.fromkeys(["Id", match_property, *(name for name in properties if name in seen)]))
            select = f"SELECT {', '.join(names)} FROM {sobject} WHERE {match_property} IN "
            live = " AND IsConverted = false" if sobject == "Lead" else ""
            of_sobject: dict[str, FoundRecord] = {}
            for part in soql_lists(values, MOST_QUERY_BYTES - len(select)):
                soql = f"{select}{part}{live} ORDER BY CreatedDate, Id"
                for record in self._api.query(soql, f"look up {sobject} by {match_property}"):
                    held = {name: _as_text(record.get(name)) for name in names}
                    value = str(record.get(match_property) or "").strip().lower()
                    of_sobject.setdefault(value, FoundRecord(str(record["Id"]), held))
            found |= of_sobject
        return found

    def create(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Create records, each at most once.

        Raises :class:`AmbiguousOutcomeError` when no usable answer came; nothing is known then about any of them.
        """
        return self._writer.write(_sobject(object_name), rows)

    def update(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Change records by id; safe to repeat."""
        return self._writer.write(_sobject(object_name), rows)

    def delete(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Delete records; one that is gone already counts as written. They stay in the recycle bin for 15 days."""
        del object_name
        return delete_records(self._api, rows)

    def associate(self, from_object: str, to_object: str, links: Sequence[Link]) -> list[RowOutcome]:
        """Give a contact or opportunity its account, where it has none; or a contact a role in an opportunity."""
        ends = (_sobject(from_object), _sobject(to_object))
        if ends in (("Contact", "Account"), ("Opportunity", "Account")):
            return link_accounts(self._api, ends[0], links)
        if ends in (("Contact", "Opportunity"), ("Opportunity", "Contact")):
            return link_roles(self._api, links, from_is_contact=ends[0] == "Contact")
        raise ConnectorError(
            f"Salesforce has no association from {from_object} to {to_object}: use contacts or opportunities to "
            "accounts, or contacts to opportunities"
        )

    def opted_out_since(self, object_name: str, moment: datetime) -> set[str]:
        """Ids of the people changed at or after ``moment`` that opted out of e-mail. Accounts opt out of nothing."""
        found: set[str] = set()
        for sobject in _PEOPLE if object_name == "people" else (OBJECTS[object_name],):
            if sobject in _PEOPLE:
                soql = (
                    f"SELECT Id FROM {sobject} WHERE HasOptedOutOfEmail = true "
                    f"AND SystemModstamp >= {moment:%Y-%m-%dT%H:%M:%S}Z"
                )
                found |= {str(r["Id"]) for r in self._api.query(soql, f"look for opt-outs of {sobject} records")}
        return found

    # -- many records: jobs --------------------------------------------------------------------------------------

    def batch_size_for(self, object_name: str, action: str, rows: int) -> int:
        """200 records a batch up to 2,000; beyond that a Bulk job each."""
        del object_name
        return JOB_ROWS if action in ("create", "update") and rows > MOST_BY_COLLECTION else COLLECTION_ROWS

    def run_job(
        self, object_name: str, action: str, rows: Sequence[RowWrite], note: Callable[[str], None]
    ) -> list[RowOutcome]:
        """Write records by Bulk API 2.0; an outcome each, in order. ``note`` gets each job's id before its upload."""
        del action
        return self._writer.write(_sobject(object_name), rows, note)

    def finish_jobs(
        self, object_name: str, action: str, job_ids: Sequence[str], rows: Sequence[RowWrite]
    ) -> list[RowOutcome]:
        """Wait for the jobs of a killed run; the outcomes of those of ``rows`` that they dealt with."""
        del action
        return self._writer.finish(_sobject(object_name), job_ids, rows)

    # -- lists ---------------------------------------------------------------------------------------------------

    def ensure_list(self, object_name: str, name: str) -> tuple[str, bool]:
        """The id of our Campaign of that name, and whether it had to be made."""
        if not set(OBJECTS[object_name].split(", ")) <= set(_PEOPLE):
            raise ConnectorError(f"a campaign has leads and contacts as members, not {object_name}: use object people")
        return ensure_campaign(self._api, name)

    def change_members(
        self, object_name: str, list_id: str, add: Sequence[str], remove: Sequence[str]
    ) -> dict[str, str]:
        """Add and remove campaign members by Lead or Contact id; the reason for each that could not be."""
        del object_name
        return change_members(self._api, list_id, add, remove)


def _sobject(object_name: str) -> str:
    name = OBJECTS[object_name]
    if "," in name:
        raise ConnectorError(f"{object_name} are records of two objects: syncs name leads or contacts")
    return name


def _as_text(value: Any) -> str | None:
    """A JSON value as the text that syncs compare."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _open(access: CrmAccess) -> SalesforceConnector:
    return SalesforceConnector(access)


CRM = CrmType(
    name="salesforce",
    objects=OBJECTS,
    property_name=re.compile(r"^[A-Za-z](_?[A-Za-z0-9])*(__c)?$"),
    open=_open,
)
