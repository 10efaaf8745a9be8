{#
    The zone a person's clock shows, by the best that is known: the area of the phone number where it tells more than the
    country, the country, the country of the phone number, the default.
-#}
{%- set prefix_lengths = range(7, 1, -1) -%}

with
    contacts as (select contact_id, country, phone_e164 from {{ ref("dim_contacts") }}),

    country_zones as (select * from {{ ref("country_time_zones") }}),

    phone_zones as (select * from {{ ref("phone_time_zones") }}),

    default_zone as (select * from country_zones where country = '*'),

    -- The longest prefix is the smallest area. A number of another country than the person's says nothing of where
    -- they are.
    areas as (
        select
            contacts.contact_id,
            contacts.country,
            coalesce(
                {% for length in prefix_lengths %}
                    phones_{{ length }}.country{% if not loop.last %}, {% endif %}
                {% endfor %}
            ) as phone_country,
            coalesce(
                {% for length in prefix_lengths %}
                    phones_{{ length }}.time_zone{% if not loop.last %}, {% endif %}
                {% endfor %}
            ) as phone_zone
        from contacts
        {% for length in prefix_lengths %}
            left join
                phone_zones as phones_{{ length }}
                on substr(contacts.phone_e164, 1, {{ length }}) = phones_{{ length }}.phone_prefix
                and (contacts.country is null or contacts.country = phones_{{ length }}.country)
        {% endfor %}
    ),

    final as (
        select
            areas.contact_id,
            coalesce(areas.country, areas.phone_country) as country,
            coalesce(areas.phone_zone, country_zones.time_zone, default_zone.time_zone) as time_zone,
            coalesce(country_zones.calendar, default_zone.calendar) as calendar,
            case
                when areas.phone_zone is not null
                then 'phone'
                when country_zones.time_zone is not null
                then 'country'
                else 'default'
            end as time_zone_source
        from areas
        left join country_zones on coalesce(areas.country, areas.phone_country) = country_zones.country
        cross join default_zone
    )

select *
from final
