-- What is claimed beside what was measured here. Odds ratios compare the response bucket that the claim's minutes end
-- in
-- with the one that its other minutes end in; nothing is measured where either holds too few requests.
with
    claims as (select * from {{ ref("vendor_claims") }}),

    curve as (select * from {{ ref("mart_response_curve") }} where request_group = 'all'),

    placed as (
        select
            claims.*,
            one.requests as one_requests,
            one.contact_rate as one_contact_rate,
            one.contact_lo as one_lo,
            one.contact_hi as one_hi,
            one.contacted as one_contacted,
            one.qualified as one_qualified,
            one.is_enough as one_is_enough,
            other.requests as other_requests,
            other.contacted as other_contacted,
            other.qualified as other_qualified,
            other.is_enough as other_is_enough
        from claims
        left join
            curve as one
            on claims.minutes > one.from_minutes
            and (one.to_minutes is null or claims.minutes <= one.to_minutes)
        left join
            curve as other
            on claims.other_minutes > other.from_minutes
            and (other.to_minutes is null or claims.other_minutes <= other.to_minutes)
    ),

    counted as (
        select
            *,
            case
                measure when 'contact_odds_ratio' then one_contacted when 'qualify_odds_ratio' then one_qualified
            end as one_yes,
            case
                measure when 'contact_odds_ratio' then other_contacted when 'qualify_odds_ratio' then other_qualified
            end as other_yes
        from placed
    ),

    final as (
        select
            claim_id,
            topic,
            claim,
            source,
            status,
            measure,
            claimed_value,
            -- A half is added to each cell (Haldane), so that a bucket without a miss still has odds.
            cast(
                case
                    when measure in ('contact_odds_ratio', 'qualify_odds_ratio') and one_is_enough and other_is_enough
                    then
                        ((one_yes + 0.5) / (one_requests - one_yes + 0.5))
                        / ((other_yes + 0.5) / (other_requests - other_yes + 0.5))
                    when measure = 'contact_rate' and one_is_enough
                    then one_contact_rate
                end as decimal(18, 4)
            ) as measured_value,
            cast(case when measure = 'contact_rate' and one_is_enough then one_lo end as decimal(9, 6)) as measured_lo,
            cast(case when measure = 'contact_rate' and one_is_enough then one_hi end as decimal(9, 6)) as measured_hi,
            cast(one_requests as bigint) as requests,
            cast(other_requests as bigint) as other_requests,
            case
                when measure = 'none'
                then 'cannot be measured: no data on competitors'
                when
                    not coalesce(one_is_enough, false)
                    or (other_minutes is not null and not coalesce(other_is_enough, false))
                then 'too few requests of our own'
                else 'measured'
            end as verdict
        from counted
    )

select *
from final
