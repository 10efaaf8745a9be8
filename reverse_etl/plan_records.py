"""Plan one sync: which record each wanted row means, what stands there, and which fields would be sent.

The record as last read from the CRM is overlaid with our own acknowledged writes since that read; a record that we
created stands under its ``sync_key`` until a read shows it, and one that was merged away is followed to its survivor.
A field that its policy keeps (a person set it, the CRM is further on) is left out and counted; the record's other
fields go. Only a record of which nothing else is to be sent is a conflict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import duckdb

from reverse_etl.errors import PlanError
from reverse_etl.manifest import FieldSpec, SyncSpec
from reverse_etl.planning_sql import (
    CATALOG,
    count,
    json_paths,
    name,
    need_columns,
    object_sql,
    observed_relation,
    suppressed_records_sql,
    suppressed_sql,
    text,
)
from reverse_etl.policies import CONFLICTS, KEPT, POLICIES, DecisionSql, FieldColumns, decide_sql
from reverse_etl.values import canonical_column_sql, canonical_sql

#: Wanted rows that are judged at a time.
_STRETCH = 200_000
#: Longest chain of merges that is followed; a longer one is a circle.
_LONGEST_MERGE_CHAIN = 30


def judge_records(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> None:
    """Fill the temporary table ``judged``: one row a wanted row; ``outcome``, ``reason``, ``fields``, ``previous``.

    Per field number ``i``: ``s<i>`` whether it is sent, ``k<i>`` why it is kept (a code of
    :data:`reverse_etl.policies.KEPT`), ``e<i>`` whether the CRM holds a value, ``z<i>`` whether that would be emptied.
    The values themselves are in ``fields`` and ``previous`` alone: a million rows must fit.
    """
    observed = observed_relation(spec, spec.object)
    kinds = need_columns(connection, spec, spec.relation, _model_columns(spec))
    needed = ["record_id", "properties", "is_archived", "read_at", "merged_into"]
    if any(_asks_who(field) for field in spec.fields):
        needed.append("people_changed")
    present = need_columns(connection, spec, observed, needed)
    connection.execute(_desired_sql(spec, kinds))
    connection.execute(_observed_sql(spec, observed, has_converted="is_converted" in present))
    _follow_merges(connection, spec)
    connection.execute(_overlay_sql(spec))
    connection.execute(_written_sql(spec))
    connection.execute(_resolved_sql(spec))
    # By stretches: the joins hold what they join in memory, and a million wide rows would not fit.
    rows = count(connection, "select count(*) from desired")
    for first in range(0, max(rows, 1), _STRETCH):
        into = "insert into judged" if first else "create or replace temp table judged as"
        connection.execute(f"{into} {_judged_sql(spec, first, first + _STRETCH - 1)}")
    for table in ("desired", "observed", "merged", "overlay", "written", "resolved"):
        connection.execute(f"drop table {table}")


def field_changes(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> dict[str, int]:
    """How many values of each property the plan would send."""
    counted = ", ".join(
        f"count(*) filter (where outcome in ('update', 'create') and s{i})" for i in range(len(spec.fields))
    )
    row = connection.execute(f"select {counted} from judged").fetchone() or ()
    return {field.property: number for field, number in zip(spec.fields, row, strict=True) if number}


def kept_values(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> dict[str, dict[str, int]]:
    """Property -> why its policy keeps what stands there -> records, among those we would otherwise write to."""
    found: dict[str, dict[str, int]] = {}
    for i, field in enumerate(spec.fields):
        if not _asks_who(field):
            continue
        query = (
            f"select k{i}, count(*) from judged where k{i} is not null and not is_contradicted "
            f"and outcome in ('update', 'unchanged', 'conflict') group by k{i} order by k{i}"
        )
        for code, number in connection.execute(query).fetchall():
            found.setdefault(field.property, {})[KEPT[code]] = number
    return found


def guard_nulls(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> list[str]:
    """A broken model upstream shows as a property that is suddenly emptied almost everywhere."""
    share = spec.guards.max_null_share
    clearing = [(i, f) for i, f in enumerate(spec.fields) if f.clears]
    if share is None or not clearing:
        return []
    counted = ", ".join(
        f"count(*) filter (where e{i}), count(*) filter (where outcome = 'update' and z{i})" for i, _ in clearing
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


def _asks_who(field: FieldSpec) -> bool:
    return POLICIES[field.policy].needs_people


def _model_columns(spec: SyncSpec) -> list[str]:
    columns = [spec.key, spec.record_id, *(c for f in spec.fields for c in f.columns)]
    columns += [f.column for f in spec.create_only_fields]
    if spec.match_on is not None:
        columns.append(spec.match_on.column)
    if spec.consent is not None:
        columns.append(spec.consent.column)
    return columns


def _desired_sql(spec: SyncSpec, kinds: Mapping[str, str]) -> str:
    fields = "".join(
        f",\n    {canonical_column_sql(name(f.column), kinds[f.column], f.type, is_multiple=f.is_multiple)} as d{i}"
        for i, f in enumerate(spec.fields)
    )
    for i, f in enumerate(spec.fields):
        if f.since is not None:
            fields += f",\n    cast({name(f.since)} as timestamp) as t{i}"
        if f.back_when is not None:
            fields += f",\n    coalesce(cast({name(f.back_when)} as boolean), false) as b{i}"
    extra = "".join(
        f",\n    nullif(cast({name(f.column)} as varchar), '') as x{i}" for i, f in enumerate(spec.create_only_fields)
    )
    match = (
        "null" if spec.match_on is None else f"lower(nullif(trim(cast({name(spec.match_on.column)} as varchar)), ''))"
    )
    return f"""
