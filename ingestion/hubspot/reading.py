"""What the readers of one group share: the portal, what is loaded already, and the shape of what they hand over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from ingestion import grouped
from ingestion.errors import RecordRefused
from ingestion.grouped import Batch, Expected, Handed, Json, NewState, Row, to_arrow
from ingestion.hubspot.client import CountingClient, HubSpotClient
from ingestion.hubspot.convert import table, text
from ingestion.loading import Into, State
from ingestion.schemas import RawTable
from ingestion.warehouse import opened

__all__ = ["Batch", "Collector", "Expected", "Handed", "NewState", "Reading", "cursor", "read_up_to", "whole_table"]

#: API version of the dated paths.
VERSION = "2026-09"
#: How far before the last record seen an incremental read starts again: search lags behind writes, and a marketing
#: event may be told late. What is loaded already is recognised and not loaded twice.
SEARCH_OVERLAP = timedelta(minutes=10)
EVENT_OVERLAP = timedelta(hours=2)

#: How each table is kept.
INTO = {
    **{
        name: Into(table(name), ("id",))
        for name in ("contacts", "companies", "deals", "calls", "meetings", "emails", "tasks", "email_events")
    },
    "form_submissions": Into(table("form_submissions"), ("submission_id",)),
    "associations": Into(table("associations"), ("from_object", "from_id", "to_object"), groups=True),
    # HubSpot forgets old values in the end; what was read once is kept.
    "property_history": Into(
        table("property_history"), ("object_type", "object_id", "property", "changed_at", "value")
    ),
    **{
        name: Into(table(name), whole=True)
        for name in (
            "owners", "deal_stages", "forms", "email_campaigns", "lists", "list_memberships", "properties",
        )
    },
}  # fmt: skip


@dataclass
class Reading:
    """One group's read: the portal, the moment of loading, and what the warehouse holds."""

    client: HubSpotClient
    warehouse_path: Path
    loaded_at: datetime
    apis: dict[str, CountingClient] = field(default_factory=dict)
    property_names: dict[str, list[str]] = field(default_factory=dict)
    #: Ids of the records that stand in the quarantine, by raw table.
    quarantined: dict[str, set[str]] = field(default_factory=dict)

    def api(self, name: str) -> CountingClient:
        """The portal, counting requests for one table."""
        if name not in self.apis:
            self.apis[name] = self.client.counting()
        return self.apis[name]

    def query(self, sql: str, parameters: list[object]) -> list[tuple[object, ...]]:
        """Rows of the warehouse; it is open only meanwhile."""
        with opened(self.warehouse_path) as connection:
            rows: list[tuple[object, ...]] = connection.execute(sql, parameters).fetchall()
        return rows

    def held(self, raw: RawTable) -> set[tuple[object, ...]]:
        """Every row of a small table, without its load time."""
        columns = ", ".join(name for name in raw.columns.names if name != "_loaded_at")
        return set(self.query(f"select {columns} from {raw.qualified}", []))


class Collector(grouped.Collector):
    """Collects rows of one table of HubSpot and hands them over a batch at a time."""

    def __init__(self, reading: Reading, name: str) -> None:
        raw = table(name)
        super().__init__(raw, reading.loaded_at, reading.quarantined.get(raw.qualified, ()))

    def refuse(self, error: RecordRefused, record: Json, record_id: str | None = None) -> None:
        """A record that cannot be taken."""
        super().refuse(error, record, record_id or text(record.get("id") or record.get("conversionId")))


def whole_table(reading: Reading, name: str, rows: list[Row]) -> Iterator[Batch]:
    """A small table as it is now: nothing if the warehouse holds exactly that, else all of it."""
    raw = table(name)
    arrow = to_arrow(raw, rows, reading.loaded_at)
    columns = [column for column in raw.columns.names if column != "_loaded_at"]
    now = set(zip(*(arrow.column(column).to_pylist() for column in columns), strict=True)) if rows else set()
    if now != reading.held(raw):
        yield Batch(name, arrow, len(rows))


def cursor(state: Mapping[str, object]) -> datetime | None:
    """The moment up to which a reader has read (UTC, without a zone); None before the first load."""
    value = state.get("read_up_to")
    return datetime.fromisoformat(str(value)) if value else None


def read_up_to(state: State, latest: datetime | None, started: datetime) -> State:
    """The next cursor: the latest change seen, but never beyond the moment the read began.

    What changes while the read runs may have been passed already; it is newer than the beginning and is read next time.
    """
    before = cursor(state)
    candidates = [moment for moment in (before, min(latest, started) if latest else None) if moment]
    return {**state, "read_up_to": max(candidates).isoformat()} if candidates else dict(state)
