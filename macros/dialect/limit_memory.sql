{#
    Caps what the engine may hold in memory, where `LEADHOUSE_MEMORY_LIMIT` says so (`6GB`); beyond it, it works from
    disk. DuckDB alone takes up to 80 % of the machine.
#}
{% macro limit_memory() %}
    {% if execute and env_var("LEADHOUSE_MEMORY_LIMIT", "") %}
        {% do adapter.dispatch("limit_memory", "leadhouse")(env_var("LEADHOUSE_MEMORY_LIMIT")) %}
    {% endif %}
{% endmacro %}

{% macro default__limit_memory(limit) %} {% do run_query("set memory_limit = '" ~ limit ~ "'") %} {% endmacro %}

{# A cluster's memory is set where the cluster is started. #}
{% macro spark__limit_memory(limit) %} {% endmacro %}
