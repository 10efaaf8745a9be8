"""What sales did: calls, meetings, e-mails, tasks with their outcomes, and the opportunities."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from sandbox.world.catalogue import CALL_OUTCOMES, DEAL_STAGES, LOST_REASONS, PIPELINE
from sandbox.world.companies import Companies
from sandbox.world.contacts import Identity, association_rows, history_rows
from sandbox.world.owners import Owners
from sandbox.world.people import Deals, People, attempt_time
from sandbox.world.sizes import AS_OF, DAY, HOUR, MINUTE
from sandbox.world.text import (
    Bools,
    Column,
    Ints,
    choose,
    counters,
    iso,
    join,
    only,
    pick,
    take,
    text,
    timestamps,
    where,
)

DEAL_ID_BASE = 31_000_000_029
ENGAGEMENT_BASES = {
    "calls": 51_000_000_003,
    "meetings": 61_000_000_007,
    "emails": 71_000_000_011,
    "tasks": 81_000_000_013,
}
_CONTACT_TYPE = {"calls": 194, "meetings": 200, "emails": 198, "tasks": 204}
_OUTCOMES = tuple(CALL_OUTCOMES)


@dataclass
class Activity:
    """Engagements of a chunk by object, and their associations to contacts. ``counts`` carries ids on over chunks."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENGAGEMENT_BASES, 0))


def _engagement(
    name: str,
    state: Activity,
    person: Ints,
    at: Ints,
    people: People,
    owners: Owners,
    source: Column | str,
    columns: dict[str, Column],
    created: Ints | None = None,
    updated: Ints | None = None,
) -> tuple[pa.Table, pa.Table]:
    n = len(person)
    made = at if created is None else created
    changed = np.minimum(np.maximum(made, (made if updated is None else updated) + 40_000), AS_OF - 1_000)
    ids = text(ENGAGEMENT_BASES[name] + 17 * (state.counts[name] + np.arange(n, dtype=np.int64)))
    state.counts[name] += n
    table = pa.table(
        {
            "id": ids,
            "created_at": timestamps(made),
            "updated_at": timestamps(changed),
            "archived": pa.array(np.zeros(n, dtype=bool)),
            "archived_at": pa.nulls(n, pa.timestamp("us")),
            "hs_timestamp": iso(at),
            **columns,
            "hubspot_owner_id": pick(owners.ids, people.owner[person]),
            "hs_createdate": iso(made),
            "hs_lastmodifieddate": iso(changed),
            "hs_object_id": ids,
            "hs_object_source": pa.array([source] * n, type=pa.string()) if isinstance(source, str) else source,
        }
    )
    links = association_rows(name, ids, "contacts", text(people.contact_number(person)), _CONTACT_TYPE[name], None)
    return table, links


def activity_chunk(
    identity: Identity, people: People, owners: Owners, state: Activity, rng: np.random.Generator
) -> tuple[dict[str, pa.Table], pa.Table]:
    """Tables of calls, meetings, e-mails and tasks about the people of ``identity``, and their associations."""
    rows = identity.rows
    worked = rows[(people.attempts[rows] > 0) & (people.first_attempt_at[rows] >= 0)]
    tries = people.attempts[worked]
    person = np.repeat(worked, tries)
    number = counters(tries)
    at = attempt_time(people.first_attempt_at[person], number)
    last = number == np.repeat(tries, tries) - 1
    connected = last & (people.connected_at[person] >= 0)
    keep = at < AS_OF - MINUTE
    person, at, connected, number = person[keep], at[keep], connected[keep], number[keep]
    n = len(person)
    failed = choose(rng, (0.12, 0, 0.08, 0.30, 0.48, 0.02), n)
    outcome = np.where(connected, _OUTCOMES.index("connected"), failed)
    # A planted slip: one in forty calls was logged without an outcome.
    outcome = np.where(~connected & (rng.random(n) < 0.025), -1, outcome)
    duration = np.where(connected, rng.integers(90_000, 1_500_000, n), rng.integers(4_000, 60_000, n))
    first = pick(identity.first, person - rows[0]) if n else pa.array([], type=pa.string())
    tables: dict[str, pa.Table] = {}
    links = []
    tables["calls"], more = _engagement(
        "calls", state, person, at, people, owners, "CRM_UI",
        {
            "hs_call_title": join("Call with ", first),
            "hs_call_direction": pa.array(["OUTBOUND"] * n, type=pa.string()),
            "hs_call_disposition": take([CALL_OUTCOMES[o] for o in _OUTCOMES], outcome),
            "hs_call_duration": text(duration),
            "hs_call_status": pa.array(["COMPLETED"] * n, type=pa.string()),
        },
    )  # fmt: skip
    links.append(more)
    tables["meetings"], more = _meetings(identity, people, owners, state, rng)
    links.append(more)
    tables["emails"], more = _emails(people, owners, state, person, at, connected, number, rng)
    links.append(more)
    tables["tasks"], more = _tasks(rows, people, owners, state)
    links.append(more)
    return tables, pa.concat_tables(links)


