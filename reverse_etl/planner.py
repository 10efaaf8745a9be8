"""Desired state minus observed state is the plan. Pure: relations in, rows and counts out, no request to the CRM.

*Desired* is the sync model in the published snapshot. *Observed* is the record as last read from the CRM, overlaid with
our own acknowledged writes since that read; a record that we created stands under its ``sync_key`` until a read shows
it. Everything happens in SQL inside an in-memory DuckDB, on canonical text (:mod:`reverse_etl.values`).

The rows end up in the temporary table ``planned`` of the given connection; :func:`planned_chunks` hands them on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from reverse_etl.errors import PlanError
from reverse_etl.manifest import ListSpec, Spec, SyncSpec
from reverse_etl.plan import OUTCOMES, Example, Plan, SyncPlan
from reverse_etl.policies import CONSENT_RULES, POLICIES
from reverse_etl.values import canonical_sql, column_text_sql

#: Examples kept per sync and outcome.
EXAMPLES = 3

#: The snapshot's name inside the planning connection.
CATALOG = "published"

_PLANNED = """
create or replace temp table planned (
    seq bigint, sync varchar, outcome varchar, sync_key varchar, record_id varchar, match_value varchar,
    fields varchar, previous varchar, reason varchar
)
"""


@dataclass(frozen=True)
class PlanMeta:
    """What identifies a plan: given, not looked up, so that planning stays pure. Times are UTC without a zone."""

    plan_id: str
    created_at: datetime
    ttl: timedelta
    published_link: str
    published_file: str
    build_id: str | None = None
    ruleset_version: str | None = None


def make_plan(connection: duckdb.DuckDBPyConnection, specs: Sequence[Spec], meta: PlanMeta) -> Plan:
    """Plan every spec.

    The connection holds the snapshot attached as ``published`` and two relations from the operational store:
    ``ledger`` (our acknowledged writes) and ``refusals`` (open dead letters), with the columns of
    :meth:`reverse_etl.store.Store.ledger` and :meth:`~reverse_etl.store.Store.open_refusals`. Its time zone must be
    UTC. Raises :class:`PlanError` when a model or a column is not in the snapshot.
    """
    connection.execute(_PLANNED)
    syncs: list[SyncPlan] = []
    for spec in specs:
        if isinstance(spec, SyncSpec):
            syncs.append(_plan_sync(connection, spec))
        else:
            syncs.append(_plan_list(connection, spec))
    return Plan(
        plan_id=meta.plan_id,
        created_at=meta.created_at,
        expires_at=meta.created_at + meta.ttl,
        build_id=meta.build_id,
        ruleset_version=meta.ruleset_version,
        published_link=meta.published_link,
        published_file=meta.published_file,
        syncs=tuple(syncs),
    )


def planned_chunks(connection: duckdb.DuckDBPyConnection, size: int = 20_000) -> Iterator[list[tuple[Any, ...]]]:
    """The planned rows in order, by chunks: seq, sync, outcome, sync_key, record_id, match_value, fields, previous,
    reason. Rows that change nothing (``unchanged``) are counted in the plan and not listed."""
    result = connection.execute("select * from planned order by seq")
    while chunk := result.fetchmany(size):
        yield chunk


# -- records ---------------------------------------------------------------------------------------------------------


def _plan_sync(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> SyncPlan:
    observed = f"{CATALOG}.marts.observed_{spec.destination}_{spec.object}"
    _need_columns(connection, spec, spec.relation, _model_columns(spec))
    _need_columns(connection, spec, observed, ["record_id", "properties", "is_archived", "read_at"])
    connection.execute(_desired_sql(spec))
    connection.execute(_observed_sql(spec, observed))
    connection.execute(_overlay_sql(spec))
    connection.execute(_resolved_sql(spec))
    connection.execute(_judged_sql(spec))
    for table in ("desired", "observed", "overlay", "resolved"):
        connection.execute(f"drop table {table}")
    rows = _count(connection, "select count(*) from judged")
    first_seq = _count(connection, "select coalesce(max(seq), 0) from planned")
    connection.execute(
        f"""
        insert into planned
        select
            {first_seq} + row_number() over (order by outcome, sync_key nulls last, record_id nulls last),
            {_text(spec.model)}, outcome, sync_key, record_id, match_value, fields, previous, reason
        from judged
        where outcome <> 'unchanged'
        """
    )
    counts, reasons = _counts(connection)
    creates, changes = counts["create"], counts["create"] + counts["update"]
    guards = _guard_counts(spec, changes=changes, creates=creates) + _guard_nulls(connection, spec)
    plan = SyncPlan(
        sync=spec.model,
        kind="sync",
        destination=spec.destination,
        object=spec.object,
        owner=spec.owner,
        rows=rows,
        counts=counts,
        field_changes=_field_changes(connection, spec),
        reasons=reasons,
        guards=tuple(guards),
        examples=_examples(connection, spec.model),
    )
    connection.execute("drop table judged")
    return plan


def _model_columns(spec: SyncSpec) -> list[str]:
    columns = [spec.key, spec.record_id, *(f.column for f in spec.fields), *(f.column for f in spec.create_only_fields)]
    if spec.match_on is not None:
        columns.append(spec.match_on.column)
    if spec.consent is not None:
        columns.append(spec.consent.column)
    return columns


def _desired_sql(spec: SyncSpec) -> str:
    fields = "".join(
        f",\n    {canonical_sql(column_text_sql(_name(f.column), f.type), f.type, is_multiple=f.is_multiple)} as d{i}"
        for i, f in enumerate(spec.fields)
    )
    extra = "".join(
        f",\n    nullif(cast({_name(f.column)} as varchar), '') as x{i}" for i, f in enumerate(spec.create_only_fields)
    )
    match = (
        "null" if spec.match_on is None else f"lower(nullif(trim(cast({_name(spec.match_on.column)} as varchar)), ''))"
    )
    return f"""
