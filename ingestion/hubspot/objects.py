"""CRM records: contacts, companies, deals and engagements, with their history and associations.

The first load follows the list endpoint. After that, a search by last modification finds what changed; it is walked by
record id, each request asking for ids above the last one seen. So the limit of 10,000 results per search is never met,
however many records share one window or one timestamp. Search knows no archived records: their list is read each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingestion.errors import RecordRefused, UnexpectedAnswer
from ingestion.grouped import Json
from ingestion.hubspot.client import CountingClient
from ingestion.hubspot.convert import associations, crm_object, history, table, text
from ingestion.hubspot.reading import (
    SEARCH_OVERLAP,
    VERSION,
    Collector,
    Expected,
    Handed,
    NewState,
    Reading,
    cursor,
    read_up_to,
)
from ingestion.loading import State

LIST_PAGE = 100
#: Pages and batches that carry property history are limited to half.
HISTORY_PAGE = 50
SEARCH_PAGE = 200
ASSOCIATION_BATCH = 1_000
#: Longer lists of property names than this go into the body of a batch read: addresses have a limit.
LONGEST_QUERY = 6_000


@dataclass(frozen=True)
class ObjectRule:
    """How one object type is read."""

    name: str
    modified: str = "hs_lastmodifieddate"
    tracked: tuple[str, ...] = ()
    associated: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The objects endpoint."""
        return f"/crm/objects/{VERSION}/{self.name}"


CONTACT_HISTORY = ("lifecyclestage", "hs_lead_status", "hubspot_owner_id")
OBJECTS = {
    rule.name: rule
    for rule in (
        ObjectRule("contacts", "lastmodifieddate", CONTACT_HISTORY, ("companies",)),
        ObjectRule("companies"),
        ObjectRule("deals", tracked=("dealstage",), associated=("contacts", "companies")),
        *(ObjectRule(name, associated=("contacts",)) for name in ("calls", "meetings", "emails", "tasks")),
    )
}


def read_object(reading: Reading, rule: ObjectRule, state: State) -> Iterator[Handed]:
    """Reads what changed of one object type since the state, or all of it."""
    api = reading.api(rule.name)
    names = property_names(reading, rule.name)
    since = cursor(state)
    after = None if since is None else since - SEARCH_OVERLAP
    if after is None:
        yield Expected(rule.name, _count(api, rule))
    else:
        yield Expected(rule.name, None)
    known, archived = _known(reading, rule, after)
    collector, past = Collector(reading, rule.name), Collector(reading, "property_history")
    latest: datetime | None = None
    changed_ids: list[str] = []
    pages = _listed(api, rule, names) if after is None else _changed(api, rule, names, after, known)
    for page in pages:
        for record in page:
            row = _taken(collector, rule.name, record)
            if row is None:
                continue
            updated_at: datetime | None = row["updated_at"]
            latest = max(filter(None, (latest, updated_at)), default=None)
            if row["id"] in known and known[row["id"]] == updated_at:
                continue
            collector.add(row)
            changed_ids.append(row["id"])
            for version in history(rule.name, record):
                past.add(version)
        yield from collector.full()
        yield from past.full()
    for record in _archived(api, rule, names):
        row = _taken(collector, rule.name, record)
        if row is not None and archived.get(row["id"], "live") != row["archived_at"]:
            collector.add(row)
            yield from collector.full()
    yield from collector.rest()
    yield from past.rest()
    for to_object in rule.associated:
        yield from _associations(reading, rule.name, to_object, changed_ids)
    yield NewState(read_up_to(state, latest, api.server_time))


def property_names(reading: Reading, object_type: str) -> list[str]:
    """The names of all properties the portal has for an object type."""
    if object_type not in reading.property_names:
        answer = reading.api("properties").get(f"/crm/properties/{VERSION}/{object_type}")
        found = answer.get("results") or []
        reading.property_names[object_type] = sorted(str(one["name"]) for one in found if not one.get("archived"))
    return reading.property_names[object_type]


def _taken(collector: Collector, object_type: str, record: Json) -> dict[str, Any] | None:
    """The record's row; None if it goes to the quarantine."""
    record_id = text(record.get("id"))
    if record_id:
        collector.saw(record_id)
    try:
        return crm_object(object_type, record)
    except RecordRefused as error:
        collector.refuse(error, record)
        return None


def _known(reading: Reading, rule: ObjectRule, after: datetime | None) -> tuple[dict[str, object], dict[str, object]]:
    """What the warehouse holds: live records changed since ``after``, and archived ones, by id."""
    name = table(rule.name).qualified
    archived = reading.query(f"select id, archived_at from {name} where archived", [])
    if after is None:
        return {}, {str(one): at for one, at in archived}
    live = reading.query(f"select id, updated_at from {name} where not archived and updated_at >= ?", [after])
    return {str(one): at for one, at in live}, {str(one): at for one, at in archived}


def _count(api: CountingClient, rule: ObjectRule) -> int | None:
    total = api.post(f"{rule.path}/search", _search(rule, None, 0, [], 1)).get("total")
    return total if isinstance(total, int) else None


