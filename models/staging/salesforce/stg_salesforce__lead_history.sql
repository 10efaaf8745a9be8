{{ salesforce_field_history("leadhistory", "lead_id") }}
