"""The companies of the world: names, domains, size, industry codes, groups, and which of them mean to buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.catalogue import (
    AND_WORDS,
    CITIES,
    CODE_SYSTEMS,
    COUNTRIES,
    INDUSTRIES,
    LEGAL_SPELLINGS,
    UNKNOWN_CODES,
)
from sandbox.world.effects import EFFECTS
from sandbox.world.planting import Flaws, far_off, share
from sandbox.world.pools import NamePool
from sandbox.world.sizes import AS_OF, DAY, START, WorldSize
from sandbox.world.text import (
    Bools,
    Column,
    Floats,
    Ints,
    ascii_slug,
    choose,
    iso,
    join,
    only,
    pick,
    take,
    text,
    timestamps,
    truths,
    where,
    without_accents,
)

COMPANY_ID_BASE = 21_000_000_017
BUYING_EMPLOYEES = (50, 3_000)


@dataclass(frozen=True)
class Companies:
    """One row a real company (not a CRM record). Positions in these arrays are the world's company numbers.

    ``mail_company`` is the company whose domain its people write from: its own number, or that of the parent it shares
    a domain with. ``core_name`` is the name without its legal ``form``.
    """

    country: Ints
    industry: Ints
    city: Ints
    employees: Ints
    revenue: Ints
    parent: Ints
    is_competitor: Bools
    is_icp: Bools
    in_crm: Bools
    created_at: Ints
    has_process: Bools
    process_start: Ints
    name: Column
    core_name: Column
    form: Column
    mail_company: Ints
    domain: Column
    record_id: Column

    def __len__(self) -> int:
        return len(self.country)

    @property
    def has_domain(self) -> Bools:
        """Whether the company has a domain of its own."""
        return np.asarray(self.mail_company == np.arange(len(self)))

    def key(self) -> Column:
        """The truth's name of each company."""
        return join("company-", text(np.arange(len(self), dtype=np.int64)))


