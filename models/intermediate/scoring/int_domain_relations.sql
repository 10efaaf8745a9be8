-- Domains of people and companies as registered, and whose they are: ours, a competitor's, or anybody's.
with
    domains as (select * from {{ ref("int_clean_domains") }}),
    competitor_domains as (select lower(trim(domain)) as domain from {{ ref("competitor_domains") }}),
    own_domains as (select lower(trim(domain)) as domain from {{ ref("own_domains") }}),

    final as (
        select
            domains.domain_raw,
            domains.domain,
            case
                when own_domains.domain is not null
                then 'own'
                when competitor_domains.domain is not null
                then 'competitor'
                when domains.is_shared
                then 'shared'
                else 'other'
            end as domain_relation
        from domains
        left join own_domains on domains.domain = own_domains.domain
        left join competitor_domains on domains.domain = competitor_domains.domain
        where domains.domain is not null
    )

select *
from final
