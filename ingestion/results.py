"""What a loader reports: results for the record, progress for the person watching."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: How a note begins that tells of a file or part left out for now.
REFUSED = "refused "


@dataclass(frozen=True)
class LoadResult:
    """What one load did to one raw table.

    ``rows_read = rows_loaded + rows_quarantined``. ``seconds`` is wall time from the first read to the last commit of
    the load the entity was part of; ``requests`` counts HTTP requests, retries included (0 for files). ``notes`` are
    sentences for a person: files refused, files replaced, records marked as merged.
    """

    source: str
    entity: str
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    requests: int
    seconds: float
    load_id: str
    started_at: datetime
    finished_at: datetime
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """The notes that tell of something left out, to be tried again by the next load."""
        return tuple(note for note in self.notes if note.startswith(REFUSED))


class Progress(Protocol):
    """What a loader calls while it works. Several entities may be open at once; calls come from one thread."""

    def start(self, entity: str, total: int | None) -> None:
        """An entity begins; ``total`` is the number of rows if it is known beforehand."""

    def advance(self, entity: str, rows: int) -> None:
        """So many more rows of the entity have been read."""

    def finish(self, entity: str) -> None:
        """The entity is committed to the warehouse (or had nothing to load)."""


class NoProgress:
    """Nobody is watching."""

    def start(self, entity: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, entity: str, rows: int) -> None:
        """Ignore."""

    def finish(self, entity: str) -> None:
        """Ignore."""
