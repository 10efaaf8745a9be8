{#
    The raw table (its name, without the schema raw_<source>) that a record of a CRM came from: text.

    source: expression of the CRM's name.
    entity: expression of what the models call the record: contacts, leads, companies, deals, calls, meetings, emails, tasks.
#}
{% macro raw_name_of(source, entity) -%}
    case
        when {{ source }} != 'salesforce'
        then {{ entity }}
        when {{ entity }} in ('calls', 'emails', 'tasks')
        then 'task'
        when {{ entity }} = 'meetings'
        then 'event'
        when {{ entity }} = 'companies'
        then 'account'
        when {{ entity }} = 'deals'
        then 'opportunity'
        when {{ entity }} = 'leads'
        then 'lead'
        else 'contact'
    end
{%- endmacro %}
