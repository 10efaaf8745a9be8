"""What the exports of ad platforms look like, as told by ``seeds/ad_reports.csv`` and ``seeds/ad_fields.csv``.

A new platform is lines in the two files and nothing else.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, NoReturn, cast

from ingestion.errors import FileRefused, MappingError
from ingestion.file_source import SourceFile

#: The rules as the project ships them.
SEEDS_DIR = Path(__file__).parents[2] / "seeds"
Content = Literal["spend", "campaigns", "ignored"]
#: Columns of the raw tables that an export may tell, by what a line of it is.
TARGETS: Mapping[str, tuple[str, ...]] = {
    "spend": (
        "spend_on", "platform", "account_id", "channel", "campaign_id", "campaign", "currency", "spend", "impressions",
        "clicks",
    ),
    "campaigns": ("campaign_id", "account_id", "channel", "campaign", "updated_at"),
    "ignored": (),
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field of an export. ``factor`` turns it into units of the currency, ``formats`` are ``strptime`` formats
    (``iso`` stands for ISO 8601)."""

    name: str
    target: str
    is_required: bool
    factor: Decimal
    formats: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """One kind of export. ``platform`` empty: the file says it in a column or in its name."""

    name: str
    platform: str
    pattern: re.Pattern[str]
    content: Content
    fields: tuple[Field, ...]

    def located(self, file: str, header: Sequence[str]) -> dict[str, Field]:
        """Where a file has each target: target -> its field, under the name that this file's header writes.

        Of several fields for one target the first one of ``ad_fields.csv`` that the header has is read; capitals do not
        matter.

        Raises:
            FileRefused: no field for a required target.
        """
        written = {name.lower(): name for name in header}
        found: dict[str, Field] = {}
        choices: dict[str, list[str]] = {}
        for field in self.fields:
            if field.is_required:
                choices.setdefault(field.target, []).append(field.name)
            name = written.get(field.name.lower())
            if name is not None and field.target not in found:
                found[field.target] = Field(name, field.target, field.is_required, field.factor, field.formats)
        missing = [f"{target}: one of {', '.join(names)}" for target, names in choices.items() if target not in found]
        if missing:
            raise FileRefused(
                file,
                f"is read as '{self.name}' and lacks columns ({'; '.join(missing)}); its header has "
                f"{', '.join(header)}. Nothing loaded; correct the file, or tell of this export in ad_reports.csv and "
                "ad_fields.csv",
            )
        return found


@dataclass(frozen=True)
class AdMapping:
    """The exports known, in the order in which files are held against them. ``version`` changes with the rules."""

    reports: tuple[Report, ...]
    version: str

    def report_of(self, file: SourceFile) -> Report | None:
        """The first export whose pattern a file's name matches."""
        return next((report for report in self.reports if report.pattern.search(file.name.lower())), None)


def read_ad_mapping(folder: str | Path | None = None) -> AdMapping:
    """Reads the two rule files of a folder; None: those the project ships.

    Raises:
        MappingError: a file is missing or a cell is wrong; names file, row and field.
    """
    root = Path(folder) if folder is not None else SEEDS_DIR
    fields: dict[str, list[Field]] = {}
    for number, row in _rows(root / "ad_fields.csv", ("report", "field", "target", "is_required")):
        fields.setdefault(row["report"], []).append(_field(number, row))
    ordered: list[tuple[int, Report]] = []
    for number, row in _rows(root / "ad_reports.csv", ("priority", "report", "platform", "file_pattern", "content")):
        ordered.append(_report(number, row, tuple(fields.pop(row["report"], ()))))
    if fields:
        _wrong("ad_fields.csv", None, "report", f"'{min(fields)}' does not stand in ad_reports.csv; add it there")
    told = b"".join((root / name).read_bytes() for name in ("ad_reports.csv", "ad_fields.csv"))
    reports = tuple(report for _, report in sorted(ordered, key=lambda pair: pair[0]))
    return AdMapping(reports, hashlib.sha256(told).hexdigest()[:16])


def _rows(path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with the number a spreadsheet gives them (the header is row 1)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in required if name not in (reader.fieldnames or ())]
            if missing:
                _wrong(path.name, 1, missing[0], "the column is missing")
            for row in reader:
                yield reader.line_num, {name: (value or "").strip() for name, value in row.items() if name}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MappingError(f"{path.name}: cannot be read ({error})") from error


def _field(number: int, row: Mapping[str, str]) -> Field:
    factor = row.get("unit_factor") or "1"
    try:
        unit_factor = Decimal(factor)
    except InvalidOperation:
        _wrong("ad_fields.csv", number, "unit_factor", f"'{factor}' is not a number")
    formats = tuple(part.strip() for part in row.get("date_format", "").split("|") if part.strip())
    return Field(row["field"], row["target"], row["is_required"].lower() == "true", unit_factor, formats or ("iso",))


def _report(number: int, row: Mapping[str, str], fields: tuple[Field, ...]) -> tuple[int, Report]:
    name, content = row["report"], row["content"]
    if content not in TARGETS:
        _wrong("ad_reports.csv", number, "content", f"'{content}' is none of {', '.join(TARGETS)}")
    for field in fields:
        if field.target not in TARGETS[content]:
            problem = f"'{field.target}' of '{name}' is none of {', '.join(TARGETS[content])}"
            _wrong("ad_fields.csv", None, "target", problem)
    try:
        pattern, priority = re.compile(row["file_pattern"]), int(row["priority"])
    except (re.error, ValueError) as error:
        _wrong("ad_reports.csv", number, "file_pattern, priority", str(error))
    return priority, Report(name, row["platform"].lower(), pattern, cast(Content, content), fields)


def _wrong(file: str, row: int | None, field: str, problem: str) -> NoReturn:
    place = f"{file}, row {row}" if row is not None else file
    raise MappingError(f"{place}, field {field}: {problem}")
