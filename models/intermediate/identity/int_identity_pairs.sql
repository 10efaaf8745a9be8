{{ config(materialized="view") }}

-- Pairs of records that are alike and share no identifier, with the weight of every column and the reason in words.
with
    final as (
        select record_key_l, record_key_r, match_weight, match_probability, weights, explanation, model_version
        from {{ ref("int_identity_scores") }}
        where row_kind = 'pair'
    )

select *
from final
