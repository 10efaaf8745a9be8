"""Ad spend: one CSV a platform and month, by campaign and day, in the currency the campaign is paid in."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from sandbox.world.catalogue import AD_CAMPAIGNS, CURRENCY_PER_EUR
from sandbox.world.defects import Defects
from sandbox.world.sizes import AS_OF, DAY, START

HEADER = ("spend_on", "platform", "channel", "campaign", "currency", "spend", "impressions", "clicks")
#: Euros spent on all platforms over the whole history, per account that ever meant to buy.
EUR_PER_BUYING_ACCOUNT = 700.0
#: Days at the end of a month that the next month's file reports again, corrected.
RESTATED_DAYS = 2


def write_spend(out: Path, rng: np.random.Generator, buying_accounts: int, defects: Defects) -> dict[str, int]:
    """Writes ``ads/<platform>_<yyyy-mm>.csv``; returns the number of rows, and of those a later row replaces."""
    out.mkdir(parents=True, exist_ok=True)
    days = (AS_OF - START) // DAY
    first = datetime.fromtimestamp(START / 1000, UTC).date()
    dates = [first + timedelta(days=i) for i in range(days)]
    weekday = np.array([d.weekday() for d in dates])
    files: dict[str, list[list[str]]] = {}
    superseded = 0
    for number, ad in enumerate(AD_CAMPAIGNS):
        daily = buying_accounts * EUR_PER_BUYING_ACCOUNT * ad.budget_share / days
        spend = daily * CURRENCY_PER_EUR[ad.currency] * np.exp(rng.normal(-0.06, 0.35, days))
        spend = np.round(spend * np.where(weekday < 5, 1.15, 0.6), 2)
        clicks = rng.poisson(spend / ad.cost_per_click)
        impressions = clicks * rng.integers(25, 140, days) + rng.integers(0, 400, days)
        starts = 40 * (number % 3)
        for i in range(starts, days):
            row = [dates[i].isoformat(), ad.platform, ad.channel, ad.campaign, ad.currency, f"{spend[i]:.2f}",
                   str(impressions[i]), str(clicks[i])]  # fmt: skip
            files.setdefault(f"{ad.platform}_{dates[i]:%Y-%m}.csv", []).append(row)
            following = dates[i] + timedelta(days=RESTATED_DAYS)
            if following.month != dates[i].month and _known(following, dates[-1]):
                superseded += 1
                corrected = [*row[:5], f"{spend[i] * 1.01:.2f}", *row[6:]]
                files.setdefault(f"{ad.platform}_{following:%Y-%m}.csv", []).append(corrected)
    _plant(files, defects)
    for name, rows in sorted(files.items()):
        with (out / name).open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(rows)
    return {"ad_spend": sum(len(rows) for rows in files.values()), "ad_spend_superseded": superseded}


def _known(day: date, last: date) -> bool:
    return day <= last


def _plant(files: dict[str, list[list[str]]], defects: Defects) -> None:
    """A number nobody can read and a currency nobody has, as rows of their own."""
    for name, at, position, value, reason in (
        ("linkedin_ads_2026-03.csv", 10, 5, "1.2O7,5", "bad_number"),
        ("meta_ads_2026-05.csv", 4, 4, "XBT", "unknown_currency"),
        ("bing_ads_2026-06.csv", 7, 5, "n/d", "bad_number"),
    ):
        rows = files[name]
        bad = [*rows[at][:3], f"{rows[at][3]}_test", *rows[at][4:]]
        bad[position] = value
        rows.insert(at, bad)
        defects.add("ads", "raw_ads.spend", None, name, at + 1, reason)
