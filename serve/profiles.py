"""What stands at the head of an account's and of a person's page, and the committee."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leadhouse.explain import Explanation, Language, SubjectError, explain_record
from serve.errors import NotFound
from serve.history import ScorePoint, account_history, contact_history
from serve.search import Page, people_of
from serve.snapshot import Reading
from serve.timeline import account_timeline, contact_timeline

#: People and entries of a page of an account.
PEOPLE_ROWS = 25
TIMELINE_ROWS = 40
#: Others at the account that a person's page names.
_COLLEAGUES = 8


@dataclass(frozen=True)
class AccountPage:
    """Everything that an account's page shows."""

    facts: dict[str, Any]
    told: Explanation
    committee: list[dict[str, Any]]
    stages: list[dict[str, Any]]
    people: Page[dict[str, Any]]
    timeline: Page[dict[str, Any]]
    history: list[ScorePoint]


@dataclass(frozen=True)
class ContactPage:
    """Everything that a person's page shows."""

    facts: dict[str, Any]
    told: Explanation
    colleagues: list[dict[str, Any]]
    timeline: Page[dict[str, Any]]
    history: list[ScorePoint]


def account_page(
    reading: Reading, account_id: str, language: Language, *, people: int, events: int, kind: str | None
) -> AccountPage:
    """An account, with these pages of its people and of its timeline.

    Raises:
        NotFound: no such account, or none that has a score.
    """
    facts = reading.one(
        """
        select
            accounts.account_id,
            accounts.account_name,
            accounts.domain,
            accounts.country,
            accounts.industry,
            accounts.employee_count,
            accounts.annual_revenue,
            accounts.revenue_currency,
            accounts.contact_count,
            accounts.owner_id,
            accounts.hubspot_record_id,
            accounts.salesforce_record_id,
            accounts.parent_account_id,
            parents.account_name as parent_name,
            scores.engaged_contacts,
            scores.engaged_deciders,
            (select max(owner_name) from marts.dim_owners as owners where owners.owner_id = accounts.owner_id)
                as owner_name,
            (
                select count(*) from marts.fct_opportunities as deals
                where deals.account_id = accounts.account_id and deals.stage_kind = 'open'
            ) as open_deals,
            (
                select count(*) from marts.fct_opportunities as deals
                where deals.account_id = accounts.account_id and deals.stage_kind = 'won'
            ) as won_deals
        from marts.dim_accounts as accounts
        inner join marts.fct_account_scores as scores on accounts.account_id = scores.account_id
        left join marts.dim_accounts as parents on accounts.parent_account_id = parents.account_id
        where accounts.account_id = $id
        """,
        id=account_id,
    )
    if facts is None:
        raise NotFound
    told = _explained(reading, "account", account_id, language)
    return AccountPage(
        facts=facts,
        told=told,
        committee=_committee(reading, account_id, language),
        stages=reading.rows(
            f"""
            select funnel.stage, funnel.label_{language} as label, count(*) as people, min(funnel.stage_order) as place
            from marts.dim_contact_stages as stages
            inner join marts.mart_funnel as funnel on stages.stage = funnel.stage
            where stages.account_id = $id
            group by funnel.stage, funnel.label_{language}
            order by place desc
            """,
            id=account_id,
        ),
        people=people_of(reading, account_id, people, PEOPLE_ROWS),
        timeline=account_timeline(reading, account_id, kind, events, TIMELINE_ROWS),
        history=account_history(reading.cursor, account_id, told.fit_score, told.as_of_at),
    )


