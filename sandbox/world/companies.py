"""The companies of the world: names, domains, size, industry codes, groups, and which of them mean to buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.world.catalogue import CITIES, COUNTRIES, INDUSTRIES
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
    where,
)

COMPANY_ID_BASE = 21_000_000_017
BUYING_EMPLOYEES = (50, 3_000)


@dataclass(frozen=True)
class Companies:
    """One row a real company (not a CRM record). Positions in these arrays are the world's company numbers."""

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
    domain: Column
    record_id: Column

    def __len__(self) -> int:
        return len(self.country)

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
    buys = np.array([i[5] for i in INDUSTRIES])[industry]
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

    name, core, slug = _names(rng, country, industry, pools)
    tld = take([c.tld for c in COUNTRIES], country)
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
        domain=join(slug, tld),
        record_id=text(COMPANY_ID_BASE + 53 * np.arange(n, dtype=np.int64)),
    )


def _parents(rng: np.random.Generator, country: Ints, employees: Ints) -> Ints:
    """A seventh of the companies belong to a larger one of their country; groups are up to three levels deep."""
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
    return parent


def _names(
    rng: np.random.Generator, country: Ints, industry: Ints, pools: list[NamePool]
) -> tuple[Column, Column, Column]:
    """Full name with legal form, name without it, and the unique name part of the domain."""
    n = len(country)
    surname, word, form = np.empty(n, dtype=object), np.empty(n, dtype=object), np.empty(n, dtype=object)
    draw = rng.integers(0, 1_000_000, (n, 2))
    for code, entry in enumerate(COUNTRIES):
        rows = np.flatnonzero(country == code)
        last = np.array(pools[code].last, dtype=object)
        words = np.array([i[4][entry.language] for i in INDUSTRIES], dtype=object)
        surname[rows] = last[draw[rows, 0] % len(last)]
        word[rows] = words[industry[rows]]
        form[rows] = np.array(entry.legal_forms, dtype=object)[draw[rows, 1] % len(entry.legal_forms)]
    core = join(pa.array(surname, type=pa.string()), " ", pa.array(word, type=pa.string()))
    slug = ascii_slug(core)
    # Second and later users of a name tell themselves apart by a surname more, then by a number.
    slug_text = np.array(slug.to_pylist(), dtype=object)
    core_text = np.array(core.to_pylist(), dtype=object)
    seen: dict[str, int] = {}
    for i in range(n):
        used = seen.get(slug_text[i], 0)
        seen[slug_text[i]] = used + 1
        if used:
            slug_text[i] = f"{slug_text[i]}{used + 1}"
            core_text[i] = f"{core_text[i]} {used + 1}"
    core = pa.array(core_text, type=pa.string())
    return join(core, " ", pa.array(form, type=pa.string())), core, pa.array(slug_text, type=pa.string())


def city_columns(country: Ints, city: Ints) -> tuple[Column, Column]:
    """City and state of rows, by country number and a free city number."""
    flat = [place for c in COUNTRIES for place in CITIES[c.code]]
    counts = np.array([len(CITIES[c.code]) for c in COUNTRIES])
    offset = np.cumsum(counts) - counts
    index = offset[country] + city % counts[country]
    return take([p[0] for p in flat], index), take([p[1] for p in flat], index)


def company_records(companies: Companies, rng: np.random.Generator, owners: Column, changed_at: Ints) -> pa.Table:
    """Rows of ``hubspot/companies.parquet``, a few of them second records of the same company.

    ``changed_at`` is when sales last touched the company (milliseconds, -1 = never).
    """
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
    codes = np.where(country == 0, 1, np.where(country == 1, 0, 2))
    has_code = coded & (codes < 2)
    naf = take([i[1] for i in INDUSTRIES], industry)
    cnae = take([i[2] for i in INDUSTRIES], industry)
    city, state = city_columns(country, companies.city[index])
    parent = companies.parent[index]
    linked = (parent >= 0) & companies.in_crm[np.maximum(parent, 0)] & ~is_twin
    twin_id = text(COMPANY_ID_BASE + 53 * index + 7)
    record_id = where(is_twin, twin_id, pick(companies.record_id, index))
    taken = index
    domain = pick(companies.domain, taken)
    no_domain = (rng.random(n) < 0.04) & ~is_twin
    return pa.table(
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
            "country": take([c.name for c in COUNTRIES], country),
            "industry": where(rng.random(n) < 0.85, take([i[0] for i in INDUSTRIES], industry), None),
            "numberofemployees": where(rng.random(n) < 0.7, text(companies.employees[index]), None),
            "annualrevenue": where(rng.random(n) < 0.55, text(companies.revenue[index]), None),
            "hs_parent_company_id": only(linked, pick(companies.record_id, np.maximum(parent, 0))),
            "hubspot_owner_id": pick(owners, index),
            "lifecyclestage": where(companies.has_process[index], "opportunity", "lead"),
            "createdate": iso(created),
            "hs_lastmodifieddate": iso(updated),
            "hs_object_id": record_id,
            "hs_merged_object_ids": pa.nulls(n, pa.string()),
            "activity_code": only(has_code, where(codes == 1, cnae, naf)),
            "activity_code_system": only(has_code, where(codes == 1, "CNAE", "NAF")),
        }
    )


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
            "is_competitor": companies.is_competitor[index],
            "is_icp": companies.is_icp[index],
            "in_crm": pa.array(in_crm),
        }
    )


def company_weights(companies: Companies, rng: np.random.Generator) -> Floats:
    """How many people of the world work at each company, relative to the others."""
    weights = np.sqrt(companies.employees.astype(float)) * np.exp(rng.normal(0, 0.4, len(companies)))
    return np.asarray(np.where(companies.has_process, weights * 1.3, weights), dtype=np.float64)
