"""The row every tracker's message becomes: ``raw_events.events`` without its lineage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pyarrow as pa

from ingestion.errors import RecordRefused
from ingestion.quarantine import MAX_RECORD_CHARS, Reject
from ingestion.schemas import RAW_TABLES

TABLE = RAW_TABLES["raw_events.events"]
LINEAGE = ("_source_file", "_source_row", "_loaded_at")
COLUMNS = tuple(name for name in TABLE.columns.names if name not in LINEAGE)
TYPES = ("track", "identify", "page", "screen", "group", "alias")
#: Query parameters by which an advertiser recognises a click.
CLICK_IDS = (
    "gclid", "gbraid", "wbraid", "dclid", "msclkid", "fbclid", "li_fat_id", "ttclid", "twclid", "rdt_cid",
)  # fmt: skip
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")

Row = dict[str, Any]

_EMPTY: dict[str, Any] = {}


@dataclass
class Parsed:
    """What a request or a line became: rows to load and records to set apart."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def text(value: object) -> str | None:
    """A scalar as text; None for null, empty text, lists and objects."""
    if type(value) is str:
        return value or None
    if value is None or isinstance(value, Mapping | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    if type(value) is dict:
        return value
    return value if isinstance(value, Mapping) else _EMPTY


def json_text(value: Mapping[str, Any]) -> str | None:
    """An object as JSON text, None if it is empty (``encoded`` says what it refuses)."""
    return encoded(value).decode() if value else None


def encoded(value: object, option: int | None = None) -> bytes:
    """An event, or a part of one, as JSON.

    Raises:
        RecordRefused: ``too_deep``: objects within objects, a few hundred times.
    """
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError as error:
        raise RecordRefused("", "too_deep", f"cannot be kept as JSON: {error}") from error


def whole_seconds(value: object) -> int | None:
    """A duration in whole seconds, None if absent or not a number from 0 to ten years (it stays in ``properties``)."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 315_360_000:
        return int(value)
    return None


def campaign_of(url: str | None) -> dict[str, str]:
    """UTM values of a page address, and ``click_id_kind``: the name of its first click id parameter."""
    if not url or "?" not in url:
        return {}
    try:
        query = parse_qsl(urlsplit(url).query)
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for name, value in query:
        name = name.lower()
        if name in UTM:
            found.setdefault(name, value)
        elif name in CLICK_IDS:
            found.setdefault("click_id_kind", name)
    return found


def path_of(url: str | None) -> str | None:
    """The path of a page address."""
    if not url:
        return None
    try:
        return urlsplit(url).path or None
    except ValueError:
        return None


def finished(row: Row) -> Row:
    """Checks what every event must have, and derives what its page address tells.

    Raises:
        RecordRefused: ``unknown_type``, ``missing_event_name``, ``missing_timestamp``, ``missing_identity``.
    """
    if row["type"] not in TYPES:
        raise RecordRefused("type", "unknown_type", f"{row['type']!r} is none of {', '.join(TYPES)}")
    if row["type"] == "track" and not row.get("event"):
        raise RecordRefused("event", "missing_event_name", "a track message must name its event")
    if row.get("event_at") is None:
        raise RecordRefused("timestamp", "missing_timestamp", "the message says nowhere when it happened")
    if not (row.get("user_id") or row.get("anonymous_id") or row.get("email")):
        raise RecordRefused(
            "userId", "missing_identity", "the message has neither userId nor anonymousId nor an e-mail: whose is it?"
        )
    if len(row) < len(COLUMNS):
        for name in COLUMNS:
            row.setdefault(name, None)
    url = row["page_url"]
    if url:
        for name, value in campaign_of(url).items():
            if not row.get(name):
                row[name] = value
        if not row.get("page_path"):
            row["page_path"] = path_of(url)
    return row


def derived_id(content: bytes) -> str:
    """A message id for a message that came without one: the same content always gets the same id."""
    return "derived-" + hashlib.sha256(content).hexdigest()[:32]


def reject_of(refused: RecordRefused, record: object, row: int | None = None, record_id: str | None = None) -> Reject:
    """A refused message for the quarantine, with the message as it came."""
    if isinstance(record, bytes):
        words = record.decode("utf-8", "replace")
    else:
        try:
            words = record if isinstance(record, str) else orjson.dumps(record, default=str).decode()
        except orjson.JSONEncodeError:
            words = "(nested too deeply to be shown)"
    return Reject(refused.field, refused.reason_code, refused.reason, words[:MAX_RECORD_CHARS], row, record_id)


def to_table(rows: Sequence[Row], numbers: Sequence[int]) -> pa.Table:
    """Rows and their line numbers as an Arrow table, without the file's name and load time."""
    columns = [pa.array([row.get(name) for row in rows], TABLE.columns.field(name).type) for name in COLUMNS]
    return pa.table([*columns, pa.array(numbers, pa.int64())], names=[*COLUMNS, "_source_row"])
