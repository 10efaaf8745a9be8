-- Touches and page views of known contacts in one shape: everything a signal can be. A view, so that whoever reads it
-- can
-- restrict it to days or to one contact before it is matched with signals.
{{ config(materialized="view") }}

with
    touches as (select * from {{ ref("fct_touches") }} where contact_id is not null),

    page_views as (select * from {{ ref("int_page_views") }} where contact_id is not null),

    final as (
        select
            contact_id,
            touch_at as event_at,
            cast(touch_at as date) as day_on,
            touch_type,
            lower(signal_detail) as signal_detail,
            lower(channel) as channel,
            lower(campaign) as campaign,
            case when is_inbound then 'inbound' else 'outbound' end as direction,
            coalesce(is_machine, false) as is_machine,
            dwell_seconds
        from touches

        union all

        select
            contact_id,
            event_at,
            cast(event_at as date) as day_on,
            'page_view' as touch_type,
            lower(page_kind) as signal_detail,
            cast(null as {{ dbt.type_string() }}) as channel,
            cast(null as {{ dbt.type_string() }}) as campaign,
            'inbound' as direction,
            false as is_machine,
            dwell_seconds
        from page_views
    )

select *
from final
