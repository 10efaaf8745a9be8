with
    submissions as (select * from {{ ref("stg_hubspot__form_submissions") }} where email_raw is not null),

    forms as (select * from {{ ref("stg_hubspot__forms") }}),

    form_kinds as (select * from {{ ref("form_kinds") }}),

    records as (select * from {{ ref("int_contact_records") }} where source = 'hubspot_forms'),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    sessions as (select * from {{ ref("int_web_sessions") }} where contact_id is not null),

    rules as (
        select max(case when rule_id = 'session_gap' then value end) as session_gap from {{ ref("session_rules") }}
    ),

    keyed_forms as (select form_id, name, {{ words_key("name") }} as form_key from forms),

    named_kinds as (
        select
            keyed_forms.form_id,
            form_kinds.form_kind,
            row_number() over (partition by keyed_forms.form_id order by form_kinds.priority) as choice
        from keyed_forms
        inner join form_kinds on {{ matches("keyed_forms.form_key", "form_kinds.name_pattern") }}
    ),

    owned as (
        select submissions.submission_id, submissions.form_id, submissions.submitted_at, clusters.contact_id
        from submissions
        inner join records on lower(submissions.email_raw) = records.record_id
        inner join clusters on records.record_key = clusters.record_key
    ),

    visits as (
        select
            owned.submission_id,
            sessions.session_id,
            sessions.channel,
            sessions.utm_campaign,
            row_number() over (
                partition by owned.submission_id order by sessions.session_started_at desc, sessions.session_id
            ) as choice
        from owned
        cross join rules
        inner join
            sessions
            on owned.contact_id = sessions.contact_id
            and owned.submitted_at >= sessions.session_started_at
            and {{ dbt.datediff("sessions.session_ended_at", "owned.submitted_at", "second") }} <= rules.session_gap
    ),

    final as (
        select
            owned.submission_id,
            owned.contact_id,
            owned.submitted_at as touch_at,
            coalesce(named_kinds.form_kind, 'other') as signal_detail,
            visits.session_id,
            visits.channel,
            visits.utm_campaign as campaign,
            forms.name as content
        from owned
        left join forms on owned.form_id = forms.form_id
        left join named_kinds on owned.form_id = named_kinds.form_id and named_kinds.choice = 1
        left join visits on owned.submission_id = visits.submission_id and visits.choice = 1
    )

select *
from final
