"""Contact records of the CRM, their history and associations, and the truth about who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.catalogue import (
    ANALYTICS_SOURCES,
    COUNTRIES,
    DISPOSABLE_HOSTS,
    NEWSLETTER,
    NO_COUNTRIES,
    NO_TITLES,
    ODD_COUNTRIES,
    ROLE_MAILBOXES,
    ROLES,
    TITLES,
    TYPO_HOSTS,
    WEBINAR,
)
from sandbox.world.companies import CORE, NAME_SHARES, Companies, city_columns, name_flaws, written_name
from sandbox.world.names import EMOJI, HONORIFICS, PLACEHOLDER_COMPANIES, PLACEHOLDER_NAMES, SPELLINGS
from sandbox.world.owners import Owners
from sandbox.world.people import (
    CASE,
    DISPOSABLE,
    DUPLICATE_KINDS,
    GIBBERISH,
    GMAIL_DOTS,
    IMPORT,
    IMPOSSIBLE_PAIR,
    INITIAL,
    MAIDEN,
    MAIL_TYPO_DOMAIN,
    MANUAL,
    MERGED,
    MISSPELLED,
    NICKNAME,
    NO_FLAW,
    PERSONAL,
    PERSONAL_NO_PHONE,
    PHONE_ONLY,
    PLUS,
    REPEATED_DIGITS,
    ROLE_ADDRESS,
    SWAPPED,
    TYPO,
    TYPO_HOST,
    People,
)
from sandbox.world.planting import Flaws
from sandbox.world.pools import NamePool
from sandbox.world.sizes import AS_OF, DAY, HOUR, MINUTE
from sandbox.world.text import (
    Bools,
    Column,
    Ints,
    ascii_slug,
    choose,
    digits,
    iso,
    join,
    only,
    pick,
    take,
    text,
    timestamps,
    truths,
    where,
)

#: The instant at which one import touched many contacts (size.bulk_import of them).
BULK_IMPORT_AT = AS_OF - 12 * DAY - 4 * HOUR


@dataclass
class Identity:
    """Text of a run of people: ``rows`` are their positions in :class:`People`.

    The ``other_`` columns are what the second record of a person says; without one they repeat the first.
    """

    rows: Ints
    first: Column
    last: Column
    other_first: Column
    other_last: Column
    email: Column
    alternative: Column
    title: Column
    phone: Column
    other_phone: Column
    company: Column
    company_style: Ints


def identity_text(rows: Ints, people: People, companies: Companies, pools: list[NamePool]) -> Identity:
    """Names, addresses and phones of the people at ``rows``, and the second address of those who have two records."""
    country, company, kind = people.country[rows], people.company[rows], people.duplicate[rows]
    safe = np.maximum(company, 0)
    numbers = people.number(rows)
    number = text(numbers)
    slugs = _slugs([p.first for p in pools]), _slugs([p.last for p in pools])
    first, last = (_from_pools([getattr(p, name) for p in pools], country, getattr(people, name)[rows])
                   for name in ("first", "last"))  # fmt: skip
    plain_first = _from_pools(slugs[0], country, people.first[rows])
    plain_last = _from_pools(slugs[1], country, people.last[rows])
    other_first, other_last = _other_names(rows, people, pools, first, last)
    style = companies.mail_company[safe] % 3
    local = _local(plain_first, plain_last, style)
    if people.offset:
        # Later people may bear the name of a colleague who was there before.
        local = join(local, number)
    work = pick(companies.domain, safe)
    hosts = [host for c in COUNTRIES for host in c.free_mail]
    host = take(hosts, 5 * country + people.mail_host[rows])
    other_host = take(hosts, 5 * country + (people.mail_host[rows] + 1) % 5)
    free = people.free_mail[rows]
    private = join(plain_first, ".", plain_last, number)
    local, domain = where(free, private, local), where(free, host, work)
    local, domain = _family_mailboxes(rows, people, plain_first, plain_last, local, domain)
    local, domain = _flawed_addresses(rows, people, local, domain)
    email = join(local, "@", domain)

    alternative = only(kind == CASE, pc.utf8_title(email))
    alternative = where(
        kind == PLUS, join(local, "+", take(["news", "crm", "vendas"], rows % 3), "@", domain), alternative
    )
    alternative = where(kind == GMAIL_DOTS, join(pc.replace_substring(local, ".", ""), "@", domain), alternative)
    alternative = where(kind == TYPO, pc.replace_substring_regex(email, "(.)@", "@"), alternative)
    personal = join(plain_first, plain_last, number, "@", other_host)
    alternative = where(np.isin(kind, (PERSONAL, MERGED, PERSONAL_NO_PHONE)), personal, alternative)
    told = np.flatnonzero(kind >= MISSPELLED)
    if len(told):
        fuzzy = _other_addresses(
            kind[told], numbers[told], pick(other_first, told), pick(other_last, told), pick(plain_first, told),
            pick(plain_last, told), style[told], company[told] >= 0, pick(work, told), pick(other_host, told),
        )  # fmt: skip
        fuzzy = where(kind[told] == MAIL_TYPO_DOMAIN, join(pick(local, told), "@", _typo(pick(domain, told), told)),
                      where(kind[told] == PERSONAL_NO_PHONE, pick(personal, told), fuzzy))  # fmt: skip
        place = np.full(len(rows), -1, dtype=np.int64)
        place[told] = np.arange(len(told))
        alternative = where(place >= 0, take(fuzzy, place), alternative)

    titles = [t for c in COUNTRIES for pool in TITLES[c.language] for t in pool]
    sizes = np.array([[len(pool) for pool in TITLES[c.language]] for c in COUNTRIES])
    offsets = (np.cumsum(sizes.ravel()) - sizes.ravel()).reshape(sizes.shape)
    title = take(titles, offsets[country, people.role[rows]] + people.title[rows])
    phone = people.phone[rows]
    # A cheap hash of the person's number: each time the same way of writing the company.
    spread = np.cumsum(NAME_SHARES) / sum(NAME_SHARES)
    company_style = np.searchsorted(spread, (numbers * 2_654_435_761 % 10_007) / 10_007, side="right").astype(np.int64)
    return Identity(
        rows=rows,
        first=first,
        last=last,
        other_first=other_first,
        other_last=other_last,
        email=email,
        alternative=alternative,
        title=title,
        phone=format_phones(country, phone, people.phone_style[rows]),
        other_phone=format_phones(country, phone, (people.phone_style[rows] + 1) % 4),
        company=only(company >= 0, written_name(companies, safe, company_style)),
        company_style=company_style,
    )


def _slugs(names: list[list[str]]) -> list[list[str]]:
    return [ascii_slug(pa.array(pool)).to_pylist() for pool in names]


def _local(first: Column, last: Column, style: Ints) -> Column:
    """The part before the ``@`` of a work address, in the style of the company."""
    return where(style == 2, join(first, "_", last), where(style == 1, join(last, ".", first), join(first, ".", last)))


def _other_names(
    rows: Ints, people: People, pools: list[NamePool], first: Column, last: Column
) -> tuple[Column, Column]:
    """First and last name as the second record of each person has them."""
    kind, country, numbers = people.duplicate[rows], people.country[rows], people.number(rows)
    if not (kind >= MISSPELLED).any():
        return first, last
    at, other = people.first[rows], people.last[rows]
    slip = numbers // 2 % SPELLINGS
    in_first = numbers % 2 == 0
    wrong_first = _from_pools([p.wrong_first for p in pools], country, SPELLINGS * at + slip)
    wrong_last = _from_pools([p.wrong_last for p in pools], country, SPELLINGS * other + slip)
    short = _from_pools([p.nicknames for p in pools], country, 2 * at + numbers % 2)
    letter = join(pc.utf8_slice_codeunits(first, 0, 1), take([".", ""], numbers % 2))
    sizes = np.array([len(p.last) for p in pools])
    married = _from_pools([p.last for p in pools], country, (other + 1 + numbers % 97) % sizes[country])
    both = join(last, take([" ", "-"], (country == 1).astype(np.int64)), married)
    misspelled = kind == MISSPELLED
    new_first = where(misspelled & in_first, wrong_first, first)
    new_first = where(kind == NICKNAME, short, where(kind == INITIAL, letter, new_first))
    new_last = where(misspelled & ~in_first, wrong_last, where(kind == MAIDEN, both, last))
    swapped = kind == SWAPPED
    return where(swapped, last, new_first), where(swapped, first, new_last)


def _other_addresses(
    kind: Ints,
    numbers: Ints,
    first: Column,
    last: Column,
    plain_first: Column,
    plain_last: Column,
    style: Ints,
    has_work: Bools,
    work: Column,
    host: Column,
) -> Column:
    """Second addresses of people whose second record bears another name.

    A work address built from the name as that record has it, an older one of another pattern, or a private one.
    """
    said_first, said_last = ascii_slug(first), ascii_slug(last)
    new = join(_local(said_first, said_last, style), "@", work)
    older = join(pc.utf8_slice_codeunits(plain_first, 0, 1), plain_last, "@", work)
    private = join(said_first, said_last, text(numbers), "@", host)
    swapped = kind == SWAPPED
    joined = join(plain_first, plain_last, "@", work)
    pattern = numbers // 8 % 3
    same = truths(pc.and_(pc.equal(said_first, plain_first), pc.equal(said_last, plain_last)))
    out = where((pattern == 0) & ~same | (kind == INITIAL) | (kind == MAIDEN), new, private)
    out = where((kind == MISSPELLED) & (pattern == 1), older, out)
    out = where(swapped & (pattern > 0), joined, out)
    return where(has_work, out, private)


def _family_mailboxes(
    rows: Ints, people: People, first: Column, last: Column, local: Column, domain: Column
) -> tuple[Column, Column]:
    """Two of one family write from one mailbox, the second with a tag."""
    box = people.mailbox[rows]
    theirs = box >= 0
    if not theirs.any():
        return local, domain
    owner = people.number(np.maximum(box, 0))
    shared = join(last, text(owner))
    tagged = where(box == rows, shared, join(shared, "+", first))
    return where(theirs, tagged, local), domain


def _flawed_addresses(rows: Ints, people: People, local: Column, domain: Column) -> tuple[Column, Column]:
    flaw, country = people.mail_flaw[rows], people.country[rows]
    at = np.flatnonzero(flaw == TYPO_HOST)
    if len(at):
        place = np.full(len(rows), -1, dtype=np.int64)
        place[at] = np.arange(len(at))
        domain = where(flaw == TYPO_HOST, take(_typo(pick(domain, at), at), place), domain)
    domain = where(flaw == DISPOSABLE, take(DISPOSABLE_HOSTS, rows % len(DISPOSABLE_HOSTS)), domain)
    return where(flaw == ROLE_ADDRESS, take([names[0] for names in ROLE_MAILBOXES], country), local), domain


def _typo(domain: Column, seed: Ints) -> Column:
    """Domains with one slip: a known one of the provider's name, else a letter missing, doubled or swapped."""
    out = []
    for name, number in zip(domain.to_pylist(), seed.tolist(), strict=True):
        known = TYPO_HOSTS.get(name)
        if known:
            out.append(known[number % len(known)])
            continue
        at = 1 + number % max(len(name.split(".")[0]) - 2, 1)
        slip = number // 16 % 3
        if slip == 0 or name[at] == name[at + 1]:
            out.append(name[:at] + name[at + 1 :])
        elif slip == 1:
            out.append(name[: at + 1] + name[at:])
        else:
            out.append(name[:at] + name[at + 1] + name[at] + name[at + 2 :])
    return pa.array(out, type=pa.string())


