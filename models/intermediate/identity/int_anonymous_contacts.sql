-- Whose a browser or device is: the contact that its events name most often. A device that names more contacts than the
-- rule allows is shared (a kiosk, a meeting room): it carries nobody's history.
with
    named as (select * from {{ ref("int_device_people") }}),

    records as (select * from {{ ref("int_contact_records") }} where source = 'events'),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    rule as (select max_records from {{ ref("identifier_rules") }} where identifier_type = 'anonymous_id'),

    people as (
        select
            named.anonymous_id,
            clusters.contact_id,
            sum(named.event_count) as event_count,
            min(named.first_named_at) as first_named_at
        from named
        inner join records on named.person_record_id = records.record_id
        inner join clusters on records.record_key = clusters.record_key
        group by named.anonymous_id, clusters.contact_id
    ),

    ranked as (
        select
            anonymous_id,
            contact_id,
            first_named_at,
            count(*) over (partition by anonymous_id) as contact_count,
            row_number() over (
                partition by anonymous_id order by event_count desc, first_named_at, contact_id
            ) as choice
        from people
    ),

    final as (
        select anonymous_id, contact_id, contact_count, first_named_at as identified_at
        from ranked
        where choice = 1 and contact_count <= (select max_records from rule)
    )

select *
from final
