"""The sample world through the identity models: quality by what was planted, seconds and memory stage by stage."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.build import BENCH, run_step
from benchmarks.identity_dbt import Build, build_identity
from benchmarks.identity_truth import account_match_quality
from benchmarks.pairwise import Quality

#: What the product promises on the medium world.
WANTED_PRECISION, WANTED_RECALL, WANTED_ACCOUNTS = 0.995, 0.95, 0.99

_JUDGED = """
create or replace temp table judged as
select
    people.person_id,
    people.duplicate_kind,
    clusters.contact_id,
    people.person_id like 'shared-mailbox%' as is_mailbox
from intermediate.int_contact_records as records
inner join intermediate.int_contact_clusters as clusters using (record_key)
inner join read_parquet($people) as people using (source, record_id)
"""
_PAIRS = "count(*) * (count(*) - 1) // 2"
_QUALITY = f"""
select
    (select sum(pairs) from (select {_PAIRS} as pairs from judged group by contact_id)),
    (select sum(pairs) from (select {_PAIRS} as pairs from judged group by person_id)),
    (select sum(pairs) from (select {_PAIRS} as pairs from judged group by person_id, contact_id))
"""
#: Pairs of one person in which at least one record is of the kind.
_BY_KIND = """
with
    kinds as (select distinct duplicate_kind from judged where duplicate_kind <> 'none'),
    sizes as (
        select
            kinds.duplicate_kind,
            person_id,
            contact_id,
            count(*) as records,
            count(*) filter (judged.duplicate_kind = kinds.duplicate_kind) as of_kind
        from judged
        cross join kinds
        where person_id in (select person_id from judged as borne where borne.duplicate_kind = kinds.duplicate_kind)
        group by all
    ),
    right_pairs as (
        select duplicate_kind, sum(of_kind * (of_kind - 1) // 2 + of_kind * (records - of_kind)) as pairs
        from sizes
        group by duplicate_kind
    ),
    people as (
        select duplicate_kind, person_id, sum(records) as records, sum(of_kind) as of_kind
        from sizes
        group by duplicate_kind, person_id
    ),
    true_pairs as (
        select
            duplicate_kind,
            count(*) as people,
            sum(of_kind * (of_kind - 1) // 2 + of_kind * (records - of_kind)) as pairs
        from people
        group by duplicate_kind
    )
select duplicate_kind, people, true_pairs.pairs, right_pairs.pairs
from true_pairs
inner join right_pairs using (duplicate_kind)
order by duplicate_kind
"""


def run_world(size: str, folder: Path | None, runs: int, console: Console) -> dict[str, Any]:
    """Generate the world if it is not there, load it, build, judge; then the second day on top."""
    BENCH.mkdir(parents=True, exist_ok=True)
    world = folder or BENCH / "world" / size
    warehouse = BENCH / f"identity_{size}.duckdb"
    if not (world / "world.json").is_file():
        made = [sys.executable, "-m", "sandbox.world", "--size", size, "--out", str(world)]
        run_step(made, warehouse, console, "identity generate world")
    first: list[Build] = []
    second: list[Build] = []
    quality: dict[str, dict[str, Any]] = {}
    for number in range(runs):
        load = [sys.executable, "-m", "benchmarks.load_world", str(world), str(warehouse)]
        run_step(load, warehouse, console, "identity load")
        first.append(build_identity(warehouse, console, "first day"))
        if number == 0:
            quality["first day"] = judge(warehouse, world / "truth")
        new = _records(warehouse)
        run_step([*load, "--day2"], warehouse, console, "identity load second day")
        second.append(build_identity(warehouse, console, "second day"))
        new = _records(warehouse) - new
    result = {
        "benchmark": "identity",
        "mode": "world",
        "world": size,
        "records": _records(warehouse),
        "second_day_new_records": new,
        "quality": quality,
        "builds": {
            name: {
                "seconds": round(statistics.median(build.seconds for build in builds), 1),
                "peak_mb": round(max(build.peak_bytes for build in builds) / 1e6),
                "stages": [stage.to_dict() for stage in builds[0].stages],
                "slowest": [{"model": model, "seconds": round(took, 2)} for model, took in builds[0].slowest],
            }
            for name, builds in (("first day", first), ("second day", second))
        },
    }
    _print(result, console)
    return result


def judge(warehouse: Path, truth: Path) -> dict[str, Any]:
    """People and accounts of a built warehouse against the truth folder of the world it was loaded from."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(_JUDGED, {"people": str(truth / "people.parquet")})
        found, true, right = connection.execute(_QUALITY).fetchall()[0]
        people = Quality(int(found), int(true), int(right))
        kinds = [
            {"kind": kind, "people": int(count), "pairs": int(pairs), "recall": round(int(hit) / int(pairs), 4)}
            for kind, count, pairs, hit in connection.execute(_BY_KIND).fetchall()
            if pairs
        ]
        mixed = connection.execute(
            "select count(*) from (select contact_id from judged group by 1 having count(distinct person_id) > 1)"
        ).fetchall()[0][0]
    accounts = account_match_quality(warehouse, truth)
    return {
        "precision": round(people.precision, 5),
        "recall": round(people.recall, 5),
        "f1": round(people.f1, 5),
        "pairs": people.true,
        "contacts_of_several_people": int(mixed),
        "by_kind": kinds,
        "account_precision": round(accounts.precision, 5),
        "account_recall": round(accounts.recall, 5),
    }


def _records(warehouse: Path) -> int:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return int(connection.execute("select count(*) from intermediate.int_contact_clusters").fetchall()[0][0])


def _print(result: dict[str, Any], console: Console) -> None:
    for day, quality in result["quality"].items():
        table = Table(title=f"Who is who on the {result['world']} world, {day}: pairs of source records")
        for column in ("what", "people", "pairs", "precision", "recall", "wanted"):
            table.add_column(column, justify="left" if column == "what" else "right")
        table.add_row(
            "all records", "", f"{quality['pairs']:,}", f"{quality['precision']:.4f}", f"{quality['recall']:.4f}",
            f"{WANTED_PRECISION} / {WANTED_RECALL}",
        )  # fmt: skip
        for kind in quality["by_kind"]:
            table.add_row(
                f"  {kind['kind']}", f"{kind['people']:,}", f"{kind['pairs']:,}", "", f"{kind['recall']:.4f}", ""
            )
        table.add_row(
            "contact to account", "", "", f"{quality['account_precision']:.4f}", f"{quality['account_recall']:.4f}",
            f"{WANTED_ACCOUNTS} /",
        )  # fmt: skip
        console.print(table)
        console.print(f"{quality['contacts_of_several_people']:,} contacts hold records of several people.")
    stages = Table(title=f"Seconds and peak MB by stage ({result['second_day_new_records']:,} new records on day two)")
    stages.add_column("stage")
    for day in result["builds"]:
        for column in ("models", "s", "peak MB"):
            stages.add_column(f"{day}: {column}", justify="right")
    days = list(result["builds"].values())
    for name in dict.fromkeys(stage["stage"] for day in days for stage in day["stages"]):
        cells: list[str] = []
        for day in days:
            stage = next((found for found in day["stages"] if found["stage"] == name), None)
            cells += [str(stage["nodes"]), f"{stage['seconds']:.1f}", f"{stage['peak_mb']:,}"] if stage else [""] * 3
        stages.add_row(name, *cells)
    whole = [("", f"{day['seconds']:.1f}", f"{day['peak_mb']:,}") for day in days]
    stages.add_row("dbt, whole command", *(cell for cells_of_day in whole for cell in cells_of_day))
    console.print(stages)
    slowest = Table(title="Slowest models (seconds)")
    for day in result["builds"]:
        slowest.add_column(day)
        slowest.add_column("s", justify="right")
    for rank in range(max(len(day["slowest"]) for day in days)):
        cells = []
        for day in days:
            found = day["slowest"][rank] if rank < len(day["slowest"]) else None
            cells += [found["model"], f"{found['seconds']:.1f}"] if found else ["", ""]
        slowest.add_row(*cells)
    console.print(slowest)
