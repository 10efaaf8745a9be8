"""Plan the associations of one model: pairs that are wanted and are not there are added; none is ever taken away.

A pair that we added once stays decided: when somebody removes it in the CRM, it is not added again.
"""

from __future__ import annotations

import duckdb

from reverse_etl.manifest import AssociationSpec
from reverse_etl.planning_sql import (
    CATALOG,
    name,
    need_columns,
    observed_relation,
    standing_sql,
    suppressed_records_sql,
    suppressed_sql,
    text,
)


def judge_pairs(connection: duckdb.DuckDBPyConnection, spec: AssociationSpec) -> None:
    """Fill the temporary table ``judged``: one row a wanted pair. ``record_id`` is the record it starts from,
    ``match_value`` the one it leads to, ``fields`` both objects and the second id as JSON."""
    pairs = observed_relation(spec, "associations")
    starts, ends = observed_relation(spec, spec.from_object), observed_relation(spec, spec.to_object)
    columns = [spec.key, spec.from_id, spec.to_id] + ([spec.consent.column] if spec.consent is not None else [])
    need_columns(connection, spec, spec.relation, columns)
    need_columns(connection, spec, pairs, ["from_object", "from_id", "to_object", "to_id"])
    for records in (starts, ends):
        need_columns(connection, spec, records, ["record_id", "is_archived", "merged_into"])
    one_way = f"from_object = {text(spec.from_object)} and to_object = {text(spec.to_object)}"
    other_way = f"from_object = {text(spec.to_object)} and to_object = {text(spec.from_object)}"
    connection.execute(
        f"""
create or replace temp table judged as
with
    starts as ({standing_sql(starts)}),
    ends as ({standing_sql(ends)}),
    named as (
        select
            nullif(cast({name(spec.key)} as varchar), '') as sync_key,
            nullif(cast({name(spec.from_id)} as varchar), '') as from_id,
            nullif(cast({name(spec.to_id)} as varchar), '') as to_id,
            {suppressed_sql(spec)} as suppressed
        from {CATALOG}.{spec.relation}
    ),
    wanted as (
        select
            named.sync_key, coalesce(starts.merged_into, named.from_id) as from_id,
            coalesce(ends.merged_into, named.to_id) as to_id, max(named.suppressed) as suppressed
        from named
        left join starts on starts.record_id = named.from_id
        left join ends on ends.record_id = named.to_id
        group by all
    ),
    shared_keys as (select sync_key from wanted where sync_key is not null group by sync_key having count(*) > 1),
    there as (
        select cast(from_id as varchar) as from_id, cast(to_id as varchar) as to_id from {pairs} where {one_way}
        union
        select cast(to_id as varchar) as from_id, cast(from_id as varchar) as to_id from {pairs} where {other_way}
        union
        select record_id as from_id, json_extract_string(fields, '$.to_id') as to_id
        from ledger
        where sync = {text(spec.sync)} and action = 'associate'
    ),
    compared as (
        select
            wanted.*, there.from_id is not null as is_there, shared_keys.sync_key is not null as has_shared_key,
            starts.record_id is null or ends.record_id is null as is_unknown,
            coalesce(starts.is_archived, false) or coalesce(ends.is_archived, false) as is_archived,
            coalesce(kept_start.reason, kept_end.reason, wanted.suppressed) as because
        from wanted
        left join there on there.from_id = wanted.from_id and there.to_id = wanted.to_id
        left join shared_keys on shared_keys.sync_key = wanted.sync_key
        left join starts on starts.record_id = wanted.from_id
        left join ends on ends.record_id = wanted.to_id
        left join ({suppressed_records_sql(spec, spec.from_object)}) as kept_start
            on kept_start.record_id = wanted.from_id
        left join ({suppressed_records_sql(spec, spec.to_object)}) as kept_end on kept_end.record_id = wanted.to_id
    ),
    decided as (
        select
            *,
            case
                when sync_key is null or from_id is null or to_id is null then 'missing_key'
                when because is not null then 'suppressed'
                when has_shared_key then 'conflict'
                when is_there then 'unchanged'
                when is_archived or is_unknown then 'missing_key'
                else 'associate'
            end as verdict,
            case
                when sync_key is null then 'no {spec.key}'
                when from_id is null then 'no {spec.from_id}'
                when to_id is null then 'no {spec.to_id}'
                when because is not null then because
                when has_shared_key then 'several pairs have this {spec.key}'
                when is_there then null
                when is_archived then 'a record of the pair was deleted in the CRM'
                when is_unknown then 'a record of the pair is not among those read from the CRM'
            end as why
        from compared
    ),
    refused as (
        select distinct on (sync_key) sync_key, fields, error_kind, error_message
        from refusals
        where sync = {text(spec.sync)} and action = 'associate'
        order by sync_key
    ),
    worded as (
        select
            *,
            case when verdict = 'associate' then
                {text(f'{{"from_object":"{spec.from_object}","to_object":"{spec.to_object}","to_id":')}
                || cast(to_json(to_id) as varchar) || '}}'
            end as fields
        from decided
    )
select
    worded.sync_key, worded.from_id as record_id, worded.to_id as match_value, worded.fields,
    cast(null as varchar) as previous,
    case when refused.fields is not null then 'held' else verdict end as outcome,
    case
        when refused.fields is not null
        then 'the CRM refused this pair (' || refused.error_kind || '): ' || left(refused.error_message, 200)
        else why
    end as reason
from worded
left join refused on refused.sync_key = worded.sync_key and refused.fields = worded.fields
"""
    )
