-- Counts add up: over the values and contents of one attribute to every objection there is.
with
    objections as (select * from {{ ref("int_objections") }}),

    profiles as (select * from {{ ref("int_profiles") }}),

    attributes as (select * from {{ ref("profile_attributes") }} where entity = 'contact' and in_objections),

    profiled as (
        select
            objections.objection_id,
            objections.objection_kind,
            objections.reason,
            objections.content,
            objections.amount_reporting,
            attributes.attribute,
            -- A deal without a person on it has its company's profile.
            coalesce(contact_profiles.value, account_profiles.value, 'unknown') as value
        from objections
        cross join attributes
        left join
            profiles as contact_profiles
            on contact_profiles.entity = 'contact'
            and objections.contact_id = contact_profiles.entity_id
            and attributes.attribute = contact_profiles.attribute
        left join
            profiles as account_profiles
            on account_profiles.entity = 'account'
            and objections.account_id = account_profiles.entity_id
            and attributes.attribute = account_profiles.attribute
    ),

    counted as (
        select
            objection_kind,
            reason,
            attribute,
            value,
            content,
            count(*) as objections,
            sum(amount_reporting) as amount_lost
        from profiled
        group by objection_kind, reason, attribute, value, content
    ),

    totals as (
        select
            counted.*,
            sum(objections) over (partition by objection_kind, attribute, value, reason) as profile_reason_objections,
            sum(objections) over (partition by objection_kind, attribute, value) as profile_objections,
            sum(objections) over (partition by objection_kind, attribute, reason) as reason_objections,
            sum(objections) over (partition by objection_kind, attribute) as all_objections
        from counted
    ),

    currency as (select currency from {{ ref("reporting_currency") }}),

    final as (
        select
            {{
                hash_key(
                    ["totals.objection_kind", "totals.reason", "totals.attribute", "totals.value", "totals.content"]
                )
            }} as objection_cell_id,
            totals.objection_kind,
            totals.reason,
            totals.attribute,
            totals.value,
            totals.content,
            cast(totals.objections as bigint) as objections,
            cast(totals.amount_lost as decimal(18, 2)) as amount_lost,
            currency.currency,
            cast(totals.profile_reason_objections as bigint) as profile_reason_objections,
            cast(totals.profile_objections as bigint) as profile_objections,
            cast(totals.reason_objections as bigint) as reason_objections,
            cast(totals.all_objections as bigint) as all_objections,
            cast(
                100.0 * totals.profile_reason_objections / totals.profile_objections as decimal(7, 3)
            ) as profile_share_pct,
            cast(100.0 * totals.reason_objections / totals.all_objections as decimal(7, 3)) as overall_share_pct,
            cast(
                cast(totals.profile_reason_objections as double)
                * totals.all_objections
                / (cast(totals.reason_objections as double) * totals.profile_objections) as decimal(12, 4)
            ) as lift,
            cast(
                {{
                    lift_interval(
                        "totals.profile_reason_objections",
                        "totals.reason_objections",
                        "totals.profile_objections",
                        "totals.all_objections",
                        "lo",
                    )
                }} as decimal(12, 4)
            ) as lift_lo,
            cast(
                {{
                    lift_interval(
                        "totals.profile_reason_objections",
                        "totals.reason_objections",
                        "totals.profile_objections",
                        "totals.all_objections",
                        "hi",
                    )
                }} as decimal(12, 4)
            ) as lift_hi,
            totals.profile_objections >= {{ setting("objection_min_n", "outcome_settings") }}
            and totals.reason_objections >= {{ setting("objection_min_n", "outcome_settings") }} as is_enough
        from totals
        cross join currency
    )

select *
from final
