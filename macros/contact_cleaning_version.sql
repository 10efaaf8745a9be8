{#
    A query of one row (column cleaning_version): changes when a rule seed that cleans contacts changes, or the SQL of a
    model that does. Every record is then cleaned again.

    The Python that cleans is part of it (hygiene_version). Macros are not (dbt does not give their text to models): after
    an upgrade that changes them, the hygiene models have another checksum or the release notes ask for
    `dbt build --full-refresh`.
#}
{% macro contact_cleaning_version() -%}
    {%- set seeds = [
        "country_aliases",
        "capture_methods",
        "role_mailboxes",
        "disposable_domains",
        "free_mail_domains",
        "mail_domain_checks",
        "placeholder_values",
        "name_words",
        "nicknames",
        "legal_forms",
        "title_rules",
    ] -%}
    {%- set checksums = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() -%}
            {%- if node.resource_type == "model" and (
                "hygiene" in node.fqn
                or node.name
                in ("int_contact_inputs", "int_contact_records", "int_event_people", "int_form_people")
            ) -%}
                {%- do checksums.append(node.name ~ "=" ~ node.checksum.checksum) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    select
        '{{ local_md5(checksums | sort | join("\n")) }}'
        || {{ hygiene_version() }}
        || {{ rows_fingerprint(["seed", "content"]) }} as cleaning_version
    from
        (
            {% for seed in seeds %}
                {{ seed_text(seed) }}
                {% if not loop.last %}
                    union all
                {% endif %}
            {% endfor %}
        ) as seeds
{%- endmacro %}
