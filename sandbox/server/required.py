"""Properties that an administrator made required, enforced on API writes from version 2026-09 on (and not before).

Two kinds, as in the vendor's settings: required when a record is created, and required when another property takes a
certain value. They are set with ``PUT /sandbox/required/{object_type}``; real portals set them on screen only. The
names required on creation are told by the object's schema (``requiredProperties``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.server.catalog import ObjectType
from sandbox.server.errors import missing_required, validation_error
from sandbox.server.storage import get_meta, set_meta

#: First version of the API that enforces the rules.
ENFORCED_FROM = "2026-09"


@dataclass(frozen=True)
class _Rules:
    on_create: tuple[str, ...] = ()
    #: (property, value, property that is then required)
    conditional: tuple[tuple[str, str, str], ...] = ()


@dataclass
class RequiredProperties:
    """The rules of one portal, kept with its database."""

    db: sqlite3.Connection
    _rules: dict[int, _Rules] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, kept in orjson.loads(get_meta(self.db, "required_properties") or "{}").items():
            conditional = tuple((name, value, required) for name, value, required in kept["conditional"])
            self._rules[int(code)] = _Rules(tuple(kept["on_create"]), conditional)

    def set(self, kind: ObjectType, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Replace an object's rules: ``{"on_create": [names], "conditional": [{"when": {name: value}, "require":
        name}]}``."""
        on_create, conditional = wanted.get("on_create", []), wanted.get("conditional", [])
        if not isinstance(on_create, list) or not isinstance(conditional, list):
            raise validation_error("on_create must be a list of names, conditional a list of {when, require}")
        triples = [(n, str(v), str(one["require"])) for one in conditional for n, v in one["when"].items()]
        self._rules[kind.code] = _Rules(tuple(map(str, on_create)), tuple(triples))
        kept = {
            str(code): {"on_create": rules.on_create, "conditional": rules.conditional}
            for code, rules in self._rules.items()
        }
        set_meta(self.db, "required_properties", orjson.dumps(kept).decode())
        return kept[str(kind.code)]

    def on_create(self, kind: ObjectType) -> list[str]:
        """Names that a new record must bring."""
        return list(self._rules.get(kind.code, _Rules()).on_create)

    def has_rules(self, kind: ObjectType) -> bool:
        """Whether anything is required of this object."""
        return kind.code in self._rules

    def check(
        self, kind: ObjectType, stored: Mapping[str, str] | None, values: Mapping[str, Any], version: str
    ) -> None:
        """Refuse a write that leaves a required property empty; ``stored`` is None for a new record.

        Raises:
            ApiError: 400 naming the properties.
        """
        rules = self._rules.get(kind.code)
        if rules is None or not version[:1].isdigit() or version < ENFORCED_FROM:
            return
        after = {**(stored or {}), **values}
        missing = [name for name in rules.on_create if not after.get(name)] if stored is None else []
        if stored is not None:
            # Emptying one is refused; one that was empty before the rule is not this write's business.
            missing = [name for name in rules.on_create if name in values and not values[name]]
        for name, value, required in rules.conditional:
            if values.get(name) == value and not after.get(required):
                missing.append(required)
        if missing:
            raise missing_required(kind.singular, list(dict.fromkeys(missing)))
