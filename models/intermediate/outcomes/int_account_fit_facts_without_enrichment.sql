-- What would be known of a company if no provider had been asked: where an answer survives, the value that would have
-- survived without it, or none. Only companies with such an answer.
{%- set values -%}
    select *
    from
        (
            select
                *,
                row_number() over (
                    partition by account_id, field order by place, record_key, value
                ) as place_without_enrichment
            from {{ ref("int_account_attributes") }}
            where
                value_source != 'enriched'
                and account_id in (
                    select account_id
                    from {{ ref("int_account_attributes") }}
                    where is_surviving and value_source = 'enriched'
                )
        ) as ranked
    where place_without_enrichment = 1
{%- endset -%}

{{ account_fit_facts(values) }}
