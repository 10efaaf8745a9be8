"""Plan one list: who is to join it, and who is to leave.

Members as last read are overlaid with our own acknowledged changes since. A record that was merged away stands for its
survivor. Who is suppressed leaves, and joins no more.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from reverse_etl.manifest import ListSpec
from reverse_etl.planning_sql import (
    CATALOG,
    columns_of,
    name,
    need_columns,
    observed_relation,
    standing_sql,
    suppressed_records_sql,
    suppressed_sql,
    text,
)


def judge_members(connection: duckdb.DuckDBPyConnection, spec: ListSpec) -> str | None:
    """Fill the temporary table ``judged``: one row a wanted member or member to remove, with ``is_member``,
    ``outcome`` and ``reason``. Returns the list's id, ``None`` when it has to be made."""
    lists = observed_relation(spec, "lists")
    members = observed_relation(spec, "list_memberships")
    records = observed_relation(spec, spec.object)
    need_columns(connection, spec, spec.relation, [spec.record_id, spec.consent.column])
    need_columns(connection, spec, lists, ["list_id", "list_name"])
    need_columns(connection, spec, members, ["list_id", "record_id"])
    need_columns(connection, spec, records, ["record_id", "is_archived", "read_at", "merged_into"])
    list_id, read_at = _find_list(connection, spec, lists, records)
    since = "true" if read_at is None else f"acknowledged_at > {text(str(read_at))}::timestamp"
    observed = "false" if list_id is None else f"list_id = {text(list_id)}"
    connection.execute(
        f"""
create or replace temp table judged as
with
    records as ({standing_sql(records)}),
    named as (
        select nullif(cast({name(spec.record_id)} as varchar), '') as record_id, {suppressed_sql(spec)} as suppressed
        from {CATALOG}.{spec.relation}
    ),
    wanted as (
        select coalesce(records.merged_into, named.record_id) as record_id, max(named.suppressed) as suppressed
        from named
        left join records on records.record_id = named.record_id
        group by 1
    ),
    written as (
        select record_id, arg_max(action, acknowledged_at) as action
        from ledger
        where sync = {text(spec.sync)} and action in ('list_add', 'list_remove') and {since}
        group by record_id
    ),
    members as (
        select coalesce(was.record_id, written.record_id) as record_id
        from (select distinct cast(record_id as varchar) as record_id from {members} where {observed}) as was
        full join written on written.record_id = was.record_id
        where coalesce(written.action, 'list_add') = 'list_add'
    ),
    ours as (select distinct record_id from ledger where object = {text(spec.object)} and record_id is not null),
    compared as (
        select
            coalesce(wanted.record_id, members.record_id) as record_id,
            wanted.record_id is not null or members.record_id is null as is_wanted,
            coalesce(kept_away.reason, wanted.suppressed) as suppressed,
            members.record_id is not null as is_member,
            coalesce(records.is_archived, false) as is_archived,
            records.record_id is not null or ours.record_id is not null as is_known
        from wanted
        full join members on members.record_id = wanted.record_id
        left join records on records.record_id = coalesce(wanted.record_id, members.record_id)
        left join ours on ours.record_id = coalesce(wanted.record_id, members.record_id)
        left join ({suppressed_records_sql(spec, spec.object)}) as kept_away
            on kept_away.record_id = coalesce(wanted.record_id, members.record_id)
    ),
    decided as (
        select
            *,
            case
                when is_member and (not is_wanted or suppressed is not null) then 'list_remove'
                when record_id is null then 'missing_key'
                when suppressed is not null then 'suppressed'
                when is_member then 'unchanged'
                when is_archived or not is_known then 'missing_key'
                else 'list_add'
            end as verdict,
            case
                when record_id is null then 'no {spec.record_id}'
                when suppressed is not null then suppressed
                when is_member and not is_wanted then 'no longer belongs to the list'
                when is_member then null
                when is_archived then 'the record was deleted in the CRM'
                when not is_known then 'the record is not among those read from the CRM'
            end as why
        from compared
    ),
    refused as (
        select distinct on (sync_key, action) sync_key, action, error_kind, error_message
        from refusals
        where sync = {text(spec.sync)}
        order by sync_key, action
    )
select
    record_id as sync_key, record_id, is_member, cast(null as varchar) as match_value, cast(null as varchar) as fields,
    cast(null as varchar) as previous,
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
    return list_id


def guard_shrink(connection: duckdb.DuckDBPyConnection, spec: ListSpec) -> list[str]:
    """Too many members leaving at once is more often a broken model than a changed world."""
    row = connection.execute(
        "select count(*) filter (where is_member), count(*) filter (where outcome = 'list_remove') from judged"
    ).fetchone()
    members, removed = row or (0, 0)
    share = spec.guards.max_shrink_share
    if share is None or members < spec.guards.min_rows or removed <= share * members:
        return []
    return [f"would remove {removed:,} of {members:,} members, more than max_shrink_share = {share:g}"]


def _find_list(
    connection: duckdb.DuckDBPyConnection, spec: ListSpec, lists: str, records: str
) -> tuple[str | None, datetime | None]:
    """The list's id (as read, else as we made it) and when its members were last read (UTC)."""
    time = f"select max(read_at) from {records}"
    if "read_at" in columns_of(connection, lists):
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
        {"name": spec.name, "sync": spec.sync},
    ).fetchone()
    return (row[0], row[1]) if row is not None else (None, None)
