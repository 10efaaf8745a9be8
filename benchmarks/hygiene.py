"""Rates of the cleaning functions: ``python -m benchmarks.hygiene [--world small|medium|large] [--runs 3] [--json]``.

Each function runs as the models call it, over the distinct values of a sample world, inside DuckDB (Python holds one
core while it cleans). The floor is the same query with ``upper`` in the function's place. Generates the world below
``data/bench/`` if it is not there and writes nothing else. ``--warehouse PATH``, a warehouse built from that world,
adds what became of the values that were planted badly: kind by kind, how many were understood as planned.
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


#: A status planted stands for ours: what cannot be used (invalid, unknown, a stand-in), what can, a likely slip.
SCORE = """
    with
        understood as (
            select source, record_id, field, clean, status, reason, suggested from intermediate.int_contact_values
            union all
            select
                'hubspot_companies', companies.record_id, fields.field,
                case when fields.field = 'isic_class' then codes.isic_class else codes.code end,
                codes.code_status, codes.code_reason, null
            from staging.stg_hubspot__companies as companies
            inner join intermediate.int_clean_activity_codes as codes
                on companies.activity_code = codes.code_raw
                and coalesce(companies.activity_code_system, '') = codes.system_raw
            cross join (values ('activity_code'), ('isic_class')) as fields(field)
        ),
        compared as (
            select
                truth.field,
                truth.kind,
                case truth.expected_status
                    when 'valid' then understood.status in ('valid', 'possible')
                        and case
                            when truth.field = 'company' then
                                lh_company_key(understood.clean, rules) = lh_company_key(truth.expected_clean, rules)
                            else understood.clean = truth.expected_clean
                        end
                    when 'typo_domain' then understood.suggested = truth.expected_clean
                    when 'swapped' then understood.reason = 'maybe_swapped'
                    when 'invalid' then understood.status in ('invalid', 'unknown', 'placeholder')
                    else understood.status = truth.expected_status
                end as is_as_planned
            from truth
            cross join company_rules
            left join understood using (source, record_id, field)
            where truth.source in ('hubspot', 'hubspot_companies') and truth.field not like 'declared%'
        )
    select field, kind, count(*), count(*) filter (where is_as_planned) from compared group by all order by all
"""


def main() -> int:
    """Print the table; see the module's docstring for the options. Exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hygiene", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--world", choices=("small", "medium", "large"), default="medium")
    parser.add_argument("--runs", type=int, default=3, help="runs of each function; seconds are medians")
    parser.add_argument("--warehouse", type=Path, help="a built warehouse of the same world, to be scored")
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
    planted = [] if arguments.warehouse is None else _score(world, arguments.warehouse)
    if planted:
        table = Table(title="Planted values, by kind")
        for heading in ("field", "kind", "planted", "as planned", "recall"):
            table.add_column(heading, justify="left" if heading in ("field", "kind") else "right")
        for row in planted:
            share = row["as_planned"] / row["planted"]
            table.add_row(row["field"], row["kind"], str(row["planted"]), str(row["as_planned"]), f"{share:.3f}")
        Console().print(table)
    if arguments.json:
        report = {"benchmark": "hygiene", "world": arguments.world, "functions": rows, "planted": planted}
        print(json.dumps(report))
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


def _score(world: Path, warehouse: Path) -> list[dict[str, Any]]:
    """Planted values by field and kind, with how many have the status, and the value, they were planted to have."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        register(connection)
        _load_truth(connection, world)
        rows = connection.execute(SCORE).fetchall()
    return [dict(zip(("field", "kind", "planted", "as_planned"), row, strict=True)) for row in rows]


def _load_truth(connection: duckdb.DuckDBPyConnection, world: Path) -> None:
    connection.execute("create temp table company_rules (rules varchar)")
    seed, line = RULES["company_rules"]
    connection.execute(
        f"insert into company_rules select string_agg({line}, chr(10)) from read_csv('{ROOT}/seeds/{seed}.csv')"
    )
    connection.execute(f"create temp table truth as from '{world}/truth/bad_values.parquet'")


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
