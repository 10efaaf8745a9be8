"""How large a world is, and when it happens. Times are epoch milliseconds, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

HOUR = 3_600_000
DAY = 24 * HOUR
MINUTE = 60_000


def epoch_ms(year: int, month: int, day: int, hour: int = 0) -> int:
    """Epoch milliseconds of a UTC hour."""
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


#: The world's present. Everything happened before it, except the files of the second day.
AS_OF = epoch_ms(2026, 11, 1, 6)
#: Eighteen months of history.
START = epoch_ms(2025, 5, 1)


@dataclass(frozen=True)
class WorldSize:
    """Volumes of one world. ``leads`` counts people; duplicates and visitors who stay anonymous come on top.

    ``send_share`` is the share of marketing e-mail campaigns a contact is in; ``chunk`` the number of people whose
    journeys are held in memory at once; ``bulk_import`` how many contacts one import touched at the same instant.
    """

    name: str
    leads: int
    companies: int
    visitors_per_lead: float
    send_share: float
    chunk: int
    bulk_import: int
    process_share: float
    events_format: str

    @property
    def is_large(self) -> bool:
        return self.events_format == "parquet"


SIZES: dict[str, WorldSize] = {
    "small": WorldSize("small", 200, 60, 2.0, 0.8, 200, 0, 0.40, "jsonl"),
    "medium": WorldSize("medium", 20_000, 4_000, 1.5, 0.4, 20_000, 12_000, 0.22, "jsonl"),
    "large": WorldSize("large", 1_000_000, 100_000, 1.5, 0.15, 50_000, 60_000, 0.15, "parquet"),
}
