{#- Rules that decide who is on a list, beside those of the scores. -#}
{%- set rule_seeds = [
    "list_rules",
    "list_settings",
    "routing_rules",
    "routes",
    "segment_rules",
    "handoff_requirements",
    "grades",
    "stage_thresholds",
    "stage_triggers",
    "lifecycle_stages",
    "lifecycle_transitions",
] -%}
{%- set found = smart_lists() -%}

-- Which definition each list has now: its SQL, the rules it follows and those of the scores.
with
    lists as (
        {% for smart_list in found %}
            select
                '{{ smart_list.name }}' as list_name,
                '{{ smart_list.checksum }}' as checksum,
                '{{ smart_list.block.name | replace("' ", " '' ") }}' as label,
                '{{ smart_list.block.purpose | replace(" '", "''") }}' as purpose,
                '{{ smart_list.destinations }}' as destination,
                '{{ smart_list.block.object }}' as object_type,
                '{{ smart_list.block.owner }}' as owner,
                '{{ smart_list.block.consent.rule }}' as consent_rule
            {% if not loop.last %}
                union all
            {% endif %}
        {% else %}select cast(null as {{ dbt.type_string() }}) as list_name
        {% endfor %}
    ),

    rule_texts as (
        {% for rule_seed in rule_seeds %}
            {{ seed_text(rule_seed) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    scores as (select ruleset_version, code_version from {{ ref("int_ruleset_version") }}),

    -- Few rows: the order is fixed by the list above, not by the engine.
    rules as (
        select
            {% for rule_seed in rule_seeds %}
                md5(coalesce(max(case when seed = '{{ rule_seed }}' then content end), ''))
                {% if not loop.last %} || {% endif %}
            {% endfor %} as versions
        from rule_texts
    ),

    final as (
        select
            lists.list_name,
            lists.label,
            lists.purpose,
            lists.destination,
            lists.object_type,
            lists.owner,
            lists.consent_rule,
            substr(
                {{ hash_key(["lists.checksum", "rules.versions", "scores.ruleset_version", "scores.code_version"]) }},
                1,
                12
            ) as list_version
        from lists
        cross join rules
        cross join scores
    )

select *
from final
