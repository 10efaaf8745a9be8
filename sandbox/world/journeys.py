"""What people and passing visitors do on the web site: sessions, page views, forms, downloads, webinars.

A session lies within one UTC day, and a person has at most one a day, so that sessions of one browser are always hours
apart. Form sessions are placed so that the form is sent at the moment the person's numbers say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.catalogue import (
    CHANNELS,
    CONTACT,
    CONTENT,
    CONTENTS,
    COUNTRIES,
    DEMO,
    FIRST_CHANNEL_WEIGHTS,
    FORMS,
    LATER_CHANNEL_WEIGHTS,
    MESSAGES,
    NEWSLETTER,
    PAGES,
    SITE,
    SOURCES,
    USER_AGENTS,
    WEBINAR,
    WEBINARS,
)
from sandbox.world.companies import Companies
from sandbox.world.contacts import (
    DOMAIN_HINT,
    NAME_HINT,
    NO_HINT,
    Identity,
    named_company,
    person_ids,
    truth_rows,
    writes_from_company,
)
from sandbox.world.marketing import CAMPAIGN_TIMES, CAMPAIGNS
from sandbox.world.people import CASE, DUPLICATE_KINDS, GIBBERISH, NO_DUP, People
from sandbox.world.planting import Flaws
from sandbox.world.sizes import DAY, HOUR, MINUTE, START
from sandbox.world.text import (
    Bools,
    Column,
    Ints,
    choose,
    choose_by,
    counters,
    digits,
    join,
    only,
    pick,
    running,
    take,
    text,
    timestamps,
    uuids,
    where,
)

WEBINAR_TIMES = np.array([START + w.day * DAY + 14 * HOUR for w in WEBINARS], dtype=np.int64)
_PAGE_MEAN = np.array([1.3, 1.7, 3.0, 3.4, 3.6, 2.4])
#: Chance that a later visit ends in a download, by archetype.
_DOWNLOAD = np.array([0.0, 0.0, 0.10, 0.18, 0.20, 0.18, 0.05, 0.0])
_WEBINAR = np.array([0.0, 0.0, 0.04, 0.15, 0.15, 0.05, 0.05, 0.0])
_PATHS = [p.path for p in PAGES]
_PAGE_WEIGHTS = np.array([p.weights for p in PAGES], dtype=float).T
_FORM_PAGE = {NEWSLETTER: "/newsletter", CONTACT: "/contact", DEMO: "/demo"}
_FIRST_CONTENT = _PATHS.index(f"/resources/{CONTENTS[0].slug}")
_FIRST_WEBINAR = _PATHS.index(f"/webinars/{WEBINARS[0].slug}")
#: What some type where a number is asked for.
_LETTERS = ("asdf", "xxx", "muitos", "qwerty", "jkjkjk")
EMAIL, DIRECT = CHANNELS.index("email"), CHANNELS.index("direct")

EVENT_COLUMNS = (
    "message_id", "type", "event", "user_id", "anonymous_id", "group_id", "email", "event_at", "received_at",
    "page_url", "page_path", "page_title", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_content",
    "utm_term", "click_id_kind", "dwell_seconds", "user_agent", "ip", "locale", "tracker", "properties", "traits",
)  # fmt: skip


@dataclass
class JourneyChunk:
    """``clicks`` are visits from marketing e-mail: person (position in the chunk), campaign, time."""

    events: pa.Table
    submissions: pa.Table
    sessions: pa.Table
    truth: pa.Table
    flaws: Flaws
    click_person: Ints
    click_campaign: Ints
    click_at: Ints


@dataclass
class _Sessions:
    owner: Ints
    day: Ints
    sent_at: Ints
    form: Ints


def journey_chunk(
    identity: Identity,
    people: People,
    companies: Companies,
    visitors: int,
    until: int,
    rng: np.random.Generator,
    start: int = START,
) -> JourneyChunk:
    """Everything the people of ``identity`` and so many anonymous ``visitors`` did between ``start`` and ``until``."""
    rows = identity.rows
    m = len(rows)
    sessions = _sessions(rows, people, visitors, until, rng, start)
    owner, day = sessions.owner, sessions.day
    n = len(owner)
    known = owner < m
    person = rows[np.minimum(owner, m - 1)]
    first = np.ones(n, dtype=bool)
    first[1:] = owner[1:] != owner[:-1]
    form = sessions.form
    # Whatever brings a person in is what their number says; passing visitors are drawn.
    channel = np.where(
        first & known,
        people.channel[person],
        np.where(first, choose(rng, FIRST_CHANNEL_WEIGHTS, n), choose(rng, LATER_CHANNEL_WEIGHTS, n)),
    )

    profile = np.where(known, people.profile[person], 0)
    views = 1 + np.minimum(rng.poisson(_PAGE_MEAN[profile]), 11)
    views = np.where(form >= 0, np.maximum(views, 2), views)
    of = np.repeat(np.arange(n, dtype=np.int64), views)
    position = counters(views)
    last_view = position == views[of] - 1
    page = choose_by(rng, _PAGE_WEIGHTS, profile[of])
    content = rng.integers(0, len(CONTENTS), n)
    dwell = np.clip(np.exp(rng.normal(3.4, 0.95, len(of))), 3, 590).astype(np.int64)
    ends = running((dwell + 1) * 1000, views)
    length = ends[np.cumsum(views) - 1]
    by_hour = day * DAY + 6 * HOUR + (rng.random(n) ** 0.9 * 13.5 * HOUR).astype(np.int64)
    started = np.where(sessions.sent_at >= 0, sessions.sent_at - length, by_hour)
    submitted = started + length
    webinar = np.minimum(np.searchsorted(WEBINAR_TIMES, submitted + HOUR), len(WEBINARS) - 1)
    form_page = np.select(
        [form == NEWSLETTER, form == CONTACT, form == DEMO, form == CONTENT, form == WEBINAR],
        [
            np.full(n, _PATHS.index(_FORM_PAGE[NEWSLETTER])),
            np.full(n, _PATHS.index(_FORM_PAGE[CONTACT])),
            np.full(n, _PATHS.index(_FORM_PAGE[DEMO])),
            _FIRST_CONTENT + content,
            _FIRST_WEBINAR + webinar,
        ],
        default=-1,
    )
    page = np.where(last_view & (form_page[of] >= 0), form_page[of], page)
    view_at = started[of] + ends - (dwell + 1) * 1000

    channel, campaign = _mail_visits(channel, started, known, person, people)
    source = _source_of(
        rng, channel, np.where(known, people.country[person], choose(rng, [c.weight for c in COUNTRIES], n))
    )
    device, devices = _devices(rng, rows, people, owner, known, form, m + visitors)
    anonymous = uuids(rng, len(devices))

    on_form = np.flatnonzero(form >= 0)
    identified_at = np.full(len(devices), np.iinfo(np.int64).max)
    np.minimum.at(identified_at, device[on_form], submitted[on_form] + 1_000)

    pages = _page_events(
        rng, of, position, page, view_at, dwell, last_view, source, campaign, device, anonymous, identified_at,
        people, person, known,
    )  # fmt: skip
    alternative = _uses_alternative(rng, rows, people, owner, submitted, on_form)
    identifies, tracks, submissions, flaws = _form_events(
        rng, identity, people, owner, on_form, alternative, form, submitted, content, webinar, device, anonymous,
        form_page,
    )  # fmt: skip
    truth = _truth(identity, people, companies, owner[on_form], alternative, form[on_form])
    clicks = np.flatnonzero((channel == EMAIL) & (campaign >= 0))
    return JourneyChunk(
        events=pa.concat_tables([pages, identifies, tracks]),
        submissions=submissions,
        sessions=pa.table(
            {
                "anonymous_id": pick(anonymous, device),
                "session_started_at": timestamps(started),
                "channel": take(CHANNELS, channel),
                "person_id": only(known, person_ids(people.number(person))),
            }
        ),
        truth=truth,
        flaws=flaws,
        click_person=owner[clicks],
        click_campaign=campaign[clicks],
        click_at=started[clicks] - 2_000,
    )


def _sessions(rows: Ints, people: People, visitors: int, until: int, rng: np.random.Generator, start: int) -> _Sessions:
    m = len(rows)
    capture = people.capture_at[rows]
    web = people.web_captured[rows]
    before, after = people.sessions_before[rows], people.sessions_after[rows]
    owner_before = np.repeat(np.arange(m, dtype=np.int64), before)
    gap = 1 + rng.exponential(5.0, len(owner_before)).astype(np.int64)
    day_before = capture[owner_before] // DAY - running(gap, before)
    at_capture = np.flatnonzero(web)
    owner_after = np.repeat(np.arange(m, dtype=np.int64), after)
    gap = 1 + rng.exponential(np.maximum(people.gap_days[rows][owner_after] - 1, 0.01)).astype(np.int64)
    day_after = capture[owner_after] // DAY + running(gap, after)
    request = people.request_at[rows]
    asks = np.flatnonzero((request >= 0) & (request != capture))

    visits = rng.geometric(0.65, visitors).astype(np.int64)
    owner_visit = m + np.repeat(np.arange(visitors, dtype=np.int64), visits)
    first_day = start // DAY + (rng.random(visitors) * ((until - start) // DAY)).astype(np.int64)
    gap = 1 + rng.exponential(9.0, len(owner_visit)).astype(np.int64)
    day_visit = np.repeat(first_day, visits) + running(gap, visits) - 1

    archetype = people.archetype[rows][owner_after]
    u = rng.random(len(owner_after))
    form_after = np.where(u < _DOWNLOAD[archetype], CONTENT, -1)
    soon = WEBINAR_TIMES[None, :] - (day_after * DAY)[:, None]
    near = ((soon > DAY) & (soon < 30 * DAY)).any(axis=1)
    form_after = np.where(near & (u > 1 - _WEBINAR[archetype]), WEBINAR, form_after)

    none = np.full(len(owner_before), -1, dtype=np.int64)
    owner = np.concatenate([owner_before, at_capture, owner_after, asks, owner_visit])
    day = np.concatenate([day_before, capture[at_capture] // DAY, day_after, request[asks] // DAY, day_visit])
    sent_at = np.concatenate(
        [none, capture[at_capture], np.full(len(owner_after), -1), request[asks], np.full(len(owner_visit), -1)]
    )
    form = np.concatenate(
        [none, people.capture_kind[rows][at_capture], form_after, people.request_kind[rows][asks],
         np.full(len(owner_visit), -1)]
    )  # fmt: skip
    inside = (day >= start // DAY) & (day < until // DAY)
    # One session a person and day; the planned form wins, then any form.
    rank = np.where(sent_at >= 0, 0, np.where(form >= 0, 1, 2))
    order = np.lexsort((rank, day, owner))
    order = order[inside[order]]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (owner[order][1:] != owner[order][:-1]) | (day[order][1:] != day[order][:-1])
    order = order[fresh]
    return _Sessions(owner[order], day[order], sent_at[order], form[order])


def _mail_visits(channel: Ints, started: Ints, known: Bools, person: Ints, people: People) -> tuple[Ints, Ints]:
    """Visits from e-mail belong to the newest campaign the person can have received; without one they are direct."""
    campaign = np.searchsorted(CAMPAIGN_TIMES, started - 30 * MINUTE) - 1
    sent = CAMPAIGN_TIMES[np.maximum(campaign, 0)]
    possible = (
        known
        & people.in_crm[person]
        & (campaign >= 0)
        & (sent > people.capture_at[person] + HOUR)
        & (started - sent < 21 * DAY)
    )
    mail = channel == EMAIL
    return np.where(mail & ~possible, DIRECT, channel), np.where(mail & possible, campaign, -1)


def _source_of(rng: np.random.Generator, channel: Ints, country: Ints) -> Ints:
    """Which of the ways of its channel each session shows; Brazilian campaigns reach Brazil, the others the rest."""
    weights = np.zeros((2 * len(CHANNELS), len(SOURCES)))
    for i, s in enumerate(SOURCES):
        at = CHANNELS.index(s.channel)
        brazil = not (s.campaign or "").endswith("_eu") and "journal" not in (s.referrer or "")
        elsewhere = not (s.campaign or "").endswith("_br")
        weights[2 * at, i] = s.weight * brazil
        weights[2 * at + 1, i] = s.weight * elsewhere
    return choose_by(rng, weights, 2 * channel + (country != 0))


def _devices(
    rng: np.random.Generator, rows: Ints, people: People, owner: Ints, known: Bools, form: Ints, owners: int
) -> tuple[Ints, Ints]:
    """Browser number of each session; browsers 2i and 2i+1 belong to person or visitor i."""
    m = len(rows)
    second = np.zeros(owners, dtype=bool)
    second[:m] = people.second_device[rows]
    other = rng.random(len(owner)) < np.where(form >= 0, 0.12, 0.35)
    return 2 * owner + (second[owner] & other & known), np.arange(2 * owners, dtype=np.int64)


def _page_events(
    rng: np.random.Generator,
    of: Ints,
    position: Ints,
    page: Ints,
    view_at: Ints,
    dwell: Ints,
    last_view: Bools,
    source: Ints,
    campaign: Ints,
    device: Ints,
    anonymous: Column,
    identified_at: Ints,
    people: People,
    person: Ints,
    known: Bools,
) -> pa.Table:
    n = len(of)
    landing = position == 0
    path = take(_PATHS, page)
    src = np.where(landing, source[of], -1)
    at_mail = np.where(landing, campaign[of], -1)
    mail_name = take([c.slug for c in CAMPAIGNS], at_mail)
    utm = {
        "utm_source": take([s.source for s in SOURCES], src),
        "utm_medium": take([s.medium for s in SOURCES], src),
        "utm_campaign": where(at_mail >= 0, mail_name, take([s.campaign for s in SOURCES], src)),
        "utm_content": take([s.content for s in SOURCES], src),
        "utm_term": take([s.term for s in SOURCES], src),
    }
    # The query of each way into the site, written once; click ids and mail campaigns are added below.
    queries = []
    for s in SOURCES:
        pairs = [("source", s.source), ("medium", s.medium), ("campaign", s.campaign), ("content", s.content),
                 ("term", s.term and s.term.replace(" ", "+"))]  # fmt: skip
        queries.append("&".join(f"utm_{key}={value}" for key, value in pairs if value))
    query = take(queries, src)
    query = where(at_mail >= 0, join(query, "&utm_campaign=", mail_name), query)
    click = take([s.click_id for s in SOURCES], src)
    click_id = join(click, "=", digits(rng.integers(0, 10**15, n), 15))
    has_query = np.isin(src, [i for i, words in enumerate(queries) if words])
    has_click = np.isin(src, [i for i, s in enumerate(SOURCES) if s.click_id])
    search = where(
        has_query & has_click,
        join("?", query, "&", click_id),
        where(has_query, join("?", query), where(has_click, join("?", click_id), "")),
    )
    previous = take([SITE + p for p in _PATHS], np.concatenate([[0], page[:-1]]))
    referrer = where(landing, take([s.referrer for s in SOURCES], src), previous)
    silent = last_view & (rng.random(n) < 0.25)
    browser = device[of]
    with_id = known[of] & people.has_user_id[person[of]] & (view_at >= identified_at[browser])
    seconds = pa.array(dwell, mask=silent)
    return _event_table(
        rng,
        n,
        kind=np.zeros(n, dtype=np.int64),
        event=None,
        at=view_at,
        browser=browser,
        anonymous=pick(anonymous, browser),
        user_id=only(with_id, text(people.contact_number(person[of]))),
        email=None,
        language=np.where(known, people.country[person], browser_country(device))[of],
        extra={
            "page_url": join(SITE, path, search),
            "page_path": path,
            "page_title": take([p.title for p in PAGES], page),
            "referrer": referrer,
            **utm,
            "click_id_kind": click,
            "dwell_seconds": seconds,
            "properties": where(silent, "{}", join('{"dwell_seconds":', text(dwell), "}")),
        },
    )


def browser_country(device: Ints) -> Ints:
    """A stable country for the language of an unknown visitor's browser."""
    return np.asarray(device * 7 % len(COUNTRIES))


