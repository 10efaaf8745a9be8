"""Dagster's SQLite event log without a disk flush and a new engine per event.

A build records about 1,300 events (an asset or check planned, started, done). Dagster's own storage opens a new engine
for each and waits for the disk two or three times: 21 s of a 50 s build on a busy disk went into announcing the assets.
Here the engines stay open and SQLite flushes at checkpoints only (``synchronous = NORMAL``; the files are in WAL mode):
a power cut may lose the last events of a run, never damage the file. Nothing but run history is kept here; what was
written to a CRM is in the operational store (``reverse_etl/store.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

#: One file is the index; each run has its own. A server that shows many runs must not keep them all open.
_FILES_OPEN = 8


class KeptOpenSqliteEventLogStorage(SqliteEventLogStorage):
    """``SqliteEventLogStorage`` that keeps one engine per file; configured in ``orchestration/dagster.yaml``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(*args, **kwargs)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> KeptOpenSqliteEventLogStorage:
        """How Dagster makes it from ``dagster.yaml`` (the parent names itself here)."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None:
                if len(self._engines) >= _FILES_OPEN:
                    self._engines.pop(next(iter(self._engines))).dispose()
                engine = self._engines[shard] = self._open(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _open(self, shard: str) -> Engine:
        engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})

        @event.listens_for(engine, "connect")
        def flush_at_checkpoints(connection: Any, _record: Any) -> None:
            connection.execute("pragma synchronous = normal")

        return engine

    def dispose(self) -> None:
        """Closes every file."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()
