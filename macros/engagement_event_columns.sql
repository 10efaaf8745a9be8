{# The columns of int_engagement_events that a daily bucket depends on: what its fingerprint is made of. #}
{% macro engagement_event_columns() -%}
    {{ return(["contact_id", "signal_id", "event_at", "event_points", "half_life_days"]) }}
{%- endmacro %}
