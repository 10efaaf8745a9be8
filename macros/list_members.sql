{#
    A query: the members of a smart list that is a row of list_rules.csv, with the context a salesperson needs (R43). Nobody
    is on a list who opted out, is excluded, or has no live record in a CRM.

    list_name: name of the list's model, which is its key in list_rules.csv.
#}
{% macro list_members(list_name) -%}
    with
        people as (select * from {{ ref("int_list_people") }}),

        rules as (select * from {{ ref("list_rules") }} where list_name = '{{ list_name }}'),

        final as (
            select
                people.record_id,
                people.salesforce_record_id,
                people.contact_id,
                people.account_id,
                {{ fill_list_reason("rules.reason_en", "people") }} as reason,
                {{ fill_list_reason("rules.reason_pt", "people") }} as reason_pt,
                {{ list_context("people") }}
            from people
            inner join
                rules
                on {{
                    conditions_hold(
                        "rules",
                        lists={
                            "stages": "people.stage",
                            "routes": "people.route",
                            "segments": "people.segment",
                            "countries": "people.country",
                            "request_groups": "people.request_group",
                            "grades": "people.grade",
                            "fit_bands": "people.fit_band",
                            "gate": "people.gate",
                        },
                        at_least={
                            "min_fit_score": "people.fit_score",
                            "min_engagement_score": "people.engagement_score",
                            "min_days_in_stage": "people.days_in_stage",
                        },
                        below={
                            "max_engagement_score": "people.engagement_score",
                            "max_days_in_stage": "people.days_in_stage",
                        },
                    )
                }}
                and case
                    rules.channel when 'email' then people.has_email when 'phone' then people.has_phone else true
                end
        )

    select *
    from final
{%- endmacro %}
