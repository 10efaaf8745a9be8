-- Companies as last read; a merged one names its survivor. Histories of companies are not read.
{{ observed_hubspot("stg_hubspot__companies") }}
