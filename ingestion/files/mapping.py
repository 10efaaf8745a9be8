"""Mapping files: how the columns of an export become the columns of our raw tables.

``docs/examples/README.md`` explains the format with an example; every mistake in a mapping is answered with the file,
the entity, the key, the rule and what to write instead.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from ingestion.errors import MappingError
from ingestion.schemas import RAW_TABLES, RawTable
from ingestion.tabular import Layout

DATASET = "raw_files"
#: In the order in which they are loaded: what others refer to comes first.
ENTITIES = ("owners", "products", "accounts", "contacts", "opportunities")
#: Which entity a reference column points to.
REFERENCES = {
    "parent_ref": "accounts",
    "account_ref": "accounts",
    "owner_ref": "owners",
    "contact_ref": "contacts",
    "product_ref": "products",
}
_OURS = ("source", "record_id", "extra", "_source_file", "_source_row", "_loaded_at")
_MAPPING_KEYS = ("name", "root", "entities")
_ENTITY_KEYS = (
    "path", "format", "delimiter", "encoding", "null_values", "key", "columns", "required", "date_formats",
    "decimal_mark", "group_mark",
)  # fmt: skip
_COLUMN_KEYS = ("column", "value", "type", "scale", "date_formats", "refers_to")
_TYPES = ("text", "number", "integer", "date")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class ColumnRule:
    """Where one canonical column comes from: a column of the export, or a constant."""

    target: str
    column: str | None = None
    constant: str | None = None
    kind: str = "text"
    scale: Decimal = Decimal(1)
    date_formats: tuple[str, ...] = ("iso",)
    refers_to: str = "id"


@dataclass(frozen=True)
class EntityRule:
    """How one entity is read."""

    name: str
    path: str
    layout: Layout
    # Columns that make the record id; empty: the id is made from the row's content.
    key: tuple[str, ...]
    columns: tuple[ColumnRule, ...]
    required: tuple[str, ...]
    decimal_mark: str = "."
    group_mark: str = ""

    @property
    def table(self) -> RawTable:
        """The raw table the entity goes to."""
        return RAW_TABLES[f"{DATASET}.{self.name}"]

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every column of the export that the mapping names."""
        named = [rule.column for rule in self.columns if rule.column is not None]
        return tuple(dict.fromkeys([*self.key, *named]))


@dataclass(frozen=True)
class MappingFile:
    """One export: the source's name, the folder its paths start from, and its entities in loading order."""

    name: str
    root: Path
    entities: tuple[EntityRule, ...] = field(default_factory=tuple)


def read_mapping(path: str | Path, root: str | Path | None = None) -> MappingFile:
    """Reads and checks a mapping file.

    Args:
        path: the YAML file.
        root: folder of the export; wins over ``root:`` in the file, which is relative to the mapping file and may use
            ``${VARIABLE}`` or ``${VARIABLE:-default}``; without either, the mapping file's own folder.

    Raises:
        MappingError: with the file, the entity, the key, the rule and what to do.
    """
    file = Path(path)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{file}: cannot be read ({error.strerror}); name an existing mapping file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{file}: is not YAML: {' '.join(str(error).split())}") from error
    where = str(file)
    document = _object(content, where)
    _known_keys(document, _MAPPING_KEYS, where)
    name = _text(document.get("name"), f"{where}: name")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise MappingError(f"{where}: name: {name!r} must be lower case letters, digits and _, such as maven_crm")
    if name in ("hubspot", "hubspot_forms", "events", "ads", "enrichment"):
        raise MappingError(f"{where}: name: {name!r} is the name of a built-in source; choose another")
    entities = _object(document.get("entities"), f"{where}: entities")
    if not entities:
        raise MappingError(f"{where}: entities: is empty; map at least one of {', '.join(ENTITIES)}")
    _known_keys(entities, ENTITIES, f"{where}: entities")
    return MappingFile(
        name=name,
        root=_root(file, document, root),
        entities=tuple(_entity(key, entities[key], f"{where}: {key}") for key in ENTITIES if key in entities),
    )


def _root(file: Path, document: Mapping[str, Any], root: str | Path | None) -> Path:
    if root is not None:
        return Path(root)
    written = document.get("root")
    if written is None:
        return file.parent

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise MappingError(
                f"{file}: root: the environment variable {match[1]} is not set; set it to the export's folder"
            )
        return found

    return file.parent / Path(_VARIABLE.sub(value, _text(written, f"{file}: root"))).expanduser()


