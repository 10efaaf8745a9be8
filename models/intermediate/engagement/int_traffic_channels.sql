-- Channel of every distinct combination of what a landing, or an event without a visit (a fair, a mailing), says: the
-- first rule of seeds/channel_rules.csv that holds.
with
    landings as (select * from {{ ref("int_session_landings") }}),

    tagged_events as (
        select *
        from {{ ref("int_events") }}
        where event_type = 'track' and coalesce(utm_source, utm_medium, utm_campaign) is not null
    ),

    -- Empty is any, whether an engine reads it from the CSV as null or as an empty text.
    channel_rules as (
        select
            priority,
            channel,
            nullif(source_category, '') as source_category,
            nullif(source_pattern, '') as source_pattern,
            nullif(medium_pattern, '') as medium_pattern,
            nullif(campaign_pattern, '') as campaign_pattern,
            nullif(referrer_category, '') as referrer_category,
            nullif(click_id_pattern, '') as click_id_pattern,
            nullif(needs, '') as needs
        from {{ ref("channel_rules") }}
    ),

    traffic_sources as (select * from {{ ref("traffic_sources") }}),

    tags as (
        select distinct
            utm_source, utm_medium, utm_campaign, cast(null as {{ dbt.type_string() }}) as referrer_host, click_id_kind
        from tagged_events
    ),

    combinations as (
        select
            traffic_key,
            utm_source as source,
            utm_medium as medium,
            lower(utm_campaign) as campaign,
            referrer_host,
            click_id_kind
        from landings
        union
        select
            {{ hash_key(["utm_source", "utm_medium", "utm_campaign", "referrer_host", "click_id_kind"]) }}
            as traffic_key,
            utm_source as source,
            utm_medium as medium,
            lower(utm_campaign) as campaign,
            referrer_host,
            click_id_kind
        from tags
    ),

    names as (
        select source as name
        from combinations
        where source is not null
        union
        select referrer_host as name
        from combinations
        where referrer_host is not null
    ),

    categorised_names as (
        select
            names.name,
            traffic_sources.source_category,
            row_number() over (partition by names.name order by traffic_sources.priority) as choice
        from names
        inner join traffic_sources on {{ matches("names.name", "traffic_sources.source_pattern") }}
    ),

    combinations_with_categories as (
        select combinations.*, source_names.source_category, referrer_names.source_category as referrer_category
        from combinations
        left join
            categorised_names as source_names on combinations.source = source_names.name and source_names.choice = 1
        left join
            categorised_names as referrer_names
            on combinations.referrer_host = referrer_names.name
            and referrer_names.choice = 1
    ),

    matched as (
        select
            combinations_with_categories.traffic_key,
            combinations_with_categories.source_category,
            combinations_with_categories.referrer_category,
            channel_rules.channel,
            channel_rules.priority,
            row_number() over (
                partition by combinations_with_categories.traffic_key order by channel_rules.priority
            ) as choice
        from combinations_with_categories
        inner join
            channel_rules
            on (
                channel_rules.source_category is null
                or channel_rules.source_category = combinations_with_categories.source_category
            )
            and (
                channel_rules.referrer_category is null
                or channel_rules.referrer_category = combinations_with_categories.referrer_category
            )
            and (
                channel_rules.source_pattern is null
                or {{ matches("coalesce(combinations_with_categories.source, '')", "channel_rules.source_pattern") }}
            )
            and (
                channel_rules.medium_pattern is null
                or {{ matches("coalesce(combinations_with_categories.medium, '')", "channel_rules.medium_pattern") }}
            )
            and (
                channel_rules.campaign_pattern is null
                or {{ matches("coalesce(combinations_with_categories.campaign, '')", "channel_rules.campaign_pattern") }}
            )
            and (
                channel_rules.click_id_pattern is null
                or {{
                    matches(
                        "coalesce(combinations_with_categories.click_id_kind, '')", "channel_rules.click_id_pattern"
                    )
                }}
            )
            and (
                channel_rules.needs is null
                or (channel_rules.needs = 'no_medium' and combinations_with_categories.medium is null)
                or (
                    channel_rules.needs in ('no_utm', 'other_referrer', 'nothing')
                    and coalesce(
                        combinations_with_categories.source,
                        combinations_with_categories.medium,
                        combinations_with_categories.campaign
                    )
                    is null
                    and (
                        channel_rules.needs = 'no_utm'
                        or (
                            channel_rules.needs = 'other_referrer'
                            and combinations_with_categories.referrer_host is not null
                        )
                        or (
                            channel_rules.needs = 'nothing'
                            and coalesce(
                                combinations_with_categories.referrer_host, combinations_with_categories.click_id_kind
                            )
                            is null
                        )
                    )
                )
            )
    ),

    final as (
        select traffic_key, channel, priority as rule_priority, source_category, referrer_category
        from matched
        where choice = 1
    )

select *
from final
