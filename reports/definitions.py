"""What each column means: the descriptions of the marts, read from the YAML beside the models.

Nothing is written twice: the definitions page is these descriptions. A column's Portuguese text is
``config.meta.description_pt``; without it the English text is shown, marked as English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reports.errors import PageError
from reports.languages import Language

_TABLE = re.compile(r"\bmarts\.(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Definition:
    """A described column of a mart (the mart itself when ``column`` is empty). ``texts`` are by language code."""

    model: str
    column: str
    texts: Mapping[str, str]

    @property
    def anchor(self) -> str:
        """Its place on the definitions page."""
        return f"{self.model}.{self.column}" if self.column else self.model

    def text(self, language: Language) -> tuple[str, str | None]:
        """The text, and the language it is in when that is not the one asked for."""
        if language.code in self.texts:
            return self.texts[language.code], None
        return self.texts["en"], "en"


class Definitions:
    """Every described mart, and which of them a site's pages have asked for."""

    def __init__(self, models: Mapping[str, Mapping[str, Definition]]) -> None:
        self._models = models
        self.used: dict[str, Definition] = {}

    def find(self, column: str, models: Iterable[str]) -> Definition | None:
        """The first description of ``column`` among ``models``, remembered for the definitions page."""
        for model in models:
            found = self._models.get(model, {}).get(column)
            if found:
                about = self._models[model].get("")
                if about:
                    self.used[about.anchor] = about
                self.used[found.anchor] = found
                return found
        return None

    def models(self) -> list[tuple[str, Definition | None, list[Definition]]]:
        """What was asked for: model, its own description, its columns; in alphabetical order."""
        names = sorted({definition.model for definition in self.used.values()})
        return [
            (
                name,
                self.used.get(name),
                sorted(
                    (item for item in self.used.values() if item.model == name and item.column),
                    key=lambda item: item.column,
                ),
            )
            for name in names
        ]


def read_definitions(models_dir: Path) -> Definitions:
    """Read the YAML of every mart below ``models_dir``. Raises ``PageError`` naming a file that is not YAML."""
    models: dict[str, dict[str, Definition]] = {}
    for file in sorted((models_dir / "marts").rglob("*.yml")):
        try:
            content = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise PageError(f"{file.name}, line {line}: this is not YAML: {error.problem}") from error
        for model in (content or {}).get("models") or []:
            described = models.setdefault(model["name"], {})
            for column, node in [("", model), *((item["name"], item) for item in model.get("columns") or [])]:
                texts = _texts(node)
                if texts:
                    described[column] = Definition(model["name"], column, texts)
    return Definitions(models)


def tables_of(sql: str) -> list[str]:
    """The marts that a query names, in its order."""
    return list(dict.fromkeys(name.lower() for name in _TABLE.findall(sql)))


def _texts(node: Mapping[str, Any]) -> dict[str, str]:
    texts = {"en": node.get("description"), "pt": _meta(node).get("description_pt")}
    return {code: " ".join(str(text).split()) for code, text in texts.items() if text}


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return (node.get("config") or {}).get("meta") or {}