def _meetings(
    identity: Identity, people: People, owners: Owners, state: Activity, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table]:
    rows = identity.rows
    booked = rows[people.meeting_at[rows] >= 0]
    start = people.meeting_at[booked]
    made = people.connected_at[booked] + 5 * MINUTE
    # One in seven first misses an appointment between the call and the meeting that took place.
    missed = booked[(rng.random(len(booked)) < 0.15) & (start - made > DAY) & (start < AS_OF)]
    missed_start = people.connected_at[missed] + 20 * HOUR
    # Customers and open opportunities meet again.
    again = rows[(people.opportunity_at[rows] >= 0) & (people.meeting_at[rows] >= 0)]
    again_start = people.opportunity_at[again] + 12 * DAY
    again, again_start = again[again_start < AS_OF - 2 * HOUR], again_start[again_start < AS_OF - 2 * HOUR]
    person = np.concatenate([booked, missed, again])
    begins = np.concatenate([start, missed_start, again_start])
    created = np.concatenate([made, people.connected_at[missed] + 4 * MINUTE, again_start - 3 * DAY])
    kind = np.concatenate([np.zeros(len(booked), int), np.ones(len(missed), int), np.full(len(again), 2)])
    held = begins < AS_OF - HOUR
    outcome = np.where(kind == 1, 1, np.where(held, 0, 2))
    return _engagement(
        "meetings", state, person, begins, people, owners, take(["MEETINGS", "CRM_UI"], kind % 2),
        {
            "hs_meeting_title": take(["Discovery meeting", "Discovery meeting", "Proposal review"], kind),
            "hs_meeting_start_time": iso(begins),
            "hs_meeting_end_time": iso(begins + 45 * MINUTE),
            "hs_meeting_outcome": take(["COMPLETED", "NO_SHOW", "SCHEDULED"], outcome),
        },
        created=np.minimum(created, AS_OF - 2_000),
        updated=np.where(held, begins + HOUR, created),
    )  # fmt: skip


def _emails(
    people: People,
    owners: Owners,
    state: Activity,
    person: Ints,
    at: Ints,
    connected: Bools,
    number: Ints,
    rng: np.random.Generator,
) -> tuple[pa.Table, pa.Table]:
    written = np.flatnonzero(rng.random(len(person)) < 0.55)
    sent_at = at[written] + 8 * MINUTE
    replies = written[connected[written] & (rng.random(len(written)) < 0.5)]
    reply_at = at[replies] + (2 + rng.random(len(replies)) * 20 * HOUR).astype(np.int64) + 9 * MINUTE
    who = np.concatenate([person[written], person[replies]])
    when = np.concatenate([sent_at, reply_at])
    incoming = np.arange(len(who)) >= len(written)
    sequence = np.concatenate([number[written] > 0, np.zeros(len(replies), bool)])
    keep = when < AS_OF - MINUTE
    who, when, incoming, sequence = who[keep], when[keep], incoming[keep], sequence[keep]
    n = len(who)
    return _engagement(
        "emails", state, who, when, people, owners,
        where(incoming, "EMAIL", where(sequence, "SEQUENCES", "CRM_UI")),
        {
            "hs_email_subject": where(incoming, "Re: your request", "Your request"),
            "hs_email_direction": where(incoming, "INCOMING_EMAIL", "EMAIL"),
            "hs_email_status": pa.array(["SENT"] * n, type=pa.string()),
        },
    )  # fmt: skip


def _tasks(rows: Ints, people: People, owners: Owners, state: Activity) -> tuple[pa.Table, pa.Table]:
    asked = rows[(people.request_at[rows] >= 0) & people.in_crm[rows]]
    made = people.request_at[asked] + 2 * MINUTE
    done = people.first_attempt_at[asked] >= 0
    n = len(asked)
    return _engagement(
        "tasks", state, asked, made + HOUR, people, owners, "AUTOMATION_PLATFORM",
        {
            "hs_task_subject": pa.array(["Call the lead back"] * n, type=pa.string()),
            "hs_task_type": pa.array(["CALL"] * n, type=pa.string()),
            "hs_task_status": where(done, "COMPLETED", "NOT_STARTED"),
        },
        created=made,
        updated=np.where(done, people.first_attempt_at[asked], made),
    )  # fmt: skip


