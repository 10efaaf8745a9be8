"""HubSpot: records, engagements, marketing, lists and reference tables, read incrementally."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from ingestion.errors import IngestionError, LoadIncomplete, SourceUnavailable, TokenRefused
from ingestion.hubspot.client import HubSpotClient
from ingestion.hubspot.convert import table
from ingestion.hubspot.marketing import read_email_campaigns, read_email_events, read_forms
from ingestion.hubspot.objects import OBJECTS, read_object
from ingestion.hubspot.reading import INTO, Batch, Expected, Handed, NewState, Reading
from ingestion.hubspot.reference import read_deal_stages, read_lists, read_owners, read_properties
from ingestion.hubspot.streams import Ended, Failed, Together
from ingestion.loading import Into, Loader, State
from ingestion.quarantine import QuarantineWriter, forget_records, records_held
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
    started_at, clock = utc_now(), time.monotonic()
    with opened(loader.warehouse_path) as connection:
        held = records_held(connection, SOURCE)
    reading = Reading(client, loader.warehouse_path, started_at, quarantined=held)
    names = GROUPS[group]
    taken = _Taken(loader, started_at)
    before = loader.state(group)
    loader.run(group, partial(_produce, reading, group, watch, taken, problems), taken.forget)
    notes = _mark_merged(loader.warehouse_path, started_at) if group == "crm_objects" else {}
    for name in names:
        watch.finish(table(name).qualified)
    first = not before
    load_id = uuid4().hex
    results = [
        LoadResult(
            source=SOURCE,
            entity=table(name).qualified,
            rows_read=taken.read[name],
            rows_loaded=taken.loaded[name],
            rows_quarantined=taken.refused[name],
            requests=reading.apis[name].requests if name in reading.apis else 0,
            seconds=round(time.monotonic() - clock, 3),
            load_id=load_id,
            started_at=started_at,
            finished_at=utc_now(),
            notes=(*(("first load",) if first else ()), *notes.get(name, ())),
        )
        for name in names
    ]
    return results


class _Taken:
    """Counts what was taken and keeps the quarantine in step."""

    def __init__(self, loader: Loader, loaded_at: datetime) -> None:
        self._loader = loader
        self._loaded_at = loaded_at
        self.read: Counter[str] = Counter()
        self.loaded: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._rejects: dict[str, list[Batch]] = {}
        self._ids: dict[str, list[str]] = {}

    def take(self, batch: Batch) -> None:
        """Notes one batch."""
        self.read[batch.name] += batch.read
        self.loaded[batch.name] += 0 if batch.rows is None else len(batch.rows)
        self.refused[batch.name] += len(batch.rejects)
        self._ids.setdefault(batch.name, []).extend(batch.read_ids)
        if batch.rejects:
            self._rejects.setdefault(batch.name, []).append(batch)

    def forget(self) -> None:
        """Replaces the quarantine lines of the records that were read by what was refused of them now."""
        with opened(self._loader.warehouse_path) as connection:
            for name, ids in self._ids.items():
                if ids:
                    forget_records(connection, SOURCE, table(name).qualified, ids)
        for name, batches in self._rejects.items():
            writer = QuarantineWriter(self._loader.warehouse_path, SOURCE, table(name).qualified, self._loaded_at)
            for batch in batches:
                for reject in batch.rejects:
                    writer.add(None, reject)
            writer.flush()


def _produce(
    reading: Reading, group: str, watch: Progress, taken: _Taken, problems: list[str], state: State
) -> Iterator[tuple[Into, pa.Table]]:
    readers = {name: read(reading, dict(state.get(name, {}))) for name, (read, _) in _READERS[group].items()}
    for name, handed in Together[Handed](readers):
        if isinstance(handed, Failed):
            _problem(handed.error, name, problems)
        elif isinstance(handed, Expected):
            watch.start(table(handed.name).qualified, handed.total)
        elif isinstance(handed, NewState):
            state[name] = handed.state
        elif isinstance(handed, Batch):
            taken.take(handed)
            watch.advance(table(handed.name).qualified, handed.read)
            if handed.rows is not None:
                yield INTO[handed.name], handed.rows
        else:
            assert isinstance(handed, Ended)


def _problem(error: BaseException, name: str, problems: list[str]) -> None:
    """A reader failed: the others go on, unless there is no point."""
    if isinstance(error, TokenRefused | SourceUnavailable) or not isinstance(error, IngestionError):
        raise error
    problems.append(f"{name}: {error}")


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
