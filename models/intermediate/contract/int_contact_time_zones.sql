{#
    The zone a person's clock shows, by the best that is known: the area of the phone number where it tells more than the
    country, the country, the country of the phone number, the default.
-#}
{%- set longest = 7 -%}

with
    contacts as (select contact_id, country, phone_e164 from {{ ref("dim_contacts") }}),

    country_zones as (select * from {{ ref("country_time_zones") }}),

    phone_zones as (select * from {{ ref("phone_time_zones") }}),

    default_zone as (select * from country_zones where country = '*'),

    -- Starts of numbers are far fewer than numbers.
    starts as (
        select distinct country, substr(phone_e164, 1, {{ longest }}) as phone_start
        from contacts
        where phone_e164 is not null
    ),

    -- A number of another country than the person's says nothing of where they are.
    prefixes as (
        {% for length in range(2, longest + 1) %}
            select
                starts.country,
                starts.phone_start,
                phone_zones.country as phone_country,
                phone_zones.time_zone,
                {{ length }} as length
            from starts
            inner join phone_zones on substr(starts.phone_start, 1, {{ length }}) = phone_zones.phone_prefix
            where
                length(phone_zones.phone_prefix) = {{ length }}
                and coalesce(starts.country, phone_zones.country) = phone_zones.country
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- The longest prefix is the smallest area.
    ranked_prefixes as (
        select *, row_number() over (partition by country, phone_start order by length desc) as choice from prefixes
    ),

    areas as (
        select
            contacts.contact_id,
            contacts.country,
            ranked_prefixes.phone_country,
            ranked_prefixes.time_zone as phone_zone
        from contacts
        left join
            ranked_prefixes
            on substr(contacts.phone_e164, 1, {{ longest }}) = ranked_prefixes.phone_start
            and coalesce(contacts.country, '') = coalesce(ranked_prefixes.country, '')
            and ranked_prefixes.choice = 1
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
