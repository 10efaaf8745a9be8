"""Tables and figures in HTML, as the page shows them before any script runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from reports.languages import Language, written

NUMERIC = ("number", "money", "percent", "share")


@dataclass(frozen=True)
class Column:
    """A shown column: name, label, format, decimals, and its definition: ``href``, ``text``, ``lang`` (or None)."""

    name: str
    label: str
    format: str
    decimals: int
    definition: Mapping[str, str | None] | None

    @property
    def is_numeric(self) -> bool:
        """Aligned to the right, in tabular figures."""
        return self.format in NUMERIC

    def for_client(self) -> dict[str, Any]:
        """The column as the script needs it."""
        return {
            "label": self.label,
            "format": self.format,
            "decimals": self.decimals,
            "definition": self.definition,
        }


@dataclass(frozen=True)
class Words:
    """How coded values are called: by column, then by value."""

    by_column: Mapping[str, Mapping[str, str]]

    def of(self, column: str, value: Any) -> Any:
        """The word for a value; the value itself where there is none."""
        words = self.by_column.get(column)
        return words.get(str(value), value) if words and value is not None else value


def table(
    source: str,
    columns: Sequence[Column],
    records: Sequence[Mapping[str, Any]],
    total: Mapping[str, Any] | None,
    words: Words,
    language: Language,
    currency: str | None,
    shown: int | None = None,
    empty: str | None = None,
) -> Markup:
    """A table of ``records``, the first ``shown`` of them. ``total`` is its last line; its first column says so."""
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_aligned(column), head_cell(column)) for column in columns
    )
    lines = [
        Markup("<tr>{}</tr>").format(
            Markup("").join(_cell(column, row, words, language, currency) for column in columns)
        )
        for row in records[:shown]
    ]
    if not lines:
        nothing = empty or language.word("no_rows")
        lines = [Markup('<tr><td colspan="{}" class="none">{}</td></tr>').format(len(columns), nothing)]
    foot = Markup("")
    if total is not None and records:
        cells = [Markup('<th scope="row">{}</th>').format(language.word("total"))]
        cells += [
            _cell(column, total, words, language, currency) if column.is_numeric else Markup("<td></td>")
            for column in columns[1:]
        ]
        foot = Markup("<tfoot><tr>{}</tr></tfoot>").format(Markup("").join(cells))
    return Markup('<table data-source="{}"><thead><tr>{}</tr></thead>\n<tbody>{}</tbody>{}</table>').format(
        source, head, Markup("\n").join(lines), foot
    )


def head_cell(column: Column) -> Markup:
    """A column's name, a link to its definition where there is one."""
    if column.definition is None:
        return escape(column.label)
    return Markup('<a class="term" href="{}">{}</a>').format(column.definition["href"], column.label)


def figures(
    source: str,
    columns: Sequence[Column],
    record: Mapping[str, Any],
    words: Words,
    language: Language,
    currency: str | None,
) -> Markup:
    """The columns of one row as large figures with their names."""
    items = Markup("").join(
        Markup('<div><dt>{}</dt><dd data-column="{}">{}</dd></div>').format(
            head_cell(column), column.name, _written(column, record, words, language, currency)
        )
        for column in columns
    )
    return Markup('<dl class="figures" data-figures="{}">{}</dl>').format(source, items)


def _aligned(column: Column) -> Markup:
    return Markup(' class="number"') if column.is_numeric else Markup("")


def _cell(column: Column, row: Mapping[str, Any], words: Words, language: Language, currency: str | None) -> Markup:
    return Markup("<td{}>{}</td>").format(_aligned(column), _written(column, row, words, language, currency))


def _written(column: Column, row: Mapping[str, Any], words: Words, language: Language, currency: str | None) -> str:
    value = words.of(column.name, row.get(column.name))
    return written(value, column.format, column.decimals, language, row.get("currency") or currency)