def _event_table(
    rng: np.random.Generator,
    n: int,
    kind: Ints,
    event: Column | None,
    at: Ints,
    browser: Ints,
    anonymous: Column,
    user_id: Column,
    email: Column | None,
    language: Ints,
    extra: dict[str, Column],
) -> pa.Table:
    """Rows of raw_events.events; ``kind`` is 0 page, 1 identify, 2 track. Columns not given are null."""
    empty = pa.nulls(n, pa.string())
    ip = join(
        text(177 + browser % 13), ".", text(browser // 13 % 250), ".", text(browser // 3250 % 250), ".",
        text(1 + browser * 31 % 254),
    )  # fmt: skip
    columns: dict[str, Column] = {
        "message_id": uuids(rng, n),
        "type": take(["page", "identify", "track"], kind),
        "event": empty if event is None else event,
        "user_id": user_id,
        "anonymous_id": anonymous,
        "email": empty if email is None else email,
        "event_at": timestamps(at),
        "received_at": timestamps(at + 60 + rng.integers(0, 900, n)),
        "dwell_seconds": pa.nulls(n, pa.int64()),
        "user_agent": take(USER_AGENTS, browser * 5 // 2 % len(USER_AGENTS)),
        "ip": ip,
        "locale": take([c.browser_locale for c in COUNTRIES], language),
        "tracker": pa.array(["segment"] * n, type=pa.string()),
        "properties": pa.array(["{}"] * n, type=pa.string()),
        "traits": pa.array(["{}"] * n, type=pa.string()),
    }
    columns |= extra
    return pa.table({name: columns.get(name, empty) for name in EVENT_COLUMNS})


def _uses_alternative(
    rng: np.random.Generator, rows: Ints, people: People, owner: Ints, submitted: Ints, on_form: Ints
) -> Bools:
    """Which forms were filled with the person's second address."""
    person = rows[owner[on_form]]
    kind = people.duplicate[person]
    second = (kind > CASE) & (submitted[on_form] > people.duplicate_at[person]) & (rng.random(len(on_form)) < 0.5)
    capture = submitted[on_form] <= people.capture_at[person]
    return np.asarray((second & (kind != DUPLICATE_KINDS.index("phone_only"))) | ((kind == CASE) & capture))


def _form_events(
    rng: np.random.Generator,
    identity: Identity,
    people: People,
    owner: Ints,
    on_form: Ints,
    alternative: Bools,
    form: Ints,
    submitted: Ints,
    content: Ints,
    webinar: Ints,
    device: Ints,
    anonymous: Column,
    form_page: Ints,
) -> tuple[pa.Table, pa.Table, pa.Table, Flaws]:
    who = owner[on_form]
    taken = who
    person = identity.rows[who]
    n = len(on_form)
    kind, sent = form[on_form], submitted[on_form]
    email = where(alternative, pick(identity.alternative, taken), pick(identity.email, taken))
    browser = device[on_form]
    uid = only(people.has_user_id[person], text(people.contact_number(person)))
    country = people.country[person]
    # Whoever writes from a second address also writes the name that goes with it.
    first = where(alternative, pick(identity.other_first, taken), pick(identity.first, taken))
    last = where(alternative, pick(identity.other_last, taken), pick(identity.last, taken))
    url = take([SITE + p for p in _PATHS], form_page[on_form])
    path = take(_PATHS, form_page[on_form])
    traits = join('{"email":"', email, '","firstName":"', first, '","lastName":"', last, '"}')
    traits = where(kind == NEWSLETTER, join('{"email":"', email, '"}'), traits)
    identifies = _event_table(
        rng, n, np.ones(n, dtype=np.int64), None, sent + 1_000, browser, pick(anonymous, browser), uid, email,
        country, {"page_url": url, "page_path": path, "traits": traits},
    )  # fmt: skip

    downloads, registers = np.flatnonzero(kind == CONTENT), np.flatnonzero(kind == WEBINAR)
    picked = content[on_form][downloads]
    track_rows = np.concatenate([downloads, registers])
    held = webinar[on_form][registers]
    names = pa.concat_arrays(
        [
            join(
                '{"content_name":"', take([c.name for c in CONTENTS], picked), '","content_kind":"',
                take([c.kind for c in CONTENTS], picked), '"}',
            ),
            _webinar_properties(held, None),
        ]
    )  # fmt: skip
    event = pa.array(
        ["Content Downloaded"] * len(downloads) + ["Webinar Registered"] * len(registers), type=pa.string()
    )
    at = sent[track_rows] + 2_000
    tracks = _event_table(
        rng, len(track_rows), np.full(len(track_rows), 2), event, at, browser[track_rows],
        pick(anonymous, browser[track_rows]), pick(uid, track_rows), None, country[track_rows],
        {"page_url": pick(url, track_rows), "page_path": pick(path, track_rows),
         "properties": names},
    )  # fmt: skip

    # Attendance comes from the webinar tool, server to server: no browser, the address in the properties.
    comes = rng.random(len(registers)) < 0.55
    attended = registers[comes & (WEBINAR_TIMES[held] > sent[registers])]
    held = webinar[on_form][attended]
    minutes = 8 + rng.integers(0, 50, len(attended))
    k = len(attended)
    to_mail = pick(email, attended)
    attends = _event_table(
        rng, k, np.full(k, 2), pa.array(["Webinar Attended"] * k, type=pa.string()),
        WEBINAR_TIMES[held] + rng.integers(0, 10 * MINUTE, k), np.zeros(k, dtype=np.int64),
        pa.nulls(k, pa.string()), pick(uid, attended), to_mail, country[attended],
        {"properties": _webinar_properties(held, minutes, to_mail),
         "user_agent": pa.nulls(k, pa.string()), "ip": pa.nulls(k, pa.string())},
    )  # fmt: skip

    forms = np.flatnonzero(kind <= DEMO)
    submissions, flaws = _submissions(rng, identity, people, forms, who, kind, sent, email, url, first, last)
    return identifies, pa.concat_tables([tracks, attends]), submissions, flaws


def _webinar_properties(held: Ints, minutes: Ints | None, email: Column | None = None) -> Column:
    parts: list[str | Column] = [
        '{"webinar_id":"', take([w.slug for w in WEBINARS], held), '","webinar_name":"',
        take([w.name for w in WEBINARS], held), '"',
    ]  # fmt: skip
    if minutes is not None:
        parts += [',"minutes_attended":', text(minutes)]
    if email is not None:
        parts += [',"email":"', email, '"']
    return join(*parts, "}")


def _submissions(
    rng: np.random.Generator,
    identity: Identity,
    people: People,
    forms: Ints,
    who: Ints,
    kind: Ints,
    sent: Ints,
    email: Column,
    url: Column,
    first: Column,
    last: Column,
) -> tuple[pa.Table, Flaws]:
    """Rows of ``hubspot/form_submissions.parquet``, and the answers that are none.

    ``answers`` is a JSON object of field and value.
    """
    taken = forms
    local, person = who[forms], identity.rows[who[forms]]
    kinds = kind[forms]
    email, first, last = pick(email, taken), pick(first, taken), pick(last, taken)
    title = pc.fill_null(pick(identity.title, local), "")
    phone = pc.fill_null(pick(identity.phone, local), "")
    company = pc.fill_null(pick(identity.company, local), "")
    languages = [m for c in COUNTRIES for m in MESSAGES[c.language]]
    ready = people.mql_at[person] >= 0
    message = take(languages, 4 * people.country[person] + np.where(ready & (rng.random(len(forms)) < 0.5), 3,
                                                                    rng.integers(0, 4, len(forms))))  # fmt: skip
    base = join('{"email":"', email, '"')
    named = join(base, ',"firstname":"', first, '","lastname":"', last, '","company":"', company, '"')
    long = join(named, ',"phone":"', phone, '","message":"', message, '"')
    letters = people.junk[person] == GIBBERISH
    heads = where(letters, take(_LETTERS, person % len(_LETTERS)), text(people.declared_employees[person]))
    declared = where(
        people.declared_employees[person] >= 0,
        join(',"numemployees":"', heads, '","annualrevenue":"',
             text(people.declared_revenue[person]), '"'),
        "",
    )  # fmt: skip
    answers = where(kinds == NEWSLETTER, base, where(kinds == CONTENT, join(named, ',"jobtitle":"', title, '"'), long))
    answers = where(kinds == DEMO, join(long, ',"jobtitle":"', title, '"', declared), answers)
    none = np.flatnonzero((kinds == DEMO) & letters)
    flaws = Flaws.of(
        "hubspot_forms", pc.utf8_lower(pick(email, none)), "declared_employee_count", pick(heads, none), "suspect",
        None, "junk_gibberish",
    )  # fmt: skip
    table = pa.table(
        {
            "submission_id": uuids(rng, len(forms)),
            "form_id": take([f.id for f in FORMS], kinds),
            "submitted_at": timestamps(sent[forms]),
            "email": email,
            "page_url": pick(url, taken),
            "answers": join(answers, "}"),
        }
    )
    return table, flaws


def _truth(
    identity: Identity, people: People, companies: Companies, who: Ints, alternative: Bools, form: Ints
) -> pa.Table:
    """Source records born on the web: form e-mails, and the user ids and e-mails of identified people."""
    tables = []
    # Every form but the newsletter's asks for the company.
    asks = np.isin(form, (CONTENT, CONTACT, DEMO))
    named = np.isin(np.arange(2 * len(identity.rows)), (who * 2 + alternative)[asks])
    for source, keep in (("hubspot_forms", form <= DEMO), ("events", form >= 0)):
        kind = people.duplicate[identity.rows[who]]
        # A second address that differs in case only is the same record of its source.
        code = np.unique(who[keep] * 2 + (alternative & (kind != CASE))[keep])
        local, second = code // 2, code % 2 == 1
        rows = identity.rows[local]
        cased = np.zeros(len(identity.rows), dtype=bool)
        cased[who[keep & alternative]] = True
        address = where(second, pick(identity.alternative, local), pick(identity.email, local))
        duplicate = np.where(second, people.duplicate[rows], np.where((people.duplicate[rows] == CASE) & cased[local],
                                                                      CASE, NO_DUP))  # fmt: skip
        names = take(DUPLICATE_KINDS, duplicate)
        domain = pc.replace_substring_regex(pc.utf8_lower(address), ".*@", "")
        company = np.maximum(people.company[rows], 0)
        by_domain = pc.equal(domain, pick(companies.domain, company)).to_numpy(zero_copy_only=False)
        by_domain &= (people.company[rows] >= 0) & companies.has_domain[company]
        by_name = named[code] & named_company(rows, people, companies) & (source == "hubspot_forms")
        hint = np.where(by_domain, DOMAIN_HINT, np.where(by_name, NAME_HINT, NO_HINT))
        tables.append(truth_rows(source, pc.utf8_lower(address), rows, people, names, hint))
        if source == "events":
            with_id = np.unique(local[people.has_user_id[rows]])
            rows = identity.rows[with_id]
            hint = np.where(writes_from_company(rows, people, companies), DOMAIN_HINT, NO_HINT)
            tables.append(truth_rows(source, text(people.contact_number(rows)), rows, people, "none", hint))
    return pa.concat_tables(tables)
