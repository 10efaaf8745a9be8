"""Contact records of the CRM, their history and associations, and the truth about who they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.catalogue import ANALYTICS_SOURCES, COUNTRIES, NEWSLETTER, ROLES, TITLES, WEBINAR
from sandbox.world.companies import Companies, city_columns
from sandbox.world.owners import Owners
from sandbox.world.people import (
    CASE,
    DUPLICATE_KINDS,
    GMAIL_DOTS,
    IMPORT,
    MANUAL,
    MERGED,
    PERSONAL,
    PHONE_ONLY,
    PLUS,
    TYPO,
    People,
)
from sandbox.world.pools import NamePool
from sandbox.world.sizes import AS_OF, DAY, HOUR, MINUTE
from sandbox.world.text import (
    Bools,
    Column,
    Ints,
    ascii_slug,
    digits,
    iso,
    join,
    only,
    pick,
    take,
    text,
    timestamps,
    where,
)

#: The instant at which one import touched many contacts (size.bulk_import of them).
BULK_IMPORT_AT = AS_OF - 12 * DAY - 4 * HOUR


@dataclass
class Identity:
    """Text of a run of people: ``rows`` are their positions in :class:`People`."""

    rows: Ints
    first: Column
    last: Column
    email: Column
    alternative: Column
    title: Column
    phone: Column
    other_phone: Column


def identity_text(rows: Ints, people: People, companies: Companies, pools: list[NamePool]) -> Identity:
    """Names, addresses and phones of the people at ``rows``, and the second address of those who have two records."""
    country = people.country[rows]
    first = _from_pools([p.first for p in pools], country, people.first[rows])
    last = _from_pools([p.last for p in pools], country, people.last[rows])
    plain_first, plain_last = ascii_slug(first), ascii_slug(last)
    company = people.company[rows]
    style = company % 3
    local = where(style == 1, join(plain_last, ".", plain_first), join(plain_first, ".", plain_last))
    local = where(style == 2, join(plain_first, "_", plain_last), local)
    domain = pick(companies.domain, np.maximum(company, 0))
    number = text(people.number(rows))
    if people.offset:
        # Later people may bear the name of a colleague who was there before.
        local = join(local, number)
    hosts = [host for c in COUNTRIES for host in c.free_mail]
    host = take(hosts, 5 * country + people.mail_host[rows])
    free = people.free_mail[rows]
    private = join(plain_first, ".", plain_last, number)
    local, domain = where(free, private, local), where(free, host, domain)
    email = join(local, "@", domain)

    kind = people.duplicate[rows]
    alternative = only(kind == CASE, pc.utf8_title(email))
    alternative = where(
        kind == PLUS, join(local, "+", take(["news", "crm", "vendas"], rows % 3), "@", domain), alternative
    )
    alternative = where(kind == GMAIL_DOTS, join(pc.replace_substring(local, ".", ""), "@", domain), alternative)
    alternative = where(kind == TYPO, pc.replace_substring_regex(email, "(.)@", "@"), alternative)
    personal = join(plain_first, plain_last, number, "@", take(hosts, 5 * country + (people.mail_host[rows] + 1) % 5))
    alternative = where((kind == PERSONAL) | (kind == MERGED), personal, alternative)

    titles = [t for c in COUNTRIES for pool in TITLES[c.language] for t in pool]
    sizes = np.array([[len(pool) for pool in TITLES[c.language]] for c in COUNTRIES])
    offsets = (np.cumsum(sizes.ravel()) - sizes.ravel()).reshape(sizes.shape)
    title = take(titles, offsets[country, people.role[rows]] + people.title[rows])
    phone = people.phone[rows]
    return Identity(
        rows=rows,
        first=first,
        last=last,
        email=email,
        alternative=alternative,
        title=title,
        phone=format_phones(country, phone, people.phone_style[rows]),
        other_phone=format_phones(country, phone, (people.phone_style[rows] + 1) % 4),
    )


def _from_pools(pools: list[list[str]], country: Ints, index: Ints) -> Column:
    sizes = np.array([len(p) for p in pools])
    offset = np.cumsum(sizes) - sizes
    return take([name for pool in pools for name in pool], offset[country] + index)


def format_phones(country: Ints, phone: Ints, style: Ints) -> Column:
    """Phones as people of each country write them; null where there is none.

    Style 0 is international with spaces, 1 and 2 national, 3 national digits only (with 00 and prefix in France).
    """
    out = pa.nulls(len(phone), pa.string())
    for code, entry in enumerate(COUNTRIES):
        rows = country == code
        if not rows.any():
            continue
        width = {"BR": 11, "FR": 9, "ES": 9, "US": 10, "GB": 10}[entry.code]
        number = digits(np.where(rows & (phone >= 0), phone, 0), width)

        def part(a: int, b: int, number: Column = number) -> Column:
            return pc.utf8_slice_codeunits(number, a, b)

        if entry.code == "BR":
            styles = [
                join("+55 ", part(0, 2), " ", part(2, 7), "-", part(7, 11)),
                join("(", part(0, 2), ") ", part(2, 7), "-", part(7, 11)),
                join("0", part(0, 2), " ", part(2, 7), " ", part(7, 11)),
                number,
            ]
        elif entry.code == "FR":
            pairs = (part(1, 3), part(3, 5), part(5, 7), part(7, 9))
            styles = [
                join("+33 ", part(0, 1), " ", pairs[0], " ", pairs[1], " ", pairs[2], " ", pairs[3]),
                join("0", part(0, 1), " ", pairs[0], " ", pairs[1], " ", pairs[2], " ", pairs[3]),
                join("0", part(0, 1), ".", pairs[0], ".", pairs[1], ".", pairs[2], ".", pairs[3]),
                join("0033", number),
            ]
        elif entry.code == "ES":
            styles = [
                join("+34 ", part(0, 3), " ", part(3, 6), " ", part(6, 9)),
                join(part(0, 3), " ", part(3, 6), " ", part(6, 9)),
                join(part(0, 3), " ", part(3, 5), " ", part(5, 7), " ", part(7, 9)),
                number,
            ]
        elif entry.code == "US":
            styles = [
                join("+1 ", part(0, 3), "-", part(3, 6), "-", part(6, 10)),
                join("(", part(0, 3), ") ", part(3, 6), "-", part(6, 10)),
                join(part(0, 3), ".", part(3, 6), ".", part(6, 10)),
                number,
            ]
        else:
            styles = [
                join("+44 ", part(0, 4), " ", part(4, 10)),
                join("0", part(0, 4), " ", part(4, 10)),
                join("0", part(0, 4), " ", part(4, 7), " ", part(7, 10)),
                join("0", number),
            ]
        for shape, written in enumerate(styles):
            out = where(rows & (style == shape) & (phone >= 0), written, out)
    return out


@dataclass
class ContactChunk:
    """What the CRM holds about a run of people."""

    contacts: pa.Table
    history: pa.Table
    associations: pa.Table
    truth: pa.Table
    bulk_imported: int


def contact_chunk(
    identity: Identity,
    people: People,
    companies: Companies,
    owners: Owners,
    opted_out_at: Ints,
    bulk_quota: int,
    rng: np.random.Generator,
) -> ContactChunk:
    """CRM records of the people in ``identity`` who are in the CRM, duplicates included.

    ``opted_out_at`` is the time each unsubscribed (-1 = never), aligned with ``identity.rows``; ``bulk_quota`` how many
    contacts may still be given the modification time of the bulk import.
    """
    keep = np.flatnonzero(people.in_crm[identity.rows])
    main, touched = _main_records(identity, people, companies, owners, opted_out_at, bulk_quota, keep, rng)
    second, second_assoc, second_truth = _second_records(identity, people, companies, rng)
    history, associations = (
        _history(identity.rows[keep], people, owners),
        _associations(identity.rows[keep], people, companies, rng),
    )
    contacts = pa.concat_tables([main, second])
    return ContactChunk(
        contacts=contacts,
        history=history,
        associations=pa.concat_tables([associations, second_assoc]),
        truth=pa.concat_tables([_truth(identity, people, keep), second_truth]),
        bulk_imported=touched,
    )


def person_ids(number: Ints) -> Column:
    """The truth's name of each person."""
    return join("person-", text(number))


