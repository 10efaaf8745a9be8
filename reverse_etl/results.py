"""What an apply tells while it runs and when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ApplyProgress:
    """How far one sync is, told after every batch."""

    sync: str
    done: int
    total: int
    written: int
    rejected: int
    requests: int
    #: Requests answered with "too many requests".
    throttled: int = 0
    seconds: float = 0.0


Progress = Callable[[ApplyProgress], None]


@dataclass
class SyncResult:
    """What an apply did for one sync. ``skipped`` rows had an outcome from an earlier apply of the same plan;
    ``unsent`` ones are left for the next; ``suppressed`` ones were not sent for want of consent."""

    sync: str
    kind: str
    creates: int = 0
    updates: int = 0
    list_adds: int = 0
    list_removes: int = 0
    deletes: int = 0
    associates: int = 0
    written: int = 0
    rejected: int = 0
    suppressed: int = 0
    skipped: int = 0
    unsent: int = 0
    requests: int = 0
    throttled: int = 0
    seconds: float = 0.0
    rejected_by_kind: dict[str, int] = field(default_factory=dict)
    made_properties: list[str] = field(default_factory=list)
    made_list: bool = False


@dataclass
class ApplyResult:
    """What an apply did. ``requests`` counts every request sent, retries and checks included."""

    plan_id: str
    requests: int = 0
    throttled: int = 0
    written: int = 0
    rejected: int = 0
    suppressed: int = 0
    skipped: int = 0
    unsent: int = 0
    seconds: float = 0.0
    stopped: bool = False
    syncs: list[SyncResult] = field(default_factory=list)

    @property
    def creates(self) -> int:
        """Records created."""
        return sum(s.creates for s in self.syncs)

    @property
    def updates(self) -> int:
        """Records changed."""
        return sum(s.updates for s in self.syncs)

    @property
    def list_adds(self) -> int:
        """Memberships added."""
        return sum(s.list_adds for s in self.syncs)

    @property
    def list_removes(self) -> int:
        """Memberships removed."""
        return sum(s.list_removes for s in self.syncs)

    @property
    def deletes(self) -> int:
        """Records of erased people deleted."""
        return sum(s.deletes for s in self.syncs)

    @property
    def associates(self) -> int:
        """Associations added."""
        return sum(s.associates for s in self.syncs)

    @property
    def rejected_by_kind(self) -> dict[str, int]:
        """Refused records by kind of refusal."""
        kinds: dict[str, int] = {}
        for sync in self.syncs:
            for kind, count in sync.rejected_by_kind.items():
                kinds[kind] = kinds.get(kind, 0) + count
        return kinds

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values (JSON-ready)."""
        values = {name: value for name, value in vars(self).items() if name != "syncs"}
        counts = {
            n: getattr(self, n) for n in ("creates", "updates", "list_adds", "list_removes", "deletes", "associates")
        }
        return {**values, **counts, "syncs": [dict(vars(s)) for s in self.syncs]}

    def to_markdown(self) -> str:
        """The result as a Markdown table."""
        from reverse_etl.render import apply_markdown

        return apply_markdown(self)
