"""What one plan does that another does not, of the rows that send something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from reverse_etl.plan import SENDING
from reverse_etl.store import Store


@dataclass(frozen=True)
class SyncDiff:
    """One sync: rows only the newer plan sends, only the older, and both but differently. Rows named are examples."""

    sync: str
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)


#: Examples kept per sync and kind of difference.
EXAMPLES = 3
KINDS = ("adds", "drops", "changes")


def diff_plans(store: Store, older: str, newer: str) -> list[SyncDiff]:
    """The differences by sync, those without any left out. Raises :class:`~reverse_etl.errors.PlanError` when a plan is
    not in the store."""
    ids = [str(store.plan_row(plan_id)["plan_id"]) for plan_id in (older, newer)]
    before = dict(_rows(store, ids[0]))
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = {}

    def note(sync: str, kind: str, record: str) -> None:
        counts[sync, kind] += 1
        kept = examples.setdefault((sync, kind), [])
        if len(kept) < EXAMPLES:
            kept.append(record)

    for key, value in _rows(store, ids[1]):
        was = before.pop(key, None)
        if was != value:
            note(key[0], "adds" if was is None else "changes", key[1])
    for sync, record in before:
        note(sync, "drops", record)
    return [
        SyncDiff(
            sync,
            {kind: counts[sync, kind] for kind in KINDS},
            {kind: examples[sync, kind] for kind in KINDS if (sync, kind) in examples},
        )
        for sync in sorted({sync for sync, _ in counts})
    ]


def _rows(store: Store, plan_id: str) -> Iterator[tuple[tuple[str, str], int]]:
    """(sync, record) and a number that stands for what is sent."""
    for row in store.each_row(plan_id, outcomes=SENDING):
        record = str(row["record_id"] or row["sync_key"])
        if row["outcome"] == "associate":
            record += f" - {row['match_value']}"
        yield (row["sync"], record), hash((row["outcome"], row["fields"]))
