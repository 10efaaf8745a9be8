"""Bulk API 2.0: CSV of a job's records, and what its three result files say of each of them.

Successful and failed results carry the record's own columns behind ``sf__Id``, ``sf__Created`` and ``sf__Error``; the
unprocessed file has the record's columns alone. Their order is not promised, so a row is found again by its id, or (a
new record has none) by all of its values: two rows with the same values are interchangeable.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from reverse_etl.connectors.base import RowWrite
from reverse_etl.connectors.salesforce_errors import UNPROCESSED, Refusal, read_bulk_error
from reverse_etl.connectors.salesforce_values import full_id, with_required

#: How Bulk API 2.0 is told to empty a field; an empty cell leaves it alone.
EMPTY = "#N/A"
#: Records of one job: what Salesforce works on as one internal batch, so that small jobs cost no more of the daily
#: allowance (15,000 batches) than large ones, and a kill leaves little to find again.
JOB_ROWS = 10_000
#: Bytes of one upload. Salesforce takes 150 MB after encoding it in base64, which adds a third.
JOB_BYTES = 100_000_000


def job_csv(sobject: str, rows: Sequence[RowWrite]) -> bytes:
    """The job's upload: UTF-8, LF, one header. Rows may have different properties; the others' cells stay empty."""
    is_update = rows[0].record_id is not None
    names = sorted({name for row in rows for name in _properties(sobject, row)})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Id", *names] if is_update else names)
    for row in rows:
        properties = _properties(sobject, row)
        cells = [_cell(properties[name]) if name in properties else "" for name in names]
        writer.writerow([row.record_id, *cells] if is_update else cells)
    return out.getvalue().encode()


def _properties(sobject: str, row: RowWrite) -> Mapping[str, str]:
    return row.properties if row.record_id is not None else with_required(sobject, row.properties)


def _cell(value: str) -> str:
    return value if value != "" else EMPTY


class JobResults:
    """Matches the lines of a job's result files to the rows that were sent."""

    def __init__(self, sobject: str, rows: Sequence[RowWrite]) -> None:
        self._by_id = {full_id(row.record_id): row for row in rows if row.record_id is not None}
        self._by_values: dict[frozenset[tuple[str, str]], list[RowWrite]] = defaultdict(list)
        for row in rows:
            if row.record_id is None:
                self._by_values[_key(_properties(sobject, row))].append(row)
        #: ``ref`` to the id of the record written.
        self.written: dict[str, str] = {}
        #: ``ref`` to why it was not.
        self.refused: dict[str, Refusal] = {}

    def add_successful(self, text: str) -> None:
        """Read the successful results."""
        for line in _lines(text):
            row = self._find(line)
            if row is not None:
                self.written[row.ref] = line.get("sf__Id") or line.get("Id", "")

    def add_failed(self, text: str) -> None:
        """Read the failed results."""
        for line in _lines(text):
            row = self._find(line)
            if row is not None:
                self.refused[row.ref] = read_bulk_error(line.get("sf__Error", ""))

    def add_unprocessed(self, text: str) -> None:
        """Read the records that Salesforce did not come to."""
        for line in _lines(text):
            row = self._find(line)
            if row is not None:
                self.refused[row.ref] = UNPROCESSED

    def _find(self, line: Mapping[str, str]) -> RowWrite | None:
        # A failed update may leave sf__Id empty; the Id column is the one we sent.
        record_id = line.get("Id") or line.get("sf__Id") or ""
        found = self._by_id.get(full_id(record_id))
        if found is not None:
            return found
        sent = {name: value for name, value in line.items() if not name.startswith("sf__") and value != ""}
        waiting = self._by_values.get(_key(sent))
        return waiting.pop() if waiting else None


def _key(properties: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    # Line ends inside a value may come back in another spelling.
    return frozenset((name, " ".join(value.split())) for name, value in properties.items())


def _lines(text: str) -> Iterator[dict[str, str]]:
    # A text field may hold more than the csv module's 131,072 characters.
    csv.field_size_limit(10_000_000)
    for line in csv.DictReader(io.StringIO(text)):
        yield {str(name).strip('"'): value or "" for name, value in line.items() if name is not None}
