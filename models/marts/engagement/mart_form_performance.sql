-- What each form brings, by month: how many who saw it filled it, who was new, who became an MQL, how true the
-- answers are.
with
    fills as (select * from {{ ref("int_form_fills") }}),

    answers as (select * from {{ ref("int_form_answers") }}),

    page_views as (select * from {{ ref("int_page_views") }}),

    contacts as (select contact_id, created_at from {{ ref("dim_contacts") }}),

    mqls as (select contact_id, conversion_at from {{ ref("int_conversions") }} where conversion_kind = 'mql'),

    rules as (select max(case when rule_id = 'same_form' then value end) as same_form from {{ ref("session_rules") }}),

    -- A form has one name and one kind, whatever its lines say.
    forms as (
        select
            form_id,
            max(form_name) as form_name,
            coalesce(max(case when form_kind != 'other' then form_kind end), 'other') as form_kind
        from fills
        group by form_id
    ),

    -- Where a form stands is known from where it was filled.
    form_pages as (select distinct form_id, page_path from fills where page_path is not null),

    views as (
        select
            form_pages.form_id,
            cast({{ dbt.date_trunc("month", "page_views.event_at") }} as date) as month_on,
            count(distinct page_views.session_id) as views
        from page_views
        inner join form_pages on page_views.page_path = form_pages.page_path
        group by 1, 2
    ),

    ordered as (
        select
            fills.*,
            cast({{ dbt.date_trunc("month", "fills.submitted_at") }} as date) as month_on,
            row_number() over (partition by fills.contact_id order by fills.submitted_at, fills.fill_id) as fill_number
        from fills
    ),

    judged as (
        select
            ordered.fill_id,
            ordered.form_id,
            ordered.month_on,
            ordered.contact_id,
            case
                when
                    ordered.contact_id is not null
                    and ordered.fill_number = 1
                    and (
                        contacts.created_at is null
                        or {{ dbt.datediff("contacts.created_at", "ordered.submitted_at", "second") }}
                        <= rules.same_form
                    )
                then 1
                else 0
            end as is_new_contact,
            case when mqls.conversion_at >= ordered.submitted_at then ordered.contact_id end as mql_contact_id
        from ordered
        cross join rules
        left join contacts on ordered.contact_id = contacts.contact_id
        left join mqls on ordered.contact_id = mqls.contact_id
    ),

    counted_fills as (
        select
            form_id,
            month_on,
            count(*) as submissions,
            count(distinct contact_id) as people,
            sum(is_new_contact) as new_contacts,
            count(distinct mql_contact_id) as mqls
        from judged
        group by form_id, month_on
    ),

    counted_answers as (
        select
            form_id,
            cast({{ dbt.date_trunc("month", "submitted_at") }} as date) as month_on,
            count(distinct question) as questions,
            sum(n_compared) as n_compared,
            sum(n_disagree) as n_disagree
        from answers
        group by 1, 2
    ),

    months as (
        select form_id, month_on
        from counted_fills
        union
        select form_id, month_on
        from views
    ),

    final as (
        select
            {{ hash_key(["months.form_id", "months.month_on"]) }} as form_month_id,
            months.form_id,
            months.month_on,
            forms.form_name,
            forms.form_kind,
            cast(views.views as bigint) as views,
            cast(coalesce(counted_fills.submissions, 0) as bigint) as submissions,
            cast(100.0 * coalesce(counted_fills.submissions, 0) / views.views as decimal(9, 3)) as completion_pct,
            cast(coalesce(counted_fills.people, 0) as bigint) as people,
            cast(coalesce(counted_fills.new_contacts, 0) as bigint) as new_contacts,
            cast(coalesce(counted_fills.mqls, 0) as bigint) as mqls,
            cast(100.0 * counted_fills.mqls / nullif(counted_fills.people, 0) as decimal(6, 3)) as mql_pct,
            cast(counted_answers.questions as bigint) as questions,
            cast(coalesce(counted_answers.n_compared, 0) as bigint) as n_compared,
            cast(
                100.0 * counted_answers.n_disagree / nullif(counted_answers.n_compared, 0) as decimal(6, 3)
            ) as declared_error_pct,
            cast(
                100
                * {{ wilson_interval("counted_answers.n_disagree", "counted_answers.n_compared", "lo") }} as decimal(
                    6, 3
                )
            ) as declared_error_lo_pct,
            cast(
                100
                * {{ wilson_interval("counted_answers.n_disagree", "counted_answers.n_compared", "hi") }} as decimal(
                    6, 3
                )
            ) as declared_error_hi_pct,
            {{ as_of() }} as as_of_at
        from months
        inner join forms on months.form_id = forms.form_id
        left join views on months.form_id = views.form_id and months.month_on = views.month_on
        left join counted_fills on months.form_id = counted_fills.form_id and months.month_on = counted_fills.month_on
        left join
            counted_answers on months.form_id = counted_answers.form_id and months.month_on = counted_answers.month_on
    )

select *
from final
