"""Consent, asked once more right before sending: a plan may be hours old, an opt-out counts at once.

Before an apply sends anything it asks, for the objects it has something to send to:

* the operational store: who was erased, who was found to have opted out;
* the CRM: who opted out since it was last read (:meth:`Connector.opted_out_since`; one search as a rule, none when
  there is nothing to send);
* the newest published snapshot, when the plan was made from an older one.

An opt-out counts for the person: for every record of theirs that the snapshot knows (``dim_contact_crm_records``), in
every CRM. Which writes it stops is a rule in data (``seeds/consent_rules.csv``, published as ``dim_consent_rules``);
whoever was erased is never written. Rows that are stopped get the outcome ``suppressed`` in the ledger, and people who
opted out leave every list that the apply syncs, whether the plan said so or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from privacy import ErasureKey, Tombstones
from reverse_etl.connectors.base import Connector
from reverse_etl.errors import StalePlanError
from reverse_etl.manifest import ListSpec, Spec, SyncSpec
from reverse_etl.plan import Plan
from reverse_etl.policies import CONSENT_RULES
from reverse_etl.snapshot import open_snapshot
from reverse_etl.store import Change, Store
from reverse_etl.suppressions import ERASED, REASONS, erased_records, record_opt_outs, relation, tombstones

#: The CRM's index lags behind its writes: ask for a little more than what came after the last change that was read.
OVERLAP = timedelta(minutes=10)

#: Writes that an opt-out stops when the snapshot has no rules of its own.
DEFAULT_RULES: Mapping[str, bool] = {"create": True, "list_add": True, "update": True, "associate": False}

#: An opt-out stops these whatever the rules say.
ALWAYS = ("create", "list_add")

_Record = tuple[str, str, str]


class ConsentCheck:
    """What one apply knows of consent. Ask :meth:`look` once, then :meth:`reason` for each change.

    Raises:
        StalePlanError: the snapshot that the plan was made from is gone.
        KeyMissingError: people were erased and the plan would create records, but nothing recognises them.
    """

    def __init__(self, store: Store, plan: Plan, specs: Sequence[Spec], key: ErasureKey | None) -> None:
        self._store = store
        self._plan = plan
        self._specs = list(specs)
        self._erased = erased_records(store)
        creates = any(isinstance(spec, SyncSpec) and spec.mode == "upsert" for spec in specs)
        self._tombstones = tombstones(store, key) if creates else Tombstones(records=self._erased)
        self._opted_out: set[_Record] = set()
        self._people: set[str] = set()
        self._rules = dict(DEFAULT_RULES)
        self._members: dict[str, set[str]] = {}

    def look(self, connectors: Mapping[str, Connector], objects: Iterable[tuple[str, str]]) -> None:
        """Ask the store, the newest snapshot and the CRMs about the (destination, object) pairs to be written."""
        file, newest = Path(self._plan.published_file), Path(self._plan.published_link).resolve()
        if not file.is_file():
            raise StalePlanError(f"plan {self._plan.plan_id}: its snapshot {file.name} is gone; make a new plan")
        found: set[_Record] = set()
        pairs = sorted(set(objects))
        with open_snapshot(file) as snapshot:
            connection = snapshot.connection
            self._rules |= _rules(connection)
            for destination, object_name in pairs:
                since = _read_until(connection, destination, object_name) or self._plan.created_at
                told = connectors[destination].opted_out_since(object_name, since - OVERLAP)
                record_opt_outs(self._store, destination, object_name, told)
                found |= {(destination, object_name, record_id) for record_id in told}
                found |= self._known_opt_outs(connection, destination, object_name)
            self._spread(connection, found)
            for spec in self._specs:
                if isinstance(spec, ListSpec):
                    self._members[spec.sync] = _members(connection, spec)
        if newest.is_file() and newest != file:
            with open_snapshot(newest) as snapshot:
                self._spread(snapshot.connection, _suppressed(snapshot.connection, self._specs))

    def reason(self, spec: Spec, change: Change) -> str | None:
        """Why a planned change must not be sent; None when it may be."""
        if self._is_erased(spec, change.record_id) or self._tombstones.has_email(change.match_value):
            return REASONS[ERASED]
        if change.outcome not in ALWAYS and not self._rules.get(change.outcome, False):
            return None
        return None if not self._has_opted_out(spec, change.record_id, change.sync_key) else _SINCE

    def reason_for_record(self, spec: Spec, record_id: str) -> str | None:
        """The same for a record that turned out to exist when it was to be created."""
        if self._is_erased(spec, record_id):
            return REASONS[ERASED]
        return _SINCE if self._has_opted_out(spec, record_id, None) else None

    def leavers(self, spec: ListSpec, list_id: str | None) -> list[str]:
        """Members of a list, as read and as written since, who opted out or were erased: they leave it now."""
        scope = (spec.destination, spec.object)
        gone = {record_id for destination, name, record_id in self._opted_out if (destination, name) == scope}
        gone |= self._erased.get(scope, frozenset())
        if list_id is None or not gone:
            return []
        added, removed = self._store.memberships_written(spec.sync, gone)
        return sorted(((gone & self._members.get(spec.sync, set())) | added) - removed)

    def _is_erased(self, spec: Spec, record_id: str | None) -> bool:
        return record_id in self._erased.get((spec.destination, spec.object), frozenset())

    def _has_opted_out(self, spec: Spec, record_id: str | None, sync_key: str | None) -> bool:
        if record_id is not None and (spec.destination, spec.object, record_id) in self._opted_out:
            return True
        # Our key of a person is the contact's id, with the record's behind it for a second record.
        return sync_key is not None and sync_key.split(":")[0] in self._people

    def _known_opt_outs(
        self, connection: duckdb.DuckDBPyConnection, destination: str, object_name: str
    ) -> set[_Record]:
        """What earlier applies found and the snapshot was built without."""
        if not _exists(connection, f"observed_{destination}_{object_name}"):
            return set()
        connection.register("_suppressed", relation(self._store, destination))
        read_at = f"published.marts.observed_{destination}_{object_name}"
        rows = connection.execute(
            f"""
            select suppressed.record_id
            from _suppressed as suppressed
            left join {read_at} as observed on cast(observed.record_id as varchar) = suppressed.record_id
            where
                suppressed.object = ? and suppressed.kind = 'opted_out'
                and (observed.read_at is null or suppressed.created_at > cast(observed.read_at as timestamp))
            """,
            [object_name],
        ).fetchall()
        connection.unregister("_suppressed")
        return {(destination, object_name, str(row[0])) for row in rows}

    def _spread(self, connection: duckdb.DuckDBPyConnection, found: set[_Record]) -> None:
        """From records to people, and from people to all their records."""
        self._opted_out |= found
        if not found or not _exists(connection, "dim_contact_crm_records"):
            return
        names = ("destination", "object", "id")
        columns = list(zip(*sorted(found), strict=True))
        connection.register("_found", pa.table([pa.array(values) for values in columns], names=list(names)))
        rows = connection.execute(
            """
            select records.contact_id, records.destination, records.object, records.record_id
            from published.marts.dim_contact_crm_records as records
            where
                records.contact_id in (
                    select named.contact_id
                    from published.marts.dim_contact_crm_records as named
                    join _found
                        on _found.destination = named.destination
                        and _found.object = named.object
                        and _found.id = named.record_id
                )
            """
        ).fetchall()
        connection.unregister("_found")
        self._people |= {str(row[0]) for row in rows}
        self._opted_out |= {(str(row[1]), str(row[2]), str(row[3])) for row in rows}


_SINCE = "opted out since the plan was made"


def _rules(connection: duckdb.DuckDBPyConnection) -> dict[str, bool]:
    if not _exists(connection, "dim_consent_rules"):
        return {}
    rows = connection.execute("select write, is_suppressed from published.marts.dim_consent_rules").fetchall()
    return {str(write): bool(is_suppressed) for write, is_suppressed in rows}


def _read_until(connection: duckdb.DuckDBPyConnection, destination: str, object_name: str) -> datetime | None:
    """The CRM's own moment of the newest change that was read; the moment of reading where it is not told."""
    name = f"observed_{destination}_{object_name}"
    columns = _columns(connection, name)
    column = next((one for one in ("changed_at", "read_at") if one in columns), None)
    if column is None:
        return None
    row = connection.execute(f"select cast(max({column}) as timestamp) from published.marts.{name}").fetchone()
    return None if row is None else row[0]


