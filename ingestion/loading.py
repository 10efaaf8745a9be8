"""The one place that drives dlt: Arrow tables in, one load package out, state kept in the warehouse beside the rows.

dlt's working folder is scratch: every load starts from the state that the warehouse holds, so a warehouse that was
deleted starts over, and a load that died half-way leaves nothing behind that could block the next one. Rows of an
unfinished package that did reach the warehouse are either merged again by key or removed by file before the files are
read anew (``ingestion/file_source.py``), so that nothing is loaded twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt
import pyarrow as pa
from dlt.common.configuration.exceptions import ConfigurationValueError
from dlt.pipeline.exceptions import PipelineStepFailed

from ingestion.errors import IngestionError
from ingestion.schemas import RAW_TABLES, RawTable
from ingestion.tables import ensure_raw_tables
from ingestion.warehouse import opened

#: New columns may join (``ingestion/schemas.py`` grows); the type of a column never changes under the models' feet.
CONTRACT = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}

State = dict[str, Any]


@dataclass(frozen=True)
class Feed:
    """One raw table's share of a load.

    ``tables`` is called when the load begins, with the state that the last finished load of this table left, and
    yields Arrow tables in the raw table's schema; what it changes in the state is kept if, and only if, the load
    succeeds. ``merge_on`` names the columns whose equal rows are replaced (empty: rows are appended); with
    ``replace_groups`` they are not a key: every row with the same values gives way to the new ones.
    """

    table: RawTable
    tables: Callable[[State], Iterator[pa.Table]]
    merge_on: tuple[str, ...] = ()
    replace_groups: bool = False
    replace_all: bool = False

    def resource(self) -> Any:
        """The dlt resource of this feed."""
        hints: dict[str, Any] = {"write_disposition": "append"}
        if self.replace_all:
            hints = {"write_disposition": "replace"}
        elif self.merge_on and self.replace_groups:
            hints = {
                "write_disposition": {"disposition": "merge", "strategy": "delete-insert"},
                "merge_key": list(self.merge_on),
            }
        elif self.merge_on:
            hints = {
                "write_disposition": {"disposition": "merge", "strategy": "upsert"},
                "primary_key": list(self.merge_on),
            }

        # dlt holds key columns to be never null; saying the same in the Arrow schema keeps the two from differing.
        schema = pa.schema([field.with_nullable(field.name not in self.merge_on) for field in self.table.columns])

        def rows() -> Iterator[pa.Table]:
            for table in self.tables(dlt.current.resource_state(self.table.name)):
                yield pa.Table.from_arrays(table.columns, schema=schema)

        return dlt.resource(rows, name=self.table.name, schema_contract=CONTRACT, **hints)


class Loader:
    """Loads into one raw schema of the warehouse.

    Args:
        warehouse_path: the DuckDB file; created with every raw table if missing.
        dataset: the raw schema, also the name under which dlt keeps its state.
        pipelines_dir: a folder of ours for dlt's working files.

    Raises:
        IngestionError: the warehouse's file is named like one of its schemas (DuckDB cannot tell them apart), or is
            held by another process.
    """

    def __init__(self, warehouse_path: str | Path, dataset: str, pipelines_dir: str | Path) -> None:
        self.warehouse_path = Path(warehouse_path)
        self.dataset = dataset
        self.notes: list[str] = []
        datasets = {table.dataset for table in RAW_TABLES.values()} | {"config", "staging", "intermediate", "marts"}
        if self.warehouse_path.stem in datasets:
            raise IngestionError(
                f"the warehouse file {self.warehouse_path.name} bears the name of one of its schemas, which DuckDB "
                "cannot tell apart; name the file otherwise, for example warehouse.duckdb"
            )
        with opened(self.warehouse_path) as connection:
            ensure_raw_tables(connection)
        Path(pipelines_dir).mkdir(parents=True, exist_ok=True)
        self._pipeline = dlt.pipeline(
            dataset,
            pipelines_dir=str(Path(pipelines_dir).resolve()),
            destination=dlt.destinations.duckdb(str(self.warehouse_path.resolve())),
            dataset_name=dataset,
        )
        if self._pipeline.has_pending_data:
            self.notes.append(f"{dataset}: an earlier load was not finished; it is dropped, its rows are read again")
        self._start_over()

    def _start_over(self) -> None:
        self._pipeline = self._pipeline.drop()
        self._pipeline.sync_destination()

    def state(self, table: RawTable) -> State:
        """The state that the last finished load of a table left (a copy)."""
        sources: State = self._pipeline.state.get("sources", {})
        schema: State = sources.get(self._pipeline.default_schema_name or self.dataset, {})
        return dict(schema.get("resources", {}).get(table.name, {}))

    def run(self, feeds: Sequence[Feed], before_load: Callable[[], None] | None = None) -> None:
        """Reads every feed, then loads all of it as one package.

        Args:
            feeds: the tables of this package.
            before_load: called when everything has been read without an error and nothing is loaded yet: the moment
                to remove what the new rows take the place of.

        Raises:
            IngestionError: whatever a feed raised on purpose, unchanged; anything else is wrapped, with the table's
                name. After an error nothing is pending and the state is that of the last finished load.
        """
        raised: list[IngestionError] = []

        def guarded(feed: Feed) -> Feed:
            def tables(state: State) -> Iterator[pa.Table]:
                try:
                    yield from feed.tables(state)
                except IngestionError as error:
                    raised.append(error)
                    raise

            return Feed(feed.table, tables, feed.merge_on, feed.replace_groups, feed.replace_all)

        try:
            self._pipeline.extract([guarded(feed).resource() for feed in feeds], loader_file_format="parquet")
            self._pipeline.normalize()
            if before_load is not None:
                before_load()
            self._pipeline.load()
        except (PipelineStepFailed, ConfigurationValueError) as error:
            self._start_over()
            if raised:
                raise raised[0] from error
            cause = error.exception if isinstance(error, PipelineStepFailed) else error
            names = ", ".join(feed.table.qualified for feed in feeds)
            raise IngestionError(
                f"loading {names} failed and was dropped ({type(cause).__name__}: {cause}). What was in the warehouse "
                "before is unchanged or complete; run again to read the same rows anew."
            ) from error
