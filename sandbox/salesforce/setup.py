"""What every org has before anybody works in it: itself, the API's user, profiles, stages, lead statuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sandbox.common.world_files import World, batches
from sandbox.salesforce.fields import Stored
from sandbox.salesforce.ids import WORLD_POD, make_id
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.storage import last_row, quoted, transaction
from sandbox.server.clock import PortalClock
from sandbox.server.storage import placeholders

ORG_ID = make_id("00D", 1)
PROFILE_ID = make_id("00e", 1)
#: Who writes through the API; its user name is what assertions are made out for.
API_USER_ID = make_id("005", 1)
API_USERNAME = "integration@leadhouse.sandbox"
#: Whom the platform's own work is credited to, and who owns what is nobody's: owners are never empty.
AUTOMATION_USER_ID = make_id("005", 2)

#: An empty org's stages: name, closed, won, percent, forecast category.
_STAGES = [
    ("Prospecting", 0, 0, 10, "Pipeline"), ("Qualification", 0, 0, 10, "Pipeline"),
    ("Needs Analysis", 0, 0, 20, "Pipeline"), ("Value Proposition", 0, 0, 50, "Pipeline"),
    ("Proposal/Price Quote", 0, 0, 75, "Best Case"), ("Negotiation/Review", 0, 0, 90, "Commit"),
    ("Closed Won", 1, 1, 100, "Closed"), ("Closed Lost", 1, 0, 0, "Omitted"),
]  # fmt: skip
_LEAD_STATUSES = [
    ("Open - Not Contacted", 0, 1),
    ("Working - Contacted", 0, 0),
    ("Closed - Converted", 1, 0),
    ("Closed - Not Converted", 0, 0),
]


class Filler:
    """Inserts records as they are: ids and audit values given, nothing checked, nothing derived."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._next: dict[str, int] = {}

    def number(self, table: str) -> int:
        """A number for the id of one more record of a table that has no other to be made of."""
        number = self._next.get(table) or last_row(self.db, table) + 1
        self._next[table] = number + 1
        return number

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Stored]]) -> None:
        """Rows of these columns (``_row`` is added, ``IsDeleted`` unless named)."""
        names = ["_row", *columns, *(() if "IsDeleted" in columns else ("IsDeleted",))]
        tail = () if "IsDeleted" in columns else (0,)
        self.db.executemany(
            f"INSERT INTO {quoted(table)} ({', '.join(map(quoted, names))}) VALUES ({placeholders(len(names))})",
            ((number, *row, *tail) for number, row in enumerate(rows, last_row(self.db, table) + 1)),
        )

    def insert_one(self, table: str, record_id: str, at_ms: int, **values: Any) -> None:
        """One record, made and last changed at ``at_ms`` by the platform."""
        audit = {"Id": record_id, "CreatedDate": at_ms, "CreatedById": AUTOMATION_USER_ID, "LastModifiedDate": at_ms,
                 "LastModifiedById": AUTOMATION_USER_ID, "SystemModstamp": at_ms}  # fmt: skip
        row: dict[str, Any] = audit | values
        self.insert(table, list(row), [list(row.values())])


def fill_setup(db: sqlite3.Connection, schema: Schema, world: World | None) -> None:
    """Write the setup's records into an org that has none yet."""
    if db.execute("SELECT 1 FROM Organization LIMIT 1").fetchone():
        return
    at = world.created_ms if world is not None else PortalClock().now_ms()
    fill = Filler(db)
    with transaction(db):
        fill.insert_one(
            "Organization", ORG_ID, at, Name="Ponto Norte", IsSandbox=1, OrganizationType="Developer Edition",
            InstanceName="LH0", LanguageLocaleKey="en_US", DefaultCurrencyIsoCode="EUR",
        )  # fmt: skip
        fill.insert_one("Profile", PROFILE_ID, at, Name="Integration", UserType="Standard")
        fill.insert_one("Profile", make_id("00e", 2), at, Name="Standard User", UserType="Standard")
        for record_id, name, username, type_ in (
            (API_USER_ID, "Integration User", API_USERNAME, "Standard"),
            (AUTOMATION_USER_ID, "Automated Process", "automation@leadhouse.sandbox", "AutomatedProcess"),
        ):
            first, last = name.split(" ", 1)
            fill.insert_one(
                "User", record_id, at, Username=username, LastName=last, FirstName=first, Email=username,
                Alias=first[:8], IsActive=1, UserType=type_, ProfileId=PROFILE_ID,
            )  # fmt: skip
        fill.insert_one(
            "PermissionSet", make_id("0PS", 1), at, Name="X00eIntegration", Label="Integration", ProfileId=PROFILE_ID,
            IsOwnedByProfile=1, IsCustom=0,
        )  # fmt: skip
        for order, (name, converted, default) in enumerate(_LEAD_STATUSES, 1):
            fill.insert_one(
                "LeadStatus", make_id("01J", order), at, MasterLabel=name, ApiName=name, IsConverted=converted,
                IsDefault=default, SortOrder=order,
            )  # fmt: skip
        for order, (api, label, closed, won, percent, forecast) in enumerate(_stages(world), 1):
            fill.insert_one(
                "OpportunityStage", make_id("01J", 100 + order), at, MasterLabel=label, ApiName=api, IsActive=1,
                IsClosed=closed, IsWon=won, DefaultProbability=percent, ForecastCategoryName=forecast, SortOrder=order,
            )  # fmt: skip
    schema.forget_access()


def _stages(world: World | None) -> list[tuple[str, str, int, int, float, str]]:
    """Stage value, label, closed, won, percent, forecast category: the world's pipeline, or the vendor's usual one."""
    path: Path | None = world.root / "hubspot" / "deal_stages.parquet" if world is not None else None
    if path is None or not path.exists():
        return [(name, name, closed, won, percent, forecast) for name, closed, won, percent, forecast in _STAGES]
    stages: list[tuple[int, str, str, float, int]] = []
    for values in batches(path, ["display_order", "stage_id", "stage_label", "probability", "is_closed"]):
        stages += [
            (int(order), stage, label, 100 * float(odds), int(closed == "true"))
            for order, stage, label, odds, closed in zip(*values, strict=True)
        ]
    return [
        (
            stage,
            label,
            closed,
            int(closed and percent == 100),
            percent,
            "Pipeline" if not closed else "Closed" if percent == 100 else "Omitted",
        )
        for _, stage, label, percent, closed in sorted(stages)
    ]


def world_id(prefix: str, number: str | int) -> str:
    """The id of the record that stands for one of HubSpot's."""
    return make_id(prefix, int(number), WORLD_POD)