create or replace temp table desired as
select
    nullif(cast({name(spec.key)} as varchar), '') as sync_key,
    nullif(cast({name(spec.record_id)} as varchar), '') as record_id,
    cast({match} as varchar) as match_value,
    {suppressed_sql(spec)} as suppressed{fields}{extra}
from {CATALOG}.{spec.relation}
"""


def _observed_sql(spec: SyncSpec, relation: str, *, has_converted: bool) -> str:
    """The records as read, our properties taken out of the JSON in one pass, the match property last."""
    names = [f.property for f in spec.fields]
    match = (
        f"lower(nullif(trim(found[{len(names) + 1}]), ''))" if spec.match_on is not None else "cast(null as varchar)"
    )
    if spec.match_on is not None:
        names.append(spec.match_on.property)
    fields = "".join(f", found[{i + 1}] as o{i}" for i in range(len(spec.fields)))
    people = ""
    asked = [(i, f) for i, f in enumerate(spec.fields) if _asks_who(f)]
    if asked:
        paths = json_paths([f.property for _, f in asked])
        people = f", json_extract(people_changed, {paths}) as changed"
        fields += "".join(
            f", changed[{n}] is not null as h{i}"
            f", try_cast(try_cast(changed[{n}] ->> '$' as timestamptz) at time zone 'UTC' as timestamp) as p{i}"
            for n, (i, _) in enumerate(asked, 1)
        )
    converted = "coalesce(is_converted, false)" if has_converted else "false"
    return f"""
create or replace temp table observed as
select record_id, is_archived, read_at, merged_into, is_converted, {match} as match_value{fields}
from (
    select
        cast(record_id as varchar) as record_id, coalesce(is_archived, false) as is_archived,
        cast(read_at as timestamp) as read_at, nullif(cast(merged_into as varchar), '') as merged_into,
        {converted} as is_converted, json_extract_string(properties, {json_paths(names)}) as found{people}
    from {relation}
)
"""


def _follow_merges(connection: duckdb.DuckDBPyConnection, spec: SyncSpec) -> None:
    """``merged``: each record that was merged away and the record it ended up in, however often that was merged on."""
    connection.execute(
        "create or replace temp table merged as "
        "select record_id, merged_into from observed where merged_into is not null"
    )
    for _ in range(_LONGEST_MERGE_CHAIN):
        moved = connection.execute(
            "update merged set merged_into = further.merged_into from merged as further "
            "where further.record_id = merged.merged_into returning merged.record_id"
        ).fetchall()
        if not moved:
            return
    raise PlanError(
        f"{observed_relation(spec, spec.object).removeprefix(f'{CATALOG}.')}: merged_into goes round in a circle at "
        f"record {moved[0][0]}; correct the model"
    )


def _overlay_sql(spec: SyncSpec) -> str:
    """Our newest acknowledged value per record and property, where it is newer than what was read.

    Most records were written once since: only the others need the newest value of each property looked for.
    """
    names = [f.property for f in spec.fields]
    once = "".join(f",\n    found[{i + 1}] as w{i}" for i in range(len(names)))
    often = "".join(
        f",\n    arg_max(found[{i + 1}], acknowledged_at) filter (where found[{i + 1}] is not null) as w{i}"
        for i in range(len(names))
    )
    found = f"json_extract_string(fields, {json_paths(names)}) as found"
    return f"""
