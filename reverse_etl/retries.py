"""When a refused record is sent again by itself. :data:`RULES` says it for every kind of refusal, with the reason.

A dead letter holds its record back while the plan would send the very values that were refused. It is let go when the
cause may have gone; a changed value is never held (the planner compares). ``leadhouse retry`` lets go at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from reverse_etl.manifest import Spec, SyncSpec, spec_from_values
from reverse_etl.store import Store


@dataclass(frozen=True)
class RetryRule:
    """What lets a dead letter of one kind go. All that is set counts; the first that comes true is enough."""

    kind: str
    #: Why these and no others.
    reason: str
    #: At the next plan, as long as it was refused fewer times in a row than this; ``None``: not for that alone.
    tries: int | None = None
    #: So long after the refusal.
    after: timedelta | None = None
    #: On another UTC day than the refusal's.
    next_day: bool = False
    #: When the record has been read from the CRM since.
    record_read: bool = False
    #: When the YAML says otherwise of one of the properties than the plan that was refused (type, options, policy).
    definition_changed: bool = False


RULES: Mapping[str, RetryRule] = {
    rule.kind: rule
    for rule in (
        RetryRule(
            "validation",
            "The CRM does not take this value for this property: only another value or another definition helps. An "
            "admin may change the property in the CRM itself, which no plan sees, so it is tried once a week.",
            definition_changed=True,
            after=timedelta(days=7),
        ),
        RetryRule(
            "missing",
            "The record was gone. Once it has been read again it is there again, or the plan knows that it is not.",
            record_read=True,
        ),
        RetryRule(
            "conflict",
            "Another record holds the value. People clear that up in hours, not in minutes.",
            record_read=True,
            after=timedelta(hours=24),
        ),
        RetryRule(
            "permission",
            "The token or its user may not write this. Rights are given by a person; a try a day costs little, and "
            "nobody has to remember it.",
            next_day=True,
            definition_changed=True,
        ),
        RetryRule(
            "rate",
            "The CRM was busy: nothing is wrong with the record.",
            tries=1_000_000,
        ),
        RetryRule(
            "unknown",
            "Nobody knows: often a passing fault, so it goes again at once, but not for ever.",
            tries=3,
            after=timedelta(hours=24),
        ),
    )
}


def let_go(
    store: Store, connection: duckdb.DuckDBPyConnection, destination: str, specs: Sequence[Spec], now: datetime
) -> int:
    """Let the dead letters of a destination go whose cause may have gone; the plan then sends them again.

    ``connection`` has the snapshot attached as ``published``. Returns how many were let go.
    """
    letters = [
        letter for letter in store.dead_letter_rows(state="open") if letter["destination"] == destination
    ]  # fmt: skip
    if not letters:
        return 0
    read_at = _read_at(connection, destination, letters)
    changed = _changed_definitions(store, specs, letters)
    causes = {str(letter["write_id"]): _cause(letter, now, read_at, changed) for letter in letters}
    return store.let_go({write_id: cause for write_id, cause in causes.items() if cause is not None})


def _cause(
    letter: Mapping[str, Any],
    now: datetime,
    read_at: Mapping[tuple[str, str], datetime],
    changed: set[str],
) -> str | None:
    """Why a dead letter is let go; None: it is held."""
    rule = RULES.get(str(letter["error_kind"]), RULES["unknown"])
    refused_at: datetime = letter["first_refused_at"]
    if rule.tries is not None and int(letter["attempts"] or 1) < rule.tries:
        return "tried again"
    if rule.next_day and now.date() > refused_at.date():
        return "another day"
    if rule.record_read:
        read = read_at.get((str(letter["object"]), str(letter["record_id"])))
        if read is not None and read > refused_at:
            return "the record was read again"
    if rule.definition_changed and str(letter["write_id"]) in changed:
        return "the property's definition changed"
    if rule.after is not None and now - refused_at >= rule.after:
        return "time has passed"
    return None


def _read_at(
    connection: duckdb.DuckDBPyConnection, destination: str, letters: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], datetime]:
    """When the records of the letters were last read, by object and record id."""
    found: dict[tuple[str, str], datetime] = {}
    by_object: dict[str, list[str]] = {}
    for letter in letters:
        if letter["record_id"] is not None and RULES.get(letter["error_kind"], RULES["unknown"]).record_read:
            by_object.setdefault(str(letter["object"]), []).append(str(letter["record_id"]))
    for object_name, ids in by_object.items():
        table = f"observed_{destination}_{object_name}"
        known = connection.execute(
            "select count(*) from information_schema.tables "
            "where table_catalog = 'published' and table_schema = 'marts' and table_name = ?",
            [table],
        ).fetchone()
        if not known or not known[0]:
            continue
        connection.register("refused_ids", pa.table({"record_id": pa.array(ids, pa.string())}))
        rows = connection.execute(
            f"select cast(observed.record_id as varchar), cast(observed.read_at as timestamp) "
            f"from published.marts.{table} as observed "
            "where cast(observed.record_id as varchar) in (select refused_ids.record_id from refused_ids) "
            "and not coalesce(observed.is_archived, false)"
        ).fetchall()
        connection.unregister("refused_ids")
        found |= {(object_name, str(record_id)): at for record_id, at in rows if at is not None}
    return found


def _changed_definitions(store: Store, specs: Sequence[Spec], letters: Sequence[Mapping[str, Any]]) -> set[str]:
    """The write ids of letters that name a property which the YAML defines otherwise by now."""
    now = {spec.sync: _definitions(spec) for spec in specs if isinstance(spec, SyncSpec)}
    then: dict[str, dict[str, dict[str, Any]]] = {}
    changed = set()
    for letter in letters:
        if not RULES.get(str(letter["error_kind"]), RULES["unknown"]).definition_changed:
            continue
        plan_id, sync = str(letter["plan_id"]), str(letter["sync"])
        if plan_id not in then:
            values = [spec_from_values(one) for one in json.loads(store.plan_specs(plan_id) or "[]")]
            then[plan_id] = {spec.sync: _definitions(spec) for spec in values if isinstance(spec, SyncSpec)}
        before, after = then[plan_id].get(sync), now.get(sync)
        if before is None or after is None:
            continue
        names = json.loads(letter["fields"] or "{}")
        if any(before.get(name) != after.get(name) for name in names):
            changed.add(str(letter["write_id"]))
    return changed


def _definitions(spec: SyncSpec) -> dict[str, Any]:
    """What decides whether a CRM takes a value, by property."""
    shown = {"type", "field_type", "options", "policy"}
    return {field.property: field.model_dump(mode="json", include=shown) for field in spec.fields}
