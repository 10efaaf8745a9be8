"""One portal: its database and everything that works on it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sandbox.common.world_files import World
from sandbox.server.catalog import OBJECT_TYPES
from sandbox.server.clock import PortalClock
from sandbox.server.definitions import Definitions
from sandbox.server.links import Links
from sandbox.server.records import Records
from sandbox.server.required import RequiredProperties
from sandbox.server.search import Searcher
from sandbox.server.storage import connect, get_meta, use_wal
from sandbox.server.world import load_world

DEFAULT_TOKEN = "sandbox-token"

#: An empty portal's sales pipeline: stage id, label, probability, is closed.
_SALES_PIPELINE = [
    ("appointmentscheduled", "Appointment Scheduled", "0.2", "false"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4", "false"),
    ("presentationscheduled", "Presentation Scheduled", "0.6", "false"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8", "false"),
    ("contractsent", "Contract Sent", "0.9", "false"),
    ("closedwon", "Closed Won", "1.0", "true"),
    ("closedlost", "Closed Lost", "0.0", "true"),
]


@dataclass(frozen=True)
class PortalOptions:
    """How a portal behaves. ``explicit_nulls`` sends requested but unset properties as null; times are in ms."""

    portal_id: int = 20_000_001
    app_id: int = 1_000_001
    explicit_nulls: bool = False
    search_lag_ms: int = 0


class Portal:
    """A portal over an open database. One process, one event loop: no locking."""

    def __init__(self, db: sqlite3.Connection, world: World | None, options: PortalOptions) -> None:
        self.db = db
        self.world = world
        self.options = options
        self.clock = PortalClock(_start_of_clock(db, world))
        self.definitions = Definitions(db, self.clock.now_ms())
        self.records = Records(db, self.clock, self.definitions, options.portal_id)
        self.links = Links(db, self.records)
        self.required = RequiredProperties(db)
        self.searcher = Searcher(db, self.clock, self.definitions, self.records, options.search_lag_ms)

    @property
    def token(self) -> str:
        """The bearer token this portal accepts."""
        return self.world.token or DEFAULT_TOKEN if self.world else DEFAULT_TOKEN


def open_portal(db_path: Path | None, world_dir: Path | None, options: PortalOptions) -> Portal:
    """Open a portal's database, loading the world into it when that has not been done.

    Raises:
        SandboxError: a file of the world or the database cannot be used; the message says which and what to do.
    """
    world = World.read(world_dir) if world_dir is not None else None
    db = connect(db_path)
    if world is not None:
        load_world(db, world)
    use_wal(db)
    if db.execute("SELECT count(*) FROM pipeline_stages").fetchone()[0] == 0:
        db.executemany(
            "INSERT INTO pipeline_stages VALUES (3, 'default', 'Sales Pipeline', ?, ?, ?, ?, ?, 0)",
            [(stage, label, order, odds, closed) for order, (stage, label, odds, closed) in enumerate(_SALES_PIPELINE)],
        )
    return Portal(db, world, options)


def _start_of_clock(db: sqlite3.Connection, world: World | None) -> int | None:
    """The world's "now", or the last write of an earlier run if that is later; None: the machine's clock."""
    if world is None:
        return None
    day2 = get_meta(db, "day2_at")
    newest = [
        int(row[0])
        for object_type in OBJECT_TYPES
        for row in db.execute(f"SELECT max(updated) FROM {object_type.table}")
        if row[0] is not None
    ]
    return max([world.as_of_ms, int(day2 or 0), *newest]) + 1
