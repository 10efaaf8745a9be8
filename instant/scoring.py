"""Scores of one account at a moment: the statement of ``chain.py`` on a published snapshot and the events since.

One engine serves one snapshot: a DuckDB instance in memory with the snapshot attached, the tables that rest on the
rules alone, and for each thread a cursor on which the statement is prepared once. Planning is most of the cost of a
statement this long, so parameters stand in a one-row table of the cursor instead of the text: DuckDB then keeps the
plan.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson

from hygiene import duckdb_plugin, patterns
from ingestion.events.rows import Row
from instant.chain import CONSTANTS, PARAMETERS, Chain, compile_chain, published_chain, read_manifest
from instant.errors import InstantError
from instant.inbox import InboxEvent
from instant.leaves import EVENT_COLUMNS, SCHEMA, watermark
from instant.people import SOURCE, Person, identify, visitor_of

#: Events of an account up to which it is scored at once.
BUDGET = 20_000
#: What ingestion names as the file of an event of the inbox.
INBOX_FILE = "inbox"


class NotScorable(InstantError):
    """There is no snapshot to score on, or it was published without what the instant path reads."""


class OverBudget(InstantError):
    """The account has too many events to be scored while somebody waits; its turn is in the background."""

    def __init__(self, scope: str, events: int, budget: int) -> None:
        super().__init__(f"{scope} has {events:,} events, more than {budget:,}: it is scored in the background.")
        self.scope, self.events, self.budget = scope, events, budget


class RateChanged(InstantError):
    """A rate of exchange changed between the snapshot and the moment: revenue in that currency needs a build."""


@dataclass(frozen=True)
class InstantScore:
    """What the marts would hold of an account (or of a contact without one) at ``as_of_at``.

    Attributes:
        scope: ``a:<account_id>`` or ``c:<contact_id>``.
        contacts: rows of fct_contact_scores, by contact_id.
        account: the row of fct_account_scores; None for a contact without an account.
        ledger: rows of fct_score_ledger, by ledger_id.
        events: events that were weighed, the new ones included.
        snapshot: the file that was read.
        seconds: of computing.
    """

    scope: str
    as_of_at: datetime
    contacts: tuple[Mapping[str, Any], ...]
    account: Mapping[str, Any] | None
    ledger: tuple[Mapping[str, Any], ...]
    events: int
    snapshot: Path
    seconds: float = field(compare=False)


@dataclass(frozen=True)
class Who:
    """Whom events concern.

    Attributes:
        scopes: ``a:<account_id>`` and ``c:<contact_id>`` whose scores can change, sorted. New people are not among
            them: their fit is known after a build.
        people: everybody whom the events name.
    """

    scopes: tuple[str, ...]
    people: tuple[Person, ...]


class InstantScorer:
    """Scores accounts of the newest snapshot. Any number of threads may share one.

    ``snapshot_path`` may be the link that publishing swaps: a call that finds it swapped makes the new engine while the
    others go on with the old one, and what has begun ends on the snapshot it began with.

    Args:
        manifest_path: dbt's manifest with compiled SQL; None: the statement that was published with the snapshot.
        snapshot_path: a published snapshot, or the link to it.
        budget: events of an account up to which it is scored at once.

    Raises:
        NotScorable: no snapshot, or none that the instant path can read.
        ChainError: a model cannot be computed for one account.
    """

    def __init__(self, manifest_path: Path | None, snapshot_path: Path, *, budget: int = BUDGET) -> None:
        self._manifest_path = manifest_path
        self._snapshot_path = snapshot_path
        self._budget = budget
        self._swapping = threading.Lock()
        self._engine = _Engine(manifest_path, _resolved(snapshot_path))
        self._problem: str | None = None

    @property
    def watermark(self) -> datetime | None:
        """Up to when (UTC) the snapshot in use holds events."""
        return self._engine.watermark

    @property
    def snapshot(self) -> Path:
        """The snapshot in use."""
        return self._engine.path

    @property
    def problem(self) -> str | None:
        """Why the newest snapshot is not in use; None if it is."""
        return self._problem

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are computed, inputs first."""
        return self._engine.chain.models

    def score(
        self, account_id: str | None, contacts: Sequence[str], events: Sequence[InboxEvent | Row], as_of: datetime
    ) -> InstantScore:
        """Scores an account and its people as the next build would at ``as_of``.

        Args:
            account_id: None for a contact without an account.
            contacts: the contacts asked for; all of the account's when empty.
            events: the events since the snapshot that may belong to the account, in any order, repeated or not.
            as_of: UTC, without a zone; not before the snapshot's own moment.

        Raises:
            OverBudget: too many events; the background queue takes it.
            RateChanged: revenue has to be converted anew.
            NotScorable: neither an account nor exactly one contact was named.
        """
        if account_id is None and len(contacts) != 1:
            raise NotScorable("A contact without an account is scored alone: name one contact.")
        scope = f"a:{account_id}" if account_id is not None else f"c:{contacts[0]}"
        engine = self._current()
        started = time.perf_counter()
        # One line of a file is one row of the raw table, however often it is handed over.
        told = {(row["_source_file"], row["_source_row"], row["message_id"]): row for row in map(_raw, events)}
        rows = list(told.values())
        cursor = engine.cursor()
        stored = _number(cursor, f"select count(*) from {SCHEMA}.events where scope_key = ?", [scope])
        if stored + len(rows) > self._budget:
            raise OverBudget(scope, stored + len(rows), self._budget)
        engine.refuse_changed_rates(cursor, scope, as_of)
        found = engine.evaluate(cursor, scope, rows, as_of)
        asked = set(contacts)
        people = [row for row in found["fct_contact_scores"] if not asked or row["contact_id"] in asked]
        return InstantScore(
            scope=scope,
            as_of_at=as_of,
            contacts=tuple(sorted(people, key=lambda row: str(row["contact_id"]))),
            account=next(iter(found["fct_account_scores"]), None),
            ledger=tuple(sorted(found["fct_score_ledger"], key=lambda row: str(row["ledger_id"]))),
            events=stored + len(rows),
            snapshot=engine.path,
            seconds=time.perf_counter() - started,
        )

    def who(self, events: Sequence[InboxEvent | Row]) -> Who:
        """Whose scores the events can change, and who the people are that they name."""
        engine = self._current()
        cursor = engine.cursor()
        rows = [_raw(event) for event in events]
        people = identify(cursor, rows)
        visitors = sorted({visitor for row in rows if (visitor := visitor_of(row))})
        places = {
            place
            for (place,) in cursor.execute(
                f"select distinct scope_key from {SCHEMA}.visitors "
                "where visitor_id in (select unnest(cast(? as varchar[]))) and not starts_with(scope_key, 'v:')",
                [visitors],
            ).fetchall()
        }
        for person in people:
            if person.contact_id is not None and not person.is_new:
                places.add(f"a:{person.account_id}" if person.account_id else f"c:{person.contact_id}")
        return Who(tuple(sorted(places)), people)

    def _current(self) -> _Engine:
        newest = self._snapshot_path.resolve()
        if newest != self._engine.path and self._swapping.acquire(blocking=False):
            try:
                self._engine = _Engine(self._manifest_path, _resolved(self._snapshot_path))
                self._problem = None
            except (InstantError, duckdb.Error, OSError) as error:
                self._problem = f"{newest.name} cannot be used, {self._engine.path.name} still is: {error}"
            finally:
                self._swapping.release()
        return self._engine


