-- One source record per person that events name: a user id, or an address where there is none. The newest traits win.
with
    events as (select * from {{ ref("int_events") }} where person_record_id is not null),

    people as (
        select
            person_record_id as record_id,
            max(user_id) as user_id,
            min(event_at) as created_at,
            max(event_at) as updated_at
        from events
        group by person_record_id
    ),

    -- Few addresses a person: they are ranked, not the events.
    addresses as (
        select person_record_id as record_id, email_raw, max(event_at) as last_seen_at
        from events
        where email_raw is not null
        group by person_record_id, email_raw
    ),

    newest_addresses as (
        select
            record_id,
            email_raw,
            row_number() over (partition by record_id order by last_seen_at desc, email_raw) as recency
        from addresses
    ),

    traits as (
        select
            person_record_id as record_id,
            event_at,
            message_id,
            coalesce({{ json_text("traits", "firstName") }}, {{ json_text("traits", "first_name") }}) as first_name,
            coalesce({{ json_text("traits", "lastName") }}, {{ json_text("traits", "last_name") }}) as last_name,
            coalesce({{ json_text("traits", "title") }}, {{ json_text("traits", "jobTitle") }}) as job_title,
            {{ json_text("traits", "phone") }} as phone_raw
        from events
        where traits is not null and event_type = 'identify'
    ),

    newest_traits as (
        select
            record_id,
            first_name,
            last_name,
            job_title,
            phone_raw,
            row_number() over (
                partition by record_id
                order by
                    case when coalesce(first_name, last_name, job_title, phone_raw) is null then 1 else 0 end,
                    event_at desc,
                    message_id
            ) as recency
        from traits
    ),

    final as (
        select
            people.record_id,
            people.user_id,
            newest_addresses.email_raw,
            {{ blank_to_null("newest_traits.first_name") }} as first_name,
            {{ blank_to_null("newest_traits.last_name") }} as last_name,
            {{ blank_to_null("newest_traits.job_title") }} as job_title,
            {{ blank_to_null("newest_traits.phone_raw") }} as phone_raw,
            people.created_at,
            people.updated_at
        from people
        left join newest_addresses on people.record_id = newest_addresses.record_id and newest_addresses.recency = 1
        left join newest_traits on people.record_id = newest_traits.record_id and newest_traits.recency = 1
    )

select *
from final
