"""A small installation made by hand: a warehouse with one person to erase among others, snapshots, an ops store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.schemas import RAW_TABLES
from ingestion.tables import ensure_raw_tables
from orchestration.erasure import Places
from orchestration.publish import publish
from reverse_etl.store import Store, WriteRow

AT = datetime(2026, 10, 1, 9)
EMAIL = "ana.lima@acme.example"
#: Everything that tells who the person is, as bytes of a file would hold it.
TRACES = (b"ana.lima", b"Ana.Lima", b"+5511987650001", b"Lima Marinho", b"device-of-ana")
CONTACT, KEY, FORM_KEY = "c" * 32, "k" * 32, "f" * 32
OTHER_CONTACT, OTHER_KEY = "d" * 32, "o" * 32


def crm(kind: str, record_id: str, **properties: str) -> dict[str, Any]:
    return {
        "id": record_id, "created_at": AT, "updated_at": AT, "archived": False, "_loaded_at": AT,
        **{f"property_{name}": value for name, value in properties.items()}, "properties": json.dumps(properties),
    }  # fmt: skip


def raw_rows() -> dict[str, list[dict[str, Any]]]:
    """Ana (two records, one of them merged away) and Bia, who works beside her and shares the switchboard."""
    link = {"to_object": "contacts", "_loaded_at": AT}
    event = {"type": "page", "event_at": AT, "_source_file": "e.jsonl", "_loaded_at": AT}
    return {
        "raw_hubspot.contacts": [
            crm("contacts", "101", email="Ana.Lima@acme.example", firstname="Ana", lastname="Lima Marinho",
                phone="+5511987650001", hs_merged_object_ids="102"),
            crm("contacts", "201", email="bia@acme.example", firstname="Bia", lastname="Souza"),
        ],
        "raw_hubspot.calls": [
            crm("calls", "501", hs_call_title="Call with Ana Lima Marinho"),
            crm("calls", "502", hs_call_title="Call with Ana and Bia"),
            crm("calls", "503", hs_call_title="Call with Bia about Ana Lima Marinho"),
        ],
        "raw_hubspot.deals": [crm("deals", "901", dealname="Acme: Ana Lima Marinho")],
        "raw_hubspot.associations": [
            {"from_object": "calls", "from_id": "501", "to_id": "101", **link},
            {"from_object": "calls", "from_id": "502", "to_id": "101", **link},
            {"from_object": "calls", "from_id": "502", "to_id": "201", **link},
            {"from_object": "calls", "from_id": "503", "to_id": "201", **link},
        ],
        "raw_hubspot.property_history": [
            {"object_type": "contacts", "object_id": one, "property": "lifecyclestage", "value": "lead",
             "changed_at": AT, "_loaded_at": AT} for one in ("101", "201")
        ],
        "raw_hubspot.form_submissions": [
            {"submission_id": "s1", "form_id": "f", "submitted_at": AT, "email": "ana.lima+x@acme.example",
             "answers": json.dumps({"email": "ana.lima+x@acme.example", "note": "Ana Lima Marinho"}), "_loaded_at": AT},
            {"submission_id": "s2", "form_id": "f", "submitted_at": AT, "email": "bia@acme.example", "_loaded_at": AT},
        ],
        "raw_hubspot.email_events": [
            {"id": "m1", "type": "OPEN", "created_at": AT, "recipient": EMAIL, "_loaded_at": AT},
            {"id": "m2", "type": "OPEN", "created_at": AT, "recipient": "bia@acme.example", "_loaded_at": AT},
        ],
        "raw_events.events": [
            {**event, "message_id": "w1", "anonymous_id": "device-of-ana", "user_id": "101", "_source_row": 1},
            {**event, "message_id": "w2", "anonymous_id": "device-of-ana", "_source_row": 2},
            {**event, "message_id": "w3", "anonymous_id": "device-of-bia", "user_id": "201", "_source_row": 3},
        ],
        "raw_quarantine.records": [
            {"source": "events", "entity": "raw_events.events", "file": "e.jsonl", "row_number": 9,
             "reason_code": "missing_timestamp", "record": json.dumps({"email": EMAIL}), "_loaded_at": AT},
            {"source": "events", "entity": "raw_events.events", "file": "e.jsonl", "row_number": 10,
             "reason_code": "malformed_json", "record": "<html>", "_loaded_at": AT},
        ],
        "raw_ops.sync_writes": [
            {"write_id": "p:1", "sync": "sync_hubspot_contacts", "destination": "hubspot", "object": "contacts",
             "sync_key": CONTACT, "record_id": "101", "action": "update", "outcome": "written",
             "fields": json.dumps({"leadhouse_reason_1": "Ana Lima Marinho saw the prices"}), "acknowledged_at": AT},
        ],
    }  # fmt: skip


BUILT = (
    "create schema if not exists intermediate",
    "create schema if not exists marts",
    f"""
    create table intermediate.int_contact_records as
    select * from (values
        ('{KEY}', 'hubspot', '101', 'Ana.Lima@acme.example', 'ana.lima@acme.example', null, '11 98765-0001',
         '+5511987650001', 'Ana', 'Lima Marinho', '102', null, 'Ana', 'Lima Marinho'),
        ('{FORM_KEY}', 'hubspot_forms', 'ana.lima+x@acme.example', 'ana.lima+x@acme.example', 'ana.lima@acme.example',
         null, null, null, null, null, null, null, null, null),
        ('{OTHER_KEY}', 'hubspot', '201', 'bia@acme.example', 'bia@acme.example', null, null, null, 'Bia', 'Souza',
         null, null, 'Bia', 'Souza')
    ) as t(record_key, source, record_id, email_raw, email_canonical, additional_emails_raw, phone_raw, phone_e164,
           first_name, last_name, merged_record_ids, user_id, first_name_raw, last_name_raw)
    """,
    f"""
    create table intermediate.int_contact_clusters as
    select * from (values ('{KEY}', '{CONTACT}'), ('{FORM_KEY}', '{CONTACT}'), ('{OTHER_KEY}', '{OTHER_CONTACT}'))
        as t(record_key, contact_id)
    """,
    """
    create table intermediate.int_clean_names as
    select * from (values ('Ana'), ('Lima Marinho'), ('Bia'), ('Souza')) as t(name_raw)
    """,
    "create table intermediate.int_web_sessions as select 'device-of-ana' as anonymous_id, 's' as session_id",
    f"""
    create table marts.dim_contacts as
    select * from (values
        ('{CONTACT}', 'acct', 'ana.lima@acme.example', 'Ana Lima Marinho'),
        ('{OTHER_CONTACT}', 'acct', 'bia@acme.example', 'Bia Souza')
    ) as t(contact_id, account_id, email, full_name)
    """,
    f"""
    create table marts.fct_opportunities as
    select 'opp' as opportunity_id, '{CONTACT}' as contact_id, 'Acme: Ana Lima Marinho' as name, 'acct' as account_id
    """,
    """
    create table marts.fct_account_scores as
    select 'acct' as account_id, 'Ana Lima Marinho (decides), Bia Souza' as committee, 42 as score
    """,
    f"create table marts.observed_hubspot_list_memberships as select 'l' as list_id, '101' as record_id, '{AT}' as at",
    "create view marts.people as select contact_id, full_name from marts.dim_contacts",
    "create view intermediate.keys as select lh_name_key(full_name) as name_key from marts.dim_contacts",
)


@dataclass
class Installation:
    """One data folder."""

    folder: Path

    @property
    def places(self) -> Places:
        data = self.folder
        return Places(
            data_dir=data, warehouse=data / "warehouse.duckdb", published=data / "published", replays=data / "replays",
            pipelines=data / "pipelines", seeds=data / "seeds", ops_url=f"sqlite:///{data / 'ops.db'}",
        )  # fmt: skip

    def rows(self, sql: str, file: Path | None = None) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(file or self.places.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def traces(self) -> dict[str, list[bytes]]:
        """Files below the folder whose bytes tell who the person is."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
                if told := [trace for trace in TRACES if trace in content]:
                    found[str(path.relative_to(self.folder))] = told
        return found


