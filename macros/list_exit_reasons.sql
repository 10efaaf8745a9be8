{#
    A query: why each of the given people is no longer on the given list (list_name, contact_id, exit_code, reason, reason_pt),
    by the first rule of list_exit_reasons.csv that holds for what is known of them now.

    leavers: name of a relation with list_name and contact_id.
#}
{% macro list_exit_reasons(leavers) -%}
    select list_name, contact_id, exit_code, reason, reason_pt
    from
        (
            select
                leavers.list_name,
                leavers.contact_id,
                rules.exit_code,
                {{ fill_list_reason("rules.reason_en", "leavers") }} as reason,
                {{ fill_list_reason("rules.reason_pt", "leavers") }} as reason_pt,
                row_number() over (partition by leavers.list_name, leavers.contact_id order by rules.priority) as turn
            from
                (
                    select
                        {{ leavers }}.list_name,
                        {{ leavers }}.contact_id,
                        facts.contact_id is null as is_gone,
                        coalesce(facts.is_opted_out, false) as is_opted_out,
                        facts.exclusion_reason is not null as is_excluded,
                        facts.contact_id is not null
                        and coalesce(facts.hubspot_record_id, facts.salesforce_record_id) is null as is_not_in_crm,
                        facts.stage,
                        facts.grade,
                        facts.fit_score,
                        facts.engagement_score,
                        {{ days_between("facts.stage_since", as_of()) }} as days_in_stage,
                        routing.route
                    from {{ leavers }}
                    left join {{ ref("int_lead_facts") }} as facts on {{ leavers }}.contact_id = facts.contact_id
                    left join
                        {{ ref("fct_routing") }} as routing
                        on {{ leavers }}.contact_id = routing.contact_id
                        and routing.is_current
                ) as leavers
            inner join
                {{ ref("list_exit_reasons") }} as rules
                on {{
                    conditions_hold(
                        "rules",
                        lists={
                            "lists": "leavers.list_name",
                            "stages": "leavers.stage",
                            "routes": "leavers.route",
                            "grades": "leavers.grade",
                        },
                    )
                }}
                and case
                    rules.fact
                    when 'gone'
                    then leavers.is_gone
                    when 'opted_out'
                    then leavers.is_opted_out
                    when 'excluded'
                    then leavers.is_excluded
                    when 'not_in_crm'
                    then leavers.is_not_in_crm
                    else true
                end
        ) as ranked
    where turn = 1
{%- endmacro %}
