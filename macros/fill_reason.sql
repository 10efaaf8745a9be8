{#
    A reason in words: the text of a rule seed with its places filled in. `{times}` becomes `once` or `4 times`,
    `{count}` the number, `{needed}` the number sought, `{value}` the fact; where the text speaks of times and a last moment is known, its
    date follows.

    template: SQL expression, text of the seed.
    count, last_at, value, needed: SQL expressions, null where they do not apply.
    language: `en` or `pt`.
#}
{% macro fill_reason(template, count, last_at, value, needed, language="en") -%}
    {%- set words = {
        "en": {"once": "once", "times": " times", "last": ", last on "},
        "pt": {"once": "uma vez", "times": " vezes", "last": ", a última em "},
    }[language] -%}
    replace(
        replace(
            replace(
                replace(
                    {{ template }},
                    '{times}',
                    case when {{ count }} = 1 then '{{ words.once }}' else coalesce(cast({{ count }} as varchar), '?') || '{{ words.times }}' end
                ),
                '{count}',
                coalesce(cast({{ count }} as varchar), '?')
            ),
            '{needed}',
            coalesce(cast({{ needed }} as varchar), '?')
        ),
        '{value}',
        coalesce({{ value }}, '?')
    )
    || coalesce('{{ words.last }}' || cast(cast({{ last_at }} as date) as varchar), '')
{%- endmacro %}
