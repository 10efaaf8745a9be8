"""Names drawn once from Faker for each country, then sampled by number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from faker import Faker

from sandbox.world.catalogue import COUNTRIES
from sandbox.world.names import LOOKALIKES, NICKNAMES, misspellings, plain

FIRST_NAMES = 220
LAST_NAMES = 420


@dataclass(frozen=True)
class NamePool:
    """The names of one country.

    ``wrong_first`` and ``wrong_last`` hold :data:`~sandbox.world.names.SPELLINGS` misspellings of each name, one after
    the other; ``nicknames`` two short forms of each first name (None where there is none); ``lookalikes`` positions of
    pairs of first names that look alike.
    """

    first: list[str]
    last: list[str]
    wrong_first: list[str]
    wrong_last: list[str]
    nicknames: list[str | None]
    lookalikes: list[tuple[int, int]]


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
        first, last = _distinct(fake.first_name, FIRST_NAMES), _distinct(fake.last_name, LAST_NAMES)
        pools.append(_pool(first, last, country.language, np.random.default_rng([seed, 1_000 + position])))
    return pools


def _pool(first: list[str], last: list[str], language: str, rng: np.random.Generator) -> NamePool:
    alike = LOOKALIKES[language]
    short = NICKNAMES[language]
    # Everyday names the random draw may have missed: those that look alike or have a short form.
    first = list(dict.fromkeys([*first, *(name for pair in alike for name in pair), *(full for _, full in short)]))
    place = {name: position for position, name in enumerate(first)}
    firsts = {plain(name) for name in first} | {plain(nick) for nick, _ in short}
    lasts = {plain(name) for name in last}
    nicknames: list[str | None] = []
    for name in first:
        known = [nick for nick, full in short if full == name]
        nicknames += [known[0], known[-1]] if known else [None, None]
    wrong_first = [wrong for name in first for wrong in misspellings(name, firsts, rng)]
    wrong_last = [wrong for name in last for wrong in misspellings(name, lasts, rng)]
    return NamePool(first, last, wrong_first, wrong_last, nicknames, [(place[a], place[b]) for a, b in alike])
