-- Deals as last read; a merged one names its survivor.
{{ observed_hubspot("stg_hubspot__deals", json_text("properties", "hs_merged_object_ids")) }}
