{#
    A reason in words: the text of a rule seed with its places filled in. `{times}` becomes `once` or `4 times`, `{count}` the
    number, `{needed}` the number sought, `{value}` the fact. Where a last moment is known its date follows.

    template: SQL expression, text of the seed.
    count: SQL expression, how often; last_at: when last, UTC; value: the fact; needed: the number sought. Null where they
        do not apply.
    language: `en` or `pt`.
#}
{% macro fill_reason(template, count, last_at, value, needed, language="en") -%}
    {%- set words = {
        "en": {"once": "once", "times": "times", "on": ", on ", "last": ", last on "},
        "pt": {"once": "uma vez", "times": "vezes", "on": ", em ", "last": ", a última em "},
    }[language] -%}
    {%- set text = dbt.type_string() -%}
    replace(
        replace(
            replace(
                replace(
                    {{ template }},
                    '{times}',
                    case
                        when {{ count }} = 1
                        then '{{ words.once }}'
                        else coalesce(cast({{ count }} as {{ text }}), '?') || ' {{ words.times }}'
                    end
                ),
                '{count}',
                coalesce(cast({{ count }} as {{ text }}), '?')
            ),
            '{needed}',
            coalesce(cast({{ needed }} as {{ text }}), '?')
        ),
        '{value}',
        coalesce({{ value }}, '?')
    ) || coalesce(
        case when {{ count }} > 1 then '{{ words.last }}' else '{{ words.on }}' end
        || cast(cast({{ last_at }} as date) as {{ text }}),
        ''
    )
{%- endmacro %}
