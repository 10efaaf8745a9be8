{#
    A touch of a journey may be several touches close together (int_touch_runs): a visit, and the download in it. What they
    have to do with shares the credit equally; where none of them names a content, the first one's type has it.
#}
with
    credits as (select * from {{ ref("int_conversion_credits") }}),
    touches as (select * from {{ ref("int_touch_runs") }}),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    contents as (
        select run_touch_id, touch_type, content, min(touch_at) as touch_at
        from touches
        where content is not null
        group by run_touch_id, touch_type, content
    ),

    -- Touches after the conversion never count, be they in a run that began before it.
    shared as (
        select
            credits.model,
            credits.conversion_kind,
            credits.month_on,
            credits.credit,
            credits.credited_revenue,
            case
                when credits.touch_id is null then 'unattributed' else coalesce(contents.content, '(none)')
            end as content,
            case
                when credits.touch_id is null
                then 'unattributed'
                else coalesce(contents.touch_type, first_touches.touch_type)
            end as touch_type,
            count(*) over (partition by credits.conversion_id, credits.model, credits.touch_id) as parts,
            row_number() over (
                partition by credits.conversion_id, credits.model, credits.touch_id
                order by contents.touch_at, contents.touch_type, contents.content
            ) as part
        from credits
        left join touches as first_touches on credits.touch_id = first_touches.touch_id
        left join contents on credits.touch_id = contents.run_touch_id and credits.conversion_at >= contents.touch_at
    ),

    -- What rounding leaves over goes to the last part.
    split as (
        select
            model,
            conversion_kind,
            month_on,
            content,
            touch_type,
            case
                when part < parts
                then cast(cast(credit as double) / parts as decimal(18, 12))
                else credit - cast(cast(credit as double) / parts as decimal(18, 12)) * (parts - 1)
            end as credit,
            case
                when part < parts
                then cast(cast(credited_revenue as double) / parts as decimal(18, 2))
                else credited_revenue - cast(cast(credited_revenue as double) / parts as decimal(18, 2)) * (parts - 1)
            end as credited_revenue
        from shared
    ),

    summed as (
        select
            model,
            conversion_kind,
            month_on,
            content,
            touch_type,
            cast(sum(credit) as decimal(18, 6)) as conversions,
            cast(sum(credited_revenue) as decimal(18, 2)) as revenue
        from split
        group by model, conversion_kind, month_on, content, touch_type
    ),

    final as (
        select
            summed.model,
            summed.conversion_kind,
            summed.month_on,
            summed.content,
            summed.touch_type,
            summed.conversions,
            summed.revenue,
            currencies.currency
        from summed
        cross join currencies
    )

select *
from final
