-- What would change if one rule were not there and all others were: its points are taken off the score and the cell is
-- looked up anew. A rule whose loss moves nobody is not worth its line (R55).
with
    ledger as (select * from {{ ref("fct_score_ledger") }}),

    contact_scores as (select * from {{ ref("fct_contact_scores") }}),

    account_scores as (select * from {{ ref("fct_account_scores") }}),

    fit_rules as (select * from {{ ref("fit_rules") }}),

    signals as (select * from {{ ref("engagement_signals") }}),

    bands as (select * from {{ ref("score_bands") }}),

    matrix as (select * from {{ ref("grade_matrix") }}),

    -- Rules of an account count for its people too, so that they are tried on both.
    rules as (
        select rule_id, 'fit' as rule_kind, 'contact' as entity_type
        from fit_rules
        union all
        select rule_id, 'fit' as rule_kind, 'account' as entity_type
        from fit_rules
        where entity = 'account'
        union all
        select signal_id as rule_id, 'signal' as rule_kind, 'contact' as entity_type
        from signals
    ),

    scores as (
        select
            'contact' as entity_type,
            contact_id as entity_id,
            fit_score,
            engagement_score,
            fit_band,
            engagement_band,
            grade,
            true as gate_passed,
            exclusion_reason
        from contact_scores

        union all

        select
            'account' as entity_type,
            account_id as entity_id,
            fit_score,
            engagement_score,
            fit_band,
            engagement_band,
            grade,
            gate_passed,
            exclusion_reason
        from account_scores
    ),

    -- A cap belongs to its signal: without the signal it has nothing to take.
    net_lines as (
        select
            entity_type,
            entity_id,
            case when score_kind = 'fit' then 'fit' else 'signal' end as rule_kind,
            rule_id,
            sum(case when score_kind = 'cap' then 0 else 1 end) as ledger_lines,
            sum(points) as points
        from ledger
        group by entity_type, entity_id, case when score_kind = 'fit' then 'fit' else 'signal' end, rule_id
    ),

    without_rule as (
        select
            net_lines.entity_type,
            net_lines.rule_kind,
            net_lines.rule_id,
            net_lines.ledger_lines,
            net_lines.points,
            scores.fit_band,
            scores.engagement_band,
            scores.grade,
            scores.gate_passed,
            scores.exclusion_reason,
            scores.fit_score - case when net_lines.rule_kind = 'fit' then net_lines.points else 0 end as fit_score,
            scores.engagement_score
            - case when net_lines.rule_kind = 'signal' then net_lines.points else 0 end as engagement_score
        from net_lines
        inner join scores on net_lines.entity_type = scores.entity_type and net_lines.entity_id = scores.entity_id
    ),

    changed as (
        select
            without_rule.entity_type,
            without_rule.rule_kind,
            without_rule.rule_id,
            without_rule.ledger_lines,
            without_rule.points,
            -- Who is excluded has the grade of the excluded, whatever the cell.
            without_rule.exclusion_reason is null
            and (
                fit_bands.band != without_rule.fit_band or engagement_bands.band != without_rule.engagement_band
            ) as cell_changes,
            without_rule.exclusion_reason is null
            and case when without_rule.gate_passed then matrix.grade else matrix.grade_if_gate_fails end
            != without_rule.grade as grade_changes
        from without_rule
        inner join
            bands as fit_bands
            on without_rule.entity_type = fit_bands.entity
            and fit_bands.dimension = 'fit'
            and {{ in_band("without_rule.fit_score", "fit_bands") }}
        inner join
            bands as engagement_bands
            on without_rule.entity_type = engagement_bands.entity
            and engagement_bands.dimension = 'engagement'
            and {{ in_band("without_rule.engagement_score", "engagement_bands") }}
        inner join
            matrix
            on without_rule.entity_type = matrix.entity
            and fit_bands.band = matrix.fit_band
            and engagement_bands.band = matrix.engagement_band
    ),

    counted as (
        select
            entity_type,
            rule_kind,
            rule_id,
            sum(ledger_lines) as ledger_lines,
            count(*) as entities,
            sum(points) as points,
            sum(case when cell_changes then 1 else 0 end) as cells_changed,
            sum(case when grade_changes then 1 else 0 end) as grades_changed
        from changed
        group by entity_type, rule_kind, rule_id
    ),

    tried as (
        select
            rules.rule_kind,
            rules.rule_id,
            rules.entity_type,
            coalesce(counted.ledger_lines, 0) as ledger_lines,
            coalesce(counted.entities, 0) as entities,
            coalesce(counted.points, 0) as points,
            coalesce(counted.cells_changed, 0) as cells_changed,
            coalesce(counted.grades_changed, 0) as grades_changed,
            sum(coalesce(counted.cells_changed, 0)) over (
                partition by rules.rule_kind, rules.rule_id
            ) as rule_cells_changed,
            sum(coalesce(counted.entities, 0)) over (partition by rules.rule_kind, rules.rule_id) as rule_entities
        from rules
        left join
            counted
            on rules.rule_kind = counted.rule_kind
            and rules.rule_id = counted.rule_id
            and rules.entity_type = counted.entity_type
    ),

    final as (
        select
            {{ hash_key(["rule_kind", "rule_id", "entity_type"]) }} as rule_usefulness_id,
            rule_kind,
            rule_id,
            entity_type,
            cast(ledger_lines as bigint) as ledger_lines,
            cast(entities as bigint) as entities,
            cast(points as decimal(18, 6)) as points,
            cast(cells_changed as bigint) as cells_changed,
            cast(grades_changed as bigint) as grades_changed,
            rule_cells_changed = 0 as is_useless,
            case
                when rule_entities = 0
                then 'never_applies'
                when rule_cells_changed = 0
                then 'changes_no_cell'
                else 'changes_cells'
            end as finding,
            {{ as_of() }} as as_of_at
        from tried
    )

select *
from final
