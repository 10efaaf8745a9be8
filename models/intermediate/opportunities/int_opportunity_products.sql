-- A product under one spelling: the alias rule first, then the product list of the same source.
with
    typed as (
        select distinct source, product_ref from {{ ref("int_opportunity_records") }} where product_ref is not null
    ),

    product_aliases as (select * from {{ ref("product_aliases") }}),

    products as (select * from {{ ref("stg_files__products") }}),

    named as (
        select typed.source, typed.product_ref, coalesce(product_aliases.product, typed.product_ref) as product_name
        from typed
        left join product_aliases on lower(trim(typed.product_ref)) = lower(product_aliases.alias)
    ),

    matched as (
        select
            named.source,
            named.product_ref,
            coalesce(products.name, named.product_name) as product,
            products.record_id is not null as is_listed,
            row_number() over (partition by named.source, named.product_ref order by products.record_id) as choice
        from named
        left join
            products
            on named.source = products.source
            and (lower(named.product_name) = lower(products.name) or named.product_name = products.record_id)
    ),

    final as (select source, product_ref, product, is_listed from matched where choice = 1)

select *
from final
