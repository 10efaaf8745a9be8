"""What a CRM must be able to do for the applier. A further CRM is one module with these methods.

A connector talks to one portal. It parses every answer whatever its status, splits what the CRM refuses as a whole
until only the bad records are refused, waits as told, and gives back one outcome a record. It keeps no state about
plans and writes nothing down: that is the applier's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from crm_access import CrmAccess

if TYPE_CHECKING:
    from reverse_etl.manifest import FieldSpec, GroupSpec

#: Kinds of refusal, the same for every CRM (``error_kind`` in the ledger and the dead letters).
ERROR_KINDS = ("validation", "missing", "conflict", "permission", "rate", "unknown")


@dataclass(frozen=True)
class RowWrite:
    """One record to write. ``ref`` is ours and comes back in the outcome; ``record_id`` is ``None`` for a create."""

    ref: str
    record_id: str | None
    properties: Mapping[str, str]


@dataclass(frozen=True)
class RowOutcome:
    """How one record fared. ``error_kind`` is ``None`` when it was written."""

    ref: str
    record_id: str | None
    error_kind: str | None = None
    error_message: str | None = None

    @property
    def is_written(self) -> bool:
        """Whether the CRM took the record."""
        return self.error_kind is None


@dataclass(frozen=True)
class FoundRecord:
    """A record found by a unique property, with the properties asked for (absent = never set)."""

    record_id: str
    properties: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class CrmType:
    """What is known of a CRM without talking to it; a connector module calls its own ``CRM``.

    ``objects`` maps the names that syncs use to the CRM's own (``contacts`` to ``0-1``, ``leads`` to ``Lead``).
    """

    name: str
    objects: Mapping[str, str]
    #: What a property that we make may be called.
    property_name: re.Pattern[str]
    open: Callable[[CrmAccess], Connector]


@dataclass(frozen=True)
class Link:
    """Two records to associate. ``ref`` is ours and comes back in the outcome."""

    ref: str
    from_id: str
    to_id: str


class Connector(Protocol):
    """One portal of one CRM. ``object_name`` is always one of the syncs' names (:attr:`CrmType.objects`)."""

    name: str
    #: Records per batch, members per membership change.
    batch_size: int
    list_batch_size: int

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        ...

    @property
    def throttled(self) -> int:
        """How many of them the CRM answered with "too many requests"."""
        ...

    def ensure_properties(self, object_name: str, group: GroupSpec, fields: Sequence[FieldSpec]) -> list[str]:
        """Make the group and the properties that are missing; returns the names made. Raises
        :class:`~reverse_etl.errors.ConnectorError` when an existing property is of another type or not ours."""
        ...

    def lookup(
        self, object_name: str, match_property: str, values: Sequence[str], properties: Sequence[str]
    ) -> dict[str, FoundRecord]:
        """The live records with one of ``values`` in the unique ``match_property``, by that value in lower case."""
        ...

    def create(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Create records, once. Raises :class:`~reverse_etl.errors.AmbiguousOutcomeError` when no usable answer came:
        look the records up before repeating."""
        ...

    def update(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Change records by id; safe to repeat."""
        ...

    def delete(self, object_name: str, rows: Sequence[RowWrite]) -> list[RowOutcome]:
        """Delete records for good (erasure); one that is gone already counts as written. Safe to repeat."""
        ...

    def associate(self, from_object: str, to_object: str, links: Sequence[Link]) -> list[RowOutcome]:
        """Associate records; an association that is there already counts as written. Safe to repeat."""
        ...

    def opted_out_since(self, object_name: str, moment: datetime) -> set[str]:
        """Ids of the records that changed after ``moment`` (UTC, no zone) and say that their person opted out."""
        ...

    def ensure_list(self, object_name: str, name: str) -> tuple[str, bool]:
        """The id of the static list of that name, and whether it had to be made."""
        ...

    def change_members(
        self, object_name: str, list_id: str, add: Sequence[str], remove: Sequence[str]
    ) -> dict[str, str]:
        """Add and remove members by record id; returns the reason for each id that could not be. Raises
        :class:`ListGoneError` when there is no such list."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...


@runtime_checkable
class JobConnector(Protocol):
    """What a CRM adds to :class:`Connector` that takes many records as one job, on which it works by itself.

    A job outlives the process that started it. So ``note`` is given the job's id before any record leaves, and after a
    kill the jobs that were noted are finished before anything else is sent.
    """

    def batch_size_for(self, object_name: str, action: str, rows: int) -> int:
        """Records per batch of ``action`` (``create``, ``update``) when ``rows`` records are to be sent. A batch of
        more than :attr:`Connector.batch_size` goes to :meth:`run_job`."""
        ...

    def run_job(
        self, object_name: str, action: str, rows: Sequence[RowWrite], note: Callable[[str], None]
    ) -> list[RowOutcome]:
        """Write records as one job or several; an outcome for every row, in order. ``note`` may be called from the
        calling thread only, once a job."""
        ...

    def finish_jobs(
        self, object_name: str, action: str, job_ids: Sequence[str], rows: Sequence[RowWrite]
    ) -> list[RowOutcome]:
        """Wait for jobs that a killed run left and read their results: outcomes of those of ``rows`` that the jobs
        dealt with. No job works on any of the others from then on, so they may be sent again."""
        ...


class ListGoneError(Exception):
    """The list is no longer in the CRM."""
