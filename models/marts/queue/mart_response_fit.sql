{#
    The curve rate(h) = floor + span * 2^(-h / half-life) that makes what happened to the company's own requests most likely,
    h being the hours from request to first attempt: a search over a grid (queue_settings.csv), so that it is plain SQL and
    repeatable. Intervals: the values of those curves whose likelihood lies within 1.92 of the best one (profile
    likelihood, 95 % of the chi-square with one degree of freedom).
-#}
{#- Half of what a chi-square of one degree of freedom exceeds 1 time in 20. -#}
{%- set half_chi_square = 1.92 -%}
{%- set most_steps = 128 -%}
{%- set n = "cast(" ~ setting("response_fit_half_life_steps", "queue_settings") ~ " as double)" -%}
{%- set lowest = "cast(" ~ setting("response_fit_half_life_min", "queue_settings") ~ " as double)" -%}
{%- set highest = "cast(" ~ setting("response_fit_half_life_max", "queue_settings") ~ " as double)" -%}
{%- set rate_steps = "cast(" ~ setting("response_fit_rate_steps", "queue_settings") ~ " as double)" -%}

with
    responses as (
        select *
        from {{ ref("int_request_responses") }}
        where
            outcome in ('contacted', 'not_reached')
            and seconds_to_first <= {{ setting("response_fit_max_hours", "queue_settings") }} * 3600
    ),

    numbers as ({{ dbt.generate_series(most_steps) }}),

    bins as (
        select
            floor(
                seconds_to_first / cast({{ setting("response_fit_bin_minutes", "queue_settings") }} * 60 as double)
            ) as bin,
            count(*) as requests,
            sum(case when outcome = 'contacted' then 1 else 0 end) as contacted,
            sum(cast(seconds_to_first as decimal(18, 0))) / cast(count(*) as double) / 3600 as hours
        from responses
        group by 1
    ),

    half_lives as (
        select
            generated_number as step,
            {{ lowest }}
            * power({{ highest }} / {{ lowest }}, (generated_number - 1) / greatest({{ n }} - 1, 1)) as half_life
        from numbers
        where generated_number <= {{ n }}
    ),

    -- Both rates lie strictly between 0 and 1, so that no outcome is impossible.
    rates as (
        select
            floors.generated_number as floor_step,
            tops.generated_number as top_step,
            (floors.generated_number - 0.5) / {{ rate_steps }} as floor_rate,
            (tops.generated_number - floors.generated_number) / {{ rate_steps }} as span
        from numbers as floors
        inner join numbers as tops on tops.generated_number >= floors.generated_number
        where floors.generated_number <= {{ rate_steps }} and tops.generated_number <= {{ rate_steps }}
    ),

    fading as (
        select
            half_lives.step,
            half_lives.half_life,
            bins.contacted,
            bins.requests - bins.contacted as missed,
            power(cast(2 as double), - bins.hours / half_lives.half_life) as weight
        from half_lives
        cross join bins
    ),

    likelihoods as (
        select
            fading.step,
            fading.half_life,
            rates.floor_rate,
            rates.span,
            -- Each term a DECIMAL: the best of many candidates must not depend on the order of a sum.
            sum(
                cast(
                    fading.contacted * ln(rates.floor_rate + rates.span * fading.weight)
                    + fading.missed * ln(1 - rates.floor_rate - rates.span * fading.weight) as decimal(18, 6)
                )
            ) as log_likelihood
        from fading
        cross join rates
        group by fading.step, fading.half_life, rates.floor_rate, rates.span
    ),

    ranked as (
        select
            *,
            row_number() over (order by log_likelihood desc, step, floor_rate, span) as place,
            max(log_likelihood) over () as best
        from likelihoods
    ),

    totals as (select coalesce(sum(requests), 0) as requests, coalesce(sum(contacted), 0) as contacted from bins),

    likely as (
        select
            half_life,
            floor_rate,
            span,
            floor_rate + span * power(cast(2 as double), -5 / 60.0 / half_life) as rate_at_5_minutes,
            floor_rate + span * power(cast(2 as double), -8 / half_life) as rate_at_8_hours
        from ranked
        where log_likelihood >= best - {{ half_chi_square }}
    ),

    interval_bounds as (
        select
            min(half_life) as half_life_lo,
            max(half_life) as half_life_hi
            {% for name in ["floor_rate", "span", "rate_at_5_minutes", "rate_at_8_hours"] %}
                ,
                -- A rate of the grid stands for all those nearest to it.
                greatest(min({{ name }}) - 0.5 / {{ rate_steps }}, 0) as {{ name }}_lo,
                least(max({{ name }}) + 0.5 / {{ rate_steps }}, 1) as {{ name }}_hi
            {% endfor %}
        from likely
    ),

    -- The likelihood of one rate for all: does waiting matter at all?
    flat as (
        select
            case
                when contacted > 0 and contacted < requests
                then
                    contacted * ln(contacted / cast(requests as double))
                    + (requests - contacted) * ln((requests - contacted) / cast(requests as double))
                else 0
            end as log_likelihood
        from totals
    ),

    final as (
        select
            cast(totals.requests as bigint) as requests,
            cast(totals.contacted as bigint) as contacted,
            cast(ranked.floor_rate as decimal(9, 6)) as floor_rate,
            cast(ranked.span as decimal(9, 6)) as span,
            cast(ranked.half_life as decimal(12, 4)) as half_life_hours,
            cast(interval_bounds.half_life_lo as decimal(12, 4)) as half_life_lo,
            cast(interval_bounds.half_life_hi as decimal(12, 4)) as half_life_hi,
            cast(
                ranked.floor_rate
                + ranked.span * power(cast(2 as double), -5 / 60.0 / ranked.half_life) as decimal(9, 6)
            ) as rate_at_5_minutes,
            cast(
                ranked.floor_rate + ranked.span * power(cast(2 as double), -8 / ranked.half_life) as decimal(9, 6)
            ) as rate_at_8_hours,
            coalesce(ranked.log_likelihood - flat.log_likelihood > {{ half_chi_square }}, false) as is_falling,
            totals.requests >= {{ setting("queue_min_n", "queue_settings") }} as is_enough
            {% for name in ["floor_rate", "span", "rate_at_5_minutes", "rate_at_8_hours"] %}
                ,
                cast(interval_bounds.{{ name }}_lo as decimal(9, 6)) as {{ name }}_lo,
                cast(interval_bounds.{{ name }}_hi as decimal(9, 6)) as {{ name }}_hi
            {% endfor %}
        from totals
        cross join flat
        left join ranked on ranked.place = 1
        left join interval_bounds on ranked.place = 1
    )

select *
from final
