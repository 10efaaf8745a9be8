-- Every company that a provider could be asked about, and why it is not (yet). An answer is worth its price only
-- where it
-- could move a grade: the best and the worst answer to what is unknown, and that the provider knows, are tried on the
-- company
-- and on each of its people above the gate.
with
    accounts as (select account_id, domain from {{ ref("dim_accounts") }}),

    account_scores as (select * from {{ ref("fct_account_scores") }}),

    contact_scores as (select * from {{ ref("fct_contact_scores") }} where account_id is not null),

    budgets as (select * from {{ ref("enrichment_budget") }}),

    attribute_ranges as (select * from {{ ref("int_fit_attribute_ranges") }} where entity = 'account'),

    facts as (select account_id, attribute from {{ ref("int_account_fit_facts") }}),

    bands as (select * from {{ ref("score_bands") }} where dimension = 'fit'),

    matrix as (select * from {{ ref("grade_matrix") }}),

    grades as (select * from {{ ref("grades") }}),

    calls as (select * from {{ ref("fct_enrichment_calls") }}),

    most_engaged as (
        select account_id, max(engagement_score) as engagement_score from contact_scores group by account_id
    ),

    last_calls as (
        select account_id, provider, max(called_at) as last_called_at
        from calls
        where account_id is not null
        group by account_id, provider
    ),

    pairs as (
        select
            accounts.account_id,
            accounts.domain,
            budgets.provider,
            budgets.cost_per_call,
            budgets.currency,
            budgets.gate_engagement_score,
            most_engaged.engagement_score,
            last_calls.last_called_at,
            coalesce(most_engaged.engagement_score >= budgets.gate_engagement_score, false) as is_above_gate,
            coalesce(
                {{ days_between("last_calls.last_called_at", as_of()) }} < budgets.cache_days, false
            ) as is_answer_fresh
        from accounts
        cross join budgets
        left join most_engaged on accounts.account_id = most_engaged.account_id
        left join last_calls on accounts.account_id = last_calls.account_id and budgets.provider = last_calls.provider
    ),

    -- What each provider could add or take, over the facts that are not known of the company.
    answerable as (
        select
            budgets.provider,
            attribute_ranges.attribute,
            attribute_ranges.lo_points,
            attribute_ranges.hi_points,
            attribute_ranges.absence_points
        from budgets
        inner join attribute_ranges on {{ in_list("attribute_ranges.attribute", "budgets.attributes") }}
    ),

    rooms as (
        select
            pairs.account_id,
            pairs.provider,
            {{
                dbt.listagg(
                    "answerable.attribute",
                    "', '",
                    "order by answerable.attribute",
                )
            }} as unknown_attributes,
            sum(answerable.lo_points - answerable.absence_points) as lo_change,
            sum(answerable.hi_points - answerable.absence_points) as hi_change
        from pairs
        inner join answerable on pairs.provider = answerable.provider
        left join facts on pairs.account_id = facts.account_id and answerable.attribute = facts.attribute
        where pairs.is_above_gate and facts.account_id is null
        group by pairs.account_id, pairs.provider
    ),

    graded as (
        select
            'account' as entity,
            account_id as entity_id,
            account_id,
            fit_score,
            engagement_score,
            engagement_band,
            gate_passed,
            grade
        from account_scores
        where exclusion_reason is null

        union all

        select
            'contact' as entity,
            contact_id as entity_id,
            account_id,
            fit_score,
            engagement_score,
            engagement_band,
            true as gate_passed,
            grade
        from contact_scores
        where exclusion_reason is null
    ),

    tried as (
        select
            pairs.account_id,
            pairs.provider,
            graded.entity,
            graded.grade,
            current_grades.grade_order,
            case when graded.gate_passed then best_cells.grade else best_cells.grade_if_gate_fails end as best_grade,
            case when graded.gate_passed then worst_cells.grade else worst_cells.grade_if_gate_fails end as worst_grade
        from pairs
        inner join rooms on pairs.account_id = rooms.account_id and pairs.provider = rooms.provider
        inner join
            graded
            on pairs.account_id = graded.account_id
            and (graded.entity = 'account' or graded.engagement_score >= pairs.gate_engagement_score)
        inner join grades as current_grades on graded.grade = current_grades.grade
        inner join
            bands as best_bands
            on graded.entity = best_bands.entity
            and {{ in_band("(graded.fit_score + rooms.hi_change)", "best_bands") }}
        inner join
            bands as worst_bands
            on graded.entity = worst_bands.entity
            and {{ in_band("(graded.fit_score + rooms.lo_change)", "worst_bands") }}
        inner join
            matrix as best_cells
            on graded.entity = best_cells.entity
            and best_bands.band = best_cells.fit_band
            and graded.engagement_band = best_cells.engagement_band
        inner join
            matrix as worst_cells
            on graded.entity = worst_cells.entity
            and worst_bands.band = worst_cells.fit_band
            and graded.engagement_band = worst_cells.engagement_band
    ),

    moved as (
        select
            tried.account_id,
            tried.provider,
            sum(
                case when tried.best_grade != tried.grade or tried.worst_grade != tried.grade then 1 else 0 end
            ) as could_change,
            sum(greatest(tried.grade_order - best_grades.grade_order, 0)) as steps_up,
            sum(greatest(worst_grades.grade_order - tried.grade_order, 0)) as steps_down,
            max(case when tried.entity = 'account' then tried.grade end) as account_grade,
            max(case when tried.entity = 'account' then tried.best_grade end) as account_best_grade,
            max(case when tried.entity = 'account' then tried.worst_grade end) as account_worst_grade
        from tried
        inner join grades as best_grades on tried.best_grade = best_grades.grade
        inner join grades as worst_grades on tried.worst_grade = worst_grades.grade
        group by tried.account_id, tried.provider
    ),

    valued as (
        select
            pairs.*,
            rooms.unknown_attributes,
            coalesce(moved.could_change, 0) as could_change,
            coalesce(moved.steps_up, 0) as steps_up,
            coalesce(moved.steps_down, 0) as steps_down,
            moved.account_grade,
            moved.account_best_grade,
            moved.account_worst_grade,
            case
                when not pairs.is_above_gate
                then 'below_gate'
                when pairs.domain is null
                then 'no_domain'
                when rooms.account_id is null
                then 'nothing_unknown'
                when coalesce(moved.could_change, 0) = 0
                then 'cannot_change_a_grade'
                when pairs.is_answer_fresh
                then 'answer_is_fresh'
            end as reason
        from pairs
        left join rooms on pairs.account_id = rooms.account_id and pairs.provider = rooms.provider
        left join moved on pairs.account_id = moved.account_id and pairs.provider = moved.provider
    ),

    -- One provider is asked: the one whose answer could move most, then the cheapest.
    chosen as (
        select
            *,
            case
                when reason is null
                then
                    row_number() over (
                        partition by account_id, case when reason is null then 1 else 0 end
                        order by steps_up desc, steps_down desc, cost_per_call, provider
                    )
            end as choice
        from valued
    ),

    spent as (
        select budgets.provider, sum(calls.cost_reporting / rates.rate) as spent
        from budgets
        inner join calls on budgets.provider = calls.provider
        inner join
            {{ ref("int_currency_rates") }} as rates
            on budgets.currency = rates.currency
            and rates.valid_from <= cast({{ as_of() }} as date)
            and rates.valid_to > cast({{ as_of() }} as date)
        where calls.called_at >= {{ dbt.date_trunc("month", as_of()) }}
        group by budgets.provider
    ),

    lefts as (
        select
            budgets.provider,
            cast(greatest(budgets.monthly_budget - coalesce(spent.spent, 0), 0) as decimal(18, 4)) as budget_left
        from budgets
        left join spent on budgets.provider = spent.provider
    ),

    queued as (
        select
            chosen.*,
            lefts.budget_left,
            case
                when chosen.choice = 1
                then
                    row_number() over (
                        partition by chosen.provider, chosen.choice
                        order by
                            chosen.steps_up desc,
                            chosen.steps_down desc,
                            chosen.engagement_score desc,
                            chosen.account_id
                    )
            end as place
        from chosen
        inner join lefts on chosen.provider = lefts.provider
    ),

    final as (
        select
            account_id,
            domain,
            provider,
            unknown_attributes,
            engagement_score,
            gate_engagement_score,
            last_called_at,
            could_change,
            steps_up,
            steps_down,
            account_grade,
            account_best_grade,
            account_worst_grade,
            cost_per_call,
            currency,
            budget_left,
            place,
            cast(place * cost_per_call as decimal(18, 4)) as cumulated_cost,
            case
                when reason is not null
                then reason
                when choice > 1
                then 'other_provider'
                when place * cost_per_call > budget_left
                then 'over_budget'
                else 'queued'
            end as status
        from queued
    )

select *
from final
