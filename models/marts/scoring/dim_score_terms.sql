-- The words that pages, explanations and the CRM use for what scores are made of.
with
    grades as (select * from {{ ref("grades") }}),
    bands as (select * from {{ ref("score_bands") }}),
    attributes as (select * from {{ ref("fit_attributes") }}),
    roles as (select * from {{ ref("committee_roles") }}),
    stages as (select * from {{ ref("lifecycle_stages") }}),

    terms as (
        select 'grade' as kind, '' as entity, grade as code, label_en, label_pt
        from grades
        union all
        select dimension || '_band' as kind, entity, band as code, label_en, label_pt
        from bands
        union all
        select 'attribute' as kind, '' as entity, attribute as code, label_en, label_pt
        from attributes
        union all
        select 'buying_role' as kind, '' as entity, buying_role as code, label_en, label_pt
        from roles
        union all
        select 'stage' as kind, '' as entity, stage as code, label_en, label_pt
        from stages
    ),

    final as (
        select {{ hash_key(["kind", "entity", "code"]) }} as term_id, kind, entity, code, label_en, label_pt from terms
    )

select *
from final
