-- How complete and how valid each field arrives, by source and way in, and how many of the records were somebody
-- already
-- known (R4, R6).
with
    contact_values as (select * from {{ ref("int_contact_values") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    duplicates as (
        select
            records.source,
            records.capture_method,
            count(clusters.record_key) as people_records,
            sum(
                case when clusters.record_key is not null and not clusters.is_leading then 1 else 0 end
            ) as merged_records
        from records
        left join clusters on records.record_key = clusters.record_key
        group by records.source, records.capture_method
    ),

    counted as (
        select
            source,
            capture_method,
            field,
            count(*) as records,
            sum(case when status in ('missing', 'placeholder') then 0 else 1 end) as known,
            sum(case when status in ({{ usable_statuses() }}) then 1 else 0 end) as valid,
            sum(case when status = 'placeholder' then 1 else 0 end) as placeholders,
            sum(case when suggested is not null then 1 else 0 end) as suggestions
        from contact_values
        group by source, capture_method, field
    ),

    final as (
        select
            {{ hash_key(["counted.source", "counted.capture_method", "counted.field"]) }} as quality_id,
            counted.source,
            counted.capture_method,
            counted.field,
            cast(counted.records as bigint) as records,
            cast(counted.known as bigint) as known,
            cast(counted.valid as bigint) as valid,
            cast(counted.placeholders as bigint) as placeholders,
            cast(counted.suggestions as bigint) as suggestions,
            cast(100.0 * counted.known / counted.records as decimal(9, 4)) as completeness_pct,
            cast(100.0 * counted.valid / nullif(counted.known, 0) as decimal(9, 4)) as validity_pct,
            cast(duplicates.merged_records as bigint) as merged_records,
            cast(
                100.0 * duplicates.merged_records / nullif(duplicates.people_records, 0) as decimal(9, 4)
            ) as duplicate_pct
        from counted
        inner join
            duplicates on counted.source = duplicates.source and counted.capture_method = duplicates.capture_method
    )

select *
from final
