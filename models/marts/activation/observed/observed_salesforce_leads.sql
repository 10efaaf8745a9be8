-- A lead that was converted takes no writes of its own any more, whatever its values.
{{ observed_salesforce("stg_salesforce__leads", "stg_salesforce__lead_history", "lead_id") }}

select final.*, leads.is_converted
from final
inner join {{ ref("stg_salesforce__leads") }} as leads on final.record_id = leads.record_id
