-- Everybody who may stand on a list: a live record in a CRM, not opted out, not excluded; with what lists ask about
-- them.
with
    facts as (select * from {{ ref("int_lead_facts") }}),

    gate as (select contact_id, segment, passed from {{ ref("fct_handoff_gate") }}),

    routing as (select contact_id, route, owner_id from {{ ref("fct_routing") }} where is_current),

    colleagues as (select * from {{ ref("int_engaged_colleagues") }}),

    final as (
        select
            facts.hubspot_record_id as record_id,
            facts.salesforce_record_id,
            facts.salesforce_object,
            facts.contact_id,
            facts.account_id,
            facts.account_name,
            facts.country,
            gate.segment,
            case when gate.passed then 'passed' else 'held' end as gate,
            routing.route,
            routing.owner_id,
            facts.has_email,
            facts.has_phone,
            facts.stage,
            facts.stage_since,
            {{ days_between("facts.stage_since", as_of()) }} as days_in_stage,
            facts.grade,
            facts.fit_band,
            facts.fit_score,
            facts.engagement_score,
            facts.score,
            facts.open_request_group as request_group,
            facts.latest_request_kind,
            facts.latest_request_at,
            coalesce(colleagues.engaged_colleagues, 0) as engaged_colleagues,
            colleagues.colleagues,
            facts.missing_roles,
            facts.is_opted_out
        from facts
        inner join gate on facts.contact_id = gate.contact_id
        inner join routing on facts.contact_id = routing.contact_id
        left join colleagues on facts.contact_id = colleagues.contact_id
        where
            coalesce(facts.hubspot_record_id, facts.salesforce_record_id) is not null
            and not facts.is_opted_out
            and facts.exclusion_reason is null
    )

select *
from final
