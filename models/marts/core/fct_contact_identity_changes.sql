{#
    History: rows are only ever added, and `--full-refresh` leaves it alone. What it tells was seen by one build and cannot be
    computed again.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="fail",
        full_refresh=false,
    )
}}

-- Records that went from one contact to another, and why: merged into it, split from it, or no longer there.
with
    memberships as (select * from {{ ref("int_contact_memberships") }}),

    records as (select record_key, source, record_id from {{ ref("int_contact_records") }}),

    evidence as (select * from {{ ref("int_identity_evidence") }}),

    verdicts as (select * from {{ ref("int_identity_verdicts") }} where verdict != 'linked'),

    moved as (
        select
            {{ hash_key(["record_key", "previous_contact_id", "contact_id", "observed_at"]) }} as change_id,
            record_key,
            previous_contact_id as from_contact_id,
            contact_id as to_contact_id,
            observed_at
        from memberships
        where previous_contact_id is not null
    ),

    unrecorded as (
        select *
        from moved
        {% if is_incremental() %} where change_id not in (select change_id from {{ this }}){% endif %}
    ),

    -- Where the records of a contact are now. In more than one place: it was split.
    left_behind as (
        select from_contact_id as contact_id, to_contact_id as now_in
        from unrecorded
        where to_contact_id is not null
        union
        select contact_id, contact_id as now_in
        from memberships
        where contact_id in (select from_contact_id from unrecorded)
    ),

    places as (select contact_id, count(*) as place_count from left_behind group by contact_id),

    joined_by as (
        select record_key, min(reason) as reason
        from
            (
                select record_key, reason
                from evidence
                where record_key in (select record_key from unrecorded)
                union all
                select linked_record_key as record_key, reason
                from evidence
                where linked_record_key in (select record_key from unrecorded)
            ) as reasons
        group by record_key
    ),

    kept_apart_by as (
        select record_key, min(reason) as reason
        from
            (
                select record_key, reason
                from verdicts
                where record_key in (select record_key from unrecorded)
                union all
                select linked_record_key as record_key, reason
                from verdicts
                where linked_record_key in (select record_key from unrecorded)
            ) as reasons
        group by record_key
    ),

    final as (
        select
            unrecorded.change_id,
            case
                when unrecorded.to_contact_id is null
                then 'removed'
                when coalesce(places.place_count, 1) > 1
                then 'split'
                else 'merge'
            end as change,
            unrecorded.record_key,
            records.source,
            records.record_id,
            unrecorded.from_contact_id,
            unrecorded.to_contact_id,
            unrecorded.observed_at,
            case
                when unrecorded.to_contact_id is null
                then 'The record was set aside or is no longer in its source.'
                when coalesce(places.place_count, 1) > 1
                then coalesce(kept_apart_by.reason, 'Nothing joins it to the others any more.')
                else coalesce(joined_by.reason, 'It was joined with the whole of its contact.')
            end as evidence
        from unrecorded
        left join places on unrecorded.from_contact_id = places.contact_id
        left join records on unrecorded.record_key = records.record_key
        left join joined_by on unrecorded.record_key = joined_by.record_key
        left join kept_apart_by on unrecorded.record_key = kept_apart_by.record_key
    )

select *
from final