create or replace temp table desired as
select
    nullif(cast({_name(spec.key)} as varchar), '') as sync_key,
    nullif(cast({_name(spec.record_id)} as varchar), '') as record_id,
    cast({match} as varchar) as match_value,
    {_suppressed_sql(spec)} as is_suppressed{fields}{extra}
from {CATALOG}.{spec.relation}
"""


def _suppressed_sql(spec: Spec) -> str:
    if spec.consent is None:
        return "false"
    return CONSENT_RULES[spec.consent.rule].suppresses_sql(_name(spec.consent.column))


def _observed_sql(spec: SyncSpec, relation: str) -> str:
    """The records as read, our properties taken out of the JSON in one pass, the match property last."""
    names = [f.property for f in spec.fields]
    match = (
        f"lower(nullif(trim(found[{len(names) + 1}]), ''))" if spec.match_on is not None else "cast(null as varchar)"
    )
    if spec.match_on is not None:
        names.append(spec.match_on.property)
    fields = "".join(f", found[{i + 1}] as o{i}" for i in range(len(spec.fields)))
    return f"""
create or replace temp table observed as
select record_id, is_archived, read_at, {match} as match_value{fields}
from (
    select
        cast(record_id as varchar) as record_id, coalesce(is_archived, false) as is_archived,
        cast(read_at as timestamp) as read_at, json_extract_string(properties, {_paths(names)}) as found
    from {relation}
)
"""


def _overlay_sql(spec: SyncSpec) -> str:
    """Our newest acknowledged value per record and property, where it is newer than what was read."""
    names = [f.property for f in spec.fields]
    fields = "".join(
        f",\n    arg_max(found[{i + 1}], acknowledged_at) filter (where found[{i + 1}] is not null) as w{i}"
        for i in range(len(names))
    )
    return f"""
create or replace temp table overlay as
select record_id{fields}
from (
    select ledger.record_id, ledger.acknowledged_at, json_extract_string(ledger.fields, {_paths(names)}) as found
    from ledger
    left join observed on observed.record_id = ledger.record_id
    where
        ledger.object = {_text(spec.object)} and ledger.record_id is not null
        and ledger.action in ('create', 'update', 'match')
        and (observed.read_at is null or ledger.acknowledged_at > observed.read_at)
)
group by record_id
"""


def _resolved_sql(spec: SyncSpec) -> str:
    """Which record each wanted row means: the model's own id, else the one we wrote for its key, else its match.

    Narrow on purpose (the values stay in ``desired``, found again by ``row``), and duplicates are found by grouping: a
    window over a million wide rows costs more than the rest of the plan.
    """
    return f"""
