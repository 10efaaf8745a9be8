{#
    Sets `raw_ops.run_clock` (one row) before a run: to the present when the clock is live, left alone when a date was
    pinned with `leadhouse clock --as-of`. This is the only place that reads a clock; models call as_of().
#}
{% macro set_run_clock() %}
    {% if execute and flags.WHICH in ("run", "build", "test", "seed", "snapshot") %}
        {% do run_query("create schema if not exists raw_ops") %}
        {% do run_query("create table if not exists raw_ops.run_clock (as_of_at timestamp, pinned boolean)") %}
        {% do run_query("delete from raw_ops.run_clock where not coalesce(pinned, false)") %}
        {% do run_query(
            "insert into raw_ops.run_clock select timestamp '"
            ~ run_started_at.strftime("%Y-%m-%d %H:%M:%S")
            ~ "', false where not exists (select 1 from raw_ops.run_clock)"
        ) %}
    {% endif %}
{% endmacro %}