def _company_keys(company: Ints) -> Column:
    return only(company >= 0, join("company-", text(np.maximum(company, 0))))


def truth_rows(source: str, record_id: Column, rows: Ints, people: People, kind: Column | str) -> pa.Table:
    """Rows of ``truth/people.parquet``."""
    n = len(rows)
    return pa.table(
        {
            "source": pa.array([source] * n, type=pa.string()),
            "record_id": record_id,
            "person_id": person_ids(people.number(rows)),
            "company_key": _company_keys(people.company[rows]),
            "buying_role": take(ROLES, people.role[rows]),
            "duplicate_kind": pa.array([kind] * n, type=pa.string()) if isinstance(kind, str) else kind,
        }
    )


def _truth(identity: Identity, people: People, keep: Ints) -> pa.Table:
    rows = identity.rows[keep]
    return truth_rows("hubspot", text(people.contact_number(rows)), rows, people, "none")


def _stage_times(rows: Ints, people: People) -> tuple[list[tuple[str, Ints]], list[tuple[str, Ints]]]:
    """Lifecycle stages and lead statuses with the time each was set (-1 = not), in their order."""
    capture, opened = people.capture_at[rows], people.opportunity_at[rows]
    before_deal = (opened < 0) | (people.mql_at[rows] < opened)
    mql = np.where(before_deal, people.mql_at[rows], -1)
    qualified = people.qualified_at[rows]
    qualified = np.where((opened < 0) | (qualified < opened), qualified, -1)
    newsletter = people.capture_kind[rows] == NEWSLETTER
    created = capture + 2_000
    lifecycle = [
        ("subscriber", np.where(newsletter, created, -1)),
        ("lead", np.where(newsletter, -1, created)),
        ("marketingqualifiedlead", np.where(mql >= 0, np.maximum(mql, created + MINUTE), -1)),
        ("salesqualifiedlead", qualified),
        ("opportunity", opened),
        ("customer", people.customer_at[rows]),
    ]
    request, first = people.request_at[rows], people.first_attempt_at[rows]
    accepted = people.accepted[rows]
    connected, rejected = people.connected_at[rows], people.rejected_at[rows]
    bad_timing = people.rejected_status[rows] == 1
    statuses = [
        ("NEW", created),
        ("OPEN", np.where(request >= 0, np.maximum(request, created) + MINUTE, -1)),
        ("IN_PROGRESS", np.where(accepted, np.maximum(first, created + 2 * MINUTE), -1)),
        ("CONNECTED", np.where(connected >= 0, connected + 10 * MINUTE, -1)),
        ("UNQUALIFIED", np.where(bad_timing, -1, rejected)),
        ("BAD_TIMING", np.where(bad_timing, rejected, -1)),
        ("OPEN_DEAL", np.where(opened >= 0, opened + MINUTE, -1)),
    ]
    return lifecycle, statuses


