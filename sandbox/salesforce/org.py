"""One org: its database and everything that works on it."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sandbox.common.world_files import World
from sandbox.salesforce.faults import RecordFaults
from sandbox.salesforce.jobs import Jobs
from sandbox.salesforce.oauth import Client, Sessions
from sandbox.salesforce.query import Queries
from sandbox.salesforce.records import Actor, Records
from sandbox.salesforce.schema import Schema
from sandbox.salesforce.setup import API_USER_ID, API_USERNAME, ORG_ID, fill_setup
from sandbox.salesforce.storage import connect, create_indexes
from sandbox.salesforce.usage import Usage
from sandbox.salesforce.world import load_world
from sandbox.server.clock import PortalClock
from sandbox.server.storage import get_meta, use_wal


@dataclass(frozen=True)
class OrgOptions:
    """How an org behaves. ``token_seconds``: how long a token lasts; ``daily``: API requests a day, 0 = no limit."""

    daily: int = 100_000
    token_seconds: float = 7_200
    certificate: bytes | None = None
    #: Seconds a bulk job waits before it is worked off.
    bulk_delay: float = 0.0
    #: Records of a page of a query job's result, where the client does not choose.
    bulk_page: int = 50_000


class Org:
    """An org over an open database. One process, one event loop: no locking."""

    def __init__(self, db: sqlite3.Connection, schema: Schema, world: World | None, options: OrgOptions) -> None:
        self.db = db
        self.schema = schema
        self.world = world
        self.options = options
        schema.user_id = API_USER_ID
        self.clock = PortalClock(_start_of_clock(db, world))
        self.faults = RecordFaults()
        self.records = Records(db, self.clock, schema, self.faults)
        self.queries = Queries(db, self.clock, schema)
        self.usage = Usage(options.daily)
        self.jobs = Jobs(self, delay=options.bulk_delay, page=options.bulk_page)
        self.sessions = Sessions(_client(world), ORG_ID, API_USER_ID, seconds=options.token_seconds)
        if options.certificate is not None:
            self.sessions.register(options.certificate)

    @property
    def api_user(self) -> Actor:
        """Who writes through the API."""
        return Actor(API_USER_ID)


def open_org(db_path: Path | None, world_dir: Path | None, options: OrgOptions) -> Org:
    """Open an org's database, loading the world into it when that has not been done.

    Raises:
        SandboxError: a file of the world or the database cannot be used; the message says which and what to do.
    """
    world = World.read(world_dir) if world_dir is not None else None
    db = connect(db_path)
    schema = Schema(db)
    fill_setup(db, schema, world)
    if world is not None:
        load_world(db, schema, world)
    create_indexes(db)
    use_wal(db)
    return Org(db, schema, world, options)


def _client(world: World | None) -> Client:
    """Credentials made of the world, so that a restart keeps them."""
    seed = hashlib.sha256(f"salesforce sandbox {world.token if world else ''}".encode()).hexdigest()
    return Client(f"3MVG9{seed[:40]}", seed[24:].upper(), API_USERNAME)


def _start_of_clock(db: sqlite3.Connection, world: World | None) -> int | None:
    """The world's "now", or the last write of an earlier run if that is later; None: the machine's clock."""
    if world is None:
        return None
    newest: list[int] = [
        row[0]
        for table in ("Account", "Contact", "Lead", "Opportunity", "Task", "Event", "Campaign", "CampaignMember")
        for row in db.execute(f"SELECT max(SystemModstamp) FROM {table}")
        if row[0] is not None
    ]
    return max([world.as_of_ms, int(get_meta(db, "day2_at") or 0), *newest]) + 1
