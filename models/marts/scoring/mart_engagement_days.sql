{#
    A view: nothing is built twice, and a published snapshot gets its rows sorted by account, so that whoever draws one
    account's or one person's engagement over time reads a few of them.
#}
{{ config(materialized="view") }}

with
    buckets as (select * from {{ ref("int_engagement_buckets") }}),

    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),

    final as (
        select
            contacts.account_id,
            buckets.contact_id,
            buckets.signal_id,
            buckets.day_on,
            -- Events count once their day is over, and points that fade by steps are gone when the day of the step
            -- begins.
            cast(
                case
                    when buckets.event_count > 0 then {{ dbt.dateadd("day", 1, "buckets.day_on") }} else buckets.day_on
                end as date
            ) as counts_from_on,
            buckets.bucket_points,
            buckets.event_count
        from buckets
        inner join contacts on buckets.contact_id = contacts.contact_id
    )

select *
from final
