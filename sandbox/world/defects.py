"""Bad rows, planted on purpose, and the list of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

_TEXT_COLUMNS = ("source", "entity", "record_id", "file", "reason_code")
TRUTH_SCHEMA = pa.schema([pa.field(name, pa.string()) for name in _TEXT_COLUMNS] + [pa.field("row_number", pa.int64())])

#: Lines of an event file that are no event at all.
MALFORMED_LINES = (
    '{"type":"page","messageId":"broken-1","anonymousId":"4f1c","timestamp":"2026-',
    "<html><body>502 Bad Gateway</body></html>",
    '["not","an","object"]',
)


@dataclass
class Defects:
    """Collects the rows of ``truth/quarantine.parquet``.

    ``row_number`` is the line of an event file, the data row of a CSV file, from 1.
    """

    rows: list[dict[str, object]] = field(default_factory=list)

    def add(
        self, source: str, entity: str, record_id: str | None, file: str | None, row_number: int | None, reason: str
    ) -> None:
        self.rows.append(
            {
                "source": source,
                "entity": entity,
                "record_id": record_id,
                "file": file,
                "row_number": row_number,
                "reason_code": reason,
            }
        )

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(self.rows, schema=TRUTH_SCHEMA)
