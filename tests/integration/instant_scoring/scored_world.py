"""A small world built by dbt itself, its published snapshot, and the batch: the same compiled models over everybody.

Companies with people of all kinds: known by login, by a form, by mail only, with two devices, with one device for two
companies, without a company.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from hygiene import duckdb_plugin, patterns
from ingestion.schemas import RAW_TABLES
from ingestion.tables import ensure_raw_tables
from instant.chain import TARGETS, compile_chain, read_manifest

ROOT = Path(__file__).resolve().parents[3]
COMPANIES = 60
#: When the world was loaded: the snapshot's moment.
LOADED_AT = datetime(2026, 11, 2, 6)
FIRST_DAY = datetime(2026, 8, 1)
PATHS = (
    "/",
    "/pricing",
    "/blog/lead-scoring",
    "/customers/acme",
    "/docs/api",
    "/careers",
    "/contact",
    "/demo",
    "/a?b=c",
)
TAGS = (
    {},
    {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "brand"},
    {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "october"},
    {"referrer": "https://www.linkedin.com/feed"},
    {"click_id_kind": "gclid"},
)
TRACKS = (
    ("Content Downloaded", '{"content_kind": "case_study", "content_name": "Acme"}'),
    ("Content Downloaded", '{"content_kind": "whitepaper", "content_name": "Guide"}'),
    ("Webinar Registered", '{"webinar_name": "Routing"}'),
    ("Form Submitted", '{"form": "Contact us"}'),
    ("Form Submitted", '{"form_name": "Request a demo"}'),
    ("Button Clicked", None),
)
Raw = dict[str, Any]


@dataclass(frozen=True)
class Built:
    """A built world: the warehouse, dbt's manifest with compiled SQL, and the link to the published snapshot."""

    warehouse: Path
    manifest: Path
    published: Path


def person(company: int, number: int) -> str:
    return f"p{number}@firm{company}.example"


def device(company: int, number: int) -> str:
    return f"device-{company}-{number}"


def event(message: str, kind: str, at: datetime, **columns: Any) -> Raw:
    row: Raw = dict.fromkeys(RAW_TABLES["raw_events.events"].columns.names)
    return row | {
        "message_id": message, "type": kind, "event_at": at, "received_at": at + timedelta(seconds=1),
        "_source_file": "2026.jsonl", "_source_row": 1, "_loaded_at": LOADED_AT, **columns,
    }  # fmt: skip


def page(message: str, at: datetime, path: str, tags: Mapping[str, Any], **columns: Any) -> Raw:
    return event(message, "page", at, page_url=f"https://site.example{path}", page_path=path, **{**tags, **columns})


def world(seed: int = 7) -> dict[str, list[Raw]]:
    """Raw tables and their rows."""
    chance = random.Random(seed)
    rows: dict[str, list[Raw]] = {
        name: [] for name in (
            "raw_hubspot.companies", "raw_hubspot.contacts", "raw_hubspot.form_submissions", "raw_hubspot.forms",
            "raw_hubspot.email_events", "raw_hubspot.email_campaigns", "raw_events.events",
        )
    }  # fmt: skip
    rows["raw_hubspot.forms"] = [
        {"id": f"f{number}", "name": name, "created_at": FIRST_DAY, "_loaded_at": LOADED_AT}
        for number, name in enumerate(("Newsletter", "Contact us", "Request a demo"))
    ]
    rows["raw_hubspot.email_campaigns"] = [{"id": "c1", "name": "october", "subject": "News", "_loaded_at": LOADED_AT}]
    for company in range(COMPANIES):
        born = FIRST_DAY - timedelta(days=chance.randrange(30, 300))
        if company % 10:
            rows["raw_hubspot.companies"].append(
                _crm(str(1000 + company), born, name=f"Firm{company} Ltd", domain=f"firm{company}.example",
                     country=chance.choice(["DE", "BR", "US"]), industry="COMPUTER_SOFTWARE",
                     numberofemployees=str(chance.choice([8, 60, 400, 5000])),
                     annualrevenue=str(chance.choice([10**5, 10**7])))
            )  # fmt: skip
        for number in range(1 + company % 3):
            login, mailbox = f"user-{company}-{number}", person(company, number)
            title = chance.choice(["CTO", "Head of Marketing", "Student", "Sales Manager", None])
            rows["raw_hubspot.contacts"].append(
                _crm(f"{company}{number:02}", born, email=mailbox, jobtitle=title, firstname=f"Ana{number}",
                     lastname=f"Silva{company}", country=chance.choice(["DE", "BR", None]))
            )  # fmt: skip
            _past(rows, chance, company, number, login, mailbox)
    return rows


