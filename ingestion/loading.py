"""The one place that drives dlt: Arrow tables in, one load package out, state kept in the warehouse beside the rows.

dlt's working folder is scratch: every load starts from the state that the warehouse holds, so a warehouse that was
deleted starts over, and a load that died half-way leaves nothing behind that could block the next one. Rows of an
unfinished package that did reach the warehouse are either merged again by key or removed by file before the files are
read anew (``ingestion/file_source.py``), so that nothing is loaded twice.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
# Merged rows wait in a schema of their own until they are merged; they need not stay there.
os.environ.setdefault("LOAD__TRUNCATE_STAGING_DATASET", "true")
# Files that have been loaded are not kept in the working folder.
os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")

import dlt
import pyarrow as pa
from dlt.common.configuration.exceptions import ConfigurationValueError
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from ingestion.erased import TurnedAway, in_force
from ingestion.errors import IngestionError
from ingestion.schemas import RAW_TABLES, RawTable
from ingestion.tables import ensure_raw_tables
from ingestion.warehouse import opened

#: New columns may join (``ingestion/schemas.py`` grows); the type of a column never changes under the models' feet.
CONTRACT: Any = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}

State = dict[str, Any]


@dataclass(frozen=True)
class Into:
    """Where rows go, and what they take the place of.

    ``merge_on`` names the columns whose equal rows are replaced: a key or, with ``groups``, the columns that all rows
    of a group share (the whole group gives way to the new rows). ``whole`` replaces the table by the rows of this load.
    Otherwise rows are appended.
    """

    table: RawTable
    merge_on: tuple[str, ...] = ()
    groups: bool = False
    whole: bool = False

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema; dlt holds key columns to be never null, and says so if Arrow's schema differs."""
        return pa.schema([field.with_nullable(field.name not in self.merge_on) for field in self.table.columns])

    def hints(self) -> Any:
        """dlt's hints for this table."""
        hints: dict[str, Any] = {"write_disposition": "append"}
        if self.whole:
            hints = {"write_disposition": "replace"}
        elif self.groups:
            hints = {
                "write_disposition": {"disposition": "merge", "strategy": "delete-insert"},
                "merge_key": list(self.merge_on),
            }
        elif self.merge_on:
            hints = {
                "write_disposition": {"disposition": "merge", "strategy": "delete-insert"},
                "primary_key": list(self.merge_on),
                # The same record twice in one load (a page that shifted, two exports): the later reading wins.
                "columns": {"_loaded_at": {"dedup_sort": "desc"}},
            }
        return dlt.mark.make_hints(table_name=self.table.name, schema_contract=CONTRACT, **hints)


#: Reads rows: called with the state that the last finished load left; what it changes there is kept if, and only if,
#: the load succeeds.
Produce = Callable[[State], Iterator[tuple[Into, pa.Table]]]


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
        #: What the last :meth:`run` turned away, because its person was erased.
        self.turned_away = TurnedAway(in_force())
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
            destination=dlt.destinations.duckdb(
                # Rows carry their place in the file: DuckDB need not keep the order, and inserts with less memory.
                DuckDbCredentials(str(self.warehouse_path.resolve()), global_config={"preserve_insertion_order": False})
            ),
            dataset_name=dataset,
        )
        if self._pipeline.has_pending_data:
            self.notes.append(f"{dataset}: an earlier load was not finished; it is dropped, its rows are read again")
        self._start_over()

    def _start_over(self) -> None:
        self._pipeline = self._pipeline.drop()
        self._pipeline.sync_destination()

    def state(self, name: str) -> State:
        """The state that the last finished load called ``name`` left (a copy)."""
        sources: State = self._pipeline.state.get("sources", {})
        schema: State = sources.get(self._pipeline.default_schema_name or self.dataset, {})
        return copy.deepcopy(dict(schema.get("resources", {}).get(name, {})))

    def run(self, name: str, produce: Produce, before_load: Callable[[], None] | None = None) -> None:
        """Reads everything, then loads it as one package.

        Args:
            name: under which the state is kept.
            produce: yields Arrow tables, each in the schema of the raw table it goes into.
            before_load: called when everything has been read without an error and nothing is loaded yet: the moment
                to remove what the new rows take the place of.

        Raises:
            IngestionError: whatever ``produce`` raised on purpose, unchanged; anything else is wrapped. After an error
                nothing is pending and the state is that of the last finished load.
        """
        raised: list[IngestionError] = []
        begun: set[str] = set()
        self.turned_away = turned_away = TurnedAway(self.turned_away.tombstones)

        def items() -> Iterator[Any]:
            try:
                for into, rows in produce(dlt.current.resource_state(name)):
                    item = pa.Table.from_arrays(turned_away.sift(into.table, rows).columns, schema=into.schema)
                    if into.table.name in begun:
                        yield dlt.mark.with_table_name(item, into.table.name)
                    else:
                        begun.add(into.table.name)
                        yield dlt.mark.with_hints(item, into.hints(), create_table_variant=True)
            except IngestionError as error:
                raised.append(error)
                raise

        try:
            self._pipeline.extract([dlt.resource(items, name=name)], loader_file_format="parquet")
            self._pipeline.normalize()
            if before_load is not None:
                before_load()
            if turned_away.lines:
                with opened(self.warehouse_path) as connection:
                    turned_away.write(connection)
            self._pipeline.load()
        except (PipelineStepFailed, ConfigurationValueError) as error:
            self._start_over()
            if raised:
                raise raised[0] from error
            cause = error.exception if isinstance(error, PipelineStepFailed) else error
            raise IngestionError(
                f"loading {self.dataset} ({name}) failed and was dropped ({type(cause).__name__}: {cause}). "
                "What was in the warehouse before is unchanged or complete; run again to read the same rows anew."
            ) from error
