"""What happened at an account or with a person, newest first: touches, stages, deals, hand-offs, changes in the CRM."""

from __future__ import annotations

from typing import Any

from serve.search import Page, offset
from serve.snapshot import Reading

#: Kinds of entries, in the order in which pages offer them.
KINDS = ("touch", "stage", "deal", "handoff", "crm")

_SHAPE = (
    "kind",
    "happened_at",
    "entry_id",
    "contact_id",
    "what",
    "before",
    "detail",
    "text_en",
    "text_pt",
    "amount",
    "currency",
)


def _select(**columns: str) -> str:
    return "select " + ", ".join(f"{columns.get(name, 'null')} as {name}" for name in _SHAPE)


#: Each part reads a table by ``{where}``, which restricts it to the account or the person.
_PARTS: dict[str, tuple[str, ...]] = {
    "touch": (
        _select(
            kind="'touch'",
            happened_at="touch_at",
            entry_id="touch_id",
            contact_id="contact_id",
            what="touch_type",
            before="channel",
            detail="signal_detail",
            text_en="coalesce(content, campaign)",
            text_pt="case when is_machine then 'machine' end",
        )
        + " from marts.fct_touches where {where}",
    ),
    "stage": (
        _select(
            kind="'stage'",
            happened_at="transition_at",
            entry_id="transition_id",
            contact_id="contact_id",
            what="to_stage",
            before="from_stage",
            detail="trigger",
            text_en="reason",
            text_pt="evidence",
        )
        + " from marts.fct_stage_transitions where {where}",
    ),
    "deal": (
        _select(
            kind="'deal'",
            happened_at="created_at",
            entry_id="opportunity_id",
            contact_id="contact_id",
            what="'created'",
            detail="stage",
            text_en="name",
            amount="amount",
            currency="currency",
        )
        + " from marts.fct_opportunities where {where} and created_at is not null",
        _select(
            kind="'deal'",
            happened_at="closed_at",
            entry_id="opportunity_id",
            contact_id="contact_id",
            what="stage_kind",
            detail="lost_reason",
            text_en="name",
            amount="amount",
            currency="currency",
        )
        + " from marts.fct_opportunities where {where} and closed_at is not null and stage_kind in ('won', 'lost')",
        _select(
            kind="'deal'",
            happened_at="history.entered_at",
            entry_id="history.stage_entry_id",
            contact_id="deals.contact_id",
            what="'moved'",
            detail="history.stage_label",
            text_en="deals.name",
        )
        + " from marts.fct_opportunity_stage_history as history"
        " inner join (select * from marts.fct_opportunities where {where}) as deals"
        " on history.opportunity_id = deals.opportunity_id and history.entered_at > deals.created_at"
        " where history.stage_kind = 'open'",
    ),
    "handoff": (
        _select(
            kind="'handoff'",
            happened_at="mql_at",
            entry_id="handoff_id",
            contact_id="contact_id",
            what="'handed_over'",
            before="(select max(owner_name) from marts.dim_owners as owners where owners.owner_id = handoffs.owner_id)",
            detail="segment",
        )
        + " from marts.fct_handoffs as handoffs where {where}",
        _select(
            kind="'handoff'",
            happened_at="decided_at",
            entry_id="handoff_id",
            contact_id="contact_id",
            what="verdict",
            text_en="reason_en",
            text_pt="reason_pt",
        )
        + " from marts.fct_handoff_verdicts where {where} and decided_at is not null",
    ),
    # What one write or one edit changed is one entry.
    "crm": (
        _select(
            kind="'crm'",
            happened_at="changed_at",
            entry_id="min(change_id)",
            contact_id="contact_id",
            what="changed_by",
            before="action",
            detail="destination",
            text_en="string_agg(property, ', ' order by property)",
            # Addresses and numbers are not told: whoever said no is shown without theirs.
            text_pt="case when action in ('list_add', 'list_remove') then max(coalesce(new_value, previous_value)) "
            "when count(*) = 1 and not bool_or(property in ('email', 'phone', 'mobilephone', 'Email', 'Phone')) "
            "then max(coalesce(previous_value, '–') || ' → ' || coalesce(new_value, '–')) end",
            amount="count(*)",
        )
        + " from marts.mart_crm_changes where {crm_where}"
        " group by changed_at, contact_id, changed_by, action, destination, object, record_id",
    ),
}

_ACCOUNT = "account_id = $account"
_CONTACT = "contact_id = $contact"
#: Rows lie sorted by account: naming it too saves reading all others.
_CONTACT_OF_ACCOUNT = f"{_CONTACT} and account_id = $account"

_ACCOUNT_CHANGES = """
    (
        contact_id in (select contact_id from marts.dim_contacts where account_id = $account)
        or (
            object in ('companies', 'accounts')
            and record_id in (
                select unnest([hubspot_record_id, salesforce_record_id])
                from marts.dim_accounts where account_id = $account
            )
        )
        or (
            object in ('deals', 'opportunities')
            and record_id in (select source_record_id from marts.fct_opportunities where account_id = $account)
        )
    )
"""


def account_timeline(
    reading: Reading, account_id: str, kind: str | None, number: int, size: int
) -> Page[dict[str, Any]]:
    """An account's entries as a page; of one kind, or of all."""
    return _timeline(reading, kind, number, size, _ACCOUNT, _ACCOUNT_CHANGES, account=account_id)


def contact_timeline(
    reading: Reading, contact_id: str, account_id: str | None, kind: str | None, number: int, size: int
) -> Page[dict[str, Any]]:
    """A person's entries likewise."""
    where = f"{_CONTACT} and account_id is null" if account_id is None else _CONTACT_OF_ACCOUNT
    return _timeline(reading, kind, number, size, where, _CONTACT, contact=contact_id, account=account_id)


def _timeline(
    reading: Reading, kind: str | None, number: int, size: int, where: str, crm_where: str, **values: Any
) -> Page[dict[str, Any]]:
    if kind is None:
        # What we write ourselves, night after night, would hide what people do.
        crm_where += " and changed_by <> 'leadhouse'"
    parts = [
        # A deal may belong to another account than the person does now.
        part.format(where=_CONTACT if name == "deal" and "contact" in values else where, crm_where=crm_where)
        for name, selects in _PARTS.items()
        if kind in (None, name)
        for part in selects
    ]
    union = " union all ".join(parts)
    used = {name: value for name, value in values.items() if f"${name}" in union}
    rows = reading.rows(
        f"""
        with
            entries as materialized ({union}),

            chosen as (
                select *, (select count(*) from entries) as total
                from entries
                order by happened_at desc, kind, entry_id
                limit $limit offset $offset
            )

        select chosen.*, contacts.full_name
        from chosen
        left join marts.dim_contacts as contacts on chosen.contact_id = contacts.contact_id
        order by chosen.happened_at desc, chosen.kind, chosen.entry_id
        """,
        **used,
        limit=size,
        offset=offset(number, size),
    )
    if rows or number == 1:
        return Page(rows, number, int(rows[0]["total"]) if rows else 0, size)
    # Beyond the last page: only the first one knows how many there are.
    counted = reading.one(f"select count(*) as total from ({union}) as entries", **used)
    return Page(rows, number, int((counted or {"total": 0})["total"]), size)
