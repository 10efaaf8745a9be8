{{ strongest_reasons(ref("int_contact_score_lines"), "contact_id") }}