def make_companies(rng: np.random.Generator, size: WorldSize, pools: list[NamePool]) -> Companies:
    """Draws every company of the world."""
    n = size.companies
    country = choose(rng, [c.weight for c in COUNTRIES], n)
    industry = rng.integers(0, len(INDUSTRIES), n)
    city = rng.integers(0, 1_000, n)
    employees = np.clip(np.exp(rng.normal(5.0, 1.6, n)), 2, 60_000).astype(np.int64)
    per_head = np.array([c.revenue_per_employee for c in COUNTRIES])[country]
    revenue = (employees * per_head * np.exp(rng.normal(0, 0.5, n)) / 1000).astype(np.int64) * 1000
    is_competitor = np.zeros(n, dtype=bool)
    is_competitor[rng.choice(n, max(2, n // 1000), replace=False)] = True
    buys = np.array([i[6] for i in INDUSTRIES])[industry]
    is_icp = buys & (employees >= BUYING_EMPLOYEES[0]) & (employees <= BUYING_EMPLOYEES[1]) & ~is_competitor

    parent = _parents(rng, country, employees)
    process = rng.random(n) < size.process_share * np.where(is_icp, 1.6, 0.55)
    process &= ~is_competitor
    recent = rng.random(n) < 0.35
    start = np.where(
        recent,
        AS_OF - (rng.random(n) * 55 * DAY).astype(np.int64),
        START + (20 + rng.random(n) * 480).astype(np.int64) * DAY,
    )
    start = start // DAY * DAY

    name, core, form, slug = _names(rng, country, industry, pools)
    mail_company = _mail_companies(rng.spawn(1)[0], parent)
    domain = join(slug, take([c.tld for c in COUNTRIES], country))
    return Companies(
        country=country,
        industry=industry,
        city=city,
        employees=employees,
        revenue=revenue,
        parent=parent,
        is_competitor=is_competitor,
        is_icp=is_icp,
        in_crm=(rng.random(n) < 0.93) | process,
        created_at=START + (rng.random(n) * 60 * DAY).astype(np.int64),
        has_process=process,
        process_start=np.where(process, start, -1),
        name=name,
        core_name=core,
        form=form,
        mail_company=mail_company,
        domain=pick(domain, mail_company),
        record_id=text(COMPANY_ID_BASE + 53 * np.arange(n, dtype=np.int64)),
    )


def _parents(rng: np.random.Generator, country: Ints, employees: Ints) -> Ints:
    """A seventh of the companies belong to a larger one of their country; every larger country has a group of three
    levels at least."""
    n = len(country)
    parent = np.full(n, -1, dtype=np.int64)
    child = rng.random(n) < 0.15
    for code in range(len(COUNTRIES)):
        members = np.flatnonzero(country == code)
        if len(members) < 3:
            continue
        order = members[np.argsort(-employees[members], kind="stable")]
        rank = np.arange(len(order))
        # A parent is always larger, hence earlier in the order: no cycle is possible.
        chosen = order[(rng.random(len(order)) * np.maximum(rank * 0.3, 1)).astype(np.int64)]
        parent[order] = np.where(child[order] & (rank > 0) & (chosen != order), chosen, -1)
        if len(order) >= 6:
            parent[order[[1, 3]]] = order[[0, 1]]
    return parent


def _mail_companies(rng: np.random.Generator, parent: Ints) -> Ints:
    """Whose domain each company's people write from: a fifth of the subsidiaries have none of their own."""
    n = len(parent)
    shares = (parent >= 0) & (rng.random(n) < 0.2)
    subsidiaries = np.flatnonzero(parent >= 0)
    if len(subsidiaries) and not shares.any():
        shares[subsidiaries[-1]] = True
    mail = np.where(shares, parent, np.arange(n, dtype=np.int64))
    while not np.array_equal(mail, mail[mail]):
        mail = mail[mail]
    return mail


def _names(
    rng: np.random.Generator, country: Ints, industry: Ints, pools: list[NamePool]
) -> tuple[Column, Column, Column, Column]:
    """Full name with legal form, name without it, the form, and the name part of the domain, unique in its country.

    One company in eight bears two family names; a few share their name with a company of another country.
    """
    n = len(country)
    surname, word, form = np.empty(n, dtype=object), np.empty(n, dtype=object), np.empty(n, dtype=object)
    draw = rng.integers(0, 1_000_000, (n, 2))
    extra = rng.spawn(1)[0]
    for code, entry in enumerate(COUNTRIES):
        rows = np.flatnonzero(country == code)
        last = np.array(pools[code].last, dtype=object)
        words = np.array([i[5][entry.language] for i in INDUSTRIES], dtype=object)
        surname[rows] = last[draw[rows, 0] % len(last)]
        word[rows] = words[industry[rows]]
        form[rows] = np.array(entry.legal_forms, dtype=object)[draw[rows, 1] % len(entry.legal_forms)]
        two = rows[extra.random(len(rows)) < 0.12]
        partner = last[extra.integers(0, len(last), len(two))]
        surname[two] = [f"{one} & {other}" for one, other in zip(surname[two], partner, strict=True)]
    target, source = _namesakes(extra, country)
    surname[target], word[target] = surname[source], word[source]
    core = join(pa.array(surname, type=pa.string()), " ", pa.array(word, type=pa.string()))
    slug = ascii_slug(core)
    # Second and later users of a name in one country tell themselves apart by a number.
    slug_text = np.array(slug.to_pylist(), dtype=object)
    core_text = np.array(core.to_pylist(), dtype=object)
    seen: dict[tuple[str, int], int] = {}
    for i in range(n):
        name = (slug_text[i], int(country[i]))
        used = seen.get(name, 0)
        seen[name] = used + 1
        if used:
            slug_text[i] = f"{slug_text[i]}{used + 1}"
            core_text[i] = f"{core_text[i]} {used + 1}"
    core, forms = pa.array(core_text, type=pa.string()), pa.array(form, type=pa.string())
    return join(core, " ", forms), core, forms, pa.array(slug_text, type=pa.string())


def _namesakes(rng: np.random.Generator, country: Ints) -> tuple[Ints, Ints]:
    """Companies (1.5 %) that bear the name of another one, which is of another country: their numbers and its."""
    n = len(country)
    chosen = rng.permutation(n)[: 2 * max(3, round(n * 0.015))]
    target, source = chosen[::2], chosen[1::2]
    apart = country[target] != country[source]
    return target[apart], source[apart]


#: How a company's name may be written, with the share of each: legal name, name alone, capitals, without accents, legal
#: form written another way, small letters, "and" in words (or the name alone), a letter missing.
NAME_STYLES = ("legal", "core", "upper", "plain", "other_form", "lower", "and_word", "typo")
NAME_SHARES = (0.40, 0.25, 0.07, 0.06, 0.09, 0.04, 0.06, 0.03)
LEGAL, CORE, UPPER, PLAIN, OTHER_FORM, LOWER, AND_WORD, NAME_TYPO = range(len(NAME_STYLES))


def written_name(companies: Companies, index: Ints, style: Ints) -> Column:
    """The names of the companies at ``index`` in the given styles (positions of :data:`NAME_STYLES`)."""
    name, core = pick(companies.name, index), pick(companies.core_name, index)
    country = companies.country[index]
    form: Column = pick(companies.form, index).dictionary_encode()
    spellings = pa.array([LEGAL_SPELLINGS[known] for known in form.dictionary.to_pylist()], type=pa.string())
    spelled = spellings.take(form.indices)
    out = where(style == LEGAL, name, core)
    out = where(style == UPPER, pc.utf8_upper(name), out)
    out = where(style == PLAIN, without_accents(core), out)
    out = where(style == OTHER_FORM, join(core, " ", spelled), out)
    out = where(style == LOWER, pc.utf8_lower(core), out)
    for code, entry in enumerate(COUNTRIES):
        words = pc.replace_substring(core, "&", AND_WORDS[entry.language])
        out = where((style == AND_WORD) & (country == code), words, out)
    return where(style == NAME_TYPO, pc.replace_substring_regex(core, "^(.{3}).", r"\1"), out)


def name_flaws(source: str, record_id: Column, companies: Companies, index: Ints, style: Ints, shown: Bools) -> Flaws:
    """What hygiene should make of names written in odd styles, where they are shown at all."""
    odd = np.flatnonzero(shown & (style >= UPPER) & (style != NAME_TYPO))
    value, core = written_name(companies, index[odd], style[odd]), pick(companies.core_name, index[odd])
    flaws = Flaws.of(
        source, pick(record_id, odd), "company", value, "valid", core,
        take([f"company_{name}" for name in NAME_STYLES], style[odd]),
    )  # fmt: skip
    # A name without accents or "and" is itself in those styles.
    return Flaws([flaws.tables[0].filter(truths(pc.not_equal(value, core)))])


def city_columns(country: Ints, city: Ints) -> tuple[Column, Column]:
    """City and state of rows, by country number and a free city number."""
    flat = [place for c in COUNTRIES for place in CITIES[c.code]]
    counts = np.array([len(CITIES[c.code]) for c in COUNTRIES])
    offset = np.cumsum(counts) - counts
    index = offset[country] + city % counts[country]
    return take([p[0] for p in flat], index), take([p[1] for p in flat], index)


def company_records(
    companies: Companies, rng: np.random.Generator, owners: Column, changed_at: Ints
) -> tuple[pa.Table, Flaws]:
    """Rows of ``hubspot/companies.parquet``, a few of them second records of the same company, and their flaws.

    ``changed_at`` is when sales last touched the company (milliseconds, -1 = never). Numbers, country and industry are
    wrong at the rates of :class:`~sandbox.world.effects.Effects`.
    """
    e = EFFECTS
    keep = np.flatnonzero(companies.in_crm)
    twins = keep[rng.random(len(keep)) < 0.02]
    if len(twins) == 0:
        twins = keep[-1:]
    index = np.concatenate([keep, twins])
    is_twin = np.arange(len(index)) >= len(keep)
    n = len(index)
    country, industry = companies.country[index], companies.industry[index]
    created = companies.created_at[index] + np.where(is_twin, 90 * DAY, 0)
    updated = np.minimum(
        np.maximum(created + (rng.random(n) * 200 * DAY).astype(np.int64), changed_at[index]), AS_OF - DAY
    )
    coded = rng.random(n) < 0.6
    city, state = city_columns(country, companies.city[index])
    parent = companies.parent[index]
    linked = (parent >= 0) & companies.in_crm[np.maximum(parent, 0)] & ~is_twin
    twin_id = text(COMPANY_ID_BASE + 53 * index + 7)
    record_id = where(is_twin, twin_id, pick(companies.record_id, index))
    no_domain = (rng.random(n) < 0.04) & ~is_twin | ~companies.has_domain[index]
    domain = only(companies.has_domain[index], pick(companies.domain, index))
    wrong = rng.spawn(1)[0]
    employees = far_off(wrong, companies.employees[index], e.crm_employees_error_rate)
    revenue = far_off(wrong, companies.revenue[index], e.crm_revenue_error_rate)
    said_country = another(wrong, country, len(COUNTRIES), e.crm_country_error_rate)
    said_industry = another(wrong, industry, len(INDUSTRIES), e.crm_industry_error_rate)
    code, system, flaws = _activity_codes(wrong, record_id, country, industry, coded)
    table = pa.table(
        {
            "id": record_id,
            "created_at": timestamps(created),
            "updated_at": timestamps(updated),
            "archived": pa.array(np.zeros(n, dtype=bool)),
            "archived_at": pa.nulls(n, pa.timestamp("us")),
            "name": where(is_twin, pc.utf8_upper(pick(companies.core_name, index)), pick(companies.name, index)),
            "domain": where(no_domain, None, domain),
            "hs_additional_domains": pa.nulls(n, pa.string()),
            "website": where(rng.random(n) < 0.5, join("https://www.", domain), None),
            "phone": pa.nulls(n, pa.string()),
            "city": city,
            "state": state,
            "country": take([c.name for c in COUNTRIES], said_country),
            "industry": where(rng.random(n) < 0.85, take([i[0] for i in INDUSTRIES], said_industry), None),
            "numberofemployees": where(rng.random(n) < 0.7, text(employees), None),
            "annualrevenue": where(rng.random(n) < 0.55, text(revenue), None),
            "hs_parent_company_id": only(linked, pick(companies.record_id, np.maximum(parent, 0))),
            "hubspot_owner_id": pick(owners, index),
            "lifecyclestage": where(companies.has_process[index], "opportunity", "lead"),
            "createdate": iso(created),
            "hs_lastmodifieddate": iso(updated),
            "hs_object_id": record_id,
            "hs_merged_object_ids": pa.nulls(n, pa.string()),
            "activity_code": code,
            "activity_code_system": system,
        }
    )
    return table, flaws


def another(rng: np.random.Generator, truth: Ints, choices: int, rate: float) -> Ints:
    """The number itself, or at the given rate another one below ``choices``."""
    n = len(truth)
    other = (truth + 1 + rng.integers(0, choices - 1, n)) % choices
    return np.asarray(np.where(share(rng, n, rate), other, truth), dtype=np.int64)


def _activity_codes(
    rng: np.random.Generator, record_id: Column, country: Ints, industry: Ints, coded: Bools
) -> tuple[Column, Column, Flaws]:
    """Activity codes of CRM companies with their system: most as published, some written otherwise, a few unknown."""
    n = len(industry)
    naf, cnae, nace, isic = range(4)
    system = np.where(country == 0, cnae, np.where(country == 1, naf, np.where(rng.random(n) < 0.5, nace, isic)))
    # Outside Brazil and France a code is the exception.
    coded = coded & ((country < 2) | (rng.random(n) < 0.25))
    written = rng.random(n)
    unknown, odd = coded & (written < 0.03), coded & (written >= 0.03) & (written < 0.13)
    columns = [take([i[k] for i in INDUSTRIES], industry) for k in (1, 2, 3, 4)]
    official: Column = pa.nulls(n, pa.string())
    for k, column in enumerate(columns):
        official = where(system == k, column, official)
    bare = pc.replace_substring_regex(official, "[^0-9A-Z]", "")
    spaced = where(system == naf, pc.replace_substring_regex(official, "([A-Z])$", r" \1"), bare)
    said = where(odd, where(rng.random(n) < 0.6, bare, spaced), official)
    said = where(unknown, take(UNKNOWN_CODES, system), said)
    # An ISIC class has no other spelling.
    odd &= system != isic
    on = np.flatnonzero(odd | unknown)
    flaws = Flaws.of(
        "hubspot_companies", pick(record_id, on), "activity_code", pick(said, on),
        where(unknown[on], "unknown", "valid"), where(unknown[on], None, pick(official, on)),
        where(unknown[on], "unknown_code", "code_spelling"),
    )  # fmt: skip
    on = np.flatnonzero(coded & ~unknown)
    classes = Flaws.of(
        "hubspot_companies", pick(record_id, on), "isic_class", pick(said, on), "valid", pick(columns[isic], on),
        "code_crosswalk",
    )  # fmt: skip
    return only(coded, said), only(coded, take(CODE_SYSTEMS, system)), flaws + classes


def company_truth(companies: Companies, records: pa.Table) -> pa.Table:
    """Rows of ``truth/companies.parquet``: every CRM record, then companies the CRM does not hold."""
    known: Column = records["id"].combine_chunks()
    ids = known.to_numpy(zero_copy_only=False).astype(np.int64)
    offset = ids - COMPANY_ID_BASE
    absent = np.flatnonzero(~companies.in_crm)
    index = np.concatenate([offset // 53, absent])
    in_crm = np.arange(len(index)) < len(ids)
    key = companies.key()
    parent = companies.parent[index]
    taken = index
    return pa.table(
        {
            "record_id": pa.concat_arrays([known, pa.nulls(len(absent), pa.string())]),
            "company_key": pick(key, taken),
            "domain": pick(companies.domain, taken),
            "parent_key": only(parent >= 0, pick(key, np.maximum(parent, 0))),
            "employee_count": companies.employees[index],
            "annual_revenue": companies.revenue[index],
            "revenue_currency": take([c.currency for c in COUNTRIES], companies.country[index]),
            "country": take([c.code for c in COUNTRIES], companies.country[index]),
            "industry": take([i[0] for i in INDUSTRIES], companies.industry[index]),
            "has_own_domain": companies.has_domain[index],
            "is_competitor": companies.is_competitor[index],
            "is_icp": companies.is_icp[index],
            "in_crm": pa.array(in_crm),
        }
    )


def company_weights(companies: Companies, rng: np.random.Generator) -> Floats:
    """How many people of the world work at each company, relative to the others."""
    weights = np.sqrt(companies.employees.astype(float)) * np.exp(rng.normal(0, 0.4, len(companies)))
    return np.asarray(np.where(companies.has_process, weights * 1.3, weights), dtype=np.float64)