def _members(connection: duckdb.DuckDBPyConnection, spec: ListSpec) -> set[str]:
    lists, members = (f"observed_{spec.destination}_{name}" for name in ("lists", "list_memberships"))
    if not (_exists(connection, lists) and _exists(connection, members)):
        return set()
    rows = connection.execute(
        f"""
        select cast(members.record_id as varchar)
        from published.marts.{members} as members
        join published.marts.{lists} as lists on lists.list_id = members.list_id
        where lists.list_name = ?
        """,
        [spec.name],
    ).fetchall()
    return {str(row[0]) for row in rows if row[0] is not None}


def _suppressed(connection: duckdb.DuckDBPyConnection, specs: Sequence[Spec]) -> set[_Record]:
    """Records that a snapshot's own consent columns keep away."""
    found: set[_Record] = set()
    for spec in specs:
        if spec.consent is None or spec.consent.column not in _columns(
            connection, spec.relation.split(".")[-1].strip('"')
        ):
            continue
        condition = CONSENT_RULES[spec.consent.rule].suppresses_sql(spec.consent.column)
        rows = connection.execute(
            f"select cast({spec.record_id} as varchar) from published.{spec.relation} "
            f"where {condition} and {spec.record_id} is not null"
        ).fetchall()
        found |= {(spec.destination, spec.object, str(row[0])) for row in rows}
    return found


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(_columns(connection, table))


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    rows = connection.execute(
        "select column_name from information_schema.columns "
        "where table_catalog = 'published' and table_schema = 'marts' and table_name = ?",
        [table],
    ).fetchall()
    return {str(row[0]) for row in rows}
