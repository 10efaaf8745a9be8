{{ fit_lines("account", "int_account_fit_facts_without_enrichment") }}