def _from_pools(pools: Sequence[Sequence[str | None]], country: Ints, index: Ints) -> Column:
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
    flaws: Flaws
    bulk_imported: int


def contact_chunk(
    identity: Identity,
    people: People,
    companies: Companies,
    owners: Owners,
    opted_out_at: Ints,
    bulk_quota: int,
    rng: np.random.Generator,
    flaw_rng: np.random.Generator,
) -> ContactChunk:
    """CRM records of the people in ``identity`` who are in the CRM, duplicates included.

    ``opted_out_at`` is the time each unsubscribed (-1 = never), aligned with ``identity.rows``; ``bulk_quota`` how many
    contacts may still be given the modification time of the bulk import.
    """
    keep = np.flatnonzero(people.in_crm[identity.rows])
    main, touched = _main_records(identity, people, companies, owners, opted_out_at, bulk_quota, keep, rng)
    main, flaws = _flawed_records(main, identity, people, companies, keep, flaw_rng)
    second = second_records(identity, people, companies, rng)
    history, associations = (
        _history(identity.rows[keep], people, owners),
        _associations(identity.rows[keep], people, companies, rng),
    )
    return ContactChunk(
        contacts=pa.concat_tables([main, second.contacts]),
        history=history,
        associations=pa.concat_tables([associations, second.associations]),
        truth=pa.concat_tables([_truth(identity, people, companies, keep, main), second.truth]),
        flaws=flaws + second.flaws,
        bulk_imported=touched,
    )


