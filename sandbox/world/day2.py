"""The second day: what is new or changed within twenty-four hours of the world's now, in the layout of the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.catalogue import CONTACT, CONTENT, DEMO, FORMS, NEWSLETTER, PAGES, SITE
from sandbox.world.companies import COMPANY_ID_BASE, Companies, company_records
from sandbox.world.contacts import (
    ContactChunk,
    Identity,
    association_rows,
    contact_chunk,
    history_rows,
    identity_text,
    second_records,
)
from sandbox.world.defects import Defects
from sandbox.world.files import DailyLines, ParquetFolder, write_json
from sandbox.world.journeys import EVENT_COLUMNS, journey_chunk
from sandbox.world.owners import Owners, owner_count
from sandbox.world.people import (
    CASUAL,
    GMAIL_DOTS,
    INITIAL,
    MAIDEN,
    MAIL_TYPO_DOMAIN,
    MISSPELLED,
    NICKNAME,
    PERSONAL,
    PERSONAL_NO_PHONE,
    PHONE_ONLY,
    PLUS,
    SWAPPED,
    TYPO,
    Deals,
    People,
    make_people,
    told_by_name,
)
from sandbox.world.pools import NamePool
from sandbox.world.sales import DEAL_ID_BASE, deal_tables
from sandbox.world.sizes import AS_OF, DAY, HOUR, MINUTE, SIZES, WorldSize
from sandbox.world.text import Ints, iso, join, pick, text, timestamps, uuids

NOW = AS_OF + DAY
NEW_PEOPLE = {"small": 8, "medium": 60, "large": 4_300}
#: New contact records of people the CRM knew before, of each kind of KINDS_AGAIN.
KNOWN_AGAIN = {"small": 1, "medium": 4, "large": 90}
KINDS_AGAIN = (
    PLUS, GMAIL_DOTS, TYPO, PERSONAL, PHONE_ONLY, MISSPELLED, NICKNAME, INITIAL, SWAPPED, PERSONAL_NO_PHONE,
    MAIL_TYPO_DOMAIN, MAIDEN,
)  # fmt: skip
NEW_COMPANY_PEOPLE = 2


@dataclass
class FirstDay:
    """What the second day builds on: the first piece of the first day."""

    contacts: pa.Table
    sessions: pa.Table
    identity: Identity
    people: People
    deals: Deals


def write_second_day(
    out: Path,
    size: WorldSize,
    pools: list[NamePool],
    companies: Companies,
    owners: Owners,
    first_day: FirstDay,
    rng: np.random.Generator,
    offset: int,
) -> dict[str, Any]:
    """Writes ``day2/`` and returns its counts."""
    hubspot, truth = ParquetFolder(out / "hubspot"), ParquetFolder(out / "truth")
    events = DailyLines(out / "events", malformed=False)
    people = _new_people(rng, size, companies, pools, offset)
    rows = np.arange(len(people), dtype=np.int64)
    identity = identity_text(rows, people, companies, pools)
    visitors = round(len(rows) * size.visitors_per_lead)
    journeys = journey_chunk(identity, people, companies, visitors, NOW, rng, start=AS_OF)
    chunk = contact_chunk(identity, people, companies, owners, np.full(len(rows), -1), 0, rng, rng.spawn(1)[0])
    again = _again(first_day, size, companies, pools, rng)
    company = _new_company(companies, owners, rng)
    company_id = company["id"][0].as_py()
    employed = chunk.contacts["id"].slice(0, NEW_COMPANY_PEOPLE).combine_chunks()
    joins = association_rows("contacts", employed, "companies", pa.array([company_id] * len(employed)), 1, "Primary")
    hubspot.append("companies", company)

    changed, history, mail, facts = _changes(first_day, rng, owners)
    hubspot.append("contacts", pa.concat_tables([chunk.contacts, again.contacts, changed]))
    links = chunk.associations.filter(pc.invert(pc.is_in(chunk.associations["from_id"], employed)))
    hubspot.append("associations", pa.concat_tables([links, again.associations, joins]))
    deal, deal_history = _moved_deal(first_day, companies, owners)
    if deal is not None and deal_history is not None:
        hubspot.append("deals", deal)
        history = pa.concat_tables([history, deal_history])
    hubspot.append("property_history", pa.concat_tables([chunk.history, history]))
    hubspot.append("email_events", mail)
    known_events, submission, known_sessions = _known_people(first_day, rng)
    typed = _in_capitals(first_day, size, rng)
    hubspot.append("form_submissions", pa.concat_tables([journeys.submissions, submission, typed]))
    events.add(journeys.events)
    events.add(known_events)
    lines = events.finish(Defects())
    people_truth = pa.concat_tables([chunk.truth, journeys.truth, again.truth])
    truth.append("people", _with_new_company(people_truth, offset, len(companies)))
    truth.append("bad_values", (chunk.flaws + journeys.flaws + again.flaws).table())
    truth.append("touch_channels", pa.concat_tables([journeys.sessions, known_sessions]))
    hubspot.close()
    truth.close()
    summary = {
        "event_lines": lines, "new_people": len(people), "new_company": company_id,
        "new_records_of_known_people": again.contacts.num_rows, **facts, **hubspot.rows,
    }  # fmt: skip
    write_json(out / "world.json", {"size": size.name, "as_of": iso(np.array([NOW]))[0].as_py(), "counts": summary})
    return summary


def _new_people(
    rng: np.random.Generator, size: WorldSize, companies: Companies, pools: list[NamePool], offset: int
) -> People:
    """People captured during the day, none of them worked yet."""
    n = NEW_PEOPLE[size.name]
    # Enough people for the draw to have somebody of each kind; only the first n come.
    shape = replace(SIZES["small"], leads=max(n, 60))
    drawn = make_people(rng, shape, _without_process(companies), pools, owner_count(size))
    rows = np.arange(n)
    values: dict[str, Any] = {}
    for name in People.__dataclass_fields__:
        value = getattr(drawn, name)
        values[name] = value[rows].copy() if isinstance(value, np.ndarray) else value
    people = People(**values)
    people.offset, people.until = offset, NOW
    people.archetype[:] = CASUAL
    people.profile[:] = 1
    people.capture_at = AS_OF + 3 * HOUR + (rng.random(n) * 9 * HOUR).astype(np.int64)
    people.capture_kind = np.array([DEMO, CONTENT, NEWSLETTER, CONTACT])[rows % 4]
    asks = np.isin(people.capture_kind, (CONTACT, DEMO))
    people.request_at = np.where(asks, people.capture_at, -1)
    people.request_kind = np.where(asks, people.capture_kind, -1)
    people.mql_at = np.where(asks & people.in_crm, people.capture_at + 5 * MINUTE, -1)
    # The first two come with the new company, from private addresses.
    people.in_crm[:NEW_COMPANY_PEOPLE] = True
    people.company[:NEW_COMPANY_PEOPLE] = -1
    people.free_mail[:NEW_COMPANY_PEOPLE] = True
    people.declared_employees[:NEW_COMPANY_PEOPLE] = -1
    people.declared_revenue[:NEW_COMPANY_PEOPLE] = -1
    people.sessions_before[:] = 0
    people.sessions_after[:] = 0
    people.duplicate[:] = 0
    people.duplicate_at[:] = -1
    people.alike[:] = 0
    people.alike_with[:] = -1
    people.mailbox[:] = -1
    people.mail_flaw[:] = 0
    return people


def _again(
    first_day: FirstDay,
    size: WorldSize,
    companies: Companies,
    pools: list[NamePool],
    rng: np.random.Generator,
) -> ContactChunk:
    """Second records, made during the day, of people of the first day who had none: some of each kind."""
    known, rows = first_day.people, first_day.identity.rows
    house = np.where(known.company >= 0, companies.mail_company[np.maximum(known.company, 0)], -1)
    quiet = known.in_crm & (known.duplicate == 0) & (known.alike == 0) & (known.mail_flaw == 0)
    phone, office = known.phone >= 0, ~known.free_mail
    fits = {
        PLUS: quiet,
        GMAIL_DOTS: known.free_mail & (known.mail_host == 0),
        TYPO: office & phone & told_by_name(known, pools, house)[MISSPELLED],
        PERSONAL: office & phone,
        PHONE_ONLY: phone,
    } | told_by_name(known, pools, house)
    kind = np.zeros(len(rows), dtype=np.int64)
    # The rarest first.
    for number in sorted(KINDS_AGAIN, key=lambda k: int((fits[k] & quiet)[rows].sum())):
        free = np.flatnonzero((fits[number] & quiet)[rows] & (kind == 0))
        kind[rng.permutation(free)[: KNOWN_AGAIN[size.name]]] = number
    chosen = rows[kind > 0]
    people = replace(known, duplicate=known.duplicate.copy(), duplicate_at=known.duplicate_at.copy(), until=NOW)
    people.duplicate[chosen] = kind[kind > 0]
    people.duplicate_at[chosen] = AS_OF + 2 * HOUR + (rng.random(len(chosen)) * 18 * HOUR).astype(np.int64)
    return second_records(identity_text(chosen, people, companies, pools), people, companies, rng)


def _with_new_company(truth: pa.Table, offset: int, company: int) -> pa.Table:
    """The truth about the people who came with the new company names it."""
    theirs = pc.is_in(truth["person_id"], pa.array([f"person-{offset + i}" for i in range(NEW_COMPANY_PEOPLE)]))
    linked = pc.and_(theirs, pc.equal(truth["source"], pa.scalar("hubspot")))
    for name, said, on in (("company_key", f"company-{company}", theirs), ("account_hint", "association", linked)):
        truth = truth.set_column(truth.schema.get_field_index(name), name, pc.if_else(on, said, truth[name]))
    return truth


def _without_process(companies: Companies) -> Companies:
    return replace(companies, has_process=np.zeros(len(companies), dtype=bool))


def _new_company(companies: Companies, owners: Owners, rng: np.random.Generator) -> pa.Table:
    """One company record made during the day, like the first one of the world but for its name and domain."""
    table = company_records(companies, rng, pick(owners.ids, np.zeros(len(companies), dtype=np.int64)),
                            np.full(len(companies), -1, dtype=np.int64))[0].slice(0, 1)  # fmt: skip
    row = table.to_pylist()[0]
    at = AS_OF + 5 * HOUR
    number = str(COMPANY_ID_BASE + 53 * len(companies) + 1)
    row |= {
        "id": number,
        "hs_object_id": number,
        "name": "Nova Aurora Sistemas Ltda",
        "domain": "novaauroraworld.com.br",
    }
    row |= {"website": None, "hs_parent_company_id": None, "lifecyclestage": "lead"}
    stamp = iso(np.array([at]))[0].as_py()
    row |= {"createdate": stamp, "hs_lastmodifieddate": stamp}
    moment = timestamps(np.array([at]))[0].as_py()
    row |= {"created_at": moment, "updated_at": moment}
    return pa.Table.from_pylist([row], schema=table.schema)


def _changes(
    first_day: FirstDay, rng: np.random.Generator, owners: Owners
) -> tuple[pa.Table, pa.Table, pa.Table, dict[str, Any]]:
    """Known contacts that changed: edits by people, one archived, one merged, one unsubscribed."""
    contacts = first_day.contacts
    rows = contacts.to_pylist()[:5_000]
    by_id = {row["id"]: row for row in rows}
    plain = [r for r in rows if r["email"] and r["hs_email_optout"] != "true" and not r["hs_merged_object_ids"]]
    # A person with two live records: the second one is merged into the first.
    survivor = absorbed = None
    for row in plain:
        twin = by_id.get(str(int(row["id"]) + 11))
        if twin is not None and twin["email"]:
            survivor, absorbed = row, twin
            break
    taken = {r["id"] for r in (survivor, absorbed) if r}
    free = [r for r in plain if r["id"] not in taken and str(int(r["id"]) - 11) not in by_id]
    # Quiet contacts: nothing depends on them.
    quiet = [r for r in free if r["lifecyclestage"] in ("lead", "subscriber") and r["hs_lead_status"] == "NEW"]
    archived, left, edited = quiet[0], quiet[1], quiet[2:6]
    changed: list[dict[str, Any]] = []
    history: list[pa.Table] = []

    def stamp(row: dict[str, Any], at: int) -> dict[str, Any]:
        return row | {
            "updated_at": timestamps(np.array([at]))[0].as_py(),
            "lastmodifieddate": iso(np.array([at]))[0].as_py(),
        }

    at = AS_OF + 4 * HOUR
    when = timestamps(np.array([at]))[0].as_py()
    changed.append(stamp(archived, at) | {"archived": True, "archived_at": when})
    changed.append(stamp(left, at + HOUR) | {"hs_email_optout": "true"})
    for number, row in enumerate(edited):
        moment = at + (2 + number) * 20 * MINUTE
        new = stamp(row, moment)
        if number % 2:
            new |= {"jobtitle": "Head of Growth"}
        else:
            new |= {"hs_lead_status": "IN_PROGRESS"}
            user = owners.user_ids.slice(number % len(owners.user_ids), 1)
            history.append(
                history_rows("contacts", pa.array([row["id"]]), "hs_lead_status", "IN_PROGRESS", np.array([moment]),
                             "CRM_UI", join("userId:", user), user)
            )  # fmt: skip
        changed.append(new)
    facts: dict[str, Any] = {
        "archived_contact": archived["id"],
        "unsubscribed_contact": left["id"],
        "merged_contact": None,
    }
    if survivor is not None and absorbed is not None:
        changed.append(
            stamp(survivor, at + 3 * HOUR)
            | {"hs_merged_object_ids": absorbed["id"], "hs_additional_emails": absorbed["email"]}
        )
        facts |= {"merged_contact": absorbed["id"], "merged_into": survivor["id"]}
    mail = pa.table(
        {
            "id": uuids(rng, 1),
            "type": pa.array(["STATUSCHANGE"]),
            "created_at": timestamps(np.array([at + HOUR])),
            "recipient": pa.array([left["email"]]),
            "campaign_id": pa.nulls(1, pa.string()),
            "url": pa.nulls(1, pa.string()),
            "is_machine": pa.array([False]),
            "portal_subscription_status": pa.array(["UNSUBSCRIBED"]),
        }
    )
    return pa.Table.from_pylist(changed, schema=contacts.schema), pa.concat_tables(history), mail, facts


def _moved_deal(first_day: FirstDay, companies: Companies, owners: Owners) -> tuple[pa.Table | None, pa.Table | None]:
    """The oldest open opportunity is won."""
    deals = first_day.deals
    open_deals = np.flatnonzero(~deals.won & ~deals.lost)
    if len(open_deals) == 0:
        return None, None
    at = int(open_deals[np.argmin(deals.created_at[open_deals])])
    table, _, _ = deal_tables(deals, first_day.people, companies, owners, np.random.default_rng(0))
    row = table.slice(at, 1).to_pylist()[0]
    moment = AS_OF + 6 * HOUR
    stamp = iso(np.array([moment]))[0].as_py()
    row |= {"dealstage": "closedwon", "hs_is_closed": "true", "hs_is_closed_won": "true", "closedate": stamp}
    row |= {"hs_lastmodifieddate": stamp, "updated_at": timestamps(np.array([moment]))[0].as_py()}
    row |= {"amount": str(int(deals.amount[at]))}
    user = pick(owners.user_ids, [int(deals.owner[at]) % len(owners.user_ids)])
    ids = text(np.array([DEAL_ID_BASE + 41 * at], dtype=np.int64))
    history = history_rows(
        "deals", ids, "dealstage", "closedwon", np.array([moment]), "CRM_UI", join("userId:", user), user
    )
    return pa.Table.from_pylist([row], schema=table.schema), history


def _known_people(first_day: FirstDay, rng: np.random.Generator) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Known browsers come back: pricing and a case study; one of their owners asks for a demo."""
    sessions = first_day.sessions.filter(pc.is_valid(first_day.sessions["person_id"])).slice(0, 4_000)
    seen: dict[str, str] = {}
    for row in sessions.select(["anonymous_id", "person_id"]).to_pylist():
        seen.setdefault(row["person_id"], row["anonymous_id"])
    people, identity = first_day.people, first_day.identity
    local = {f"person-{people.number(np.array([r]))[0]}": i for i, r in enumerate(identity.rows)}
    fit = [p for p in seen if people.in_crm[identity.rows[local[p]]] and people.web_captured[identity.rows[local[p]]]]
    fit = fit[:20]
    paths = ["/", "/pricing", "/customers/banque-du-sud"]
    titles = {p.path: p.title for p in PAGES}
    rows = []
    truth = []
    for number, person in enumerate(fit):
        started = AS_OF + 2 * HOUR + number * 11 * MINUTE
        at_row = int(identity.rows[local[person]])
        user = str(people.contact_number(np.array([at_row]))[0]) if people.has_user_id[at_row] else None
        truth.append((seen[person], started, person))
        for step, path in enumerate(paths):
            rows.append(
                _page_row(seen[person], user, started + step * 45_000, path, titles[path],
                          SITE + paths[step - 1] if step else None)
            )  # fmt: skip
    ids = uuids(rng, len(rows)).to_pylist()
    for row, message in zip(rows, ids, strict=True):
        row["message_id"] = message
    asks = fit[-1]
    at = truth[-1][1] + 3 * 45_000
    email = identity.email[local[asks]].as_py()
    demo = FORMS[DEMO]
    submission = pa.table(
        {
            "submission_id": uuids(rng, 1),
            "form_id": pa.array([demo.id]),
            "submitted_at": timestamps(np.array([at])),
            "email": pa.array([email]),
            "page_url": pa.array([f"{SITE}{demo.path}"]),
            "answers": pa.array([f'{{"email":"{email}","message":"We would like to see it this week."}}']),
        }
    )
    return _events_from(rows), submission, _session_truth(truth)


