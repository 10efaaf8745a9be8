"""A build after our own writes were read back gives the same scores, stages, attempts and attribution as before.

The small world is built; then every kind of write that write-back can make is put into the raw tables as the CRM would
give it back, with the ledger's rows, and built again at the same moment. What we wrote is as wrong as can be, so that
any of it that counts shows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ingestion.schemas import RAW_TABLES

ROOT = Path(__file__).resolve().parents[3]
APP = "1000001"
WRITTEN_AT = datetime(2026, 11, 1, 5, 30)
#: Models that must not notice, with the columns that may change all the same.
SAME = {
    "marts.fct_contact_scores": (),
    "marts.fct_account_scores": (),
    "marts.fct_score_ledger": (),
    "marts.dim_contact_stages": (),
    "marts.fct_stage_transitions": (),
    "marts.fct_attempts": (),
    "marts.fct_handoffs": (),
    "marts.fct_speed_to_lead": (),
    "marts.fct_touches": (),
    "marts.fct_attribution_credits": (),
    "marts.fct_opportunities": (),
    "marts.fct_intent_events": (),
    # What the CRM itself says of its stage and status, and how many records it holds, is told as it is.
    "marts.dim_contacts": (
        "lifecycle_stage", "lead_status", "hubspot_record_id", "hubspot_record_count", "source_record_count",
    ),
    "marts.dim_accounts": (),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "small"
    command = [sys.executable, "-m", "sandbox.world", "--size", "small", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def put(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    table = RAW_TABLES[name]
    complete = [{column: row.get(column) for column in table.columns.names} for row in rows]
    connection.register("given", pa.Table.from_pylist(complete, schema=table.columns))
    connection.execute(f"insert into {name} by name select * from given")
    connection.unregister("given")


def ledger_row(number: int, action: str, object_name: str, record_id: str, fields: dict[str, str]) -> dict[str, Any]:
    return {
        "write_id": f"plan_1:{number}", "run_id": "run_1", "plan_id": "plan_1", "sync": "sync_hubspot_contacts",
        "destination": "hubspot", "object": object_name, "record_id": record_id, "action": action,
        "fields": json.dumps(fields), "outcome": "written", "acknowledged_at": WRITTEN_AT,
    }  # fmt: skip


def history_row(record_id: str, name: str, value: str) -> dict[str, Any]:
    return {
        "object_type": "contacts", "object_id": record_id, "property": name, "value": value,
        "changed_at": WRITTEN_AT, "source_type": "INTEGRATION", "source_id": APP, "_loaded_at": WRITTEN_AT,
    }  # fmt: skip


def write_and_read_back(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Puts what write-back may have written into the raw tables, as the CRM gives it back; how many of each kind."""
    ids = [r[0] for r in connection.execute("select id from raw_hubspot.contacts order by id").fetchall()]
    ledger: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    for number, record_id in enumerate(ids):
        ledger.append(ledger_row(number, "update", "contacts", record_id, {"leadhouse_score": "99"}))
        for name, value in (("lifecyclestage", "customer"), ("hs_lead_status", "UNQUALIFIED")):
            history.append(history_row(record_id, name, value))
    connection.execute(
        "update raw_hubspot.contacts set property_lastmodifieddate = ?, updated_at = ?, _loaded_at = ?, "
        "property_lifecyclestage = 'customer', property_hs_lead_status = 'UNQUALIFIED'",
        [WRITTEN_AT.isoformat() + "Z", WRITTEN_AT, WRITTEN_AT],
    )
    connection.execute(
        "update raw_hubspot.companies set property_hs_lastmodifieddate = ?, updated_at = ?, _loaded_at = ?",
        [WRITTEN_AT.isoformat() + "Z", WRITTEN_AT, WRITTEN_AT],
    )
    connection.execute("update raw_hubspot.deals set updated_at = ?, _loaded_at = ?", [WRITTEN_AT, WRITTEN_AT])
    people = connection.execute(
        "select contact_id, email, first_name, last_name, job_title from marts.dim_contacts "
        "where hubspot_record_id is null and email_status = 'valid' order by contact_id"
    ).fetchall()
    created = []
    for number, (_, email, first, last, title) in enumerate(people):
        record_id = str(990000000 + number)
        values = {"email": email, "firstname": first, "lastname": last, "jobtitle": title, "lifecyclestage": "lead"}
        properties = {name: value for name, value in values.items() if value is not None}
        created.append(
            {
                "id": record_id, "created_at": WRITTEN_AT, "updated_at": WRITTEN_AT, "archived": False,
                **{f"property_{name}": value for name, value in properties.items()},
                "property_hs_object_id": record_id, "property_hs_object_source": "INTEGRATION",
                "properties": json.dumps(properties), "_loaded_at": WRITTEN_AT,
            }
        )  # fmt: skip
        ledger.append(ledger_row(100_000 + number, "create", "contacts", record_id, properties))
        history.append(history_row(record_id, "lifecyclestage", "lead"))
    put(connection, "raw_hubspot.contacts", created)
    # The wrong company on purpose: what we associate ourselves must not decide whose account it is.
    company = connection.execute("select min(id) from raw_hubspot.companies where not archived").fetchone()
    assert company is not None
    unlinked = connection.execute(
        "select contacts.id from raw_hubspot.contacts as contacts where not exists (select 1 from "
        "raw_hubspot.associations as known where known.from_object = 'contacts' and known.from_id = contacts.id "
        "and known.to_id is not null) order by id"
    ).fetchall()
    for number, (record_id,) in enumerate(unlinked):
        ends = {"from_object": "contacts", "to_object": "companies", "to_id": company[0]}
        ledger.append(ledger_row(200_000 + number, "associate", "contacts", record_id, ends))
    put(
        connection,
        "raw_hubspot.associations",
        [
            {
                "from_object": "contacts", "from_id": record_id, "to_object": "companies", "to_id": company[0],
                "type_id": 1, "category": "HUBSPOT_DEFINED", "_loaded_at": WRITTEN_AT,
            }
            for (record_id,) in unlinked
        ],
    )  # fmt: skip
    connection.execute(
        "update raw_hubspot.contacts set property_associatedcompanyid = ? where id in (select unnest(?::varchar[]))",
        [company[0], [record_id for (record_id,) in unlinked]],
    )
    put(connection, "raw_hubspot.property_history", history)
    put(connection, "raw_ops.sync_writes", ledger)
    return {"updated": len(ids), "created": len(created), "associated": len(unlinked)}


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        for table, ignored in SAME.items():
            dropped = f" exclude ({', '.join(ignored)})" if ignored else ""
            found[table] = connection.execute(f"select *{dropped} from {table} order by all").fetchall()
    return found


@pytest.mark.timeout(1800)
def test_nothing_of_ours_counts_when_it_is_read_back(
    world: Path, tmp_path: Path, dbt_build: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    command = [sys.executable, "-m", "benchmarks.load_world", str(world), str(warehouse)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    wanted = [f"+{name.partition('.')[2]}" for name in SAME]
    dbt_build(warehouse, "config.materialized:seed", command="seed")
    dbt_build(warehouse, *wanted, command="run")
    before = contents(warehouse)
    assert all(before[name] for name in SAME), {name: len(rows) for name, rows in before.items()}
    with duckdb.connect(str(warehouse)) as connection:
        kinds = write_and_read_back(connection)
    assert all(kinds.values()), kinds
    dbt_build(warehouse, *wanted, command="run")
    after = contents(warehouse)
    for name in SAME:
        gone = [row for row in before[name] if row not in set(after[name])][:2]
        new = [row for row in after[name] if row not in set(before[name])][:2]
        assert before[name] == after[name], f"{name}\nbefore: {gone}\nafter: {new}"
