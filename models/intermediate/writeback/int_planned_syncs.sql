-- What each plan says of each sync that it holds, out of its JSON summary.
{%- set sent = ["create", "update", "associate", "list_add", "list_remove", "delete"] %}
{%- set left = ["unchanged", "suppressed", "missing_key", "conflict", "held"] %}

with
    plans as (select * from {{ ref("stg_ops__sync_plans") }}),

    listed as (select * from {{ json_elements("plans", "summary") }} as elements),

    counted as (
        select
            plan_id,
            planned_at,
            expires_at,
            status,
            build_id,
            ruleset_version,
            published_at,
            {{ json_text("element", "sync") }} as sync,
            {{ json_text("element", "kind") }} as kind,
            {{ json_text("element", "destination") }} as destination,
            {{ json_text("element", "object") }} as object,
            {{ json_text("element", "guards") }} as guards,
            {{ json_text("element", "counts") }} as counts
        from listed
    ),

    final as (
        select
            {{ hash_key(["plan_id", "sync"]) }} as planned_sync_id,
            plan_id,
            sync,
            kind,
            destination,
            object,
            planned_at,
            expires_at,
            status,
            build_id,
            ruleset_version,
            published_at,
            coalesce(guards, '[]') not in ('[]', '') as is_guarded,
            {% for outcome in sent + left %}
                coalesce(cast({{ json_text("counts", outcome) }} as bigint), 0) as {{ outcome }}_rows,
            {% endfor %}
            {% for outcome in sent %}
                coalesce(cast({{ json_text("counts", outcome) }} as bigint), 0) {{ "+" if not loop.last }}
            {% endfor %} as changes
        from counted
    )

select *
from final
