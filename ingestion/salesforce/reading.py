"""What the readers of one load share: the org, up to when it is read, and what the warehouse holds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from crm_access.salesforce import DATA_PATH
from ingestion import grouped
from ingestion.grouped import Json
from ingestion.salesforce.client import CountingClient, NoSuchObject, SalesforceClient
from ingestion.salesforce.convert import LEFT_OUT, table
from ingestion.salesforce.queries import BULK_FROM
from ingestion.warehouse import opened

#: How far before the last change seen a read starts again: a long transaction commits what it stamped minutes ago.
#: What is loaded already is recognised and not loaded twice.
OVERLAP = timedelta(minutes=15)


@dataclass
class Reading:
    """One load. ``until`` bounds what is read: what changes while the load runs is read by the next one."""

    client: SalesforceClient
    warehouse_path: Path
    loaded_at: datetime
    bulk_from: int = BULK_FROM
    apis: dict[str, CountingClient] = field(default_factory=dict)
    #: Ids of the records that stand in the quarantine, by raw table.
    quarantined: dict[str, set[str]] = field(default_factory=dict)
    _described: dict[str, list[Json] | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def api(self, name: str) -> CountingClient:
        """The org, counting requests for one raw table."""
        with self._lock:
            if name not in self.apis:
                self.apis[name] = self.client.counting()
            return self.apis[name]

    @property
    def until(self) -> datetime:
        """The end of what is read (exclusive): the second after the org's first answer of this load."""
        assert self.client.server_time is not None, "asked after the first answer"
        return self.client.server_time.replace(microsecond=0) + timedelta(seconds=1)

    def fields(self, name: str) -> list[Json] | None:
        """The fields of an object that the user may read; None when the org has no such object."""
        if name not in self._described:
            try:
                answer = self.api(name.lower()).get(f"{DATA_PATH}/sobjects/{name}/describe")
            except NoSuchObject:
                self._described[name] = None
            else:
                self._described[name] = list(answer.get("fields") or []) if answer.get("queryable", True) else None
        return self._described[name]

    def readable(self, name: str) -> Mapping[str, str] | None:
        """Type by field, of those that can be read as one value; None when the org has no such object."""
        described = self.fields(name)
        if described is None:
            return None
        return {str(one["name"]): str(one.get("type")) for one in described if one.get("type") not in LEFT_OUT}

    def query(self, sql: str, parameters: list[object]) -> list[tuple[object, ...]]:
        """Rows of the warehouse; it is open only meanwhile."""
        with opened(self.warehouse_path) as connection:
            rows: list[tuple[object, ...]] = connection.execute(sql, parameters).fetchall()
        return rows

    def collector(self, name: str) -> grouped.Collector:
        """Collects rows of an object's table."""
        raw = table(name)
        return grouped.Collector(raw, self.loaded_at, self.quarantined.get(raw.qualified, ()))


def soql_moment(moment: datetime) -> str:
    """A moment as SOQL writes it; fractions of a second are cut off."""
    return f"{moment.replace(microsecond=0).isoformat()}Z"