def deal_stage_table() -> pa.Table:
    """Rows of ``hubspot/deal_stages.parquet``."""
    n = len(DEAL_STAGES)
    return pa.table(
        {
            "pipeline_id": pa.array([PIPELINE[0]] * n),
            "pipeline_label": pa.array([PIPELINE[1]] * n),
            "stage_id": pa.array([s[0] for s in DEAL_STAGES]),
            "stage_label": pa.array([s[1] for s in DEAL_STAGES]),
            "display_order": pa.array(range(n), type=pa.int64()),
            "probability": pa.array([s[2] for s in DEAL_STAGES]),
            "is_closed": pa.array([s[3] for s in DEAL_STAGES]),
            "archived": pa.array([False] * n),
        }
    )


def deal_tables(
    deals: Deals, people: People, companies: Companies, owners: Owners, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Rows of ``hubspot/deals.parquet``, their stage history and their associations."""
    n = len(deals)
    ids = text(DEAL_ID_BASE + 41 * np.arange(n, dtype=np.int64))
    reached = (deals.stage_at >= 0).sum(axis=1) - 1
    stage = np.where(deals.won, 4, np.where(deals.lost, 5, reached))
    updated = np.maximum(deals.stage_at.max(axis=1), deals.closed_at) + 3_000
    updated = np.maximum(np.minimum(updated, AS_OF - 1_000), deals.created_at)
    closed = deals.closed_at >= 0
    unpriced = ~closed & (reached == 0) & (rng.random(n) < 0.25)
    owner = pick(owners.ids, deals.owner % len(owners.ids))
    table = pa.table(
        {
            "id": ids,
            "created_at": timestamps(deals.created_at),
            "updated_at": timestamps(updated),
            "archived": pa.array(np.zeros(n, dtype=bool)),
            "archived_at": pa.nulls(n, pa.timestamp("us")),
            "dealname": join(
                pick(companies.core_name, deals.company),
                where(deals.is_upsell, " - more seats", " - Ponto Norte"),
            ),
            "amount": where(unpriced, None, text(deals.amount.astype(np.int64))),
            "deal_currency_code": take(["EUR", "BRL", "USD"], deals.currency),
            "pipeline": pa.array([PIPELINE[0]] * n, type=pa.string()),
            "dealstage": take([s[0] for s in DEAL_STAGES], stage),
            "createdate": iso(deals.created_at),
            "closedate": iso(np.where(closed, deals.closed_at, deals.created_at + 60 * DAY)),
            "hs_lastmodifieddate": iso(updated),
            "hubspot_owner_id": owner,
            "hs_object_id": ids,
            "hs_is_closed": where(closed, "true", "false"),
            "hs_is_closed_won": where(deals.won, "true", "false"),
            "dealtype": where(deals.is_upsell, "existingbusiness", "newbusiness"),
            "closed_lost_reason": only(deals.lost, take(LOST_REASONS, deals.lost_reason)),
        }
    )
    history = _deal_history(deals, ids, owners)
    without_company = (rng.random(n) < 0.03) & (deals.contact >= 0)
    with_company = np.flatnonzero(~without_company & companies.in_crm[deals.company])
    links = [
        association_rows(
            "deals", pick(ids, with_company), "companies",
            pick(companies.record_id, deals.company[with_company]), 5, "Primary",
        )
    ]  # fmt: skip
    main = np.flatnonzero(deals.contact >= 0)
    links.append(_deal_contacts(ids, main, deals.contact[main], people))
    # Everyone known at the account when the opportunity was made is on it.
    first = np.flatnonzero(~deals.is_upsell)
    deal_of = np.full(len(companies), -1, dtype=np.int64)
    deal_of[deals.company[first]] = first
    on_deal = np.flatnonzero((people.company >= 0) & (people.opportunity_at >= 0))
    their = deal_of[people.company[on_deal]]
    others = (their >= 0) & (deals.contact[np.maximum(their, 0)] != on_deal)
    links.append(_deal_contacts(ids, their[others], on_deal[others], people))
    return table, history, pa.concat_tables(links)


def _deal_contacts(ids: Column, deal: Ints, person: Ints, people: People) -> pa.Table:
    return association_rows("deals", pick(ids, deal), "contacts", text(people.contact_number(person)), 3, None)


def _deal_history(deals: Deals, ids: Column, owners: Owners) -> pa.Table:
    user = pick(owners.user_ids, deals.owner % len(owners.ids))
    tables = []
    steps = [(DEAL_STAGES[i][0], deals.stage_at[:, i]) for i in range(4)]
    steps += [
        ("closedwon", np.where(deals.won, deals.closed_at, -1)),
        ("closedlost", np.where(deals.lost, deals.closed_at, -1)),
    ]
    for stage, at in steps:
        on = np.flatnonzero(at >= 0)
        taken = on
        by = pick(user, taken)
        tables.append(
            history_rows("deals", pick(ids, taken), "dealstage", stage, at[on], "CRM_UI", join("userId:", by), by)
        )
    return pa.concat_tables(tables)
