-- Grain: attributable touch of a known contact. Touches of one contact, channel and campaign, each within
-- `collapse_minutes` of the one before, are one touch of a journey: that of the first of them.
with
    touches as (select * from {{ ref("fct_touches") }} where contact_id is not null and is_attributable),

    settings as (select cast({{ setting("collapse_minutes", "attribution_settings") }} as double) as collapse_minutes),

    followed as (
        select
            touch_id,
            contact_id,
            account_id,
            touch_at,
            touch_type,
            coalesce(channel, 'unassigned') as channel,
            campaign,
            content,
            lag(touch_at) over (
                partition by contact_id, coalesce(channel, 'unassigned'), coalesce(campaign, '')
                order by touch_at, touch_id
            ) as previous_at
        from touches
    ),

    marked as (
        select
            followed.*,
            case
                when
                    followed.previous_at is null
                    or settings.collapse_minutes = 0
                    or {{ seconds_between("followed.previous_at", "followed.touch_at") }}
                    > settings.collapse_minutes * 60
                then 1
                else 0
            end as starts_run
        from followed
        cross join settings
    ),

    final as (
        select
            touch_id,
            {{ last_known("case when starts_run = 1 then touch_id end") }} over (
                partition by contact_id, channel, coalesce(campaign, '')
                order by touch_at, touch_id
                rows between unbounded preceding and current row
            ) as run_touch_id,
            starts_run = 1 as is_run_start,
            contact_id,
            account_id,
            touch_at,
            touch_type,
            channel,
            campaign,
            content
        from marked
    )

select *
from final
