{#
    Columns that count rows of int_sent_writes by outcome (`written`, `rejected`, `suppressed`), refusals by kind
    (`rejected_<kind>`), and tell how late values came (`delay_p50_seconds`, `delay_p95_seconds`); for a grouped select.
#}
{% macro outcome_counts() -%}
    {%- for outcome in ["written", "rejected", "suppressed"] %}
        cast(count(case when outcome = '{{ outcome }}' then 1 end) as bigint) as {{ outcome }},
    {% endfor %}
    {%- for kind in refusal_kinds() %}
        cast(
            count(case when outcome = 'rejected' and error_kind = '{{ kind }}' then 1 end) as bigint
        ) as rejected_{{ kind }},
    {% endfor %}
    percentile_cont(0.5) within group (order by delay_seconds) as delay_p50_seconds,
    percentile_cont(0.95) within group (order by delay_seconds) as delay_p95_seconds
{%- endmacro %}
