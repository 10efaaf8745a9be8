{#
    SAL/MQL = accepted / (accepted + worked and rejected + late + too few tries); what is pending stands apart. A cohort is
    mature when its month or week is over and each of its hand-overs has matured: its figures do not change any more.
-#}
with
    verdicts as (select * from {{ ref("fct_handoff_verdicts") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    moves as (select * from {{ ref("handoff_moves") }}),

    accepting_moves as (
        select transitions.contact_id, transitions.transition_at, moves.meaning
        from transitions
        inner join
            moves
            on transitions.to_stage = moves.to_stage
            and (moves.from_stage is null or transitions.from_stage = moves.from_stage)
        where moves.meaning in ('accepted', 'handed_over') and transitions.transition_at <= {{ as_of() }}
    ),

    first_moves as (
        select
            contact_id,
            min(case when meaning = 'accepted' then transition_at end) as accepted_at,
            min(case when meaning = 'handed_over' then transition_at end) as handed_over_at
        from accepting_moves
        group by contact_id
    ),

    -- Sales found them itself: no success of a hand-over, and no failure of one.
    without_handoff as (
        select accepted_at as cohort_at
        from first_moves
        where accepted_at is not null and (handed_over_at is null or accepted_at < handed_over_at)
    ),

    dated as (
        {% for kind in ["month", "week"] %}
            select
                '{{ kind }}' as cohort_kind,
                cast({{ dbt.date_trunc(kind, "mql_at") }} as date) as cohort_on,
                segment,
                verdict,
                is_mature,
                0 as accepted_without_handoff
            from verdicts
            union all
            select
                '{{ kind }}' as cohort_kind,
                cast({{ dbt.date_trunc(kind, "cohort_at") }} as date) as cohort_on,
                cast(null as {{ dbt.type_string() }}) as segment,
                cast(null as {{ dbt.type_string() }}) as verdict,
                true as is_mature,
                1 as accepted_without_handoff
            from without_handoff
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    scoped as (
        select cohort_kind, cohort_on, 'all' as segment, verdict, is_mature, accepted_without_handoff
        from dated
        union all
        select
            cohort_kind, cohort_on, coalesce(segment, 'none') as segment, verdict, is_mature, accepted_without_handoff
        from dated
        where verdict is not null
    ),

    counted as (
        select
            cohort_kind,
            cohort_on,
            segment,
            count(verdict) as handoffs,
            {% for verdict in ["accepted", "worked_and_rejected", "late", "too_few_tries", "pending"] %}
                count(case when verdict = '{{ verdict }}' then 1 end) as {{ verdict }},
            {% endfor %}
            sum(accepted_without_handoff) as accepted_without_handoff,
            min(case when is_mature then 1 else 0 end) = 1 as are_all_mature
        from scoped
        group by cohort_kind, cohort_on, segment
    ),

    final as (
        select
            {{ hash_key(["cohort_kind", "cohort_on", "segment"]) }} as cohort_id,
            cohort_kind,
            cohort_on,
            segment,
            handoffs,
            accepted,
            worked_and_rejected,
            late,
            too_few_tries,
            pending,
            handoffs - pending as judged,
            cast(100 * accepted / nullif(cast(handoffs - pending as double), 0) as decimal(6, 3)) as sal_mql_pct,
            cast(
                100 * {{ wilson_interval("accepted", "(handoffs - pending)", "lo") }} as decimal(6, 3)
            ) as sal_mql_lo_pct,
            cast(
                100 * {{ wilson_interval("accepted", "(handoffs - pending)", "hi") }} as decimal(6, 3)
            ) as sal_mql_hi_pct,
            cast(accepted_without_handoff as bigint) as accepted_without_handoff,
            are_all_mature
            and case
                cohort_kind
                when 'month'
                then {{ dbt.dateadd("month", 1, "cohort_on") }}
                else {{ dbt.dateadd("day", 7, "cohort_on") }}
            end
            <= {{ as_of() }} as is_mature
        from counted
    )

select *
from final