create or replace temp table resolved as
with
    ours as (
        select sync_key, arg_max(record_id, acknowledged_at) as record_id
        from ledger
        where
            sync = {_text(spec.model)} and record_id is not null and sync_key is not null
            and action in ('create', 'update', 'match')
        group by sync_key
    ),
    matches as (
        select match_value, min(record_id) as record_id
        from observed
        where match_value is not null and not is_archived
        group by match_value
    ),
    unlocated as (
        select desired.rowid as row, desired.match_value, ours.record_id as our_record_id
        from desired
        left join ours on ours.sync_key = desired.sync_key
        where desired.record_id is null
    ),
    found as (
        select unlocated.row, coalesce(unlocated.our_record_id, matches.record_id) as record_id
        from unlocated
        left join matches on matches.match_value = unlocated.match_value
    ),
    located as (
        select
            desired.rowid as row, desired.sync_key, desired.match_value, desired.is_suppressed,
            coalesce(desired.record_id, found.record_id) as record_id, desired.record_id is not null as is_explicit
        from desired
        left join found on found.row = desired.rowid
    ),
    shared_keys as (
        select sync_key from located where sync_key is not null group by sync_key having count(*) > 1
    ),
    shared_matches as (
        select match_value
        from located
        where record_id is null and match_value is not null and not is_suppressed
        group by match_value
        having count(*) > 1
    ),
    shared_records as (
        select record_id, count(*) filter (where is_explicit) as explicit_rows, min(sync_key) as first_key
        from located
        where record_id is not null
        group by record_id
        having count(*) > 1
    )
select
    located.row, located.record_id,
    shared_keys.sync_key is not null as has_shared_key,
    located.record_id is null and shared_matches.match_value is not null as has_shared_match,
    located.is_explicit and coalesce(shared_records.explicit_rows, 0) > 1 as has_shared_record,
    not located.is_explicit and shared_records.record_id is not null
    and (shared_records.explicit_rows > 0 or shared_records.first_key is distinct from located.sync_key) as is_second
from located
left join shared_keys on shared_keys.sync_key = located.sync_key
left join shared_matches on shared_matches.match_value = located.match_value
left join shared_records on shared_records.record_id = located.record_id
"""


def _judged_sql(spec: SyncSpec) -> str:
    """One outcome a row, with what would be sent and what stands there now, as JSON objects."""
    fields = list(enumerate(spec.fields))
    current = ", ".join(
        f"{canonical_sql(f'coalesce(overlay.w{i}, observed.o{i})', f.type, is_multiple=f.is_multiple)} as c{i}"
        for i, f in fields
    )
    sends = ", ".join(f"{POLICIES[f.policy].sends_sql(f'd{i}', f'c{i}')} as s{i}" for i, f in fields)
    any_sends = " or ".join(f"s{i}" for i, _ in fields)
    conflicts = [
        conflict(f"d{i}", f"c{i}") for i, f in fields if (conflict := POLICIES[f.policy].conflict_sql) is not None
    ]
    any_conflict = " or ".join(conflicts) or "false"
    update_new = _object_sql([(f.property, f"coalesce(d{i}, '')", f"s{i}") for i, f in fields])
    update_old = _object_sql([(f.property, f"c{i}", f"s{i} and c{i} is not null") for i, f in fields])
    create_new = _object_sql(
        [(f.property, f"d{i}", f"d{i} is not null") for i, f in fields]
        + [(f.property, f"x{i}", f"x{i} is not null") for i, f in enumerate(spec.create_only_fields)]
    )
    matched = spec.match_on.column if spec.match_on is not None else ""
    unlisted = "the record is not in the CRM" if spec.mode == "update" else f"no record id and no {matched} to match by"
    suppressed = CONSENT_RULES[spec.consent.rule].reason if spec.consent is not None else ""
    may_create = "match_value is not null" if spec.mode == "upsert" else "false"
    return f"""
