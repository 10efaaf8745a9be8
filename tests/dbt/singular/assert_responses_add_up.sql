-- Every worked and mature request is in one bucket, judged or censored, and every call in one hour (R45, R48, R60).
with
    responses as (
        select count(*) as responses
        from {{ ref("int_request_responses") }}
        where is_mature and seconds_to_first is not null
    ),

    curve as (
        select coalesce(sum(requests + censored), 0) as bucketed
        from {{ ref("mart_response_curve") }}
        where request_group = 'all'
    ),

    effort as (select coalesce(sum(calls), 0) as calls from {{ ref("mart_wasted_effort") }}),

    hours as (select coalesce(sum(calls), 0) as calls_by_hour from {{ ref("mart_best_hours") }} where weekday != 0)

select responses.responses, curve.bucketed, effort.calls, hours.calls_by_hour
from responses
cross join curve
cross join effort
cross join hours
where responses.responses != curve.bucketed or effort.calls != hours.calls_by_hour
