"""``python -m benchmarks.load_world WORLD_DIR WAREHOUSE [--day2]``: a sample world straight into the raw schemas.

The shortest way from a world's files to a warehouse that dbt can build: no HTTP, no dlt. CRM objects and large event
files are read by DuckDB; event lines and CSV files go through the parsers of ``ingestion``, so that the same records
are refused for the same reasons. The clock is pinned to the world's present. With ``--day2`` the world's second day is
applied to a warehouse that holds the first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.ads import read_spend
from ingestion.enrichment import read_enrichment
from ingestion.errors import IngestionError
from ingestion.events.files import read_events
from ingestion.file_source import Refuse, SourceFile, find_files
from ingestion.quarantine import Reject
from ingestion.schemas import HUBSPOT_PROPERTIES, RAW_TABLES
from ingestion.tables import RUN_CLOCK, ensure_raw_tables
from ingestion.warehouse import insert_rows, opened, utc_now

Say = Callable[[str], None]
#: Raw tables of HubSpot that come as files of the same name, other than CRM objects.
PLAIN_TABLES = (
    "associations", "property_history", "owners", "deal_stages", "forms", "form_submissions", "email_campaigns",
    "email_events",
)  # fmt: skip
_RECORD_COLUMNS = ("id", "created_at", "updated_at", "archived", "archived_at")


def load_world(world: Path, warehouse: Path, *, day2: bool = False, say: Say | None = None) -> dict[str, int]:
    """Loads a world; returns rows loaded by raw table.

    Without ``day2`` the warehouse file is made new (an existing one is replaced). Raises IngestionError when the folder
    holds no world, or when ``day2`` is asked of a warehouse that does not exist.
    """
    folder = world / "day2" if day2 else world
    if not (folder / "world.json").is_file():
        raise IngestionError(f"{folder} holds no world.json: make the world first (python -m sandbox.world --help)")
    if day2 and not warehouse.is_file():
        raise IngestionError(f"{warehouse} does not exist: load the first day, then the second")
    tell = say or (lambda _: None)
    as_of = datetime.fromisoformat(json.loads((folder / "world.json").read_text())["as_of"]).replace(tzinfo=None)
    if not day2:
        for stale in (warehouse, warehouse.with_name(warehouse.name + ".wal")):
            stale.unlink(missing_ok=True)
    with opened(warehouse) as connection:
        connection.execute("set preserve_insertion_order = false")
        ensure_raw_tables(connection)
        load = _Load(connection, as_of, tell)
        for name in HUBSPOT_PROPERTIES:
            load.crm_object(folder / "hubspot" / f"{name}.parquet", name)
        load.mark_merged()
        for name in PLAIN_TABLES:
            load.plain(folder / "hubspot" / f"{name}.parquet", name)
        load.events(folder / "events")
        load.parsed(folder / "ads", (".csv",), "ads", "raw_ads.spend", read_spend)
        load.parsed(folder / "enrichment", (".csv",), "enrichment", "raw_enrichment.companies", read_enrichment)
        connection.execute(f"delete from {RUN_CLOCK}")
        connection.execute(f"insert into {RUN_CLOCK} values (?, true)", [as_of])
        load.finish()
        connection.execute("checkpoint")
    return load.loaded


class _Load:
    """One load into an open warehouse; every row's ``_loaded_at`` is the world's present."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, as_of: datetime, say: Say) -> None:
        self.connection = connection
        self.as_of = as_of
        self.say = say
        self.loaded: dict[str, int] = {}
        self._refused: dict[str, list[dict[str, object]]] = {}
        self._started = utc_now()
        self._clock = time.monotonic()

    def crm_object(self, path: Path, name: str) -> None:
        """One CRM object: bare property columns become ``property_`` columns and the ``properties`` document."""
        if not path.is_file():
            return
        file = _quoted(path)
        properties = HUBSPOT_PROPERTIES[name]
        document = ", ".join(f'"{p}" := "{p}"' for p in properties)
        columns = ", ".join([*_RECORD_COLUMNS, *(f'"{p}" as "property_{p}"' for p in properties)])
        table = f"raw_hubspot.{name}"
        self.connection.execute(f"delete from {table} where id in (select id from read_parquet({file}))")
        # A merge patch onto an empty object drops the nulls.
        self.connection.execute(
            f"insert into {table} by name select {columns}, "
            f"json_merge_patch('{{}}', to_json(struct_pack({document})))::varchar as properties, ? as _loaded_at "
            f"from read_parquet({file})",
            [self.as_of],
        )
        self._count(table, f"select count(*) from read_parquet({file})")

    def mark_merged(self) -> None:
        """A record that was merged into another is no live record any more."""
        self.connection.execute(
            "update raw_hubspot.contacts set archived = true, archived_at = ? where not archived and id in ("
            "select unnest(string_split(property_hs_merged_object_ids, ';')) from raw_hubspot.contacts "
            "where property_hs_merged_object_ids is not null)",
            [self.as_of],
        )

    def plain(self, path: Path, name: str) -> None:
        """A table whose file has the columns of the raw table."""
        if not path.is_file():
            return
        table, file = f"raw_hubspot.{name}", _quoted(path)
        self.connection.execute(
            f"insert into {table} by name select *, ? as _loaded_at from read_parquet({file})", [self.as_of]
        )
        self._count(table, f"select count(*) from read_parquet({file})")

    def events(self, folder: Path) -> None:
        """Event lines through the parser of ``ingestion``; Parquet by DuckDB, with the same rules."""
        self.parsed(folder, (".jsonl.gz",), "events", "raw_events.events", read_events)
        for path in sorted(folder.glob("*.parquet")):
            source = f"read_parquet({_quoted(path)}, file_row_number = true)"
            good = (
                "event_at is not null and coalesce(nullif(user_id, ''), nullif(anonymous_id, ''), nullif(email, '')) "
                "is not null"
            )
            self.connection.execute(
                f"insert into raw_events.events by name select * exclude (file_row_number), ? as _source_file, "
                f"file_row_number + 1 as _source_row, ? as _loaded_at from {source} where {good}",
                [path.name, self.as_of],
            )
            refused = self.connection.execute(
                f"select message_id, file_row_number + 1, event_at is null, to_json(e)::varchar from {source} e "
                f"where not ({good})"
            ).fetchall()
            for message_id, number, no_time, record in refused:
                field, code, why = (
                    ("event_at", "missing_timestamp", "the message says nowhere when it happened")
                    if no_time
                    else (
                        "user_id",
                        "missing_identity",
                        "the message has neither user_id nor anonymous_id nor an e-mail",
                    )
                )
                self._refuse(
                    "events", "raw_events.events", path.name, Reject(field, code, why, record, number, message_id)
                )
            self._count("raw_events.events", f"select count(*) from {source} where {good}")

    def parsed(
        self,
        folder: Path,
        suffixes: tuple[str, ...],
        source: str,
        table: str,
        read: Callable[[SourceFile, Refuse], Iterator[pa.Table]],
    ) -> None:
        """Files through a reader of ``ingestion``, inserted in a few large batches."""
        if not folder.is_dir():
            return
        pending: list[pa.Table] = []
        schema = RAW_TABLES[table].columns
        for file in find_files(folder, suffixes):
            for batch in read(file, lambda reject, name=file.name: self._refuse(source, table, name, reject)):  # type: ignore[misc]
                rows = batch.num_rows
                lineage = {
                    "_source_file": pa.array([file.name] * rows, pa.string()),
                    "_loaded_at": pa.array([self.as_of] * rows, pa.timestamp("us")),
                }
                columns = [lineage.get(name) if name in lineage else batch[name] for name in schema.names]
                pending.append(pa.table(columns, schema=schema))
            if sum(t.num_rows for t in pending) > 200_000:
                self._flush(table, pending)
        self._flush(table, pending)

    def _flush(self, table: str, pending: list[pa.Table]) -> None:
        if not pending:
            return
        rows = pa.concat_tables(pending)
        pending.clear()
        self.connection.register("_rows", rows)
        self.connection.execute(f"insert into {table} by name select * from _rows")
        self.connection.unregister("_rows")
        self.loaded[table] = self.loaded.get(table, 0) + rows.num_rows
        self.say(f"{table} {self.loaded[table]:,}")

    def _refuse(self, source: str, table: str, file: str, reject: Reject) -> None:
        self._refused.setdefault(table, []).append(
            {
                "source": source,
                "entity": table,
                "record_id": reject.record_id,
                "file": file,
                "row_number": reject.row,
                "field": reject.field,
                "reason_code": reject.reason_code,
                "reason": reject.reason,
                "record": reject.record,
                "_loaded_at": self.as_of,
            }
        )

    def _count(self, table: str, query: str) -> None:
        row = self.connection.execute(query).fetchone()
        self.loaded[table] = self.loaded.get(table, 0) + (int(row[0]) if row else 0)
        self.say(f"{table} {self.loaded[table]:,}")

    def finish(self) -> None:
        """Writes the quarantine and one line of ``raw_ops.ingest_loads`` a table."""
        seconds = time.monotonic() - self._clock
        loads = []
        for table in sorted({*self.loaded, *self._refused}):
            refused = self._refused.get(table, [])
            insert_rows(self.connection, "raw_quarantine.records", refused)
            source, rows = table.split(".")[0].removeprefix("raw_"), self.loaded.get(table, 0)
            loads.append(
                {
                    "load_id": f"world-{self.as_of:%Y%m%d}-{table}",
                    "source": source,
                    "entity": table,
                    "rows_read": rows + len(refused),
                    "rows_loaded": rows,
                    "rows_quarantined": len(refused),
                    "requests": 0,
                    "seconds": seconds,
                    "started_at": self._started,
                    "finished_at": utc_now(),
                }
            )
        insert_rows(self.connection, "raw_ops.ingest_loads", loads)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def main(arguments: list[str] | None = None) -> int:
    """Loads a world from the command line; exit code 2 when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load_world", description=__doc__)
    parser.add_argument("world", type=Path, help="folder of a world")
    parser.add_argument("warehouse", type=Path, help="DuckDB file to write")
    parser.add_argument("--day2", action="store_true", help="apply the world's second day to a loaded warehouse")
    parser.add_argument("--quiet", action="store_true", help="print only the last line")
    options = parser.parse_args(arguments)
    began = time.monotonic()

    def say(message: str) -> None:
        if not options.quiet:
            print(f"{time.monotonic() - began:7.1f} s  {message}", file=sys.stderr, flush=True)

    try:
        loaded = load_world(options.world, options.warehouse, day2=options.day2, say=say)
    except IngestionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    total = sum(loaded.values())
    print(f"{total:,} rows in {len(loaded)} tables of {options.warehouse}, {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
