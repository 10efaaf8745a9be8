"""Which rules differ between two folders, row by row and field by field. Pure but for reading the two folders."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

Row = dict[str, str]


@dataclass(frozen=True)
class ChangedRow:
    """A row of one key in both folders, with what each field was and is."""

    key: str
    fields: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class FileDiff:
    """What differs in one rule file. ``added`` and ``removed`` are keys of rows."""

    file: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[ChangedRow, ...] = field(default=())

    @property
    def rows(self) -> int:
        """How many rows differ."""
        return len(self.added) + len(self.removed) + len(self.changed)


def diff_rules(before: Path, after: Path) -> list[FileDiff]:
    """Files with different rows, by name. The order of rows and blanks around cells do not count."""
    names = sorted({path.name for folder in (before, after) for path in folder.glob("*.csv")})
    diffs = (diff_rows(name, _read(before / name), _read(after / name), _key_of(name)) for name in names)
    return [diff for diff in diffs if diff.rows]


def diff_rows(file: str, before: list[Row], after: list[Row], key: tuple[str, ...]) -> FileDiff:
    """What became of the rows of one file. Without a key, or where it is not unique, the whole row is the key."""
    old, new = _by_key(before, key), _by_key(after, key)
    if old is None or new is None:
        old, new = ({" | ".join(row.values()): row for row in rows} for rows in (before, after))
    changed = [
        ChangedRow(name, {column: (old[name].get(column, ""), new[name].get(column, "")) for column in differ})
        for name in old
        if name in new
        and (
            differ := [
                column
                for column in {**old[name], **new[name]}
                if old[name].get(column, "") != new[name].get(column, "")
            ]
        )
    ]
    return FileDiff(
        file,
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(changed),
    )


def _by_key(rows: list[Row], key: tuple[str, ...]) -> dict[str, Row] | None:
    if not key:
        return None
    found = {" / ".join(part for name in key if (part := row.get(name, ""))): row for row in rows}
    return found if len(found) == len(rows) else None


def _key_of(name: str) -> tuple[str, ...]:
    from leadhouse.rules import SCHEMAS

    schema = SCHEMAS.get(name.removesuffix(".csv"))
    return schema.key if schema else ()


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            {name.strip(): (value or "").strip() for name, value in row.items() if name is not None}
            for row in csv.DictReader(file)
        ]
