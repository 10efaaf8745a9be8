"""What the readers of one group share: the portal, what is loaded already, and the shape of what they hand over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from ingestion.errors import RecordRefused
from ingestion.hubspot.client import CountingClient, HubSpotClient
from ingestion.hubspot.convert import Json, Row, refused, table, to_arrow
from ingestion.loading import Into, State
from ingestion.quarantine import Reject
from ingestion.schemas import RawTable
from ingestion.warehouse import opened

#: API version of the dated paths.
VERSION = "2026-09"
#: Rows that travel together.
BATCH_ROWS = 5_000
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
class Batch:
    """Rows of one table on their way: Arrow rows, how many records were read for them, and those refused."""

    name: str
    rows: pa.Table | None
    read: int
    rejects: list[Reject] = field(default_factory=list)
    read_ids: list[str] = field(default_factory=list)


@dataclass
class Expected:
    """How many records of a table will come, for the progress bar."""

    name: str
    total: int | None


@dataclass
class NewState:
    """A reader's state, handed over when it has read everything."""

    state: State


Handed = Batch | Expected | NewState


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


class Collector:
    """Collects rows of one table and hands them over a batch at a time."""

    def __init__(self, reading: Reading, name: str) -> None:
        self._reading = reading
        self._name = name
        self._rows: list[Row] = []
        self._read = 0
        self._ids: list[str] = []
        self._rejects: list[Reject] = []

    def add(self, row: Row) -> None:
        """A row to load."""
        self._rows.append(row)
        self._read += 1

    def refuse(self, error: RecordRefused, record: Json) -> None:
        """A record that cannot be taken."""
        reject = refused(error, record)
        self.saw(str(reject.record_id))
        self._rejects.append(reject)
        self._read += 1

    def saw(self, record_id: str) -> None:
        """A record was read (accepted or not): its earlier line in the quarantine, if any, is out of date."""
        if record_id in self._reading.quarantined.get(table(self._name).qualified, ()):
            self._ids.append(record_id)

    def full(self) -> Iterator[Batch]:
        """Hands over if enough has come together."""
        if self._read >= BATCH_ROWS:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """Hands over whatever there is."""
        if self._read or self._ids:
            rows = to_arrow(table(self._name), self._rows, self._reading.loaded_at) if self._rows else None
            yield Batch(self._name, rows, self._read, self._rejects, self._ids)
        self._rows, self._read, self._rejects, self._ids = [], 0, [], []


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
