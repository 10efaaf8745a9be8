"""int_events looks again only at messages of files that came, changed or went, and equals a full refresh."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.schemas import RAW_TABLES
from tests.integration.dbt_core.conftest import AS_OF, moment, page, write_raw

MODELS = ("stg_events__events", "int_events")


def lines(file: str, loaded_hours: int, *messages: tuple[str, float]) -> list[dict[str, Any]]:
    return [
        page(message_id, "v1", moment(minutes=minute))
        | {"_source_file": file, "_source_row": row, "_loaded_at": AS_OF + timedelta(hours=loaded_hours)}
        for row, (message_id, minute) in enumerate(messages, start=1)
    ]


def change_files(warehouse: Path, gone: list[str], come: list[dict[str, Any]]) -> None:
    table = RAW_TABLES["raw_events.events"]
    rows = pa.Table.from_pylist(
        [{column: row.get(column) for column in table.columns.names} for row in come], schema=table.columns
    )
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("delete from raw_events.events where _source_file in (select unnest(?))", [gone])
        connection.register("come", rows)
        connection.execute("insert into raw_events.events select * from come")


def stored(warehouse: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert not connection.execute(
            "select table_name from duckdb_tables() where table_name like '%\\_\\_changed' escape '\\'"
        ).fetchall()
        return connection.execute("select * from intermediate.int_events order by message_id").fetchall()


def test_files_that_come_change_and_go(tmp_path: Path, dbt_build: Callable[..., Any]) -> None:
    warehouse = write_raw(
        tmp_path / "w.duckdb",
        {
            "raw_events.events": [
                *lines("a.jsonl", 0, ("m1", 1), ("m2", 2), ("m3", 3)),
                *lines("b.jsonl", 0, ("m3", 2.5), ("m4", 4)),
                *lines("c.jsonl", 0, ("m5", 5)),
            ]
        },
    )
    dbt_build(warehouse, *MODELS)
    first = stored(warehouse)
    assert [row[0] for row in first] == ["m1", "m2", "m3", "m4", "m5"]

    # b goes, so that a's copy of m3 counts; a grows and moves m1; d repeats m4 and brings an earlier copy of m5.
    change_files(
        warehouse,
        ["a.jsonl", "b.jsonl"],
        [
            *lines("a.jsonl", 5, ("m1", 1.5), ("m2", 2), ("m3", 3), ("m6", 6)),
            *lines("d.jsonl", 5, ("m5", 4.5), ("m7", 7), ("m7", 7)),
        ],
    )
    dbt_build(warehouse, "int_events", command="run")
    incremental = stored(warehouse)
    times = {row[0]: row[8] for row in incremental}
    assert {key: (at - moment()) / timedelta(minutes=1) for key, at in times.items()} == {
        "m1": 1.5, "m2": 2, "m3": 3, "m5": 4.5, "m6": 6, "m7": 7,
    }  # fmt: skip
    dbt_build(warehouse, "int_events", "--full-refresh", command="run")
    assert stored(warehouse) == incremental
