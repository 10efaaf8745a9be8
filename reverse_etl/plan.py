"""What a plan is: per sync, how many records would change and why, with examples. Data only; see ``render.py``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

#: Outcomes of a planned row that send something.
SENDING = ("create", "update", "associate", "list_add", "list_remove", "delete")
#: Every outcome a planned row can have.
OUTCOMES = (*SENDING, "unchanged", "suppressed", "missing_key", "conflict", "held")


@dataclass(frozen=True)
class Example:
    """One planned row. ``fields`` maps a property to ``[value in the CRM, value to send]``; ``None`` is empty."""

    outcome: str
    sync_key: str | None
    record_id: str | None
    reason: str | None
    fields: dict[str, tuple[str | None, str | None]]


@dataclass(frozen=True)
class SyncPlan:
    """The plan of one sync or list."""

    sync: str
    kind: str
    destination: str
    object: str
    owner: str
    #: Rows of the model (for a list: wanted members plus members to remove).
    rows: int
    counts: dict[str, int]
    #: How many changed values per property.
    field_changes: dict[str, int] = field(default_factory=dict)
    #: Property -> why its policy keeps what stands there -> records.
    kept: dict[str, dict[str, int]] = field(default_factory=dict)
    #: Outcome -> reason -> rows.
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    #: One message a tripped guard.
    guards: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    list_name: str | None = None
    #: The list's id in the CRM; ``None`` when apply has to create it.
    list_id: str | None = None
    #: Of an association: the object its pairs lead to.
    to_object: str | None = None

    @property
    def changes(self) -> int:
        """Records (or memberships) that apply would write."""
        return sum(self.counts.get(outcome, 0) for outcome in SENDING)


@dataclass(frozen=True)
class Plan:
    """What apply would do, made from one published snapshot and the ledger at one moment. Times are UTC."""

    plan_id: str
    created_at: datetime
    expires_at: datetime
    build_id: str | None
    ruleset_version: str | None
    published_link: str
    published_file: str
    syncs: tuple[SyncPlan, ...]

    def _sum(self, outcome: str) -> int:
        return sum(sync.counts.get(outcome, 0) for sync in self.syncs)

    @property
    def creates(self) -> int:
        """Records to create (looked up once more before)."""
        return self._sum("create")

    @property
    def updates(self) -> int:
        """Records to change."""
        return self._sum("update")

    @property
    def associates(self) -> int:
        """Pairs of records to associate."""
        return self._sum("associate")

    @property
    def deletes(self) -> int:
        """Records to delete."""
        return self._sum("delete")

    @property
    def list_adds(self) -> int:
        """Memberships to add."""
        return self._sum("list_add")

    @property
    def list_removes(self) -> int:
        """Memberships to remove."""
        return self._sum("list_remove")

    @property
    def unchanged(self) -> int:
        """Rows that the CRM already agrees with."""
        return self._sum("unchanged")

    @property
    def suppressed(self) -> int:
        """Rows kept away: opted out, erased, converted, merged into a record that has its own row."""
        return self._sum("suppressed")

    @property
    def missing_key(self) -> int:
        """Rows that name no record we know, and may not be created."""
        return self._sum("missing_key")

    @property
    def conflicts(self) -> int:
        """Rows that contradict another row, or of which nothing is left to send that a person did not set."""
        return self._sum("conflict")

    @property
    def held(self) -> int:
        """Rows whose same values the CRM refused before; sent again when a value changes or on demand."""
        return self._sum("held")

    @property
    def changes(self) -> int:
        """Everything apply would write."""
        return sum(sync.changes for sync in self.syncs)

    @property
    def guards(self) -> tuple[str, ...]:
        """The messages of every tripped guard."""
        return tuple(f"{sync.sync}: {message}" for sync in self.syncs for message in sync.guards)

    @property
    def blocked(self) -> bool:
        """Whether a guard tripped: apply then needs an approval."""
        return bool(self.guards)

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values (JSON-ready), with its counts."""
        values = asdict(self)
        values["created_at"] = self.created_at.isoformat(timespec="seconds") + "Z"
        values["expires_at"] = self.expires_at.isoformat(timespec="seconds") + "Z"
        values["blocked"] = self.blocked
        values["counts"] = {
            "creates": self.creates, "updates": self.updates, "associates": self.associates, "deletes": self.deletes,
            "list_adds": self.list_adds, "list_removes": self.list_removes,
            "changes": self.changes, "unchanged": self.unchanged,
            "suppressed": self.suppressed, "missing_key": self.missing_key, "conflicts": self.conflicts,
            "held": self.held,
        }  # fmt: skip
        return values

    def to_markdown(self) -> str:
        """The plan as a Markdown table with examples, personal data masked."""
        from reverse_etl.render import plan_markdown

        return plan_markdown(self)

    def summary_json(self) -> str:
        """What the store keeps of the syncs; :func:`plan_from_row` reads it back."""
        return json.dumps([asdict(sync) for sync in self.syncs])


def plan_from_row(row: dict[str, Any]) -> Plan:
    """The plan as it was made, from its row in the store."""
    syncs = []
    for values in json.loads(row["summary"]):
        examples = tuple(
            Example(**{**e, "fields": {name: (pair[0], pair[1]) for name, pair in e["fields"].items()}})
            for e in values["examples"]
        )
        syncs.append(SyncPlan(**{**values, "examples": examples, "guards": tuple(values["guards"])}))
    names = ("plan_id", "created_at", "expires_at", "build_id", "ruleset_version", "published_link", "published_file")
    return Plan(**{name: row[name] for name in names}, syncs=tuple(syncs))
