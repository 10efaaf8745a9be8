"""Builds the static site from the published snapshot: every ``reports/pages/*.md`` in every language.

``<out>/<language>/<page>.html`` holds the text, the tables for the selection that a page opens with, and its data for
the script; ``<out>/assets`` the style, our script and Vega. All links are relative and nothing is fetched from
elsewhere, so that the folder works on any static host and from a disk. Adding a page is adding a file
(``docs/pages.md``).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from reports.charts import build_chart, vega_script
from reports.data import Rows, plain, run_query
from reports.definitions import Definitions, read_definitions, tables_of
from reports.errors import PageError
from reports.languages import LANGUAGES, MISSING, Language, format_of, label, moment, month, value_label, value_labels
from reports.pagefile import BLOCKS, Block, Filter, PageFile, fences, read_page
from reports.tables import Column, Words, figures, table
from reports.views import Selection, View, aggregate, read_view

HERE = Path(__file__).parent
PAGES = HERE / "pages"
STATIC = HERE / "static"
MODELS = HERE.parent / "models"
ASSETS = "assets"
DEFINITIONS = "definitions"
_OURS = (ASSETS, *(language.code for language in LANGUAGES))


@dataclass(frozen=True)
class Page:
    """One page of the site: its file stem, its titles by language code, and how many queries and charts it has."""

    name: str
    titles: Mapping[str, str]
    queries: int
    charts: int


@dataclass(frozen=True)
class Stamp:
    """Which data the site shows: as of when (UTC), under which rules, from which build."""

    as_of_at: dt.datetime | None
    ruleset_version: str | None
    build_id: str

    def shown(self, language: Language) -> dict[str, str]:
        """The stamp in words."""
        return {
            "as_of": moment(self.as_of_at, language),
            "rules": self.ruleset_version[:12] if self.ruleset_version else MISSING,
            "build_id": self.build_id,
        }


@dataclass(frozen=True)
class _Option:
    value: str
    label: str


@dataclass(frozen=True)
class _Choice:
    """A filter with what can be chosen on this page in one language."""

    filter: Filter
    options: tuple[_Option, ...]
    default: str | None

    def for_template(self, language: Language) -> dict[str, Any]:
        return {
            "name": self.filter.name,
            "label": self.filter.label[language.code],
            "options": self.options,
            "default": self.default,
            "range": self.filter.is_range,
            "compares": self.filter.compares,
        }

    def for_client(self, language: Language) -> dict[str, Any]:
        return {
            "name": self.filter.name,
            "column": self.filter.column,
            "label": self.filter.label[language.code],
            "options": [{"value": option.value, "label": option.label} for option in self.options],
            "default": self.default,
            "range": self.filter.is_range,
            "compares": self.filter.compares,
        }


def build_site(published_path: Path, out_dir: Path, pages_dir: Path = PAGES, models_dir: Path = MODELS) -> list[Page]:
    """Build every page in ``pages_dir`` from the snapshot at ``published_path`` into ``out_dir``.

    Returns the pages in the order of their front matter. Raises ``PageError`` for a missing snapshot, a failing query,
    an unknown column or a file that is no page; nothing is written then, so a broken page never replaces a good site.
    Pages of an earlier build that are no more are deleted.
    """
    if not published_path.exists():
        raise PageError(f"no published snapshot at {published_path}: run the pipeline first (make demo)")
    files = [read_page(file) for file in sorted(pages_dir.glob("*.md"))]
    if not files:
        raise PageError(f"no pages: {pages_dir} holds no .md file")
    files.sort(key=lambda file: (file.order, file.name))
    definitions = read_definitions(models_dir)
    snapshot = published_path.resolve()
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        stamp = _read_stamp(connection, snapshot)
        builders = [_PageBuilder(file, connection, definitions) for file in files]
    site = _Site(files, stamp)
    written: dict[str, str] = {"index.html": site.choose()}
    for language in LANGUAGES:
        for builder in builders:
            written[f"{language.code}/{builder.file.name}.html"] = site.page(builder, language)
    for language in LANGUAGES:
        written[f"{language.code}/{DEFINITIONS}.html"] = site.definitions(definitions, language)
    written[f"{ASSETS}/vega.js"] = vega_script()
    _write(out_dir, written)
    return [builder.page for builder in builders]


def _read_stamp(connection: duckdb.DuckDBPyConnection, snapshot: Path) -> Stamp:
    row = connection.execute("select as_of_at, ruleset_version, build_id from marts.published_build").fetchone()
    if row is None:
        raise PageError(f"{snapshot} has an empty marts.published_build: publish it again")
    return Stamp(*row)


def _write(out_dir: Path, texts: Mapping[str, str]) -> None:
    """Write the site, each file at once, then remove what an earlier build left in the folders that are ours."""
    for name, text in texts.items():
        path = out_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)  # noqa: PTH105 (says "atomic")
    copied = sorted(STATIC.iterdir())
    for file in copied:
        shutil.copyfile(file, out_dir / ASSETS / file.name)
    kept = {out_dir / name for name in texts} | {out_dir / ASSETS / file.name for file in copied}
    for folder in _OURS:
        for path in (out_dir / folder).iterdir():
            if path.is_file() and path not in kept:
                path.unlink()


class _Site:
    """What all pages share: templates, navigation, stamp."""

    def __init__(self, files: Sequence[PageFile], stamp: Stamp) -> None:
        self._files = files
        self._stamp = stamp
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def choose(self) -> str:
        """The page at the root: goes on to the reader's language."""
        codes = Markup(json.dumps([language.code for language in LANGUAGES]))
        return self._templates.get_template("choose.html").render(languages=LANGUAGES, codes=codes)

    def page(self, builder: _PageBuilder, language: Language) -> str:
        """One page in one language."""
        content = builder.content(language)
        return self._templates.get_template("page.html").render(
            title=builder.file.title[language.code],
            filters=content.filters,
            shown=content.shown,
            body=content.body,
            client=content.client,
            client_json=_json_in_html(content.client),
            **self._frame(builder.file.name, language),
        )

    def definitions(self, definitions: Definitions, language: Language) -> str:
        """What every number on the pages means."""
        models = []
        for name, about, columns in definitions.models():
            text, lang = about.text(language) if about else ("", None)
            items = []
            for item in columns:
                item_text, item_lang = item.text(language)
                items.append(
                    {
                        "anchor": item.anchor,
                        "column": item.column,
                        "label": label(item.column, language),
                        "text": item_text,
                        "lang": item_lang,
                    }
                )
            models.append({"name": name, "text": text, "lang": lang, "columns": items})
        return self._templates.get_template("definitions.html").render(
            models=models, **self._frame(DEFINITIONS, language)
        )

    def _frame(self, name: str, language: Language) -> dict[str, Any]:
        links = [
            {"href": f"{file.name}.html", "title": file.title[language.code], "is_current": file.name == name}
            for file in self._files
        ]
        links.append(
            {
                "href": f"{DEFINITIONS}.html",
                "title": language.word("definitions"),
                "is_current": name == DEFINITIONS,
            }
        )
        return {
            "language": language,
            "languages": [
                {
                    "href": f"../{other.code}/{name}.html",
                    "tag": other.tag,
                    "name": other.name,
                    "is_current": other is language,
                }
                for other in LANGUAGES
            ],
            "navigation": links,
            "home": links[0]["href"],
            "assets": f"../{ASSETS}",
            "stamp": self._stamp.shown(language),
        }


