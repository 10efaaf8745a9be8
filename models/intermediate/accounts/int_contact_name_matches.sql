-- What a declared company name says about a contact's account: the one account that bears it in the contact's country,
-- else the one account of the world that does, or why it says nothing.
with
    contact_names as (select * from {{ ref("int_contact_company_names") }}),

    owners as (select * from {{ ref("int_company_name_owners") }}),

    account_names as (select * from {{ ref("int_account_names") }}),

    -- The only account of the world that bears the name, and whether it is known to be elsewhere.
    located as (
        select
            account_id,
            company_key,
            max(case when country is null then 1 else 0 end) as is_unlocated,
            max(country) as country
        from account_names
        group by account_id, company_key
    ),

    judged as (
        select
            contact_names.contact_id,
            contact_names.company_key,
            contact_names.name_raw,
            contact_names.country,
            contact_names.last_seen_at,
            contact_names.is_live,
            case
                when contact_names.is_no_company
                then 'says_no_company'
                when everywhere.company_key is null
                then 'unknown_name'
                when
                    length(contact_names.company_key)
                    < {{ setting("name_country_min_characters", "account_match_settings") }}
                then 'short_name'
                when in_country.account_count = 1
                then 'name_country'
                when in_country.account_count > 1 or everywhere.account_count > 1
                then 'ambiguous_name'
                when contact_names.country is not null and located.is_unlocated = 0
                then 'other_country'
                when
                    length(contact_names.company_key)
                    < {{ setting("name_only_min_characters", "account_match_settings") }}
                then 'short_name'
                else 'name_only'
            end as outcome,
            in_country.account_id as account_in_country,
            everywhere.account_id as account_anywhere,
            coalesce(in_country.account_count, everywhere.account_count, 0) as account_count
        from contact_names
        left join
            owners as everywhere on contact_names.company_key = everywhere.company_key and everywhere.country = '*'
        left join
            owners as in_country
            on contact_names.company_key = in_country.company_key
            and contact_names.country = in_country.country
        left join located on everywhere.account_id = located.account_id and everywhere.company_key = located.company_key
    ),

    final as (
        select
            contact_id,
            company_key,
            name_raw,
            country,
            last_seen_at,
            is_live,
            outcome,
            case
                outcome when 'name_country' then account_in_country when 'name_only' then account_anywhere
            end as account_id,
            account_count
        from judged
    )

select *
from final
