"""Lists of what people did where no tracker looks: fairs, press, mailings, partners. One CSV row is one event."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pyarrow as pa

from ingestion.errors import RecordRefused
from ingestion.events.rows import COLUMNS, TABLE, Row, derived_id, finished, json_text
from ingestion.file_source import Refuse, SourceFile
from ingestion.quarantine import Reject
from ingestion.tabular import Record, TableBuilder, needed, read_records
from ingestion.values import formatted_moment

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
#: What a list must tell of each event.
REQUIRED = ("happened_at", "event", "email")
#: Columns of a list that say where the person came from, as the tags of a web address would.
_TAGS = {
    "source": "utm_source",
    "medium": "utm_medium",
    "campaign": "utm_campaign",
    "content": "utm_content",
}
_TRACKER = "csv"


def read_list(file: SourceFile, refuse: Refuse) -> Iterator[pa.Table]:
    """Reads a list as events of ``raw_events.events``; rows that break a rule go to the quarantine.

    Columns: ``happened_at`` (ISO 8601, a day or a moment; UTC without a zone), ``event`` (named in
    ``seeds/event_kinds.csv``, such as ``Offline: fair``), ``email``; optionally ``source``, ``medium``, ``campaign``,
    ``content`` (their channel is found by ``seeds/channel_rules.csv``, R2). Any other column stays with the event's
    properties. The same row in two lists is one event.

    Raises:
        FileRefused: a required column is missing.
    """
    builder = TableBuilder(pa.schema([TABLE.columns.field(name) for name in (*COLUMNS, "_source_row")]))
    for record in read_records(file, refuse, required=REQUIRED):
        try:
            builder.add(_event(record))
        except RecordRefused as refused:
            refuse(Reject(refused.field, refused.reason_code, refused.reason, record.as_json(), record.number))
        if builder.full:
            yield from builder.take()
    yield from builder.take()


def _event(record: Record) -> Row:
    happened_at = formatted_moment(needed(record.text("happened_at"), "happened_at"), ("iso",), "happened_at")
    others = {name: value for name, value in record.values.items() if name not in (*REQUIRED, *_TAGS) and value}
    return finished(
        {
            "message_id": derived_id(orjson.dumps(dict(record.values), default=str, option=orjson.OPT_SORT_KEYS)),
            "type": "track",
            "event": needed(record.text("event"), "event"),
            "email": needed(record.text("email"), "email"),
            "event_at": happened_at,
            "received_at": happened_at,
            **{column: record.text(name) for name, column in _TAGS.items()},
            "tracker": _TRACKER,
            "properties": json_text(others),
            "_source_row": record.number,
            "page_url": None,
        }
    )
