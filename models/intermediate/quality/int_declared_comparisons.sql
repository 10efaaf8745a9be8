-- What was declared beside what a provider or a person who checked says of the same thing (R19). Each record's
-- own answer counts, also one that did not survive; each provider is a reference of its own.
with
    declared_by_contacts as (select * from {{ ref("int_contact_attributes") }} where value_source = 'declared'),

    verified_of_contacts as (select * from {{ ref("int_contact_attributes") }} where value_source = 'verified'),

    -- Nobody declares a company that only its people's addresses tell of.
    declared_by_accounts as (
        select * from {{ ref("int_account_attributes") }} where value_source = 'declared' and source != 'contact_domain'
    ),

    known_of_accounts as (select * from {{ ref("int_account_attributes") }} where value_source != 'declared'),

    contact_accounts as (select * from {{ ref("int_contact_accounts") }}),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    company_names as (select * from {{ ref("int_clean_company_names") }}),

    clean_codes as (select * from {{ ref("int_clean_activity_codes") }}),

    industry_divisions as (select * from {{ ref("industry_divisions") }}),

    comparison_rules as (select * from {{ ref("comparison_rules") }}),

    rates as (
        select *
        from {{ ref("int_currency_rates") }}
        where valid_from <= cast({{ as_of() }} as date) and valid_to > cast({{ as_of() }} as date)
    ),

    -- One value per provider: the newest.
    ranked_references as (
        select
            'account' as entity,
            account_id as entity_id,
            field,
            value_source,
            case when value_source = 'verified' then 'verified' else source end as provider,
            value,
            qualifier,
            row_number() over (
                partition by
                    account_id, field, value_source, case when value_source = 'verified' then 'verified' else source end
                order by case when as_of is null then 1 else 0 end, as_of desc, record_key
            ) as recency
        from known_of_accounts
        union all
        select
            'contact' as entity,
            contact_id as entity_id,
            field,
            value_source,
            'verified' as provider,
            value,
            cast(null as {{ dbt.type_string() }}) as qualifier,
            row_number() over (
                partition by contact_id, field
                order by case when as_of is null then 1 else 0 end, as_of desc, record_key
            ) as recency
        from verified_of_contacts
    ),

    reference_values as (select * from ranked_references where recency = 1),

    -- Fields that nothing is known of beside what is declared are not read at all.
    compared_fields as (
        select distinct comparison_rules.entity, comparison_rules.field
        from comparison_rules
        inner join
            (select distinct entity, field from reference_values) as known
            on comparison_rules.reference_entity = known.entity
            and comparison_rules.reference_field = known.field
    ),

    declared as (
        select
            'contact' as entity,
            attributes.contact_id,
            contact_accounts.account_id,
            attributes.record_key,
            attributes.field,
            attributes.source,
            contact_records.capture_method,
            attributes.value,
            cast(null as {{ dbt.type_string() }}) as qualifier,
            attributes.declared_quality
        from declared_by_contacts as attributes
        inner join compared_fields on compared_fields.entity = 'contact' and attributes.field = compared_fields.field
        inner join contact_records on attributes.record_key = contact_records.record_key
        left join contact_accounts on attributes.contact_id = contact_accounts.contact_id
        union all
        select
            'account' as entity,
            cast(null as {{ dbt.type_string() }}) as contact_id,
            attributes.account_id,
            attributes.record_key,
            attributes.field,
            attributes.source,
            'unknown' as capture_method,
            attributes.value,
            attributes.qualifier,
            attributes.declared_quality
        from declared_by_accounts as attributes
        inner join compared_fields on compared_fields.entity = 'account' and attributes.field = compared_fields.field
    ),

    -- The line that names the source comes before the one for any.
    chosen_rules as (
        select
            kinds.source as declared_source,
            comparison_rules.*,
            row_number() over (
                partition by
                    kinds.entity,
                    kinds.field,
                    kinds.source,
                    comparison_rules.reference_entity,
                    comparison_rules.reference_field
                order by case when comparison_rules.source = '*' then 1 else 0 end
            ) as specificity
        from (select distinct entity, field, source from declared) as kinds
        inner join
            comparison_rules
            on kinds.entity = comparison_rules.entity
            and kinds.field = comparison_rules.field
            and comparison_rules.source in (kinds.source, '*')
    ),

    -- Each declared value with the rules that measure it, before references come in: few rules, many references.
    ruled as (
        select
            declared.*,
            rules.reference_entity,
            rules.reference_field,
            rules.kind,
            rules.tolerance,
            rules.bands,
            rules.currency,
            rules.definition
        from declared
        inner join
            chosen_rules as rules
            on declared.entity = rules.entity
            and declared.field = rules.field
            and declared.source = rules.declared_source
            and rules.specificity = 1
    ),

    -- One branch a kind of reference, so that each is joined by plain columns.
    pairs as (
        {% for reference_entity, reference_id in [("account", "account_id"), ("contact", "contact_id")] %}
            select
                ruled.entity,
                case when ruled.entity = 'contact' then ruled.contact_id else ruled.account_id end as entity_id,
                ruled.record_key,
                ruled.field,
                ruled.source as declared_source,
                ruled.capture_method,
                ruled.value as declared_value,
                ruled.qualifier as declared_qualifier,
                ruled.declared_quality,
                reference_values.value_source as reference_source,
                reference_values.provider as reference_provider,
                ruled.reference_field,
                reference_values.value as reference_value,
                reference_values.qualifier as reference_qualifier,
                ruled.kind,
                ruled.tolerance,
                ruled.bands,
                ruled.currency,
                ruled.definition
            from ruled
            inner join
                reference_values
                on ruled.{{ reference_id }} = reference_values.entity_id
                and ruled.reference_field = reference_values.field
                and ruled.reference_entity = reference_values.entity
            where ruled.reference_entity = '{{ reference_entity }}'
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- What each kind looks up; joins on these columns alone stay hash joins.
    keyed as (
        select
            *,
            case when kind = 'text' then declared_value end as declared_text_raw,
            case when kind = 'text' then reference_value end as reference_text_raw,
            case when kind = 'company' then declared_value end as declared_company_raw,
            case when kind = 'company' then reference_value end as reference_company_raw,
            case when kind = 'industry' then lower(replace(trim(declared_value), ' ', '_')) end as declared_industry,
            case when kind = 'code' then declared_value end as declared_code_raw,
            case when kind in ('code', 'industry') then reference_value end as reference_code_raw,
            coalesce(declared_qualifier, '') as declared_system,
            coalesce(reference_qualifier, '') as reference_system,
            case when currency = 'converted' then upper(declared_qualifier) end as declared_currency,
            case when currency = 'converted' then upper(reference_qualifier) end as reference_currency
        from pairs
    ),

    -- Keys are made once for each distinct text.
    texts as (
        select declared_text_raw as value
        from keyed
        where declared_text_raw is not null
        union
        select reference_text_raw as value
        from keyed
        where reference_text_raw is not null
    ),

    text_keys as (select value, {{ words_key("value") }} as text_key from texts),

    divisions as (
        select industry, part as division from {{ split_rows("industry_divisions", "divisions", "|") }} as listed
    ),

    known_industries as (select distinct industry from divisions),

    -- A band's edge that lies between the two numbers parts them.
    edged as (select distinct bands from pairs where kind = 'band'),

    edges as (select bands, {{ to_decimal("part") }} as edge from {{ split_rows("edged", "bands", "|") }} as listed),

    parted as (
        select distinct
            pairs.record_key, pairs.field, pairs.reference_source, pairs.reference_provider, pairs.reference_field
        from pairs
        inner join edges on pairs.bands = edges.bands
        where
            pairs.kind = 'band'
            and ({{ to_decimal("pairs.declared_value") }} < edges.edge)
            != ({{ to_decimal("pairs.reference_value") }} < edges.edge)
    ),

    readings as (
        select
            keyed.*,
            -- Comparison values: exactness to the cent is not asked for, room for large currencies is.
            cast({{ to_decimal("keyed.declared_value") }} as double) * case
                when keyed.currency = 'converted' then cast(declared_rates.rate as double) else 1
            end as declared_number,
            cast({{ to_decimal("keyed.reference_value") }} as double) * case
                when keyed.currency = 'converted' then cast(reference_rates.rate as double) else 1
            end as reference_number,
            coalesce(declared_names.company_key, lower(trim(keyed.declared_company_raw))) as declared_company,
            coalesce(reference_names.company_key, lower(trim(keyed.reference_company_raw))) as reference_company,
            declared_texts.text_key as declared_text,
            reference_texts.text_key as reference_text,
            -- As many digits as must agree: the division, or of a class known to both its digits in ISIC.
            case
                when keyed.tolerance <= 2
                then declared_codes.division
                else substr(declared_codes.isic_class, 1, cast(keyed.tolerance as integer))
            end as declared_code,
            case
                when keyed.tolerance <= 2
                then reference_codes.division
                else substr(reference_codes.isic_class, 1, cast(keyed.tolerance as integer))
            end as reference_code,
            known_industries.industry as known_industry,
            divisions.division,
            parted.record_key is not null as is_parted
        from keyed
        left join rates as declared_rates on keyed.declared_currency = declared_rates.currency
        left join rates as reference_rates on keyed.reference_currency = reference_rates.currency
        left join company_names as declared_names on keyed.declared_company_raw = declared_names.name_raw
        left join company_names as reference_names on keyed.reference_company_raw = reference_names.name_raw
        left join text_keys as declared_texts on keyed.declared_text_raw = declared_texts.value
        left join text_keys as reference_texts on keyed.reference_text_raw = reference_texts.value
        left join
            clean_codes as declared_codes
            on keyed.declared_code_raw = declared_codes.code_raw
            and keyed.declared_system = declared_codes.system_raw
        left join
            clean_codes as reference_codes
            on keyed.reference_code_raw = reference_codes.code_raw
            and keyed.reference_system = reference_codes.system_raw
        left join known_industries on keyed.declared_industry = known_industries.industry
        left join
            divisions on keyed.declared_industry = divisions.industry and reference_codes.division = divisions.division
        left join
            parted
            on keyed.record_key = parted.record_key
            and keyed.field = parted.field
            and keyed.reference_source = parted.reference_source
            and keyed.reference_provider = parted.reference_provider
            and keyed.reference_field = parted.reference_field
    ),

    judged as (
        select
            *,
            -- Null = not comparable: a number that cannot be read, a currency without a rate, a code that its
            -- classification does not hold, an industry that the list does not know.
            case
                kind
                when 'exact'
                then lower(trim(declared_value)) != lower(trim(reference_value))
                when 'text'
                then declared_text != reference_text
                when 'company'
                then declared_company != reference_company
                when 'number'
                then abs(declared_number - reference_number) > cast(tolerance as double) * abs(reference_number)
                when 'band'
                then case when declared_number is not null and reference_number is not null then is_parted end
                when 'code'
                then declared_code != reference_code
                when 'industry'
                then case when known_industry is not null and reference_code is not null then division is null end
            end as disagrees
        from readings
    ),

    final as (
        select
            {{
                hash_key(
                    [
                        "entity",
                        "record_key",
                        "field",
                        "reference_source",
                        "reference_provider",
                        "reference_field",
                    ]
                )
            }} as comparison_id,
            entity,
            entity_id,
            record_key,
            field,
            declared_source,
            capture_method,
            declared_value,
            declared_quality,
            reference_source,
            reference_provider,
            reference_field,
            reference_value,
            kind,
            definition,
            disagrees
        from judged
        where disagrees is not null
    )

select *
from final
