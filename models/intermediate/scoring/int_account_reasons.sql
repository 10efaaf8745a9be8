{{ strongest_reasons(ref("int_account_score_lines"), "account_id") }}
