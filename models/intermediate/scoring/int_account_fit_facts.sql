{{ account_fit_facts("select * from " ~ ref("int_account_attributes") ~ " where is_surviving") }}
