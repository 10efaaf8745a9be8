-- What is known of people and companies in values that can be counted: bands instead of numbers, sections instead of
-- activity codes. Only facts from before any outcome: nothing here follows from a deal.
with
    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),

    accounts as (select account_id, activity_code, activity_code_system from {{ ref("dim_accounts") }}),

    contact_facts as (select * from {{ ref("int_contact_fit_facts") }}),

    account_facts as (select * from {{ ref("int_account_fit_facts") }}),

    clean_codes as (select * from {{ ref("int_clean_activity_codes") }} where section is not null),

    bands as (select * from {{ ref("outcome_bands") }}),

    touches as (
        select contact_id, account_id, touch_at, channel
        from {{ ref("fct_touches") }}
        where is_attributable and channel is not null
    ),

    -- Numbers are few: each is put into its band once.
    numbers as (
        select distinct attribute, value from account_facts where attribute in ('employee_count', 'annual_revenue')
    ),

    banded as (
        select numbers.attribute, numbers.value, bands.band
        from numbers
        inner join bands on numbers.attribute = bands.measure and {{ in_band(to_decimal("numbers.value", 2), "bands") }}
    ),

    account_firsts as (select account_id, min(touch_at) as first_at from touches group by account_id),

    account_channels as (
        select touches.account_id, min(touches.channel) as first_channel
        from touches
        inner join
            account_firsts
            on touches.account_id = account_firsts.account_id
            and touches.touch_at = account_firsts.first_at
        group by touches.account_id
    ),

    contact_firsts as (select contact_id, min(touch_at) as first_at from touches group by contact_id),

    contact_channels as (
        select touches.contact_id, min(touches.channel) as first_channel
        from touches
        inner join
            contact_firsts
            on touches.contact_id = contact_firsts.contact_id
            and touches.touch_at = contact_firsts.first_at
        group by touches.contact_id
    ),

    account_profiles as (
        select account_facts.account_id, 'country' as attribute, account_facts.value
        from account_facts
        where account_facts.attribute = 'country'

        union all

        select
            account_facts.account_id,
            case when account_facts.attribute = 'employee_count' then 'size_band' else 'revenue_band' end as attribute,
            banded.band as value
        from account_facts
        inner join banded on account_facts.attribute = banded.attribute and account_facts.value = banded.value

        union all

        select accounts.account_id, 'industry_section' as attribute, clean_codes.section as value
        from accounts
        inner join
            clean_codes
            on accounts.activity_code = clean_codes.code_raw
            and coalesce(accounts.activity_code_system, '') = clean_codes.system_raw

        union all

        select account_id, 'first_channel' as attribute, first_channel as value
        from account_channels
    ),

    contact_profiles as (
        select contact_id, attribute, value
        from contact_facts
        where attribute in ('buying_role', 'seniority', 'country', 'language', 'capture_method', 'email_domain_kind')

        union all

        select contact_id, 'first_channel' as attribute, first_channel as value
        from contact_channels

        union all

        -- What a company is tells of its people too.
        select contacts.contact_id, account_profiles.attribute, account_profiles.value
        from contacts
        inner join account_profiles on contacts.account_id = account_profiles.account_id
        where account_profiles.attribute in ('industry_section', 'size_band', 'revenue_band')
    ),

    final as (
        select 'account' as entity, account_id as entity_id, attribute, value
        from account_profiles
        where account_id is not null

        union all

        select 'contact' as entity, contact_id as entity_id, attribute, value
        from contact_profiles
        where contact_id is not null
    )

select *
from final