create or replace temp table overlay as
with
    newer as (
        select
            coalesce(merged.merged_into, ledger.record_id) as record_id, ledger.acknowledged_at, ledger.fields
        from ledger
        left join merged on merged.record_id = ledger.record_id
        left join observed on observed.record_id = coalesce(merged.merged_into, ledger.record_id)
        where
            ledger.object = {text(spec.object)} and ledger.record_id is not null
            and ledger.action in ('create', 'update', 'match')
            and (observed.read_at is null or ledger.acknowledged_at > observed.read_at)
    ),
    repeated as (select record_id from newer group by record_id having count(*) > 1)
select record_id{once}
from (select record_id, {found} from newer anti join repeated using (record_id))
union all
select record_id{often}
from (select record_id, acknowledged_at, {found} from newer semi join repeated using (record_id))
group by record_id
"""


def _written_sql(spec: SyncSpec) -> str:
    """The newest value that we wrote per record and property, read back since or not: for policies that ask who."""
    asked = [(i, f) for i, f in enumerate(spec.fields) if POLICIES[f.policy].needs_written]
    fields = "".join(
        f",\n    arg_max(found[{n}], acknowledged_at) filter (where found[{n}] is not null) as l{i}"
        for n, (i, _) in enumerate(asked, 1)
    )
    naming = " or ".join(f"contains(fields, {text(json.dumps(f.property) + ':')})" for _, f in asked) or "false"
    paths = json_paths([f.property for _, f in asked]) if asked else "['$']"
    return f"""