def contact_page(
    reading: Reading, contact_id: str, language: Language, *, events: int, kind: str | None
) -> ContactPage:
    """A person, with this page of the timeline. Who said no to messages is shown without address and number.

    Raises:
        NotFound: no such person, or none who has a score.
    """
    known = reading.one("select account_id from marts.dim_contacts where contact_id = $id", id=contact_id)
    if known is None:
        raise NotFound
    account_id = known["account_id"]

    def of_account(table: str) -> str:
        # Rows lie sorted by account: naming it too saves reading all others.
        return f"{table}.account_id is null" if account_id is None else f"{table}.account_id = $account"

    facts = reading.one(
        f"""
        select
            contacts.contact_id,
            contacts.account_id,
            contacts.full_name,
            contacts.job_title,
            contacts.buying_role,
            contacts.role_confidence,
            contacts.country,
            contacts.language,
            contacts.is_opted_out,
            contacts.is_reachable,
            case when not contacts.is_opted_out then contacts.email end as email,
            contacts.email_status,
            case when not contacts.is_opted_out then contacts.phone_e164 end as phone_e164,
            contacts.owner_id,
            contacts.created_at,
            contacts.source_record_count,
            contacts.hubspot_record_id,
            contacts.salesforce_record_id,
            scores.is_engaged,
            scores.last_engaged_at,
            stages.stage_reason,
            stages.stage_evidence,
            actions.actor,
            actions.channel as action_channel,
            actions.action_at,
            actions.reason as action_en,
            actions.reason_pt as action_pt,
            (select max(owner_name) from marts.dim_owners as owners where owners.owner_id = contacts.owner_id)
                as owner_name
        from marts.dim_contacts as contacts
        inner join marts.fct_contact_scores as scores on scores.contact_id = $id and {of_account("scores")}
        left join marts.dim_contact_stages as stages on stages.contact_id = $id and {of_account("stages")}
        left join marts.mart_next_action as actions on actions.contact_id = $id and {of_account("actions")}
        where contacts.contact_id = $id and {of_account("contacts")}
        """,
        id=contact_id,
        **({} if account_id is None else {"account": account_id}),
    )
    if facts is None:
        raise NotFound
    told = _explained(reading, "contact", contact_id, language)
    others = people_of(reading, account_id, 1, _COLLEAGUES + 1).rows if account_id else []
    return ContactPage(
        facts=facts,
        told=told,
        colleagues=[person for person in others if person["contact_id"] != contact_id][:_COLLEAGUES],
        timeline=contact_timeline(reading, contact_id, account_id, kind, events, TIMELINE_ROWS),
        history=contact_history(reading.cursor, contact_id, account_id, told.fit_score, told.as_of_at),
    )


@dataclass(frozen=True)
class LedgerGroup:
    """The lines of one kind of score, and their sum."""

    kind: str
    lines: list[Any]
    points: Decimal


#: What is grouped under a kind: limits stand with what they limit.
_LEDGER_ORDER = ("exclusion", "fit", "engagement", "intent", "negative", "cap")


def ledger_groups(told: Explanation) -> list[LedgerGroup]:
    """The ledger by kind. The sums add up to the score, as the lines do."""
    found: dict[str, list[Any]] = {}
    kinds = {line.rule_id: line.kind for line in told.lines if line.kind != "cap"}
    for line in told.lines:
        kind = kinds.get(line.rule_id, "cap") if line.kind == "cap" else line.kind
        found.setdefault(kind, []).append(line)
    order = sorted(found, key=lambda kind: _LEDGER_ORDER.index(kind) if kind in _LEDGER_ORDER else len(_LEDGER_ORDER))
    return [LedgerGroup(kind, found[kind], sum((line.points for line in found[kind]), Decimal(0))) for kind in order]


def _committee(reading: Reading, account_id: str, language: Language) -> list[dict[str, Any]]:
    return reading.rows(
        f"""
        select
            buying_role, label_{language} as label, is_decision, need_count, people, engaged_people, last_active_at,
            is_missing, role_coverage_pct, coverage_points * greatest(need_count - engaged_people, 0) as could_add
        from marts.mart_committee
        where account_id = $id
        order by weight desc, buying_role
        """,
        id=account_id,
    )


def _explained(reading: Reading, entity_type: Any, entity_id: str, language: Language) -> Explanation:
    try:
        return explain_record(reading.cursor, entity_type, entity_id, language)
    except SubjectError:
        raise NotFound from None
