"""What two paid data providers say about companies by domain; they are nearly right and do not quite agree."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from sandbox.world.catalogue import COUNTRIES, INDUSTRIES
from sandbox.world.companies import Companies
from sandbox.world.defects import Defects
from sandbox.world.effects import EFFECTS
from sandbox.world.planting import share
from sandbox.world.sizes import AS_OF, DAY
from sandbox.world.text import Ints, iso

HEADER = (
    "domain", "company_name", "employee_count", "annual_revenue", "revenue_currency", "activity_code",
    "activity_code_system", "country", "provider", "enriched_at", "cost", "cost_currency",
)  # fmt: skip
#: Provider, share of companies it knows, price of an answer in euros.
PROVIDERS = (("firmodata", 0.75, "0.20"), ("domaincheck", 0.45, "0.08"))


def write_enrichment(
    out: Path, rng: np.random.Generator, companies: Companies, declarations: Ints, defects: Defects
) -> int:
    """Writes ``enrichment/<provider>.csv``; returns the number of rows.

    ``declarations`` says how many people wrote about each company: wrong answers are as frequent where many did.
    """
    out.mkdir(parents=True, exist_ok=True)
    total = 0
    domains, names = companies.domain.to_pylist(), companies.core_name.to_pylist()
    for provider, coverage, cost in PROVIDERS:
        known = np.flatnonzero((rng.random(len(companies)) < coverage) & companies.has_domain)
        employees = _measured(rng, companies.employees[known], declarations[known])
        revenue = _measured(rng, companies.revenue[known], declarations[known])
        when = iso(AS_OF - (rng.random(len(known)) * 300 * DAY).astype(np.int64)).to_pylist()
        rows = []
        for i, company in enumerate(known):
            country = COUNTRIES[companies.country[company]]
            industry = INDUSTRIES[companies.industry[company]]
            code = {"NAF": industry[1], "CNAE": industry[2], "NACE": industry[3]}[country.activity_system]
            rows.append(
                [domains[company], names[company], str(employees[i]), str(revenue[i]), country.currency, code,
                 country.activity_system, country.code, provider, when[i], cost, "EUR"]
            )  # fmt: skip
        at = min(5, len(rows))
        rows.insert(at, ["", *rows[0][1:]])
        name = f"{provider}.csv"
        defects.add("enrichment", "raw_enrichment.companies", None, name, at + 1, "missing_domain")
        # The same question asked again later: the newer answer replaces the older one.
        rows.append([*rows[1][:9], "2026-10-30T08:00:00.000Z", *rows[1][10:]])
        with (out / name).open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(rows)
        total += len(rows)
    return total


def _measured(rng: np.random.Generator, truth: Ints, declarations: Ints) -> Ints:
    """Within four percent of the truth, but for the planted share that is far off."""
    n = len(truth)
    near = truth * (1 + rng.uniform(-0.04, 0.04, n))
    far = truth * np.where(rng.random(n) < 0.5, 2.2, 0.45)
    said = np.where(share(rng, n, EFFECTS.enrichment_disagreement_rate, declarations), far, near)
    return np.maximum(np.round(said), 1).astype(np.int64)