create or replace temp table judged as
with
    known as (
        select
            desired.* exclude (record_id), resolved.* exclude (row),
            observed.record_id is not null as is_observed,
            coalesce(observed.is_archived, false) as is_archived, overlay.record_id is not null as is_written, {current}
        from desired
        join resolved on resolved.row = desired.rowid
        left join observed on observed.record_id = resolved.record_id
        left join overlay on overlay.record_id = resolved.record_id
    ),
    compared as (select *, {sends} from known),
    decided as (
        select
            *,
            case
                when sync_key is null then 'missing_key'
                when is_suppressed then 'suppressed'
                when has_shared_key then 'conflict'
                when record_id is null and not ({may_create}) then 'missing_key'
                when has_shared_match then 'conflict'
                when record_id is null then 'create'
                when is_archived or not (is_observed or is_written) then 'missing_key'
                when has_shared_record then 'conflict'
                when is_second then 'conflict'
                when {any_conflict} then 'conflict'
                when {any_sends} then 'update'
                else 'unchanged'
            end as verdict,
            case
                when sync_key is null then 'no {spec.key}'
                when is_suppressed then {_text(suppressed)}
                when has_shared_key then 'several rows have this {spec.key}'
                when record_id is null and not ({may_create}) then {_text(unlisted)}
                when has_shared_match then 'several rows to create have this {matched}'
                when record_id is null then null
                when is_archived then 'the record was deleted in the CRM'
                when not (is_observed or is_written) then 'the record is not among those read from the CRM'
                when has_shared_record then 'several rows have this record id'
                when is_second then 'another row stands for this record'
                when {any_conflict} then 'a human changed it'
            end as why
        from compared
    ),
    worded as (
        select
            *,
            case verdict when 'update' then {update_new} when 'create' then {create_new} end as fields,
            case verdict when 'update' then {update_old} end as previous
        from decided
    ),
    refused as (
        select distinct on (sync_key) sync_key, fields, error_kind, error_message
        from refusals
        where sync = {_text(spec.model)} and action in ('create', 'update')
        order by sync_key
    )
select
    worded.* exclude (verdict, why),
    case when refused.fields is not null then 'held' else verdict end as outcome,
    case
        when refused.fields is not null
        then 'the CRM refused these values (' || refused.error_kind || '): ' || left(refused.error_message, 200)
        else why
    end as reason
from worded
left join refused on refused.sync_key = worded.sync_key and refused.fields = worded.fields
"""


# -- lists -----------------------------------------------------------------------------------------------------------


def _plan_list(connection: duckdb.DuckDBPyConnection, spec: ListSpec) -> SyncPlan:
    lists = f"{CATALOG}.marts.observed_{spec.destination}_lists"
    members = f"{CATALOG}.marts.observed_{spec.destination}_list_memberships"
    records = f"{CATALOG}.marts.observed_{spec.destination}_{spec.object}"
    wanted_columns = [spec.record_id] + ([spec.consent.column] if spec.consent is not None else [])
    _need_columns(connection, spec, spec.relation, wanted_columns)
    _need_columns(connection, spec, lists, ["list_id", "list_name"])
    _need_columns(connection, spec, members, ["list_id", "record_id"])
    _need_columns(connection, spec, records, ["record_id", "is_archived", "read_at"])
    list_id, read_at = _find_list(connection, spec, lists, records)
    since = "true" if read_at is None else f"acknowledged_at > {_text(str(read_at))}::timestamp"
    observed = "false" if list_id is None else f"list_id = {_text(list_id)}"
    suppressed = CONSENT_RULES[spec.consent.rule].reason if spec.consent is not None else ""
    connection.execute(
        f"""
create or replace temp table judged as
with
    wanted as (
        select record_id, bool_or(is_suppressed) as is_suppressed
        from (
            select
                nullif(cast({_name(spec.record_id)} as varchar), '') as record_id,
                {_suppressed_sql(spec)} as is_suppressed
            from {CATALOG}.{spec.relation}
        )
        group by record_id
    ),
    written as (
        select record_id, arg_max(action, acknowledged_at) as action
        from ledger
        where sync = {_text(spec.model)} and action in ('list_add', 'list_remove') and {since}
        group by record_id
    ),
    members as (
        select coalesce(was.record_id, written.record_id) as record_id
        from (select distinct cast(record_id as varchar) as record_id from {members} where {observed}) as was
        full join written on written.record_id = was.record_id
        where coalesce(written.action, 'list_add') = 'list_add'
    ),
    records as (
        select cast(record_id as varchar) as record_id, coalesce(is_archived, false) as is_archived from {records}
    ),
    ours as (select distinct record_id from ledger where object = {_text(spec.object)} and record_id is not null),
    compared as (
        select
            coalesce(wanted.record_id, members.record_id) as record_id,
            wanted.is_suppressed is not null as is_wanted,
            coalesce(wanted.is_suppressed, false) as is_suppressed,
            members.record_id is not null as is_member,
            coalesce(records.is_archived, false) as is_archived,
            records.record_id is not null or ours.record_id is not null as is_known
        from wanted
        full join members on members.record_id = wanted.record_id
        left join records on records.record_id = coalesce(wanted.record_id, members.record_id)
        left join ours on ours.record_id = coalesce(wanted.record_id, members.record_id)
    ),
    decided as (
        select
            *,
            case
                when is_member and (not is_wanted or is_suppressed) then 'list_remove'
                when record_id is null then 'missing_key'
                when is_suppressed then 'suppressed'
                when is_member then 'unchanged'
                when is_archived or not is_known then 'missing_key'
                else 'list_add'
            end as verdict,
            case
                when is_member and is_suppressed then {_text(suppressed)}
                when is_member and not is_wanted then 'no longer belongs to the list'
                when record_id is null then 'no {spec.record_id}'
                when is_suppressed then {_text(suppressed)}
                when is_member then null
                when is_archived then 'the record was deleted in the CRM'
                when not is_known then 'the record is not among those read from the CRM'
            end as why
        from compared
    ),
    refused as (
        select distinct on (sync_key, action) sync_key, action, error_kind, error_message
        from refusals
        where sync = {_text(spec.model)}
        order by sync_key, action
    )
