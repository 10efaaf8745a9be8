-- Who belongs to which account, where a person should look: nothing here was dropped, and account_decisions.csv settles
-- it.
with
    candidates as (select * from {{ ref("int_contact_account_candidates") }}),

    contact_accounts as (select * from {{ ref("int_contact_accounts") }}),

    outcomes as (select * from {{ ref("int_contact_account_outcomes") }}),

    name_matches as (select * from {{ ref("int_contact_name_matches") }}),

    tie_breakers as (select * from {{ ref("account_tie_breakers") }}),

    decisions as (select * from {{ ref("int_account_decisions") }}),

    twins as (select * from {{ ref("int_account_name_twins") }}),

    account_clusters as (select * from {{ ref("int_account_clusters") }}),

    account_roots as (select * from {{ ref("int_account_roots") }}),

    over_limit as (select * from {{ ref("int_account_identifiers_over_limit") }}),

    -- One row per contact and account: the way that speaks loudest.
    accounts_of_contacts as (
        select *
        from
            (
                select
                    candidates.*,
                    coalesce(account_roots.root_account_id, candidates.account_id) as root_account_id,
                    row_number() over (
                        partition by candidates.contact_id, candidates.account_id order by candidates.method_rank
                    ) as choice
                from candidates
                left join account_roots on candidates.account_id = account_roots.account_id
                where candidates.account_rank is not null
            ) as ranked
        where choice = 1
    ),

    first_choices as (select * from accounts_of_contacts where account_rank = 1),

    account_counts as (select contact_id, count(*) as candidate_count from accounts_of_contacts group by contact_id),

    second_choices as (select * from accounts_of_contacts where account_rank = 2),

    -- The best candidate of another family.
    dissents as (
        select *
        from
            (
                select
                    accounts_of_contacts.contact_id,
                    accounts_of_contacts.account_id,
                    accounts_of_contacts.match_method,
                    accounts_of_contacts.matched_value,
                    row_number() over (
                        partition by accounts_of_contacts.contact_id order by accounts_of_contacts.account_rank
                    ) as choice
                from accounts_of_contacts
                inner join first_choices on accounts_of_contacts.contact_id = first_choices.contact_id
                where
                    first_choices.disagreeing_kinds > 0
                    and accounts_of_contacts.root_account_id != first_choices.root_account_id
                    and accounts_of_contacts.evidence_kind != first_choices.evidence_kind
            ) as ranked
        where choice = 1
    ),

    contact_reviews as (
        select
            first_choices.contact_id,
            'methods_disagree' as reason_code,
            first_choices.match_method
            || ' '
            || coalesce(first_choices.matched_value, '')
            || ' against '
            || coalesce(dissents.match_method || ' ' || dissents.matched_value, 'a declared name') as reason,
            dissents.account_id as other_account_id,
            dissents.match_method as other_method,
            dissents.matched_value as other_value
        from first_choices
        left join dissents on first_choices.contact_id = dissents.contact_id
        where first_choices.disagreeing_kinds > 0 and first_choices.match_method != 'decision'
        union all
        select
            first_choices.contact_id,
            'weak_tie_break' as reason_code,
            'nothing but ' || first_choices.decided_by || ' tells it from the second candidate' as reason,
            second_choices.account_id as other_account_id,
            second_choices.match_method as other_method,
            second_choices.matched_value as other_value
        from first_choices
        inner join second_choices on first_choices.contact_id = second_choices.contact_id
        left join tie_breakers on first_choices.decided_by = tie_breakers.criterion
        where tie_breakers.is_reviewed or first_choices.decided_by = 'account_id'
        union all
        select
            first_choices.contact_id,
            case
                when first_choices.excluded_because = 'below_threshold' then 'below_threshold' else 'low_confidence'
            end as reason_code,
            case
                when first_choices.excluded_because = 'below_threshold'
                then 'not assigned: too unsure'
                else 'assigned, but unsure'
            end as reason,
            cast(null as {{ dbt.type_string() }}) as other_account_id,
            cast(null as {{ dbt.type_string() }}) as other_method,
            cast(null as {{ dbt.type_string() }}) as other_value
        from first_choices
        where
            first_choices.excluded_because = 'below_threshold'
            or first_choices.confidence < {{ setting("review_below_confidence", "account_match_settings") }}
        union all
        select
            outcomes.contact_id,
            'ambiguous_name' as reason_code,
            cast(max(name_matches.account_count) as {{ dbt.type_string() }})
            || ' accounts bear the name '
            || min(name_matches.name_raw) as reason,
            cast(null as {{ dbt.type_string() }}) as other_account_id,
            'name' as other_method,
            min(name_matches.name_raw) as other_value
        from outcomes
        inner join
            name_matches on outcomes.contact_id = name_matches.contact_id and name_matches.outcome = 'ambiguous_name'
        where outcomes.no_account_reason = 'ambiguous_name'
        group by outcomes.contact_id
    ),

    reviews as (
        select
            'contact' as entity_type,
            contact_reviews.contact_id as entity_id,
            contact_reviews.reason_code,
            contact_reviews.reason,
            contact_accounts.account_id,
            first_choices.match_method,
            first_choices.matched_value,
            first_choices.confidence,
            contact_reviews.other_account_id,
            contact_reviews.other_method,
            contact_reviews.other_value,
            coalesce(account_counts.candidate_count, 0) as candidate_count
        from contact_reviews
        left join contact_accounts on contact_reviews.contact_id = contact_accounts.contact_id
        left join first_choices on contact_reviews.contact_id = first_choices.contact_id
        left join account_counts on contact_reviews.contact_id = account_counts.contact_id
        union all
        select
            'decision' as entity_type,
            decision_id as entity_id,
            'decision_without_effect' as reason_code,
            case
                no_effect_because
                when 'unknown_contact'
                then 'no contact has the record ' || contact_source || ':' || contact_record_id
                else 'no account has ' || account_source || ':' || account_record_id
            end as reason,
            account_id,
            decision as match_method,
            account_source || ':' || account_record_id as matched_value,
            cast(null as decimal(5, 4)) as confidence,
            cast(null as {{ dbt.type_string() }}) as other_account_id,
            cast(null as {{ dbt.type_string() }}) as other_method,
            contact_source || ':' || contact_record_id as other_value,
            cast(0 as bigint) as candidate_count
        from decisions
        where no_effect_because is not null
        union all
        select
            'account' as entity_type,
            account_id as entity_id,
            'circular_parents' as reason_code,
            'its parents form a circle, cut at the oldest account' as reason,
            account_id,
            'parent' as match_method,
            cast(null as {{ dbt.type_string() }}) as matched_value,
            cast(null as decimal(5, 4)) as confidence,
            root_account_id as other_account_id,
            'parent' as other_method,
            cast(null as {{ dbt.type_string() }}) as other_value,
            cast(0 as bigint) as candidate_count
        from account_roots
        where is_circular
        union all
        select
            'account' as entity_type,
            account_clusters.account_id as entity_id,
            'ambiguous_name' as reason_code,
            min(
                case
                    twins.undecided_because
                    when 'several_domains'
                    then 'companies of several domains bear the name and country ' || twins.name_key
                    else 'too many records bear the name and country ' || twins.name_key
                end
            ) as reason,
            account_clusters.account_id,
            'name_country' as match_method,
            min(twins.name_key) as matched_value,
            cast(null as decimal(5, 4)) as confidence,
            cast(null as {{ dbt.type_string() }}) as other_account_id,
            cast(null as {{ dbt.type_string() }}) as other_method,
            cast(null as {{ dbt.type_string() }}) as other_value,
            max(twins.domain_count) as candidate_count
        from twins
        inner join account_clusters on twins.record_key = account_clusters.record_key
        where twins.undecided_because is not null
        group by account_clusters.account_id
        union all
        select
            'domain' as entity_type,
            identifier_value as entity_id,
            'shared_domain' as reason_code,
            cast(record_count as {{ dbt.type_string() }}) || ' company records bear this domain: a platform' as reason,
            cast(null as {{ dbt.type_string() }}) as account_id,
            'domain' as match_method,
            identifier_value as matched_value,
            cast(null as decimal(5, 4)) as confidence,
            cast(null as {{ dbt.type_string() }}) as other_account_id,
            cast(null as {{ dbt.type_string() }}) as other_method,
            cast(null as {{ dbt.type_string() }}) as other_value,
            record_count as candidate_count
        from over_limit
        where identifier_type = 'company_domain'
    ),

    final as (
        select
            {{ hash_key(["entity_type", "entity_id", "reason_code"]) }} as review_id,
            entity_type,
            entity_id,
            reason_code,
            reason,
            account_id,
            match_method,
            matched_value,
            confidence,
            other_account_id,
            other_method,
            other_value,
            candidate_count
        from reviews
    )

select *
from final
