"""Writing the world: Parquet piece by piece, events as Segment-spec lines or monthly Parquet, JSON."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sandbox.world.defects import MALFORMED_LINES, Defects
from sandbox.world.text import matches

_PLAIN = {
    "id",
    "message_id",
    "submission_id",
    "hs_object_id",
    "answers",
    "properties",
    "page_url",
    "recipient",
    "email",
}


class ParquetFolder:
    """Parquet files under one folder, each appended to piece by piece and closed together."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows: dict[str, int] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}

    def append(self, name: str, table: pa.Table) -> None:
        """Adds rows to ``<name>.parquet``; every piece of a file has the same columns."""
        writer = self._writers.get(name)
        if writer is None:
            path = self.root / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            dictionary: Any = [c for c in table.column_names if c not in _PLAIN]
            writer = pq.ParquetWriter(
                path, table.schema, compression="zstd", compression_level=1, use_dictionary=dictionary
            )
            self._writers[name] = writer
        if table.num_rows:
            writer.write_table(table, row_group_size=250_000)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def write_json(path: Path, content: object) -> None:
    """Readable JSON, keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class MonthlyEvents:
    """The large world's events: ``events/<yyyy-mm>.parquet``, columns of raw_events.events without lineage."""

    def __init__(self, root: Path) -> None:
        self.folder = ParquetFolder(root)
        self.rows = 0

    def add(self, events: pa.Table) -> None:
        months = pc.strftime(pc.floor_temporal(events["received_at"], unit="month"), "%Y-%m")
        for month in sorted(str(m) for m in pc.unique(months).to_pylist()):
            self.folder.append(month, events.filter(matches(months, month)))
        self.rows += events.num_rows

    def finish(self, _: Defects) -> int:
        """Closes the files; returns the number of rows."""
        self.folder.close()
        return self.rows


class DailyLines:
    """The smaller worlds' events: ``events/<yyyy-mm-dd>.jsonl.gz`` by the day they were received."""

    def __init__(self, root: Path, malformed: bool = True) -> None:
        self.root = root
        self.malformed = malformed
        self.tables: list[pa.Table] = []

    def add(self, events: pa.Table) -> None:
        self.tables.append(events)

    def finish(self, defects: Defects) -> int:
        """Writes every day's file; returns the number of lines."""
        events = pa.concat_tables(self.tables).combine_chunks()
        order = pc.sort_indices(events, sort_keys=[("received_at", "ascending"), ("message_id", "ascending")])
        events = events.take(order)
        days = pc.cast(pc.floor_temporal(events["received_at"], unit="day"), pa.date32()).to_numpy()
        edges = np.flatnonzero(np.concatenate([[True], days[1:] != days[:-1], [True]]))
        self.root.mkdir(parents=True, exist_ok=True)
        lines = 0
        files = len(edges) - 1
        bad = {files // 4: 0, files // 2: 1, 3 * files // 4: 2} if self.malformed else {}
        for number in range(files):
            start, end = int(edges[number]), int(edges[number + 1])
            name = f"{days[start]}.jsonl.gz"
            chunk = events.slice(start, end - start).to_pylist()
            content = [segment_line(row) for row in chunk]
            for position, row in enumerate(chunk):
                reason = _row_defect(row)
                if reason:
                    shift = 1 if number in bad and position >= len(chunk) // 2 else 0
                    defects.add("events", "raw_events.events", row["message_id"], name, position + 1 + shift, reason)
            if number in bad:
                at = len(content) // 2
                content.insert(at, MALFORMED_LINES[bad[number]].encode())
                defects.add("events", "raw_events.events", None, name, at + 1, "malformed_json")
            write_gzip(self.root / name, content)
            lines += len(content)
        return lines


def _row_defect(row: dict[str, Any]) -> str | None:
    if row["event_at"] is None:
        return "missing_timestamp"
    if row["anonymous_id"] is None and row["user_id"] is None and row["email"] is None:
        return "missing_identity"
    return None


def write_gzip(path: Path, lines: Iterable[bytes]) -> None:
    """Lines as gzip with nothing in it that changes from run to run."""
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n", compresslevel=5, mtime=0))


def segment_line(row: dict[str, Any]) -> bytes:
    """One row of the event table as the Segment-spec JSON that a tracker would have sent."""
    properties = json.loads(row["properties"])
    context: dict[str, Any] = {
        "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
        "locale": row["locale"],
    }
    if row["user_agent"]:
        context |= {"userAgent": row["user_agent"], "ip": row["ip"]}
    else:
        context["library"] = {"name": "analytics-node", "version": "2.3.0"}
    if row["page_url"]:
        search = urlsplit(row["page_url"]).query
        page = {
            "url": row["page_url"],
            "path": row["page_path"],
            "title": row["page_title"],
            "referrer": row["referrer"] or "",
            "search": f"?{search}" if search else "",
        }
        context["page"] = page
        if row["type"] == "page":
            properties = {**page, **properties}
    campaign = {
        name: row[f"utm_{key}"]
        for key, name in (("source", "source"), ("medium", "medium"), ("campaign", "name"), ("content", "content"),
                          ("term", "term"))
        if row[f"utm_{key}"]
    }  # fmt: skip
    if campaign:
        context["campaign"] = campaign
    line: dict[str, Any] = {
        "type": row["type"],
        "messageId": row["message_id"],
        "anonymousId": row["anonymous_id"],
        "userId": row["user_id"],
    }
    if row["type"] == "track":
        line["event"] = row["event"]
    if row["type"] == "page":
        line["name"] = row["page_title"]
    if row["type"] == "identify":
        line["traits"] = json.loads(row["traits"])
    else:
        line["properties"] = properties
    line["context"] = context
    if row["event_at"] is not None:
        line["timestamp"] = f"{row['event_at'].isoformat(timespec='milliseconds')}Z"
    line["receivedAt"] = f"{row['received_at'].isoformat(timespec='milliseconds')}Z"
    return orjson.dumps(line)
