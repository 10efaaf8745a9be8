"""Reads one page: a Markdown file with front matter, texts in two languages, queries, views, figures and charts.

Nothing is asked of a database here. Every part keeps the line on which it stands, so that whoever uses it can name it
in an error. ``docs/pages.md`` describes the format for people who write pages.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

from reports.errors import PageError
from reports.languages import LANGUAGES, Language

#: Kinds of blocks besides plain code: the first word after the fence.
BLOCKS = ("sql", "view", "figures", "chart")
_OPTIONS = {
    "sql": {"hidden", "caption_en", "caption_pt", "empty_en", "empty_pt"},
    "view": {"hidden", "caption_en", "caption_pt", "empty_en", "empty_pt"},
    "figures": set[str](),
    "chart": set[str](),
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CODES = {language.code for language in LANGUAGES}


@dataclass(frozen=True)
class Place:
    """Where in which file something stands; ``line`` counts from 1."""

    file: str
    line: int

    def error(self, message: str) -> PageError:
        """An error that names this place."""
        return PageError(f"{self.file}, line {self.line}: {message}")

    def below(self, lines: int) -> Place:
        """The place so many lines further down."""
        return Place(self.file, self.line + lines)


@dataclass(frozen=True)
class Block:
    """A fenced block that the builder replaces.

    ``name`` is the query's or view's own name; of figures and charts the query or view they show. ``options`` are the
    words after the name; ``text`` is what stands between the fences, its first line on ``place.line + 1``.
    """

    kind: str
    name: str
    options: Mapping[str, str]
    text: str
    place: Place

    @property
    def is_hidden(self) -> bool:
        """Data only: no table is shown at this place."""
        return "hidden" in self.options

    def option(self, name: str, language: Language) -> str | None:
        """An option that is given once for each language."""
        return self.options.get(f"{name}_{language.code}")

    def line_of(self, word: str) -> Place:
        """The line of the block that holds ``word``; the block's first line where none does."""
        for offset, line in enumerate(self.text.splitlines(), start=1):
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", line):
                return self.place.below(offset)
        return self.place

    def yaml(self) -> Any:
        """The block's text as YAML. Raises ``PageError`` on the line that cannot be read."""
        return read_yaml(self.text, self.place.below(1))


@dataclass(frozen=True)
class Filter:
    """One choice that a reader can make. It applies to every query that has the column.

    ``options`` names the query that lists the values (columns ``value``, ``label_en``, ``label_pt``); None: the values
    that occur. A range is of months, from and to. ``compares`` allows a second choice beside the first.
    """

    name: str
    column: str
    label: Mapping[str, str]
    options: str | None
    default: str | None
    is_range: bool
    compares: bool


@dataclass(frozen=True)
class PageFile:
    """One page as its file says. ``blocks`` are in the order of the file, each once whatever its language."""

    name: str
    order: int
    title: Mapping[str, str]
    filters: tuple[Filter, ...]
    labels: Mapping[str, str]
    blocks: tuple[Block, ...]
    place: Place
    lines: tuple[str, ...] = field(repr=False, default=())
    spoken: tuple[str | None, ...] = field(repr=False, default=())

    def text(self, language: Language) -> str:
        """The Markdown for one language: lines of others are blank, so that line numbers stay those of the file."""
        return "\n".join(
            line if code in (None, language.code) else "" for line, code in zip(self.lines, self.spoken, strict=True)
        )


def read_page(file: Path) -> PageFile:
    """Read ``file``. Raises ``PageError`` with file and line for anything that is not a page."""
    place = Place(file.name, 1)
    lines, front, body_start = _front_matter(file.read_text(encoding="utf-8").splitlines(), place)
    lines, spoken = _languages(lines, body_start, file.name)
    blocks = _blocks(lines, spoken, file.name)
    title = _both(front.get("title"), "title", place)
    labels = front.get("labels") or {}
    unknown = set(front) - {"order", "title", "filters", "labels"}
    if unknown:
        raise place.error(f"unknown in the front matter: {', '.join(sorted(unknown))}")
    order = front.get("order")
    if not isinstance(order, int):
        raise place.error("the front matter needs `order`, a whole number")
    if not isinstance(labels, dict):
        raise place.error("`labels` names the query that holds the words of a column: {column: query}")
    filters = tuple(_filter(item, place) for item in front.get("filters") or [])
    return PageFile(file.stem, order, title, filters, labels, blocks, place, tuple(lines), tuple(spoken))