def _latest(steps: list[tuple[str, Ints]]) -> tuple[Column, Ints]:
    times = np.stack([at for _, at in steps], axis=1)
    # The later entry of the list wins a tie.
    last = times.shape[1] - 1 - np.argmax(times[:, ::-1], axis=1)
    return take([name for name, _ in steps], last), times.max(axis=1)


def _has_owner(rows: Ints, people: People) -> Bools:
    known = (people.request_at[rows] >= 0) | (people.opportunity_at[rows] >= 0) | (people.capture_kind[rows] == MANUAL)
    return np.asarray(known)


def _owned_at(rows: Ints, people: People) -> Ints:
    request, opened = people.request_at[rows], people.opportunity_at[rows]
    at = np.where(request >= 0, request + MINUTE, np.where(opened >= 0, opened, people.capture_at[rows] + 3_000))
    return np.where(_has_owner(rows, people), np.maximum(at, people.capture_at[rows] + 3_000), -1)


def _main_records(
    identity: Identity,
    people: People,
    companies: Companies,
    owners: Owners,
    opted_out_at: Ints,
    bulk_quota: int,
    keep: Ints,
    rng: np.random.Generator,
) -> tuple[pa.Table, int]:
    rows, taken = identity.rows[keep], keep
    n = len(rows)
    country, company = people.country[rows], people.company[rows]
    kind = people.capture_kind[rows]
    lifecycle, statuses = _stage_times(rows, people)
    stage, stage_at = _latest(lifecycle)
    status, status_at = _latest(statuses)
    created = people.capture_at[rows] + 2_000
    merged = people.duplicate[rows] == MERGED
    merged_at = np.where(merged, np.minimum(people.duplicate_at[rows] + DAY, people.until - DAY), -1)
    updated = np.max([created, stage_at, status_at, merged_at, opted_out_at[keep], _owned_at(rows, people)], axis=0)
    updated = np.minimum(updated + rng.integers(0, 5_000, n), people.until - MINUTE)
    touched = np.flatnonzero((updated < BULK_IMPORT_AT) & (created < BULK_IMPORT_AT))[:bulk_quota]
    updated[touched] = BULK_IMPORT_AT

    has_country = rng.random(n) < 0.92
    spelling = np.where(rng.random(n) < 0.85, 0, rng.integers(1, 3, n))
    spellings = [s for c in COUNTRIES for s in c.spellings]
    style = np.where(has_country, people.phone_style[rows], 0)
    phone = format_phones(country, people.phone[rows], style)
    mobile = rng.random(n) < 0.12
    city, state = city_columns(country, people.city[rows])
    has_city = rng.random(n) < 0.7
    safe_company = np.maximum(company, 0)
    written = rng.integers(0, 10, n)
    name = pick(companies.core_name, safe_company)
    name = where(written < 6, pick(companies.name, safe_company), where(written == 6, pc.utf8_upper(name), name))
    shout = rng.random(n)
    first = pick(identity.first, taken)
    first = where(shout < 0.04, pc.utf8_upper(first), where(shout > 0.94, pc.utf8_lower(first), first))
    ids = text(people.contact_number(rows))
    email = pick(identity.email, taken)
    source = np.where(kind == IMPORT, 1, np.where(kind == MANUAL, 2, np.where(kind == WEBINAR, 3, 0)))
    web = kind <= WEBINAR
    associated = _associated(rows, people, companies)
    table = pa.table(
        {
            "id": ids,
            "created_at": timestamps(created),
            "updated_at": timestamps(updated),
            "archived": pa.array(np.zeros(n, dtype=bool)),
            "archived_at": pa.nulls(n, pa.timestamp("us")),
            "email": email,
            "hs_additional_emails": only(merged, pick(identity.alternative, taken)),
            "firstname": first,
            "lastname": pick(identity.last, taken),
            "phone": where(mobile, None, phone),
            "mobilephone": where(mobile, phone, None),
            "company": only((company >= 0) & (rng.random(n) < 0.85), name),
            "jobtitle": pick(identity.title, taken),
            "website": pa.nulls(n, pa.string()),
            "city": only(has_city, city),
            "state": only(has_city, state),
            "country": only(has_country, take(spellings, 3 * country + spelling)),
            "hs_language": take(["pt-br", "fr", "es", "en", "en-gb"], country),
            "lifecyclestage": stage,
            "hs_lead_status": status,
            "hubspot_owner_id": only(_has_owner(rows, people), pick(owners.ids, people.owner[rows])),
            "createdate": iso(created),
            "lastmodifieddate": iso(updated),
            "hs_object_id": ids,
            "hs_object_source": take(["FORM", "IMPORT", "CRM_UI", "INTEGRATION"], source),
            "hs_analytics_source": where(web, take(ANALYTICS_SOURCES, people.channel[rows]), "OFFLINE"),
            "hs_email_optout": where(opted_out_at[keep] >= 0, "true", where(rng.random(n) < 0.3, "false", None)),
            "hs_merged_object_ids": only(merged, text(people.duplicate_number(rows))),
            "associatedcompanyid": only(associated, pick(companies.record_id, safe_company)),
            "numemployees": only(people.declared_employees[rows] >= 0, text(people.declared_employees[rows])),
            "annualrevenue": only(people.declared_revenue[rows] >= 0, text(people.declared_revenue[rows])),
        }
    )
    return table, len(touched)