#: Flaws of a contact record, one a record at most, with the share of those without a second record.
FLAW_SHARES = {
    "phone_too_short": 0.005, "phone_letters": 0.005, "phone_too_long": 0.004, "phone_wrong_country": 0.005,
    "phone_zeros": 0.003, "honorific": 0.009, "emoji": 0.004, "placeholder_name": 0.004, "placeholder_company": 0.004,
    "odd_country": 0.010, "no_country": 0.004,
}  # fmt: skip
_LETTERS = ("n/a", "a pedir", "call me", "não tem", "sur demande", "none")
#: A number as another country writes it, in the order of COUNTRIES. In Brazil the length at least would do.
_FOREIGN = ("06 12 34 56 78", "(11) 99876-5432", "(11) 99876-5432", "612 345 678", "(11) 99876-5432")
_FOREIGN_STATUS = ("possible", "invalid", "invalid", "invalid", "invalid")


def _flawed_records(
    contacts: pa.Table, identity: Identity, people: People, companies: Companies, keep: Ints, rng: np.random.Generator
) -> tuple[pa.Table, Flaws]:
    """Plants flaws in main records of people whom nothing else makes hard to recognise; lists every bad value."""
    rows = identity.rows[keep]
    n = len(rows)
    ids: Column = contacts["id"].combine_chunks()
    plain_people = (people.duplicate[rows] == 0) & (people.alike[rows] == 0) & (people.mail_flaw[rows] == 0)
    kinds = list(FLAW_SHARES)
    flaw = choose(rng, [*FLAW_SHARES.values(), 1 - sum(FLAW_SHARES.values())], n)
    # At least two of each, in a small world too.
    first_of = rng.permutation(np.flatnonzero(plain_people))[: 2 * len(kinds)]
    flaw[first_of] = np.arange(len(first_of)) // 2
    flaw = np.where(plain_people, flaw, len(kinds))
    columns: dict[str, Column] = {name: contacts[name].combine_chunks() for name in contacts.column_names}
    had_phone = (people.phone[rows] >= 0) & (people.declared_country[rows] == people.country[rows])
    has_country = truths(pc.is_valid(columns["country"]))
    has_company = truths(pc.is_valid(columns["company"]))
    # A number of another country's shape is wrong only where the record's country is known.
    flaw = np.where((flaw == kinds.index("phone_wrong_country")) & ~has_country, len(kinds), flaw)
    flaw = np.where((flaw < 5) & ~had_phone, len(kinds), flaw)
    flaw = np.where((flaw == kinds.index("placeholder_company")) & ~has_company, len(kinds), flaw)
    flaw = np.where((flaw >= kinds.index("odd_country")) & ~has_country, len(kinds), flaw)
    country, taken = people.country[rows], keep
    found = Flaws()

    def plant(kind: str, column: str, name: str, value: Column, status: Column | str, clean: Column | None) -> None:
        nonlocal found
        on = np.flatnonzero(flaw == kinds.index(kind))
        columns[column] = where(flaw == kinds.index(kind), value, columns[column])
        right = None if clean is None else pick(clean, on)
        told = status if isinstance(status, str) else pick(status, on)
        found += Flaws.of("hubspot", pick(ids, on), name, pick(columns[column], on), told, right, kind)

    for kind, value in (
        ("phone_too_short", pc.utf8_slice_codeunits(format_phones(country, people.phone[rows], np.full(n, 3)), 0, 3)),
        ("phone_letters", take(_LETTERS, rows % len(_LETTERS))),
        ("phone_too_long", join(format_phones(country, people.phone[rows], np.zeros(n, np.int64)), "99999")),
        ("phone_wrong_country", take(_FOREIGN, country)),
        ("phone_zeros", take(["0000000000", "000-000-000"], rows % 2)),
    ):
        columns["mobilephone"] = where(flaw == kinds.index(kind), None, columns["mobilephone"])
        foreign = kind == "phone_wrong_country"
        plant(kind, "phone", "phone", value, take(_FOREIGN_STATUS, country) if foreign else "invalid", None)
    honorifics = [HONORIFICS[c.language][k % len(HONORIFICS[c.language])] for c in COUNTRIES for k in range(5)]
    first = pick(identity.first, taken)
    plant("honorific", "firstname", "first_name", join(take(honorifics, 5 * country + rows % 5), " ", first), "valid",
          first)  # fmt: skip
    plant("emoji", "firstname", "first_name", join(first, " ", take(EMOJI, rows % len(EMOJI))), "valid", first)
    names = rows % len(PLACEHOLDER_NAMES)
    plant("placeholder_name", "firstname", "first_name", take([p[0] for p in PLACEHOLDER_NAMES], names), "placeholder",
          None)  # fmt: skip
    on = flaw == kinds.index("placeholder_name")
    columns["lastname"] = where(on, take([p[1] for p in PLACEHOLDER_NAMES], names), columns["lastname"])
    plant("placeholder_company", "company", "company",
          take(PLACEHOLDER_COMPANIES, rows % len(PLACEHOLDER_COMPANIES)), "placeholder", None)  # fmt: skip
    # The right country, spelt in a way of its own.
    said = people.declared_country[rows]
    codes = take([c.code for c in COUNTRIES], said)
    spelled = take([spelling for names in ODD_COUNTRIES for spelling in names], 3 * said + rows % 3)
    plant("odd_country", "country", "country", spelled, "valid", codes)
    plant("no_country", "country", "country", take(NO_COUNTRIES, rows % len(NO_COUNTRIES)), "invalid", None)
    # Whose country cannot be read writes the phone with its prefix.
    unread = flaw == kinds.index("no_country")
    international = format_phones(country, people.phone[rows], np.zeros(n, np.int64))
    for column in ("phone", "mobilephone"):
        given = unread & truths(pc.is_valid(columns[column]))
        columns[column] = where(given, international, columns[column])
    named = has_company & (flaw != kinds.index("placeholder_company"))
    renamed = np.isin(flaw, [kinds.index(kind) for kind in ("honorific", "emoji", "placeholder_name")])
    found += _plain_flaws(columns, identity, people, companies, keep, ids, named, renamed)
    return pa.table(columns, schema=contacts.schema), found


