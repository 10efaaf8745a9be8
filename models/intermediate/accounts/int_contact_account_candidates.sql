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

    contact_names as (select * from {{ ref("int_contact_name_matches") }}),

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
            coalesce(tree.root_account_id, evidence.account_id) as root_account_id,
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
        left join tree on evidence.account_id = tree.account_id
        left join verdicts on evidence.contact_id = verdicts.contact_id and evidence.account_id = verdicts.account_id
        -- A force that a newer forbid took back is no evidence.
        where evidence.match_method != 'decision' or verdicts.decision = 'force'
    ),

    -- A name that several companies bear finds none, but it can agree with what was found.
    agreeing_names as (
        select distinct candidates.contact_id, candidates.account_id, candidates.root_account_id
        from candidates
        inner join contact_names on candidates.contact_id = contact_names.contact_id
        inner join
            account_names
            on candidates.account_id = account_names.account_id
            and contact_names.company_key = account_names.company_key
        where not candidates.is_forbidden and contact_names.outcome != 'says_no_company'
    ),

    support as (
        select contact_id, account_id, root_account_id, evidence_kind
        from candidates
        where not is_forbidden and match_method != 'decision'
        union
        select contact_id, account_id, root_account_id, 'name' as evidence_kind
        from agreeing_names
    ),

    account_support as (
        select contact_id, account_id, root_account_id, count(*) as agreeing_kinds
        from support
        group by contact_id, account_id, root_account_id
    ),

    -- Parent and subsidiary do not contradict each other.
    family_support as (
        select contact_id, root_account_id, count(distinct evidence_kind) as kinds
        from support
        group by contact_id, root_account_id
    ),

    contact_support as (select contact_id, count(distinct evidence_kind) as kinds from support group by contact_id),

    best_methods as (
        select *, row_number() over (partition by contact_id, account_id order by method_rank, match_method) as choice
        from candidates
        where not is_forbidden
    ),

    account_evidence as (
        select
            contact_id,
            account_id,
            max(evidence_at) as evidence_at,
            max(case when is_live then 1 else 0 end) as is_live,
            max(case when is_main then 1 else 0 end) as is_main
        from candidates
        where not is_forbidden
        group by contact_id, account_id
    ),

    -- What the tie-breakers compare, as whole numbers.
    compared as (
        select
            best_methods.contact_id,
            best_methods.account_id,
            best_methods.match_method,
            best_methods.method_confidence,
            coalesce(account_support.agreeing_kinds, 0) as agreeing_kinds,
            coalesce(contact_support.kinds, 0) - coalesce(family_support.kinds, 0) as disagreeing_kinds,
            best_methods.method_rank,
            account_evidence.is_live as live_record,
            account_evidence.is_main as main_address,
            case when agreeing_names.contact_id is null then 0 else 1 end as name_agrees,
            {{ dbt.datediff("cast('1970-01-01' as timestamp)", "account_evidence.evidence_at", "second") }}
            as recent_evidence,
            case when standing.is_in_crm then 1 else 0 end as known_in_crm,
            case when standing.has_open_deal then 1 else 0 end as open_deal,
            {{ dbt.datediff("cast('1970-01-01' as timestamp)", "standing.created_at", "second") }} as oldest_account
        from best_methods
        inner join
            account_evidence
            on best_methods.contact_id = account_evidence.contact_id
            and best_methods.account_id = account_evidence.account_id
        left join
            account_support
            on best_methods.contact_id = account_support.contact_id
            and best_methods.account_id = account_support.account_id
        left join
            family_support
            on best_methods.contact_id = family_support.contact_id
            and best_methods.root_account_id = family_support.root_account_id
        left join contact_support on best_methods.contact_id = contact_support.contact_id
        left join
            agreeing_names
            on best_methods.contact_id = agreeing_names.contact_id
            and best_methods.account_id = agreeing_names.account_id
        left join standing on best_methods.account_id = standing.account_id
        where best_methods.choice = 1
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
            compared.method_confidence,
            compared.agreeing_kinds,
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

    sure as (
        select
            contact_id,
            account_id,
            match_method,
            account_rank,
            agreeing_kinds,
            disagreeing_kinds,
            cast(
                case
                    when match_method = 'decision'
                    then method_confidence
                    else
                        (
                            1
                            - (1 - method_confidence)
                            * power(1 - {{ setting("agreement_share", "account_match_settings") }}, agreeing_kinds - 1)
                        )
                        * power(1 - {{ setting("disagreement_share", "account_match_settings") }}, disagreeing_kinds)
                end as decimal(5, 4)
            ) as confidence
        from chosen
    ),

    -- What told the first from the second.
    decided as (
        select
            best.contact_id,
            case
                when best.match_method = 'decision' and coalesce(other.match_method, '') != 'decision'
                then 'decision'
                when other.contact_id is null
                then 'only_candidate'
                {% for place in places %}
                    when best.place_{{ place }} != other.place_{{ place }} then order_of_criteria.criterion_{{ place }}
                {% endfor %}
                else 'account_id'
            end as decided_by
        from chosen as best
        left join chosen as other on best.contact_id = other.contact_id and other.account_rank = 2
        cross join order_of_criteria
        where best.account_rank = 1
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
            candidates.root_account_id,
            sure.agreeing_kinds,
            sure.disagreeing_kinds,
            sure.confidence,
            sure.account_rank,
            case
                when candidates.is_forbidden
                then 'forbidden_by_decision'
                when sure.confidence < {{ setting("assign_min_confidence", "account_match_settings") }}
                then 'below_threshold'
            end as excluded_because,
            coalesce(
                sure.account_rank = 1
                and sure.match_method = candidates.match_method
                and sure.confidence >= {{ setting("assign_min_confidence", "account_match_settings") }},
                false
            ) as is_chosen,
            case
                when sure.account_rank = 1 and sure.match_method = candidates.match_method then decided.decided_by
            end as decided_by
        from candidates
        left join sure on candidates.contact_id = sure.contact_id and candidates.account_id = sure.account_id
        left join decided on candidates.contact_id = decided.contact_id
    )

select *
from final
