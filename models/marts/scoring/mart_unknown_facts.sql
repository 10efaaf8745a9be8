-- What is not known and would change the score: of a contact, of its company, and everything of a company that a
-- contact
-- does not have.
with
    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),
    accounts as (select account_id from {{ ref("dim_accounts") }}),
    attribute_ranges as (select * from {{ ref("int_fit_attribute_ranges") }}),
    contact_facts as ({{ known_fit_facts("contact") }}),
    account_facts as ({{ known_fit_facts("account") }}),

    asked as (
        select
            'contact' as entity_type,
            contacts.contact_id as entity_id,
            contacts.account_id,
            attribute_ranges.entity as about,
            attribute_ranges.attribute,
            attribute_ranges.lo_points - attribute_ranges.absence_points as lo_points,
            attribute_ranges.hi_points - attribute_ranges.absence_points as hi_points
        from contacts
        inner join
            attribute_ranges
            on attribute_ranges.entity = 'contact'
            or (attribute_ranges.entity = 'account' and contacts.account_id is null)

        union all

        select
            'account' as entity_type,
            accounts.account_id as entity_id,
            accounts.account_id,
            attribute_ranges.entity as about,
            attribute_ranges.attribute,
            attribute_ranges.lo_points - attribute_ranges.absence_points as lo_points,
            attribute_ranges.hi_points - attribute_ranges.absence_points as hi_points
        from accounts
        inner join attribute_ranges on attribute_ranges.entity = 'account'
    ),

    known as (
        select 'contact' as entity_type, contact_id as entity_id, attribute
        from contact_facts
        union all
        select 'account' as entity_type, account_id as entity_id, attribute
        from account_facts
    ),

    final as (
        select
            {{ hash_key(["asked.entity_type", "asked.entity_id", "asked.about", "asked.attribute"]) }}
            as unknown_fact_id,
            asked.entity_type,
            asked.entity_id,
            asked.account_id,
            asked.about,
            asked.attribute,
            cast(asked.lo_points as decimal(18, 6)) as lo_points,
            cast(asked.hi_points as decimal(18, 6)) as hi_points
        from asked
        -- What a contact's fact is called must not be taken for its company's.
        left join
            known
            on asked.entity_type = known.entity_type
            and asked.about = known.entity_type
            and asked.entity_id = known.entity_id
            and asked.attribute = known.attribute
        where known.entity_id is null and (asked.lo_points != 0 or asked.hi_points != 0)
    )

select *
from final
