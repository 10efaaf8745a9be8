-- What the first page of a visit says about where it came from. A referrer on our own site says nothing.
with
    landings as (select * from {{ ref("int_page_events") }} where is_landing),

    hosts as (
        select
            session_id,
            page_path,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind,
            {{ url_host("page_url") }} as page_host,
            {{ url_host("referrer") }} as referrer_host
        from landings
    ),

    external as (
        select
            session_id,
            page_path as landing_path,
            page_host,
            case when referrer_host is distinct from page_host then referrer_host end as referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind
        from hosts
    ),

    final as (
        select
            session_id,
            {{ hash_key(["utm_source", "utm_medium", "utm_campaign", "referrer_host", "click_id_kind"]) }}
            as traffic_key,
            landing_path,
            page_host,
            referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind
        from external
    )

select *
from final
