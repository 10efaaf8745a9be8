"""Associations between records, kept in both directions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.server.catalog import (
    ASSOCIATIONS_BY_KEY,
    BY_CODE,
    DEFAULT_ASSOCIATION,
    INVERSE_ASSOCIATION,
    PRIMARY_COMPANY,
    ObjectType,
)
from sandbox.server.errors import not_found, validation_error
from sandbox.server.records import ASSOCIATION_SOURCE, Records
from sandbox.server.storage import placeholders


@dataclass(frozen=True)
class LinkType:
    """A type of a link as a client names it."""

    category: str
    type_id: int


class Links:
    """The association store of one portal."""

    def __init__(self, db: sqlite3.Connection, records: Records) -> None:
        self._db = db
        self._records = records

    def default_type(self, source: ObjectType, target: ObjectType) -> LinkType:
        """The unlabelled type between two object types.

        Raises:
            ApiError: 400, the two cannot be associated.
        """
        type_id = DEFAULT_ASSOCIATION.get((source.code, target.code))
        if type_id is None:
            raise validation_error(f"{source.name} and {target.name} cannot be associated")
        return LinkType("HUBSPOT_DEFINED", type_id)

    def known_type(self, source: ObjectType, target: ObjectType, wanted: Any) -> LinkType:
        """A ``{associationCategory, associationTypeId}`` of a request, checked.

        Raises:
            ApiError: 400, no such type between the two object types.
        """
        if not isinstance(wanted, dict) or not isinstance(wanted.get("associationTypeId"), int):
            raise validation_error("An association type is {associationCategory, associationTypeId}")
        type_id = wanted["associationTypeId"]
        if (source.code, target.code, type_id) not in ASSOCIATIONS_BY_KEY:
            raise validation_error(
                f"Association type {type_id} does not exist between {source.name} and {target.name}",
                context={"associationTypeId": [str(type_id)]},
            )
        return LinkType("HUBSPOT_DEFINED", type_id)

    def target_of(self, source: ObjectType, type_id: int) -> ObjectType:
        """The object type that an association type leads to from ``source``."""
        for from_code, to_code, known in ASSOCIATIONS_BY_KEY:
            if from_code == source.code and known == type_id:
                return BY_CODE[to_code]
        raise validation_error(f"Association type {type_id} does not start at {source.name}")

    def link(
        self, source: ObjectType, from_id: int, target: ObjectType, to_id: int, types: Sequence[LinkType]
    ) -> tuple[int, int]:
        """Associate two live records; the unlabelled type is always added. Returns their ids (survivors of merges).

        A record's first company becomes its primary one; naming another as primary replaces it.

        Raises:
            ApiError: 404, one of the records does not exist.
        """
        start = self._records.live(source, [from_id]).get(from_id)
        end = self._records.live(target, [to_id]).get(to_id)
        if start is None or end is None:
            lost, kind = (str(from_id), source) if start is None else (str(to_id), target)
            raise not_found(f"No live {kind.singular} with id {lost}", context={"ids": [lost]})
        wanted = {self.default_type(source, target).type_id, *(kind.type_id for kind in types)}
        self._choose_primary(source, start.id, target, end.id, wanted)
        self._choose_primary(target, end.id, source, start.id, wanted, inverse=True)
        added = self._insert(source.code, start.id, target.code, end.id, wanted)
        if added:
            self._records.touch(source, [start.id])
            self._records.touch(target, [end.id])
            self._keep_company_property(source, start.id, target)
            self._keep_company_property(target, end.id, source)
        return start.id, end.id

    def unlink(
        self, source: ObjectType, from_id: int, target: ObjectType, to_id: int, types: Sequence[LinkType] = ()
    ) -> None:
        """Remove the named types of a link, or the whole link when none is named."""
        type_filter = ""
        ids: list[int] = []
        if types:
            ids = [kind.type_id for kind in types]
            type_filter = f" AND type_id IN ({placeholders(len(ids))})"
        removed = self._db.execute(
            "DELETE FROM associations WHERE from_object = ? AND from_id = ? AND to_object = ? AND to_id = ?"
            + type_filter,
            (source.code, from_id, target.code, to_id, *ids),
        ).rowcount
        back = [INVERSE_ASSOCIATION.get((source.code, target.code, type_id), type_id) for type_id in ids]
        self._db.execute(
            "DELETE FROM associations WHERE from_object = ? AND from_id = ? AND to_object = ? AND to_id = ?"
            + type_filter,
            (target.code, to_id, source.code, from_id, *back),
        )
        if removed:
            self._records.touch(source, [from_id])
            self._records.touch(target, [to_id])
            self._keep_company_property(source, from_id, target)
            self._keep_company_property(target, to_id, source)

    def of(
        self, source: ObjectType, ids: Sequence[int], target: ObjectType
    ) -> dict[int, dict[int, list[dict[str, Any]]]]:
        """Links of records to one object type: from id -> to id -> types ``{category, typeId, label}``."""
        found: dict[int, dict[int, list[dict[str, Any]]]] = {}
        for from_id, to_id, type_id, category, label in self._db.execute(
            "SELECT from_id, to_id, type_id, category, label FROM associations WHERE from_object = ? AND to_object = ? "
            f"AND from_id IN ({placeholders(len(ids))}) ORDER BY from_id, to_id, type_id",
            (source.code, target.code, *ids),
        ):
            kind: dict[str, Any] = {"category": category, "typeId": type_id, "label": label}
            found.setdefault(from_id, {}).setdefault(to_id, []).append(kind)
        return found

    def _insert(self, source: int, from_id: int, target: int, to_id: int, type_ids: Iterable[int]) -> int:
        rows = []
        for type_id in type_ids:
            kind = ASSOCIATIONS_BY_KEY[(source, target, type_id)]
            rows.append((source, from_id, target, to_id, type_id, kind.category, kind.label))
            inverse = INVERSE_ASSOCIATION.get((source, target, type_id), type_id)
            back = ASSOCIATIONS_BY_KEY[(target, source, inverse)]
            rows.append((target, to_id, source, from_id, inverse, back.category, back.label))
        return self._db.executemany("INSERT OR IGNORE INTO associations VALUES (?, ?, ?, ?, ?, ?, ?)", rows).rowcount

    def _choose_primary(
        self, source: ObjectType, from_id: int, target: ObjectType, to_id: int, wanted: set[int], inverse: bool = False
    ) -> None:
        """Make the first company primary, and let a newly named primary replace the old one."""
        primary = PRIMARY_COMPANY.get(source.code) if target.name == "companies" else None
        if primary is None or (inverse and source.code == target.code):
            return
        named = INVERSE_ASSOCIATION[(source.code, target.code, primary)] if inverse else primary
        current = self._db.execute(
            "SELECT to_id FROM associations WHERE from_object = ? AND from_id = ? AND to_object = ? AND type_id = ?",
            (source.code, from_id, target.code, primary),
        ).fetchone()
        if current is None:
            wanted.add(named)
        elif named in wanted and current[0] != to_id:
            self.unlink(source, from_id, target, current[0], [LinkType("HUBSPOT_DEFINED", primary)])

    def _keep_company_property(self, source: ObjectType, from_id: int, target: ObjectType) -> None:
        if source.name != "contacts" or target.name != "companies":
            return
        row = self._db.execute(
            "SELECT to_id FROM associations WHERE from_object = 1 AND from_id = ? AND to_object = 2 AND type_id = ?",
            (from_id, PRIMARY_COMPANY[1]),
        ).fetchone()
        value = None if row is None else str(row[0])
        self._records.update(source, [(from_id, {"associatedcompanyid": value})], ASSOCIATION_SOURCE)