select
    record_id as sync_key, record_id, is_member,
    case when refused.sync_key is not null then 'held' else verdict end as outcome,
    case
        when refused.sync_key is not null
        then 'the CRM refused this (' || refused.error_kind || '): ' || left(refused.error_message, 200)
        else why
    end as reason
from decided
left join refused on refused.sync_key = decided.record_id and refused.action = decided.verdict
"""
    )
    first_seq = _count(connection, "select coalesce(max(seq), 0) from planned")
    connection.execute(
        f"""
        insert into planned
        select
            {first_seq} + row_number() over (order by outcome, record_id nulls last),
            {_text(spec.model)}, outcome, sync_key, record_id, null, null, null, reason
        from judged
        where outcome <> 'unchanged'
        """
    )
    counts, reasons = _counts(connection)
    members_now = _count(connection, "select count(*) from judged where is_member")
    guards = _guard_counts(spec, changes=counts["list_add"] + counts["list_remove"], creates=0)
    share = spec.guards.max_shrink_share
    if share is not None and members_now >= spec.guards.min_rows and counts["list_remove"] > share * members_now:
        guards.append(
            f"would remove {counts['list_remove']:,} of {members_now:,} members, more than max_shrink_share = {share:g}"
        )
    plan = SyncPlan(
        sync=spec.model,
        kind="list",
        destination=spec.destination,
        object=spec.object,
        owner=spec.owner,
        rows=_count(connection, "select count(*) from judged"),
        counts=counts,
        reasons=reasons,
        guards=tuple(guards),
        examples=_examples(connection, spec.model),
        list_name=spec.name,
        list_id=list_id,
    )
    connection.execute("drop table judged")
    return plan


def _find_list(
    connection: duckdb.DuckDBPyConnection, spec: ListSpec, lists: str, records: str
) -> tuple[str | None, datetime | None]:
    """The list's id (as read, else as we made it) and when its members were last read (UTC)."""
    time = f"select max(read_at) from {records}"
    if "read_at" in _columns(connection, lists):
        time = f"select coalesce((select max(read_at) from {lists} where list_name = $name), ({time}))"
    row = connection.execute(
        f"""
        select
            coalesce(
                (select min(cast(list_id as varchar)) from {lists} where list_name = $name),
                (
                    select arg_max(json_extract_string(fields, '$.list_id'), acknowledged_at)
                    from ledger
                    where sync = $sync and action = 'list_create' and json_extract_string(fields, '$.list_name') = $name
                )
            ),
            cast(({time}) as timestamp)
        """,
        {"name": spec.name, "sync": spec.model},
    ).fetchone()
    return (row[0], row[1]) if row is not None else (None, None)


# -- counting, guards, examples --------------------------------------------------------------------------------------


