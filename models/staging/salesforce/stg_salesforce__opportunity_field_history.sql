{{ salesforce_field_history("opportunityfieldhistory", "opportunity_id") }}