def _in_capitals(first_day: FirstDay, size: WorldSize, rng: np.random.Generator) -> pa.Table:
    """Forms that known contacts fill on a telephone, which writes their address in capitals."""
    known, rows = first_day.people, first_day.identity.rows
    # Whoever filled a form on the first day: their address is a record of that source already.
    fits = known.in_crm & (known.capture_kind <= DEMO) & (known.duplicate == 0) & (known.alike == 0)
    chosen = np.flatnonzero(fits[rows])[: KNOWN_AGAIN[size.name]]
    n = len(chosen)
    email = pc.utf8_title(pick(first_day.identity.email, chosen))
    form = FORMS[NEWSLETTER]
    return pa.table(
        {
            "submission_id": uuids(rng, n),
            "form_id": pa.array([form.id] * n, type=pa.string()),
            "submitted_at": timestamps(AS_OF + 7 * HOUR + 11 * MINUTE * np.arange(n, dtype=np.int64) % (12 * HOUR)),
            "email": email,
            "page_url": pa.array([f"{SITE}{form.path}"] * n, type=pa.string()),
            "answers": join('{"email":"', email, '"}'),
        }
    )


def _page_row(device: str, user: str | None, at: int, path: str, title: str, referrer: str | None) -> dict[str, Any]:
    moment = timestamps(np.array([at, at + 200]))
    row: dict[str, Any] = dict.fromkeys(EVENT_COLUMNS)
    return row | {
        "type": "page", "user_id": user, "anonymous_id": device, "event_at": moment[0].as_py(),
        "received_at": moment[1].as_py(), "page_url": SITE + path, "page_path": path, "page_title": title,
        "referrer": referrer, "dwell_seconds": 40, "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0)",
        "ip": "187.4.20.9", "locale": "pt-BR", "tracker": "segment", "properties": '{"dwell_seconds":40}',
        "traits": "{}",
    }  # fmt: skip


def _events_from(rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema(
        [
            (
                name,
                pa.timestamp("us") if name.endswith("_at") else pa.int64() if name == "dwell_seconds" else pa.string(),
            )
            for name in EVENT_COLUMNS
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _session_truth(rows: list[tuple[str, int, str]]) -> pa.Table:
    times: Ints = np.array([r[1] for r in rows], dtype=np.int64)
    return pa.table(
        {
            "anonymous_id": pa.array([r[0] for r in rows], type=pa.string()),
            "session_started_at": timestamps(times),
            "channel": pa.array(["direct"] * len(rows), type=pa.string()),
            "person_id": pa.array([r[2] for r in rows], type=pa.string()),
        }
    )
