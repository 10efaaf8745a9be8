"""The people of the world as numbers: where they work, what they do, when they were captured, how sales worked them.

Text is made from these numbers later, chunk by chunk (``contacts.py``, ``journeys.py``), so that a million people fit
in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.world.catalogue import (
    CHANNELS,
    CONTACT,
    CONTENT,
    COUNTRIES,
    DEMO,
    FIRST_CHANNEL_WEIGHTS,
    ROLE_WEIGHTS,
    ROLES,
    TITLES,
    WEBINAR,
    WEBINARS,
)
from sandbox.world.companies import Companies, another, company_weights
from sandbox.world.effects import EFFECTS
from sandbox.world.planting import far_off
from sandbox.world.pools import NamePool
from sandbox.world.sizes import AS_OF, DAY, HOUR, MINUTE, START, WorldSize
from sandbox.world.text import Bools, Floats, Ints, ascii_slug, choose, choose_by

IMPORTED, IDLE, CASUAL, ENGAGED, COMMITTEE, INTERN, COMPETITOR, JOB_SEEKER = range(8)
ARCHETYPES = ("imported", "idle", "casual", "engaged", "committee", "intern", "competitor", "job_seeker")
#: How a person entered: a form of catalogue.FORMS, a webinar, or not through the web.
IMPORT, MANUAL = 5, 6
DECISION, CHAMPION, INFLUENCER, PRACTITIONER, INTERN_ROLE, UNKNOWN_ROLE = range(len(ROLES))

#: From ``misspelled`` on, the second record shares no trusted identifier with the first.
DUPLICATE_KINDS = (
    "none", "case", "plus", "gmail_dots", "typo", "personal", "phone_only", "merged", "misspelled", "nickname",
    "initial", "swapped", "personal_no_phone", "mail_typo_domain", "maiden",
)  # fmt: skip
(NO_DUP, CASE, PLUS, GMAIL_DOTS, TYPO, PERSONAL, PHONE_ONLY, MERGED, MISSPELLED, NICKNAME, INITIAL, SWAPPED,
 PERSONAL_NO_PHONE, MAIL_TYPO_DOMAIN, MAIDEN) = range(len(DUPLICATE_KINDS))  # fmt: skip
_DUPLICATE_SHARES = (
    0.0, 0.015, 0.012, 0.008, 0.012, 0.020, 0.010, 0.015, 0.0095, 0.0080, 0.0080, 0.0040, 0.0080, 0.0045, 0.0020,
)  # fmt: skip

#: Different people who look alike (``People.alike``); the share is of pairs among all people.
ALIKE_KINDS = ("none", "similar_colleagues", "namesakes", "family_mailbox", "shared_mailbox")
NOT_ALIKE, COLLEAGUES, NAMESAKES, FAMILY, SHARED_MAILBOX = range(len(ALIKE_KINDS))
_ALIKE_SHARES = (0.0, 0.010, 0.0085, 0.0080, 0.0)
_SHARED_MAILBOX_SHARE = 0.004

#: What is wrong with a person's only address (``People.mail_flaw``).
NO_FLAW, TYPO_HOST, DISPOSABLE, ROLE_ADDRESS = range(4)
_MAIL_FLAW_SHARES = (0.0, 0.005, 0.003, 0.003)

#: What is no answer in the demo form (``People.junk``): letters, the same digit, one employee and a thousand millions.
NO_JUNK, GIBBERISH, REPEATED_DIGITS, IMPOSSIBLE_PAIR = range(4)

CONTACT_ID_BASE = 101_000_000_001
SWITCHBOARD_EVERY = 17

#           newsletter content contact demo webinar import manual
_CAPTURE_WEIGHTS = np.array(
    [
        (0, 0, 0, 0, 0, 1, 0),
        (0.40, 0.30, 0.0, 0.0, 0.05, 0.15, 0.10),
        (0.32, 0.38, 0.06, 0.03, 0.11, 0.10, 0),
        (0.20, 0.45, 0.10, 0.05, 0.20, 0, 0),
        (0.10, 0.37, 0.15, 0.18, 0.15, 0, 0.05),
        (0.30, 0.70, 0, 0, 0, 0, 0),
        (0.20, 0.50, 0, 0.30, 0, 0, 0),
        (0.50, 0, 0.50, 0, 0, 0, 0),
    ]
)
_BEFORE_MEAN = np.array([0, 0.4, 0.9, 1.6, 2.0, 1.0, 1.0, 0.5])
_AFTER_LEAST = np.array([0, 0, 0, 3, 3, 14, 3, 1])
_AFTER_MEAN = np.array([0, 0, 1.0, 3.0, 4.0, 12.0, 3.0, 1.0])
_AFTER_GAP_DAYS = np.array([30.0, 60.0, 22.0, 11.0, 5.0, 2.0, 12.0, 8.0])
_PROFILE = np.array([1, 1, 1, 2, 2, 3, 4, 5])


@dataclass
class People:
    """One row a real person. Times are epoch milliseconds, -1 where the thing has not happened by ``until``.

    ``alike`` says whom somebody looks like (``alike_with``, -1 = nobody) and how; ``mailbox`` is the person whose
    private mailbox somebody writes from (-1 = an own one); ``declared_country`` the country the CRM has for them.
    """

    company: Ints
    country: Ints
    city: Ints
    first: Ints
    last: Ints
    role: Ints
    title: Ints
    archetype: Ints
    free_mail: Bools
    mail_host: Ints
    in_crm: Bools
    has_user_id: Bools
    second_device: Bools
    phone: Ints
    phone_style: Ints
    channel: Ints
    capture_kind: Ints
    capture_at: Ints
    sessions_before: Ints
    sessions_after: Ints
    gap_days: Floats
    profile: Ints
    owner: Ints
    declared_employees: Ints
    declared_revenue: Ints
    duplicate: Ints
    duplicate_at: Ints
    alike: Ints
    alike_with: Ints
    mailbox: Ints
    mail_flaw: Ints
    junk: Ints
    declared_country: Ints
    request_at: Ints
    request_kind: Ints
    mql_at: Ints
    first_attempt_at: Ints
    accepted: Bools
    attempts: Ints
    connected_at: Ints
    meeting_at: Ints
    qualified_at: Ints
    rejected_at: Ints
    rejected_status: Ints
    opportunity_at: Ints
    customer_at: Ints
    offset: int = 0
    until: int = AS_OF

    def __len__(self) -> int:
        return len(self.company)

    @property
    def web_captured(self) -> Bools:
        return np.asarray(self.capture_kind <= WEBINAR)

    def contact_number(self, rows: Ints) -> Ints:
        """CRM id of each person's main contact record."""
        return CONTACT_ID_BASE + 37 * self.number(rows)

    def duplicate_number(self, rows: Ints) -> Ints:
        """CRM id of each person's second (or merged-away) record."""
        return self.contact_number(rows) + 11

    def number(self, rows: Ints) -> Ints:
        """The world-wide number of the people at ``rows`` (second-day people come after the first day's)."""
        return rows + self.offset


