"""Values and ids as Salesforce wants them: typed JSON, SOQL literals, what an id is an id of.

Syncs hand over text in its canonical spelling (:mod:`reverse_etl.values`); an empty text empties the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

#: Salesforce's own stand-in for a required name that nobody told.
NOT_PROVIDED = "[not provided]"
#: Fields without which Salesforce refuses a new record, and what stands in for them.
REQUIRED = {
    "Lead": {"LastName": NOT_PROVIDED, "Company": NOT_PROVIDED},
    "Contact": {"LastName": NOT_PROVIDED},
    "Account": {"Name": NOT_PROVIDED},
}
_PREFIXES = {"00Q": "Lead", "003": "Contact", "001": "Account", "006": "Opportunity", "701": "Campaign"}
_NUMBERS = ("double", "currency", "percent", "int", "long")
#: Values in one SOQL ``IN``, and bytes of one query in a URL (Salesforce takes 16,384 for URL and headers).
MOST_VALUES = 200
MOST_QUERY_BYTES = 12_000


def sobject_of(record_id: str, default: str) -> str:
    """The sObject that an id belongs to, by its key prefix."""
    return _PREFIXES.get(record_id[:3], default)


def full_id(record_id: str) -> str:
    """The 18-character, case-safe form of a 15- or 18-character id; any other text as it is."""
    if len(record_id) != 15 or not record_id.isalnum() or not record_id.isascii():
        return record_id
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, letter in enumerate(record_id[start : start + 5]) if letter.isupper())
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return record_id + suffix


def typed(text: str, field_type: str) -> Any:
    """The JSON value of a text for a field of that describe type. What does not parse is sent as it is: Salesforce then
    says why it refuses it."""
    if text == "":
        return False if field_type == "boolean" else None
    if field_type == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if field_type in _NUMBERS:
        try:
            return int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            return text
    return text


def soql_text(value: str) -> str:
    """A SOQL string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'"


def soql_lists(values: Sequence[str], room: int = MOST_QUERY_BYTES) -> Iterator[str]:
    """The values as SOQL lists ``('a', 'b')`` that each fit into one query of at most ``room`` bytes in a URL."""
    part: list[str] = []
    size = 0
    for value in dict.fromkeys(values):
        literal = soql_text(value)
        cost = len(quote(literal + ",", safe=""))
        if part and (len(part) >= MOST_VALUES or size + cost > room):
            yield f"({','.join(part)})"
            part, size = [], 0
        part.append(literal)
        size += cost
    if part:
        yield f"({','.join(part)})"


def with_required(sobject: str, properties: Mapping[str, str]) -> dict[str, str]:
    """The properties of a new record, with a stand-in for each required field that has no value."""
    filled = {name: value for name, value in properties.items() if value != ""}
    return {**REQUIRED.get(sobject, {}), **filled}
