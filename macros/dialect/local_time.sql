{#
    Wall-clock time in a zone of a UTC moment, both without zone. Twice a year an hour is told twice or skipped: only
    differences of UTC moments are durations.

    moment: SQL expression, UTC timestamp.
    zone: SQL expression, text, an IANA name such as America/Sao_Paulo.
#}
{% macro local_time(moment, zone) -%}
    {{ return(adapter.dispatch("local_time", "leadhouse")(moment, zone)) }}
{%- endmacro %}

{% macro default__local_time(moment, zone) -%}
    (({{ moment }} at time zone 'UTC') at time zone {{ zone }})
{%- endmacro %}

{% macro spark__local_time(moment, zone) -%} from_utc_timestamp({{ moment }}, {{ zone }}) {%- endmacro %}
