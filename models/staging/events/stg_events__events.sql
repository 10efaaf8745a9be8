-- Events come by files and by the collector's inbox; a build waits for both.
-- depends_on: {{ source("raw_events", "inbox_state") }}
with
    source as (select * from {{ source("raw_events", "events") }}),

    renamed as (
        select
            -- A line without a message id is its own message.
            coalesce(message_id, md5(_source_file || ':' || _source_row)) as message_id,
            lower(type) as event_type,
            {{ blank_to_null("event") }} as event_name,
            {{ blank_to_null("user_id") }} as user_id,
            {{ blank_to_null("anonymous_id") }} as anonymous_id,
            {{ blank_to_null("group_id") }} as group_id,
            {{ blank_to_null("email") }} as email_raw,
            event_at,
            received_at,
            {{ blank_to_null("page_url") }} as page_url,
            {{ blank_to_null("page_path") }} as page_path,
            page_title,
            {{ blank_to_null("referrer") }} as referrer,
            lower({{ blank_to_null("utm_source") }}) as utm_source,
            lower({{ blank_to_null("utm_medium") }}) as utm_medium,
            {{ blank_to_null("utm_campaign") }} as utm_campaign,
            {{ blank_to_null("utm_content") }} as utm_content,
            {{ blank_to_null("utm_term") }} as utm_term,
            lower({{ blank_to_null("click_id_kind") }}) as click_id_kind,
            dwell_seconds,
            user_agent,
            ip,
            locale,
            tracker,
            properties,
            traits,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
