{#
    A query with a fingerprint of each day's engagement: of its events as they stand and of the signals as they are set
    (columns day_on, day_fingerprint).

    inputs: relation or CTE with the columns of int_engagement_inputs.
#}
{% macro engagement_day_fingerprints(inputs) -%}
    {%- set columns = [
        "contact_id",
        "event_at",
        "touch_type",
        "signal_detail",
        "channel",
        "campaign",
        "direction",
        "is_machine",
        "dwell_seconds",
    ] -%}
    select days.day_on, days.day_fingerprint || ':' || rules.rules_fingerprint as day_fingerprint
    from
        (
            select day_on, {{ rows_fingerprint(columns) }} as day_fingerprint
            from {{ inputs }} as inputs
            group by day_on
        ) as days
    cross join
        (
            select substr(md5(content), 1, 12) as rules_fingerprint
            from ({{ seed_text("engagement_signals") }}) as rule_text
        ) as rules
{%- endmacro %}
