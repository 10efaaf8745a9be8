{#
    A memory, not a computation: `--full-refresh` leaves it alone, because what it remembers cannot be computed again. Rows are
    written for the records whose contact changed only.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="record_key",
        on_schema_change="fail",
        full_refresh=false,
    )
}}

-- Which contact each record belonged to at the end of the last build, and which before that.
with
    clusters as (select record_key, contact_id from {{ ref("int_contact_clusters") }}),

    {% if is_incremental() %}
        known as (select record_key, contact_id from {{ this }}),

        final as (
            select
                coalesce(clusters.record_key, known.record_key) as record_key,
                clusters.contact_id,
                known.contact_id as previous_contact_id,
                {{ as_of() }} as observed_at
            from clusters
            full outer join known on clusters.record_key = known.record_key
            where clusters.contact_id is distinct from known.contact_id
        )
    {% else %}
        final as (
            select
                record_key,
                contact_id,
                cast(null as {{ dbt.type_string() }}) as previous_contact_id,
                {{ as_of() }} as observed_at
            from clusters
        )
    {% endif %}

select *
from final
