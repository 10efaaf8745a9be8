{#
    The smart lists of the project: nodes of the manifest whose model has `config.meta.list` (a block, or a list of blocks,
    one a destination), by name. Returns a list of dicts (name, checksum of the SQL, whether list_rules.csv decides, the first
    block, the names of all destinations); empty while dbt parses.
#}
{% macro smart_lists() -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() -%}
            {%- if node.resource_type == "model" and node.config.meta and "list" in node.config.meta -%}
                {%- set meta = node.config.meta["list"] -%}
                {%- set blocks = [meta] if meta is mapping else meta -%}
                {%- do found.append(
                    {
                        "name": node.name,
                        "checksum": node.checksum.checksum,
                        "is_ruled": "list_members(" in node.raw_code,
                        "block": blocks[0],
                        "destinations": blocks | map(attribute="destination") | join(", "),
                    }
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found | sort(attribute="name")) }}
{%- endmacro %}