create or replace temp table written as
select record_id{fields}
from (
    select coalesce(merged.merged_into, ledger.record_id) as record_id, acknowledged_at,
        json_extract_string(fields, {paths}) as found
    from ledger
    left join merged on merged.record_id = ledger.record_id
    where
        ({naming}) and object = {text(spec.object)} and ledger.record_id is not null
        and action in ('create', 'update')
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
            sync = {text(spec.sync)} and record_id is not null and sync_key is not null
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
    named as (
        select
            desired.rowid as row, desired.sync_key, desired.match_value,
            desired.suppressed is not null as is_suppressed,
            coalesce(desired.record_id, found.record_id) as named_id, desired.record_id is not null as is_named
        from desired
        left join found on found.row = desired.rowid
    ),
    located as (
        select
            named.* exclude (named_id, is_named), coalesce(merged.merged_into, named.named_id) as record_id,
            merged.merged_into is not null as is_followed,
            -- Who names the record itself goes before who was merged into it.
            named.is_named and merged.merged_into is null as is_explicit
        from named
        left join merged on merged.record_id = named.named_id
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
    located.row, located.record_id, located.is_followed,
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


def _decision(i: int, field: FieldSpec) -> DecisionSql:
    if not _asks_who(field):
        return decide_sql(field.rule, FieldColumns(f"d{i}", f"c{i}"))
    asks_written = POLICIES[field.policy].needs_written
    columns = FieldColumns(
        desired=f"d{i}",
        observed=f"c{i}",
        written=f"nullif(l{i}, '')" if asks_written else "cast(null as varchar)",
        has_written=f"(l{i} is not null)" if asks_written else "false",
        is_newer_ours=f"(w{i} is not null)",
        is_history_read=f"coalesce(h{i}, false)",
        person_changed_at=f"p{i}",
        since=f"t{i}" if field.since is not None else "cast(null as timestamp)",
        may_go_back=f"b{i}" if field.back_when is not None else "false",
    )
    return decide_sql(field.rule, columns)


def _judged_sql(spec: SyncSpec, first: int, last: int) -> str:
    """One outcome a row, with what would be sent and what stands there now, as JSON objects; of the wanted rows from
    ``first`` to ``last``."""
    fields = list(enumerate(spec.fields))
    asked = [i for i, f in fields if _asks_who(f)]
    raw = ", ".join(f"ours.w{i}, seen.o{i}" for i, _ in fields)
    # What we wrote is spelled canonically; what was read mostly is, or equals what we want.
    current = ", ".join(
        f"case when w{i} is not null then nullif(w{i}, '') when o{i} is not distinct from d{i} then d{i}"
        f" else {canonical_sql(f'o{i}', f.type, is_multiple=f.is_multiple)} end as c{i}"
        for i, f in fields
    )
    people = "".join(f", seen.h{i}, seen.p{i}" for i in asked)
    written = [i for i, f in fields if POLICIES[f.policy].needs_written]
    people += "".join(f", written.l{i}" for i in written)
    join_written = "left join written on written.record_id = part.record_id" if written else ""
    decisions = {i: _decision(i, f) for i, f in fields}
    sends = ", ".join(f"{decisions[i].sends} as s{i}" for i, _ in fields)
    sends += "".join(f", {decisions[i].kept} as k{i}" for i in asked)
    any_sends = " or ".join(f"s{i}" for i, _ in fields)
    conflicts = ", ".join(text(code) for code in CONFLICTS)
    any_conflict = " or ".join(f"coalesce(k{i} in ({conflicts}), false)" for i in asked) or "false"
    kept = ", ".join(
        f"case k{i} " + " ".join(f"when {text(c)} then {text(f'{f.property} ({KEPT[c]})')}" for c in CONFLICTS) + " end"
        for i, f in fields
        if i in asked
    )
    kept = f"'left as it is: ' || concat_ws(', ', {kept})" if kept else "null"
    clearing = [i for i, f in fields if f.clears]
    shown = [f"s{i}" for i, _ in fields] + [f"k{i}" for i in asked]
    shown += [f"c{i} is not null as e{i}, s{i} and c{i} is not null and d{i} is null as z{i}" for i in clearing]
    update_new = object_sql([(f.property, f"coalesce(d{i}, '')", f"s{i}") for i, f in fields])
    update_old = object_sql([(f.property, f"c{i}", f"s{i} and c{i} is not null") for i, f in fields])
    create_new = object_sql(
        [(f.property, f"d{i}", f"s{i}") for i, f in fields]
        + [(f.property, f"x{i}", f"x{i} is not null") for i, f in enumerate(spec.create_only_fields)]
    )
    matched = spec.match_on.column if spec.match_on is not None else ""
    unlisted = "the record is not in the CRM" if spec.mode == "update" else f"no record id and no {matched} to match by"
    may_create = "match_value is not null" if spec.mode == "upsert" else "false"
    return f"""
with
    part as (select * from resolved where row between {first} and {last}),
    seen as (select observed.* from observed semi join part on part.record_id = observed.record_id),
    ours as (select overlay.* from overlay semi join part on part.record_id = overlay.record_id),
    known as (
        select
            desired.* exclude (record_id, suppressed), part.* exclude (row),
            coalesce(kept_away.reason, desired.suppressed) as suppressed,
            seen.record_id is not null as is_observed, coalesce(seen.is_archived, false) as is_archived,
            coalesce(seen.is_converted, false) as is_converted, ours.record_id is not null as is_written,
            {raw}{people}
        from part
        join desired on desired.rowid = part.row and desired.rowid between {first} and {last}
        left join seen on seen.record_id = part.record_id
        left join ours on ours.record_id = part.record_id
        {join_written}
        left join ({suppressed_records_sql(spec, spec.object)}) as kept_away
            on kept_away.record_id = part.record_id
    ),
    standing as (select *, {current} from known),
    compared as (select *, {sends} from standing),
    decided as (
        select
            *,
            has_shared_key or has_shared_match or has_shared_record or is_second as is_contradicted,
            case
                when sync_key is null then 'missing_key'
                when suppressed is not null then 'suppressed'
                when has_shared_key then 'conflict'
                when record_id is null and not ({may_create}) then 'missing_key'
                when has_shared_match then 'conflict'
                when record_id is null then 'create'
                when is_converted then 'suppressed'
                when is_archived or not (is_observed or is_written) then 'missing_key'
                when has_shared_record then 'conflict'
                when is_second and is_followed then 'suppressed'
                when is_second then 'conflict'
                when {any_sends} then 'update'
                when {any_conflict} then 'conflict'
                else 'unchanged'
            end as verdict,
            case
                when sync_key is null then 'no {spec.key}'
                when suppressed is not null then suppressed
                when has_shared_key then 'several rows have this {spec.key}'
                when record_id is null and not ({may_create}) then {text(unlisted)}
                when has_shared_match then 'several rows to create have this {matched}'
                when record_id is null then null
                when is_converted then 'converted in the CRM'
                when is_archived then 'the record was deleted in the CRM'
                when not (is_observed or is_written) then 'the record is not among those read from the CRM'
                when has_shared_record then 'several rows have this record id'
                when is_second and is_followed then 'merged into a record that another row stands for'
                when is_second then 'another row stands for this record'
                when {any_conflict} then {kept}
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
        where sync = {text(spec.sync)} and action in ('create', 'update')
        order by sync_key
    )
select
    worded.sync_key, worded.record_id, worded.match_value, worded.fields, worded.previous, worded.is_contradicted,
    {", ".join(shown)},
    case when refused.fields is not null then 'held' else verdict end as outcome,
    case
        when refused.fields is not null
        then 'the CRM refused these values (' || refused.error_kind || '): ' || left(refused.error_message, 200)
        else why
    end as reason
from worded
left join refused on refused.sync_key = worded.sync_key and refused.fields = worded.fields
"""
