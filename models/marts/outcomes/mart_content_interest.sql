-- Among people who took any content: how much more often those of a profile took this piece.
with
    touches as (
        select * from {{ ref("fct_touches") }} where content is not null and contact_id is not null and not is_machine
    ),

    content_touches as (select * from {{ ref("content_touches") }}),

    profiles as (select * from {{ ref("int_profiles") }} where entity = 'contact'),

    attributes as (select * from {{ ref("profile_attributes") }} where entity = 'contact' and in_content),

    content_taken as (
        select touches.contact_id, touches.content, touches.touch_type, touches.signal_detail
        from touches
        inner join content_touches on touches.touch_type = content_touches.touch_type
    ),

    -- Some touches detail the kind of content (a whitepaper), others only repeat its name (a webinar).
    kinds as (
        select
            content,
            coalesce(
                max(case when signal_detail is distinct from content then signal_detail end), max(touch_type)
            ) as content_kind
        from content_taken
        group by content
    ),

    -- Whoever takes it twice is one interested person.
    interests as (select contact_id, content, count(*) as touches from content_taken group by contact_id, content),

    people as (select distinct contact_id from interests),

    known as (
        select people.contact_id, profiles.attribute, profiles.value
        from people
        inner join profiles on people.contact_id = profiles.entity_id
        inner join attributes on profiles.attribute = attributes.attribute
    ),

    profile_people as (select attribute, value, count(*) as people from known group by attribute, value),

    all_people as (select attribute, sum(people) as all_people from profile_people group by attribute),

    profile_interests as (
        select
            interests.content, known.attribute, known.value, count(*) as interested, sum(interests.touches) as touches
        from interests
        inner join known on interests.contact_id = known.contact_id
        group by interests.content, known.attribute, known.value
    ),

    content_people as (
        select content, attribute, sum(interested) as content_people from profile_interests group by content, attribute
    ),

    -- Also the pairs that never met: no interest is a finding.
    cells as (
        select
            content_people.content,
            profile_people.attribute,
            profile_people.value,
            profile_people.people,
            all_people.all_people,
            content_people.content_people,
            coalesce(profile_interests.interested, 0) as interested,
            coalesce(profile_interests.touches, 0) as touches,
            kinds.content_kind
        from profile_people
        inner join all_people on profile_people.attribute = all_people.attribute
        inner join content_people on profile_people.attribute = content_people.attribute
        inner join kinds on content_people.content = kinds.content
        left join
            profile_interests
            on content_people.content = profile_interests.content
            and profile_people.attribute = profile_interests.attribute
            and profile_people.value = profile_interests.value
    ),

    judged as (
        select
            cells.*,
            case
                when people < {{ setting("content_min_people", "outcome_settings") }}
                then 'too_few_people_of_this_profile'
                when content_people < {{ setting("content_min_people", "outcome_settings") }}
                then 'too_few_people_took_this_content'
            end as hidden_reason,
            cast(interested as double) * all_people / (cast(content_people as double) * people) as lift,
            {{ lift_interval("interested", "content_people", "people", "all_people", "lo") }} as lift_lo,
            {{ lift_interval("interested", "content_people", "people", "all_people", "hi") }} as lift_hi
        from cells
    ),

    final as (
        select
            {{ hash_key(["content", "attribute", "value"]) }} as content_interest_id,
            content,
            content_kind,
            attribute,
            value,
            hidden_reason,
            cast(case when hidden_reason is null then people end as bigint) as people,
            cast(case when hidden_reason is null then interested end as bigint) as interested,
            cast(case when hidden_reason is null then touches end as bigint) as touches,
            cast(case when hidden_reason is null then 100.0 * interested / people end as decimal(7, 3)) as interest_pct,
            cast(100.0 * content_people / all_people as decimal(7, 3)) as overall_interest_pct,
            cast(case when hidden_reason is null then lift end as decimal(12, 4)) as lift,
            cast(case when hidden_reason is null then lift_lo end as decimal(12, 4)) as lift_lo,
            cast(case when hidden_reason is null then lift_hi end as decimal(12, 4)) as lift_hi,
            case
                when hidden_reason is not null
                then 'hidden'
                when lift_lo > 1
                then 'more'
                when lift_hi < 1
                then 'less'
                else 'as_others'
            end as finding,
            {{ as_of() }} as as_of_at
        from judged
    )

select *
from final
