"""``python -m benchmarks.outcome_truths WORLD_DIR WAREHOUSE [--json]``: measured effects against the planted ones.

A sample world plants what a deal's chance is made of (``truth/effects.json``: channel, profile, committee). The
warehouse measures win rates from what it was told. For the profile and for each channel the planted ratio of win rates
(this value over all others, over the deals that there are) should lie within the measured interval. Deals without any
touch are left out: no marketing was behind them, and none was planted. The channel measured is that of the account's
first touch, the planted one that of its main contact: where they differ the effect of a channel is measured too near 1,
so that channels are printed and only the profile decides the exit code.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

#: Two-sided 95 %.
Z = 1.959964
#: Fewer decided deals on either side say nothing.
MIN_DEALS = 20

DEALS = """
select
    coverage.stage_kind = 'won' as is_won,
    companies.is_icp,
    channels.value as channel,
    sum(case when roles.need_count > 0 and roles.buying_role != 'practitioner' then 1 else 0 end) as committee
from intermediate.int_opportunity_coverage as coverage
inner join marts.dim_accounts as accounts on coverage.account_id = accounts.account_id
inner join read_parquet($companies) as companies on accounts.hubspot_record_id = companies.record_id
inner join
    intermediate.int_profiles as channels
    on channels.entity = 'account'
    and channels.attribute = 'first_channel'
    and channels.entity_id = accounts.account_id
left join
    (
        select distinct touches.account_id, touches.contact_id, contacts.buying_role
        from marts.fct_touches as touches
        inner join marts.dim_contacts as contacts on touches.contact_id = contacts.contact_id
        where touches.is_inbound and not touches.is_machine
    ) as people
    on coverage.account_id = people.account_id
left join config.committee_roles as roles on people.buying_role = roles.buying_role
where coverage.stage_kind in ('won', 'lost') and coverage.engaged_people > 0
group by coverage.opportunity_id, coverage.stage_kind, companies.is_icp, channels.value
"""


@dataclass(frozen=True)
class Comparison:
    """One effect: deals with it and without it, the measured ratio with its interval, the planted ratio."""

    effect: str
    deals: int
    others: int
    measured: float
    lo: float
    hi: float
    planted: float

    @property
    def is_held(self) -> bool:
        return self.lo <= self.planted <= self.hi


def compare(world: Path, warehouse: Path) -> list[Comparison]:
    """Every effect with enough decided deals on both sides."""
    effects = json.loads((world / "truth" / "effects.json").read_text())
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(DEALS, {"companies": str(world / "truth" / "companies.parquet")}).fetchall()
    deals = [
        (bool(won), bool(icp), channel, _chance(effects, bool(icp), channel, int(committee or 0)))
        for won, icp, channel, committee in rows
    ]
    found = [_ratio("profile", [(d[0], d[3]) for d in deals if d[1]], [(d[0], d[3]) for d in deals if not d[1]])]
    for channel in sorted({d[2] for d in deals}):
        with_it = [(d[0], d[3]) for d in deals if d[2] == channel]
        without = [(d[0], d[3]) for d in deals if d[2] != channel]
        found.append(_ratio(f"channel {channel}", with_it, without))
    return [comparison for comparison in found if comparison is not None]


def _chance(effects: dict[str, object], icp: bool, channel: str, committee: int) -> float:
    """What the world's maker would have said (sandbox.world.effects)."""
    size = "three_or_more" if committee >= 3 else "two" if committee == 2 else "one"
    factors = [
        effects["win_base"],
        effects["channel_effect"].get(channel, 1.0),  # type: ignore[attr-defined]
        effects[f"committee_{size}"],
        effects["profile_match" if icp else "profile_mismatch"],
    ]
    return min(math.prod(float(str(factor)) for factor in factors), 0.97)


def _ratio(effect: str, with_it: list[tuple[bool, float]], without: list[tuple[bool, float]]) -> Comparison | None:
    n, m = len(with_it), len(without)
    a, b = sum(won for won, _ in with_it), sum(won for won, _ in without)
    if min(n, m) < MIN_DEALS or not a or not b:
        return None
    measured = a / n / (b / m)
    half = Z * math.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
    planted = (sum(chance for _, chance in with_it) / n) / (sum(chance for _, chance in without) / m)
    return Comparison(effect, n, m, measured, measured * math.exp(-half), measured * math.exp(half), planted)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("world", type=Path)
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    found = compare(arguments.world, arguments.warehouse)
    print(f"{'effect':26} {'deals':>6} {'others':>6} {'measured':>9} {'interval':>15} {'planted':>8}")
    for row in found:
        interval = f"[{row.lo:.2f}, {row.hi:.2f}]"
        word = "" if row.is_held else "  outside"
        print(
            f"{row.effect:26} {row.deals:6} {row.others:6} {row.measured:9.2f} {interval:>15} {row.planted:8.2f}{word}"
        )
    if arguments.json:
        print(json.dumps({"effects": [asdict(row) | {"held": row.is_held} for row in found]}))
    return 0 if any(row.effect == "profile" and row.is_held for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