def _crm(record_id: str, born: datetime, **properties: str | None) -> Raw:
    return {
        "id": record_id, "created_at": born, "updated_at": born, "archived": False, "property_hs_object_id": record_id,
        "properties": "{}", "_loaded_at": LOADED_AT, **{f"property_{key}": value for key, value in properties.items()},
    }  # fmt: skip


def _past(
    rows: dict[str, list[Raw]], chance: random.Random, company: int, number: int, login: str, mailbox: str
) -> None:
    events = rows["raw_events.events"]
    mine = [device(company, number), device(company, number + 10)][: 1 + number % 2]
    # The people of every seventh company share a device with the next company's.
    if company % 7 == 0:
        mine.append(f"kiosk-{company // 7}")
    if company % 7 == 1:
        mine.append(f"kiosk-{company // 7}")
    for visit in range(chance.randrange(1, 6)):
        begun = FIRST_DAY + timedelta(minutes=chance.randrange(60 * 24 * 92))
        visitor, tags = chance.choice(mine), chance.choice(TAGS)
        for step in range(chance.randrange(1, 6)):
            at = begun + timedelta(seconds=step * chance.randrange(20, 2000))
            columns: Raw = {"anonymous_id": visitor}
            if chance.random() < 0.1:
                columns["user_id"] = login
            events.append(page(f"m-{company}-{number}-{visit}-{step}", at, chance.choice(PATHS), tags, **columns))
        if chance.random() < 0.5:
            name, properties = chance.choice(TRACKS)
            at = begun + timedelta(minutes=chance.randrange(90))
            events.append(
                event(f"t-{company}-{number}-{visit}", "track", at, event=name, properties=properties,
                      anonymous_id=visitor)
            )  # fmt: skip
    # The first event of a login names the mailbox, so that no later event makes the record older.
    events.append(
        event(f"i-{company}-{number}", "identify", FIRST_DAY - timedelta(days=1), anonymous_id=mine[0], user_id=login,
              email=mailbox, traits=f'{{"email": "{mailbox}"}}')
    )  # fmt: skip
    for sent in range(chance.randrange(3)):
        at = FIRST_DAY + timedelta(minutes=chance.randrange(60 * 24 * 92))
        rows["raw_hubspot.email_events"].append(
            {"id": f"e-{company}-{number}-{sent}", "type": chance.choice(["OPEN", "CLICK"]), "created_at": at,
             "recipient": mailbox, "campaign_id": "c1", "is_machine": False, "_loaded_at": LOADED_AT}
        )  # fmt: skip
    if chance.random() < 0.4:
        at = FIRST_DAY + timedelta(minutes=chance.randrange(60 * 24 * 92))
        rows["raw_hubspot.form_submissions"].append(
            {"submission_id": f"s-{company}-{number}", "form_id": chance.choice(["f0", "f1", "f2"]), "submitted_at": at,
             "email": mailbox, "answers": None, "_loaded_at": LOADED_AT}
        )  # fmt: skip


def build(folder: Path, rows: Mapping[str, Iterable[Raw]]) -> tuple[Path, Path]:
    """Writes the rows and has dbt build the scores; returns the warehouse and the manifest."""
    warehouse = folder / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        ensure_raw_tables(connection)
        for name, given in rows.items():
            insert(connection, name, list(given))
        connection.execute("delete from raw_ops.run_clock")
        connection.execute("insert into raw_ops.run_clock values (?, true)", [LOADED_AT])
    dbt(folder, warehouse, "build", "--full-refresh", "--resource-type", "model", "--resource-type", "seed")
    return warehouse, folder / "target" / "manifest.json"


