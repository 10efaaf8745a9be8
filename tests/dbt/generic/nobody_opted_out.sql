{#
    No row names a person who opted out (R74, R76): asked of every smart list and of everything that says whom to write to.

    contact: name of the column that holds the contact.
#}
{% test nobody_opted_out(model, contact="contact_id") %}
    select named.{{ contact }}
    from {{ model }} as named
    inner join {{ ref("dim_contacts") }} as contacts on named.{{ contact }} = contacts.contact_id
    where contacts.is_opted_out
{% endtest %}
