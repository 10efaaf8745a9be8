{#
    The UTC moment of a wall-clock time in a zone, both without zone. A time that the clock skips is read as if it had not
    skipped; of one that it tells twice, the engine takes one.

    local: SQL expression, timestamp.
    zone: SQL expression, text, an IANA name such as America/Sao_Paulo.
#}
{% macro utc_time(local, zone) -%} {{ return(adapter.dispatch("utc_time", "leadhouse")(local, zone)) }} {%- endmacro %}

{% macro default__utc_time(local, zone) -%} (({{ local }} at time zone {{ zone }}) at time zone 'UTC') {%- endmacro %}

{% macro spark__utc_time(local, zone) -%} to_utc_timestamp({{ local }}, {{ zone }}) {%- endmacro %}
