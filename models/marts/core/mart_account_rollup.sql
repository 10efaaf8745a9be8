-- Accounts rolled up to the root of their family. `won_amount` is in the family's own currency where all its
-- opportunities bear one, else in the reporting currency (`currency` says which); `won_amount_reporting` adds up across
-- families. The win rate is won over closed.
with
    accounts as (select * from {{ ref("dim_accounts") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }} where account_id is not null),

    reporting_currency as (select currency from {{ ref("reporting_currency") }}),

    family_members as (
        select root_account_id, count(*) as account_count, sum(contact_count) as contact_count
        from accounts
        group by root_account_id
    ),

    totals as (
        select
            accounts.root_account_id,
            case
                when min(opportunities.currency) = max(opportunities.currency) then min(opportunities.currency)
            end as own_currency,
            sum(case when opportunities.stage_kind = 'won' then opportunities.amount end) as won_amount_own,
            sum(
                case when opportunities.stage_kind = 'won' then opportunities.amount_reporting end
            ) as won_amount_reporting,
            sum(
                case when opportunities.stage_kind = 'open' then opportunities.amount_reporting end
            ) as open_amount_reporting,
            sum(case when opportunities.stage_kind = 'won' then 1 else 0 end) as won_count,
            sum(case when opportunities.stage_kind = 'lost' then 1 else 0 end) as lost_count,
            sum(case when opportunities.stage_kind = 'open' then 1 else 0 end) as open_count
        from opportunities
        inner join accounts on opportunities.account_id = accounts.account_id
        group by accounts.root_account_id
    ),

    final as (
        select
            family_members.root_account_id,
            roots.account_name as root_account_name,
            family_members.account_count,
            cast(family_members.contact_count as bigint) as contact_count,
            cast(
                coalesce(
                    case
                        when totals.own_currency is null then totals.won_amount_reporting else totals.won_amount_own
                    end,
                    0
                ) as decimal(18, 2)
            ) as won_amount,
            coalesce(totals.own_currency, (select currency from reporting_currency)) as currency,
            cast(coalesce(totals.won_amount_reporting, 0) as decimal(18, 2)) as won_amount_reporting,
            cast(coalesce(totals.open_amount_reporting, 0) as decimal(18, 2)) as open_amount_reporting,
            (select currency from reporting_currency) as reporting_currency,
            cast(coalesce(totals.won_count, 0) as bigint) as won_count,
            cast(coalesce(totals.lost_count, 0) as bigint) as lost_count,
            cast(coalesce(totals.open_count, 0) as bigint) as open_count,
            case
                when totals.won_count + totals.lost_count > 0
                then cast(totals.won_count * 1.0 / (totals.won_count + totals.lost_count) as decimal(9, 6))
            end as win_rate
        from family_members
        inner join accounts as roots on family_members.root_account_id = roots.account_id
        left join totals on family_members.root_account_id = totals.root_account_id
    )

select *
from final