def _entity(name: str, content: Any, where: str) -> EntityRule:
    entity = _object(content, where)
    _known_keys(entity, _ENTITY_KEYS, where)
    table = RAW_TABLES[f"{DATASET}.{name}"]
    targets = [column for column in table.columns.names if column not in _OURS]
    formats = _texts(entity.get("date_formats", ["iso"]), f"{where}: date_formats")
    columns = _object(entity.get("columns"), f"{where}: columns")
    _known_keys(columns, targets, f"{where}: columns")
    rules = tuple(_column(target, columns[target], table, formats, f"{where}: columns: {target}") for target in columns)
    required = _texts(entity.get("required", []), f"{where}: required")
    for column in required:
        if column not in columns:
            raise MappingError(f"{where}: required: {column!r} is not mapped; map it under columns or leave it out")
    if entity.get("format") not in (None, "csv", "parquet"):
        raise MappingError(f"{where}: format: {entity['format']!r} must be csv or parquet (or leave it out)")
    decimal_mark = _text(entity.get("decimal_mark", "."), f"{where}: decimal_mark")
    group_mark = str(entity.get("group_mark") or "")
    if len(decimal_mark) != 1 or len(group_mark) > 1 or decimal_mark == group_mark:
        raise MappingError(f"{where}: decimal_mark and group_mark must be two different single characters")
    return EntityRule(
        name=name,
        path=_text(entity.get("path"), f"{where}: path"),
        layout=Layout(
            delimiter=None if entity.get("delimiter") is None else _delimiter(entity["delimiter"], where),
            encoding=_encoding(entity.get("encoding", "utf-8-sig"), where),
            null_values=frozenset(["", *_texts(entity.get("null_values", []), f"{where}: null_values")]),
        ),
        key=_key(entity.get("key"), where),
        columns=rules,
        required=required,
        decimal_mark=decimal_mark,
        group_mark=group_mark,
    )


def _key(content: Any, where: str) -> tuple[str, ...]:
    if content is None:
        raise MappingError(
            f"{where}: key: is missing; name the column(s) of the export that identify a record, or write "
            "key: generated to have an id made from each row's content"
        )
    return () if content == "generated" else _texts(content, f"{where}: key")


def _column(target: str, content: Any, table: RawTable, formats: tuple[str, ...], where: str) -> ColumnRule:
    if isinstance(content, str):
        content = {"column": content}
    rule = _object(content, where)
    _known_keys(rule, _COLUMN_KEYS, where)
    if ("column" in rule) == ("value" in rule):
        raise MappingError(f"{where}: give either column (of the export) or value (a constant)")
    is_date = str(table.columns.field(target).type).startswith("timestamp")
    kind = str(rule.get("type", "date" if is_date else "text"))
    if kind not in _TYPES:
        raise MappingError(f"{where}: type: {kind!r} must be one of {', '.join(_TYPES)}")
    if is_date != (kind == "date"):
        raise MappingError(f"{where}: type: {target} {'is always' if is_date else 'cannot be'} a date")
    refers_to = str(rule.get("refers_to", "id"))
    if refers_to not in ("id", "name") or ("refers_to" in rule and target not in REFERENCES):
        raise MappingError(
            f"{where}: refers_to: must be id or name, and only for {', '.join(REFERENCES)}; found {refers_to!r}"
        )
    try:
        scale = Decimal(str(rule.get("scale", 1)))
    except InvalidOperation as error:
        raise MappingError(f"{where}: scale: {rule['scale']!r} is not a number") from error
    if "scale" in rule and kind not in ("number", "integer"):
        raise MappingError(f"{where}: scale: only for type: number or type: integer")
    return ColumnRule(
        target=target,
        column=_text(rule["column"], f"{where}: column") if "column" in rule else None,
        constant=_text(rule["value"], f"{where}: value") if "value" in rule else None,
        kind=kind,
        scale=scale,
        date_formats=_texts(rule["date_formats"], f"{where}: date_formats") if "date_formats" in rule else formats,
        refers_to=refers_to,
    )


def _delimiter(content: Any, where: str) -> str:
    text = str(content)
    text = "\t" if text in ("tab", "\\t") else text
    if len(text) != 1:
        raise MappingError(f"{where}: delimiter: {content!r} must be one character, or tab")
    return text


def _encoding(content: Any, where: str) -> str:
    text = str(content)
    try:
        "".encode(text)
    except LookupError as error:
        raise MappingError(f"{where}: encoding: {text!r} is unknown; try utf-8, cp1252 or latin-1") from error
    return "utf-8-sig" if text.lower() in ("utf-8", "utf8") else text


def _object(content: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise MappingError(f"{where}: must be a list of key: value pairs, found {content!r}")
    return content


def _text(content: Any, where: str) -> str:
    if content is None or isinstance(content, Mapping | list) or str(content).strip() == "":
        raise MappingError(f"{where}: must be a text, found {content!r}")
    return str(content)


def _texts(content: Any, where: str) -> tuple[str, ...]:
    values = content if isinstance(content, list) else [content]
    return tuple(_text(value, where) for value in values)


def _known_keys(content: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    names = list(known)
    for key in content:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
            raise MappingError(f"{where}: {key!r} is unknown; {hint}")