def _plain_flaws(
    columns: dict[str, Column],
    identity: Identity,
    people: People,
    companies: Companies,
    keep: Ints,
    ids: Column,
    named: Bools,
    other_name: Bools,
) -> Flaws:
    """Flaws that everyday data are full of: names in capitals or small letters, odd company names, bad addresses."""
    rows, taken = identity.rows[keep], keep
    first, right = columns["firstname"], pick(identity.first, taken)
    cased = ~truths(pc.equal(first, right)) & ~other_name
    on = np.flatnonzero(cased)
    upper = truths(pc.equal(pick(first, on), pc.utf8_upper(pick(right, on))))
    found = Flaws.of(
        "hubspot", pick(ids, on), "first_name", pick(first, on), "valid", pick(right, on),
        take(["name_lower", "name_upper"], upper.astype(np.int64)),
    )  # fmt: skip
    company = np.maximum(people.company[rows], 0)
    found += name_flaws("hubspot", ids, companies, company, identity.company_style[keep], named)
    flaw = people.mail_flaw[rows]
    on = np.flatnonzero(flaw > NO_FLAW)
    kind = flaw[on] - 1
    host = take([host for c in COUNTRIES for host in c.free_mail], 5 * people.country[rows] + people.mail_host[rows])
    email = columns["email"]
    meant = join(pc.replace_substring_regex(email, "@.*", "@"), host)
    clean = where(flaw == TYPO_HOST, meant, email)
    found += Flaws.of(
        "hubspot", pick(ids, on), "email", pick(email, on), take(["typo_domain", "disposable", "role"], kind),
        pick(clean, on), take(["email_typo_domain", "email_disposable", "email_role"], kind),
    )  # fmt: skip
    junk = people.junk[rows]
    for column, name, kinds in (
        ("numemployees", "declared_employee_count", (REPEATED_DIGITS, IMPOSSIBLE_PAIR)),
        ("annualrevenue", "declared_annual_revenue", (IMPOSSIBLE_PAIR,)),
    ):
        on = np.flatnonzero(np.isin(junk, kinds))
        found += Flaws.of(
            "hubspot", pick(ids, on), name, pick(columns[column], on), "suspect", None,
            take(["junk_repeated_digits", "junk_impossible_pair"], junk[on] - REPEATED_DIGITS),
        )  # fmt: skip
    nothing = pa.array(NO_TITLES)
    on = np.flatnonzero(truths(pc.is_in(columns["jobtitle"], nothing)))
    return found + Flaws.of(
        "hubspot", pick(ids, on), "job_title", pick(columns["jobtitle"], on), "placeholder", None, "placeholder_title"
    )


