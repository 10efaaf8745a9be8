"""How a rule file is declared, read and checked cell by cell; what every area of rules builds on."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

CellKind = Literal["text", "number", "integer", "boolean", "date", "pattern"]


@dataclass(frozen=True)
class RuleProblem:
    """One thing wrong in a rule file.

    ``row`` counts lines as a spreadsheet does (1 is the header); it is None where the whole file is meant, as ``field``
    is.
    """

    file: str
    row: int | None
    field: str | None
    problem: str
    fix: str

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.field is not None:
            place += f", field {self.field}"
        return f"{place}: {self.problem}. {self.fix}"


@dataclass(frozen=True)
class Column:
    """What a cell of one column may hold. An empty cell is refused when ``required``; bounds are inclusive."""

    kind: CellKind = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    above: Decimal | None = None


@dataclass(frozen=True)
class Schema:
    """Columns of one rule file and the columns that together name a row."""

    columns: dict[str, Column]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One row of a rule file; cells are trimmed text, the empty text where there is nothing."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, field: str) -> str:
        return self.cells.get(field, "")


Rules = dict[str, list[Row]]
#: Looks at rules of one or more files together.
Check = Callable[[Rules], Iterator[RuleProblem]]

TEXT = Column()
OPTIONAL = Column(required=False)
NUMBER = Column("number")
BOOLEAN = Column("boolean")
PRIORITY = Column("integer")
PATTERN = Column("pattern")
OPTIONAL_PATTERN = Column("pattern", required=False)
AT_LEAST_0 = Column("number", minimum=Decimal(0))
WHOLE_AT_LEAST_0 = Column("integer", minimum=Decimal(0))
SHARE = Column("number", required=False, minimum=Decimal(0), maximum=Decimal(1))
ENTITY = Column(choices=("contact", "account"))
NUMERIC_ATTRIBUTES = ("employee_count", "annual_revenue")


#: Schema of a file of single numbers that models read by name (macro ``setting``).
SETTING_FILE = Schema({"setting": TEXT, "value": NUMBER, "unit": TEXT, "description": TEXT}, ("setting",))


def read_rows(path: Path, schema: Schema) -> tuple[list[Row] | None, list[RuleProblem]]:
    """Rows of one file, or None with the reason why they cannot be used."""
    expected = ", ".join(schema.columns)
    if not path.is_file():
        return None, [
            RuleProblem(path.name, None, None, "the file is missing", f"Restore it with the columns {expected}")
        ]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, line) for line in reader]
    except UnicodeDecodeError as error:
        fix = "Save it as CSV UTF-8 (in Excel: 'CSV UTF-8 (comma delimited)')"
        return None, [RuleProblem(path.name, None, None, f"the file is not UTF-8 text (byte {error.start})", fix)]
    except csv.Error as error:
        return None, [RuleProblem(path.name, None, None, f"the file is not CSV: {error}", "Check its quotes")]
    if not lines:
        return None, [RuleProblem(path.name, None, None, "the file is empty", f"Give it the header {expected}")]
    header = [name.strip() for name in lines[0][1]]
    problems = [
        RuleProblem(path.name, 1, name, f"unknown column '{name}'", f"Remove or rename it; the columns are {expected}")
        for name in header
        if name not in schema.columns
    ]
    problems += [
        RuleProblem(path.name, 1, name, f"the column '{name}' is missing", f"Add it; the columns are {expected}")
        for name in schema.columns
        if name not in header
    ]
    problems += [
        RuleProblem(path.name, 1, name, f"the column '{name}' stands twice", "Keep one of them")
        for name, count in Counter(header).items()
        if count > 1
    ]
    rows = []
    for number, line in lines[1:]:
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(header):
            problems.append(
                RuleProblem(
                    path.name,
                    number,
                    None,
                    f"{len(line)} cells where the header has {len(header)}",
                    "A cell that holds a comma stands in double quotes",
                )
            )
            continue
        rows.append(Row(number, dict(zip(header, (cell.strip() for cell in line), strict=True))))
    # Rows under a wrong header would only repeat its problem in every line.
    return (None if problems else rows), problems


def check_cells(name: str, schema: Schema, row: Row) -> Iterator[RuleProblem]:
    for field, column in schema.columns.items():
        problem = _cell_problem(row[field], column)
        if problem is not None:
            yield RuleProblem(f"{name}.csv", row.number, field, *problem)


def _cell_problem(value: str, column: Column) -> tuple[str, str] | None:
    """What is wrong with a cell and what to do, or None."""
    if not value:
        return ("the cell is empty", "Fill it in") if column.required else None
    if column.choices and value not in column.choices:
        return f"'{value}' is not known", f"Use one of: {', '.join(column.choices)}"
    match column.kind:
        case "number" | "integer":
            number = number_of(value)
            if number is None:
                return f"'{value}' is not a number", "Write it with a point as decimal mark and nothing else"
            if column.kind == "integer" and number != number.to_integral_value():
                return f"{value} is not a whole number", "Write a whole number"
            if column.above is not None and number <= column.above:
                return f"{value} is not above {column.above}", f"Use a number above {column.above}"
            if column.minimum is not None and number < column.minimum:
                return f"{value} is below {column.minimum}", f"Use at least {column.minimum}"
            if column.maximum is not None and number > column.maximum:
                return f"{value} is above {column.maximum}", f"Use at most {column.maximum}"
        case "boolean":
            if value.lower() not in ("true", "false"):
                return f"'{value}' is neither true nor false", "Write true or false"
        case "date":
            try:
                date.fromisoformat(value)
            except ValueError:
                return f"'{value}' is not a date", "Write it as 2026-11-30"
        case "pattern":
            try:
                re.compile(value)
            except re.error as error:
                return f"'{value}' is not a regular expression ({error})", "Correct the expression"
            if re.search(r"\(\?<?[=!]|\\[1-9]", value):
                fix = "Write it without look-around and back references: the warehouse's engine has neither"
                return f"'{value}' cannot be matched", fix
        case "text":
            pass
    return None


def check_key(name: str, schema: Schema, rows: list[Row]) -> Iterator[RuleProblem]:
    first: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row[field] for field in schema.key)
        if key in first:
            label = ", ".join(part for part in key if part)
            yield RuleProblem(
                f"{name}.csv",
                row.number,
                schema.key[-1] if len(schema.key) == 1 else "+".join(schema.key),
                f"'{label}' already stands in row {first[key]}",
                "Give one of the two another name, or remove it",
            )
        else:
            first[key] = row.number


def number_of(value: str) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def parts_of(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def values_of(rules: Rules, name: str, field: str) -> set[str]:
    return {row[field] for row in rules.get(name, []) if row[field]}


def known_rows(rules: Rules, name: str, field: str, target: str, target_field: str) -> Iterator[RuleProblem]:
    """Cells that must name a row of another file."""
    if target not in rules:
        return
    known = values_of(rules, target, target_field)
    for row in rules.get(name, []):
        value = row[field]
        if value and value not in known:
            yield RuleProblem(
                f"{name}.csv",
                row.number,
                field,
                f"'{value}' does not stand in {target}.csv",
                f"Use one of: {', '.join(sorted(known))}; or add it to {target}.csv",
            )
