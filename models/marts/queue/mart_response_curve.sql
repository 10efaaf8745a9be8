-- Rates of the company's own requests by how long they waited (R45-R46), for all of them and by request group.
with
    responses as (select * from {{ ref("int_request_responses") }} where seconds_to_first is not null and is_mature),

    buckets as (select * from {{ ref("response_buckets") }}),

    groups as (
        select 'all' as request_group
        union all
        select distinct request_group
        from {{ ref("request_groups") }}
    ),

    bucketed as (
        select
            buckets.bucket,
            responses.request_group,
            case when responses.outcome in ('contacted', 'not_reached') then 1 else 0 end as judged,
            case when responses.outcome = 'contacted' then 1 else 0 end as contacted,
            case
                when responses.outcome in ('contacted', 'not_reached') and responses.qualified_at is not null
                then 1
                else 0
            end as qualified,
            case when responses.outcome = 'given_up' then 1 else 0 end as given_up
        from responses
        inner join
            buckets
            on responses.seconds_to_first >= buckets.from_minutes * 60
            and (buckets.to_minutes is null or responses.seconds_to_first < buckets.to_minutes * 60)
    ),

    both_ways as (
        select bucket, 'all' as request_group, judged, contacted, qualified, given_up
        from bucketed
        union all
        select bucket, request_group, judged, contacted, qualified, given_up
        from bucketed
        where request_group is not null
    ),

    counted as (
        select
            bucket,
            request_group,
            sum(judged) as requests,
            sum(contacted) as contacted,
            sum(qualified) as qualified,
            sum(given_up) as censored
        from both_ways
        group by bucket, request_group
    ),

    final as (
        select
            groups.request_group,
            buckets.bucket,
            buckets.label_en,
            buckets.label_pt,
            buckets.from_minutes,
            buckets.to_minutes,
            cast(coalesce(counted.requests, 0) as bigint) as requests,
            cast(coalesce(counted.contacted, 0) as bigint) as contacted,
            cast(coalesce(counted.qualified, 0) as bigint) as qualified,
            cast(coalesce(counted.censored, 0) as bigint) as censored,
            {% for rate, successes in [("contact_", "contacted"), ("qualify_", "qualified")] %}
                cast(
                    counted.{{ successes }} / nullif(cast(counted.requests as double), 0) as decimal(9, 6)
                ) as {{ rate }}rate,
                {% for bound in ["lo", "hi"] %}
                    cast(
                        {{ wilson_interval("counted." ~ successes, "counted.requests", bound) }} as decimal(9, 6)
                    ) as {{ rate }}{{ bound }},
                {% endfor %}
            {% endfor %}
            coalesce(counted.requests, 0) >= {{ setting("queue_min_n", "queue_settings") }} as is_enough
        from groups
        cross join buckets
        left join counted on groups.request_group = counted.request_group and buckets.bucket = counted.bucket
    )

select *
from final
