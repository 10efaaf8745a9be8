-- One row per event and signal that it counts for. A view, to look into; the daily buckets match the days they need
-- themselves.
{{ config(materialized="view") }} {{ match_signals(ref("int_engagement_inputs")) }}
