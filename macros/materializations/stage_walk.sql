{#
    A table of walks through stages: from its start each contact takes the earliest move that is open to it, again and
    again, until none is. There is no limit to the number of moves.

    The model's SQL gives the moves that evidence allows: `contact_id`, `from_stage` (null for a start), `to_stage`,
    `direction`, `stage_order` (decides between moves of one moment), `trigger`, `reason`, `evidence`, `evidence_at`,
    `may_come_before` (evidence from before the present stage was reached counts too, from then on) and `begins_anew`
    (nothing up to this move counts afterwards). The table has one row per contact and step: `contact_id`, `step`,
    `from_stage`, `to_stage`, `reached_at`, `direction`, `trigger`, `reason`, `evidence`.

    One round moves everybody by one step; the next looks only at those who moved. Every circle of moves must hold one that
    begins anew (check-rules refuses other graphs), and such a move takes evidence later than the one before it; so nobody
    moves more often than there are stages for each moment of their evidence, and once more. Whoever does makes the build fail. Plain
    `create table as` and `insert` statements: any engine runs them.
#}
{% materialization stage_walk, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set moves = stage_walk_table("moves") -%}
    {%- set front = stage_walk_table("front") -%}
    {%- set next_front = stage_walk_table("next_front") -%}
    {%- set result = stage_walk_table("result") -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement("main") -%} {{ stage_walk_create(moves, sql) }} {%- endcall %}
    {%- set most_moves = (
        stage_walk_number(
            "select max(moments) from (select count(distinct evidence_at) as moments from "
            ~ moves
            ~ " group by contact_id) as of_contacts"
        )
        + 1
    ) * (stage_walk_number("select count(distinct to_stage) from " ~ moves) + 1) -%}

    {% do stage_walk_build(front, stage_walk_first_step(moves)) %}
    {% do stage_walk_build(result, "select * from " ~ front) %}
    {%- set state = namespace(steps=1, open=stage_walk_number("select count(*) from " ~ front)) -%}
    {%- for _ in range(99999) if state.open > 0 -%}
        {%- if state.steps > most_moves -%}
            {{
                exceptions.raise_compiler_error(
                    this
                    ~ ": a contact moved "
                    ~ state.steps
                    ~ " times, more often than its evidence can tell; the stages form a circle that no later evidence"
                    ~ " is needed for. `leadhouse check-rules` names the transition."
                )
            }}
        {%- endif -%}
        {% do stage_walk_build(next_front, stage_walk_next_step(moves, front)) %}
        {%- set state.open = stage_walk_number("select count(*) from " ~ next_front) -%}
        {%- if state.open > 0 -%}
            {%- set state.steps = state.steps + 1 -%}
            {% do run_query("insert into " ~ result ~ " select * from " ~ next_front) %}
            {% do stage_walk_build(front, "select * from " ~ next_front) %}
        {%- endif -%}
    {%- endfor -%}
    {%- if state.open > 0 -%}
        {{ exceptions.raise_compiler_error(this ~ ": contacts still move after " ~ state.steps ~ " steps") }}
    {%- endif -%}

    {%- if existing_relation is not none -%} {% do adapter.drop_relation(existing_relation) %} {%- endif -%}
    {% do stage_walk_build(
        target_relation,
        "select contact_id, step, from_stage, to_stage, reached_at, direction, trigger, reason, evidence from "
        ~ result,
    ) %}
    {%- for relation in [moves, front, next_front, result] -%} {% do adapter.drop_relation(relation) %} {%- endfor -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ log(this.identifier ~ ": " ~ state.steps ~ " steps at most") }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# The starts: the earliest move of each contact that no stage comes before. #}
{% macro stage_walk_first_step(moves) -%}
    select
        contact_id,
        1 as step,
        from_stage,
        to_stage,
        evidence_at as reached_at,
        direction,
        trigger,
        reason,
        evidence,
        cast(null as timestamp) as counts_from_at
    from
        (
            select
                *,
                row_number() over (
                    partition by contact_id order by evidence_at, stage_order, trigger, evidence
                ) as choice
            from {{ moves }}
            where from_stage is null
        ) as starts
    where choice = 1
{%- endmacro %}

{# The next move of everybody who has one, from the steps of the round before. #}
{% macro stage_walk_next_step(moves, front) -%}
    select
        contact_id,
        step + 1 as step,
        from_stage,
        to_stage,
        reached_at,
        direction,
        trigger,
        reason,
        evidence,
        case when begins_anew then reached_at else counts_from_at end as counts_from_at
    from
        (
            select
                front.contact_id,
                front.step,
                front.to_stage as from_stage,
                moves.to_stage,
                {{ reached_at("front", "moves") }} as reached_at,
                moves.direction,
                moves.trigger,
                moves.reason,
                moves.evidence,
                moves.begins_anew,
                front.counts_from_at,
                row_number() over (
                    partition by front.contact_id
                    order by
                        {{ reached_at("front", "moves") }},
                        moves.stage_order,
                        moves.evidence_at,
                        moves.trigger,
                        moves.evidence
                ) as choice
            from {{ front }} as front
            inner join {{ moves }} as moves on front.contact_id = moves.contact_id and front.to_stage = moves.from_stage
            where
                (front.counts_from_at is null or moves.evidence_at > front.counts_from_at)
                and (moves.evidence_at >= front.reached_at or moves.may_come_before)
        ) as choices
    where choice = 1
{%- endmacro %}

{# A helper table beside the model, dropped at the end. #}
{% macro stage_walk_table(name) -%}
    {{
        return(
            api.Relation.create(
                database=this.database, schema=this.schema, identifier=this.identifier ~ "__" ~ name, type="table"
            )
        )
    }}
{%- endmacro %}

{% macro stage_walk_create(relation, query) -%}
    {% do adapter.drop_relation(relation) %} {{ create_table_as(False, relation, query) }}
{%- endmacro %}

{% macro stage_walk_build(relation, query) -%} {% do run_query(stage_walk_create(relation, query)) %} {%- endmacro %}

{# The one number of a query; null is nought. #}
{% macro stage_walk_number(query) -%} {{ return((run_query(query).columns[0].values()[0] or 0) | int) }} {%- endmacro %}