def _associated(rows: Ints, people: People, companies: Companies) -> Bools:
    company = people.company[rows]
    linked = (company >= 0) & companies.in_crm[np.maximum(company, 0)]
    # Left to be matched by domain: about one in eight. A cheap hash of the row keeps the choice in one place.
    return np.asarray(linked & ((rows * 2_654_435_761 % 1_000) >= 125))


def _associations(rows: Ints, people: People, companies: Companies, rng: np.random.Generator) -> pa.Table:
    """Contact to company: the primary one, and for a few also its parent company without a label."""
    linked = rows[_associated(rows, people, companies)]
    company = people.company[linked]
    parent = companies.parent[company]
    both = np.flatnonzero((parent >= 0) & companies.in_crm[np.maximum(parent, 0)] & (rng.random(len(linked)) < 0.2))
    primary = association_rows(
        "contacts",
        text(people.contact_number(linked)),
        "companies",
        pick(companies.record_id, company),
        1,
        "Primary",
    )
    extra = association_rows(
        "contacts",
        text(people.contact_number(linked[both])),
        "companies",
        pick(companies.record_id, parent[both]),
        279,
        None,
    )
    return pa.concat_tables([primary, extra])


def association_rows(
    from_object: str, from_id: Column, to_object: str, to_id: Column, type_id: int, label: str | None
) -> pa.Table:
    """Rows of ``hubspot/associations.parquet``."""
    n = len(from_id)
    return pa.table(
        {
            "from_object": pa.array([from_object] * n, type=pa.string()),
            "from_id": from_id,
            "to_object": pa.array([to_object] * n, type=pa.string()),
            "to_id": to_id,
            "type_id": pa.array(np.full(n, type_id, dtype=np.int64)),
            "category": pa.array(["HUBSPOT_DEFINED"] * n, type=pa.string()),
            "label": pa.array([label] * n, type=pa.string()),
        }
    )


