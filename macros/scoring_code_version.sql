{#
    A short hash of the SQL that computes scores: of every model file under models/*/scoring. Macros are not part of it
    (dbt does not give their text to models), so a change in a macro shows with the model that calls it or not at all.
    Returns a Jinja string; `unknown` while dbt parses.
#}
{% macro scoring_code_version() -%}
    {%- if not execute -%} {{ return("unknown") }} {%- endif -%}
    {%- set checksums = [] -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == "model" and "scoring" in node.fqn -%}
            {%- do checksums.append(node.name ~ "=" ~ node.checksum.checksum) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(local_md5(checksums | sort | join("\n"))[:12]) }}
{%- endmacro %}
