"""Names drawn once from Faker for each country, then sampled by number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faker import Faker

from sandbox.world.catalogue import COUNTRIES

FIRST_NAMES = 220
LAST_NAMES = 420


@dataclass(frozen=True)
class NamePool:
    first: list[str]
    last: list[str]


def _distinct(draw: Callable[[], str], wanted: int) -> list[str]:
    seen: dict[str, None] = {}
    tries = 0
    while len(seen) < wanted and tries < wanted * 12:
        seen[draw()] = None
        tries += 1
    names = list(seen)
    # A short list (Brazil's surnames) grows by pairs, as people there bear two.
    single = len(names)
    step = 1
    while len(names) < wanted and step < single:
        names += [f"{names[i]} {names[(i + step) % single].split()[-1]}" for i in range(single)]
        names = list(dict.fromkeys(names))
        step += 1
    return names[:wanted]


def name_pools(seed: int) -> list[NamePool]:
    """One pool a country, in the order of :data:`COUNTRIES`; the same for the same seed."""
    pools = []
    for position, country in enumerate(COUNTRIES):
        fake = Faker(country.faker_locale)
        fake.seed_instance(seed * 1000 + position)
        pools.append(NamePool(_distinct(fake.first_name, FIRST_NAMES), _distinct(fake.last_name, LAST_NAMES)))
    return pools
