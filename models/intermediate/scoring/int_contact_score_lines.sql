with
    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),
    contact_fit as (select * from {{ ref("int_contact_fit_lines") }}),
    account_fit as (select * from {{ ref("int_account_fit_lines") }}),
    engagement as (select * from {{ ref("int_contact_engagement") }}),
    exclusions as (select * from {{ ref("int_contact_exclusions") }}),

    fit_lines as (
        select contact_id, rule_id, value, stated_at, points
        from contact_fit

        union all

        -- What a company is counts for its people too.
        select contacts.contact_id, account_fit.rule_id, account_fit.value, account_fit.stated_at, account_fit.points
        from contacts
        inner join account_fit on contacts.account_id = account_fit.account_id
    ),

    lines as (
        select
            contact_id,
            'fit' as score_kind,
            rule_id,
            -- A rule about what is not known rests on nothing.
            cast(case when value is null then 0 else 1 end as bigint) as evidence_count,
            stated_at as last_evidence_at,
            value as evidence_value,
            cast(points as decimal(18, 6)) as raw_points,
            cast(points as decimal(18, 6)) as decayed_points,
            cast(null as decimal(12, 4)) as cap,
            cast(points as decimal(18, 6)) as points
        from fit_lines

        union all

        -- No points: an exclusion takes the grade, and the ledger says why.
        select
            contact_id,
            'exclusion' as score_kind,
            rule_id,
            cast(1 as bigint) as evidence_count,
            stated_at as last_evidence_at,
            value as evidence_value,
            cast(0 as decimal(18, 6)) as raw_points,
            cast(0 as decimal(18, 6)) as decayed_points,
            cast(null as decimal(12, 4)) as cap,
            cast(0 as decimal(18, 6)) as points
        from exclusions

        union all

        select
            contact_id,
            score_kind,
            signal_id as rule_id,
            evidence_count,
            last_evidence_at,
            cast(null as {{ dbt.type_string() }}) as evidence_value,
            cast(raw_points as decimal(18, 6)) as raw_points,
            decayed_points,
            cap,
            decayed_points as points
        from engagement

        union all

        select
            contact_id,
            'cap' as score_kind,
            signal_id as rule_id,
            evidence_count,
            last_evidence_at,
            {{ plain_number("cap") }} as evidence_value,
            cast(0 as decimal(18, 6)) as raw_points,
            cast(0 as decimal(18, 6)) as decayed_points,
            cap,
            cap_points as points
        from engagement
        where cap_points != 0
    ),

    final as (
        select
            lines.contact_id,
            contacts.account_id,
            lines.score_kind,
            lines.rule_id,
            lines.evidence_count,
            lines.last_evidence_at,
            lines.evidence_value,
            lines.raw_points,
            lines.decayed_points,
            lines.cap,
            lines.points
        from lines
        inner join contacts on lines.contact_id = contacts.contact_id
    )

select *
from final
