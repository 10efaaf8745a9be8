{#
    Columns that every smart list bears behind `reason_pt`: who works the person, where they stand, who else of the company
    is engaged and which role is missing (R43), and whether they opted out (never true: write-back reads it once more).

    people: name of the relation with the columns of int_list_people.
#}
{% macro list_context(people) -%}
    {{ people }}.route,
    {{ people }}.owner_id,
    {{ people }}.stage,
    {{ people }}.stage_since,
    {{ people }}.grade,
    {{ people }}.score,
    {{ people }}.account_name,
    {{ people }}.engaged_colleagues,
    {{ people }}.colleagues,
    {{ people }}.missing_roles,
    {{ people }}.latest_request_kind,
    {{ people }}.latest_request_at,
    {{ people }}.is_opted_out
{%- endmacro %}