@dataclass(frozen=True)
class _Content:
    """A page's own part in one language."""

    body: Markup
    filters: list[dict[str, Any]]
    shown: str
    client: dict[str, Any] | None


class _PageBuilder:
    """One page: its queries are run once, then it is put into words for each language."""

    def __init__(self, file: PageFile, connection: duckdb.DuckDBPyConnection, definitions: Definitions) -> None:
        self.file = file
        self._definitions = definitions
        self._rows = {block.name: run_query(block, connection) for block in file.blocks if block.kind == "sql"}
        self._marts = {block.name: tables_of(block.text) for block in file.blocks if block.kind == "sql"}
        self._shown_tables = {
            block.name for block in file.blocks if block.kind in ("sql", "view") and not block.is_hidden
        }
        self.page = Page(
            file.name,
            file.title,
            queries=len(self._rows),
            charts=sum(block.kind == "chart" for block in file.blocks),
        )

    def content(self, language: Language) -> _Content:
        """The page in ``language``."""
        return _Translation(self, language, self._definitions, self._rows, self._marts, self._shown_tables).content()


class _Translation:
    """One page in one language, while it is put together."""

    def __init__(
        self,
        builder: _PageBuilder,
        language: Language,
        definitions: Definitions,
        rows: Mapping[str, Rows],
        marts: Mapping[str, list[str]],
        shown_tables: set[str],
    ) -> None:
        self._file = builder.file
        self._language = language
        self._definitions = definitions
        self._marts = marts
        self._shown_tables = shown_tables
        self._queries = {name: data.spoken(language) for name, data in rows.items()}
        self._blocks = {block.name: block for block in self._file.blocks if block.kind in ("sql", "view")}
        self._views: dict[str, View] = {
            block.name: read_view(block, self._queries) for block in self._file.blocks if block.kind == "view"
        }
        self._choices = [self._choice(chosen) for chosen in self._file.filters]
        self._words = self._read_words()
        self._currency = self._read_currency()
        self._selection = Selection(
            {
                choice.filter.name: (
                    (choice.options[0].value, choice.options[-1].value) if choice.filter.is_range else choice.default
                )
                for choice in self._choices
                if choice.options
            }
        )
        self._columns: dict[str, dict[str, Column]] = {}
        self._sent: set[str] = set()
        self._regions: dict[str, int] = {}
        self._charts: list[dict[str, Any]] = []

    def content(self) -> _Content:
        """Text, tables and data."""
        body = self._body()
        return _Content(
            body=body,
            filters=[choice.for_template(self._language) for choice in self._choices if choice.options],
            shown=self._shown(),
            client=self._client(),
        )

    def _body(self) -> Markup:
        markdown = MarkdownIt("commonmark").enable("table")
        tokens = markdown.parse(self._file.text(self._language))
        blocks = {block.place.line: block for block in fences(self._file.text(self._language), self._file.place.file)}
        parts: list[str] = []
        start = 0
        for index, token in enumerate(tokens):
            if token.type == "heading_open":
                token.attrSet("id", _slug(tokens[index + 1]))
            words = token.info.split() if token.type == "fence" else []
            if not words or words[0] not in BLOCKS:
                continue
            block = blocks[(token.map or [0])[0] + 1]
            parts.append(markdown.renderer.render(tokens[start:index], markdown.options, {}))
            parts.append(self._shown_block(block))
            start = index + 1
        parts.append(markdown.renderer.render(tokens[start:], markdown.options, {}))
        return Markup("\n".join(parts))

    def _shown_block(self, block: Block) -> str:
        match block.kind:
            case "sql" | "view":
                return "" if block.is_hidden else self._data(block)
            case "figures":
                return self._figures(block)
            case _:
                return self._chart(block)

    def _data(self, block: Block) -> Markup:
        caption = block.option("caption", self._language)
        title = Markup('<p class="title">{}</p>').format(caption) if caption else Markup("")
        return Markup('<section class="data" id="{}">{}{}</section>').format(
            block.name, title, self._table(block, caption or self._nearest_heading(block))
        )

    def _table(self, block: Block, name: str) -> Markup:
        records, total = self._records(block.name)
        self._sent.add(block.name)
        self._regions[name] = self._regions.get(name, 0) + 1
        if self._regions[name] > 1:
            name = f"{name} ({self._regions[name]})"
        inner = table(
            block.name,
            self._table_columns(block.name),
            records,
            total,
            self._words,
            self._language,
            self._currency,
            empty=block.option("empty", self._language),
        )
        csv = Markup('<p class="tools"><button type="button" hidden data-csv="{}">{}</button></p>').format(
            block.name, self._language.word("download")
        )
        return Markup('<div class="scroll" tabindex="0" role="region" aria-label="{}">{}</div>{}').format(
            name, inner, csv
        )

    def _figures(self, block: Block) -> Markup:
        self._known_source(block)
        records, _ = self._records(block.name)
        if len(records) > 1:
            raise block.place.error(f"figures {block.name}: they show one row, and {block.name} has {len(records)}")
        self._sent.add(block.name)
        return figures(
            block.name,
            self._table_columns(block.name),
            records[0] if records else {},
            self._words,
            self._language,
            self._currency,
        )

    def _chart(self, block: Block) -> Markup:
        source = self._known_source(block)
        columns = [column.name for column in self._all_columns(block.name)]
        chart = build_chart(block, columns, self._language)
        self._sent.add(block.name)
        key = f"{block.name}-{block.place.line}"
        self._charts.append(
            {
                "id": key,
                "source": chart.source,
                "spec": chart.spec,
                "months": chart.months,
                "measures": chart.measures,
            }
        )
        if block.name in self._shown_tables:
            data = Markup('<p class="tools"><a href="#{}">{}</a></p>').format(
                block.name, self._language.word("table_on_page")
            )
        else:
            data = Markup("<details><summary>{}</summary>{}</details>").format(
                self._language.word("table"), self._table(source, chart.title)
            )
        subtitle = Markup('<p class="subtitle">{}</p>').format(chart.subtitle) if chart.subtitle else Markup("")
        return Markup(
            '<figure class="chart"><figcaption><p class="title">{}</p>{}</figcaption>'
            '<div class="plot" role="img" aria-label="{}"><div data-chart="{}" aria-hidden="true"></div></div>'
            "{}</figure>"
        ).format(chart.title, subtitle, chart.description, key, data)

    def _known_source(self, block: Block) -> Block:
        source = self._blocks.get(block.name)
        if source is None:
            known = ", ".join(sorted(self._blocks))
            raise block.place.error(f"{block.kind}: no query or view is called {block.name}: {known}")
        return source

    def _records(self, name: str) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """The rows for the selection that the page opens with; a view of several rows has a total, too."""
        if name in self._views:
            records, total = aggregate(self._views[name], self._queries, self._file.filters, self._selection)
            return records, total if self._views[name].has_total else None
        data = self._queries[name]
        keeps = self._selection.keeper(self._file.filters, data.columns)
        return Rows(data.columns, list(filter(keeps, data.rows))).records(), None

    def _table_columns(self, name: str) -> list[Column]:
        """Columns of a table: without those that say the same in every row (the choice, the currency)."""
        columns = self._all_columns(name)
        hidden = {choice.filter.column for choice in self._choices if choice.options and not choice.filter.is_range}
        if any(column.format == "money" for column in columns):
            hidden.add("currency")
        return [column for column in columns if column.name not in hidden]

    def _all_columns(self, name: str) -> list[Column]:
        if name not in self._columns:
            self._columns[name] = {column.name: column for column in self._describe(name)}
        return list(self._columns[name].values())

    def _describe(self, name: str) -> list[Column]:
        view = self._views.get(name)
        if view is None:
            data = self._queries[name]
            return [self._column(column, data.sample(column), self._marts[name]) for column in data.columns]
        marts = [mart for query in view.sums for mart in self._marts[query]]
        marts = [view.described_by, *marts] if view.described_by else marts
        series = [choice.filter.column for choice in self._choices if choice.filter.compares]
        names = [*view.columns, *(column for column in series if column not in view.columns)]
        return [self._column(column, self._view_sample(view, column), marts) for column in names]

    def _view_sample(self, view: View, column: str) -> Any:
        if column in view.ratios or column in view.shares:
            return 0.0
        return next(
            (self._queries[query].sample(column) for query in view.sums if column in self._queries[query].columns), None
        )

    def _column(self, name: str, sample: Any, marts: list[str]) -> Column:
        kind, decimals = format_of(name, sample)
        found = self._definitions.find(name, marts)
        definition = None
        if found:
            text, lang = found.text(self._language)
            definition = {"href": f"{DEFINITIONS}.html#{found.anchor}", "text": text, "lang": lang}
        return Column(name, label(name, self._language), kind, decimals, definition)

    def _choice(self, chosen: Filter) -> _Choice:
        place = self._file.place
        values = {
            _text(row[data.columns.index(chosen.column)])
            for data in self._queries.values()
            if chosen.column in data.columns
            for row in data.rows
            if row[data.columns.index(chosen.column)] is not None
        }
        if not any(chosen.column in data.columns for data in self._queries.values()):
            raise place.error(f"filter {chosen.name}: no query of this page has a column {chosen.column}")
        if chosen.is_range:
            days = [dt.date.fromisoformat(value[:10]) for value in values]
            months = _months(min(days), max(days)) if days else []
            options = [_Option(day.isoformat(), month(day, self._language)) for day in months]
        elif chosen.options:
            options = [
                _Option(value, words) for value, words in self._dictionary(chosen.options, chosen.column).items()
            ]
        else:
            options = [
                _Option(value, str(value_label(chosen.column, value, self._language))) for value in sorted(values)
            ]
        default = chosen.default if any(option.value == chosen.default for option in options) else None
        if default is None and options:
            default = options[0].value
        return _Choice(chosen, tuple(options), None if chosen.is_range else default)

    def _dictionary(self, query: str, column: str) -> dict[str, str]:
        data = self._queries.get(query)
        if data is None:
            raise self._file.place.error(f"no query is called {query}, which is to name the values of {column}")
        if not {"value", "label"} <= set(data.columns):
            raise self._blocks[query].place.error(f"query {query}: it needs value, label_en and label_pt")
        return {
            str(record["value"]): record["label"] or str(value_label(column, record["value"], self._language))
            for record in data.records()
        }

    def _read_words(self) -> Words:
        words: dict[str, dict[str, str]] = {}
        for (column, value), names in value_labels().items():
            words.setdefault(column, {})[value] = names[self._language.code]
        for column, query in self._file.labels.items():
            words[column] = {**words.get(column, {}), **self._dictionary(query, column)}
        for choice in self._choices:
            if not choice.filter.is_range:
                words[choice.filter.column] = {option.value: option.label for option in choice.options}
        return Words(words)

    def _read_currency(self) -> str | None:
        samples = (data.sample("currency") for data in self._queries.values() if "currency" in data.columns)
        return next((str(sample) for sample in samples if sample), None)

    def _shown(self) -> str:
        """The selection in words, for print and for readers without a script."""
        said = []
        for choice in self._choices:
            if not choice.options:
                continue
            if choice.filter.is_range:
                value = f"{choice.options[0].label} {self._language.word('to')} {choice.options[-1].label}"
            else:
                value = next(option.label for option in choice.options if option.value == choice.default)
            said.append(f"{choice.filter.label[self._language.code]}: {value}")
        return " · ".join(said)

    def _client(self) -> dict[str, Any] | None:
        """Everything that the script needs; None for a page of text."""
        if not self._sent:
            return None
        queries = {name for name in self._sent if name in self._queries}
        for name in self._sent & set(self._views):
            queries |= set(self._views[name].sums)
        columns = {name: self._all_columns(name) for name in sorted(self._sent)}
        used = {column.name for listed in columns.values() for column in listed}
        return {
            "page": self._file.name,
            "language": self._language.for_client(),
            "locale": {
                "number": self._language.number_locale(self._currency),
                "time": self._language.time_locale(),
            },
            "currency": self._currency,
            "filters": [choice.for_client(self._language) for choice in self._choices if choice.options],
            "words": {column: words for column, words in self._words.by_column.items() if column in used},
            "sources": {
                name: {
                    "columns": {column.name: column.for_client() for column in listed},
                    "shown": [column.name for column in self._table_columns(name)],
                    "empty": self._blocks[name].option("empty", self._language),
                }
                for name, listed in columns.items()
            },
            "views": {name: self._views[name].for_client() for name in sorted(self._sent & set(self._views))},
            "charts": self._charts,
            "queries": {name: self._queries[name].compact for name in sorted(queries)},
        }

    def _nearest_heading(self, block: Block) -> str:
        """The heading above a block, to name what has no caption."""
        text = self._file.text(self._language).splitlines()
        above = (line for line in reversed(text[: block.place.line - 1]) if line.startswith("#"))
        return next(above, self._file.title[self._language.code]).lstrip("# ")


def _slug(inline: Token) -> str:
    words = "".join(sign if sign.isalnum() else " " for sign in inline.content.lower()).split()
    return "-".join(words) or "section"


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    count = (last.year - first.year) * 12 + last.month - first.month
    return [
        dt.date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1)
        for step in range(count + 1)
    ]


def _text(value: Any) -> str:
    return str(plain(value))


def _json_in_html(value: Any) -> Markup:
    """JSON that a script element can hold: no ``<`` in it, so nothing in the data can end the element."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=plain).replace("<", "\\u003c"))