def person_ids(number: Ints) -> Column:
    """The truth's name of each person."""
    return join("person-", text(number))


def _company_keys(company: Ints) -> Column:
    return only(company >= 0, join("company-", text(np.maximum(company, 0))))


#: The strongest evidence of the company that a source record carries.
ACCOUNT_HINTS = ("none", "name", "domain", "association")
NO_HINT, NAME_HINT, DOMAIN_HINT, ASSOCIATION_HINT = range(len(ACCOUNT_HINTS))


def writes_from_company(rows: Ints, people: People, companies: Companies) -> Bools:
    """Whose address names their company: a domain that is the company's own."""
    company = people.company[rows]
    own = (company >= 0) & companies.has_domain[np.maximum(company, 0)]
    return np.asarray(own & ~people.free_mail[rows])


def named_company(rows: Ints, people: People, companies: Companies) -> Bools:
    """Whose company has a record that its name can lead to."""
    company = people.company[rows]
    return np.asarray((company >= 0) & companies.in_crm[np.maximum(company, 0)])


def truth_rows(
    source: str, record_id: Column, rows: Ints, people: People, kind: Column | str, hint: Ints | None = None
) -> pa.Table:
    """Rows of ``truth/people.parquet``; ``hint`` is a position of :data:`ACCOUNT_HINTS` each (none by default)."""
    n = len(rows)
    return pa.table(
        {
            "source": pa.array([source] * n, type=pa.string()),
            "record_id": record_id,
            "person_id": person_ids(people.number(rows)),
            "company_key": _company_keys(people.company[rows]),
            "buying_role": take(ROLES, people.role[rows]),
            "duplicate_kind": pa.array([kind] * n, type=pa.string()) if isinstance(kind, str) else kind,
            "account_hint": take(ACCOUNT_HINTS, np.zeros(n, dtype=np.int64) if hint is None else hint),
        }
    )


