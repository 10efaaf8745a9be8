-- Every question of every filled form: was it answered, was the answer known before, could a provider have told it,
-- and does
-- what is known now agree with it (R13, R19).
with
    fills as (select * from {{ ref("int_form_fills") }} where source = 'hubspot_forms'),

    form_questions as (
        select question, kind, nullif(contact_field, '') as contact_field, nullif(account_field, '') as account_field
        from {{ ref("form_questions") }}
    ),

    contact_accounts as (select contact_id, account_id from {{ ref("int_contact_accounts") }}),

    contact_attributes as (
        select * from {{ ref("int_contact_attributes") }} where source not in ('hubspot_forms', 'events')
    ),

    account_attributes as (select * from {{ ref("int_account_attributes") }} where source != 'contact_domain'),

    comparisons as (select * from {{ ref("int_declared_comparisons") }} where declared_source = 'hubspot_forms'),

    form_records as (select record_key, record_id from {{ ref("int_contact_records") }} where source = 'hubspot_forms'),

    rules as (select max(case when rule_id = 'same_form' then value end) as same_form from {{ ref("session_rules") }}),

    -- Asked is what the form has as a field, answered or not, and what was answered though the form has it no longer.
    asked as (
        select fill_id, part as question
        from {{ split_rows("fills", "field_names") }} as fields
        union
        select fill_id, member as question
        from {{ json_members("fills", "answers") }} as members
    ),

    questions as (
        select
            fills.fill_id,
            fills.form_id,
            fills.record_id,
            fills.contact_id,
            contact_accounts.account_id,
            fills.submitted_at,
            asked.question,
            coalesce(form_questions.kind, 'fact') as question_kind,
            form_questions.contact_field,
            form_questions.account_field,
            {{ blank_to_null(json_field("fills.answers", "asked.question")) }} as answer
        from asked
        inner join fills on asked.fill_id = fills.fill_id
        left join form_questions on asked.question = form_questions.question
        left join contact_accounts on fills.contact_id = contact_accounts.contact_id
    ),

    numbered as (
        select
            questions.*,
            -- What a person answers is known from then on, whichever form asked.
            min(case when answer is not null then submitted_at end) over (
                partition by contact_id, question
            ) as first_answered_at,
            -- The newest answer is the one that the person's declared value shows.
            row_number() over (
                partition by record_id, question
                order by case when answer is null then 1 else 0 end, submitted_at desc, fill_id
            ) as recency
        from questions
    ),

    person_facts as (
        select contact_id, field, min(as_of) as known_at
        from contact_attributes
        where as_of is not null and value_status is distinct from 'invalid'
        group by contact_id, field
    ),

    company_facts as (
        select
            account_id,
            field,
            min(as_of) as known_at,
            max(case when value_source = 'enriched' then 1 else 0 end) as is_enriched
        from account_attributes
        where as_of is not null
        group by account_id, field
    ),

    compared as (
        select
            form_records.record_id,
            comparisons.field,
            count(*) as n_compared,
            sum(case when comparisons.disagrees then 1 else 0 end) as n_disagree,
            sum(case when comparisons.reference_source = 'enriched' then 1 else 0 end) as n_compared_enriched,
            sum(
                case when comparisons.reference_source = 'enriched' and comparisons.disagrees then 1 else 0 end
            ) as n_disagree_enriched
        from comparisons
        inner join form_records on comparisons.record_key = form_records.record_key
        group by form_records.record_id, comparisons.field
    ),

    joined as (
        select
            numbered.*,
            person_facts.known_at as person_known_at,
            company_facts.known_at as company_known_at,
            coalesce(company_facts.is_enriched, 0) = 1 as is_enriched,
            coalesce(compared.n_compared, 0) as n_compared,
            coalesce(compared.n_disagree, 0) as n_disagree,
            coalesce(compared.n_compared_enriched, 0) as n_compared_enriched,
            coalesce(compared.n_disagree_enriched, 0) as n_disagree_enriched,
            -- The record that the form itself makes is no earlier knowledge.
            {{ dbt.dateadd("second", "-cast(rules.same_form as integer)", "numbered.submitted_at") }} as known_before_at
        from numbered
        cross join rules
        left join
            person_facts
            on numbered.contact_id = person_facts.contact_id
            and numbered.contact_field = person_facts.field
        left join
            company_facts
            on numbered.account_id = company_facts.account_id
            and numbered.account_field = company_facts.field
        left join
            compared
            on numbered.record_id = compared.record_id
            and numbered.contact_field = compared.field
            and numbered.answer is not null
            and numbered.recency = 1
    ),

    final as (
        select
            {{ hash_key(["fill_id", "question"]) }} as answer_id,
            fill_id,
            form_id,
            question,
            question_kind,
            contact_id,
            submitted_at,
            answer is not null as is_answered,
            case
                when question_kind != 'fact'
                then null
                when first_answered_at < known_before_at
                then 'earlier_answer'
                when person_known_at < known_before_at
                then 'record'
                when company_known_at < known_before_at
                then 'company'
            end as known_by,
            is_enriched and question_kind = 'fact' as is_enriched,
            cast(n_compared as bigint) as n_compared,
            cast(n_disagree as bigint) as n_disagree,
            cast(n_compared_enriched as bigint) as n_compared_enriched,
            cast(n_disagree_enriched as bigint) as n_disagree_enriched
        from joined
    )

select *
from final
