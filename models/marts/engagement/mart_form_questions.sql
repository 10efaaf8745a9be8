-- What forms ask though the answer is known, or though a provider would tell it (R13).
with
    answers as (select * from {{ ref("int_form_answers") }}),

    fills as (select * from {{ ref("int_form_fills") }}),

    form_questions as (select * from {{ ref("form_questions") }}),

    forms as (select form_id, max(form_name) as form_name from fills group by form_id),

    counted as (
        select
            form_id,
            question,
            question_kind,
            count(*) as times_asked,
            sum(case when is_answered then 1 else 0 end) as times_answered,
            sum(case when known_by is not null then 1 else 0 end) as times_already_known,
            sum(case when known_by = 'earlier_answer' then 1 else 0 end) as known_by_earlier_answer,
            sum(case when known_by = 'record' then 1 else 0 end) as known_by_record,
            sum(case when known_by = 'company' then 1 else 0 end) as known_by_company,
            sum(case when is_enriched then 1 else 0 end) as times_enriched,
            sum(n_compared_enriched) as n_compared,
            sum(n_disagree_enriched) as n_disagree
        from answers
        group by form_id, question, question_kind
    ),

    rated as (
        select
            counted.*,
            cast(100.0 * times_answered / times_asked as decimal(6, 3)) as answered_pct,
            case
                when question_kind = 'fact' then cast(100.0 * times_already_known / times_asked as decimal(6, 3))
            end as redundancy_pct,
            case
                when question_kind = 'fact' then cast(100.0 * times_enriched / times_asked as decimal(6, 3))
            end as enriched_pct,
            cast(100.0 * (n_compared - n_disagree) / nullif(n_compared, 0) as decimal(6, 3)) as agreement_pct
        from counted
    ),

    final as (
        select
            {{ hash_key(["rated.form_id", "rated.question"]) }} as form_question_id,
            rated.form_id,
            rated.question,
            forms.form_name,
            rated.question_kind,
            coalesce(form_questions.label_en, rated.question) as label_en,
            coalesce(form_questions.label_pt, rated.question) as label_pt,
            cast(rated.times_asked as bigint) as times_asked,
            cast(rated.times_answered as bigint) as times_answered,
            rated.answered_pct,
            cast(
                case when rated.question_kind = 'fact' then rated.times_already_known end as bigint
            ) as times_already_known,
            rated.redundancy_pct,
            cast(rated.known_by_earlier_answer as bigint) as known_by_earlier_answer,
            cast(rated.known_by_record as bigint) as known_by_record,
            cast(rated.known_by_company as bigint) as known_by_company,
            rated.enriched_pct,
            cast(rated.n_compared as bigint) as n_compared,
            rated.agreement_pct,
            case
                when rated.question_kind != 'fact'
                then 'not_measured'
                when rated.times_asked < {{ setting("question_min_n", "form_settings") }}
                then 'too_few'
                when rated.redundancy_pct >= {{ setting("redundant_from_pct", "form_settings") }}
                then 'already_known'
                when
                    rated.enriched_pct >= {{ setting("enrichment_min_coverage_pct", "form_settings") }}
                    and rated.agreement_pct >= {{ setting("enrichment_min_agreement_pct", "form_settings") }}
                    and rated.n_compared >= {{ setting("question_min_n", "form_settings") }}
                then 'enrichment_answers'
                else 'ask'
            end as finding,
            {{ as_of() }} as as_of_at
        from rated
        inner join forms on rated.form_id = forms.form_id
        left join form_questions on rated.question = form_questions.question
    )

select *
from final