def _hints(associated: Bools, by_domain: Bools, named: Bools) -> Ints:
    return np.where(
        associated, ASSOCIATION_HINT, np.where(by_domain, DOMAIN_HINT, np.where(named, NAME_HINT, NO_HINT))
    ).astype(np.int64)


def _truth(identity: Identity, people: People, companies: Companies, keep: Ints, contacts: pa.Table) -> pa.Table:
    rows = identity.rows[keep]
    written = contacts["company"].combine_chunks()
    named = pc.and_(pc.is_valid(written), pc.invert(pc.is_in(written, pa.array(PLACEHOLDER_COMPANIES))))
    hint = _hints(
        _associated(rows, people, companies),
        writes_from_company(rows, people, companies),
        named.to_numpy(zero_copy_only=False) & named_company(rows, people, companies),
    )
    return truth_rows("hubspot", text(people.contact_number(rows)), rows, people, "none", hint)


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
    said_country = people.declared_country[rows]
    # A number is written for the country the record is of, else with its prefix.
    style = np.where(has_country & (said_country == country), people.phone_style[rows], 0)
    phone = format_phones(country, people.phone[rows], style)
    mobile = rng.random(n) < 0.12
    city, state = city_columns(country, people.city[rows])
    has_city = rng.random(n) < 0.7
    safe_company = np.maximum(company, 0)
    # Who has no other evidence of the company than its name always gives it.
    shared = (company >= 0) & ~companies.has_domain[safe_company]
    unnamed = (rng.random(n) >= 0.85) & ~shared
    shout = rng.random(n)
    first = pick(identity.first, taken)
    first = where(shout < 0.04, pc.utf8_upper(first), where(shout > 0.94, pc.utf8_lower(first), first))
    ids = text(people.contact_number(rows))
    email = pick(identity.email, taken)
    source = np.where(kind == IMPORT, 1, np.where(kind == MANUAL, 2, np.where(kind == WEBINAR, 3, 0)))
    web = kind <= WEBINAR
    associated = _associated(rows, people, companies)
    # Letters are no number: the CRM takes none.
    said_heads = (people.declared_employees[rows] >= 0) & (people.junk[rows] != GIBBERISH)
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
            "company": only((company >= 0) & ~unnamed, pick(identity.company, taken)),
            "jobtitle": pick(identity.title, taken),
            "website": pa.nulls(n, pa.string()),
            "city": only(has_city, city),
            "state": only(has_city, state),
            "country": only(has_country, take(spellings, 3 * said_country + spelling)),
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
            "numemployees": only(said_heads, text(people.declared_employees[rows])),
            "annualrevenue": only(people.declared_revenue[rows] >= 0, text(people.declared_revenue[rows])),
        }
    )
    return table, len(touched)


