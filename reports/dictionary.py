"""The data dictionary: what each public table and column means, is made of and is used for, out of dbt's manifest.

Public tables are the models of schema ``marts``; an area is their folder (``models/marts/<area>``). All that the pages
tell stands in the models' YAML, so that a definition has one place only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.languages import LANGUAGES

Json = Mapping[str, Any]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """A column of a public table: type of its contract, meaning with unit, and what tests hold it to."""

    name: str
    data_type: str
    description: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class PublicTable:
    """A model of ``marts``: ``parents`` and ``children`` are names of models, seeds, sources and exposures."""

    name: str
    area: str
    description: str
    file: str
    columns: tuple[Column, ...]
    parents: tuple[str, ...]
    sources: tuple[str, ...]
    rules: tuple[str, ...]
    children: tuple[str, ...]
    users: tuple[str, ...]


def public_tables(manifest: Json) -> list[PublicTable]:
    """The public tables of a parsed project, by area and name.

    ``sources`` and ``rules`` are all raw tables and seeds that a table is made of, however far up; ``parents`` and
    ``children`` are the next models only.
    """
    nodes: Json = manifest["nodes"]
    tests = _tests_by_column(nodes)
    exposures: Json = manifest["exposures"]
    tables = []
    for key, node in nodes.items():
        folders = Path(node["original_file_path"]).parts
        if node["resource_type"] != "model" or folders[:2] != ("models", "marts"):
            continue
        ancestors = [*_ancestors(manifest["parent_map"], key)]
        columns = tuple(
            Column(name, column["data_type"] or "", column["description"], tests[key, name])
            for name, column in node["columns"].items()
        )
        children = [child for child in manifest["child_map"][key] if _kind(child) == "model"]
        users = [
            exposures[child]["label"] or child for child in manifest["child_map"][key] if _kind(child) == "exposure"
        ]
        tables.append(
            PublicTable(
                name=node["name"],
                area=folders[2],
                description=node["description"],
                file=node["original_file_path"],
                columns=columns,
                parents=_names(parent for parent in manifest["parent_map"][key] if _kind(parent) in ("model", "seed")),
                sources=_names(ancestor for ancestor in ancestors if _kind(ancestor) == "source"),
                rules=_names(ancestor for ancestor in ancestors if _kind(ancestor) == "seed"),
                children=_names(children),
                users=tuple(sorted(users)),
            )
        )
    return sorted(tables, key=lambda table: (table.area, table.name))


def write_dictionary(manifest: Json, out_dir: Path) -> int:
    """Writes ``index.html`` (all tables) and one page an area into ``out_dir``; returns the number of tables."""
    tables = public_tables(manifest)
    areas: dict[str, list[PublicTable]] = defaultdict(list)
    for table in tables:
        areas[table.area].append(table)
    places = {table.name: f"{table.area}.html#{table.name}" for table in tables}
    out_dir.mkdir(parents=True, exist_ok=True)
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = templates.get_template("dictionary.html")
    english = next(language for language in LANGUAGES if language.code == "en")
    for name, shown in (("index", None), *areas.items()):
        links = [{"href": f"{area}.html", "title": area, "is_current": area == name} for area in areas]
        html = template.render(
            areas=areas,
            shown=shown,
            area=name,
            places=places,
            language=english,
            languages=[],
            navigation=links,
            home="index.html",
            assets=".",
        )
        (out_dir / f"{name}.html").write_text(html, encoding="utf-8")
    copyfile(HERE / "static" / "style.css", out_dir / "style.css")
    return len(tables)


def _tests_by_column(nodes: Json) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """By model and column: what tests hold the column to, in words."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for node in nodes.values():
        if node["resource_type"] != "test" or not node.get("column_name") or not node.get("attached_node"):
            continue
        test = node["test_metadata"]
        found[node["attached_node"], node["column_name"]].append(_in_words(test["name"], test["kwargs"]))
    return defaultdict(tuple, {place: tuple(sorted(words)) for place, words in found.items()})


def _in_words(test: str, arguments: Json) -> str:
    match test:
        case "accepted_values":
            return "one of " + ", ".join(str(value) for value in arguments["values"])
        case "relationships":
            # "ref('dim_contacts')": the name alone is for people.
            return f"found in {str(arguments['to']).split(chr(39))[1]}.{arguments['field']}"
        case _:
            return test.replace("_", " ")


def _ancestors(parents: Mapping[str, Sequence[str]], key: str) -> Iterator[str]:
    seen: set[str] = set()
    waiting = list(parents[key])
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            yield one
            waiting += parents.get(one, ())


def _kind(key: str) -> str:
    return key.split(".", 1)[0]


def _names(keys: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    """Names without the project's; a source keeps its schema: ``raw_hubspot.contacts``."""
    return tuple(sorted({".".join(key.split(".")[2:]) for key in keys}))
