-- What waits for a person: two contacts that evidence speaks for joining and that the rules did not join, by the two
-- records it says most about. The likeliest first, with the line for seeds/identity_decisions.csv that settles it.
with
    verdicts as (
        select *, least(record_key, linked_record_key) as key_a, greatest(record_key, linked_record_key) as key_b
        from {{ ref("int_identity_verdicts") }}
        where verdict not in ('linked', 'forbidden')
    ),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    pairs as (select * from {{ ref("int_identity_pairs") }}),

    apart as (
        select verdicts.*, clusters_a.contact_id as contact_id_a, clusters_b.contact_id as contact_id_b
        from verdicts
        inner join clusters as clusters_a on verdicts.key_a = clusters_a.record_key
        inner join clusters as clusters_b on verdicts.key_b = clusters_b.record_key
        where clusters_a.contact_id != clusters_b.contact_id
    ),

    -- One line for two contacts, whatever speaks for them: a matched pair says most.
    ranked as (
        select
            *,
            row_number() over (
                partition by least(contact_id_a, contact_id_b), greatest(contact_id_a, contact_id_b)
                order by
                    case when match_weight is null then 1 else 0 end,
                    match_weight desc,
                    key_a,
                    key_b,
                    identifier_type,
                    identifier_value
            ) as evidence_rank
        from apart
    ),

    waiting as (
        select ranked.*, pairs.explanation
        from ranked
        left join pairs on ranked.key_a = pairs.record_key_l and ranked.key_b = pairs.record_key_r
        where ranked.evidence_rank = 1
    ),

    described as (
        select
            {{ hash_key(["waiting.key_a", "waiting.key_b"]) }} as review_id,
            waiting.verdict as waits_because,
            waiting.reason,
            waiting.match_weight,
            coalesce(
                waiting.explanation,
                'Both bear the ' || waiting.identifier_type || ' ' || waiting.identifier_value || '.'
            ) as explanation,
            {% for side in ["a", "b"] %}
                waiting.contact_id_{{ side }},
                record_{{ side }}.source as source_{{ side }},
                record_{{ side }}.record_id as record_id_{{ side }},
                {{
                    blank_to_null(
                        "coalesce(record_"
                        ~ side
                        ~ ".first_name, '') || ' ' || coalesce(record_"
                        ~ side
                        ~ ".last_name, '')"
                    )
                }} as name_{{ side }},
                record_{{ side }}.email_raw as email_{{ side }},
                coalesce(record_{{ side }}.phone_e164, record_{{ side }}.phone_raw) as phone_{{ side }},
                record_{{ side }}.company_name as company_{{ side }},
                record_{{ side }}.job_title as job_title_{{ side }},
            {% endfor %}
            {{ csv_line(["record_a.source", "record_a.record_id", "record_b.source", "record_b.record_id"]) }}
            as csv_records
        from waiting
        inner join records as record_a on waiting.key_a = record_a.record_key
        inner join records as record_b on waiting.key_b = record_b.record_key
    ),

    final as (
        select
            review_id,
            cast(
                row_number() over (
                    order by case when match_weight is null then 1 else 0 end, match_weight desc, review_id
                ) as integer
            ) as review_rank,
            waits_because,
            reason,
            match_weight,
            explanation,
            {% for side in ["a", "b"] %}
                contact_id_{{ side }},
                source_{{ side }},
                record_id_{{ side }},
                name_{{ side }},
                email_{{ side }},
                phone_{{ side }},
                company_{{ side }},
                job_title_{{ side }},
            {% endfor %}
            substr(review_id, 1, 12)
            || ',force,'
            || csv_records
            || ',,'
            || cast(cast({{ as_of() }} as date) as {{ dbt.type_string() }})
            || ',' as force_line,
            substr(review_id, 1, 12)
            || ',forbid,'
            || csv_records
            || ',,'
            || cast(cast({{ as_of() }} as date) as {{ dbt.type_string() }})
            || ',' as forbid_line
        from described
    )

select *
from final
