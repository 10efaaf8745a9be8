"""Forms and their submissions; e-mail campaigns and what became of each e-mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ingestion.errors import RecordRefused
from ingestion.grouped import Json, Row
from ingestion.hubspot.client import CountingClient
from ingestion.hubspot.convert import email_campaign, email_event, form, form_submission, table
from ingestion.hubspot.reading import (
    EVENT_OVERLAP,
    Collector,
    Expected,
    Handed,
    NewState,
    Reading,
    cursor,
    read_up_to,
    whole_table,
)
from ingestion.loading import State

FORM_PAGE = 100
SUBMISSION_PAGE = 50
EVENT_PAGE = 1_000
CAMPAIGN_PAGE = 500


def read_forms(reading: Reading, state: State) -> Iterator[Handed]:
    """All forms as they are now, then the submissions that came since the state, form by form."""
    yield Expected("forms", None)
    api = reading.api("forms")
    forms: dict[str, Row] = {}
    for archived in ("false", "true"):
        query = {"limit": FORM_PAGE, "formTypes": "all", "archived": archived}
        for page in api.pages("/marketing/v3/forms/", query):
            for record in page:
                row = form(record)
                forms.setdefault(str(row["id"]), row)
    yield from whole_table(reading, "forms", list(forms.values()))
    yield from _submissions(reading, list(forms), state)


def _submissions(reading: Reading, form_ids: list[str], state: State) -> Iterator[Handed]:
    """Submissions, newest first as HubSpot sends them, down to those that are surely loaded."""
    yield Expected("form_submissions", None)
    api = reading.api("form_submissions")
    collector = Collector(reading, "form_submissions")
    cursors: State = dict(state.get("forms", {}))
    for form_id in form_ids:
        mine: State = cursors.get(form_id, {})
        since = cursor(mine)
        after = None if since is None else since - EVENT_OVERLAP
        known = _known(reading, "form_submissions", "submission_id", "submitted_at", after, ("form_id", form_id))
        latest: datetime | None = None
        for page in api.pages(f"/form-integrations/v1/submissions/forms/{form_id}", {"limit": SUBMISSION_PAGE}):
            moments = []
            for record in page:
                try:
                    row = form_submission(form_id, record)
                except RecordRefused as error:
                    collector.refuse(error, record)
                    continue
                collector.saw(row["submission_id"])
                moments.append(row["submitted_at"])
                if (after is None or row["submitted_at"] >= after) and row["submission_id"] not in known:
                    collector.add(row)
            latest = max(filter(None, (latest, *moments)), default=None)
            yield from collector.full()
            if after is not None and moments and max(moments) < after and moments == sorted(moments, reverse=True):
                break
        cursors[form_id] = read_up_to(mine, latest, api.server_time)
    yield from collector.rest()
    yield NewState({**state, "forms": cursors})


def read_email_campaigns(reading: Reading, state: State) -> Iterator[Handed]:
    """All campaigns; the details only of those that are not in the warehouse yet."""
    yield Expected("email_campaigns", None)
    api = reading.api("email_campaigns")
    raw = table("email_campaigns")
    columns = [name for name in raw.columns.names if name != "_loaded_at"]
    held = {str(row[0]): dict(zip(columns, row, strict=True)) for row in _ordered(reading, raw.qualified, columns)}
    found: dict[str, Json] = {}
    versions: State = dict(state.get("versions", {}))
    changed: dict[str, Any] = {}
    query: dict[str, Any] = {"limit": CAMPAIGN_PAGE}
    for page in _offset_pages(api, "/email/public/v1/campaigns", query, "campaigns"):
        for record in page:
            campaign_id = str(record["id"])
            found[campaign_id] = record
            changed[campaign_id] = record.get("lastUpdatedTime")
    missing = [one for one in found if one not in held or versions.get(one) != changed[one]]

    def details(campaign_id: str) -> Row:
        app_id = found[campaign_id].get("appId")
        path = f"/email/public/v1/campaigns/{campaign_id}"
        return email_campaign({**found[campaign_id], **api.get(path, {"appId": app_id} if app_id else None)})

    rows = {one: held[one] for one in found if one in held}
    rows.update(zip(missing, api.map(details, missing), strict=True))
    yield from whole_table(reading, "email_campaigns", [rows[one] for one in found])
    yield NewState({**state, "versions": changed})


def _ordered(reading: Reading, name: str, columns: list[str]) -> list[tuple[object, ...]]:
    return reading.query(f"select {', '.join(columns)} from {name}", [])


def read_email_events(reading: Reading, state: State) -> Iterator[Handed]:
    """The e-mail events that were created since the state."""
    yield Expected("email_events", None)
    api = reading.api("email_events")
    since = cursor(state)
    after = None if since is None else since - EVENT_OVERLAP
    query: dict[str, Any] = {"limit": EVENT_PAGE}
    if after is not None:
        query["startTimestamp"] = int(after.replace(tzinfo=UTC).timestamp() * 1000)
    known = _known(reading, "email_events", "id", "created_at", after)
    collector = Collector(reading, "email_events")
    latest: datetime | None = None
    for page in _offset_pages(api, "/email/public/v1/events", query, "events"):
        for record in page:
            try:
                row = email_event(record)
            except RecordRefused as error:
                collector.refuse(error, record)
                continue
            collector.saw(row["id"])
            latest = row["created_at"] if latest is None else max(latest, row["created_at"])
            if row["id"] not in known:
                collector.add(row)
        yield from collector.full()
    yield from collector.rest()
    yield NewState(read_up_to(state, latest, api.server_time))


def _known(
    reading: Reading, name: str, key: str, stamp: str, after: datetime | None, only: tuple[str, str] | None = None
) -> set[str]:
    """Keys of the rows that the overlap will bring again."""
    if after is None:
        return set()
    condition, parameters = f"{stamp} >= ?", [after]
    sql = f"select {key} from {table(name).qualified} where {condition}"
    if only is not None:
        return {str(row[0]) for row in reading.query(f"{sql} and {only[0]} = ?", [*parameters, only[1]])}
    return {str(row[0]) for row in reading.query(sql, list(parameters))}


def _offset_pages(api: CountingClient, path: str, query: dict[str, Any], key: str) -> Iterator[list[Json]]:
    """Follows the older ``hasMore`` and ``offset`` paging."""
    while True:
        page = api.get(path, query)
        yield page.get(key) or []
        if not page.get("hasMore") or page.get("offset") in (None, query.get("offset")):
            return
        query = {**query, "offset": page["offset"]}
