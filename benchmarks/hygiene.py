"""Rates of the cleaning functions: ``python -m benchmarks.hygiene [--world small|medium|large] [--runs 3] [--json]``.

Each function runs as the models call it, over the distinct values of a sample world, inside DuckDB (Python holds one
core while it cleans). The floor is the same query with ``upper`` in the function's place. Generates the world below
``data/bench/`` if it is not there and writes nothing else.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from hygiene.duckdb_plugin import register

ROOT = Path(__file__).resolve().parents[1]
WORLDS = ROOT / "data" / "bench" / "world"
RULES = {
    "name_rules": ("name_words", "kind || '|' || word"),
    "company_rules": ("legal_forms", "position || '|' || legal_form"),
}
#: Function, its call, and the distinct values it runs over, as SQL on the files of a world.
CASES = (
    (
        "e-mail address",
        "lh_email(value)",
        "select email as value from '{world}/hubspot/contacts.parquet'"
        " union select recipient from '{world}/hubspot/email_events.parquet'",
    ),
    (
        "phone number",
        "lh_phone(value, country)",
        "select distinct phone as value,"
        " case when phone like '+%' or phone like '00%' then '' else country end as country"
        " from (select phone, coalesce(aliases.country_code, '') as country from '{world}/hubspot/contacts.parquet'"
        " left join read_csv('{seeds}/country_aliases.csv') as aliases on lower(country) = alias)",
    ),
    (
        "person's name",
        "lh_name(value, rules)",
        "select value, rules from (select firstname as value from '{world}/hubspot/contacts.parquet'"
        " union select lastname from '{world}/hubspot/contacts.parquet'), name_rules",
    ),
    (
        "company name",
        "lh_company(value, rules)",
        "select value, rules from (select company as value from '{world}/hubspot/contacts.parquet'"
        " union select name from '{world}/hubspot/companies.parquet'), company_rules",
    ),
    (
        "domain",
        "lh_host(value)",
        "select domain as value from '{world}/hubspot/companies.parquet'"
        " union select split_part(email, '@', 2) from '{world}/hubspot/contacts.parquet'",
    ),
)


def main() -> int:
    """Print the table; see the module's docstring for the options. Exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hygiene", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--world", choices=("small", "medium", "large"), default="medium")
    parser.add_argument("--runs", type=int, default=3, help="runs of each function; seconds are medians")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    world = WORLDS / arguments.world
    if not (world / "world.json").exists():
        subprocess.run(
            [sys.executable, "-m", "sandbox.world", "--size", arguments.world, "--out", str(world)],
            cwd=ROOT,
            check=True,
        )
    rows = [_measure(world, *case, arguments.runs) for case in CASES]
    table = Table(title=f"Cleaning the distinct values of the {arguments.world} world")
    for heading in ("value", "distinct", "seconds", "us each", "floor s"):
        table.add_column(heading, justify="left" if heading == "value" else "right")
    for row in rows:
        table.add_row(
            row["value"], f"{row['distinct']:,}", f"{row['seconds']:.2f}", f"{row['us']:.1f}", f"{row['floor']:.2f}"
        )
    Console().print(table)
    if arguments.json:
        print(json.dumps({"benchmark": "hygiene", "world": arguments.world, "functions": rows}))
    return 0


def _measure(world: Path, label: str, call: str, values: str, runs: int) -> dict[str, Any]:
    seconds, floors = [], []
    for _ in range(runs):
        # A new connection a run: nothing is remembered but what the functions themselves keep.
        with duckdb.connect() as connection:
            register(connection)
            _load_rules(connection)
            connection.execute(f"create table given as {values.format(world=world, seeds=ROOT / 'seeds')}")
            distinct = connection.execute("select count(value) from given").fetchone()
            seconds.append(_timed(connection, f"select max({call}) from given where value is not null"))
            floors.append(_timed(connection, "select max(upper(value)) from given"))
    count = distinct[0] if distinct else 0
    median = statistics.median(seconds)
    return {
        "value": label,
        "distinct": count,
        "seconds": median,
        "us": 1e6 * median / max(count, 1),
        "floor": statistics.median(floors),
    }


def _load_rules(connection: duckdb.DuckDBPyConnection) -> None:
    for kind, (seed, line) in RULES.items():
        rows = f"read_csv('{ROOT}/seeds/{seed}.csv')"
        connection.execute(f"create table {kind} as select string_agg({line}, chr(10)) as rules from {rows}")


def _timed(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    started = time.perf_counter()
    connection.execute(sql).fetchall()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
