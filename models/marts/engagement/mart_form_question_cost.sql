-- What one more question goes with in completion (R12): a straight line through all forms' months, weighted by their
-- views.
-- Its interval takes the months of one form for one observation, or many months of a few forms would look like
-- evidence.
with
    -- A month in which nobody filled a form does not tell its questions: they are as many as in its other months.
    told as (
        select
            form_id,
            form_kind,
            views,
            submissions,
            coalesce(questions, max(questions) over (partition by form_id)) as questions
        from {{ ref("mart_form_performance") }}
    ),

    months as (
        select
            form_id,
            form_kind,
            cast(views as double) as views,
            cast(submissions as double) as submissions,
            cast(questions as double) as questions
        from told
        where views is not null and questions is not null
    ),

    measured as (
        select 'all' as form_kind, form_id, views, submissions, questions
        from months
        union all
        select form_kind, form_id, views, submissions, questions
        from months
    ),

    means as (
        select
            form_kind,
            count(distinct form_id) as forms,
            count(*) as form_months,
            sum(views) as views,
            sum(submissions) as submissions,
            sum(views * questions) / sum(views) as mean_questions,
            sum(submissions) / sum(views) as mean_completion
        from measured
        group by form_kind
    ),

    centred as (
        select
            measured.form_kind,
            measured.form_id,
            measured.views,
            measured.questions - means.mean_questions as more_questions,
            measured.submissions / measured.views - means.mean_completion as more_completion
        from measured
        inner join means on measured.form_kind = means.form_kind
    ),

    slopes as (
        select
            form_kind,
            sum(views * more_questions * more_questions) as spread,
            sum(views * more_questions * more_completion)
            / nullif(sum(views * more_questions * more_questions), 0) as slope
        from centred
        group by form_kind
    ),

    form_residuals as (
        select
            centred.form_kind,
            centred.form_id,
            sum(
                centred.views
                * centred.more_questions
                * (centred.more_completion - slopes.slope * centred.more_questions)
            ) as residual
        from centred
        inner join slopes on centred.form_kind = slopes.form_kind
        group by centred.form_kind, centred.form_id
    ),

    errors as (select form_kind, sqrt(sum(residual * residual)) as residual from form_residuals group by form_kind),

    final as (
        select
            means.form_kind,
            cast(means.forms as bigint) as forms,
            cast(means.form_months as bigint) as form_months,
            cast(means.views as bigint) as views,
            cast(means.submissions as bigint) as submissions,
            cast(means.mean_questions as decimal(9, 3)) as mean_questions,
            cast(100 * means.mean_completion as decimal(9, 3)) as completion_pct,
            cast(100 * slopes.slope as decimal(9, 3)) as points_per_question,
            cast(
                100 * (slopes.slope - 1.959964 * errors.residual / slopes.spread) as decimal(9, 3)
            ) as points_per_question_lo,
            cast(
                100 * (slopes.slope + 1.959964 * errors.residual / slopes.spread) as decimal(9, 3)
            ) as points_per_question_hi,
            means.forms >= {{ setting("question_cost_min_forms", "form_settings") }}
            and slopes.slope is not null as is_enough,
            {{ as_of() }} as as_of_at
        from means
        inner join slopes on means.form_kind = slopes.form_kind
        inner join errors on means.form_kind = errors.form_kind
    )

select *
from final