@dataclass
class Deals:
    """One row an opportunity. ``stage_at`` has the time of each stage in order (-1 = not reached)."""

    company: Ints
    contact: Ints
    created_at: Ints
    stage_at: Ints
    closed_at: Ints
    won: Bools
    lost: Bools
    amount: Floats
    currency: Ints
    owner: Ints
    lost_reason: Ints
    is_upsell: Bools
    is_offline: Bools

    def __len__(self) -> int:
        return len(self.company)


def make_people(
    rng: np.random.Generator, size: WorldSize, companies: Companies, pools: list[NamePool], owners: int
) -> People:
    """Draws everybody up to the moment sales is involved (``work_requests`` goes on from there)."""
    n = size.leads
    company, lead_position = _workplaces(rng, size, companies)
    safe = np.maximum(company, 0)
    country = np.where(company >= 0, companies.country[safe], choose(rng, [c.weight for c in COUNTRIES], n))
    role = choose(rng, ROLE_WEIGHTS, n)
    # The first three people of a buying account are a committee in the making.
    role = np.where((lead_position == 0) & (rng.random(n) < 0.75), DECISION, role)
    role = np.where((lead_position == 1) & (rng.random(n) < 0.7), CHAMPION, role)
    house = np.where(company >= 0, companies.mail_company[safe], -1)
    first, last = _unique_names(rng, house, country, pools)
    languages = [c.language for c in COUNTRIES]
    titles_of = np.array([[len(t) for t in TITLES[lang]] for lang in languages])
    title = (rng.random(n) * titles_of[country, role]).astype(np.int64)

    archetype = choose(rng, (0.16, 0.24, 0.42, 0.14, 0, 0, 0, 0.04), n)
    process = (company >= 0) & companies.has_process[safe]
    archetype = np.where(process, np.where(rng.random(n) < 0.78, COMMITTEE, CASUAL), archetype)
    archetype = np.where(process & (lead_position == 0), COMMITTEE, archetype)
    archetype = np.where((role == INTERN_ROLE) & ~process & (rng.random(n) < 0.4), INTERN, archetype)
    archetype = np.where((company >= 0) & companies.is_competitor[safe], COMPETITOR, archetype)

    capture_kind = choose_by(rng, _CAPTURE_WEIGHTS, archetype)
    capture_kind = np.where(process & (lead_position == 0) & (capture_kind >= IMPORT), CONTENT, capture_kind)
    capture_at = _capture_times(rng, archetype, process, np.where(process, companies.process_start[safe], 0))
    # Nobody enters by a webinar before the first one is announced, or long after the last.
    first_webinar = START + (WEBINARS[0].day - 30) * DAY
    last_webinar = START + WEBINARS[-1].day * DAY
    off = (capture_kind == WEBINAR) & ((capture_at < first_webinar) | (capture_at > last_webinar))
    capture_kind = np.where(off, CONTENT, capture_kind)

    form = capture_kind <= DEMO
    web_only = form & (rng.random(n) < 0.06) & (lead_position != 0)
    if not web_only.any():
        web_only[np.flatnonzero(form & (lead_position != 0))[:5]] = True
    # A third of the people who start from nowhere in particular use a private address, and those without a company.
    free_mail = (company < 0) | ((rng.random(n) < 0.06) & (lead_position != 0))
    phone, has_phone = _phones(rng, country, capture_kind)
    # At some companies everybody who was typed in by hand has the switchboard's number.
    shared = (company >= 0) & (company % SWITCHBOARD_EVERY == 3) & np.isin(capture_kind, (IMPORT, MANUAL))
    _, first_of, which = np.unique(company, return_index=True, return_inverse=True)
    phone = np.where(shared, phone[first_of[which]], phone)
    has_phone |= shared
    people = People(
        company=company,
        country=country,
        city=rng.integers(0, 1_000, n),
        first=first,
        last=last,
        role=role,
        title=title,
        archetype=archetype,
        free_mail=free_mail,
        mail_host=choose(rng, (0.5, 0.2, 0.12, 0.1, 0.08), n),
        in_crm=~web_only,
        has_user_id=(rng.random(n) < 0.5) & ~web_only,
        second_device=rng.random(n) < 0.2,
        phone=np.where(has_phone, phone, -1),
        phone_style=rng.integers(0, 4, n),
        channel=choose(rng, FIRST_CHANNEL_WEIGHTS, n),
        capture_kind=capture_kind,
        capture_at=capture_at,
        sessions_before=np.where(capture_kind <= WEBINAR, rng.poisson(_BEFORE_MEAN[archetype]), 0),
        sessions_after=_AFTER_LEAST[archetype] + rng.poisson(_AFTER_MEAN[archetype]),
        gap_days=_AFTER_GAP_DAYS[archetype],
        profile=_PROFILE[archetype],
        owner=rng.integers(0, owners, n),
        declared_employees=np.full(n, -1, dtype=np.int64),
        declared_revenue=np.full(n, -1, dtype=np.int64),
        duplicate=np.zeros(n, dtype=np.int64),
        duplicate_at=np.full(n, -1, dtype=np.int64),
        alike=np.zeros(n, dtype=np.int64),
        alike_with=np.full(n, -1, dtype=np.int64),
        mailbox=np.full(n, -1, dtype=np.int64),
        mail_flaw=np.zeros(n, dtype=np.int64),
        junk=np.zeros(n, dtype=np.int64),
        declared_country=country.copy(),
        **_nothing_yet(n),
    )
    planted = rng.spawn(1)[0]
    _plant_lookalikes(planted, people, pools, house)
    _plant_duplicates(rng, planted, people, pools, house)
    _plant_mail_flaws(planted, people, house)
    _requests(rng, people, companies, lead_position)
    _declare(rng, planted, people, companies)
    return people


