{#
    A relation with one row: the whole content of a seed as one text (column `content`), in an order of its own, so that
    equal content gives equal text.

    seed: name of the seed.
#}
{% macro seed_text(seed) -%} {{ return(adapter.dispatch("seed_text", "leadhouse")(seed)) }} {%- endmacro %}

{% macro default__seed_text(seed) -%}
    select
        '{{ seed }}' as seed,
        string_agg(cast(seed_rows as varchar), chr(10) order by cast(seed_rows as varchar)) as content
    from {{ ref(seed) }} as seed_rows
{%- endmacro %}

{% macro spark__seed_text(seed) -%}
    select '{{ seed }}' as seed, array_join(array_sort(collect_list(to_json(struct(seed_rows.*)))), '\n') as content
    from {{ ref(seed) }} as seed_rows
{%- endmacro %}