def _search(rule: ObjectRule, after: datetime | None, above: int, names: Sequence[str], limit: int) -> dict[str, Any]:
    filters = [{"propertyName": "hs_object_id", "operator": "GT", "value": str(above)}]
    if after is not None:
        milliseconds = int(after.replace(tzinfo=UTC).timestamp() * 1000)
        filters.insert(0, {"propertyName": rule.modified, "operator": "GTE", "value": str(milliseconds)})
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(names),
        "limit": limit,
    }


def search_by_id(
    api: CountingClient, rule: ObjectRule, after: datetime, names: Sequence[str]
) -> Iterator[Sequence[Json]]:
    """Everything modified at or after a moment, page by page, in the order of the record ids.

    Raises:
        UnexpectedAnswer: a page whose ids do not rise: going on would never end.
    """
    above = 0
    while True:
        page = api.post(f"{rule.path}/search", _search(rule, after, above, names, SEARCH_PAGE)).get("results") or []
        if not page:
            return
        highest = max(int(record["id"]) for record in page)
        if highest <= above:
            raise UnexpectedAnswer(
                f"{rule.path}/search: asked for ids above {above}, got {highest}; the read is stopped"
            )
        yield page
        if len(page) < SEARCH_PAGE:
            return
        above = highest


def _changed(
    api: CountingClient, rule: ObjectRule, names: Sequence[str], after: datetime, known: dict[str, object]
) -> Iterator[Sequence[Json]]:
    """Changed records; with history where it is tracked, for those that are not known yet."""
    if not rule.tracked:
        yield from search_by_id(api, rule, after, names)
        return

    def news() -> Iterator[list[str]]:
        for page in search_by_id(api, rule, after, [rule.modified]):
            ids = [str(record["id"]) for record in page if is_news(record)]
            yield from _chunks(ids, HISTORY_PAGE)

    def is_news(record: Json) -> bool:
        try:
            return bool(known.get(str(record["id"]), "new") != crm_object(rule.name, record)["updated_at"])
        except RecordRefused:
            # Read like any other, so that it is refused alone and goes to quarantine.
            return True

    yield from api.map(lambda ids: _batch_read(api, rule, names, ids), news())


def _listed(api: CountingClient, rule: ObjectRule, names: Sequence[str]) -> Iterator[Sequence[Json]]:
    """Every live record."""
    size = HISTORY_PAGE if rule.tracked else LIST_PAGE
    query: dict[str, Any] = {"limit": size, "archived": "false"}
    if len(",".join(names)) <= LONGEST_QUERY:
        query["properties"] = ",".join(names)
        if rule.tracked:
            query["propertiesWithHistory"] = ",".join(rule.tracked)
        yield from api.pages(rule.path, query)
        return
    ids = ([str(record["id"]) for record in page] for page in api.pages(rule.path, query))
    yield from api.map(lambda page: _batch_read(api, rule, names, page), ids)


def _batch_read(
    api: CountingClient, rule: ObjectRule, names: Sequence[str], ids: Sequence[str], archived: bool = False
) -> Sequence[Json]:
    if not ids:
        return []
    body: dict[str, Any] = {"inputs": [{"id": one} for one in ids], "properties": list(names)}
    if rule.tracked and not archived:
        body["propertiesWithHistory"] = list(rule.tracked)
    path = f"{rule.path}/batch/read" + ("?archived=true" if archived else "")
    results: Sequence[Json] = api.post(path, body).get("results") or []
    return results


def _archived(api: CountingClient, rule: ObjectRule, names: Sequence[str]) -> Iterator[Json]:
    query: dict[str, Any] = {"limit": LIST_PAGE, "archived": "true"}
    if len(",".join(names)) <= LONGEST_QUERY:
        for page in api.pages(rule.path, {**query, "properties": ",".join(names)}):
            yield from page
        return
    for page in api.pages(rule.path, query):
        yield from _batch_read(api, rule, names, [str(record["id"]) for record in page], archived=True)


def _associations(reading: Reading, from_object: str, to_object: str, ids: Sequence[str]) -> Iterator[Handed]:
    """The associations of the given records, each record's as a whole."""
    api = reading.api("associations")
    path = f"/crm/associations/{VERSION}/{from_object}/{to_object}/batch/read"
    collector = Collector(reading, "associations")

    def read(chunk: Sequence[str]) -> tuple[Sequence[str], list[Json]]:
        inputs: list[dict[str, str]] = [{"id": one} for one in chunk]
        found: list[Json] = []
        while inputs:
            results = api.post(path, {"inputs": inputs}).get("results") or []
            found += results
            inputs = []
            for result in results:
                more = ((result.get("paging") or {}).get("next") or {}).get("after")
                if more is not None:
                    inputs.append({"id": str(result["from"]["id"]), "after": str(more)})
        return chunk, found

    for chunk, found in api.map(read, _chunks(ids, ASSOCIATION_BATCH)):
        for row in associations(from_object, to_object, found, chunk):
            collector.add(row)
        yield from collector.full()
    yield from collector.rest()


def _chunks(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    for one in ids:
        chunk.append(one)
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
