"""The small tables that say what the records mean: owners, deal stages, properties; and lists with their members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingestion.grouped import Row
from ingestion.hubspot.convert import crm_list, deal_stages, membership, owner, property_definition
from ingestion.hubspot.objects import OBJECTS
from ingestion.hubspot.reading import VERSION, Expected, Handed, NewState, Reading, whole_table
from ingestion.loading import State

OWNER_PAGE = 100
LIST_PAGE = 500
MEMBER_PAGE = 250


def read_owners(reading: Reading, state: State) -> Iterator[Handed]:
    """All owners, archived ones too (their deals and tasks outlive them)."""
    yield Expected("owners", None)
    rows: dict[str, Row] = {}
    for archived in ("false", "true"):
        query = {"limit": OWNER_PAGE, "archived": archived}
        for page in reading.api("owners").pages(f"/crm/owners/{VERSION}", query):
            for record in page:
                row = owner(record)
                rows.setdefault(str(row["id"]), row)
    yield from whole_table(reading, "owners", list(rows.values()))
    yield NewState(state)


def read_deal_stages(reading: Reading, state: State) -> Iterator[Handed]:
    """All stages of all deal pipelines."""
    yield Expected("deal_stages", None)
    answer = reading.api("deal_stages").get(f"/crm/pipelines/{VERSION}/deals")
    rows = [stage for pipeline in answer.get("results") or [] for stage in deal_stages(pipeline)]
    yield from whole_table(reading, "deal_stages", rows)
    yield NewState(state)


def read_properties(reading: Reading, state: State) -> Iterator[Handed]:
    """The properties of every object type we read."""
    yield Expected("properties", None)
    api = reading.api("properties")
    rows: list[Row] = []
    for object_type in OBJECTS:
        answer = api.get(f"/crm/properties/{VERSION}/{object_type}")
        rows += [property_definition(object_type, one) for one in answer.get("results") or []]
    yield from whole_table(reading, "properties", rows)
    yield NewState(state)


def read_lists(reading: Reading, state: State) -> Iterator[Handed]:
    """All lists of contacts and companies, with their members, as they are now."""
    yield Expected("lists", None)
    rows = [crm_list(record) for record in _lists(reading)]
    yield from whole_table(reading, "lists", rows)
    yield Expected("list_memberships", sum(row["size"] or 0 for row in rows) or None)
    api = reading.api("list_memberships")

    def members(list_id: str) -> list[Row]:
        path = f"/crm/lists/{VERSION}/{list_id}/memberships"
        return [membership(list_id, one) for page in api.pages(path, {"limit": MEMBER_PAGE}) for one in page]

    memberships = [row for found in api.map(members, [str(row["list_id"]) for row in rows]) for row in found]
    yield from whole_table(reading, "list_memberships", memberships)
    yield NewState(state)


def _lists(reading: Reading) -> Iterator[Mapping[str, Any]]:
    """Lists of contacts (0-1) and companies (0-2)."""
    offset = 0
    while True:
        body = {"count": LIST_PAGE, "offset": offset, "additionalProperties": ["hs_list_size"]}
        page = reading.api("lists").post(f"/crm/lists/{VERSION}/search", body)
        found = page.get("lists") or []
        for record in found:
            if record.get("objectTypeId") in ("0-1", "0-2"):
                yield record
        if not page.get("hasMore") or not found:
            return
        offset = int(page.get("offset") or offset + len(found))
