"""How fast the served pages answer on many people.

``python -m benchmarks.serve [--contacts 1000000] [--runs 7] [--json]`` makes a published snapshot of that many contacts
(a tenth as many accounts, one of them with 5,000 people; ten touches, six ledger lines, ten days of engagement each),
starts ``leadhouse serve`` on it, and prints the median and the slowest answer of every kind of page as a client sees
them, the server's processor time for one, and its memory. The snapshot is kept in ``data/bench/serve``; nothing is
written elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psutil
import requests
import yaml

from benchmarks.measure import megabytes
from leadhouse.display import table
from leadhouse.settings import PROJECT_DIR
from serve.snapshot import TABLES

BENCH_DIR = PROJECT_DIR / "data" / "bench" / "serve"
TOKEN = "a-token-for-one-measurement"
CROWD = 5_000

#: Statements that fill tables, by name, as columns that are not null; ``{contacts}`` and ``{accounts}`` are counts.
#: Three names in ten have an accent, as in the sample world.
_NAMES = "['João','Ana','Zilda','Jorge','Maria','Franck','Iris','Ben','Klaus','Lúcia']"
_SURNAMES = "['Silva','Costa','Miller','Dupont','Garcia','Souza','Araujo','Lopes','Ávila','Nunes']"
_FIRMS = "['São Bento','Norte','Têxtil Sul','Acme','Énergie','Logística','Pharma','Seguros','Müller','Auto']"
_AS_OF = "timestamp '2026-11-01 06:00:00'"
_SCORES = f"""
    fit_score + engagement_score as score, 'B' as grade, 'high' as fit_band, 'low' as engagement_band,
    fit_score + engagement_score as score_lo, fit_score + engagement_score + 10 as score_hi, 0.8 as confidence,
    {_AS_OF} as as_of_at, 'r' as ruleset_version, 'c' as code_version
