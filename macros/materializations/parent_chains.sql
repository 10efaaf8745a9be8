{#
    A table of family trees: where each node's chain of parents ends, however long it is, and circles cut open.

    The model's SQL gives one row per node: `node` (text), `parent` (text; null = none), `born_at` (timestamp, may be null).
    The table has one row per node: `node`, `parent` (null for a root), `root`, `depth` (0 for a root), `is_circular` (the
    parents of this family form a circle; it is cut at the circle's oldest node, which becomes the root).

    Each round doubles the length of every pointer, so the rounds grow with the logarithm of the longest chain. Pointers
    that never reach a root end on a circle: the nodes they end on are the circle. Nodes are numbered by age, so the
    oldest of a circle is its smallest number. Plain `create table as` statements: any engine runs them.
#}
{% materialization parent_chains, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set given = parent_chains_table("given") -%}
    {%- set nodes = parent_chains_table("nodes") -%}
    {%- set pointers = parent_chains_table("pointers") -%}
    {%- set next_pointers = parent_chains_table("next_pointers") -%}
    {%- set cuts = parent_chains_table("cuts") -%}
    {%- set result = parent_chains_table("result") -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement("main") -%} {{ parent_chains_create(given, sql) }} {%- endcall %}
    {% do parent_chains_build(
        nodes,
        "with numbered as (select node, parent, row_number() over ("
        ~ "order by case when born_at is null then 1 else 0 end, born_at, node) as id from "
        ~ given
        ~ ") select children.node, children.id, parents.id as parent_id from numbered as children left join "
        ~ "numbered as parents on children.parent = parents.node and children.node != parents.node",
    ) %}
    {% do parent_chains_build(cuts, "select id from " ~ nodes ~ " where false") %}

    {# Once to find the circles, and again without them where there were any. #}
    {%- set state = namespace(passes=0, rounds=0, circles=1) -%}
    {%- set node_count = parent_chains_count(nodes) -%}
    {%- for _ in range(2) if state.circles > 0 -%}
        {%- set state.passes = state.passes + 1 -%}
        {% do parent_chains_build(
            pointers,
            "select nodes.id, case when cuts.id is null then coalesce(nodes.parent_id, nodes.id) else nodes.id end as target, "
            ~ "case when cuts.id is null and nodes.parent_id is not null then 1 else 0 end as steps, nodes.id as lowest from "
            ~ nodes
            ~ " as nodes left join "
            ~ cuts
            ~ " as cuts on nodes.id = cuts.id",
        ) %}
        {%- set jump = namespace(open=1, length=1) -%}
        {%- for _ in range(64) if jump.open > 0 and jump.length <= 2 * node_count -%}
            {%- set state.rounds = state.rounds + 1 -%}
            {% do parent_chains_build(
                next_pointers,
                "select near.id, far.target, near.steps + far.steps as steps, least(near.lowest, far.lowest) as lowest, "
                ~ "case when near.target != far.target then 1 else 0 end as moved from "
                ~ pointers
                ~ " as near inner join "
                ~ pointers
                ~ " as far on near.target = far.id",
            ) %}
            {%- set jump.open = parent_chains_count(next_pointers, "moved = 1") -%}
            {%- set jump.length = jump.length * 2 -%}
            {% do parent_chains_build(pointers, "select id, target, steps, lowest from " ~ next_pointers) %}
        {%- endfor -%}
        {%- if state.passes == 1 -%}
            {% do parent_chains_build(
                cuts,
                "select distinct pointers.id from "
                ~ pointers
                ~ " as pointers inner join "
                ~ nodes
                ~ " as nodes on pointers.id = nodes.id inner join (select distinct target from "
                ~ pointers
                ~ ") as ends on pointers.id = ends.target "
                ~ "where nodes.parent_id is not null and pointers.lowest = pointers.id",
            ) %}
            {%- set state.circles = parent_chains_count(cuts) -%}
        {%- endif -%}
    {%- endfor -%}

    {% do parent_chains_build(
        result,
        "select nodes.node, case when cuts.id is null then parents.node end as parent, roots.node as root, "
        ~ "pointers.steps as depth, root_cuts.id is not null as is_circular from "
        ~ nodes
        ~ " as nodes inner join "
        ~ pointers
        ~ " as pointers on nodes.id = pointers.id inner join "
        ~ nodes
        ~ " as roots on pointers.target = roots.id left join "
        ~ nodes
        ~ " as parents on nodes.parent_id = parents.id left join "
        ~ cuts
        ~ " as cuts on nodes.id = cuts.id left join "
        ~ cuts
        ~ " as root_cuts on pointers.target = root_cuts.id",
    ) %}
    {%- if existing_relation is not none -%} {% do adapter.drop_relation(existing_relation) %} {%- endif -%}
    {% do adapter.rename_relation(result, target_relation) %}
    {%- for relation in [given, nodes, pointers, next_pointers, cuts] -%}
        {% do adapter.drop_relation(relation) %}
    {%- endfor -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ log(this.identifier ~ ": chains in " ~ state.rounds ~ " rounds") }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# A helper table beside the model, dropped at the end. #}
{% macro parent_chains_table(name) -%}
    {{
        return(
            api.Relation.create(
                database=this.database, schema=this.schema, identifier=this.identifier ~ "__" ~ name, type="table"
            )
        )
    }}
{%- endmacro %}

{% macro parent_chains_create(relation, query) -%}
    {% do adapter.drop_relation(relation) %} {{ create_table_as(False, relation, query) }}
{%- endmacro %}

{% macro parent_chains_build(relation, query) -%}
    {% do run_query(parent_chains_create(relation, query)) %}
{%- endmacro %}

{% macro parent_chains_count(relation, condition="true") -%}
    {{ return(run_query("select count(*) from " ~ relation ~ " where " ~ condition).columns[0].values()[0] | int) }}
{%- endmacro %}