def history_rows(
    object_type: str,
    object_id: Column,
    name: str,
    value: Column | str,
    at: Ints,
    source_type: Column | str,
    source_id: Column | str | None,
    user: Column | None,
) -> pa.Table:
    """Rows of ``hubspot/property_history.parquet``."""
    n = len(at)

    def column(content: Column | str | None) -> Column:
        return pa.array([content] * n, type=pa.string()) if content is None or isinstance(content, str) else content

    return pa.table(
        {
            "object_type": column(object_type),
            "object_id": object_id,
            "property": column(name),
            "value": column(value),
            "changed_at": timestamps(at),
            "source_type": column(source_type),
            "source_id": column(source_id),
            "updated_by_user_id": column(user),
        }
    )


def _history(rows: Ints, people: People, owners: Owners) -> pa.Table:
    lifecycle, statuses = _stage_times(rows, people)
    kind = people.capture_kind[rows]
    entry = take(["FORM", "IMPORT", "CRM_UI", "INTEGRATION"],
                 np.where(kind == IMPORT, 1, np.where(kind == MANUAL, 2, np.where(kind == WEBINAR, 3, 0))))  # fmt: skip
    user = pick(owners.user_ids, people.owner[rows])
    tables = []
    by_rep = {"IN_PROGRESS", "CONNECTED", "UNQUALIFIED", "BAD_TIMING", "salesqualifiedlead"}
    for name, steps in (("lifecyclestage", lifecycle), ("hs_lead_status", statuses)):
        for value, at in steps:
            on = np.flatnonzero(at >= 0)
            taken = on
            first = value in ("subscriber", "lead", "NEW")
            rep = value in by_rep
            tables.append(
                history_rows(
                    "contacts",
                    text(people.contact_number(rows[on])),
                    name,
                    value,
                    at[on],
                    pick(entry, taken) if first else ("CRM_UI" if rep else "AUTOMATION_PLATFORM"),
                    join("userId:", pick(user, taken)) if rep else (None if first else "enrollmentId:2203117"),
                    pick(user, taken) if rep else None,
                )
            )
    owned = _owned_at(rows, people)
    on = np.flatnonzero(owned >= 0)
    tables.append(
        history_rows(
            "contacts",
            text(people.contact_number(rows[on])),
            "hubspot_owner_id",
            pick(owners.ids, people.owner[rows[on]]),
            owned[on],
            "AUTOMATION_PLATFORM",
            "enrollmentId:2203118",
            None,
        )
    )
    return pa.concat_tables(tables)


