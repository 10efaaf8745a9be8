"""How right a grouping of records is, counted over pairs of records, as matching is usually judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """Pairs of records: put together, together in truth, and both."""

    found: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        """Share (0-1) of the pairs put together that belong together; 1 where none was."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share (0-1) of the pairs that belong together that were put together."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall (0-1)."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def closure(records: Iterable[str], edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The group of each record when whatever an edge joins, however far, is one."""
    parent = {record: record for record in records}

    def root(record: str) -> str:
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    for left, right in edges:
        parent[root(left)] = root(right)
    return {record: root(record) for record in parent}


def pairwise(groups: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> Quality:
    """Pairs over the records of ``truth``: ``groups`` and ``truth`` give each record's group."""
    found: Counter[Hashable] = Counter(groups[record] for record in truth)
    true: Counter[Hashable] = Counter(truth.values())
    both: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for record, person in truth.items():
        both[groups[record]][person] += 1
    return Quality(
        _pairs(found.values()), _pairs(true.values()), sum(_pairs(members.values()) for members in both.values())
    )


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