def _nothing_yet(n: int) -> dict[str, Any]:
    never = ("request_at", "mql_at", "first_attempt_at", "connected_at", "meeting_at", "qualified_at", "rejected_at",
             "opportunity_at", "customer_at", "request_kind")  # fmt: skip
    out: dict[str, Any] = {name: np.full(n, -1, dtype=np.int64) for name in never}
    out["accepted"] = np.zeros(n, dtype=bool)
    out["attempts"] = np.zeros(n, dtype=np.int64)
    out["rejected_status"] = np.zeros(n, dtype=np.int64)
    return out


def _workplaces(rng: np.random.Generator, size: WorldSize, companies: Companies) -> tuple[Ints, Ints]:
    """Company of each person (-1 = none) and, at buying accounts, 0, 1, 2 for its first three people (else -1)."""
    n = size.leads
    buying = np.flatnonzero(companies.has_process)[: int(n * 0.6) // 3]
    competitors = np.repeat(np.flatnonzero(companies.is_competitor), 2)
    seats = np.concatenate([np.repeat(buying, 3), competitors])
    rest = choose(rng, company_weights(companies, rng), n - len(seats))
    rest = np.where(rng.random(len(rest)) < 0.10, -1, rest)
    company = np.concatenate([seats, rest])
    position = np.full(n, -1, dtype=np.int64)
    position[: 3 * len(buying)] = np.tile(np.arange(3), len(buying))
    order = rng.permutation(n)
    return company[order], position[order]


def _unique_names(rng: np.random.Generator, company: Ints, country: Ints, pools: list[NamePool]) -> tuple[Ints, Ints]:
    """First and last name numbers; no two people of one company (or group that shares a domain) share both."""
    n = len(company)
    # "José" and "Jose" give one address, so names are told apart as an address writes them.
    first_slugs, last_slugs = _slug_numbers([p.first for p in pools]), _slug_numbers([p.last for p in pools])
    first_sizes = np.array([len(p.first) for p in pools])[country]
    last_sizes = np.array([len(p.last) for p in pools])[country]
    first = (rng.random(n) * first_sizes).astype(np.int64)
    last = (rng.random(n) * last_sizes).astype(np.int64)
    for _ in range(50):
        key = (company * 10_000 + first_slugs[country, first]) * 10_000 + last_slugs[country, last]
        _, first_seen = np.unique(key, return_index=True)
        again = np.ones(n, dtype=bool)
        again[first_seen] = False
        again &= company >= 0
        if not again.any():
            break
        last[again] = (last[again] + 1) % last_sizes[again]
    return first, last


def _slug_numbers(names: list[list[str]]) -> Ints:
    """A number per distinct spelling in an address; one row a country."""
    slugs = [ascii_slug(pa.array(pool)).to_pylist() for pool in names]
    number = {slug: i for i, slug in enumerate(dict.fromkeys(s for pool in slugs for s in pool))}
    out = np.zeros((len(names), max(len(pool) for pool in names)), dtype=np.int64)
    for row, pool in enumerate(slugs):
        out[row, : len(pool)] = [number[s] for s in pool]
    return out


def _capture_times(rng: np.random.Generator, archetype: Ints, process: Bools, start: Ints) -> Ints:
    n = len(archetype)
    span = AS_OF - START - 22 * DAY
    u = rng.random(n)
    anywhere = START + 20 * DAY + (u * span).astype(np.int64)
    late = START + 20 * DAY + (u**0.6 * span).astype(np.int64)
    early = START + 20 * DAY + (u * (span - 180 * DAY)).astype(np.int64)
    at = np.where(archetype == IDLE, early, np.where(np.isin(archetype, (ENGAGED, INTERN)), late, anywhere))
    at = np.where(process, start + (rng.random(n) * 21 * DAY).astype(np.int64), at)
    latest = AS_OF // DAY * DAY - DAY - (rng.random(n) * 4).astype(np.int64) * DAY
    day = np.minimum(at // DAY * DAY, latest)
    return np.asarray(day + 9 * HOUR + (rng.random(n) * 10 * HOUR).astype(np.int64))


def _phones(rng: np.random.Generator, country: Ints, capture_kind: Ints) -> tuple[Ints, Bools]:
    """National mobile numbers that are valid in their country, and who left one."""
    n = len(country)
    tail6, tail7, tail8 = (rng.integers(0, 10**k, n) for k in (6, 7, 8))
    area = np.array([11, 21, 31, 41, 51, 81, 48, 19])[rng.integers(0, 8, n)]
    brazil = area * 10**9 + 9 * 10**8 + (6 + rng.integers(0, 4, n)) * 10**7 + tail7
    second = np.array([0, 1, 2, 4, 5, 6, 7, 8])[tail8 // 10**7 % 8]
    france = 6 * 10**8 + second * 10**7 + tail7
    spain = 6 * 10**8 + tail8
    american = np.array([212, 512, 312, 617, 303, 415])[rng.integers(0, 6, n)]
    exchange = 220 + rng.integers(0, 78, n) * 10 + rng.integers(2, 10, n)
    usa = american * 10**7 + exchange * 10**4 + tail6 % 10**4
    british = np.array([7712, 7400, 7807, 7973])[rng.integers(0, 4, n)]
    britain = british * 10**6 + tail6
    phone = np.choose(country, [brazil, france, spain, usa, britain])
    share = np.where(np.isin(capture_kind, (CONTACT, DEMO, MANUAL)), 0.97, np.where(capture_kind == IMPORT, 0.8, 0.42))
    return phone.astype(np.int64), rng.random(n) < share


def _alone(house: Ints, *keys: Ints) -> Bools:
    """Who shares a combination of keys with nobody else of the same house (company, or group with one domain)."""
    key = house
    for more in keys:
        key = key * 100_000 + more
    _, which, count = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(count[which] == 1)


def _plant_lookalikes(rng: np.random.Generator, people: People, pools: list[NamePool], house: Ints) -> None:
    """Different people that a careless matcher would make one: see :data:`ALIKE_KINDS`.

    Nobody is in two pairs. Colleagues and namesakes keep phones, titles and cities of their own, so that a careful
    reader can tell them apart; a family shares last name, phone and mailbox.
    """
    n = len(people)
    told = people.in_crm & (people.phone >= 0) & (people.role != UNKNOWN_ROLE)
    office = told & (house >= 0) & ~people.free_mail
    shared_phone = (people.company % SWITCHBOARD_EVERY == 3) & np.isin(people.capture_kind, (IMPORT, MANUAL))
    slugs = _slug_numbers([p.first for p in pools]), _slug_numbers([p.last for p in pools])
    order = rng.permutation(n)

    def pairs(fits: Bools, group: Ints, kind: int, shift: int) -> tuple[Ints, Ints]:
        """Two people of one group each, as many as wanted, both still free."""
        free = order[(fits & (people.alike == NOT_ALIKE))[order]]
        free = free[np.argsort(group[free], kind="stable")]
        first_of = np.flatnonzero(group[free][shift:] == group[free][: len(free) - shift])
        # Every other one, so that no person is in two pairs.
        chosen = first_of[rng.permutation(len(first_of))]
        used = np.zeros(len(free), dtype=bool)
        left: list[int] = []
        wanted = max(2, round(_ALIKE_SHARES[kind] * n))
        for at in chosen:
            if len(left) == wanted:
                break
            if not used[at] and not used[at + shift]:
                used[[at, at + shift]] = True
                left.append(int(at))
        at = np.array(left, dtype=np.int64)
        return free[at], free[at + shift]

    def settle(kind: int, one: Ints, other: Ints, first: tuple[Ints, Ints], last: Ints) -> tuple[Ints, Ints]:
        """Names both of each pair; a pair that would bear a colleague's name is left as it was."""
        before = people.first.copy(), people.last.copy()
        people.first[one], people.first[other] = first
        people.last[other] = last
        names = [slugs[k][people.country, value] for k, value in enumerate((people.first, people.last))]
        alone = _alone(house, *names) | (house < 0)
        good = alone[one] & alone[other]
        for bad in (one[~good], other[~good]):
            people.first[bad], people.last[bad] = before[0][bad], before[1][bad]
        one, other = one[good], other[good]
        people.alike[one] = people.alike[other] = kind
        people.alike_with[one], people.alike_with[other] = other, one
        return one, other

    one, other = pairs(office & ~shared_phone, house, COLLEAGUES, 1)
    listed = [np.array(pool.lookalikes, dtype=np.int64) for pool in pools]
    drawn = rng.integers(0, 1_000, len(one))
    both = np.array([listed[c][d % len(listed[c])] for c, d in zip(people.country[one], drawn, strict=True)])
    both = both.reshape(-1, 2)
    one, other = settle(COLLEAGUES, one, other, (both[:, 0], both[:, 1]), people.last[one])
    people.city[other] = people.city[one] + 1
    _other_title(people, one, other)

    group = people.country
    one, other = pairs(office & ~shared_phone, group, NAMESAKES, 1)
    apart = people.company[one] != people.company[other]
    one, other = one[apart], other[apart]
    one, other = settle(NAMESAKES, one, other, (people.first[one], people.first[one]), people.last[one])
    people.city[other] = people.city[one]
    _other_title(people, one, other)

    one, other = pairs(told & people.free_mail & ~shared_phone, group, FAMILY, 1)
    first_slugs = slugs[0]
    apart = first_slugs[people.country[one], people.first[one]] != first_slugs[people.country[one], people.first[other]]
    one, other = one[apart], other[apart]
    one, other = settle(FAMILY, one, other, (people.first[one], people.first[other]), people.last[one])
    people.phone[other], people.city[other] = people.phone[one], people.city[one]
    people.mail_host[other] = people.mail_host[one]
    people.mailbox[one] = people.mailbox[other] = one

    _plant_shared_mailboxes(rng, people, house)


def _other_title(people: People, one: Ints, other: Ints) -> None:
    same = (people.role[one] == people.role[other]) & (people.title[one] == people.title[other])
    longest = np.array([[len(t) for t in TITLES[c.language]] for c in COUNTRIES])
    rows = other[same]
    people.title[rows] = (people.title[rows] + 1) % longest[people.country[rows], people.role[rows]]


def _plant_shared_mailboxes(rng: np.random.Generator, people: People, house: Ints) -> None:
    """At some companies two to four colleagues also write from one mailbox (``info@``); each has a login of their own.

    ``alike_with`` is the first of them, for that one itself too.
    """
    fits = people.in_crm & people.has_user_id & people.web_captured & ~people.free_mail & (people.alike == NOT_ALIKE)
    rows = np.flatnonzero(fits & (house >= 0))
    rows = rows[np.argsort(house[rows], kind="stable")]
    _, start, count = np.unique(house[rows], return_index=True, return_counts=True)
    start, count = start[count >= 2], count[count >= 2]
    chosen = rng.permutation(len(start))[: max(2, round(_SHARED_MAILBOX_SHARE * len(people)))]
    size = np.minimum(count[chosen], rng.integers(2, 5, len(chosen)))
    for at, several in zip(start[chosen], size, strict=True):
        members = rows[at : at + several]
        people.alike[members] = SHARED_MAILBOX
        people.alike_with[members] = members[0]


def _plant_duplicates(
    rng: np.random.Generator, planted: np.random.Generator, people: People, pools: list[NamePool], house: Ints
) -> None:
    """Second records of people, at least two of each kind, each kind only where it can be told."""
    n = len(people)
    phone = people.phone >= 0
    gmail = people.free_mail & (people.mail_host == 0) & (people.mailbox < 0)
    corporate = people.in_crm & ~people.free_mail
    lonely = people.alike == NOT_ALIKE
    last = _slug_numbers([p.last for p in pools])[people.country, people.last]
    fits = {
        CASE: people.in_crm & (people.capture_kind <= DEMO),
        PLUS: people.in_crm & (people.mailbox < 0),
        GMAIL_DOTS: people.in_crm & gmail,
        # "luisa" without its last letter may be a colleague's address.
        TYPO: corporate & phone & _alone(house, last),
        PERSONAL: corporate & phone,
        PHONE_ONLY: people.in_crm & phone,
        MERGED: people.in_crm,
    } | {kind: chance & lonely for kind, chance in told_by_name(people, pools, house).items()}
    free = np.ones(n, dtype=bool)
    # The rarest first, so that each finds its people.
    for kind in (GMAIL_DOTS, CASE, TYPO, PERSONAL, PHONE_ONLY, PLUS, MERGED, *range(MISSPELLED, len(DUPLICATE_KINDS))):
        source, least = (rng, 3) if kind < MISSPELLED else (planted, 2)
        wanted = max(least, round(_DUPLICATE_SHARES[kind] * n))
        candidates = np.flatnonzero(fits[kind] & free)
        chosen = source.permutation(candidates)[:wanted]
        people.duplicate[chosen] = kind
        free[chosen] = False
    rows = np.flatnonzero(people.duplicate > 0)
    later = people.capture_at[rows] + ((1 + rng.random(len(rows)) * 150) * DAY).astype(np.int64)
    latest = AS_OF - 2 * DAY - rng.integers(0, 5 * DAY, len(rows))
    people.duplicate_at[rows] = np.maximum(np.minimum(later, latest), people.capture_at[rows] + 10 * MINUTE)


def told_by_name(people: People, pools: list[NamePool], house: Ints) -> dict[int, Bools]:
    """Who can have a second record of each kind from ``MISSPELLED`` on, such that a careful reader still knows them.

    The company is known, and no colleague bears the same first or the same last name.
    """
    first = _slug_numbers([p.first for p in pools])[people.country, people.first]
    last = _slug_numbers([p.last for p in pools])[people.country, people.last]
    most = max(len(p.first) for p in pools)
    short = np.zeros((len(pools), most), dtype=bool)
    for code, pool in enumerate(pools):
        short[code, : len(pool.first)] = [nick is not None for nick in pool.nicknames[::2]]
    at_work = people.in_crm & (house >= 0)
    distinct = at_work & _alone(house, first) & _alone(house, last)
    return {
        MISSPELLED: distinct,
        NICKNAME: distinct & short[people.country, people.first],
        INITIAL: distinct & ~people.free_mail,
        SWAPPED: distinct,
        PERSONAL_NO_PHONE: distinct & ~people.free_mail,
        MAIL_TYPO_DOMAIN: people.in_crm & ((house >= 0) | people.free_mail),
        MAIDEN: distinct & ~people.free_mail,
    }


def _plant_mail_flaws(rng: np.random.Generator, people: People, house: Ints) -> None:
    """Addresses with a slip in the provider's name, throw-away ones, and role addresses that stand for one person."""
    n = len(people)
    simple = people.in_crm & (people.duplicate == NO_DUP) & (people.alike == NOT_ALIKE)
    boxes = house[people.alike == SHARED_MAILBOX]
    _, first_of = np.unique(house, return_index=True)
    first = np.zeros(n, dtype=bool)
    first[first_of] = True
    fits = {
        TYPO_HOST: simple & people.free_mail,
        DISPOSABLE: simple & people.free_mail,
        # One a company at most.
        ROLE_ADDRESS: simple & (house >= 0) & ~people.free_mail & ~np.isin(house, boxes) & first,
    }
    for kind, fit in fits.items():
        candidates = np.flatnonzero(fit & (people.mail_flaw == NO_FLAW))
        people.mail_flaw[rng.permutation(candidates)[: max(2, round(_MAIL_FLAW_SHARES[kind] * n))]] = kind


def _requests(rng: np.random.Generator, people: People, companies: Companies, lead_position: Ints) -> None:
    """Who asked to be contacted, and when; the main contact of a buying account always does, given time."""
    n = len(people)
    main = lead_position == 0
    asks = np.isin(people.capture_kind, (CONTACT, DEMO)) & (people.archetype != JOB_SEEKER)
    people.request_at = np.where(asks, people.capture_at, -1)
    people.request_kind = np.where(asks, people.capture_kind, -1)
    later_day = people.capture_at // DAY + 1 + rng.integers(0, 16, n)
    later = later_day * DAY + 9 * HOUR + (rng.random(n) * 10 * HOUR).astype(np.int64)
    late = main & ~asks & (later < AS_OF - 12 * HOUR)
    people.request_at = np.where(late, later, people.request_at)
    people.request_kind = np.where(late, np.where(rng.random(n) < 0.6, DEMO, CONTACT), people.request_kind)

    icp = (people.company >= 0) & companies.is_icp[np.maximum(people.company, 0)]
    warm = np.isin(people.archetype, (ENGAGED, COMMITTEE)) & icp & people.in_crm & (rng.random(n) < 0.6)
    warm_at = people.capture_at + ((3 + rng.random(n) * 25) * DAY).astype(np.int64)
    mql = np.where(warm & (warm_at < AS_OF), warm_at, -1)
    asked = (people.request_at >= 0) & people.in_crm & ~np.isin(people.archetype, (INTERN, COMPETITOR))
    asked_at = people.request_at + 5 * MINUTE
    people.mql_at = np.where(asked & ((mql < 0) | (asked_at < mql)), asked_at, mql)


def _declare(rng: np.random.Generator, planted: np.random.Generator, people: People, companies: Companies) -> None:
    """What people write about their company in the demo form, and where the CRM says they are.

    Planted errors are a factor of 3 to 6 either way. Some of the wrong answers are no answers at all: one digit
    repeated, or one employee with a thousand millions; a few more people type letters.
    """
    e = EFFECTS
    asked = (people.company >= 0) & ((people.capture_kind == DEMO) | (people.request_kind == DEMO))
    rows = np.flatnonzero(asked)
    company = people.company[rows]
    employees, revenue = companies.employees[company], companies.revenue[company]
    heads = far_off(rng, employees, e.declared_employees_error_rate)
    money = far_off(rng, revenue, e.declared_revenue_error_rate)
    u = planted.random(len(rows))
    wrong, both = heads != employees, (heads != employees) & (money != revenue)
    pair = both & (u < e.declared_impossible_pair_rate)
    digits = wrong & ~pair & (planted.random(len(rows)) < e.declared_repeated_digits_rate)
    letters = ~wrong & (planted.random(len(rows)) < 0.01)
    people.junk[rows] = np.select([pair, digits, letters], [IMPOSSIBLE_PAIR, REPEATED_DIGITS, GIBBERISH], NO_JUNK)
    # No company is as large as that: the answer stays a wrong one.
    repeated = np.array([1_111_111, 99_999_999, 9_999_999, 123_456_789])[planted.integers(0, 4, len(rows))]
    people.declared_employees[rows] = np.where(pair, 1, np.where(digits, repeated, heads))
    people.declared_revenue[rows] = np.where(pair, 1_000_000_000, money)
    at_work = np.flatnonzero(people.company >= 0)
    people.declared_country[at_work] = another(
        planted, people.country[at_work], len(COUNTRIES), e.declared_country_error_rate
    )


def _workday(day: Ints) -> Ints:
    """The day itself, or the Monday after it (days since the epoch, which was a Thursday)."""
    weekday = (day + 3) % 7
    return day + np.where(weekday >= 5, 7 - weekday, 0)


def working_time(at: Ints) -> Ints:
    """The moment itself, or one in the morning of the next working day when nobody is at work (8 to 20 h UTC)."""
    day, clock = at // DAY, at % DAY
    day = day + (clock >= 20 * HOUR)
    away = (clock < 8 * HOUR) | (clock >= 20 * HOUR)
    return _workday(day) * DAY + np.where(away, 8 * HOUR + 20 * MINUTE + clock % (2 * HOUR), clock)


def attempt_time(first: Ints, number: Ints) -> Ints:
    """When the ``number``-th further attempt follows a first one: one a working day, at changing hours."""
    day = first // DAY
    later = day + number + 2 * (((day + 3) % 7 + number) // 5)
    hour = 9 * HOUR + (first // 1000 + number * 7_919) % (9 * 3_600) * 1_000
    return np.where(number == 0, first, later * DAY + hour)


def work_requests(rng: np.random.Generator, people: People, companies: Companies) -> Deals:
    """Sales works the requests; returns the opportunities that come of it. Fills the sales fields of ``people``."""
    e = EFFECTS
    rows = np.flatnonzero((people.request_at >= 0) & people.in_crm)
    k = len(rows)
    hours = e.first_attempt_median_hours * np.exp(rng.normal(0, e.first_attempt_log_sigma, k))
    first = working_time(people.request_at[rows] + np.maximum(hours * HOUR, 90_000).astype(np.int64))
    hours = (first - people.request_at[rows]) / HOUR
    forgotten = rng.random(k) < 0.07
    worked = ~forgotten & (first < AS_OF - HOUR)
    weak = np.isin(people.archetype[rows], (INTERN, COMPETITOR))
    accepted = worked & (rng.random(k) < np.where(weak, 0.1, e.accept_rate))
    answer = e.answer_floor + e.answer_span * 2.0 ** (-hours / e.answer_half_life_hours)
    answered = accepted & (rng.random(k) < answer)
    tries = np.where(answered, np.minimum(rng.geometric(0.6, k), 6), 4 + rng.integers(0, 6, k))
    tries = np.where(accepted, tries, np.where(worked, 1, 0))
    connected = attempt_time(first, tries - 1)
    answered &= connected < AS_OF - HOUR
    for _ in range(10):
        ahead = accepted & ~answered & (tries > 1) & (attempt_time(first, tries - 1) >= AS_OF - HOUR)
        tries = tries - ahead

    channel = np.array([e.channel_effect[c] for c in CHANNELS])[people.channel[rows]]
    process = (people.company[rows] >= 0) & companies.has_process[np.maximum(people.company[rows], 0)]
    qualify = rng.random(k) < np.minimum(e.qualify_base * channel, 0.97)
    qualified_at = connected + ((1 + rng.random(k) * 5) * DAY).astype(np.int64)
    qualified_at = _workday(qualified_at // DAY) * DAY + 13 * HOUR + (rng.random(k) * 5 * HOUR).astype(np.int64)
    qualified = answered & qualify & process & (qualified_at < AS_OF - 2 * HOUR)
    will_qualify = answered & qualify & process

    gave_up_at = attempt_time(first, tries)
    rejected_at = np.where(
        worked & ~accepted,
        first + 20 * MINUTE,
        np.where(
            accepted & ~answered & (tries >= 4),
            gave_up_at,
            np.where(answered & ~will_qualify & (rng.random(k) < 0.6), connected + 30 * MINUTE, -1),
        ),
    )
    rejected_at = np.where(rejected_at < AS_OF, rejected_at, -1)
    people.first_attempt_at[rows] = np.where(worked, first, -1)
    people.accepted[rows] = accepted
    people.attempts[rows] = tries
    people.connected_at[rows] = np.where(answered, connected, -1)
    people.meeting_at[rows] = np.where(will_qualify, qualified_at, -1)
    people.qualified_at[rows] = np.where(qualified, qualified_at, -1)
    people.rejected_at[rows] = rejected_at
    people.rejected_status[rows] = (rng.random(k) < 0.25).astype(np.int64)
    return _deals(rng, people, companies, rows[qualified])


def _deals(rng: np.random.Generator, people: People, companies: Companies, main: Ints) -> Deals:
    e = EFFECTS
    # One opportunity an account: its first qualified contact's.
    order = np.lexsort((people.qualified_at[main], people.company[main]))
    main = main[order]
    _, first_of = np.unique(people.company[main], return_index=True)
    main = main[first_of]
    company = people.company[main]
    created = people.qualified_at[main] + (rng.random(len(main)) * 6 * HOUR).astype(np.int64) + 30 * MINUTE
    created = np.minimum(created, AS_OF - HOUR)
    roles = np.isin(people.role, (DECISION, CHAMPION, INFLUENCER)) & (people.archetype == COMMITTEE)
    members = np.bincount(people.company[roles & (people.company >= 0)], minlength=len(companies))[company]
    channel = np.array([e.channel_effect[c] for c in CHANNELS])[people.channel[main]]
    committee = np.where(
        members >= 3, e.committee_three_or_more, np.where(members == 2, e.committee_two, e.committee_one)
    )
    profile = np.where(companies.is_icp[company], e.profile_match, e.profile_mismatch)
    chance = np.minimum(e.win_base * channel * committee * profile, 0.97)

    # Opportunities of existing relations, no marketing behind them: nothing to attribute.
    pool = np.flatnonzero(companies.in_crm & ~companies.has_process & ~companies.is_competitor)
    offline = rng.permutation(pool)[: max(2, round(len(companies) * 0.03))]
    first_at = np.full(len(companies), -1, dtype=np.int64)
    crm = np.flatnonzero((people.company >= 0) & people.in_crm)[::-1]
    first_at[people.company[crm]] = crm
    offline_at = START + ((60 + rng.random(len(offline)) * 480) * DAY).astype(np.int64)

    contact = np.concatenate([main, first_at[offline]])
    created = np.concatenate([created, offline_at])
    contact = np.where((contact >= 0) & (people.capture_at[np.maximum(contact, 0)] > created), -1, contact)
    company = np.concatenate([company, offline])
    chance = np.concatenate([chance, np.full(len(offline), 0.35)])
    is_offline = np.arange(len(company)) >= len(main)

    n = len(company)
    will_win = rng.random(n) < chance
    steps = (np.array([3.0, 4.0, 5.0, 5.0]) + rng.random((n, 4)) * np.array([9.0, 16.0, 20.0, 30.0])) * DAY
    stage_at = np.full((n, 4), -1, dtype=np.int64)
    stage_at[:, 0] = created
    stage_at[:, 1:] = created[:, None] + np.cumsum(steps[:, :3], axis=1).astype(np.int64)
    lost_after = np.where(will_win, 3, rng.integers(0, 4, n))
    stage_at = np.where(np.arange(4)[None, :] <= lost_after[:, None], stage_at, -1)
    closed = stage_at[np.arange(n), lost_after] + steps[np.arange(n), lost_after].astype(np.int64)
    closed = np.where(closed < AS_OF - HOUR, closed, -1)
    stage_at = np.where((stage_at >= 0) & (stage_at < AS_OF - HOUR), stage_at, -1)
    won, lost = will_win & (closed >= 0), ~will_win & (closed >= 0)

    currency = np.where(rng.random(n) < 0.06, 2, np.array([1, 0, 0, 2, 0])[companies.country[company]])
    per_eur = np.array([1.0, e.currency_per_eur["BRL"], e.currency_per_eur["USD"]])[currency]
    euros = np.clip(2_500 + 90 * companies.employees[company] ** 0.85, 3_000, 180_000)
    amount = np.round(euros * np.exp(rng.normal(0, 0.35, n)) * per_eur / 50) * 50
    deals = Deals(
        company=company,
        contact=contact,
        created_at=created,
        stage_at=stage_at,
        closed_at=closed,
        won=won,
        lost=lost,
        amount=amount,
        currency=currency,
        owner=np.where(contact >= 0, people.owner[np.maximum(contact, 0)], company % (people.owner.max() + 1)),
        lost_reason=rng.integers(0, 6, n),
        is_upsell=np.zeros(n, dtype=bool),
        is_offline=is_offline,
    )
    deals = _with_upsells(rng, deals)
    _mark_committees(people, companies, deals)
    return deals


def _with_upsells(rng: np.random.Generator, deals: Deals) -> Deals:
    """A third of the customers of more than two months buy again."""
    old = np.flatnonzero(deals.won & (deals.closed_at < AS_OF - 60 * DAY))
    again = old[rng.random(len(old)) < 0.33]
    created = deals.closed_at[again] + ((20 + rng.random(len(again)) * 35) * DAY).astype(np.int64)
    k = len(again)
    gap = ((4 + rng.random((k, 4)) * 8) * DAY).astype(np.int64)
    stage_at = created[:, None] + np.concatenate([np.zeros((k, 1), np.int64), np.cumsum(gap[:, :3], axis=1)], axis=1)
    closed = stage_at[:, 3] + gap[:, 3]
    will_win = rng.random(k) < 0.7
    closed = np.where(closed < AS_OF - HOUR, closed, -1)
    merged = {}
    extra = {
        "created_at": created,
        "stage_at": np.where(stage_at < AS_OF - HOUR, stage_at, -1),
        "closed_at": closed,
        "won": will_win & (closed >= 0),
        "lost": ~will_win & (closed >= 0),
        "amount": np.round(deals.amount[again] * 0.4 / 50) * 50,
        "is_upsell": np.ones(k, dtype=bool),
    }
    for name in deals.__dataclass_fields__:
        old_values = getattr(deals, name)
        merged[name] = np.concatenate([old_values, extra.get(name, old_values[again])])
    return Deals(**merged)


def _mark_committees(people: People, companies: Companies, deals: Deals) -> None:
    """People of an account known when its opportunity was made are on it; customers once it is won."""
    opened = np.full(len(companies), -1, dtype=np.int64)
    bought = np.full(len(companies), -1, dtype=np.int64)
    first = ~deals.is_upsell
    opened[deals.company[first]] = deals.created_at[first]
    won = first & deals.won
    bought[deals.company[won]] = deals.closed_at[won]
    safe = np.maximum(people.company, 0)
    on_deal = (people.company >= 0) & people.in_crm & (people.role <= PRACTITIONER) & (people.archetype != COMPETITOR)
    at = np.where(on_deal, opened[safe], -1)
    people.opportunity_at = np.where((at >= 0) & (people.capture_at < at), at, -1)
    people.customer_at = np.where(people.opportunity_at >= 0, bought[safe], -1)