def _counts(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    counts = dict.fromkeys(OUTCOMES, 0)
    reasons: dict[str, dict[str, int]] = {}
    grouped = (
        "select outcome, reason, count(*) from judged group by outcome, reason order by outcome, count(*) desc, reason"
    )
    for outcome, reason, rows in connection.execute(grouped).fetchall():
        counts[outcome] += rows
        if reason is not None:
            reasons.setdefault(outcome, {})[reason] = rows
    return counts, reasons


def _guard_counts(spec: Spec, *, changes: int, creates: int) -> list[str]:
    limits = [("change", changes, "max_changes"), ("create", creates, "max_creates")]
    messages = []
    for verb, number, name in limits:
        limit = getattr(spec.guards, name)
        if limit is not None and number > limit:
            messages.append(f"would {verb} {number:,} records, more than {name} = {limit:,}")
    return messages


def _guard_nulls(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> list[str]:
    """A broken model upstream shows as a property that is suddenly emptied almost everywhere."""
    share = spec.guards.max_null_share
    clearing = [(i, f) for i, f in enumerate(spec.fields) if POLICIES[f.policy].may_clear]
    if share is None or not clearing:
        return []
    counted = ", ".join(
        f"count(c{i}), count(*) filter (where outcome = 'update' and c{i} is not null and d{i} is null)"
        for i, _ in clearing
    )
    row = connection.execute(f"select {counted} from judged").fetchone() or ()
    messages = []
    for position, (_, field) in enumerate(clearing):
        filled, emptied = row[2 * position], row[2 * position + 1]
        if filled >= spec.guards.min_rows and emptied > share * filled:
            messages.append(
                f"would empty {field.property} of {emptied:,} of the {filled:,} records that have it, "
                f"more than max_null_share = {share:g}; is column {field.column} built?"
            )
    return messages


def _field_changes(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> dict[str, int]:
    counted = ", ".join(
        f"count(*) filter (where (outcome = 'update' and s{i}) or (outcome = 'create' and d{i} is not null))"
        for i in range(len(spec.fields))
    )
    row = connection.execute(f"select {counted} from judged").fetchone() or ()
    return {field.property: number for field, number in zip(spec.fields, row, strict=True) if number}


def _examples(connection: duckdb.DuckDBPyConnection, sync: str) -> tuple[Example, ...]:
    rows = connection.execute(
        f"""
        select outcome, sync_key, record_id, reason, fields, previous
        from (
            select *, row_number() over (partition by outcome order by seq) as place from planned where sync = $sync
        )
        where place <= {EXAMPLES}
        order by seq
        """,
        {"sync": sync},
    ).fetchall()
    examples = []
    for outcome, sync_key, record_id, reason, fields, previous in rows:
        new = json.loads(fields) if fields else {}
        old = json.loads(previous) if previous else {}
        pairs = {name: (old.get(name), value if value != "" else None) for name, value in new.items()}
        examples.append(Example(outcome, sync_key, record_id, reason, pairs))
    return tuple(examples)


# -- SQL helpers -----------------------------------------------------------------------------------------------------


def _object_sql(entries: Sequence[tuple[str, str, str]]) -> str:
    """A JSON object of the (name, value, condition) entries whose condition holds, in the given order.

    Put together as text: building a map and turning it to JSON takes six times as long.
    """
    items = ", ".join(
        f"case when {condition} then {_text(f',{json.dumps(name)}:')} || cast(to_json({value}) as varchar) end"
        for name, value, condition in entries
    )
    return f"'{{' || substr(concat({items}), 2) || '}}'"


def _paths(names: Sequence[str]) -> str:
    return "[" + ", ".join(_text(f'$."{name}"') for name in names) + "]"


def _name(identifier: str) -> str:
    escaped = identifier.replace('"', '""')
    return f'"{escaped}"'


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row is not None else 0


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> set[str]:
    return {column[0] for column in connection.execute(f"select * from {relation} limit 0").description or []}


def _need_columns(connection: duckdb.DuckDBPyConnection, spec: Spec, relation: str, columns: Sequence[str]) -> None:
    where = f"{spec.file}: model {spec.model}"
    qualified = relation if relation.startswith(f"{CATALOG}.") else f"{CATALOG}.{relation}"
    try:
        present = _columns(connection, qualified)
    except duckdb.CatalogException as error:
        shown = qualified.removeprefix(f"{CATALOG}.").replace('"', "")
        raise PlanError(f"{where}: {shown} is not in the published snapshot; build and publish first") from error
    missing = [column for column in columns if column not in present]
    if missing:
        shown = qualified.removeprefix(f"{CATALOG}.").replace('"', "")
        raise PlanError(
            f"{where}: {shown} has no column {', '.join(missing)}; correct config.meta.{spec.kind} or the model, "
            "then build and publish again"
        )
