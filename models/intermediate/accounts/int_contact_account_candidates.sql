-- Every candidate account of each contact, way by way, with how sure it is, which one was chosen and what decided.
{% set criteria = [
    "live_record",
    "method_rank",
    "agreeing_kinds",
    "name_agrees",
    "main_address",
    "recent_evidence",
    "known_in_crm",
    "open_deal",
    "oldest_account",
] %}
{% set places = range(1, criteria | length + 1) %}

with
    evidence as (select * from {{ ref("int_contact_account_evidence") }}),

    match_rules as (select * from {{ ref("account_match_rules") }}),

    tie_breakers as (select * from {{ ref("account_tie_breakers") }}),

    standing as (select * from {{ ref("int_account_standing") }}),

    tree as (select * from {{ ref("int_account_roots") }}),

    contact_names as (select * from {{ ref("int_contact_name_matches") }} where outcome != 'says_no_company'),

    account_names as (select distinct account_id, company_key from {{ ref("int_account_names") }}),

    -- The newest decision about a contact and an account counts.
    decisions as (
        select
            contact_id,
            account_id,
            decision,
            row_number() over (partition by contact_id, account_id order by decided_on desc, decision_id) as choice
        from {{ ref("int_account_decisions") }}
        where no_effect_because is null
    ),

    verdicts as (select contact_id, account_id, decision from decisions where choice = 1),

    candidates as (
        select
            evidence.contact_id,
            evidence.account_id,
            evidence.match_method,
            evidence.matched_value,
            evidence.evidence_at,
            evidence.is_live,
            evidence.is_main,
            match_rules.rank as method_rank,
            match_rules.evidence_kind,
            match_rules.confidence as method_confidence,
            coalesce(verdicts.decision, '') = 'forbid' as is_forbidden
        from evidence
        inner join match_rules on evidence.match_method = match_rules.match_method
        left join verdicts on evidence.contact_id = verdicts.contact_id and evidence.account_id = verdicts.account_id
        -- A force that a newer forbid took back is no evidence.
        where evidence.match_method != 'decision' or verdicts.decision = 'force'
    ),

    -- All that speaks for an account, side by side.
    accounts as (
        select
            contact_id,
            account_id,
            min(method_rank) as method_rank,
            max(case when evidence_kind = 'crm' then 1 else 0 end) as has_crm,
            max(case when evidence_kind = 'domain' then 1 else 0 end) as has_domain,
            max(case when evidence_kind = 'name' then 1 else 0 end) as has_name,
            max(evidence_at) as evidence_at,
            max(case when is_live then 1 else 0 end) as live_record,
            max(case when is_main then 1 else 0 end) as main_address
        from candidates
        where not is_forbidden
        group by contact_id, account_id
    ),

    -- A name that several companies bear finds none, but it can agree with what was found.
    agreeing_names as (
        select distinct unnamed.contact_id, unnamed.account_id
        from (select contact_id, account_id from accounts where has_name = 0) as unnamed
        inner join contact_names on unnamed.contact_id = contact_names.contact_id
        inner join
            account_names
            on unnamed.account_id = account_names.account_id
            and contact_names.company_key = account_names.company_key
    ),

    supported as (
        select
            accounts.contact_id,
            accounts.account_id,
            accounts.method_rank,
            match_rules.match_method,
            match_rules.confidence as method_confidence,
            accounts.has_crm,
            accounts.has_domain,
            case when accounts.has_name = 1 or agreeing_names.contact_id is not null then 1 else 0 end as name_agrees,
            accounts.evidence_at,
            accounts.live_record,
            accounts.main_address
        from accounts
        inner join match_rules on accounts.method_rank = match_rules.rank
        left join
            agreeing_names
            on accounts.contact_id = agreeing_names.contact_id
            and accounts.account_id = agreeing_names.account_id
    ),

    -- Few contacts have several accounts to choose from; only they need an order.
    contested as (select contact_id from accounts group by contact_id having count(*) > 1),

    rivals as (
        select supported.*, coalesce(tree.root_account_id, supported.account_id) as root_account_id
        from supported
        inner join contested on supported.contact_id = contested.contact_id
        left join tree on supported.account_id = tree.account_id
    ),

    contact_support as (
        select contact_id, max(has_crm) + max(has_domain) + max(name_agrees) as kinds from rivals group by contact_id
    ),

    -- Parent and subsidiary do not contradict each other.
    family_support as (
        select contact_id, root_account_id, max(has_crm) + max(has_domain) + max(name_agrees) as kinds
        from rivals
        group by contact_id, root_account_id
    ),

    -- What the tie-breakers compare, as whole numbers.
    compared as (
        select
            rivals.contact_id,
            rivals.account_id,
            rivals.match_method,
            rivals.has_crm + rivals.has_domain + rivals.name_agrees as agreeing_kinds,
            contact_support.kinds - family_support.kinds as disagreeing_kinds,
            rivals.method_rank,
            rivals.live_record,
            rivals.main_address,
            rivals.name_agrees,
            {{ dbt.datediff("cast('1970-01-01' as timestamp)", "rivals.evidence_at", "second") }} as recent_evidence,
            case when standing.is_in_crm then 1 else 0 end as known_in_crm,
            case when standing.has_open_deal then 1 else 0 end as open_deal,
            {{ dbt.datediff("cast('1970-01-01' as timestamp)", "standing.created_at", "second") }} as oldest_account
        from rivals
        inner join contact_support on rivals.contact_id = contact_support.contact_id
        inner join
            family_support
            on rivals.contact_id = family_support.contact_id
            and rivals.root_account_id = family_support.root_account_id
        left join standing on rivals.account_id = standing.account_id
    ),

    ordered as (
        select
            criterion,
            case direction when 'highest' then -1 else 1 end as sign,
            row_number() over (order by rank) as place
        from tie_breakers
    ),

    -- The tie-breakers in the order of the seed, side by side.
    order_of_criteria as (
        select
            {% for place in places %}
                max(case when place = {{ place }} then criterion end) as criterion_{{ place }},
                max(case when place = {{ place }} then sign end) as sign_{{ place }}
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from ordered
    ),

    -- The smaller number is the better one; nothing known is last.
    placed as (
        select
            compared.contact_id,
            compared.account_id,
            compared.match_method,
            compared.disagreeing_kinds,
            {% for place in places %}
                coalesce(
                    order_of_criteria.sign_{{ place }} * case
                        order_of_criteria.criterion_{{ place }}
                        {% for criterion in criteria %}
                            when '{{ criterion }}' then compared.{{ criterion }}
                        {% endfor %}
                    end,
                    9000000000000000000
                ) as place_{{ place }}
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from compared
        cross join order_of_criteria
    ),

    chosen as (
        select
            *,
            row_number() over (
                partition by contact_id order by {% for place in places %} place_{{ place }}, {% endfor %} account_id
            ) as account_rank
        from placed
    ),

    -- What told the first from the second.
    decided as (
        select
            best.contact_id,
            case
                when best.match_method = 'decision' and other.match_method != 'decision'
                then 'decision'
                {% for place in places %}
                    when best.place_{{ place }} != other.place_{{ place }} then order_of_criteria.criterion_{{ place }}
                {% endfor %}
                else 'account_id'
            end as decided_by
        from chosen as best
        inner join (select * from chosen where account_rank = 2) as other on best.contact_id = other.contact_id
        cross join order_of_criteria
        where best.account_rank = 1
    ),

    settings as (
        select
            cast({{ setting("agreement_share", "account_match_settings") }} as double) as agreement_share,
            cast({{ setting("disagreement_share", "account_match_settings") }} as double) as disagreement_share,
            cast({{ setting("assign_min_confidence", "account_match_settings") }} as double) as assign_min_confidence
    ),

    ranked as (
        select
            supported.contact_id,
            supported.account_id,
            supported.match_method,
            supported.has_crm + supported.has_domain + supported.name_agrees as agreeing_kinds,
            coalesce(chosen.disagreeing_kinds, 0) as disagreeing_kinds,
            coalesce(chosen.account_rank, 1) as account_rank,
            case
                when coalesce(chosen.account_rank, 1) > 1
                then null
                when chosen.contact_id is not null
                then decided.decided_by
                when supported.match_method = 'decision'
                then 'decision'
                else 'only_candidate'
            end as decided_by,
            cast(
                case
                    when supported.match_method = 'decision'
                    then supported.method_confidence
                    else
                        (
                            1
                            - (1 - supported.method_confidence)
                            * power(
                                1 - settings.agreement_share,
                                supported.has_crm + supported.has_domain + supported.name_agrees - 1
                            )
                        )
                        * power(1 - settings.disagreement_share, coalesce(chosen.disagreeing_kinds, 0))
                end as decimal(5, 4)
            ) as confidence
        from supported
        cross join settings
        left join chosen on supported.contact_id = chosen.contact_id and supported.account_id = chosen.account_id
        left join decided on supported.contact_id = decided.contact_id
    ),

    final as (
        select
            candidates.contact_id,
            candidates.account_id,
            candidates.match_method,
            candidates.matched_value,
            candidates.evidence_kind,
            candidates.method_rank,
            candidates.method_confidence,
            candidates.evidence_at,
            candidates.is_live,
            candidates.is_main as is_main_address,
            ranked.agreeing_kinds,
            ranked.disagreeing_kinds,
            ranked.confidence,
            ranked.account_rank,
            case
                when candidates.is_forbidden
                then 'forbidden_by_decision'
                when ranked.confidence < settings.assign_min_confidence
                then 'below_threshold'
            end as excluded_because,
            coalesce(
                ranked.account_rank = 1
                and ranked.match_method = candidates.match_method
                and ranked.confidence >= settings.assign_min_confidence,
                false
            ) as is_chosen,
            case when ranked.match_method = candidates.match_method then ranked.decided_by end as decided_by
        from candidates
        cross join settings
        left join ranked on candidates.contact_id = ranked.contact_id and candidates.account_id = ranked.account_id
    )

select *
from final