def make_installation(folder: Path) -> Installation:
    """Writes everything; twice published, so that an older snapshot is kept."""
    from orchestration.erasure_purge import opened_for_good

    made = Installation(folder)
    places = made.places
    places.seeds.mkdir(parents=True)
    (places.seeds / "verified_values.csv").write_text(
        f"record_id,field,value\n201,email,bia@acme.example\n101,email,{EMAIL.upper()}\n", encoding="utf-8"
    )
    with opened_for_good(places.warehouse) as connection:
        ensure_raw_tables(connection)
        for name, rows in raw_rows().items():
            table = RAW_TABLES[name]
            complete = [{column: row.get(column) for column in table.columns.names} for row in rows]
            connection.register("given", pa.Table.from_pylist(complete, schema=table.columns))
            connection.execute(f"insert into {name} by name select * from given")
            connection.unregister("given")
        for statement in BUILT:
            connection.execute(statement)
    publish_twice(places)
    package = places.pipelines / "raw_hubspot" / "load" / "normalized" / "1"
    package.mkdir(parents=True)
    (package / "contacts.jsonl").write_text(f'{{"email": "{EMAIL}"}}', encoding="utf-8")
    with Store(places.ops_url) as store:
        row = WriteRow(
            write_id="p:1", run_id="r", plan_id="p", sync="sync_hubspot_contacts", destination="hubspot",
            object="contacts", sync_key=CONTACT, record_id="101", action="update",
            fields=json.dumps({"leadhouse_reason_1": "Ana Lima Marinho saw the prices", "email": EMAIL}),
            outcome="written", error_kind=None, error_message=None, acknowledged_at=AT,
        )  # fmt: skip
        store.finish_batch(None, [row])
    return made


def publish_twice(places: Places) -> None:
    """An older snapshot and the current one. Views that call functions of ours are not marts."""
    with duckdb.connect(str(places.warehouse)) as connection:
        connection.execute("drop view marts.people")
    publish(places.warehouse, places.published)
    publish(places.warehouse, places.published)
