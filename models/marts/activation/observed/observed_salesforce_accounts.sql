{{ observed_salesforce("stg_salesforce__accounts", "stg_salesforce__account_history", "account_id") }}

select *
from final
