"""Odd bodies and addresses are refused, never answered with a server error, and the connection lives on."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

BASE = "/crm/objects/2026-09/contacts"
JUNK: list[Any] = [None, [], {}, -1, 1.5, True, [None], {"a": 1}, "ü\u0000", "9" * 30, "²"]
_KIND = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
_FILTER = {"propertyName": "email", "operator": "IN", "value": "a", "values": ["a"], "highValue": "b"}
_PROPERTY = {"name": "p_a", "label": "a", "type": "enumeration", "fieldType": "select",
             "groupName": "contactinformation", "options": [{"label": "a", "value": "b"}]}  # fmt: skip

CALLS: list[tuple[str, str, Any]] = [
    ("POST", BASE, {"properties": {"city": "a"}, "associations": [{"to": {"id": "1"}, "types": [_KIND]}]}),
    ("POST", f"{BASE}/batch/update", {"inputs": [{"id": "1001", "properties": {"city": "y"}, "idProperty": "x"}]}),
    ("POST", f"{BASE}/batch/upsert", {"inputs": [{"id": "q@q.io", "idProperty": "email", "properties": {}}]}),
    ("POST", f"{BASE}/batch/read", {"inputs": [{"id": "1001"}], "properties": ["a"], "propertiesWithHistory": ["a"]}),
    ("POST", f"{BASE}/search", {"filterGroups": [{"filters": [_FILTER]}], "sorts": [{"propertyName": "email"}]}),
    ("POST", f"{BASE}/merge", {"primaryObjectId": "1", "objectIdToMerge": "2"}),
    ("POST", "/crm/v3/properties/contacts", _PROPERTY),
    ("POST", "/crm/v4/associations/contacts/companies/batch/create",
     {"inputs": [{"from": {"id": "1001"}, "to": {"id": "2001"}, "types": [_KIND]}]}),
    ("POST", "/crm/v3/lists/search", {"query": "L", "count": 20, "offset": 0, "processingTypes": [], "listIds": ["1"]}),
    ("PUT", "/crm/v3/lists/1/memberships/add-and-remove", {"recordIdsToAdd": ["1001"], "recordIdsToRemove": ["1002"]}),
]  # fmt: skip


def _spots(body: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in members:
        yield from _spots(value, (*above, key))


def _with(body: Any, spot: tuple[Any, ...], value: Any) -> Any:
    if not spot:
        return value
    changed = copy.deepcopy(body)
    holder = changed
    for key in spot[:-1]:
        holder = holder[key]
    holder[spot[-1]] = value
    return changed


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=[call[1] for call in CALLS])
def test_odd_bodies(api: httpx.Client, method: str, path: str, body: Any) -> None:
    for spot in _spots(body):
        for junk in JUNK:
            answer = api.request(method, path, content=json.dumps(_with(body, spot, junk)))
            assert answer.status_code < 500, (spot, junk, answer.text)


@pytest.mark.parametrize(
    "path",
    [f"{BASE}/²", f"{BASE}/{'9' * 30}", "/crm/v3/lists/²", f"/crm/v3/owners/{'9' * 30}", "/email/public/v1/campaigns/²",
     f"{BASE}?after=²", f"{BASE}?after={'9' * 30}", f"{BASE}?properties=%00", "/crm/v3/lists?listIds=²,x",
     "/email/public/v1/events?startTimestamp=-1", "/crm/v4/objects/contacts/²/associations/companies"],
)  # fmt: skip
def test_odd_addresses(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code < 500
