"""Marketing e-mail: campaigns, what was sent to whom, who opened (people and machines), clicked, bounced, left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.world.contacts import Identity
from sandbox.world.effects import EFFECTS
from sandbox.world.people import People
from sandbox.world.sizes import AS_OF, DAY, HOUR, MINUTE, START, WorldSize
from sandbox.world.text import Bools, Ints, join, only, pick, take, timestamps, uuids, where


@dataclass(frozen=True)
class Campaign:
    id: str
    slug: str
    name: str
    subject: str
    sent_at: int


def _campaigns() -> tuple[Campaign, ...]:
    """A newsletter every four weeks and a note about the product in between, Tuesdays at 10:00 UTC."""
    first = START + 12 * DAY + 10 * HOUR
    out = []
    for number in range(39):
        newsletter = number % 2 == 0
        kind = "newsletter" if newsletter else "product_note"
        sent = first + number * 14 * DAY
        if sent > AS_OF - DAY:
            break
        out.append(
            Campaign(
                id=str(402_117_000 + 13 * number),
                slug=f"{kind}_{number // 2 + 1:02d}",
                name=f"{'Newsletter' if newsletter else 'Product note'} {number // 2 + 1}",
                subject="What we learnt about leads this month" if newsletter else "New: score whole accounts",
                sent_at=sent,
            )
        )
    return tuple(out)


CAMPAIGNS = _campaigns()
CAMPAIGN_TIMES = np.array([c.sent_at for c in CAMPAIGNS], dtype=np.int64)
APP_ID = "113"
_OPENS = np.array([0.08, 0.05, 0.22, 0.42, 0.48, 0.60, 0.45, 0.08])
_EVENT_TYPES = ("SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "STATUSCHANGE", "SPAMREPORT")
_SENT, _DELIVERED, _OPEN, _CLICK, _BOUNCE, _STATUS, _SPAM = range(7)


def campaign_table() -> pa.Table:
    """Rows of ``hubspot/email_campaigns.parquet``."""
    return pa.table(
        {
            "id": pa.array([c.id for c in CAMPAIGNS]),
            "app_id": pa.array([APP_ID] * len(CAMPAIGNS)),
            "name": pa.array([c.name for c in CAMPAIGNS]),
            "subject": pa.array([c.subject for c in CAMPAIGNS]),
            "type": pa.array(["BATCH_EMAIL"] * len(CAMPAIGNS)),
        }
    )


def email_chunk(
    identity: Identity,
    people: People,
    size: WorldSize,
    click_person: Ints,
    click_campaign: Ints,
    click_at: Ints,
    rng: np.random.Generator,
) -> tuple[pa.Table, Ints]:
    """Rows of ``hubspot/email_events.parquet`` and, for each person of the chunk, when they left (-1 = did not)."""
    rows = identity.rows
    n, k = len(rows), len(CAMPAIGNS)
    sent_at = CAMPAIGN_TIMES
    sends = (rng.random((n, k), dtype=np.float32) < size.send_share) & people.in_crm[rows][:, None]
    sends &= sent_at[None, :] > (people.capture_at[rows] + HOUR)[:, None]
    clicked = np.zeros((n, k), dtype=bool)
    clicked[click_person, click_campaign] = True
    sends |= clicked
    last_click = np.full(n, -1, dtype=np.int64)
    np.maximum.at(last_click, click_person, click_campaign)

    bounces: Bools = np.asarray((rng.random(n) < EFFECTS.bounce_rate) & (last_click < 0))
    if not bounces.any():
        bounces[np.flatnonzero((last_click < 0) & sends.any(axis=1))[:2]] = True
    sends[bounces] &= np.cumsum(sends[bounces], axis=1) <= 1
    # People leave after the last mail they clicked, never before.
    leaves = sends & (rng.random((n, k), dtype=np.float32) < EFFECTS.unsubscribe_rate) & ~bounces[:, None]
    leaves &= np.arange(k)[None, :] > last_click[:, None]
    left: Bools = np.asarray(leaves.any(axis=1))
    left_with = np.where(left, leaves.argmax(axis=1), k)
    sends &= np.arange(k)[None, :] <= left_with[:, None]

    who, which = np.nonzero(sends)
    at = sent_at[which] + rng.integers(0, 20 * MINUTE, len(who))
    hard: Bools = np.asarray(bounces[who])
    delivered = at + rng.integers(1_000, 20_000, len(who))
    chance = _OPENS[people.archetype[rows]]
    machine_person = rng.random(n) < EFFECTS.machine_open_rate
    machine: Bools = ~hard & machine_person[who] & (rng.random(len(who)) < 0.9)
    human: Bools = ~hard & (rng.random(len(who)) < chance[who])
    human |= left[who] & (which == left_with[who])
    opened = delivered + (np.exp(rng.normal(1.2, 1.3, len(who))) * HOUR).astype(np.int64)
    leave_at = np.full(n, -1, dtype=np.int64)
    at_leave = left[who] & (which == left_with[who])
    leave_at[who[at_leave]] = opened[at_leave] + 30_000
    leave_at = np.where(leave_at < AS_OF - MINUTE, leave_at, -1)

    # A click is preceded by its own opening, at the speed of a person.
    parts: list[tuple[int, Ints, Ints, Ints, Bools | bool]] = [
        (_SENT, who, which, at, False),
        (_DELIVERED, who[~hard], which[~hard], delivered[~hard], False),
        (_BOUNCE, who[hard], which[hard], delivered[hard], False),
        (_OPEN, who[machine], which[machine], (delivered + 3_000)[machine], True),
        (_OPEN, who[human], which[human], opened[human], False),
        (_OPEN, click_person, click_campaign, click_at - 25_000, False),
        (_CLICK, click_person, click_campaign, click_at, False),
        (_STATUS, np.flatnonzero(leave_at >= 0), left_with[leave_at >= 0], leave_at[leave_at >= 0], False),
    ]
    kind = np.concatenate([np.full(len(p[1]), p[0]) for p in parts])
    person = np.concatenate([p[1] for p in parts])
    campaign = np.concatenate([p[2] for p in parts])
    when = np.concatenate([p[3] for p in parts])
    is_machine = np.concatenate([np.full(len(p[1]), bool(p[4])) for p in parts])
    real = when < AS_OF - MINUTE
    kind, person, campaign, when, is_machine = (x[real] for x in (kind, person, campaign, when, is_machine))
    order = np.argsort(when, kind="stable")
    kind, person, campaign, when, is_machine = (x[order] for x in (kind, person, campaign, when, is_machine))
    table = pa.table(
        {
            "id": uuids(rng, len(kind)),
            "type": take(_EVENT_TYPES, kind),
            "created_at": timestamps(when),
            "recipient": pick(identity.email, person),
            "campaign_id": where(kind == _STATUS, None, take([c.id for c in CAMPAIGNS], campaign)),
            "url": only(
                kind == _CLICK,
                join("https://www.pontonorte.io/?utm_campaign=", take([c.slug for c in CAMPAIGNS], campaign)),
            ),
            "is_machine": pa.array(is_machine),
            "portal_subscription_status": only(kind == _STATUS, "UNSUBSCRIBED"),
        }
    )
    return table, leave_at
