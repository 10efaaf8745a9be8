{#
    A query (sync_key, record_id, contact_id): the records of people in one CRM that a sync is to keep in step.

    One row per live record (a person with two records has the same values on both). With `creates`, also one per person who
    has no live record there, whose stage creates records (lifecycle_stages.creates_in_crm), who can be found again by e-mail,
    and whose record there was not archived before.

    source: the CRM's name.
    object: object of the records as the CRM's syncs name it; none = the CRM has one for all people.
    creates: whether people without a record there are listed too.
#}
{% macro contact_sync_targets(source, object=none, creates=false) -%}
    select
        case
            when records.is_primary then records.contact_id else records.contact_id || ':' || records.record_id
        end as sync_key,
        records.record_id,
        records.contact_id
    from {{ ref("int_contact_crm_records") }} as records
    where records.source = '{{ source }}' {% if object is not none %} and records.object = '{{ object }}' {% endif %}

    {% if creates %}
        union all

        select contact_id as sync_key, cast(null as {{ dbt.type_string() }}) as record_id, contact_id
        from {{ ref("int_contact_activation") }}
        where
            {{ source }}_record_id is null
            and not is_archived_in_{{ source }}
            and creates_in_crm
            and email is not null
            and email_status in ('valid', 'role')
    {% endif %}
{%- endmacro %}
