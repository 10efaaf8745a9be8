{{ salesforce_field_history("accounthistory", "account_id") }}
