"""HubSpot: records, engagements, marketing, lists and reference tables, read incrementally."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from ingestion.errors import IngestionError, LoadIncomplete
from ingestion.grouped import Group, Handed, load_group
from ingestion.hubspot.client import HubSpotClient
from ingestion.hubspot.convert import table
from ingestion.hubspot.marketing import read_email_campaigns, read_email_events, read_forms
from ingestion.hubspot.objects import OBJECTS, read_object
from ingestion.hubspot.reading import INTO, Reading
from ingestion.hubspot.reference import read_deal_stages, read_lists, read_owners, read_properties
from ingestion.loading import Loader, State
from ingestion.quarantine import records_held
from ingestion.results import LoadResult, NoProgress, Progress
from ingestion.warehouse import opened, record_loads, utc_now

__all__ = ["GROUPS", "load_hubspot"]

SOURCE = "hubspot"
DATASET = "raw_hubspot"

Reader = Callable[[Reading, State], Iterator[Handed]]


def _object_reader(name: str) -> Reader:
    return lambda reading, state: read_object(reading, OBJECTS[name], state)


#: Group -> reader -> (its function, the raw tables it fills). A group is one dlt load package.
_READERS: dict[str, dict[str, tuple[Reader, tuple[str, ...]]]] = {
    "reference": {
        "owners": (read_owners, ("owners",)),
        "deal_stages": (read_deal_stages, ("deal_stages",)),
        "properties": (read_properties, ("properties",)),
    },
    "crm_objects": {
        "contacts": (_object_reader("contacts"), ("contacts", "property_history", "associations")),
        "companies": (_object_reader("companies"), ("companies",)),
        "deals": (_object_reader("deals"), ("deals", "property_history", "associations")),
    },
    "engagements": {
        name: (_object_reader(name), (name, "associations")) for name in ("calls", "meetings", "emails", "tasks")
    },
    "marketing": {
        "forms": (read_forms, ("forms", "form_submissions")),
        "email_campaigns": (read_email_campaigns, ("email_campaigns",)),
        "email_events": (read_email_events, ("email_events",)),
    },
    "lists": {"lists": (read_lists, ("lists", "list_memberships"))},
}

#: Table groups that can be loaded apart, and the raw tables of each.
GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(dict.fromkeys(name for _, names in readers.values() for name in names))
    for group, readers in _READERS.items()
}


def load_hubspot(
    warehouse_path: str | Path,
    base_url: str,
    token: str,
    *,
    pipelines_dir: str | Path,
    burst_limit: int = 190,
    burst_seconds: float = 10,
    requests_in_flight: int = 6,
    state_dir: Path | None = None,
    progress: Progress | None = None,
    groups: Collection[str] | None = None,
) -> list[LoadResult]:
    """Loads what is new or changed in a HubSpot portal into ``raw_hubspot``: one result for each raw table of a group.

    Everything on the first call, afterwards what changed since: records by last modification, archived and merged ones
    marked as archived, e-mail events by creation, submissions by their moment; the small tables are compared and
    replaced as a whole if they differ. What is read again because of the overlap is recognised and not loaded again.

    Args:
        warehouse_path: the DuckDB file.
        base_url: ``https://api.hubapi.com`` or a sandbox's address.
        token: bearer token.
        pipelines_dir: folder for dlt's working files.
        burst_limit: requests allowed in ``burst_seconds`` seconds.
        burst_seconds: see ``burst_limit``.
        requests_in_flight: requests that wait for an answer at the same time, at most.
        state_dir: folder in which all processes of this machine that talk to the portal share its budget.
        progress: told about rows as they are read.
        groups: names out of ``GROUPS``; all if None.

    Raises:
        TokenRefused: at the first 401.
        SourceUnavailable: the portal does not answer, or its daily limit is used up.
        LoadIncomplete: some tables could not be read (a missing scope, an unexpected answer); the others are loaded.
        IngestionError: loading failed, or a group does not exist.
    """
    unknown = sorted(set(groups or ()) - set(GROUPS))
    if unknown:
        raise IngestionError(f"no such group: {', '.join(unknown)}; the groups are {', '.join(GROUPS)}")
    client = HubSpotClient(
        base_url,
        token,
        burst_limit=burst_limit,
        burst_seconds=burst_seconds,
        requests_in_flight=requests_in_flight,
        state_dir=state_dir,
    )
    results: list[LoadResult] = []
    problems: list[str] = []
    try:
        loader = Loader(warehouse_path, DATASET, pipelines_dir)
        for group in _READERS:
            if groups is None or group in groups:
                loaded = _load_group(loader, client, group, progress or NoProgress(), problems)
                record_loads(warehouse_path, loaded)
                results += loaded
    finally:
        client.close()
    if problems:
        raise LoadIncomplete(SOURCE, problems, results)
    return results


def _load_group(
    loader: Loader, client: HubSpotClient, group: str, watch: Progress, problems: list[str]
) -> list[LoadResult]:
    started_at = utc_now()
    with opened(loader.warehouse_path) as connection:
        held = records_held(connection, SOURCE)
    reading = Reading(client, loader.warehouse_path, started_at, quarantined=held)
    return load_group(
        loader,
        Group(
            SOURCE,
            group,
            {name: partial(read, reading) for name, (read, _) in _READERS[group].items()},
            INTO,
            GROUPS[group],
        ),
        started_at=started_at,
        watch=watch,
        problems=problems,
        requests=lambda name: reading.apis[name].requests if name in reading.apis else 0,
        after=partial(_mark_merged, loader.warehouse_path, started_at) if group == "crm_objects" else dict,
    )


def _mark_merged(warehouse_path: Path, loaded_at: datetime) -> dict[str, list[str]]:
    """Marks records as archived that were merged into another one: their ids stand in the survivor's list.

    HubSpot stops telling about a merged-away record without ever listing it as archived; without this it would stay
    live in the warehouse. Returns a note for each table that had some.
    """
    notes: dict[str, list[str]] = {}
    with opened(warehouse_path) as connection:
        for name in ("contacts", "companies"):
            qualified = table(name).qualified
            row = connection.execute(
                f"""
                update {qualified} set archived = true, archived_at = absorbed.merged_at, _loaded_at = ?
                from (
                    select merged_id, max(merged_at) as merged_at
                    from (
                        select trim(unnest(string_split(property_hs_merged_object_ids, ';'))) as merged_id,
                            id, updated_at as merged_at
                        from {qualified}
                        where property_hs_merged_object_ids is not null
                    ) as listed
                    where merged_id <> '' and merged_id <> id
                    group by merged_id
                ) as absorbed
                where {qualified}.id = absorbed.merged_id and not {qualified}.archived
                """,
                [loaded_at],
            ).fetchone()
            if row and row[0]:
                notes[name] = [f"{row[0]} {name} were merged into others and are marked as archived"]
    return notes
