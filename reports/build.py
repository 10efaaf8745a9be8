"""Builds the static site: every ``reports/pages/*.md`` becomes one HTML page.

A page is Markdown. A fenced block whose info string is ``sql <name>`` is a query on the published snapshot (schema
``marts``); the block is replaced by its result as a table. Adding a page is adding a file. The first heading is the
page's title. A query that fails stops the build with the file and the line of the block.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

HERE = Path(__file__).parent
PAGES = HERE / "pages"


class PageError(Exception):
    """A page that cannot be built: names the file, the line and what the query said."""


@dataclass(frozen=True)
class Page:
    """One built page: its file stem, title and the number of queries on it."""

    name: str
    title: str
    queries: int


def build_site(published_path: Path, out_dir: Path, pages_dir: Path = PAGES) -> list[Page]:
    """Build every page in ``pages_dir`` from the snapshot at ``published_path`` into ``out_dir``.

    Returns the pages, `index` first, then by file name. Raises ``PageError`` for a missing snapshot or a failing query;
    in that case nothing is written, so a broken page never replaces a good site.
    """
    if not published_path.exists():
        raise PageError(f"no published snapshot at {published_path}: run the pipeline first (make demo)")
    snapshot = published_path.resolve()
    files = sorted(pages_dir.glob("*.md"), key=lambda file: (file.stem != "index", file.stem))
    if not files:
        raise PageError(f"no pages: {pages_dir} holds no .md file")
    environment = Environment(loader=FileSystemLoader(HERE / "templates"), undefined=StrictUndefined, autoescape=True)
    template = environment.get_template("page.html")
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        build = connection.execute("select build_id, as_of_at, ruleset_version from marts.published_build").fetchone()
        if build is None:
            raise PageError(f"{snapshot} has an empty marts.published_build: publish it again")
        rendered = [_render_page(file, connection) for file in files]
    pages = [page for page, _ in rendered]
    out_dir.mkdir(parents=True, exist_ok=True)
    for page, body in rendered:
        html = template.render(
            page=page,
            pages=pages,
            body=body,
            build_id=build[0],
            as_of=_cell(build[1]),
            ruleset_version=build[2],
        )
        (out_dir / f"{page.name}.html").write_text(html, encoding="utf-8")
    return pages


def _render_page(file: Path, connection: duckdb.DuckDBPyConnection) -> tuple[Page, str]:
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(file.read_text(encoding="utf-8"))
    title, queries, parts, start = file.stem, 0, [], 0
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h1" and title == file.stem:
            title = tokens[index + 1].content
        words = token.info.split()
        if token.type != "fence" or not words or words[0] != "sql":
            continue
        line = (token.map or [0])[0] + 1
        if len(words) != 2:
            raise PageError(f"{file.name}, line {line}: a SQL block needs one name: ```sql <name>")
        parts.append(markdown.renderer.render(tokens[start:index], markdown.options, {}))
        parts.append(_table(file, line, words[1], token.content, connection))
        queries, start = queries + 1, index + 1
    parts.append(markdown.renderer.render(tokens[start:], markdown.options, {}))
    return Page(file.stem, title, queries), "\n".join(parts)


def _table(file: Path, line: int, name: str, sql: str, connection: duckdb.DuckDBPyConnection) -> str:
    try:
        result = connection.execute(sql)
    except duckdb.Error as error:
        raise PageError(f"{file.name}, line {line}, query {name}: {error}") from error
    columns = [column[0] for column in result.description or []]
    rows = result.fetchall()
    numeric = [any(_is_number(row[place]) for row in rows) for place in range(len(columns))]
    head = "".join(
        f'<th scope="col"{_NUMBER if is_numeric else ""}>{escape(column.replace("_", " "))}</th>'
        for column, is_numeric in zip(columns, numeric, strict=True)
    )
    body = "\n".join(_row(row) for row in rows) or f'<tr><td colspan="{len(columns)}">No rows.</td></tr>'
    return (
        f'<div class="scroll"><table id="{escape(name)}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


_NUMBER = ' class="number"'


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _row(row: Sequence[object]) -> str:
    cells = [f"<td{_NUMBER if _is_number(value) else ''}>{escape(_cell(value))}</td>" for value in row]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(value: object) -> str:
    """A value as a reader expects it: grouped thousands, a dash for unknown, minutes for timestamps (UTC)."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float() | Decimal():
            return f"{value:,.2f}"
        case dt.datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case _:
            return str(value)
