{{ observed_salesforce("stg_salesforce__contacts", "stg_salesforce__contact_history", "contact_id") }}

select *
from final
