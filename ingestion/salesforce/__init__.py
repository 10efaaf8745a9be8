"""Salesforce: people, accounts, opportunities, activities, campaigns and their history, read incrementally."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from crm_access import CrmAccess
from crm_access.salesforce import DATA_PATH
from ingestion.errors import IngestionError, LoadIncomplete, SourceUnavailable, TokenRefused, UnexpectedAnswer
from ingestion.grouped import Group, Handed, Readers, load_group
from ingestion.loading import Into, Loader, State
from ingestion.quarantine import records_held
from ingestion.results import LoadResult, NoProgress, Progress
from ingestion.salesforce.client import SalesforceClient
from ingestion.salesforce.convert import DATASET, table
from ingestion.salesforce.objects import Comparison, compare, read_fields, read_object, read_whole
from ingestion.salesforce.queries import BULK_FROM
from ingestion.salesforce.reading import Reading
from ingestion.warehouse import opened, record_loads, utc_now

__all__ = ["GROUPS", "load_salesforce"]

SOURCE = "salesforce"

#: Group -> the objects it reads. A group is one load package.
_OBJECTS: dict[str, tuple[str, ...]] = {
    "reference": ("User", "OpportunityStage"),
    "crm_objects": ("Lead", "Contact", "Account", "Opportunity", "OpportunityContactRole"),
    "history": ("LeadHistory", "ContactHistory", "AccountHistory", "OpportunityFieldHistory", "OpportunityHistory"),
    "activities": ("Task", "Event", "TaskRelation", "EventRelation"),
    "campaigns": ("Campaign", "CampaignMember"),
}
#: Replaced as a whole: it is small, and shows no deleted records.
_WHOLE = frozenset({"OpportunityStage"})
#: Never changed once written; a history goes with its record only.
_HISTORY = frozenset(_OBJECTS["history"])

#: Table groups that can be loaded apart, and the raw tables of each.
GROUPS: dict[str, tuple[str, ...]] = {
    group: (*(name.lower() for name in names), *(("fields",) if group == "reference" else ()))
    for group, names in _OBJECTS.items()
}
INTO = {
    name: Into(table(name), whole=True) if name in ("opportunitystage", "fields") else Into(table(name), ("id",))
    for names in GROUPS.values()
    for name in names
}


def load_salesforce(
    warehouse_path: str | Path,
    access: CrmAccess,
    *,
    pipelines_dir: str | Path,
    reserve: float = 0.1,
    bulk_from: int = BULK_FROM,
    progress: Progress | None = None,
    groups: Collection[str] | None = None,
) -> list[LoadResult]:
    """Loads what is new or changed in an org into ``raw_salesforce``: one result for each raw table of a group.

    Everything on the first call, afterwards what changed since (``SystemModstamp``; history by ``CreatedDate``), up to
    the moment the org first answered. Deleted and merged records are marked, those deleted for good too.

    Args:
        warehouse_path: the DuckDB file.
        access: the org and what opens it (``crm_access/salesforce.py``).
        pipelines_dir: folder for dlt's working files.
        reserve: share of the org's daily requests that is left to others.
        bulk_from: more rows than this are read by a query job of Bulk API 2.0.
        progress: told about rows as they are read.
        groups: names out of ``GROUPS``; all if None.

    Raises:
        TokenRefused: no token can be had, or a new one is refused.
        SourceUnavailable: the org does not answer, or no more requests may be sent today.
        LoadIncomplete: some tables could not be read (a missing permission, an unexpected answer); the others are
            loaded.
        IngestionError: loading failed, or a group does not exist.
    """
    unknown = sorted(set(groups or ()) - set(GROUPS))
    if unknown:
        raise IngestionError(f"no such group: {', '.join(unknown)}; the groups are {', '.join(GROUPS)}")
    client = SalesforceClient(access, reserve=reserve)
    results: list[LoadResult] = []
    problems: list[str] = []
    try:
        loader = Loader(warehouse_path, DATASET, pipelines_dir)
        with opened(loader.warehouse_path) as connection:
            held = records_held(connection, SOURCE)
        reading = Reading(client, loader.warehouse_path, utc_now(), bulk_from, quarantined=held)
        # The first answer sets the org's own time, up to which everything is read.
        if reading.fields("User") is None:
            raise UnexpectedAnswer(
                f"{client!r} describes no User under {DATA_PATH}: is this an org's address, and does the org know "
                "this version of the API?"
            )
        for group in _OBJECTS:
            if groups is None or group in groups:
                loaded = _load_group(loader, reading, group, progress or NoProgress(), problems)
                record_loads(warehouse_path, loaded)
                results += loaded
    finally:
        client.close()
    if problems:
        raise LoadIncomplete(SOURCE, problems, results)
    return results


def _load_group(loader: Loader, reading: Reading, group: str, watch: Progress, problems: list[str]) -> list[LoadResult]:
    missing: dict[str, int] = {}

    def compared(names: Iterable[str]) -> dict[str, list[str]]:
        notes: dict[str, list[str]] = {}
        unread = {problem.split(":")[0] for problem in problems}
        for name in names:
            if name not in _WHOLE | _HISTORY and name not in unread:
                found = _compare(reading, problems, name)
                notes[name.lower()] = list(found.notes)
                if found.missing:
                    missing[name] = found.missing
        return notes

    def load(readers: Readers, tables: Sequence[str]) -> list[LoadResult]:
        return load_group(
            loader,
            Group(SOURCE, group, readers, INTO, tables),
            started_at=reading.loaded_at,
            watch=watch,
            problems=problems,
            requests=lambda name: reading.apis[name].requests if name in reading.apis else 0,
            after=partial(compared, [name for name in readers if name in _OBJECTS[group]]),
        )

    results = load(_readers(reading, group), GROUPS[group])
    if missing:
        missed = dict(missing)
        missing.clear()
        again: Readers = {name: partial(read_object, reading, name, everything=True) for name in missed}
        for name, result in zip(missed, load(again, [name.lower() for name in missed]), strict=True):
            words = (
                f"{missed[name]} records of the org were not here (a permission given since, or a change that was "
                "committed late): everything was read again"
            )
            results.append(replace(result, notes=(*result.notes, words)))
        problems += [f"{name}: {number} records of the org could not be read" for name, number in missing.items()]
    return results


def _readers(reading: Reading, group: str) -> Readers:
    readers: dict[str, Callable[[State], Iterator[Handed]]] = {
        name: partial(read_whole if name in _WHOLE else read_object, reading, name) for name in _OBJECTS[group]
    }
    if group == "reference":
        readers["fields"] = partial(read_fields, reading)
    return readers


def _compare(reading: Reading, problems: list[str], name: str) -> Comparison:
    try:
        return compare(reading, name)
    except (TokenRefused, SourceUnavailable):
        raise
    except IngestionError as error:
        problems.append(f"{name}, counting: {error}")
        return Comparison()
