-- Received = kept + merged + set aside + erased, per source and entity (R8).
select source, entity, raw_records, kept, merged, quarantined, erased
from {{ ref("mart_record_conservation") }}
where raw_records != kept + merged + quarantined + erased
