{#
    One row per live HubSpot contact record, and one per person who is not in HubSpot and is to be (contact_sync_targets says who).
#}
with
    targets as ({{ contact_sync_targets("hubspot", creates=true) }}),

    people as (select * from {{ ref("int_contact_activation") }}),

    final as (
        select
            targets.sync_key,
            targets.record_id,
            people.contact_id,
            people.email,
            people.first_name,
            people.last_name,
            people.job_title,
            {{ is_withheld("people.is_opted_out", "targets.record_id") }} as is_opted_out,
            people.lead_score,
            people.fit_score,
            people.engagement_score,
            people.lead_grade,
            people.lead_stage,
            people.lead_stage_since,
            people.reason_1,
            people.reason_2,
            people.reason_3,
            people.account_grade,
            people.account_missing_roles
        from targets
        inner join people on targets.contact_id = people.contact_id
    )

select *
from final
