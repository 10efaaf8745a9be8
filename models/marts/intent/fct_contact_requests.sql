with
    forms as (
        select *
        from {{ ref("fct_touches") }}
        where
            touch_type = 'form_submission'
            and contact_id is not null
            and not coalesce(is_machine, false)
            and touch_at <= {{ as_of() }}
    ),
    answers as (select * from {{ ref("int_stated_values") }} where source_kind = 'form_answer'),
    request_groups as (select * from {{ ref("request_groups") }}),

    rules as (
        select priority, rule_id, form_kinds, answer_field as field, answer_pattern as value_pattern
        from request_groups
        where answer_field is not null
    ),

    matches as ({{ first_rules("rules", "answers", ["form_kinds", "field"], ["field"]) }}),

    candidates as (
        select forms.touch_id, request_groups.rule_id, request_groups.priority
        from forms
        inner join
            request_groups
            on request_groups.answer_field is null
            and {{ in_list("forms.signal_detail", "request_groups.form_kinds") }}

        union all

        select forms.touch_id, request_groups.rule_id, request_groups.priority
        from forms
        inner join answers on forms.source = answers.source and forms.source_record_id = answers.source_record_id
        inner join matches on answers.field = matches.field and answers.value_key = matches.value_key
        inner join request_groups on matches.rule_id = request_groups.rule_id
        where {{ in_list("forms.signal_detail", "request_groups.form_kinds") }}
    ),

    first_rule as (select touch_id, min(priority) as priority from candidates group by touch_id),

    final as (
        select
            forms.touch_id as request_id,
            forms.contact_id,
            forms.account_id,
            forms.touch_at as requested_at,
            forms.signal_detail as form_kind,
            request_groups.request_group,
            request_groups.rule_id,
            request_groups.reason_en as reason,
            request_groups.reason_pt,
            forms.source,
            forms.source_record_id,
            row_number() over (partition by forms.contact_id order by forms.touch_at desc, forms.touch_id desc)
            = 1 as is_latest
        from forms
        inner join first_rule on forms.touch_id = first_rule.touch_id
        inner join request_groups on first_rule.priority = request_groups.priority
    )

select *
from final