def dbt(folder: Path, warehouse: Path, *command: str) -> None:
    """Runs dbt on all that the scores rest on."""
    target = folder / "target"
    code = "import sys; from dbt.cli.main import cli; cli(sys.argv[1:])"
    select = [f"+{name}" for name in TARGETS]
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "--quiet", "--threads", "1", "--project-dir", str(ROOT),
         "--target-path", str(target), "--select", *select],
        env={**os.environ, "LEADHOUSE_WAREHOUSE_PATH": str(warehouse), "DBT_PROFILES_DIR": str(ROOT),
             "DBT_LOG_PATH": str(target / "logs"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "PYTHONPATH": str(ROOT)},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Raw]) -> None:
    if not rows:
        return
    table = RAW_TABLES[name]
    extra = {column for row in rows for column in row} - set(table.columns.names)
    assert not extra, (name, extra)
    complete = [{column: row.get(column) for column in table.columns.names} for row in rows]
    connection.register("given", pa.Table.from_pylist(complete, schema=table.columns))
    connection.execute(f"insert into {name} select * from given")
    connection.unregister("given")


class Batch:
    """The compiled models, one after the other, as tables over the whole world.

    What no event of a known person changes (the leaves) is read from the built warehouse.
    """

    def __init__(self, warehouse: Path, manifest: Path) -> None:
        loaded = read_manifest(manifest)
        self._nodes = loaded["nodes"]
        by_name = {node["name"]: node for node in self._nodes.values()}
        self._models = [by_name[name] for name in compile_chain(loaded).models]
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("set timezone = 'UTC'")
        duckdb_plugin.register(self._connection)
        patterns.register(self._connection)
        self._connection.execute(f"attach '{warehouse}' as built (read_only)")
        self._connection.execute("attach ':memory:' as warehouse")
        for schema in ("raw_events", "raw_hubspot", "config", "staging", "intermediate", "marts"):
            self._connection.execute(f"create schema warehouse.{schema}")
        computed = {node["unique_id"] for node in self._models}
        for unique_id in sorted({parent for node in self._models for parent in node["depends_on"]["nodes"]} - computed):
            if unique_id in self._nodes:
                self._leaf(self._nodes[unique_id])

    def _leaf(self, node: Mapping[str, Any]) -> None:
        schema, name = node["schema"], node["name"]
        if node["config"]["materialized"] == "view":
            for (table,) in self._connection.execute(
                "select table_name from duckdb_tables() where database_name = 'built' and schema_name = 'raw_hubspot'"
            ).fetchall():
                self._connection.execute(
                    f"create or replace view warehouse.raw_hubspot.{table} as select * from built.raw_hubspot.{table}"
                )
            self._connection.execute(f"create view {node['relation_name']} as {node['compiled_code']}")
        else:
            self._connection.execute(f'create table {node["relation_name"]} as select * from built.{schema}."{name}"')

    def at(self, events: Sequence[Raw], as_of: datetime) -> dict[str, dict[str, dict[str, Any]]]:
        """Rows of the scores by mart and key, with these events more."""
        run = self._connection.execute
        run("create or replace table warehouse.raw_events.events as select * from built.raw_events.events")
        run("use warehouse")
        insert(self._connection, "raw_events.events", events)
        run("create or replace table intermediate.int_as_of as select cast(? as timestamp) as as_of_at", [as_of])
        for node in self._models:
            run(f"create or replace table {node['relation_name']} as {node['compiled_code']}")
        keys = {"fct_contact_scores": "contact_id", "fct_account_scores": "account_id", "fct_score_ledger": "ledger_id"}
        return {mart: self._rows(mart, key) for mart, key in keys.items()}

    def _rows(self, mart: str, key: str) -> dict[str, dict[str, Any]]:
        found = self._connection.execute(f"select * from warehouse.marts.{mart}")
        columns = [column[0] for column in found.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        return {row[key]: row for row in rows}