def _second_records(
    identity: Identity, people: People, companies: Companies, rng: np.random.Generator
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The duplicates that stand as contact records of their own."""
    kinds = people.duplicate[identity.rows]
    own_record = np.isin(kinds, (PLUS, GMAIL_DOTS, TYPO, PERSONAL, PHONE_ONLY))
    at = np.flatnonzero(own_record)
    rows, taken, kind = identity.rows[at], at, kinds[at]
    n = len(rows)
    country, company = people.country[rows], people.company[rows]
    created = people.duplicate_at[rows]
    updated = np.minimum(created + rng.integers(1_000, 86_400_000, n), people.until - MINUTE)
    ids = text(people.duplicate_number(rows))
    with_phone = np.isin(kind, (TYPO, PERSONAL, PHONE_ONLY)) | (rng.random(n) < 0.3)
    names = where(rng.random(n) < 0.3, pc.utf8_upper(pick(identity.last, taken)), pick(identity.last, taken))
    nothing = pa.nulls(n, pa.string())
    safe_company = np.maximum(company, 0)
    contacts = pa.table(
        {
            "id": ids,
            "created_at": timestamps(created),
            "updated_at": timestamps(updated),
            "archived": pa.array(np.zeros(n, dtype=bool)),
            "archived_at": pa.nulls(n, pa.timestamp("us")),
            "email": pick(identity.alternative, taken),
            "hs_additional_emails": nothing,
            "firstname": pick(identity.first, taken),
            "lastname": names,
            "phone": only(with_phone, pick(identity.other_phone, taken)),
            "mobilephone": nothing,
            "company": only((company >= 0) & (kind != PERSONAL), pick(companies.core_name, safe_company)),
            "jobtitle": only(rng.random(n) < 0.5, pick(identity.title, taken)),
            "website": nothing,
            "city": nothing,
            "state": nothing,
            "country": take([c.name for c in COUNTRIES], country),
            "hs_language": nothing,
            "lifecyclestage": pa.array(["lead"] * n, type=pa.string()),
            "hs_lead_status": pa.array(["NEW"] * n, type=pa.string()),
            "hubspot_owner_id": nothing,
            "createdate": iso(created),
            "lastmodifieddate": iso(updated),
            "hs_object_id": ids,
            "hs_object_source": take(["FORM", "IMPORT", "CRM_UI"], rng.integers(0, 3, n)),
            "hs_analytics_source": pa.array(["OFFLINE"] * n, type=pa.string()),
            "hs_email_optout": nothing,
            "hs_merged_object_ids": nothing,
            "associatedcompanyid": nothing,
            "numemployees": nothing,
            "annualrevenue": nothing,
        }
    )
    associations = association_rows("contacts", ids.slice(0, 0), "companies", ids.slice(0, 0), 1, "Primary")
    truth = truth_rows("hubspot", ids, rows, people, take(DUPLICATE_KINDS, kind))
    return contacts, associations, truth
