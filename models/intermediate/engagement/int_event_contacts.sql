with
    records as (select * from {{ ref("int_contact_records") }} where source = 'events'),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    final as (
        select records.record_id as person_record_id, clusters.contact_id
        from records
        inner join clusters on records.record_key = clusters.record_key
    )

select *
from final
