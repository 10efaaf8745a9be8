{{ salesforce_field_history("contacthistory", "contact_id") }}
