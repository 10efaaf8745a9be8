"""Salesforce's records, from JSON pages or from a query job's CSV, as rows of the raw tables.

Both ways of reading give the same text for the same value: numbers without an exponent or trailing zeros, moments in
UTC with milliseconds and a ``Z``, booleans ``true`` and ``false``. Salesforce stores no empty text: empty is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from ingestion.errors import RecordRefused
from ingestion.grouped import Json, Row
from ingestion.schemas import RAW_TABLES, SALESFORCE_FIELDS, RawTable, salesforce_column
from ingestion.values import moment, plain, utc

DATASET = "raw_salesforce"
#: Types that cannot be read as one value: compound fields (their parts are fields too), and files.
LEFT_OUT = frozenset({"address", "location", "base64", "complexvalue"})
_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})

Described = Mapping[str, str]


def table(name: str) -> RawTable:
    """The raw table of an object (its API name), or ``fields``."""
    return RAW_TABLES[f"{DATASET}.{name.lower()}"]


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _number(value: Any) -> str | None:
    words = _text(value)
    if words is None:
        return None
    try:
        return plain(Decimal(words))
    except InvalidOperation:
        return words


def _moment(value: Any) -> str | None:
    words = _text(value)
    if words is None or words.endswith("Z"):
        return words
    if words.endswith("+0000"):
        return f"{words[:-5]}Z"
    try:
        return utc(datetime.fromisoformat(words)).isoformat(timespec="milliseconds") + "Z"
    except ValueError:
        return words


def _anything(value: Any) -> str | None:
    """Of a field without a type of its own, such as a history's old value."""
    words = _text(value)
    return _moment(words) if words is not None and words[10:11] == "T" and words.endswith("+0000") else words


def _reader_of(kind: str) -> Callable[[Any], str | None]:
    if kind in _NUMBERS:
        return _number
    if kind == "datetime":
        return _moment
    return _anything if kind == "anyType" else _text


class Converter:
    """Records of one object as rows of its raw table.

    Args:
        name: the object.
        described: type by field, of the fields that are read.
    """

    def __init__(self, name: str, described: Described) -> None:
        self._readers = {field: _reader_of(kind) for field, kind in described.items()}
        self._columns = {field: salesforce_column(field) for field in SALESFORCE_FIELDS[name] if field in described}

    def row(self, record: Json) -> Row:
        """The row of one record.

        Raises:
            RecordRefused: ``missing_id``, ``missing_timestamp``, ``invalid_timestamp``.
        """
        record_id = record.get("Id")
        if not record_id:
            raise RecordRefused("Id", "missing_id", "the CRM sent a record without an id")
        values = {}
        for field, read in self._readers.items():
            value = read(record.get(field))
            if value is not None:
                values[field] = value
        if values.get("CreatedDate") is None:
            raise RecordRefused("CreatedDate", "missing_timestamp", "the CRM sent a record that was never created")
        created_at = moment(values["CreatedDate"], "CreatedDate")
        modified = values.get("SystemModstamp")
        system_modstamp = moment(modified, "SystemModstamp") if modified else created_at
        updated = values.get("LastModifiedDate")
        is_deleted = values.get("IsDeleted") == "true"
        row: Row = {
            "id": record_id,
            "created_at": created_at,
            "updated_at": moment(updated, "LastModifiedDate") if updated else system_modstamp,
            "system_modstamp": system_modstamp,
            "created_by_id": values.get("CreatedById"),
            "last_modified_by_id": values.get("LastModifiedById"),
            "is_deleted": is_deleted,
            "deleted_at": system_modstamp if is_deleted else None,
            "properties": orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode(),
        }
        for field, column in self._columns.items():
            row[column] = values.get(field)
        return row


def field_row(object_name: str, described: Json) -> Row:
    """A field of an object, as describe tells it."""
    return {
        "object_name": object_name,
        "name": _text(described.get("name")),
        "label": _text(described.get("label")),
        "type": _text(described.get("type")),
        "is_custom": bool(described.get("custom")),
        "is_createable": bool(described.get("createable")),
        "is_updateable": bool(described.get("updateable")),
        "is_external_id": bool(described.get("externalId")),
    }
