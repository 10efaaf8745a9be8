"""The people who sell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.world.pools import NamePool
from sandbox.world.sizes import DAY, START, WorldSize
from sandbox.world.text import Column, ascii_slug, join, text, timestamps

OWNER_ID_BASE = 71_200_311
USER_ID_BASE = 5_120_044


@dataclass(frozen=True)
class Owners:
    """Active owners by number; the table has one archived owner more."""

    ids: Column
    user_ids: Column
    table: pa.Table


def owner_count(size: WorldSize) -> int:
    return {"small": 6, "medium": 24}.get(size.name, 120)


def make_owners(rng: np.random.Generator, size: WorldSize, pools: list[NamePool]) -> Owners:
    """Rows of ``hubspot/owners.parquet``."""
    active = owner_count(size)
    n = active + 1
    pool = pools[0]
    first = pa.array([pool.first[i] for i in rng.integers(0, len(pool.first), n)])
    last = pa.array([pool.last[i] for i in rng.integers(0, len(pool.last), n)])
    number = np.arange(n, dtype=np.int64)
    ids, users = text(OWNER_ID_BASE + 977 * number), text(USER_ID_BASE + 61 * number)
    created = np.full(n, START - 200 * DAY)
    table = pa.table(
        {
            "id": ids,
            "email": join(ascii_slug(first), ".", ascii_slug(last), text(number), "@pontonorte.io"),
            "first_name": first,
            "last_name": last,
            "user_id": users,
            "archived": pa.array(number == active),
            "created_at": timestamps(created),
            "updated_at": timestamps(created),
        }
    )
    return Owners(ids.slice(0, active), users.slice(0, active), table)
