{{ config(materialized="view") }}

-- Every contact id that was or may have been given, and the contact that answers for it now. An id is made of the
-- record a
-- contact was named after; whoever kept an old id finds its person here by that record.
with
    clusters as (select * from {{ ref("int_contact_clusters") }}),

    final as (
        select {{ hash_key(["'contact'", "record_key"]) }} as issued_contact_id, contact_id, is_oldest as is_current
        from clusters
    )

select *
from final
