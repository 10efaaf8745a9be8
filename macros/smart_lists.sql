{#
    The smart lists of the project: nodes of the manifest whose model has `config.meta.list`, by name. Returns a list of dicts
    (name, checksum of the SQL, whether list_rules.csv decides, the block); empty while dbt parses.
#}
{% macro smart_lists() -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() -%}
            {%- if node.resource_type == "model" and node.config.meta and "list" in node.config.meta -%}
                {%- do found.append(
                    {
                        "name": node.name,
                        "checksum": node.checksum.checksum,
                        "is_ruled": "list_members(" in node.raw_code,
                        "block": node.config.meta["list"],
                    }
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found | sort(attribute="name")) }}
{%- endmacro %}
