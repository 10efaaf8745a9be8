-- The segment of every contact: the first rule of segment_rules.csv whose conditions all hold.
with
    facts as (select * from {{ ref("int_lead_facts") }}),

    rules as (select * from {{ ref("segment_rules") }}),

    first_rules as (
        select facts.contact_id, min(rules.priority) as priority
        from facts
        inner join
            rules
            on {{
                conditions_hold(
                    "rules",
                    lists={
                        "countries": "facts.country",
                        "languages": "facts.language",
                        "request_groups": "facts.open_request_group",
                        "grades": "facts.grade",
                        "stages": "facts.stage",
                    },
                    at_least={"min_employees": "facts.employee_count", "min_revenue": "facts.annual_revenue"},
                    below={"max_employees": "facts.employee_count", "max_revenue": "facts.annual_revenue"},
                )
            }}
        group by facts.contact_id
    ),

    final as (
        select first_rules.contact_id, rules.segment, rules.priority as rule_priority
        from first_rules
        inner join rules on first_rules.priority = rules.priority
    )

select *
from final
