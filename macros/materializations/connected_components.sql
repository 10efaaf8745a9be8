{#
    A table of connected components: the true closure of a set of links, whatever the length of the chains.

    The model's SQL gives links: `node_a`, `node_b` (text; a node without a link is a row that links it to itself, or is
    left out). The table has one row per node: `node`, `component` (the smallest node of its component, so that the result
    does not depend on the order of the rows).

    Each round hangs every node on its smallest neighbour, shortens the pointers until they end at a root, and keeps only
    the links between different roots. A round at least halves the linked nodes, so the rounds grow with the logarithm of
    the graph and not with the length of a chain. Plain `create table as` statements: any engine runs them.

    config(incremental=true): the links are kept beside the table (`<model>__links`). The next build closes again only the
    components that a link came to or went from, which is what a full closure would give; it is a full one after
    --full-refresh.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set is_kept = config.get("incremental", false) -%}
    {%- set kept_links = connected_components_table("links") -%}
    {%- set has_kept_links = load_cached_relation(kept_links) is not none -%}
    {%- set is_update = is_kept and existing_relation is not none and has_kept_links and not should_full_refresh() -%}
    {%- set result = connected_components_table("result") -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if is_update -%}
        {%- set added = connected_components_table("added") -%}
        {%- set removed = connected_components_table("removed") -%}
        {%- set touched = connected_components_table("touched") -%}
        {%- set open_nodes = connected_components_table("open_nodes") -%}
        {%- set open_links = connected_components_table("open_links") -%}
        {% call statement("main") -%}
            {{
                connected_components_create(
                    added,
                    "select * from ("
                    ~ connected_components_links(sql)
                    ~ ") as links where link_hash not in (select link_hash from "
                    ~ kept_links
                    ~ ")",
                )
            }}
        {%- endcall %}
        {% do connected_components_build(
            removed,
            "select * from "
            ~ kept_links
            ~ " where link_hash not in (select link_hash from ("
            ~ connected_components_links(sql)
            ~ ") as links)",
        ) %}
        {% do connected_components_build(
            touched,
            "select distinct component from "
            ~ target_relation
            ~ " where node in (select node_a from "
            ~ added
            ~ " union select node_b from "
            ~ added
            ~ " union select node_a from "
            ~ removed
            ~ " union select node_b from "
            ~ removed
            ~ ")",
        ) %}
        {% do connected_components_build(
            open_nodes,
            "select node from "
            ~ target_relation
            ~ " where component in (select component from "
            ~ touched
            ~ ") union select node_a as node from "
            ~ added
            ~ " union select node_b as node from "
            ~ added,
        ) %}
        {% do run_query("delete from " ~ kept_links ~ " where link_hash in (select link_hash from " ~ removed ~ ")") %}
        {% do run_query("insert into " ~ kept_links ~ " select node_a, node_b, link_hash from " ~ added) %}
        {# A link lies within one component or was just added: one of its ends tells. #}
        {% do connected_components_build(
            open_links,
            "select node_a, node_b from "
            ~ kept_links
            ~ " where node_a in (select node from "
            ~ open_nodes
            ~ ")",
        ) %}
        {%- set rounds = connected_components_closure(open_links, result) -%}
        {% do run_query(
            "delete from " ~ target_relation ~ " where component in (select component from " ~ touched ~ ")"
        ) %}
        {% do run_query("insert into " ~ target_relation ~ " select node, component from " ~ result) %}
        {%- for relation in [added, removed, touched, open_nodes, open_links, result] -%}
            {% do adapter.drop_relation(relation) %}
        {%- endfor -%}
    {%- else -%}
        {% call statement("main") -%} {{ connected_components_create(kept_links, connected_components_links(sql)) }}
        {%- endcall %}
        {%- set rounds = connected_components_closure(kept_links, result) -%}
        {%- if existing_relation is not none -%} {% do adapter.drop_relation(existing_relation) %}
        {%- endif -%}
        {% do adapter.rename_relation(result, target_relation) %}
        {%- if not is_kept -%} {% do adapter.drop_relation(kept_links) %}
        {%- endif -%}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ log(this.identifier ~ ": components in " ~ rounds ~ " rounds") }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{#
    Closes the links of one table into another: the rounds it took.

    links: relation with node_a, node_b. result: relation to create, with node, component.
#}
{% macro connected_components_closure(links, result) -%}
    {%- set nodes = connected_components_table("nodes") -%}
    {%- set edges = connected_components_table("edges") -%}
    {%- set next_edges = connected_components_table("next_edges") -%}
    {%- set labels = connected_components_table("labels") -%}
    {%- set next_labels = connected_components_table("next_labels") -%}
    {%- set parents = connected_components_table("parents") -%}
    {%- set next_parents = connected_components_table("next_parents") -%}
    {# Numbers are compared and joined faster than texts; nodes without a link need none. Self-links are left out by
       filters on one table, never by comparing the two ends in the join: an optimiser may take that for a join condition
       of its own. #}
    {% do connected_components_build(
        nodes,
        "select node, row_number() over (order by node) as id from (select node_a as node from "
        ~ links
        ~ " where node_a != node_b union select node_b as node from "
        ~ links
        ~ " where node_a != node_b) as ends where node is not null",
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
        ~ " as roots on labels.label = roots.id union all select distinct node_a as node, node_a as component from "
        ~ links
        ~ " where node_a = node_b and node_a not in (select node from "
        ~ nodes
        ~ ")",
    ) %}
    {%- for relation in [nodes, edges, next_edges, labels, next_labels, parents, next_parents] -%}
        {% do adapter.drop_relation(relation) %}
    {%- endfor -%}
    {{ return(state.rounds) }}
{%- endmacro %}

{# The links with a hash of each, null ends left out. #}
{% macro connected_components_links(query) -%}
    select node_a, node_b, {{ row_fingerprint(["node_a", "node_b"]) }} as link_hash
    from ({{ query }}) as given_links
    where node_a is not null and node_b is not null
{%- endmacro %}

{# A helper table beside the model. #}
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