def _associated(rows: Ints, people: People, companies: Companies) -> Bools:
    company = people.company[rows]
    linked = (company >= 0) & companies.in_crm[np.maximum(company, 0)]
    # Left to be matched by domain: about one in eight; of those with a private address (matched by name): half. A cheap
    # hash of the row keeps the choice in one place.
    left = np.where(people.free_mail[rows], 500, 125)
    return np.asarray(linked & ((rows * 2_654_435_761 % 1_000) >= left))


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


def second_records(identity: Identity, people: People, companies: Companies, rng: np.random.Generator) -> ContactChunk:
    """The duplicates that stand as contact records of their own, their companies, their truth and their flaws."""
    kinds = people.duplicate[identity.rows]
    own_record = np.isin(kinds, (PLUS, GMAIL_DOTS, TYPO, PERSONAL, PHONE_ONLY)) | (kinds >= MISSPELLED)
    at = np.flatnonzero(own_record)
    rows, kind = identity.rows[at], kinds[at]
    n = len(rows)
    country, company = people.country[rows], people.company[rows]
    created = people.duplicate_at[rows]
    updated = np.minimum(created + rng.integers(1_000, 86_400_000, n), people.until - MINUTE)
    ids = text(people.duplicate_number(rows))
    with_phone = np.isin(kind, (TYPO, PERSONAL, PHONE_ONLY)) | (rng.random(n) < 0.3)
    told = kind >= MISSPELLED
    more = rng.spawn(1)[0]
    # Of those told by name a nickname may come with the same phone, a misspelling with another one; the rest has none.
    u = more.random(n)
    same_phone = np.where(told, (kind == NICKNAME) & (u < 0.25), with_phone)
    moved = people.phone[rows] // 10_000 * 10_000 + (people.phone[rows] * 7 + 1_303) % 10_000
    other_number = format_phones(country, np.where(people.phone[rows] >= 0, moved, -1), people.phone_style[rows])
    phone = only(same_phone, pick(identity.other_phone, at))
    phone = where((kind == MISSPELLED) & (u < 0.25), other_number, phone)
    last = pick(identity.other_last, at)
    names = where((rng.random(n) < 0.3) & ~told, pc.utf8_upper(last), last)
    nothing = pa.nulls(n, pa.string())
    safe_company = np.maximum(company, 0)
    named = np.where(told, company >= 0, (company >= 0) & (kind != PERSONAL))
    style = np.where(told, choose(more, NAME_SHARES, n), CORE)
    written = only(named, written_name(companies, safe_company, style))
    has_title = np.where(told, more.random(n) < 0.7, rng.random(n) < 0.5)
    title = only(has_title, pick(identity.title, at))
    # Whoever gives no title gives a city.
    city, state = city_columns(country, people.city[rows])
    has_city = told & (truths(pc.is_null(title)) | (more.random(n) < 0.65))
    linked = told & (company >= 0) & companies.in_crm[safe_company] & (more.random(n) < 0.25)
    contacts = pa.table(
        {
            "id": ids,
            "created_at": timestamps(created),
            "updated_at": timestamps(updated),
            "archived": pa.array(np.zeros(n, dtype=bool)),
            "archived_at": pa.nulls(n, pa.timestamp("us")),
            "email": pick(identity.alternative, at),
            "hs_additional_emails": nothing,
            "firstname": pick(identity.other_first, at),
            "lastname": names,
            "phone": phone,
            "mobilephone": nothing,
            "company": written,
            "jobtitle": title,
            "website": nothing,
            "city": only(has_city, city),
            "state": only(has_city, state),
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
            "associatedcompanyid": only(linked, pick(companies.record_id, safe_company)),
            "numemployees": nothing,
            "annualrevenue": nothing,
        }
    )
    on = np.flatnonzero(linked)
    associations = association_rows(
        "contacts", pick(ids, on), "companies", pick(companies.record_id, company[on]), 1, "Primary"
    )
    by_domain = np.isin(kind, (TYPO, PLUS)) | ((kind >= MISSPELLED) & _same_domain(identity, companies, at, company))
    by_domain &= (company >= 0) & companies.has_domain[safe_company]
    by_domain &= np.where(kind == PLUS, ~people.free_mail[rows], True)
    hint = _hints(linked, by_domain, named & named_company(rows, people, companies))
    truth = truth_rows("hubspot", ids, rows, people, take(DUPLICATE_KINDS, kind), hint)
    flaws = name_flaws("hubspot", ids, companies, safe_company, style, named)
    flaws += _names_of_others(identity, people, kind, ids, at)
    none = ids.slice(0, 0)
    history = history_rows("contacts", none, none, none, np.array([], dtype=np.int64), none, none, none)
    return ContactChunk(contacts, history, associations, truth, flaws, 0)


def _same_domain(identity: Identity, companies: Companies, at: Ints, company: Ints) -> Bools:
    """Whether the second address lies in the company's domain."""
    domain = pc.replace_substring_regex(pick(identity.alternative, at), ".*@", "")
    same = pc.equal(domain, pick(companies.domain, np.maximum(company, 0)))
    return truths(same)


def _names_of_others(identity: Identity, people: People, kind: Ints, ids: Column, at: Ints) -> Flaws:
    """First and last name exchanged, and mailbox providers misspelt, on second records."""
    swapped = np.flatnonzero(kind == SWAPPED)
    who = at[swapped]
    flaws = Flaws.of(
        "hubspot", pick(ids, swapped), "first_name", pick(identity.other_first, who), "swapped",
        pick(identity.first, who), "name_swapped",
    )  # fmt: skip
    slip = np.flatnonzero(kind == MAIL_TYPO_DOMAIN)
    who = at[slip]
    private = people.free_mail[identity.rows[who]]
    return flaws + Flaws.of(
        "hubspot", pick(ids, slip), "email", pick(identity.alternative, who), "typo_domain",
        pick(identity.email, who), take(["email_typo_company", "email_typo_domain"], private.astype(np.int64)),
    )  # fmt: skip
