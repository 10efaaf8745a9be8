-- A table, so that a build sees one moment from its first model to its last.
with

    run_clock as (select * from {{ source("raw_ops", "run_clock") }}),

    final as (select max(as_of_at) as as_of_at from run_clock)

select *
from final