class _Engine:
    """Everything about one snapshot. Freed when the last call on it has ended."""

    def __init__(self, manifest_path: Path | None, path: Path) -> None:
        self.path = path
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("set timezone = 'UTC'")
        self._connection.execute("set threads = 1")
        self._connection.execute("set preserve_insertion_order = false")
        duckdb_plugin.register(self._connection)
        patterns.register(self._connection)
        quoted = str(path).replace("'", "''")
        try:
            self._connection.execute(f"attach '{quoted}' as snapshot (read_only)")
            self._connection.execute("use snapshot")
            self.watermark = watermark(self._connection)
        except duckdb.Error as error:
            raise NotScorable(f"{path} cannot be scored on; publish anew (`leadhouse publish`). {error}") from None
        self.chain: Chain = (
            published_chain(self._connection) if manifest_path is None else compile_chain(read_manifest(manifest_path))
        )
        self._connection.execute(f"create schema {CONSTANTS}")
        for name, query in self.chain.constants.items():
            self._connection.execute(f"create table {CONSTANTS}.{name} as {query}")
        self._threads = threading.local()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's own cursor, with the statement prepared."""
        known: duckdb.DuckDBPyConnection | None = getattr(self._threads, "cursor", None)
        if known is None:
            known = self._connection.cursor()
            known.execute("use snapshot")
            known.execute(
                f"create temp table {PARAMETERS} (scope varchar, others varchar[], visitors varchar[], "
                "events varchar, people varchar, as_of timestamp)"
            )
            known.execute(f"prepare score as {self.chain.statement}")
            self._threads.cursor = known
        return known

    def evaluate(
        self, cursor: duckdb.DuckDBPyConnection, scope: str, rows: Sequence[Row], as_of: datetime
    ) -> dict[str, list[Mapping[str, Any]]]:
        """The rows of the targets by name."""
        others, visitors, people = self._history(cursor, scope, rows)
        cursor.execute(f"delete from {PARAMETERS}")
        cursor.execute(
            f"insert into {PARAMETERS} values (?, ?, ?, ?, ?, ?)",
            [scope, others, visitors, orjson.dumps(rows).decode(), orjson.dumps(people).decode(), as_of],
        )
        found: dict[str, list[Mapping[str, Any]]] = {target: [] for target in self.chain.targets}
        for target, *parts in cursor.execute("execute score").fetchall():
            found[target].append(next(part for part in parts if part is not None))
        return found

    def refuse_changed_rates(self, cursor: duckdb.DuckDBPyConnection, scope: str, as_of: datetime) -> None:
        changed = cursor.execute(
            f"""
            select rates.currency
            from {SCHEMA}.int_currency_rates as rates cross join {SCHEMA}.built_from as built
            where rates.valid_from > cast(built.as_of_at as date) and rates.valid_from <= cast(? as date)
                and exists (select 1 from {SCHEMA}.currencies where scope_key = ? and currency = rates.currency)
            """,
            [as_of, scope],
        ).fetchone()
        if changed is not None:
            raise RateChanged(f"The rate of {changed[0]} changed since the snapshot; {scope} is scored after a build.")

    def _history(
        self, cursor: duckdb.DuckDBPyConnection, scope: str, rows: Sequence[Row]
    ) -> tuple[list[str], list[str], list[dict[str, str | None]]]:
        """Where else the visitors of new events left events, and who the people are that the new events name."""
        if not rows:
            return [], [], []
        visitors = sorted({visitor for row in rows if (visitor := visitor_of(row))})
        places: dict[str, set[str]] = {}
        for visitor, place in cursor.execute(
            f"select visitor_id, scope_key from {SCHEMA}.visitors where visitor_id in (select unnest(?::varchar[]))",
            [visitors],
        ).fetchall():
            places.setdefault(visitor, set()).add(place)
        away = {visitor: min(where) for visitor, where in places.items() if scope not in where}
        people: list[dict[str, str | None]] = [
            {"record_key": one.record_key, "source": SOURCE, "record_id": one.record_id, "contact_id": one.contact_id}
            for one in identify(cursor, rows)
            if one.contact_id is not None
        ]
        return sorted(set(away.values())), sorted(away), people


def _resolved(path: Path) -> Path:
    if not path.exists():
        raise NotScorable(f"Nothing is published at {path} yet. Run `leadhouse build`.")
    return path.resolve()


def _raw(event: InboxEvent | Row) -> Row:
    """The columns of ``raw_events.events`` that the chain reads, with an event's place in the inbox as its lineage."""
    if isinstance(event, InboxEvent):
        row = {**event.row(), "_source_file": INBOX_FILE, "_source_row": event.sequence}
    else:
        row = event
    return {name: row.get(name) for name in (*EVENT_COLUMNS, "traits")}


def _number(cursor: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> int:
    row = cursor.execute(query, values).fetchone()
    return int(row[0]) if row else 0
