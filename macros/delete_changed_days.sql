{#
    Hook of int_engagement_daily: deletes the days whose events or rules are no longer those that were summed. Does
    nothing on the first build and on a full refresh. Runs in the transaction of the model.
#}
{% macro delete_changed_days() -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where
            day_on not in (
                select stored.day_on
                from (select day_on, min(day_fingerprint) as day_fingerprint from {{ this }} group by day_on) as stored
                inner join
                    ({{ engagement_day_fingerprints(ref("int_engagement_inputs")) }}) as current_days
                    on stored.day_on = current_days.day_on
                    and stored.day_fingerprint = current_days.day_fingerprint
            )
    {% endif %}
{%- endmacro %}