def read_yaml(text: str, place: Place) -> Any:
    """YAML that starts at ``place``. Raises ``PageError`` on the line that cannot be read."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        raise place.below(line).error(f"this is not YAML: {error.problem}") from error


def in_language(value: Any, language: Language) -> Any:
    """``value`` with every ``{en: ..., pt: ...}`` in it replaced by what it says in ``language``."""
    if isinstance(value, dict):
        if value and set(value) == _CODES:
            return value[language.code]
        return {key: in_language(item, language) for key, item in value.items()}
    if isinstance(value, list):
        return [in_language(item, language) for item in value]
    return value


def _front_matter(lines: list[str], place: Place) -> tuple[list[str], dict[str, Any], int]:
    if not lines or lines[0].strip() != "---":
        raise place.error("a page starts with front matter: a line ---, `order:` and `title:`, a line ---")
    for number, line in enumerate(lines[1:], start=1):
        if line.strip() == "---":
            front = read_yaml("\n".join(lines[1:number]), place.below(1))
            if not isinstance(front, dict):
                raise place.error("the front matter is empty: it needs `order:` and `title:`")
            return [""] * (number + 1) + lines[number + 1 :], front, number + 1
    raise place.error("the front matter has no end: a line with --- alone")


def _languages(lines: list[str], start: int, file: str) -> tuple[list[str], list[str | None]]:
    """The lines without their ``:::`` marks, and the language of each (None: all)."""
    kept: list[str] = []
    spoken: list[str | None] = []
    current: str | None = None
    opened, fence = 0, ""
    for number, line in enumerate(lines):
        mark = line.strip()
        if not fence and number >= start and mark.startswith(":::"):
            code = mark[3:].strip()
            if code and current:
                raise Place(file, number + 1).error(f"::: {code} inside ::: {current} of line {opened}")
            if code and code not in _CODES:
                raise Place(file, number + 1).error(f"unknown language {code!r}: one of {', '.join(sorted(_CODES))}")
            if not code and not current:
                raise Place(file, number + 1).error("::: closes nothing")
            current, opened = code or None, number + 1
            line = ""
        elif mark.startswith("```"):
            fence = "" if fence and mark == "```" else (fence or "```")
        kept.append(line)
        spoken.append(current)
    if current:
        raise Place(file, opened).error(f"::: {current} is not closed")
    return kept, spoken


def _blocks(lines: list[str], spoken: list[str | None], file: str) -> tuple[Block, ...]:
    """All blocks of all languages, each once."""
    found: dict[int, Block] = {}
    for language in LANGUAGES:
        text = "\n".join(
            line if code in (None, language.code) else "" for line, code in zip(lines, spoken, strict=True)
        )
        for block in fences(text, file):
            found[block.place.line] = block
    blocks = tuple(found[line] for line in sorted(found))
    names: dict[str, Block] = {}
    for block in blocks:
        if block.kind in ("sql", "view"):
            if block.name in names:
                raise block.place.error(f"{block.name} is the name of line {names[block.name].place.line} already")
            names[block.name] = block
    return blocks


def fences(text: str, file: str) -> Iterator[Block]:
    """The blocks in a Markdown text, in its order. Raises ``PageError`` for a block whose head cannot be read."""
    for token in MarkdownIt("commonmark").parse(text):
        words = token.info.split(maxsplit=1) if token.type == "fence" else []
        if words and words[0] in BLOCKS:
            yield _block(words[0], words[1] if len(words) > 1 else "", token.content, Place(file, _line(token.map)))


def _line(lines: list[int] | None) -> int:
    return (lines or [0])[0] + 1


def _block(kind: str, head: str, text: str, place: Place) -> Block:
    try:
        words = shlex.split(head)
    except ValueError as error:
        raise place.error(f"the head of this block cannot be read: {error}") from error
    if not words or not _NAME.fullmatch(words[0]):
        raise place.error(f"a {kind} block needs a name of small letters, digits and _: ```{kind} <name>")
    options = dict(word.partition("=")[::2] for word in words[1:])
    unknown = set(options) - _OPTIONS[kind]
    if unknown:
        raise place.error(f"unknown option of a {kind} block: {', '.join(sorted(unknown))}")
    return Block(kind, words[0], options, text, place)


def _both(value: Any, what: str, place: Place) -> Mapping[str, str]:
    if not isinstance(value, dict) or set(value) != _CODES or not all(isinstance(text, str) for text in value.values()):
        raise place.error(f"`{what}` is needed in every language: {{{', '.join(f'{code}: ...' for code in _CODES)}}}")
    return value


def _filter(item: Any, place: Place) -> Filter:
    known = {"name", "column", "label", "options", "default", "range", "compare"}
    if not isinstance(item, dict) or not {"name", "column", "label"} <= set(item) <= known:
        raise place.error(f"a filter has name, column, label and may have {', '.join(sorted(known))}: {item}")
    return Filter(
        name=str(item["name"]),
        column=str(item["column"]),
        label=_both(item["label"], "label", place),
        options=item.get("options"),
        default=item.get("default"),
        is_range=bool(item.get("range", False)),
        compares=bool(item.get("compare", False)),
    )
