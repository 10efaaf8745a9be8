{#
    A table of connected components: the true closure of a set of links, whatever the length of the chains.

    The model's SQL gives links: `node_a`, `node_b` (text; a node without a link is a row that links it to itself).
    The table has one row per node: `node`, `component` (the smallest node of its component, so that the result does not
    depend on the order of the rows).

    Each round hangs every node on its smallest neighbour, shortens the pointers until they end at a root, and keeps only
    the links between different roots. A round at least halves the linked nodes, so the rounds grow with the logarithm of
    the graph and not with the length of a chain. Plain `create table as` statements: any engine runs them.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set links = connected_components_table("links") -%}
    {%- set nodes = connected_components_table("nodes") -%}
    {%- set edges = connected_components_table("edges") -%}
    {%- set next_edges = connected_components_table("next_edges") -%}
    {%- set labels = connected_components_table("labels") -%}
    {%- set next_labels = connected_components_table("next_labels") -%}
    {%- set parents = connected_components_table("parents") -%}
    {%- set next_parents = connected_components_table("next_parents") -%}
    {%- set result = connected_components_table("result") -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement("main") -%} {{ connected_components_create(links, sql) }} {%- endcall %}
    {# Numbers are compared and joined faster than texts. Self-links are left out by filters on one table, never by
       comparing the two ends in the join: an optimiser may take that for a join condition of its own. #}
    {% do connected_components_build(
        nodes,
        "select node, row_number() over (order by node) as id from (select node_a as node from "
        ~ links
        ~ " union select node_b as node from "
        ~ links
        ~ ") as ends where node is not null",
    ) %}
    {% do connected_components_build(
        edges,
        "select distinct least(a.id, b.id) as low, greatest(a.id, b.id) as high from "
        ~ links
        ~ " as links inner join "
        ~ nodes
        ~ " as a on links.node_a = a.node inner join "
        ~ nodes
        ~ " as b on links.node_b = b.node where links.node_a != links.node_b",
    ) %}
    {% do connected_components_build(labels, "select id, id as label from " ~ nodes) %}

    {%- set state = namespace(rounds=0, open=connected_components_count(edges)) -%}
    {%- for _ in range(64) if state.open > 0 -%}
        {%- set state.rounds = state.rounds + 1 -%}
        {% do connected_components_build(
            parents,
            "select id, min(neighbour) as parent from (select low as id, low as neighbour from "
            ~ edges
            ~ " union all select high as id, low as neighbour from "
            ~ edges
            ~ ") as neighbours group by id",
        ) %}
        {%- set jump = namespace(open=1) -%}
        {%- for _ in range(64) if jump.open > 0 -%}
            {% do connected_components_build(
                next_parents,
                "select near.id, far.parent, case when near.parent != far.parent then 1 else 0 end as moved from "
                ~ parents
                ~ " as near inner join "
                ~ parents
                ~ " as far on near.parent = far.id",
            ) %}
            {%- set jump.open = connected_components_count(next_parents, "moved = 1") -%}
            {% do connected_components_build(parents, "select id, parent from " ~ next_parents) %}
        {%- endfor -%}
        {% do connected_components_build(
            next_labels,
            "select labels.id, coalesce(parents.parent, labels.label) as label from "
            ~ labels
            ~ " as labels left join "
            ~ parents
            ~ " as parents on labels.label = parents.id",
        ) %}
        {% do connected_components_build(labels, "select id, label from " ~ next_labels) %}
        {% do connected_components_build(
            next_edges,
            "select distinct least(a.parent, b.parent) as low, greatest(a.parent, b.parent) as high from "
            ~ edges
            ~ " as edges inner join "
            ~ parents
            ~ " as a on edges.low = a.id inner join "
            ~ parents
            ~ " as b on edges.high = b.id",
        ) %}
        {% do connected_components_build(edges, "select low, high from " ~ next_edges ~ " where low != high") %}
        {%- set state.open = connected_components_count(edges) -%}
    {%- endfor -%}
    {%- if state.open > 0 -%}
        {{ exceptions.raise_compiler_error(this ~ ": links are left after 64 rounds; the graph did not converge") }}
    {%- endif -%}

    {% do connected_components_build(
        result,
        "select nodes.node, roots.node as component from "
        ~ nodes
        ~ " as nodes inner join "
        ~ labels
        ~ " as labels on nodes.id = labels.id inner join "
        ~ nodes
        ~ " as roots on labels.label = roots.id",
    ) %}
    {%- if existing_relation is not none -%} {% do adapter.drop_relation(existing_relation) %} {%- endif -%}
    {% do adapter.rename_relation(result, target_relation) %}
    {%- for relation in [links, nodes, edges, next_edges, labels, next_labels, parents, next_parents] -%}
        {% do adapter.drop_relation(relation) %}
    {%- endfor -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ log(this.identifier ~ ": components in " ~ state.rounds ~ " rounds") }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# A helper table beside the model, dropped at the end. #}
{% macro connected_components_table(name) -%}
    {{
        return(
            api.Relation.create(
                database=this.database, schema=this.schema, identifier=this.identifier ~ "__" ~ name, type="table"
            )
        )
    }}
{%- endmacro %}

{% macro connected_components_create(relation, query) -%}
    {% do adapter.drop_relation(relation) %} {{ create_table_as(False, relation, query) }}
{%- endmacro %}

{% macro connected_components_build(relation, query) -%}
    {% do run_query(connected_components_create(relation, query)) %}
{%- endmacro %}

{% macro connected_components_count(relation, condition="true") -%}
    {{ return(run_query("select count(*) from " ~ relation ~ " where " ~ condition).columns[0].values()[0] | int) }}
{%- endmacro %}
