-- Whether a person may be handed over to sales, why not, and what sales should know of them.
with
    facts as (select * from {{ ref("int_lead_facts") }}),

    segments as (select * from {{ ref("int_contact_segments") }}),

    requirements as (select * from {{ ref("handoff_requirements") }}),

    judged as (
        select
            facts.contact_id,
            requirements.check_order,
            requirements.reason_code,
            case
                requirements.fact
                when 'not_excluded'
                then facts.exclusion_reason is null
                when 'not_opted_out'
                then not facts.is_opted_out
                when 'not_archived'
                then not facts.is_archived_in_crm
                when 'reachable'
                then facts.is_reachable
                when 'email'
                then facts.has_email
                when 'phone'
                then facts.has_phone
                when 'name'
                then facts.has_name
                when 'account'
                then facts.account_id is not null
                when 'country'
                then facts.country is not null
                -- A fact that nobody knows holds everybody back: rules that are not understood are no rules to pass.
                else false
            end as is_met
        from facts
        inner join segments on facts.contact_id = segments.contact_id
        inner join
            requirements
            on {{
                conditions_hold(
                    "requirements",
                    lists={"segments": "segments.segment", "request_groups": "facts.open_request_group"},
                )
            }}
    ),

    failures as (
        select
            contact_id,
            min(check_order) as first_check,
            count(*) as failing_count,
            {{ dbt.listagg("reason_code", "'|'", "order by check_order") }} as failing_codes
        from judged
        where not is_met
        group by contact_id
    ),

    final as (
        select
            facts.contact_id,
            facts.account_id,
            segments.segment,
            failures.contact_id is null as passed,
            requirements.reason_code,
            requirements.reason_en || case
                when requirements.fact = 'not_excluded' and facts.exclusion_reason is not null
                then ': ' || facts.exclusion_reason
                else ''
            end as reason,
            requirements.reason_pt || case
                when requirements.fact = 'not_excluded' and facts.exclusion_reason is not null
                then ': ' || facts.exclusion_reason
                else ''
            end as reason_pt,
            failures.failing_codes,
            coalesce(failures.failing_count, 0) as failing_count,
            facts.stage,
            facts.stage_since,
            facts.score,
            facts.grade,
            facts.reason_1,
            facts.reason_2,
            facts.reason_3,
            facts.reason_1_pt,
            facts.reason_2_pt,
            facts.reason_3_pt,
            facts.request_group,
            facts.latest_request_kind,
            facts.latest_request_at,
            {{ as_of() }} as as_of_at
        from facts
        inner join segments on facts.contact_id = segments.contact_id
        left join failures on facts.contact_id = failures.contact_id
        left join requirements on failures.first_check = requirements.check_order
    )

select *
from final
