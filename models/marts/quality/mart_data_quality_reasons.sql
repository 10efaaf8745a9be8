-- Why values are missing, refused or doubtful, counted by source, way in and field (R6, R8).
with
    contact_values as (select * from {{ ref("int_contact_values") }}),

    reasons as (select * from {{ ref("hygiene_reasons") }}),

    counted as (
        select source, capture_method, field, status, reason, count(*) as records
        from contact_values
        where reason is not null
        group by source, capture_method, field, status, reason
    ),

    ranked as (
        select
            counted.source,
            counted.capture_method,
            counted.field,
            counted.status,
            counted.reason,
            counted.records,
            reasons.description,
            reasons.what_to_do,
            row_number() over (
                partition by counted.source, counted.capture_method, counted.field, counted.status, counted.reason
                order by case when reasons.field = '*' then 1 else 0 end, reasons.field
            ) as preference
        from counted
        left join
            reasons
            on counted.reason = reasons.reason
            and reasons.field in (
                counted.field,
                '*',
                case when counted.field in ('first_name', 'last_name') then 'name' else counted.field end
            )
    ),

    final as (
        select
            {{ hash_key(["source", "capture_method", "field", "status", "reason"]) }} as quality_reason_id,
            source,
            capture_method,
            field,
            status,
            reason,
            cast(records as bigint) as records,
            description,
            what_to_do
        from ranked
        where preference = 1
    )

select *
from final
