{#
    A title or label for matching: words without accents or case, apart by one space.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro words_key(expression) -%} {{ return(adapter.dispatch("words_key", "leadhouse")(expression)) }} {%- endmacro %}

{% macro default__words_key(expression) -%} lh_words_key({{ expression }}) {%- endmacro %}
