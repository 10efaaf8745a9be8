-- How many accounts bear a company name, in each country and in all, and which one if it is one.
with
    names as (select * from {{ ref("int_account_names") }}),

    in_world as (
        select
            company_key,
            count(distinct account_id) as account_count,
            min(account_id) as account_id,
            count(distinct case when country is null then account_id end) as unlocated_count,
            count(distinct country) as country_count,
            min(country) as country
        from names
        group by company_key
    ),

    in_country as (
        select company_key, country, count(distinct account_id) as account_count, min(account_id) as account_id
        from names
        where country is not null
        group by company_key, country
    ),

    final as (
        select
            in_country.company_key,
            in_country.country,
            in_country.account_id,
            -- An account that may be anywhere may be here.
            in_country.account_count + in_world.unlocated_count as account_count
        from in_country
        inner join in_world on in_country.company_key = in_world.company_key
        union all
        select company_key, '*' as country, account_id, account_count
        from in_world
    )

select *
from final
