-- Forms filled, whoever saw them: the CRM's forms with their answers, and forms that only the tracker saw.
with
    submissions as (select * from {{ ref("stg_hubspot__form_submissions") }}),

    fates as (select * from {{ ref("int_form_submission_fates") }}),

    forms as (select * from {{ ref("stg_hubspot__forms") }}),

    form_touches as (select * from {{ ref("int_form_touches") }}),

    tracked_touches as (select * from {{ ref("int_tracked_touches") }} where touch_type = 'form_submission'),

    events as (select * from {{ ref("int_events") }} where event_type = 'track'),

    tracked as (
        select
            tracked_touches.message_id,
            coalesce(
                {{ json_text("events.properties", "form_id") }},
                {{ json_text("events.properties", "form") }},
                {{ json_text("events.properties", "form_name") }},
                'unnamed'
            ) as form_id,
            coalesce(
                {{ json_text("events.properties", "form_name") }},
                {{ json_text("events.properties", "form") }},
                {{ json_text("events.properties", "form_id") }},
                'unnamed'
            ) as form_name,
            tracked_touches.signal_detail as form_kind,
            tracked_touches.contact_id,
            tracked_touches.touch_at,
            events.page_path
        from tracked_touches
        inner join events on tracked_touches.message_id = events.message_id
    ),

    final as (
        select
            {{ hash_key(["'hubspot_forms'", "submissions.submission_id"]) }} as fill_id,
            'hubspot_forms' as source,
            coalesce(submissions.form_id, 'unnamed') as form_id,
            coalesce(forms.name, submissions.form_id, 'unnamed') as form_name,
            coalesce(form_touches.signal_detail, 'other') as form_kind,
            forms.field_names,
            lower(submissions.email_raw) as record_id,
            fates.contact_id,
            submissions.submitted_at,
            {{ url_path("submissions.page_url") }} as page_path,
            submissions.answers
        from submissions
        left join fates on submissions.submission_id = fates.submission_id
        left join forms on submissions.form_id = forms.form_id
        left join form_touches on submissions.submission_id = form_touches.submission_id
        union all
        select
            {{ hash_key(["'events'", "message_id"]) }} as fill_id,
            'events' as source,
            form_id,
            form_name,
            form_kind,
            cast(null as {{ dbt.type_string() }}) as field_names,
            cast(null as {{ dbt.type_string() }}) as record_id,
            contact_id,
            touch_at as submitted_at,
            page_path,
            cast(null as {{ dbt.type_string() }}) as answers
        from tracked
    )

select *
from final
