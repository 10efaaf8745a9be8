{#
    Which messages a build of int_events has to look at again: those of files that are new, were replaced or are gone
    since the last build. Found and kept in a helper table by one hook, deleted from what is stored by the next; on the
    first build and on a full refresh the hooks do nothing.
#}
{% macro changed_messages() -%} {{ this.schema }}.{{ this.identifier }}__changed {%- endmacro %}

{% macro find_changed_messages() -%}
    {% if execute and is_incremental() %}
        {% do run_query("create or replace table " ~ changed_messages() ~ " as " ~ changed_messages_query()) %}
    {% endif %}
{%- endmacro %}

{% macro delete_changed_messages() -%}
    {% if is_incremental() %}
        delete from {{ this }} where message_id in (select message_id from {{ changed_messages() }})
    {% endif %}
{%- endmacro %}

{% macro drop_changed_messages() -%}
    {% if execute and is_incremental() %} {% do run_query("drop table if exists " ~ changed_messages()) %} {% endif %}
{%- endmacro %}

{% macro changed_messages_query() %}
    with
        received as (select distinct source_file, loaded_at from {{ ref("stg_events__events") }}),

        stored as (select distinct source_file, loaded_at from {{ this }}),

        arrived as (
            select *
            from received
            except
            select *
            from stored
        ),

        gone as (
            select *
            from stored
            except
            select *
            from received
        )

    select events.message_id
    from {{ ref("stg_events__events") }} as events
    inner join
        arrived
        on events.source_file is not distinct from arrived.source_file
        and events.loaded_at is not distinct from arrived.loaded_at
    union
    select events.message_id
    from {{ this }} as events
    inner join
        gone
        on events.source_file is not distinct from gone.source_file
        and events.loaded_at is not distinct from gone.loaded_at
{% endmacro %}
