{#- Every seed that a score depends on: its own rules first, then those that decide what its inputs are. -#}
{%- set rule_seeds = [
    "fit_rules",
    "fit_exclusions",
    "revenue_bands",
    "competitor_domains",
    "own_domains",
    "activity_code_systems",
    "activity_codes",
    "activity_divisions",
    "engagement_signals",
    "scoring_settings",
    "score_bands",
    "grades",
    "grade_matrix",
    "committee_roles",
    "request_groups",
    "title_rules",
    "page_kinds",
    "form_kinds",
    "event_kinds",
    "touch_types",
    "session_rules",
    "activity_outcomes",
    "automation_sources",
    "identifier_rules",
    "source_precedence",
    "survivorship_rules",
    "value_quality",
    "verified_values",
    "declared_quality_rules",
    "account_match_rules",
    "account_tie_breakers",
    "account_match_settings",
    "account_decisions",
    "role_mailboxes",
    "disposable_domains",
    "free_mail_domains",
    "country_aliases",
    "currency_rates",
    "reporting_currency",
] -%}

with
    rule_texts as (
        {% for rule_seed in rule_seeds %}
            {{ seed_text(rule_seed) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    seed_versions as (select seed, md5(coalesce(content, '')) as seed_version from rule_texts),

    -- Few rows: the order is fixed by the list above, not by the engine.
    final as (
        select
            substr(
                md5(
                    {% for rule_seed in rule_seeds %}
                        max(case when seed = '{{ rule_seed }}' then seed_version end)
                        {% if not loop.last %} || {% endif %}
                    {% endfor %}
                ),
                1,
                12
            ) as ruleset_version,
            '{{ scoring_code_version() }}' as code_version
        from seed_versions
    )

select *
from final
