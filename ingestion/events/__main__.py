"""``python -m ingestion.events FILE...``: what event files, or requests captured as JSON, would become. Loads nothing.

Prints one JSON object a row, and on standard error one line for each record that would go to the quarantine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from ingestion.errors import IngestionError
from ingestion.events.files import read_events
from ingestion.file_source import SourceFile
from ingestion.quarantine import Reject


def main(paths: list[str]) -> int:
    """Returns the exit code: 0 all rows good, 1 some refused, 2 a file could not be read."""
    if not paths:
        print("usage: python -m ingestion.events FILE...", file=sys.stderr)
        return 2
    refused: list[str] = []
    for path in paths:

        def refuse(reject: Reject, name: str = path) -> None:
            refused.append(f"{name}:{reject.row}: {reject.field}: {reject.reason} [{reject.reason_code}]")

        try:
            for table in read_events(SourceFile(Path(path), path), refuse):
                for row in table.to_pylist():
                    print(orjson.dumps({key: value for key, value in row.items() if value is not None}).decode())
        except (IngestionError, OSError) as error:
            print(error, file=sys.stderr)
            return 2
    for line in refused:
        print(line, file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