"""
_FILLED = {
    "dim_accounts": f"""
        select md5('a' || i) as account_id, {_FIRMS}[1 + (hash(i) % 10)::int] || ' ' || i || ' Ltda' as account_name,
            'firm' || i || '.example' as domain, 'BR' as country, 'o1' as owner_id, 10 as contact_count
        from range({{accounts}}) as rows (i)
    """,
    "dim_contacts": f"""
        select md5('c' || i) as contact_id,
            case
                when i < {CROWD} then md5('a0') when i % 20 > 0 then md5('a' || (hash(i) % {{accounts}}))
            end as account_id,
            {_NAMES}[1 + (hash(i) % 10)::int] || ' ' || {_SURNAMES}[1 + (hash(i * 3) % 10)::int] || ' ' || (i % 5000)
                as full_name,
            'person' || i || '@firm' || (hash(i) % {{accounts}}) || '.example' as email, 'Diretor' as job_title,
            ['decision_maker', 'influencer', 'practitioner'][1 + (hash(i) % 3)::int] as buying_role,
            false as is_opted_out, {_AS_OF} as created_at
        from range({{contacts}}) as rows (i)
    """,
    "fct_contact_scores": f"""
        select contact_id, account_id, hash(contact_id) % 50 as fit_score, hash(account_id) % 7 as engagement_score,
            false as is_engaged, {_SCORES} from marts.dim_contacts
    """,
    "fct_account_scores": f"""
        select account_id, hash(account_id) % 50 as fit_score, hash(account_id) % 7 as engagement_score,
            true as gate_passed, 'x' as gate_reason, 'x' as gate_reason_pt, 0.5 as committee_completeness,
            1 as engaged_contacts, 1 as engaged_deciders, {_SCORES} from marts.dim_accounts
    """,
    "dim_contact_stages": f"""
        select contact_id, account_id, 'mql' as stage, {_AS_OF} as stage_since from marts.dim_contacts
    """,
    "fct_score_ledger": """
        select md5(contact_id || n) as ledger_id, 'contact' as entity_type, contact_id as entity_id, account_id,
            'fit' as score_kind, 'rule' || n as rule_id, 1 as evidence_count, 1 as raw_points, 0 as decay_points,
            1 as points, 'reason' as reason, 'motivo' as reason_pt
        from marts.dim_contacts, range(6) as lines (n)
        union all
        select
            md5(account_id || n), 'account', account_id, account_id, 'fit', 'rule' || n, 1, 1, 0, 1, 'reason', 'motivo'
        from marts.dim_accounts, range(6) as lines (n)
    """,
    "fct_touches": f"""
        select md5(contact_id || n) as touch_id, contact_id, account_id,
            {_AS_OF} - to_hours((n * 97 + hash(contact_id) % 90)::bigint) as touch_at, 'web_session' as touch_type,
            'direct' as channel, '/page-' || n as signal_detail, false as is_machine
        from marts.dim_contacts, range(10) as touches (n)
    """,
    "mart_engagement_days": """
        select account_id, contact_id, 'signal' || n % 3 as signal_id, date '2026-10-30' - (n * 9)::int as day_on,
            date '2026-10-31' - (n * 9)::int as counts_from_on, 3 as bucket_points, 1 as event_count
        from marts.dim_contacts, range(10) as days (n)
    """,
    "fct_stage_transitions": f"""
        select md5(contact_id) as transition_id, contact_id, account_id, 'inquiry' as from_stage, 'mql' as to_stage,
            {_AS_OF} - interval 9 days as transition_at, 'mql_score_line' as trigger, 'line' as reason
        from marts.dim_contacts
    """,
    "mart_crm_changes": f"""
        select md5('x' || contact_id) as change_id, {_AS_OF} as changed_at, 'hubspot' as destination,
            'contacts' as object, contact_id as record_id, contact_id, 'leadhouse_score' as property, '1' as new_value,
            'leadhouse' as changed_by, 'update' as action
        from marts.dim_contacts
    """,
    "mart_next_action": """
        select contact_id, account_id, 'wait' as reason, 'esperar' as reason_pt from marts.dim_contacts
    """,
    "mart_committee": """
        select account_id, buying_role, buying_role as label_en, buying_role as label_pt, 50 as weight,
            true as is_decision, 2 as need_count, 5 as coverage_points, 3 as people, 1 as engaged_people,
            false as is_missing, 50 as role_coverage_pct
        from
            marts.dim_accounts,
            (select unnest(['decision_maker', 'influencer', 'practitioner'])) as roles (buying_role)
    """,
    "dim_engagement_signals": """
        select 'signal' || n as signal_id, 'engagement' as score_kind, 14 as half_life_days, 30 as cap
        from range(3) as signals (n)
    """,
    "dim_committee_roles": """
        select unnest(['decision_maker', 'influencer', 'practitioner', 'unknown']) as buying_role, 50 as weight,
            2 as need_count, 5 as coverage_points, 10 as depth_cap, true as is_decision, 'x' as label_en,
            'x' as label_pt
    """,
    "dim_scoring_settings": "select 'engaged_min_score' as setting, 10 as value",
    "mart_funnel": "select 'mql' as stage, 1 as stage_order, 'MQL' as label_en, 'MQL' as label_pt",
    "dim_score_terms": """
        select 'grade' as kind, '' as entity, unnest(['A', 'B', 'C', 'D']) as code, 'x' as label_en, 'x' as label_pt
    """,
    "dim_owners": "select 'hubspot' as source, 'o1' as owner_id, 'Olga Owner' as owner_name, false as is_archived",
}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7, help="requests of each kind; the first is counted too")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = BENCH_DIR / str(given.contacts)
    snapshot = folder / "snapshot.duckdb"
    if not snapshot.exists():
        make_snapshot(snapshot, given.contacts)
    (folder / "current.duckdb").unlink(missing_ok=True)
    (folder / "current.duckdb").symlink_to(snapshot.name)
    rows, peak = measure(folder, given.runs)
    table(
        f"Served pages on {given.contacts:,} contacts ({snapshot.stat().st_size / 1e6:,.0f} MB)",
        ("page", "median ms", "slowest ms", "processor ms", "kB"),
        rows,
        footer=f"{given.runs} requests each, over HTTP on this machine; the server's memory {megabytes(peak)} MB",
    )
    if given.json:
        print(json.dumps({"contacts": given.contacts, "memory_bytes": peak, "pages": rows}))


def make_snapshot(path: Path, contacts: int) -> None:
    """Writes the snapshot, each table sorted by account as a published one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    columns = _contracts()
    with duckdb.connect(str(unfinished)) as connection:
        connection.execute("create schema marts")
        for name in sorted(TABLES, key=lambda name: [*_FILLED].index(name) if name in _FILLED else -1):
            if name == "published_build":
                continue
            shape = ", ".join(f'"{column}" {kind}' for column, kind in columns[name])
            connection.execute(f'create table marts."{name}" ({shape})')
            if name in _FILLED:
                rows = _FILLED[name].format(contacts=contacts, accounts=max(contacts // 10, 1))
                order = " order by account_id" if "account_id" in dict(columns[name]) else ""
                connection.execute(f'insert into marts."{name}" by name select * from ({rows}){order}')
        connection.execute(
            f"create table marts.published_build as select 'bench' as build_id, {_AS_OF} as as_of_at, "
            f"{_AS_OF} as published_at, 'r' as ruleset_version"
        )
    unfinished.rename(path)


def measure(folder: Path, runs: int) -> tuple[list[tuple[str, float, float, float, float]], int]:
    """By kind of page: median and slowest milliseconds, processor milliseconds, kilobytes; and the memory in bytes."""
    with duckdb.connect(str(folder / "snapshot.duckdb"), read_only=True) as connection:
        ((crowd, usual, member, lonely),) = connection.execute(
            "select md5('a0'), md5('a77'), "
            "(select min(contact_id) from marts.dim_contacts where account_id = md5('a77')), "
            "(select min(contact_id) from marts.dim_contacts where account_id is null)"
        ).fetchall()
    pages = {
        "accounts by score": "/en/accounts",
        "people by score": "/en/people",
        "people, page 1,000": "/en/people?page=1000",
        "search, both: one person": "/en/search?q=person4242@",
        "search, both: two words": "/en/search?q=joao+avila",
        "search, both: half of all": "/en/search?q=a",
        "search, both: nothing": "/en/search?q=zzzz",
        "account of ten people": f"/en/accounts/{usual}",
        f"account of {CROWD:,} people": f"/en/accounts/{crowd}",
        "person": f"/en/people/{member}",
        "person without account": f"/en/people/{lonely}",
    }
    environment = os.environ | {"LEADHOUSE_SERVE_TOKEN": TOKEN, "LEADHOUSE_PUBLISHED_DIR": str(folder)}
    command = [sys.executable, "-m", "leadhouse.cli", "serve", "--port", "0"]
    server = subprocess.Popen(
        command, cwd=PROJECT_DIR, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    rows: list[tuple[str, float, float, float, float]] = []
    peak = 0
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        if found is None:
            raise SystemExit("the server did not start")
        with requests.Session() as client:
            client.headers["Authorization"] = f"Bearer {TOKEN}"
            for name, path in pages.items():
                taken = []
                before = _processor_seconds(server.pid)
                for _ in range(runs):
                    started = time.perf_counter()
                    answer = client.get(found.group(0).rstrip("/") + path, timeout=60)
                    taken.append(1000 * (time.perf_counter() - started))
                    answer.raise_for_status()
                    peak = max(peak, psutil.Process(server.pid).memory_info().rss)
                worked = 1000 * (_processor_seconds(server.pid) - before) / runs
                figures = (statistics.median(taken), max(taken), worked, len(answer.content) / 1000)
                median, slowest, processor, kilobytes = (round(figure, 1) for figure in figures)
                rows.append((name, median, slowest, processor, kilobytes))
    finally:
        server.terminate()
        server.wait(30)
    return rows, peak


def _processor_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _contracts() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for file in sorted((PROJECT_DIR / "models" / "marts").rglob("_*__m*.yml")):
        for model in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models", []):
            found[model["name"]] = [
                (column["name"], column["data_type"]) for column in model.get("columns", []) if "data_type" in column
            ]
    return found


if __name__ == "__main__":
    main()
